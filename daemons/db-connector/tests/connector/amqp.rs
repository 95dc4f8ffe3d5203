//! AMQP 0-9-1: RabbitMQ, a real broker, and one that fails where it matters.

use bulkhead_model::ResourceId;
use bulkhead_model::resource::ResourceConfig;
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::QueryResult;
use bulkhead_test_kit::{TestServer, free_port, provided};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::cluster::write_certificates;
use crate::conformance::{Read, Subject, conforms};
use crate::kit::Service;

const SECRET: Option<&str> = Some("s3cret");

/// A broker with the user `tools`, queues and bindings.
struct Broker {
    server: TestServer,
    /// Where it speaks TLS.
    tls_port: u16,
    /// PEM of the authority that signed its certificate for `localhost`.
    authority: String,
    /// Erlang's registry of names, which the broker wants.
    _registry: TestServer,
}

impl Broker {
    fn start() -> Self {
        let registry = TestServer::start("/usr/bin/epmd", |port, _| {
            ["-port", &port.to_string(), "-address", "127.0.0.1"].map(str::to_owned).to_vec()
        });
        let (tls_port, distribution_port, mut authority) = (free_port(), free_port(), String::new());
        // Its scripts read their settings from the environment.
        let server = TestServer::start("/usr/bin/env", |port, directory| {
            authority = write_certificates(directory);
            let folder = directory.display().to_string();
            let configuration = configuration(&folder, port, tls_port);
            std::fs::write(directory.join("rabbitmq.conf"), configuration).expect("written");
            std::fs::write(directory.join("definitions.json"), definitions().to_string()).expect("written");
            std::fs::write(directory.join("plugins"), "[].").expect("written");
            let variables = [
                ("HOME", folder.clone()),
                ("ERL_EPMD_PORT", registry.port().to_string()),
                // The broker takes the place of its script, so that it ends when it is told to.
                ("RUNNING_UNDER_SYSTEMD", "true".to_owned()),
                ("RABBITMQ_NODENAME", format!("test{port}@localhost")),
                ("RABBITMQ_DIST_PORT", distribution_port.to_string()),
                ("RABBITMQ_MNESIA_BASE", format!("{folder}/mnesia")),
                ("RABBITMQ_LOG_BASE", format!("{folder}/logs")),
                ("RABBITMQ_LOGS", "-".to_owned()),
                ("RABBITMQ_CONF_ENV_FILE", "/dev/null".to_owned()),
                ("RABBITMQ_CONFIG_FILE", format!("{folder}/rabbitmq")),
                ("RABBITMQ_ENABLED_PLUGINS_FILE", format!("{folder}/plugins")),
                ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}".to_owned()),
            ];
            let mut words: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
            words.push("/usr/lib/rabbitmq/bin/rabbitmq-server".to_owned());
            words
        });
        Self { server, tls_port, authority, _registry: registry }
    }
}

fn configuration(folder: &str, port: u16, tls_port: u16) -> String {
    format!(
        "listeners.tcp.1 = 127.0.0.1:{port}\n\
         listeners.ssl.1 = 127.0.0.1:{tls_port}\n\
         ssl_options.certfile = {folder}/server.crt\n\
         ssl_options.keyfile = {folder}/server.key\n\
         load_definitions = {folder}/definitions.json\n"
    )
}

fn definitions() -> Value {
    let queue = |name: &str, arguments: Value| json!({ "name": name, "vhost": "/", "durable": true, "auto_delete": false, "arguments": arguments });
    json!({
        "users": [{ "name": "tools", "password": "s3cret", "tags": "" }],
        "vhosts": [{ "name": "/" }, { "name": "closed" }],
        "permissions": [{ "user": "tools", "vhost": "/", "configure": "", "write": "^(orders|gone|amq\\.default)$", "read": ".*" }],
        "exchanges": [
            { "name": "orders", "vhost": "/", "type": "topic", "durable": true, "auto_delete": false, "internal": false,
              "arguments": {} },
            { "name": "secret", "vhost": "/", "type": "fanout", "durable": true, "auto_delete": false, "internal": false,
              "arguments": {} },
        ],
        "queues": [
            queue("orders-eu", json!({})),
            queue("full", json!({ "x-max-length": 1, "x-overflow": "reject-publish" })),
        ],
        "bindings": [{ "source": "orders", "vhost": "/", "destination": "orders-eu", "destination_type": "queue",
                       "routing_key": "*.eu", "arguments": {} }],
    })
}

