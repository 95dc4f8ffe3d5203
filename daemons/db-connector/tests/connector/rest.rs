//! REST: what of a request arrives, what becomes of an answer, and where nothing arrives at all.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::ResourceId;
use bulkhead_model::query::QueryMode;
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::{QueryResult, TestRequest};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::conformance::{CANARY, Read, Subject, conforms, loses_answers};
use crate::kit::Service;
use crate::web::{Seen, WebServer, json_reply, redirect, reply};

/// Saves a REST resource; `more` are its settings beside the URL.
pub(crate) async fn resource(service: &Service, url: &str, more: Value, secret: Option<&str>) -> ResourceId {
    let mut config = json!({ "kind": "rest", "url": url });
    for (key, value) in more.as_object().expect("an object") {
        config[key] = value.clone();
    }
    service.add_any(config, secret).await
}

/// Runs a request.
pub(crate) async fn ask(
    service: &Service,
    id: ResourceId,
    mut request: Value,
    values: Value,
) -> Result<QueryResult, Problem> {
    request["do"] = json!("request");
    service.run(&service.operation(id, request, values)).await
}

fn echo(seen: &Seen) -> Option<crate::web::Reply> {
    json_reply(200, &json!({ "method": seen.method.as_str(), "target": seen.target }))
}

#[tokio::test]
async fn rest_conforms() {
    let server = WebServer::start(echo).await;
    let subject = Subject {
        config: json!({ "kind": "rest", "url": server.url("/v1"), "authentication": { "type": "bearer" } }),
        secret: Some("s3cret"),
        read: Read::Operation(json!({ "do": "request", "path": "/things" })),
        checks_secret: false,
        answers_on_connect: false,
    };
    conforms(&subject).await;
    assert_eq!(server.only().target, "/v1/things");
    let write = Read::Operation(json!({ "do": "request", "method": "POST", "path": "/things" }));
    loses_answers(&subject, &write, b"POST /v1").await;
}

#[tokio::test]
async fn values_arrive_where_they_were_meant_and_nowhere_else() {
    let (service, server) = (Service::start().await, WebServer::start(echo).await);
    let headers = json!({ "headers": { "X-Team": "blue", "Accept": "application/json" } });
    let id = resource(&service, &server.url("/v1/"), headers, None).await;
    let request = json!({
        "path": "/users/{{ id }}/orders", "query": [{ "name": "q", "value": "{{ q }}" }, { "name": "none", "value": "{{ none }}" }],
        "headers": [{ "name": "X-Trace", "value": "t-{{ q }}" }, { "name": "x-team", "value": "red" }],
    });
    let result = ask(&service, id, request.clone(), json!({ "id": "a/b?c=d#e", "q": "1&x=2", "none": null }))
        .await
        .expect("runs");
    let seen = server.only();
    assert_eq!(seen.target, "/v1/users/a%2Fb%3Fc%3Dd%23e/orders?q=1%26x%3D2");
    assert_eq!((seen.header("x-trace"), seen.header("x-team")), ("t-1&x=2", "red"));
    assert_eq!(
        (seen.header("accept"), seen.header("host")),
        ("application/json", &*format!("127.0.0.1:{}", server.port))
    );
    assert_eq!(result.data.expect("data")["method"], "GET");
    assert_eq!(result.meta.expect("meta")["status"], 200);

    for value in ["..", "../../admin", "", "a/../b"] {
        let problem = ask(&service, id, request.clone(), json!({ "id": value, "q": "", "none": 1 })).await;
        assert_eq!(problem.expect_err("refused").code, "parameter-type", "{value}");
    }
    for value in ["a\r\nX-Evil: 1", "a\0", "a\nb"] {
        let problem = ask(&service, id, request.clone(), json!({ "id": 1, "q": value, "none": 1 })).await;
        let problem = problem.expect_err("refused");
        assert!(problem.code == "operation-invalid" && problem.detail.contains("X-Trace"), "{}", problem.detail);
    }
    for name in ["Host", "Content-Length", "Transfer-Encoding"] {
        let headers = json!({ "headers": [{ "name": name, "value": "1" }] });
        assert_eq!(
            ask(&service, id, headers, json!({})).await.expect_err("refused").code,
            "operation-invalid",
            "{name}"
        );
    }
    assert!(server.seen().is_empty(), "nothing of what was refused arrived");
    assert_eq!(server.connections(), 1, "the connection is kept");
}

