//! A server that answers as ClickHouse does by HTTP, from recorded texts, and remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What it was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// The address's pairs, with those of a form.
    pub(crate) given: BTreeMap<String, String>,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// The statement.
    pub(crate) statement: String,
}

/// What it answers.
pub(crate) enum Told {
    /// Status, more headers, body.
    Whole(u16, &'static str, Vec<u8>),
    /// Pieces of a body whose length is not known before.
    Stream(Box<dyn Iterator<Item = Vec<u8>> + Send>, After),
}

/// What follows the pieces.
pub(crate) enum After {
    End,
    HangUp,
    Silence,
}

/// A running one.
pub(crate) struct Recorded {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Recorded {
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Told + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (answer, log) = (Arc::new(answer), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                tokio::spawn(async move { serve(stream, &*answer, &log).await });
            }
        });
        Self { port, asked }
    }

    /// What it was asked until now.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("a log").clone()
    }

    /// Waits until it is asked something like this.
    pub(crate) async fn until(&self, is_it: impl Fn(&Asked) -> bool) -> Asked {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            if let Some(asked) = self.asked().into_iter().find(|asked| is_it(asked)) {
                return asked;
            }
            assert!(Instant::now() < end, "it was asked only {:?}", self.asked());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn serve(stream: TcpStream, answer: &(impl Fn(&Asked) -> Told + ?Sized), log: &Mutex<Vec<Asked>>) {
    let mut stream = BufReader::new(stream);
    while let Some(asked) = read(&mut stream).await {
        let told = answer(&asked);
        log.lock().expect("a log").push(asked);
        let common = "X-ClickHouse-Format: JSONCompactEachRowWithNamesAndTypes\r\nContent-Type: application/x-ndjson; charset=UTF-8\r\n";
        let after = match told {
            Told::Whole(status, headers, body) => {
                let head = format!("HTTP/1.1 {status} Any\r\n{common}{headers}Content-Length: {}\r\n\r\n", body.len());
                if stream.write_all(&[head.into_bytes(), body].concat()).await.is_err() {
                    return;
                }
                After::End
            }
            Told::Stream(pieces, after) => {
                let head = format!("HTTP/1.1 200 OK\r\n{common}Transfer-Encoding: chunked\r\n\r\n");
                if stream.write_all(head.as_bytes()).await.is_err() {
                    return;
                }
                for piece in pieces {
                    let chunk = [format!("{:x}\r\n", piece.len()).into_bytes(), piece, b"\r\n".to_vec()].concat();
                    if stream.write_all(&chunk).await.is_err() {
                        return;
                    }
                }
                if matches!(after, After::End) && stream.write_all(b"0\r\n\r\n").await.is_err() {
                    return;
                }
                after
            }
        };
        match after {
            After::End => {}
            After::HangUp => return,
            After::Silence => tokio::time::sleep(Duration::from_secs(600)).await,
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let target = line.split(' ').nth(1)?.to_owned();
    let mut asked = Asked::default();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        asked.headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![0; asked.headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    let body = String::from_utf8(body).ok()?;
    let url = url::Url::parse(&format!("http://x{target}")).ok()?;
    asked.given = url.query_pairs().into_owned().collect();
    let content_type = asked.headers.get("content-type").cloned().unwrap_or_default();
    match content_type.split_once("boundary=") {
        None => asked.statement = body,
        Some((_, boundary)) => {
            for part in body.split(&format!("--{boundary}")).filter(|part| part.contains("form-data")) {
                let (head, value) = part.split_once("\r\n\r\n")?;
                let name = head.split_once("name=\"")?.1.trim_end_matches('"');
                asked.given.insert(name.to_owned(), value.strip_suffix("\r\n")?.to_owned());
            }
            asked.statement = asked.given.remove("query")?;
        }
    }
    Some(asked)
}
