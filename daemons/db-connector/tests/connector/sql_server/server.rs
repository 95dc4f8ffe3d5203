//! A server that speaks TDS as far as these tests need it, and answers statements as it is told: SQL Server itself cannot run here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::tokens::{done, error, transaction};

pub(super) const PASSWORD: &str = "s3cret";
const DATABASE: &str = "shop";

/// What is done when a statement, or words of the connector's own, hold some word.
#[derive(Clone)]
pub(super) enum Reply {
    /// An answer.
    Say(Vec<u8>),
    /// The beginning of an answer, and the end of the connection.
    Break(Vec<u8>),
    /// The beginning of an answer, and nothing more until it is told to stop.
    Stall(Vec<u8>),
    /// These bytes over and over, until it is told to stop.
    Repeat(Vec<u8>, Vec<u8>),
    /// Another, for once.
    Once(Box<Reply>),
}

#[derive(Default)]
struct Seen {
    texts: Vec<String>,
    connections: usize,
}

/// A running server.
pub(super) struct Server {
    pub(super) port: u16,
    script: Arc<Mutex<Vec<(&'static str, Reply)>>>,
    seen: Arc<watch::Sender<Seen>>,
}

impl Server {
    pub(super) async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (script, seen) = (Arc::<Mutex<Vec<(&str, Reply)>>>::default(), Arc::new(watch::Sender::default()));
        let server = Self { port, script: Arc::clone(&script), seen: Arc::clone(&seen) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                seen.send_modify(|seen: &mut Seen| seen.connections += 1);
                let (script, seen, tls) = (Arc::clone(&script), Arc::clone(&seen), tls.clone());
                // Ends when the client goes, or says what it must not.
                tokio::spawn(async move { greet(stream, tls, script, seen).await });
            }
        });
        server
    }

    /// From now on, what holds `word` is answered so; what was said last counts.
    pub(super) fn on(&self, word: &'static str, reply: Reply) {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).insert(0, (word, reply));
    }

    /// The same, for the next time alone.
    pub(super) fn once(&self, word: &'static str, reply: Reply) {
        self.on(word, Reply::Once(Box::new(reply)));
    }

    pub(super) fn say(&self, word: &'static str, tokens: Vec<u8>) {
        self.on(word, Reply::Say(tokens));
    }

    /// What was asked since the last time.
    pub(super) fn take_texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        self.seen.send_modify(|seen| texts = std::mem::take(&mut seen.texts));
        texts
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.borrow().connections
    }

    /// Waits until something was asked that holds this word.
    pub(super) async fn until(&self, word: &str) {
        let mut seen = self.seen.subscribe();
        let heard = seen.wait_for(|seen| seen.texts.iter().any(|text| text.contains(word)));
        tokio::time::timeout(std::time::Duration::from_secs(10), heard).await.expect(word).expect("it runs");
    }
}

type Script = Arc<Mutex<Vec<(&'static str, Reply)>>>;

async fn greet(
    mut stream: TcpStream,
    tls: Option<TlsAcceptor>,
    script: Script,
    seen: Arc<watch::Sender<Seen>>,
) -> Option<()> {
    let (kind, asked) = packet(&mut stream).await?;
    // The option of encryption is the second, and its value lies behind the version.
    if kind != 0x12 || asked.len() < 18 {
        return None;
    }
    let wants_tls = asked[17] == 1;
    let offers = match (&tls, wants_tls) {
        (Some(_), true) => 1,
        (Some(_), false) => 3,
        (None, _) => 2,
    };
    let options = [0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF, 16, 0, 0, 0, 0, 0, offers];
    send(&mut stream, 4, &options).await?;
    match tls.filter(|_| wants_tls) {
        None => Session { stream, script, seen }.serve().await,
        Some(tls) => {
            let (inner, outer) = tokio::io::duplex(64 * 1024);
            let is_done = Arc::new(AtomicBool::new(false));
            tokio::spawn(carry(stream, outer, Arc::clone(&is_done)));
            let stream = tls.accept(inner).await.ok()?;
            is_done.store(true, Ordering::Relaxed);
            Session { stream, script, seen }.serve().await
        }
    }
}

/// Carries TLS between the client, in packets as long as the handshake lasts, and what ends it.
async fn carry(stream: TcpStream, inner: DuplexStream, is_done: Arc<AtomicBool>) {
    let (mut from_client, mut to_client) = stream.into_split();
    let (mut from_tls, mut to_tls) = tokio::io::split(inner);
    let inward = async {
        loop {
            let first = from_client.read_u8().await.ok()?;
            if first == 0x12 {
                let mut head = [0; 7];
                from_client.read_exact(&mut head).await.ok()?;
                let mut records = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]])) - 8];
                from_client.read_exact(&mut records).await.ok()?;
                to_tls.write_all(&records).await.ok()?;
            } else {
                to_tls.write_all(&[first]).await.ok()?;
                tokio::io::copy(&mut from_client, &mut to_tls).await.ok()?;
                return Some(());
            }
        }
    };
    let outward = async {
        let mut buffer = vec![0; 4000];
        loop {
            let read = from_tls.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
            let is_raw = is_done.load(Ordering::Relaxed);
            if !is_raw {
                let length = u16::try_from(read + 8).expect("short").to_be_bytes();
                to_client.write_all(&[0x12, 1, length[0], length[1], 0, 0, 0, 0]).await.ok()?;
            }
            to_client.write_all(&buffer[..read]).await.ok()?;
        }
    };
    let _: (Option<()>, Option<()>) = tokio::join!(inward, outward);
}