fn config(port: u16, changes: Value) -> ResourceConfig {
    let mut config = json!({ "kind": "amqp", "host": "127.0.0.1", "port": port, "tls": "disabled", "user": "tools" });
    config.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
    serde_json::from_value(config).expect("a configuration")
}

async fn publish(service: &Service, id: ResourceId, mut message: Value, values: Value) -> Result<QueryResult, Problem> {
    message["do"] = json!("amqp-publish");
    service.run(&service.operation(id, message, values)).await
}

/// The messages of a queue, as a library that is not ours reads them; they are gone then.
fn taken(port: u16, queue: &str) -> Vec<Value> {
    let words = ["-c", include_str!("amqp_reader.py"), &port.to_string(), queue];
    let output = std::process::Command::new(provided("BULKHEAD_TEST_PIKA")).args(words).output().expect("started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[tokio::test]
async fn amqp_conforms() {
    let broker = Broker::start();
    conforms(&Subject {
        config: serde_json::to_value(config(broker.server.port(), json!({}))).expect("JSON"),
        secret: SECRET,
        read: Read::Operation(json!({ "do": "amqp-publish", "routing-key": "orders-eu" })),
        checks_secret: true,
        answers_on_connect: true,
    })
    .await;
}

#[tokio::test]
async fn what_is_published_is_in_its_queue_or_it_is_said() {
    let (service, mut broker) = (Service::start().await, Broker::start());
    let port = broker.server.port();
    let id = service.add_kind("bus", &config(port, json!({})), SECRET).await;
    let message = json!({
        "exchange": "orders", "routing-key": "new.{{ region }}",
        "headers": { "number": "{{ number }}", "list": [true, 2, "é"], "object": { "nothing": null } },
        "properties": {
            "correlation-id": "{{ id }}", "reply-to": "answers", "expiration": "600000", "message-id": "m{{ id }}",
            "type": "order", "app-id": "tools", "priority": 4, "content-encoding": "identity",
        },
        "json": { "id": "{{ id }}" },
    });
    let values = json!({ "region": "eu", "number": -5, "id": 7 });
    let result = publish(&service, id, message, values).await.expect("published");
    assert_eq!(result.data, Some(json!({ "exchange": "orders", "routing-key": "new.eu", "bytes": 8 })));
    assert_eq!(
        taken(port, "orders-eu"),
        [json!({
            "exchange": "orders", "routing-key": "new.eu", "body": "eyJpZCI6N30=",
            "headers": { "number": -5, "list": [true, 2, "é"], "object": { "nothing": null } },
            "content-type": "application/json", "content-encoding": "identity", "delivery-mode": 2, "priority": 4,
            "correlation-id": "7", "reply-to": "answers", "expiration": "600000", "message-id": "m7", "type": "order",
            "app-id": "tools",
        })]
    );
    // Larger than a frame, and bytes.
    let large = json!({ "routing-key": "orders-eu", "text": "{{ text }}", "properties": { "transient": true } });
    publish(&service, id, large, json!({ "text": "x".repeat(300_000) })).await.expect("published");
    publish(&service, id, json!({ "routing-key": "orders-eu", "base64": "AAH/" }), json!({})).await.expect("published");
    let found = taken(port, "orders-eu");
    assert_eq!((found[0]["body"].as_str().expect("text").len(), &found[0]["delivery-mode"]), (400_000, &json!(1)));
    assert_eq!(found[1]["body"], "AAH/");

    for (message, code, part) in [
        (json!({ "routing-key": "no-such-queue" }), "312", "NO_ROUTE"),
        (json!({ "exchange": "orders", "routing-key": "new.us" }), "312", "NO_ROUTE"),
        (json!({ "exchange": "gone" }), "404", "gone"),
        (json!({ "exchange": "secret" }), "403", "secret"),
    ] {
        let problem = publish(&service, id, message, json!({})).await.expect_err("refused");
        assert_eq!(
            (problem.code.as_str(), problem.sqlstate.as_deref()),
            ("query-failed", Some(code)),
            "{}",
            problem.detail
        );
        assert!(problem.detail.contains(part), "{}", problem.detail);
    }
    let full = json!({ "routing-key": "full", "text": "x" });
    publish(&service, id, full.clone(), json!({})).await.expect("published");
    let problem = publish(&service, id, full, json!({})).await.expect_err("refused");
    assert_eq!(problem.sqlstate.as_deref(), Some("nack"), "{}", problem.detail);
    let long = json!({ "routing-key": "{{ key }}" });
    let problem = publish(&service, id, long, json!({ "key": "x".repeat(256) })).await.expect_err("refused");
    assert_eq!(problem.code, "value-invalid");

    for (name, host) in [("no-such-host", "nowhere"), ("closed-host", "closed")] {
        let id = service.add_kind(name, &config(port, json!({ "virtual-host": host })), SECRET).await;
        let problem =
            publish(&service, id, json!({ "routing-key": "orders-eu" }), json!({})).await.expect_err("refused");
        assert_eq!(problem.code, "resource-log-in");
        assert!(problem.detail.contains("530") && problem.detail.contains(host), "{}", problem.detail);
    }
    let secure = |host: &str| {
        let settings = json!({ "host": host, "tls": "verify-full", "ca-certificate": broker.authority });
        config(broker.tls_port, settings)
    };
    let encrypted = service.add_kind("secure", &secure("localhost"), SECRET).await;
    publish(&service, encrypted, json!({ "routing-key": "orders-eu" }), json!({})).await.expect("published");
    let other_name = service.add_kind("other-name", &secure("127.0.0.1"), SECRET).await;
    let problem =
        publish(&service, other_name, json!({ "routing-key": "orders-eu" }), json!({})).await.expect_err("refused");
    assert_eq!(problem.code, "resource-tls", "{}", problem.detail);

    broker.server.kill();
    broker.server.run();
    publish(&service, id, json!({ "routing-key": "orders-eu" }), json!({})).await.expect("a restart is not noticed");
}

#[tokio::test]
async fn a_message_that_is_not_confirmed_is_of_unknown_outcome() {
    let service = Service::start().await;
    for (name, hangs_up) in [("hangs-up", true), ("silent", false)] {
        let id = service.add_kind(name, &config(never_confirms(hangs_up).await, json!({})), SECRET).await;
        let message = json!({ "do": "amqp-publish", "routing-key": "q", "text": "x" });
        let mut request = service.operation(id, message, json!({}));
        request.limits.timeout_ms = 500;
        assert_eq!(service.run(&request).await.expect_err("lost").code, "outcome-unknown", "{name}");
    }
}

/// A broker that opens connections, and confirms nothing.
async fn never_confirms(hangs_up: bool) -> u16 {
    let method = |channel: u8, method: [u8; 4], arguments: &[u8]| {
        let size = u8::try_from(4 + arguments.len()).expect("a short method");
        [&[1, 0, channel, 0, 0, 0, size], &method[..], arguments, &[0xce]].concat()
    };
    let start = method(0, [0, 10, 0, 10], b"\0\x09\0\0\0\0\0\0\0\x05PLAIN\0\0\0\x05en_US");
    let tune = method(0, [0, 10, 0, 30], &[0, 1, 0, 2, 0, 0, 0, 60]);
    let opened = method(0, [0, 10, 0, 41], &[0]);
    let confirms = [method(1, [0, 20, 0, 11], &[0, 0, 0, 0]), method(1, [0, 85, 0, 11], &[])].concat();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // One answer for each thing that is asked.
            for answer in [&start, &tune, &opened, &confirms] {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer).await;
            }
            let _ = stream.read(&mut [0; 4096]).await;
            if !hangs_up {
                tokio::time::sleep(std::time::Duration::from_secs(600)).await;
            }
        }
    });
    port
}
