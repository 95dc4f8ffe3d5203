//! NATS: a real server, and who listens at it.

use bulkhead_model::ResourceId;
use bulkhead_model::resource::ResourceConfig;
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::QueryResult;
use bulkhead_test_kit::TestServer;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::certificates::Certified;
use crate::cluster::write_certified;
use crate::conformance::{Read, Subject, conforms};
use crate::kit::Service;

const SECRET: Option<&str> = Some("s3cret");
/// A user by name who may not publish everywhere.
const BY_NAME: &str =
    "authorization { users = [{ user: tools, password: s3cret, permissions: { publish: { deny: \"no.>\" } } }] }";
/// One who may not hear answers.
const DEAF: &str =
    "authorization { users = [{ user: tools, password: s3cret, permissions: { subscribe: { deny: \"_INBOX.>\" } } }] }";
const BY_TOKEN: &str = "authorization { token: s3cret }";

fn nats(settings: &str) -> (TestServer, String) {
    let (server, certified) = nats_certified(settings);
    (server, certified.authority)
}

/// A server, and who signed its certificate.
pub(crate) fn nats_certified(settings: &str) -> (TestServer, Certified) {
    let mut certified = None;
    let server = TestServer::start("/usr/sbin/nats-server", |port, directory| {
        certified = Some(write_certified(directory));
        let folder = directory.display().to_string();
        let settings = settings.replace("{folder}", &folder);
        let text =
            format!("listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{folder}/streams\" }}\n{settings}\n");
        std::fs::write(directory.join("nats.conf"), text).expect("written");
        vec!["--config".to_owned(), format!("{folder}/nats.conf")]
    });
    (server, certified.expect("written before the start"))
}

fn config(port: u16, changes: Value) -> ResourceConfig {
    let mut config = json!({ "kind": "nats", "host": "127.0.0.1", "port": port, "tls": "disabled", "user": "tools" });
    config.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
    serde_json::from_value(config).expect("a configuration")
}

async fn run(
    service: &Service,
    id: ResourceId,
    what: &str,
    mut message: Value,
    values: Value,
) -> Result<QueryResult, Problem> {
    message["do"] = json!(what);
    service.run(&service.operation(id, message, values)).await
}

/// Somebody who listens.
struct Listener(BufReader<TcpStream>);

impl Listener {
    async fn on(port: u16, subject: &str) -> Self {
        let mut listener = Self(BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.expect("connected")));
        let about = "{\"user\":\"tools\",\"pass\":\"s3cret\",\"verbose\":false,\"headers\":true,\"protocol\":1}";
        listener.write(format!("CONNECT {about}\r\nSUB {subject} 1\r\nPING\r\n").as_bytes()).await;
        while listener.line().await.trim() != "PONG" {}
        listener
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("written");
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.0.read_line(&mut line).await.expect("read") > 0, "the server hung up");
        line
    }

    /// The next message: the words of its line, and its content with its headers.
    async fn next(&mut self) -> (Vec<String>, String) {
        loop {
            let line = self.line().await;
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            if words[0].ends_with("MSG") {
                let length: usize = words.last().expect("a length").parse().expect("a number");
                let mut content = vec![0; length + 2];
                self.0.read_exact(&mut content).await.expect("read");
                content.truncate(length);
                return (words, String::from_utf8(content).expect("text"));
            }
        }
    }

    /// Answers the next message, with headers and bytes.
    async fn answers(mut self, headers: &'static str, payload: &'static [u8]) {
        let (words, _) = self.next().await;
        let answer_to = &words[3];
        let (headers, total) = (format!("NATS/1.0\r\n{headers}\r\n"), payload.len());
        let line = format!("HPUB {answer_to} {} {}\r\n{headers}", headers.len(), headers.len() + total);
        self.write(&[line.as_bytes(), payload, b"\r\n"].concat()).await;
        // The server reads until the end.
        while self.0.read_line(&mut String::new()).await.is_ok_and(|length| length > 0) {}
    }
}