#[tokio::test]
async fn bodies_arrive_as_they_were_written() {
    let (service, server) = (Service::start().await, WebServer::start(echo).await);
    let id = resource(&service, &server.url(""), json!({}), None).await;
    let values =
        json!({ "id": 7, "tags": ["a", null], "text": "x&y=\r\n\"z\"", "file": STANDARD.encode(b"\x00\xffbytes") });
    let send = async |body: Value| {
        ask(&service, id, json!({ "method": "POST", "body": body }), values.clone()).await.expect("runs");
        server.only()
    };

    let json =
        send(json!({ "as": "json", "json": { "id": "{{ id }}", "tags": "{{ tags }}", "t": "<{{ text }}>" } })).await;
    assert_eq!(json.json(), json!({ "id": 7, "tags": ["a", null], "t": "<x&y=\r\n\"z\">" }));
    assert_eq!((json.header("content-type"), json.target.as_str()), ("application/json", "/"));
    let form = send(
        json!({ "as": "form", "fields": [{ "name": "a b", "value": "{{ text }}" }, { "name": "t", "value": "{{ tags }}" }] }),
    );
    assert_eq!(form.await.text(), "a+b=x%26y%3D%0D%0A%22z%22&t=a");
    let text = send(json!({ "as": "text", "text": "id {{ id }}", "content-type": "text/csv" })).await;
    assert_eq!((text.header("content-type"), text.text().as_str()), ("text/csv", "id 7"));
    let bytes = send(json!({ "as": "bytes", "base64": "{{ file }}" })).await;
    assert_eq!(&bytes.body[..], b"\x00\xffbytes");

    let file = send(json!({
        "as": "file", "field": "upload", "file-name": "{{ text }}.bin", "base64": "{{ file }}", "content-type": "image/png",
        "fields": [{ "name": "note", "value": "{{ text }}" }],
    }))
    .await;
    let boundary = file.header("content-type").strip_prefix("multipart/form-data; boundary=").expect("a boundary");
    let expected = [
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nx&y=\r\n\"z\"\r\n").as_bytes(),
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"x&y=%0D%0A%22z%22.bin\"\r\n"
        )
        .as_bytes(),
        b"Content-Type: image/png\r\n\r\n\x00\xffbytes\r\n",
        format!("--{boundary}--\r\n").as_bytes(),
    ]
    .concat();
    assert_eq!(file.body, expected);
    let problem =
        ask(&service, id, json!({ "method": "POST", "body": { "as": "bytes", "base64": "no!" } }), json!({})).await;
    assert_eq!(problem.expect_err("refused").code, "operation-invalid");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("finished")
}

fn many_kinds(seen: &Seen) -> Option<crate::web::Reply> {
    let json = [("content-type", "application/json")];
    match seen.target.as_str() {
        "/rows" => json_reply(200, &json!({ "data": { "list": [{ "id": 1, "name": "a" }, { "id": 2, "tags": [] }] } })),
        "/numbers" => reply(
            200,
            &json,
            "{\"big\": 9007199254740993, \"long\": 0.12345678901234567891, \"f\": 0.30000000000000004}",
        ),
        "/text" => {
            reply(200, &[("content-type", "text/csv"), ("set-cookie", "session=1"), ("x-rate", "3")], "a,b\n1,2\n")
        }
        "/bytes" => reply(200, &[("content-type", "image/png")], &b"\x89PNG"[..]),
        "/empty" => reply(204, &[], ""),
        "/gzip" => reply(200, &[json[0], ("content-encoding", "gzip")], gzip(b"[{\"a\":1}]")),
        "/bomb" => reply(200, &[json[0], ("content-encoding", "gzip")], gzip(&vec![b' '; 4 << 20])),
        "/no-gzip" => reply(200, &[json[0], ("content-encoding", "gzip")], "[]"),
        "/no-json" => reply(200, &json, "<html>"),
        "/deep" => reply(200, &json, "[".repeat(100_000)),
        "/large" => reply(200, &json, vec![b' '; 4 << 20]),
        "/missing" => json_reply(404, &json!({ "message": "there is no such order" })),
        "/echo" => reply(400, &[("content-type", "text/plain")], format!("{:?} {}", seen.headers, seen.target)),
        _ => None,
    }
}

