//! What every kind that has a server must do when its settings are wrong or its server fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bulkhead_model::ResourceId;
use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::ResourceConfig;
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::QueryRequest;
use bulkhead_test_kit::free_port;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::kit::Service;

/// A password that must be shown nowhere.
pub(crate) const CANARY: &str = "canary-7f3a";

/// A kind under test.
pub(crate) struct Subject {
    /// The settings that work, as they are stored: `{"kind": ..., "host": ..., "port": ..., "tls": "disabled", ...}`, or with an
    /// `url` in the place of these three.
    pub(crate) config: Value,
    /// The secret that works.
    pub(crate) secret: Option<&'static str>,
    /// A read that works: the statement, or the operation.
    pub(crate) read: Read,
    /// Whether a wrong secret is told when logging in.
    pub(crate) checks_secret: bool,
    /// Whether its protocol waits for the server to speak, or asks it first and waits for an answer.
    pub(crate) answers_on_connect: bool,
}

pub(crate) enum Read {
    Statement(&'static str),
    Operation(Value),
}

impl Subject {
    fn with(&self, changes: Value) -> ResourceConfig {
        let mut config = self.config.clone();
        let mut url = config["url"].as_str().map(|url| url::Url::parse(url).expect("a URL"));
        for (key, value) in changes.as_object().expect("an object") {
            match (key.as_str(), &mut url) {
                ("host", Some(url)) => url.set_host(value.as_str()).expect("a host"),
                ("port", Some(url)) => {
                    url.set_port(value.as_u64().and_then(|port| port.try_into().ok())).expect("a port");
                }
                ("tls", Some(url)) => url.set_scheme("https").expect("a scheme"),
                _ => config[key] = value.clone(),
            }
        }
        if let Some(url) = url {
            config["url"] = json!(url.as_str());
        }
        serde_json::from_value(config).expect("a configuration")
    }

    fn read(&self, service: &Service, resource: ResourceId) -> QueryRequest {
        let mut request = match &self.read {
            Read::Statement(statement) => QueryRequest { resource, ..service.query(statement) },
            Read::Operation(operation) => service.operation(resource, operation.clone(), json!({})),
        };
        request.limits.timeout_ms = 3000;
        request
    }
}

/// Runs the suite against one kind.
pub(crate) async fn conforms(subject: &Subject) {
    let service = Service::with(json!({ "allow-networks": ["127.0.0.0/8"], "connect-timeout-ms": 400 })).await;
    let fails = async |name: &str, changes: Value, secret: Option<&str>| -> Problem {
        let id = service.add_kind(name, &subject.with(changes), secret).await;
        let problem = service.run(&subject.read(&service, id)).await.expect_err(name);
        assert!(!problem.detail.contains(CANARY), "{name}: {}", problem.detail);
        let is_named = problem.detail.contains(name) || problem.code == "query-timeout";
        assert!(is_named, "{name} is not named: {}", problem.detail);
        problem
    };

    let good = service.add_kind("good", &subject.with(json!({})), subject.secret).await;
    let result = service.run(&subject.read(&service, good)).await.expect("works");
    assert!(result.end, "the result is whole");

    let closed = fails("closed", json!({ "port": free_port() }), subject.secret).await;
    assert_eq!((closed.status, closed.code.as_str()), (502, "resource-unreachable"));
    let unknown = fails("unknown", json!({ "host": "no-such-host.invalid" }), subject.secret).await;
    assert_eq!((unknown.status, unknown.code.as_str()), (502, "resource-unreachable"));
    let link_local = fails("link-local", json!({ "host": "169.254.169.254" }), subject.secret).await;
    assert_eq!((link_local.status, link_local.code.as_str()), (422, "resource-host-refused"));
    let plain = fails("no-tls", json!({ "tls": "verify-full", "host": "127.0.0.1" }), subject.secret).await;
    assert_eq!((plain.status, plain.code.as_str()), (502, "resource-tls"), "{}", plain.detail);
    let authority = json!({ "tls": "verify-full", "ca-certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" });
    let broken = fails("authority", authority, subject.secret).await;
    assert_eq!((broken.status, broken.code.as_str()), (502, "resource-tls"), "{}", broken.detail);
    if subject.checks_secret {
        let wrong = fails("wrong-secret", json!({}), Some(CANARY)).await;
        assert_eq!((wrong.status, wrong.code.as_str()), (502, "resource-log-in"), "{}", wrong.detail);
    }

    let silent = server(Manner::Silent).await;
    let mute = fails("mute", json!({ "port": silent }), subject.secret).await;
    let expected: &[&str] =
        if subject.answers_on_connect { &["resource-unreachable"] } else { &["resource-unreachable", "query-timeout"] };
    assert!(expected.contains(&mute.code.as_str()), "{}: {}", mute.code, mute.detail);
    let hangs_up = server(Manner::HangsUp).await;
    let gone = fails("gone", json!({ "port": hangs_up }), subject.secret).await;
    assert!(["resource-unreachable", "resource-lost"].contains(&gone.code.as_str()), "{}: {}", gone.code, gone.detail);
    let babbling = server(Manner::Babbles).await;
    let noise = fails("noise", json!({ "port": babbling }), subject.secret).await;
    assert!(noise.status == 502, "{}: {}", noise.code, noise.detail);
}

/// How a server that is none behaves.
#[derive(Clone, Copy)]
enum Manner {
    Silent,
    HangsUp,
    Babbles,
}

/// A server that is none, until the test ends.
async fn server(manner: Manner) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                match manner {
                    Manner::Silent => tokio::time::sleep(Duration::from_secs(600)).await,
                    Manner::HangsUp => {
                        let _ = stream.read(&mut [0; 16]).await;
                    }
                    Manner::Babbles => {
                        let _ = stream.write_all(&[0xa5; 4096]).await;
                        tokio::time::sleep(Duration::from_secs(600)).await;
                    }
                }
            });
        }
    });
    port
}