#[tokio::test]
async fn nats_conforms() {
    let (server, _) = nats(BY_NAME);
    conforms(&Subject {
        config: serde_json::to_value(config(server.port(), json!({}))).expect("JSON"),
        secret: SECRET,
        read: Read::Operation(json!({ "do": "nats-publish", "subject": "a" })),
        checks_secret: true,
        answers_on_connect: true,
    })
    .await;
}

#[tokio::test]
async fn what_is_published_arrives_as_it_was_written() {
    let (service, (mut server, _)) = (Service::start().await, nats(BY_NAME));
    let id = service.add_kind("bus", &config(server.port(), json!({})), SECRET).await;
    let mut listener = Listener::on(server.port(), "orders.>").await;
    let message = json!({
        "subject": "orders.{{ region }}.new", "headers": { "Nats-Msg-Id": "{{ id }}" }, "json": { "id": "{{ id }}", "x": "é\n" },
    });
    let result =
        run(&service, id, "nats-publish", message, json!({ "region": "eu", "id": 7 })).await.expect("published");
    assert_eq!(result.data, Some(json!({ "subject": "orders.eu.new", "bytes": 19 })));
    let (words, content) = listener.next().await;
    assert_eq!((words[0].as_str(), words[1].as_str()), ("HMSG", "orders.eu.new"));
    assert_eq!(content, "NATS/1.0\r\nNats-Msg-Id: 7\r\n\r\n{\"id\":7,\"x\":\"é\\n\"}");
    let text = json!({ "subject": "orders.x", "text": "{{ t }}" });
    let hostile = "\r\nPUB orders.y 1\r\nx\r\n";
    run(&service, id, "nats-publish", text, json!({ "t": hostile })).await.expect("published");
    assert_eq!(listener.next().await.1, hostile);

    for (subject, header) in [("a.b", "x"), ("*", "x"), ("a b", "x"), ("a\r\nPUB b 0", "x"), ("a", "x\r\nB: y")] {
        let message = json!({ "subject": "orders.{{ s }}", "headers": { "H": "{{ h }}" } });
        let values = json!({ "s": subject, "h": header });
        let problem = run(&service, id, "nats-publish", message, values).await.expect_err("refused");
        assert_eq!(problem.code, "value-invalid", "{subject:?}");
    }
    let forbidden = json!({ "subject": "no.way" });
    let problem = run(&service, id, "nats-publish", forbidden, json!({})).await.expect_err("refused");
    assert_eq!(problem.code, "query-failed");
    assert!(problem.detail.contains("Permissions Violation"), "{}", problem.detail);
    let large = json!({ "subject": "orders.x", "text": "{{ t }}" });
    let problem = run(&service, id, "nats-publish", large, json!({ "t": "x".repeat(2_000_000) })).await;
    assert!(problem.is_err_and(|problem| problem.detail.contains("1048576")), "it tells how much is taken");

    server.kill();
    server.run();
    run(&service, id, "nats-publish", json!({ "subject": "a" }), json!({})).await.expect("a restart is not noticed");
}

#[tokio::test]
async fn a_request_gives_its_answer() {
    let (service, (server, _)) = (Service::start().await, nats(BY_NAME));
    let id = service.add_kind("bus", &config(server.port(), json!({})), SECRET).await;
    let ask = async |subject: &str| {
        let message = json!({ "subject": subject, "headers": { "A": "b" }, "text": "?" });
        run(&service, id, "nats-request", message, json!({})).await
    };
    let answers: [(&str, &[u8], Value); 4] = [
        ("json", b"{\"id\":9007199254740993}", json!({ "id": "9007199254740993" })),
        ("text", b"12 \xc3\xa9", json!("12 é")),
        ("broken", b"{no json", json!("{no json")),
        ("bytes", b"\xff\0", json!({ "base64": "/wA=" })),
    ];
    for (subject, payload, expected) in answers {
        tokio::spawn(Listener::on(server.port(), subject).await.answers("X: 1\r\nX: 2\r\nY: z\r\n", payload));
        let result = ask(subject).await.expect("answered");
        assert_eq!(result.data, Some(expected), "{subject}");
        assert_eq!(result.meta.expect("meta")["headers"], json!({ "X": ["1", "2"], "Y": "z" }));
    }
    tokio::spawn(Listener::on(server.port(), "rows").await.answers("", b"[{\"a\":1},{\"a\":2}]"));
    assert_eq!(json!(ask("rows").await.expect("answered").rows), json!([{ "a": 1 }, { "a": 2 }]));

    let nobody = ask("nobody.here").await.expect_err("no answer");
    assert_eq!((nobody.code.as_str(), nobody.sqlstate.as_deref()), ("query-failed", Some("503")), "{}", nobody.detail);
    let _mute = Listener::on(server.port(), "mute").await;
    let mut request = service.operation(id, json!({ "do": "nats-request", "subject": "mute" }), json!({}));
    request.limits.timeout_ms = 300;
    assert_eq!(service.run(&request).await.expect_err("late").code, "outcome-unknown");
    tokio::spawn(Listener::on(server.port(), "long").await.answers("", &[b'x'; 2000]));
    let mut request = service.operation(id, json!({ "do": "nats-request", "subject": "long" }), json!({}));
    request.limits.max_bytes = 1000;
    let problem = service.run(&request).await.expect_err("too large");
    assert!(problem.code == "query-failed" && problem.detail.contains("look what was changed"), "{}", problem.detail);
}

