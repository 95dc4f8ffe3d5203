//! A server somewhere else that counts the requests which reach it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulkhead_test_kit::Network;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The header that says which effect a request is.
pub(crate) const EFFECT: &str = "x-effect";
/// The header of a request that is refused when its key comes for the first time.
pub(crate) const FAIL_FIRST: &str = "x-fail-first";
/// How long an answer takes after the request has counted: long enough to be struck in.
const WORK: Duration = Duration::from_millis(250);

/// A request that came whole.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) effect: String,
    pub(crate) idempotency_key: Option<String>,
}

/// The server, as long as this process lives.
pub(crate) struct Outside {
    address: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Outside {
    /// In a network of its own, if there is one.
    pub(crate) fn start(network: Option<&Network>) -> Self {
        let here = || std::net::TcpListener::bind(("127.0.0.1", 0)).expect("binds");
        let listener = network.map_or_else(here, Network::listen);
        listener.set_nonblocking(true).expect("set");
        let listener = TcpListener::from_std(listener).expect("listens");
        let address = listener.local_addr().expect("an address").to_string();
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let (shared, known) = (Arc::clone(&received), Arc::default());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared), Arc::clone(&known)));
            }
        });
        Self { address, received }
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    /// All that came.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Answers one request. One that does not come whole has no effect.
async fn serve(
    stream: TcpStream,
    received: Arc<Mutex<Vec<Received>>>,
    known: Arc<Mutex<BTreeSet<String>>>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let (mut effect, mut key, mut length, mut fails_first) = (None, None, 0, false);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
        let Some((name, value)) = line.split_once(':') else {
            // The request line, or the empty one that ends the head.
            if line.trim().is_empty() { break } else { continue }
        };
        let value = value.trim().to_owned();
        match name.to_ascii_lowercase().as_str() {
            EFFECT => effect = Some(value),
            "idempotency-key" => key = Some(value),
            "content-length" => length = value.parse().ok()?,
            FAIL_FIRST => fails_first = true,
            _ => {}
        }
    }
    stream.read_exact(&mut vec![0; length]).await.ok()?;
    received.lock().ok()?.push(Received { effect: effect?, idempotency_key: key.clone() });
    tokio::time::sleep(WORK).await;
    let is_new = known.lock().ok()?.insert(key.unwrap_or_default());
    let status = if fails_first && is_new { "503 Service Unavailable" } else { "200 OK" };
    let head = "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close";
    stream.write_all(format!("HTTP/1.1 {status}\r\n{head}\r\n\r\n{{}}").as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}
