//! A registry in this process: what was put at a path is answered, everything else is 404. It remembers who asked for what.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What is at a path.
#[derive(Clone)]
pub(crate) enum Reply {
    /// This, with this type.
    Content(&'static str, Vec<u8>),
    /// Half of it, and then the connection breaks.
    Half(Vec<u8>),
    /// Only with this header `Authorization`.
    Private(String, Vec<u8>),
    /// It is elsewhere.
    Moved(String),
}

#[derive(Default)]
struct State {
    replies: HashMap<String, Reply>,
    requests: Vec<Asked>,
}

/// A request that came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
}

/// The registry; it lives as long as the test's process.
pub(crate) struct Registry {
    port: u16,
    scheme: &'static str,
    state: Arc<Mutex<State>>,
}

impl Registry {
    pub(crate) fn start() -> Self {
        Self::serve(None)
    }

    /// One that speaks TLS, and its certificate as PEM.
    pub(crate) fn with_tls() -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        (Self::serve(Some(Arc::new(config))), made.cert.pem())
    }

    fn serve(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, tls) = (Arc::clone(&shared), tls.clone());
                std::thread::spawn(move || match tls {
                    None => answer(stream, &state),
                    Some(tls) => answer(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream), &state),
                });
            }
        });
        Self { port, scheme, state }
    }

    pub(crate) fn put(&self, path: &str, reply: Reply) {
        self.state.lock().unwrap().replies.insert(path.to_owned(), reply);
    }

    pub(crate) fn put_archive(&self, path: &str, archive: &[u8]) {
        self.put(path, Reply::Content("application/octet-stream", archive.to_vec()));
    }

    /// Puts the page of a Python package there, as JSON, and the files beside it.
    pub(crate) fn put_python(&self, name: &str, files: &[(&str, &[u8])]) {
        let listed: Vec<_> = files
            .iter()
            .map(|(file, content)| {
                let hashes = serde_json::json!({ "sha256": crate::archives::sha256(content) });
                serde_json::json!({ "filename": file, "url": format!("../../files/{file}"), "hashes": hashes })
            })
            .collect();
        let page = serde_json::json!({ "meta": { "api-version": "1.0" }, "name": name, "files": listed }).to_string();
        self.put(&format!("/simple/{name}/"), Reply::Content("application/vnd.pypi.simple.v1+json", page.into()));
        for (file, content) in files {
            self.put_archive(&format!("/files/{file}"), content);
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    /// Configuration of a daemon that uses it for everything.
    pub(crate) fn config(&self) -> String {
        let address = self.address();
        format!("npm-registry = '{address}/npm'\npython-index = '{address}/simple'\nallow-networks = ['127.0.0.0/8']")
    }

    pub(crate) fn requests(&self) -> Vec<Asked> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Paths that were asked for.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.requests().into_iter().map(|asked| asked.path).collect()
    }
}

fn answer(mut stream: impl Read + Write, state: &Mutex<State>) {
    let mut reader = BufReader::new(&mut stream);
    let (mut first, mut authorization) = (String::new(), None);
    if reader.read_line(&mut first).is_err() {
        return;
    }
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
        if let Some(value) = line.strip_prefix("authorization: ") {
            authorization = Some(value.trim().to_owned());
        }
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let reply = {
        let mut state = state.lock().unwrap();
        state.requests.push(Asked { path: path.clone(), authorization: authorization.clone() });
        state.replies.get(&path).cloned()
    };
    // Whoever asked may be gone.
    let _ = match reply {
        None => write(&mut stream, "404 Not Found", "", b"", 0),
        Some(Reply::Content(kind, body)) => {
            write(&mut stream, "200 OK", &format!("content-type: {kind}\r\n"), &body, body.len())
        }
        Some(Reply::Half(body)) => write(&mut stream, "200 OK", "", &body[..body.len() / 2], body.len()),
        Some(Reply::Private(wanted, body)) if authorization.as_deref() == Some(&wanted) => {
            write(&mut stream, "200 OK", "", &body, body.len())
        }
        Some(Reply::Private(..)) => write(&mut stream, "401 Unauthorized", "", b"", 0),
        Some(Reply::Moved(target)) => write(&mut stream, "302 Found", &format!("location: {target}\r\n"), b"", 0),
    };
}

fn write(stream: &mut impl Write, status: &str, headers: &str, body: &[u8], length: usize) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n")?;
    stream.write_all(body)?;
    stream.flush()
}

/// An address that nobody listens at.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert!(TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err());
    format!("http://127.0.0.1:{}", address.port())
}