#[tokio::test]
async fn answers_become_rows_data_or_an_error() {
    let (service, server) = (Service::start().await, WebServer::start(many_kinds).await);
    let id = resource(&service, &server.url(""), json!({}), None).await;
    let run = async |path: &str, more: Value| {
        let mut request = json!({ "path": path });
        for (key, value) in more.as_object().expect("an object") {
            request[key] = value.clone();
        }
        request["do"] = json!("request");
        let mut query = service.operation(id, request, json!({}));
        query.limits.max_bytes = 1 << 20;
        service.run(&query).await
    };
    let data = async |path: &str| run(path, json!({})).await.expect("runs").data.expect("data");

    let rows = run("/rows", json!({ "items": "/data/list" })).await.expect("runs");
    assert_eq!(json!(rows.rows), json!([{ "id": 1, "name": "a" }, { "id": 2, "tags": [] }]));
    assert_eq!(rows.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["id", "name", "tags"]);
    let nowhere = run("/rows", json!({ "items": "/rows" })).await.expect_err("nothing there");
    assert!(nowhere.code == "query-failed" && nowhere.detail.contains("/rows"), "{}", nowhere.detail);
    let numbers = json!({ "big": "9007199254740993", "long": "0.12345678901234567891", "f": 0.300_000_000_000_000_04 });
    assert_eq!(data("/numbers").await, numbers);
    let text = run("/text", json!({})).await.expect("runs");
    assert_eq!(text.data, Some(json!("a,b\n1,2\n")));
    let headers = text.meta.expect("meta")["headers"].clone();
    assert_eq!((&headers["x-rate"], headers.get("set-cookie")), (&json!("3"), None));
    assert_eq!(data("/bytes").await, json!({ "base64": "iVBORw==", "content-type": "image/png" }));
    assert_eq!(data("/empty").await, Value::Null);
    assert_eq!(json!(run("/gzip", json!({})).await.expect("runs").rows), json!([{ "a": 1 }]));

    for (path, code) in [
        ("/bomb", "result-too-large"),
        ("/large", "result-too-large"),
        ("/no-gzip", "query-failed"),
        ("/no-json", "query-failed"),
        ("/deep", "query-failed"),
    ] {
        assert_eq!(run(path, json!({})).await.expect_err("refused").code, code, "{path}");
    }
    // What was changed was changed, however large the answer.
    let changed = run("/large", json!({ "method": "DELETE" })).await.expect_err("too large");
    assert!(changed.code == "query-failed" && changed.detail.contains("was changed"), "{}", changed.detail);
    let missing = run("/missing", json!({})).await.expect_err("an error");
    assert_eq!(
        (missing.status, missing.code.as_str(), missing.sqlstate.as_deref()),
        (422, "query-failed", Some("404"))
    );
    assert!(missing.detail.contains("404 Not Found") && missing.detail.contains("no such order"), "{}", missing.detail);
}

