//! Requests that no sound caller makes: each is refused, or its block ends with a typed error, and the daemon works on.

use bulkhead_rpc::RpcError;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::executor::{Executor, LENIENT, javascript, python, request};

/// Sends a body as it is; gives the status of the answer.
async fn status_of(executor: &Executor, body: &[u8]) -> u16 {
    let mut stream = UnixStream::connect(executor.directory.path().join("executor.sock")).await.unwrap();
    let head = format!(
        "POST /v1/run HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let status = std::str::from_utf8(&answer[9..12]).unwrap();
    status.parse().unwrap()
}

fn run_of(inputs: &str) -> String {
    let work = r#"{"kind": "code", "language": "python", "source": "return 1"}"#;
    format!(r#"{{"blocks": [{{"id": "a", "work": {work}}}], "inputs": {{"x": {inputs}}}}}"#)
}

#[tokio::test]
async fn a_body_that_is_no_run_is_refused() {
    let executor = Executor::start(LENIENT);
    let deep = run_of(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    let mut not_utf8 = run_of("\"?\"").into_bytes();
    let at = not_utf8.iter().position(|byte| *byte == b'?').unwrap();
    not_utf8[at] = 0xff;

    for body in ["", "null", "[]", "{", "{}{}", "\0\u{1}\u{2}", &run_of("NaN"), &run_of("1e999"), &deep] {
        let status = status_of(&executor, body.as_bytes()).await;
        assert!([400, 422].contains(&status), "{status} for {:.40}", body);
    }
    assert_eq!(status_of(&executor, &not_utf8).await, 400);
    assert_eq!(executor.python("return 1").await.value(), 1);
}

#[tokio::test]
async fn a_hundred_megabytes_of_inputs_are_refused_and_thirty_are_not() {
    let executor = Executor::start(LENIENT);

    let huge = run_of(&format!("\"{}\"", "x".repeat(100 << 20)));
    assert_eq!(status_of(&executor, huge.as_bytes()).await, 413);
    let inputs = json!({ "x": "y".repeat(30 << 20) });
    assert_eq!(executor.block(python("return len(x)"), inputs.clone()).await.value(), 30 << 20);
    assert_eq!(executor.block(javascript("return x.length"), inputs).await.value(), 30 << 20);
}

#[tokio::test]
async fn source_that_is_huge_or_no_text_is_an_error_of_its_own() {
    let executor = Executor::start(LENIENT);
    let huge = "x = 1\n".repeat((10 << 20) / 6);
    let binary: String = (0..2048_u32).filter_map(|n| char::from_u32(n * 37 % 0xd7ff)).collect();

    for spec in [javascript(&huge), python(&huge)] {
        let refused = executor.run(&request(vec![spec], Value::Null)).await;
        assert!(
            matches!(&refused, Err(RpcError::Problem(problem)) if problem.code == "source-too-large"),
            "{refused:?}"
        );
    }
    for spec in
        [javascript(&binary), python(&binary), javascript("\0"), python("return 1 \0"), python("\u{feff}retrun")]
    {
        let ended = executor.block(spec, Value::Null).await;
        assert!(["syntax", "thrown"].contains(&ended.kind()), "{:?}", ended.result.error);
    }
}
