//! The client against a real HTTP server on a real Unix socket.

use std::convert::Infallible;

use bulkhead_rpc::problem::{PROBLEM_JSON, Problem};
use bulkhead_rpc::{RpcClient, RpcError};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::UnixListener;

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let token = request.headers().get("authorization").map(|value| value.to_str().expect("text").to_owned());
    let body = request.into_body().collect().await.expect("body").to_bytes();
    Ok(match path.as_str() {
        "/echo" => Response::new(Full::new(body)),
        "/token" => Response::new(Full::new(json!(token).to_string().into())),
        "/empty" => Response::builder().status(204).body(Full::default()).expect("response"),
        "/problem" => {
            let problem = Problem::new(422, "parameter-missing", "`x` is missing: give it a value");
            let text = serde_json::to_vec(&problem).expect("serialises");
            let response = Response::builder().status(422).header("content-type", PROBLEM_JSON);
            response.body(Full::new(text.into())).expect("response")
        }
        _ => Response::builder().status(500).body(Full::new("boom".into())).expect("response"),
    })
}

fn serve() -> (tempfile::TempDir, RpcClient) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("echo.sock");
    let listener = UnixListener::bind(&path).expect("binds");
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("accepts");
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
            tokio::spawn(connection);
        }
    });
    (directory, RpcClient::new("echo", path))
}

#[tokio::test]
async fn json_goes_there_and_back() {
    let (_directory, client) = serve();
    let back: Value = client.call(Method::POST, "/echo", &json!({"a": [1, "é"]})).await.expect("answers");
    assert_eq!(back, json!({"a": [1, "é"]}));
    let () = client.call(Method::POST, "/empty", &json!({})).await.expect("no content reads as unit");
    let token: Option<String> =
        client.call_with_token(Method::POST, "/token", &json!({}), "abc").await.expect("answers");
    assert_eq!(token.as_deref(), Some("Bearer abc"));
}

#[tokio::test]
async fn a_problem_keeps_its_code_and_words() {
    let (_directory, client) = serve();
    let error = client.get::<Value>("/problem").await.expect_err("refuses");
    assert_eq!(error.to_string(), "`x` is missing: give it a value");
    assert!(matches!(error, RpcError::Problem(problem) if problem.code == "parameter-missing"));
    let error = client.get::<Value>("/other").await.expect_err("fails");
    assert!(
        matches!(error, RpcError::Problem(problem) if problem.code == "unexpected-answer" && problem.status == 500)
    );
}

#[tokio::test]
async fn a_service_that_is_not_there_is_named_with_its_socket() {
    let client = RpcClient::new("db-connector", "/nonexistent/db-connector.sock");
    let error = client.get::<Value>("/").await.expect_err("cannot connect");
    assert_eq!(
        error.to_string(),
        "db-connector cannot be reached at /nonexistent/db-connector.sock: is its socket unit active?"
    );
}