#[tokio::test]
async fn redirects_stay_at_the_server() {
    let elsewhere = WebServer::start(echo).await;
    let away = elsewhere.url("/stolen?x=1");
    let server = WebServer::start(move |seen| match seen.target.as_str() {
        "/v1/moved" => redirect(302, "/v2/here?x=1"),
        "/v1/kept" => redirect(307, "../v2/kept"),
        "/v1/away" => redirect(302, &away),
        "/v1/scheme" => redirect(301, &format!("https://{}/v1", seen.header("host"))),
        "/v1/user" => redirect(301, &format!("http://u:p@{}/v1", seen.header("host"))),
        "/v1/round" => redirect(302, "/v1/round"),
        _ => echo(seen),
    })
    .await;
    let service = Service::start().await;
    let id =
        resource(&service, &server.url("/v1"), json!({ "authentication": { "type": "bearer" } }), Some(CANARY)).await;
    let moved = ask(
        &service,
        id,
        json!({ "method": "POST", "path": "/moved", "body": { "as": "text", "text": "x" } }),
        json!({}),
    );
    assert_eq!(moved.await.expect("followed").data, Some(json!({ "method": "GET", "target": "/v2/here?x=1" })));
    assert!(server.seen().iter().all(|seen| seen.header("authorization") == format!("Bearer {CANARY}")));
    let kept = ask(
        &service,
        id,
        json!({ "method": "PUT", "path": "/kept", "body": { "as": "text", "text": "x" } }),
        json!({}),
    );
    kept.await.expect("followed");
    let kept = server.seen().pop().expect("seen");
    assert_eq!((kept.method, kept.target.as_str(), &kept.body[..]), (Method::PUT, "/v2/kept", &b"x"[..]));
    for path in ["/away", "/scheme", "/user", "/round"] {
        let problem = ask(&service, id, json!({ "path": path }), json!({})).await.expect_err("refused");
        assert_eq!(problem.code, "query-failed", "{path}: {}", problem.detail);
        assert!(!problem.detail.contains(CANARY) && !problem.detail.contains("u:p"), "{}", problem.detail);
        if path == "/away" {
            assert!(problem.detail.contains(&elsewhere.url("/stolen")), "{}", problem.detail);
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn the_default_policy_lets_no_request_reach_this_machine() {
    let (service, server) = (Service::with(json!({})).await, WebServer::start(echo).await);
    let port = server.port;
    let places = [
        "127.0.0.1",
        "2130706433",
        "0177.0.0.1",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "127.0.0.1.",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "169.254.169.254",
        "100.100.100.200",
        "xn--local-host",
        "ⓛocalhost",
        "u:p@127.0.0.1",
        "example.com@127.0.0.1",
        "127.0.0.1#.example.com",
        "127.0.0.1\\.example.com",
    ];
    let token = |url: &str| json!({ "authentication": { "type": "oauth2", "token-url": url, "client-id": "c" } });
    for place in places {
        let url = format!("http://{place}:{port}/");
        let as_resource = resource(&service, &url, json!({}), None).await;
        // An address of documentation, where nobody is: the token is asked for before it.
        let as_token_url = resource(&service, "http://192.0.2.1:9/", token(&url), Some(CANARY)).await;
        for id in [as_resource, as_token_url] {
            let problem = ask(&service, id, json!({}), json!({})).await.expect_err(place);
            let expected = ["resource-host-refused", "resource-unreachable", "resource-log-in", "operation-invalid"];
            assert!(expected.contains(&problem.code.as_str()), "{place}: {} {}", problem.code, problem.detail);
        }
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_dead_connection_is_not_noticed_by_who_reads_and_a_change_without_an_answer_is_of_unknown_outcome() {
    let (service, server) = (Service::start().await, WebServer::start(echo).await);
    let id = resource(&service, &server.url(""), json!({}), None).await;
    ask(&service, id, json!({}), json!({})).await.expect("runs");
    server.restart(|seen| if seen.method == Method::POST { None } else { echo(seen) }).await;
    ask(&service, id, json!({}), json!({})).await.expect("on a new connection");
    server.seen();
    let post = ask(&service, id, json!({ "method": "POST" }), json!({})).await.expect_err("no answer");
    assert_eq!(post.code, "outcome-unknown");
    assert_eq!(server.seen().len(), 1, "it is not sent again");
    let read = ask(&service, id, json!({ "method": "POST", "reads": true }), json!({})).await.expect_err("no answer");
    assert_eq!(read.code, "resource-lost");
}

#[tokio::test]
async fn an_operation_of_another_kind_is_refused() {
    let (service, server) = (Service::start().await, WebServer::start(echo).await);
    let id = resource(&service, &server.url(""), json!({}), None).await;
    let command = service.operation(id, json!({ "do": "command", "command": ["GET", "a"] }), json!({}));
    assert_eq!(service.run(&command).await.expect_err("refused").code, "operation-unsupported");
    let mut statement = service.query("select 1");
    (statement.resource, statement.mode) = (id, QueryMode::Read);
    assert_eq!(service.run(&statement).await.expect_err("refused").code, "operation-unsupported");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_test_tells_whether_the_server_lets_in() {
    let service = Service::start().await;
    let server = WebServer::start(|seen| match seen.header("x-key") {
        "s3cret" => reply(404, &[], "nothing here"),
        _ => reply(403, &[], "who are you?"),
    })
    .await;
    let test = async |secret: &str| -> Result<Value, bulkhead_rpc::RpcError> {
        let authentication = json!({ "type": "api-key-header", "header": "X-Key" });
        let config = json!({ "kind": "rest", "url": server.url("/v1"), "authentication": authentication });
        let resource = ResourceId::new();
        let secret = Some(service.sealed(resource, secret));
        let request = TestRequest {
            config: serde_json::from_value(config).expect("a configuration"),
            secret,
            resource,
            asked_by: None,
            environment: Default::default(),
        };
        service.client.call(Method::POST, "/v1/test", &request).await
    };
    test("s3cret").await.expect("let in");
    let refused = test(CANARY).await.expect_err("kept out").to_string();
    assert!(refused.contains("403") && refused.contains("who are you?") && !refused.contains(CANARY), "{refused}");
}

#[tokio::test]
async fn an_encrypted_server_is_used_if_its_certificate_is_good() {
    let service = Service::start().await;
    let (server, authority) = WebServer::start_tls(echo).await;
    let url = |host: &str| format!("https://{host}:{}/v1", server.port);
    let bearer = json!({ "type": "bearer" });
    let good = json!({ "ca-certificate": authority, "authentication": bearer });
    let id = resource(&service, &url("localhost"), good.clone(), Some("s3cret")).await;
    ask(&service, id, json!({ "path": "/a" }), json!({})).await.expect("runs");
    let seen = server.only();
    assert_eq!(
        (seen.header("host"), seen.header("authorization")),
        (&*format!("localhost:{}", server.port), "Bearer s3cret")
    );

    let another_name = resource(&service, &url("127.0.0.1"), good, Some(CANARY)).await;
    let another_authority =
        resource(&service, &url("localhost"), json!({ "authentication": bearer }), Some(CANARY)).await;
    for id in [another_name, another_authority] {
        assert_eq!(ask(&service, id, json!({}), json!({})).await.expect_err("refused").code, "resource-tls");
    }
    assert!(server.seen().is_empty());
}

/// A server that writes these bytes to whoever asks, and hangs up.
async fn raw_server(bytes: Vec<u8>) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(&bytes).await;
        }
    });
    port
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_has_no_end_is_an_error() {
    let service = Service::start().await;
    let headers = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-many: value\r\n".repeat(100_000));
    for (name, bytes) in [
        ("cut", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc".to_vec()),
        ("chunk", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n".to_vec()),
        ("headers", headers.into_bytes()),
        ("none", b"HTTP/1.1 2".to_vec()),
    ] {
        let url = format!("http://127.0.0.1:{}", raw_server(bytes).await);
        let id = resource(&service, &url, json!({}), None).await;
        let read = ask(&service, id, json!({}), json!({})).await.expect_err(name);
        let write = ask(&service, id, json!({ "method": "POST" }), json!({})).await.expect_err(name);
        assert_eq!((read.code.as_str(), write.code.as_str()), ("resource-lost", "outcome-unknown"), "{name}");
    }
    let endless = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n"
        .iter()
        .copied()
        .chain(std::iter::repeat_n(b'x', 20 << 20));
    let url = format!("http://127.0.0.1:{}", raw_server(endless.collect()).await);
    let id = resource(&service, &url, json!({}), None).await;
    assert_eq!(ask(&service, id, json!({}), json!({})).await.expect_err("refused").code, "result-too-large");
}
