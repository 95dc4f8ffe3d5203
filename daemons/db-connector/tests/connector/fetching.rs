//! Requests of code: who is reached, who is not, and what of a request arrives.

use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_rpc::RpcError;
use bulkhead_rpc::fetch::{FetchAnswer, FetchRequest, Redirect as Follow};
use http::Method;
use serde_json::{Value, json};

use crate::kit::Service;

/// A web server on loopback; gives its port.
async fn web_server(elsewhere: u16) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("bound").port();
    let answer = move |method: Method, uri: Uri, headers: HeaderMap, body: String| async move {
        match uri.path() {
            "/moved" => Redirect::to("/here?x=1").into_response(),
            "/away" => Redirect::temporary(&format!("http://127.0.0.1:{elsewhere}/")).into_response(),
            "/round" => Redirect::temporary("/round").into_response(),
            "/large" => vec![b'x'; 6 * 1024 * 1024].into_response(),
            "/refused" => StatusCode::IM_A_TEAPOT.into_response(),
            path => {
                let names: Vec<String> = headers.keys().map(ToString::to_string).collect();
                let host = headers["host"].to_str().expect("text");
                Json(json!({"method": method.as_str(), "path": path, "names": names, "host": host, "body": body}))
                    .into_response()
            }
        }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    port
}

fn get(url: String) -> FetchRequest {
    FetchRequest { url, method: "GET".into(), headers: Vec::new(), body: None, redirect: Follow::Follow }
}

async fn fetch(service: &Service, request: &FetchRequest) -> Result<(FetchAnswer, Value), String> {
    match service.client.call::<_, FetchAnswer>(Method::POST, "/v1/fetch", request).await {
        Ok(answer) => {
            let body = STANDARD.decode(&answer.body).expect("base64");
            Ok((answer, serde_json::from_slice(&body).unwrap_or_default()))
        }
        Err(RpcError::Problem(problem)) => Err(problem.code),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_request_arrives_without_what_belongs_to_the_connection() {
    let port = web_server(1).await;
    let origin = format!("http://127.0.0.1:{port}");
    let service = Service::with(json!({ "allow-networks": ["127.0.0.0/8"], "allow-fetch": [&origin] })).await;
    let headers = [("X-Own", "yes"), ("Host", "evil.test"), ("Content-Length", "1"), ("Transfer-Encoding", "chunked")];
    let request = FetchRequest {
        method: "POST".into(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body: Some(STANDARD.encode("hello")),
        ..get(format!("{origin}/orders"))
    };

    let (answer, said) = fetch(&service, &request).await.expect("answered");

    assert_eq!((answer.status, said["method"].as_str(), said["body"].as_str()), (200, Some("POST"), Some("hello")));
    assert_eq!(said["host"], format!("127.0.0.1:{port}"));
    assert!(said["names"].as_array().expect("names").contains(&json!("x-own")));
    let teapot = fetch(&service, &get(format!("{origin}/refused"))).await.expect("an answer like any other");
    assert_eq!(teapot.0.status, 418);
}

#[tokio::test]
async fn redirects_are_followed_only_where_the_policy_allows() {
    let elsewhere = web_server(1).await;
    let port = web_server(elsewhere).await;
    let origin = format!("http://127.0.0.1:{port}");
    let service = Service::with(json!({ "allow-networks": ["127.0.0.0/8"], "allow-fetch": [&origin] })).await;
    let moved = FetchRequest { method: "POST".into(), ..get(format!("{origin}/moved")) };

    let (answer, said) = fetch(&service, &moved).await.expect("answered");
    assert_eq!((answer.redirected, answer.url), (true, format!("{origin}/here?x=1")));
    assert_eq!((said["method"].as_str(), said["path"].as_str()), (Some("GET"), Some("/here")));

    let manual = FetchRequest { redirect: Follow::Manual, ..get(format!("{origin}/moved")) };
    assert_eq!(fetch(&service, &manual).await.expect("answered").0.status, 303);
    let error = FetchRequest { redirect: Follow::Error, ..get(format!("{origin}/moved")) };
    assert_eq!(fetch(&service, &error).await.expect_err("refused"), "fetch-redirected");
    assert_eq!(fetch(&service, &get(format!("{origin}/away"))).await.expect_err("refused"), "fetch-redirected");
    assert_eq!(fetch(&service, &get(format!("{origin}/round"))).await.expect_err("refused"), "fetch-redirected");
    assert_eq!(fetch(&service, &get(format!("{origin}/large"))).await.expect_err("refused"), "fetch-too-large");
}

#[tokio::test]
async fn nothing_is_reached_unless_an_administrator_allows_origin_and_address() {
    let port = web_server(1).await;
    let origin = format!("http://127.0.0.1:{port}");
    let strict = Service::with(json!({})).await;
    let listed = Service::with(json!({ "allow-fetch": [&origin, "http://[::1]:1", "http://169.254.169.254"] })).await;

    assert_eq!(fetch(&strict, &get(format!("{origin}/"))).await.expect_err("refused"), "fetch-refused");
    for url in [format!("{origin}/"), "http://[::1]:1/".into(), "http://169.254.169.254/latest/meta-data".into()] {
        assert_eq!(fetch(&listed, &get(url.clone())).await.expect_err("refused"), "fetch-refused", "{url}");
    }
    for url in ["file:///etc/passwd", "gopher://x/", "http://u:p@example.test/", "nonsense"] {
        assert_eq!(fetch(&strict, &get(url.into())).await.expect_err("refused"), "fetch-invalid", "{url}");
    }
}
