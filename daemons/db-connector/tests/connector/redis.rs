//! Redis: a real server.

use bulkhead_model::resource::ResourceConfig;
use bulkhead_test_kit::TestServer;
use serde_json::{Value, json};

use crate::conformance::{Read, Subject, conforms, loses_answers};
use crate::kit::Service;

fn redis() -> TestServer {
    TestServer::start("/usr/bin/redis-server", |port, directory| {
        let directory = directory.display().to_string();
        let port = port.to_string();
        let words =
            ["--bind", "127.0.0.1", "--port", &port, "--dir", &directory, "--requirepass", "s3cret", "--save", ""];
        words.map(str::to_owned).to_vec()
    })
}

fn config(server: &TestServer) -> Value {
    json!({ "kind": "redis", "host": "127.0.0.1", "port": server.port(), "tls": "disabled" })
}

#[tokio::test]
async fn redis_conforms() {
    let server = redis();
    let subject = Subject {
        config: config(&server),
        secret: Some("s3cret"),
        read: Read::Operation(json!({ "do": "command", "command": ["PING"] })),
        checks_secret: true,
        answers_on_connect: true,
    };
    conforms(&subject).await;
    let write = Read::Operation(json!({ "do": "command", "command": ["INCR", "counted"] }));
    loses_answers(&subject, &write, b"INCR").await;
}

#[tokio::test]
async fn commands_take_values_and_give_theirs() {
    let (service, mut server) = (Service::start().await, redis());
    let config: ResourceConfig = serde_json::from_value(config(&server)).expect("a configuration");
    let id = service.add_kind("cache", &config, Some("s3cret")).await;
    let run = async |command: Value, parameters: Value| {
        let request = service.operation(id, json!({ "do": "command", "command": command }), parameters);
        service.run(&request).await.map(|result| result.data.unwrap_or_else(|| json!(result.rows)))
    };
    let hostile = "it's \"x\"\r\nFLUSHALL\r\n {{x}}";
    assert_eq!(
        run(json!(["SET", "user:{{ id }}", "{{ name }}"]), json!({ "id": 7, "name": hostile })).await,
        Ok(json!("OK"))
    );
    assert_eq!(run(json!(["get", "user:7"]), json!({})).await, Ok(json!(hostile)));
    assert_eq!(run(json!(["GET", "nothing"]), json!({})).await, Ok(Value::Null));
    run(json!(["HSET", "h", "a", "1", "b", "2"]), json!({})).await.expect("written");
    assert_eq!(run(json!(["HGETALL", "h"]), json!({})).await, Ok(json!({ "a": "1", "b": "2" })));
    let wrong = run(json!(["LPUSH", "h", "1"]), json!({})).await.expect_err("refused");
    assert_eq!(
        (wrong.status, wrong.code.as_str(), wrong.sqlstate.as_deref()),
        (422, "query-failed", Some("WRONGTYPE"))
    );
    let missing = run(json!(["GET", "{{ key }}"]), json!({})).await.expect_err("refused");
    assert_eq!(missing.code, "parameter-missing");
    for word in ["SUBSCRIBE", "multi", "SELECT", "AUTH"] {
        let problem = run(json!([word, "1"]), json!({})).await.expect_err("refused");
        assert_eq!(problem.code, "statement-unsupported", "{word}");
    }
    let statement = bulkhead_rpc::connector::QueryRequest { resource: id, ..service.query("select 1") };
    assert_eq!(service.run(&statement).await.expect_err("refused").code, "operation-unsupported");

    // A restart is not seen by who reads.
    server.kill();
    server.run();
    assert_eq!(run(json!(["GET", "nothing"]), json!({})).await, Ok(Value::Null));
}

#[tokio::test]
async fn a_change_whose_answer_does_not_come_is_of_unknown_outcome() {
    let (service, server) = (Service::start().await, redis());
    let config: ResourceConfig = serde_json::from_value(config(&server)).expect("a configuration");
    let id = service.add_kind("cache", &config, Some("s3cret")).await;
    let command = json!({ "do": "command", "command": ["BLPOP", "empty", "30"] });
    let mut request = service.operation(id, command, json!({}));
    request.limits.timeout_ms = 200;
    assert_eq!(service.run(&request).await.expect_err("late").code, "outcome-unknown");
}

#[tokio::test]
async fn an_answer_is_not_read_beyond_what_it_may_have() {
    let (service, server) = (Service::start().await, redis());
    let config: ResourceConfig = serde_json::from_value(config(&server)).expect("a configuration");
    let id = service.add_kind("cache", &config, Some("s3cret")).await;
    let command = |words: Value| service.operation(id, json!({ "do": "command", "command": words }), json!({}));
    service.run(&command(json!(["SETRANGE", "large", "20000000", "x"]))).await.expect("written");
    let mut read = command(json!(["GET", "large"]));
    read.limits.max_bytes = 65_536;
    assert_eq!(service.run(&read).await.expect_err("too large").code, "result-too-large");
    let mut taken = command(json!(["GETDEL", "large"]));
    taken.limits.max_bytes = 65_536;
    let problem = service.run(&taken).await.expect_err("too large");
    assert!(problem.code == "query-failed" && problem.detail.contains("look what was changed"), "{}", problem.detail);
    assert_eq!(service.run(&command(json!(["EXISTS", "large"]))).await.expect("runs").data, Some(json!(0)));
}