/// One packet's kind and payload.
async fn packet(stream: &mut (impl AsyncRead + Unpin)) -> Option<(u8, Vec<u8>)> {
    let (kind, payload, _) = framed(stream).await?;
    Some((kind, payload))
}

async fn framed(stream: &mut (impl AsyncRead + Unpin)) -> Option<(u8, Vec<u8>, u8)> {
    let mut head = [0; 8];
    stream.read_exact(&mut head).await.ok()?;
    let mut payload = vec![0; usize::from(u16::from_be_bytes([head[2], head[3]])) - 8];
    stream.read_exact(&mut payload).await.ok()?;
    Some((head[0], payload, head[1]))
}

/// A message in packets, which are small so that what belongs together is cut.
async fn send(stream: &mut (impl AsyncWrite + Unpin), kind: u8, payload: &[u8]) -> Option<()> {
    let mut chunks = payload.chunks(500).peekable();
    while let Some(chunk) = chunks.next() {
        let status = u8::from(chunks.peek().is_none());
        part(stream, kind, chunk, status).await?;
    }
    Some(())
}

async fn part(stream: &mut (impl AsyncWrite + Unpin), kind: u8, payload: &[u8], status: u8) -> Option<()> {
    let length = u16::try_from(payload.len() + 8).expect("short").to_be_bytes();
    stream.write_all(&[kind, status, length[0], length[1], 0, 0, 0, 0]).await.ok()?;
    stream.write_all(payload).await.ok()?;
    stream.flush().await.ok()
}

fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&units).expect("text")
}

struct Session<S> {
    stream: S,
    script: Script,
    seen: Arc<watch::Sender<Seen>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    async fn serve(mut self) -> Option<()> {
        let (kind, log_in, _) = self.message().await?;
        assert_eq!(kind, 0x10, "a log-in comes first");
        let text = |place: usize| {
            let number = |at: usize| usize::from(u16::from_le_bytes([log_in[at], log_in[at + 1]]));
            let (at, length) = (number(36 + place * 4), number(38 + place * 4) * 2);
            log_in[at..at + length].to_vec()
        };
        let shown: Vec<u8> = text(2).iter().map(|byte| (byte ^ 0xA5).rotate_left(4)).collect();
        if utf16(&shown) != PASSWORD || utf16(&text(1)) != "app" {
            let refused = [error(18456, 14, "Login failed for user 'app'."), done(2, 0, 0)].concat();
            return send(&mut self.stream, 4, &refused).await;
        }
        if utf16(&text(8)) != DATABASE {
            let refused = [
                error(4060, 11, "Cannot open database \"other\" requested by the login. The login failed."),
                error(18456, 14, "Login failed for user 'app'."),
                done(2, 0, 0),
            ];
            return send(&mut self.stream, 4, &refused.concat()).await;
        }
        let mut welcome = environment(4, "512", "4096");
        welcome.extend_from_slice(&[0xAD, 10, 0, 1, 0x74, 0, 0, 4, 0, 16, 0, 0, 0]);
        welcome.extend_from_slice(&done(0, 0, 0));
        send(&mut self.stream, 4, &welcome).await?;
        loop {
            self.answer().await?;
        }
    }

    /// A message of the client's: kind, what it says, the status of its first packet.
    async fn message(&mut self) -> Option<(u8, Vec<u8>, u8)> {
        let (kind, mut whole, first) = framed(&mut self.stream).await?;
        let mut status = first;
        while status & 1 == 0 {
            let (_, payload, next) = framed(&mut self.stream).await?;
            whole.extend_from_slice(&payload);
            status = next;
        }
        Some((kind, whole, first))
    }

