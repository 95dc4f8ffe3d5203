//! REST: how requests show who asks. The token server is one of the test's own, after RFC 6749, section 4.4.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::conformance::CANARY;
use crate::kit::Service;
use crate::rest::{ask, resource};
use crate::web::{Seen, WebServer, json_reply, redirect, reply};

/// A server that refuses everything, and repeats what it was sent.
fn repeat(seen: &Seen) -> Option<crate::web::Reply> {
    reply(400, &[("content-type", "text/plain")], format!("{:?} {}", seen.headers, seen.target))
}

#[tokio::test]
async fn each_way_to_show_who_asks_is_sent_and_kept_out_of_messages() {
    let (service, server) = (Service::start().await, WebServer::start(repeat).await);
    let send = async |authentication: Value| {
        let id =
            resource(&service, &server.url(""), json!({ "authentication": authentication }), Some("canary-a&b")).await;
        let problem = ask(&service, id, json!({ "query": [{ "name": "q", "value": "1" }] }), json!({})).await;
        let problem = problem.expect_err("refused").detail;
        for secret in ["canary", "Y2FuYXJ5"] {
            assert!(!problem.contains(secret), "{problem}");
        }
        server.only()
    };
    let basic = send(json!({ "type": "basic", "user": "u" })).await;
    assert_eq!(basic.header("authorization"), "Basic dTpjYW5hcnktYSZi");
    let bearer = send(json!({ "type": "bearer" })).await;
    assert_eq!(bearer.header("authorization"), "Bearer canary-a&b");
    let key = send(json!({ "type": "api-key-header", "header": "X-Key", "prefix": "Key " })).await;
    assert_eq!(key.header("x-key"), "Key canary-a&b");
    let query = send(json!({ "type": "api-key-query", "parameter": "api key" })).await;
    assert_eq!(query.target, "/?q=1&api%20key=canary-a%26b");

    let id = resource(&service, &server.url(""), json!({ "authentication": { "type": "bearer" } }), Some(CANARY)).await;
    let own = json!({ "headers": [{ "name": "Authorization", "value": "Bearer mine" }] });
    let problem = ask(&service, id, own.clone(), json!({})).await.expect_err("refused");
    assert!(problem.code == "operation-invalid" && problem.detail.contains("who asks"), "{}", problem.detail);
    let without = resource(&service, &server.url(""), json!({ "authentication": { "type": "bearer" } }), None).await;
    assert_eq!(ask(&service, without, json!({}), json!({})).await.expect_err("refused").code, "resource-secret");
    assert!(server.seen().is_empty());
    // Where the resource shows nothing, a request may.
    let open = resource(&service, &server.url(""), json!({}), None).await;
    ask(&service, open, own, json!({})).await.expect_err("400");
    assert_eq!(server.only().header("authorization"), "Bearer mine");
}

/// A token server that counts its tokens, and answers slowly enough for others to come meanwhile.
async fn token_server(expires_in: Value) -> WebServer {
    let count = Arc::new(AtomicUsize::new(0));
    WebServer::start(move |seen| {
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/oauth/token"));
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        std::thread::sleep(Duration::from_millis(100));
        let token = format!("token-{number}");
        json_reply(200, &json!({ "access_token": token, "token_type": "Bearer", "expires_in": expires_in }))
    })
    .await
}

