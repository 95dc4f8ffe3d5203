//! Mail: aiosmtpd, a real server, and one that fails where it matters.

use bulkhead_model::ResourceId;
use bulkhead_model::resource::ResourceConfig;
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::QueryResult;
use bulkhead_test_kit::{TestServer, provided};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::cluster::write_certificates;
use crate::conformance::{Read, Subject, conforms};
use crate::kit::Service;

/// A server, and the PEM of the authority that signed its certificate for `localhost`.
fn server(options: &[&str]) -> (TestServer, String) {
    let mut authority = String::new();
    let server = TestServer::start(&provided("BULKHEAD_TEST_AIOSMTPD"), |port, directory| {
        authority = write_certificates(directory);
        let words = ["-c", include_str!("smtp_server.py"), &port.to_string(), &directory.display().to_string()];
        [&words, options].concat().into_iter().map(str::to_owned).collect()
    });
    (server, authority)
}

/// The messages that it has taken.
fn taken(server: &TestServer) -> Vec<Value> {
    let read = |count: usize| std::fs::read(server.directory().join(format!("{count}.json"))).ok();
    (1..).map_while(read).map(|text| serde_json::from_slice(&text).expect("JSON")).collect()
}

fn config(port: u16, changes: Value) -> ResourceConfig {
    let mut config = json!({
        "kind": "smtp", "host": "127.0.0.1", "port": port, "tls": "disabled", "from": "tools@example.com",
        "from-name": "Werkzeuge für alle",
    });
    config.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
    serde_json::from_value(config).expect("a configuration")
}

async fn send(service: &Service, id: ResourceId, mail: Value, values: Value) -> Result<QueryResult, Problem> {
    let mut operation = mail;
    operation["do"] = json!("send-mail");
    service.run(&service.operation(id, operation, values)).await
}

fn short() -> Value {
    json!({ "to": ["ann@example.org"], "subject": "s", "text": "t" })
}

#[tokio::test]
async fn smtp_conforms() {
    let (server, _) = server(&["auth"]);
    let mut mail = short();
    mail["do"] = json!("send-mail");
    conforms(&Subject {
        config: serde_json::to_value(config(server.port(), json!({ "user": "tools" }))).expect("JSON"),
        secret: Some("s3cret"),
        read: Read::Operation(mail),
        checks_secret: true,
        answers_on_connect: true,
    })
    .await;
}

#[tokio::test]
async fn a_message_arrives_as_it_was_written() {
    let (service, (server, _)) = (Service::start().await, server(&[]));
    let id = service.add_kind("mail", &config(server.port(), json!({})), None).await;
    let mail = json!({
        "to": ["{{ people }}"], "cc": ["carol@example.org"], "bcc": ["dave@example.org"],
        "reply-to": "{{ me }}", "subject": "Rechnung {{ number }} – fällig",
        "text": "Guten Tag\n.\nBetrag: {{ amount }} €\n", "html": "<p>{{ amount }} &euro; {{ note }}</p>",
        "attachments": [
            { "name": "rechnung.pdf", "type": "application/pdf", "base64": "{{ file }}" },
            { "name": "größe.csv", "type": "text/csv; charset=utf-8", "text": "a,b\n1,{{ amount }}\n" },
        ],
    });
    let values = json!({
        "people": ["ann@example.org", "bob@example.org"], "me": "me@example.org", "number": 7, "amount": "12,50",
        "note": "<script>", "file": "AAECAwo=",
    });
    let result = send(&service, id, mail, values).await.expect("sent");
    let data = result.data.expect("data");
    assert_eq!((&data["recipients"], &data["answer"]), (&json!(4), &json!("250 2.0.0 queued as 1")));
    let taken = taken(&server);
    assert_eq!(taken[0]["from"], "tools@example.com");
    assert_eq!(taken[0]["to"], json!(["ann@example.org", "bob@example.org", "carol@example.org", "dave@example.org"]));
    let script = "import email, email.policy, json, sys\n\
        message = email.message_from_string(sys.stdin.read(), policy=email.policy.default)\n\
        parts = [[part.get_content_type(), part.get_filename(), part.get_payload(decode=True).decode('latin-1')]\n\
        for part in message.walk() if not part.is_multipart()]\n\
        print(json.dumps({'headers': {key.lower(): str(value) for key, value in message.items()}, 'parts': parts}))";
    let seen = as_python_reads(script, taken[0]["content"].as_str().expect("text"));
    let headers = &seen["headers"];
    assert_eq!(headers["from"], "Werkzeuge für alle <tools@example.com>");
    assert_eq!(headers["to"], "ann@example.org, bob@example.org");
    assert_eq!((&headers["cc"], &headers["bcc"]), (&json!("carol@example.org"), &Value::Null));
    assert_eq!((&headers["reply-to"], &headers["message-id"]), (&json!("me@example.org"), &data["message-id"]));
    assert_eq!(headers["subject"], "Rechnung 7 – fällig");
    let latin = |text: &str| text.bytes().map(char::from).collect::<String>();
    assert_eq!(
        seen["parts"],
        json!([
            ["text/plain", null, latin("Guten Tag\r\n.\r\nBetrag: 12,50 €\r\n")],
            ["text/html", null, "<p>12,50 &euro; &lt;script&gt;</p>"],
            ["application/pdf", "rechnung.pdf", "\u{0}\u{1}\u{2}\u{3}\n"],
            ["text/csv", "größe.csv", "a,b\n1,12,50\n"],
        ])
    );
}