/// Hands on to `port` until the client sends `word`; that is handed on too, and its answer is not. Its port, and how often it was so.
pub(crate) async fn cutting(port: u16, word: &'static [u8]) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let own = listener.local_addr().expect("an address").port();
    let times = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&times);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                    (client.into_split(), server.into_split());
                let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                    let is_cut = buffer[..read].windows(word.len()).any(|part| part == word);
                    if is_cut {
                        back.abort();
                        counted.fetch_add(1, Ordering::SeqCst);
                    }
                    to_server.write_all(&buffer[..read]).await.expect("sent");
                    if is_cut {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        return;
                    }
                }
            });
        }
    });
    (own, times)
}

/// A change that is sent, and whose answer is lost: whoever asks must not take it for one that was not made, and it is sent once. `word` is in
/// what makes it, and in nothing that a read sends.
pub(crate) async fn loses_answers(subject: &Subject, write: &Read, word: &'static [u8]) {
    let service = Service::start().await;
    let url = subject.config["url"].as_str().map(|url| url::Url::parse(url).expect("a URL"));
    let port = url.map_or_else(|| subject.config["port"].as_u64(), |url| url.port().map(u64::from)).expect("a port");
    for has_rested in [false, true] {
        let (port, times) = cutting(port.try_into().expect("a port"), word).await;
        let config = subject.with(json!({ "port": port }));
        let id = service.add_kind(&format!("cut-{port}"), &config, subject.secret).await;
        if has_rested {
            service.run(&subject.read(&service, id)).await.expect("a connection that rests in the pool");
        }
        let request = match write {
            Read::Statement(statement) => {
                QueryRequest { resource: id, mode: QueryMode::Write, ..service.query(statement) }
            }
            Read::Operation(operation) => service.operation(id, operation.clone(), json!({})),
        };
        assert_eq!(request.mode, QueryMode::Write);
        let problem = service.run(&request).await.expect_err("lost");
        assert_eq!((problem.status, problem.code.as_str()), (502, "outcome-unknown"), "{}", problem.detail);
        assert_eq!(times.load(Ordering::SeqCst), 1, "it is sent once");
    }
}