#[tokio::test]
async fn a_stream_says_what_it_has_stored() {
    let (service, (server, _)) = (Service::start().await, nats(BY_NAME));
    let id = service.add_kind("bus", &config(server.port(), json!({})), SECRET).await;
    let stream =
        json!({ "subject": "$JS.API.STREAM.CREATE.ORDERS", "json": { "name": "ORDERS", "subjects": ["orders.*"] } });
    let made = run(&service, id, "nats-request", stream, json!({})).await.expect("made").data.expect("data");
    assert_eq!(made["config"]["name"], "ORDERS", "{made}");
    for sequence in [1, 2] {
        let message = json!({ "subject": "orders.{{ id }}", "json": {} });
        let stored = run(&service, id, "nats-request", message, json!({ "id": sequence })).await.expect("stored");
        assert_eq!(stored.data, Some(json!({ "stream": "ORDERS", "seq": sequence })));
    }
}

#[tokio::test]
async fn encryption_is_verified_and_a_token_logs_in() {
    let service = Service::start().await;
    let secured =
        format!("{BY_TOKEN}\ntls {{ cert_file: \"{{folder}}/server.crt\", key_file: \"{{folder}}/server.key\" }}");
    let (server, authority) = nats(&secured);
    let settings = |host: &str| {
        let secure = json!({ "host": host, "tls": "verify-full", "ca-certificate": authority, "user": "" });
        config(server.port(), secure)
    };
    let id = service.add_kind("secure", &settings("localhost"), SECRET).await;
    run(&service, id, "nats-publish", json!({ "subject": "a" }), json!({})).await.expect("published");
    for (name, settings, secret, code) in [
        ("address", settings("127.0.0.1"), SECRET, "resource-tls"),
        ("plain", config(server.port(), json!({ "user": "" })), SECRET, "resource-tls"),
        ("wrong-token", settings("localhost"), Some("other"), "resource-log-in"),
        ("no-token", settings("localhost"), None, "resource-log-in"),
    ] {
        let id = service.add_kind(name, &settings, secret).await;
        let problem =
            run(&service, id, "nats-publish", json!({ "subject": "a" }), json!({})).await.expect_err("refused");
        assert_eq!(problem.code, code, "{name}: {}", problem.detail);
    }
}

#[tokio::test]
async fn a_request_whose_answer_cannot_come_is_told_as_sent() {
    let (service, (server, _)) = (Service::start().await, nats(DEAF));
    let id = service.add_kind("bus", &config(server.port(), json!({})), SECRET).await;
    let mut listener = Listener::on(server.port(), "orders").await;
    let message = json!({ "subject": "orders", "text": "one" });
    let problem = run(&service, id, "nats-request", message, json!({})).await.expect_err("no answer");
    assert!(problem.code == "outcome-unknown" && problem.detail.contains("Subscription"), "{}", problem.detail);
    assert_eq!(listener.next().await.1, "one", "it has arrived");
}