/// What a mail library that is not ours makes of a message.
fn as_python_reads(script: &str, message: &str) -> Value {
    use std::io::Write;
    let mut python = std::process::Command::new(provided("BULKHEAD_TEST_AIOSMTPD"))
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    python.stdin.take().expect("a pipe").write_all(message.as_bytes()).expect("written");
    serde_json::from_slice(&python.wait_with_output().expect("ended").stdout).expect("JSON")
}

#[tokio::test]
async fn encryption_begins_at_once_or_by_starttls_and_is_verified() {
    let service = Service::start().await;
    for (option, starttls) in [("starttls", true), ("tls", false)] {
        let (server, authority) = server(&[option, "auth"]);
        let settings = json!({
            "host": "localhost", "tls": "verify-full", "ca-certificate": authority, "starttls": starttls, "user": "tools",
        });
        let id = service.add_kind(option, &config(server.port(), settings.clone()), Some("s3cret")).await;
        send(&service, id, short(), json!({})).await.expect("sent");
        assert_eq!(taken(&server)[0]["tls"], true, "{option}");
        let mut other_name = settings;
        other_name["host"] = json!("127.0.0.1");
        let id = service.add_kind(&format!("{option}-name"), &config(server.port(), other_name), Some("s3cret")).await;
        let problem = send(&service, id, short(), json!({})).await.expect_err("refused");
        assert_eq!(problem.code, "resource-tls", "{}", problem.detail);
    }
}

#[tokio::test]
async fn log_in_works_by_either_way_and_is_told_when_it_cannot() {
    let service = Service::start().await;
    let (only_login, open) = (server(&["auth", "login-only"]).0, server(&[]).0);
    let id = service.add_kind("login", &config(only_login.port(), json!({ "user": "tools" })), Some("s3cret")).await;
    send(&service, id, short(), json!({})).await.expect("sent");
    let id = service.add_kind("nobody", &config(only_login.port(), json!({})), None).await;
    let problem = send(&service, id, short(), json!({})).await.expect_err("refused");
    assert_eq!(
        (problem.code.as_str(), problem.sqlstate.as_deref()),
        ("query-failed", Some("530")),
        "{}",
        problem.detail
    );
    let id = service.add_kind("no-secret", &config(open.port(), json!({ "user": "tools" })), None).await;
    assert_eq!(send(&service, id, short(), json!({})).await.expect_err("refused").code, "resource-secret");
}

#[tokio::test]
async fn what_the_server_refuses_is_said_and_nothing_is_sent() {
    let (service, (mut server, _)) = (Service::start().await, server(&[]));
    let id = service.add_kind("mail", &config(server.port(), json!({})), None).await;
    let mail = json!({ "to": ["ann@example.org", "nobody@example.org"], "subject": "s", "text": "t" });
    let problem = send(&service, id, mail, json!({})).await.expect_err("refused");
    assert_eq!((problem.status, problem.code.as_str()), (422, "query-failed"));
    assert!(problem.detail.contains("to[1]") && problem.detail.contains("no such mailbox"), "{}", problem.detail);
    let mut mail = short();
    mail["text"] = json!("x".repeat(100_000) + "{{ more }}");
    let problem = send(&service, id, mail, json!({ "more": "y".repeat(400_000) })).await.expect_err("refused");
    assert!(problem.detail.contains("300000"), "{}", problem.detail);
    let mut mail = short();
    mail["subject"] = json!("{{ x }}");
    let hostile = json!({ "x": "s\r\nBcc: eve@example.net" });
    let problem = send(&service, id, mail, hostile).await.expect_err("refused");
    assert_eq!(problem.code, "value-invalid");
    assert!(!problem.detail.contains("eve"), "{}", problem.detail);
    assert!(taken(&server).is_empty(), "nothing was sent");

    // A server that was started anew meanwhile is not noticed.
    send(&service, id, short(), json!({})).await.expect("sent");
    server.kill();
    server.run();
    send(&service, id, short(), json!({})).await.expect("sent");
}

#[tokio::test]
async fn whether_a_message_was_taken_is_unknown_only_after_its_end() {
    let (service, (slow, _)) = (Service::start().await, server(&["slow"]));
    let id = service.add_kind("slow", &config(slow.port(), json!({})), None).await;
    let mut request = service.operation(id, json!({ "do": "send-mail", "to": ["a@x.org"], "text": "t" }), json!({}));
    request.limits.timeout_ms = 500;
    assert_eq!(service.run(&request).await.expect_err("late").code, "outcome-unknown");
    assert_eq!(taken(&slow).len(), 1);
    for (last, code) in [("RCPT", "resource-lost"), ("DATA", "resource-lost"), (".", "outcome-unknown")] {
        let id = service.add_kind(&format!("ends-{last}"), &config(ends_after(last).await, json!({})), None).await;
        let problem = send(&service, id, short(), json!({})).await.expect_err("lost");
        assert_eq!(problem.code, code, "{last}: {}", problem.detail);
    }
}

/// A server that hangs up when it has read a line that begins so.
async fn ends_after(last: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let _ = stream.write_all(b"220 ready\r\n").await;
            let mut line = String::new();
            while stream.read_line(&mut line).await.is_ok_and(|length| length > 0) && !line.starts_with(last) {
                let answer = if line.starts_with("DATA") { "354 go\r\n" } else { "250 fine\r\n" };
                if line.starts_with(|c: char| c.is_ascii_uppercase()) && !line.contains(": ") {
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
                line.clear();
            }
        }
    });
    port
}