fn oauth2(tokens: &WebServer) -> Value {
    json!({ "authentication": { "type": "oauth2", "token-url": tokens.url("/oauth/token"), "client-id": "bulk head",
        "scope": "read write" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_for_once_however_many_wait_for_it() {
    let service = Service::start().await;
    let (tokens, server) = (token_server(json!(3600)).await, WebServer::start(|_| json_reply(200, &json!({}))).await);
    let id = resource(&service, &server.url(""), oauth2(&tokens), Some("s3:cret")).await;
    let asked = (0..8).map(|_| ask(&service, id, json!({}), json!({})));
    futures_util::future::try_join_all(asked).await.expect("all run");
    ask(&service, id, json!({}), json!({})).await.expect("runs");
    let token = tokens.only();
    assert_eq!(token.text(), "grant_type=client_credentials&scope=read+write");
    // Both are encoded before they are joined: bulk+head:s3%3Acret
    assert_eq!(token.header("authorization"), "Basic YnVsaytoZWFkOnMzJTNBY3JldA==");
    let seen = server.seen();
    assert!(seen.len() == 9 && seen.iter().all(|seen| seen.header("authorization") == "Bearer token-1"));
    assert!(seen.iter().all(|seen| !format!("{seen:?}").contains("cret")), "the server never sees the client's secret");
}

#[tokio::test]
async fn a_token_that_has_ended_is_not_used() {
    let service = Service::start().await;
    let (tokens, server) = (token_server(json!("1")).await, WebServer::start(|_| json_reply(200, &json!({}))).await);
    let mut settings = oauth2(&tokens);
    settings["authentication"]["secret-in-form"] = json!(true);
    settings["authentication"]["audience"] = json!("https://api");
    let id = resource(&service, &server.url(""), settings, Some("s3cret")).await;
    ask(&service, id, json!({}), json!({})).await.expect("runs");
    tokio::time::sleep(Duration::from_millis(1000)).await;
    ask(&service, id, json!({}), json!({})).await.expect("runs");
    let asked = tokens.seen();
    assert_eq!((asked.len(), asked[0].header("authorization")), (2, ""));
    assert!(asked[0].text().ends_with("audience=https%3A%2F%2Fapi&client_id=bulk+head&client_secret=s3cret"));
    assert_eq!(server.seen().pop().expect("seen").header("authorization"), "Bearer token-2");
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once_for_a_read_and_a_write_is_not_sent_again() {
    let service = Service::start().await;
    let tokens = token_server(json!(3600)).await;
    let server = WebServer::start(|seen| match seen.header("authorization") {
        "Bearer token-2" | "Bearer token-4" => json_reply(200, &json!({ "by": seen.header("authorization") })),
        _ => reply(401, &[], "expired"),
    })
    .await;
    let id = resource(&service, &server.url(""), oauth2(&tokens), Some("s3cret")).await;
    let read = ask(&service, id, json!({}), json!({})).await.expect("with the second token");
    assert_eq!(read.data, Some(json!({ "by": "Bearer token-2" })));
    server.restart(|_| reply(401, &[], "never")).await;
    server.seen();
    let refused = ask(&service, id, json!({}), json!({})).await.expect_err("refused");
    assert_eq!((refused.code.as_str(), refused.sqlstate.as_deref()), ("query-failed", Some("401")));
    assert_eq!(server.seen().len(), 2);
    let write = ask(&service, id, json!({ "method": "POST" }), json!({})).await.expect_err("refused");
    assert_eq!((write.sqlstate.as_deref(), server.seen().len()), (Some("401"), 1));
}

#[tokio::test]
async fn a_token_server_that_gives_none_says_why_and_redirects_nowhere() {
    let service = Service::start().await;
    let server = WebServer::start(|_| json_reply(200, &json!({}))).await;
    let elsewhere = WebServer::start(|_| json_reply(200, &json!({ "access_token": "stolen" }))).await;
    let away = elsewhere.url("/token");
    let tokens = WebServer::start(move |seen| match seen.target.as_str() {
        "/refuses" => {
            json_reply(401, &json!({ "error": "invalid_client", "error_description": format!("not {CANARY}") }))
        }
        "/away" => redirect(307, &away),
        "/html" => reply(200, &[], "<html>"),
        "/mac" => json_reply(200, &json!({ "access_token": "x", "token_type": "mac" })),
        "/crlf" => json_reply(200, &json!({ "access_token": "x\r\nX-Evil: 1" })),
        _ => reply(200, &[], vec![b'x'; 100_000]),
    })
    .await;
    for (path, said) in [
        ("/refuses", "invalid_client"),
        ("/away", "redirects to"),
        ("/html", "access_token"),
        ("/mac", "bearer"),
        ("/crlf", "no header"),
        ("/large", "65536 bytes"),
    ] {
        let authentication = json!({ "type": "oauth2", "token-url": tokens.url(path), "client-id": "c" });
        let id = resource(&service, &server.url(""), json!({ "authentication": authentication }), Some(CANARY)).await;
        let problem = ask(&service, id, json!({ "method": "POST" }), json!({})).await.expect_err("no token");
        assert_eq!(problem.code, "resource-log-in", "{path}: {}", problem.detail);
        assert!(problem.detail.contains(said) && !problem.detail.contains(CANARY), "{path}: {}", problem.detail);
    }
    assert_eq!((server.connections(), elsewhere.connections()), (0, 0));
}