    async fn answer(&mut self) -> Option<()> {
        let (kind, asked, status) = self.message().await?;
        let text = match kind {
            1 => utf16(&asked[22..]),
            3 => call(&asked[22..]),
            6 => {
                self.tell("ATTENTION");
                return send(&mut self.stream, 4, &done(0x20, 0, 0)).await;
            }
            other => panic!("a message of kind {other}"),
        };
        self.tell(&if status & 8 != 0 { format!("RESET; {text}") } else { text.clone() });
        let reply = {
            let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
            let found = script.iter().position(|(word, _)| text.contains(word));
            match found.map(|at| (at, script[at].1.clone())) {
                Some((at, Reply::Once(reply))) => {
                    script.remove(at);
                    Some(*reply)
                }
                found => found.map(|(_, reply)| reply),
            }
        };
        let is_own = kind == 1;
        match reply {
            Some(Reply::Once(_)) => unreachable!("unwrapped above"),
            Some(Reply::Say(tokens)) => send(&mut self.stream, 4, &tokens).await,
            Some(Reply::Break(tokens)) => {
                part(&mut self.stream, 4, &tokens, 0).await?;
                self.stream.shutdown().await.ok()?;
                None
            }
            Some(Reply::Stall(tokens)) => {
                part(&mut self.stream, 4, &tokens, 0).await?;
                self.until_attention().await
            }
            Some(Reply::Repeat(begin, tokens)) => {
                part(&mut self.stream, 4, &begin, 0).await?;
                // One more packet than the client asked for is on its way in any case.
                for _ in 0..100 {
                    part(&mut self.stream, 4, &tokens, 0).await?;
                }
                self.until_attention().await
            }
            None if is_own => {
                let mut tokens = match text.as_str() {
                    text if text.contains("BEGIN TRANSACTION") => transaction(8),
                    text if text.contains("COMMIT") => transaction(9),
                    text if text.contains("ROLLBACK") => transaction(10),
                    _ => Vec::new(),
                };
                tokens.extend_from_slice(&done(0, 0, 0));
                send(&mut self.stream, 4, &tokens).await
            }
            None => {
                let tokens = [error(208, 16, "Invalid object name."), done(2, 0, 0)].concat();
                send(&mut self.stream, 4, &tokens).await
            }
        }
    }

    async fn until_attention(&mut self) -> Option<()> {
        let (kind, _, _) = self.message().await?;
        assert_eq!(kind, 6, "an attention, and nothing else");
        self.tell("ATTENTION");
        send(&mut self.stream, 4, &done(0x20, 0, 0)).await
    }

    fn tell(&self, text: &str) {
        self.seen.send_modify(|seen| seen.texts.push(text.to_owned()));
    }
}

fn environment(kind: u8, new: &str, old: &str) -> Vec<u8> {
    let mut body = vec![kind];
    for text in [new, old] {
        body.push(u8::try_from(text.len()).expect("short"));
        text.encode_utf16().for_each(|unit| body.extend_from_slice(&unit.to_le_bytes()));
    }
    let mut token = vec![0xE3];
    token.extend_from_slice(&u16::try_from(body.len()).expect("short").to_le_bytes());
    token.extend_from_slice(&body);
    token
}

/// A call of sp_executesql: its statement, then the declarations, then how many values there are, each with its type's number.
fn call(bytes: &[u8]) -> String {
    assert_eq!(bytes[..6], [0xFF, 0xFF, 10, 0, 0, 0], "sp_executesql is called");
    let mut rest = &bytes[6..];
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let name = usize::from(rest[0]) * 2;
        rest = &rest[1 + name + 1..];
        let (text, length) = argument(rest);
        parts.push(text);
        rest = &rest[length..];
    }
    parts.join(" | ")
}

/// An argument of a call, as a text, and its length.
fn argument(bytes: &[u8]) -> (String, usize) {
    let hexadecimal = |bytes: &[u8]| hex::encode(bytes);
    match bytes[0] {
        0xE7 | 0xA5 => {
            let show = |value: &[u8]| if bytes[0] == 0xE7 { utf16(value) } else { hexadecimal(value) };
            let head = if bytes[0] == 0xE7 { 8 } else { 3 };
            if bytes[1..3] == [0xFF, 0xFF] {
                let length = usize::try_from(u32::from_le_bytes(bytes[head + 8..head + 12].try_into().expect("four")))
                    .expect("fits");
                (show(&bytes[head + 12..head + 12 + length]), head + 12 + length + 4)
            } else {
                match u16::from_le_bytes([bytes[head], bytes[head + 1]]) {
                    0xFFFF => ("null".to_owned(), head + 2),
                    length => (show(&bytes[head + 2..head + 2 + usize::from(length)]), head + 2 + usize::from(length)),
                }
            }
        }
        0x26 => (i64::from_le_bytes(bytes[3..11].try_into().expect("eight")).to_string(), 11),
        0x6D => (f64::from_le_bytes(bytes[3..11].try_into().expect("eight")).to_string(), 11),
        0x68 => (format!("bit {}", bytes[3]), 4),
        0x6A => {
            let magnitude = u128::from_le_bytes(bytes[6..22].try_into().expect("sixteen"));
            (format!("{}{magnitude}e-{}", if bytes[5] == 0 { "-" } else { "" }, bytes[3]), 22)
        }
        other => panic!("an argument of type {other}"),
    }
}
