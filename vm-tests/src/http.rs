//! One HTTP request on a connection of its own, as plain as can be, so that nothing retries behind a test's back.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};

/// Status and body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// `GET url`.
pub(crate) fn get(url: &str) -> Result<Answer> {
    request("GET", url, "")
}

/// `POST url` with a JSON text.
pub(crate) fn post(url: &str, body: &str) -> Result<Answer> {
    request("POST", url, body)
}

fn request(method: &str, url: &str, body: &str) -> Result<Answer> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} is not http://"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).with_context(|| format!("connect to {host}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(90)))?;
    // HTTP/1.0: the answer ends with the connection, so there is no chunked coding to undo.
    write!(
        stream,
        "{method} /{path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context("read the answer")?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer without an end of its head")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("an answer without a status")?;
    Ok(Answer { status, body: body.to_owned() })
}
