//! MySQL and MariaDB: log-ins, and servers that fail.

use bulkhead_model::query::QueryMode;
use bulkhead_rpc::connector::QueryRequest;
use serde_json::{Value, json};

use crate::conformance::cutting;
use crate::kit::Service;
use crate::maria::{Maria, Shop};

#[tokio::test]
async fn accounts_log_in_by_their_own_way() {
    let (service, maria) = (Service::start().await, Maria::start());
    let tls = json!({ "host": "localhost", "tls": "verify-full", "ca-certificate": maria.authority });
    let cipher = "select variable_value <> '' as encrypted from information_schema.session_status where variable_name = 'Ssl_cipher'";
    let ask = async |name: &str, user: &str, tls: Option<&Value>, database: &str| {
        let mut changes = tls.cloned().unwrap_or_else(|| json!({}));
        changes["user"] = json!(user);
        changes["database"] = json!(database);
        let resource = maria.resource(&service, name, changes).await;
        service.run(&QueryRequest { resource, ..service.query(cipher) }).await
    };
    for (name, user, tls, encrypted) in [
        ("native", "app", None, 0),
        ("native-tls", "app", Some(&tls), 1),
        ("ed25519", "signs", None, 0),
        ("ed25519-tls", "signs", Some(&tls), 1),
        ("needs-tls", "encrypts", Some(&tls), 1),
    ] {
        let result = ask(name, user, tls, "shop").await.unwrap_or_else(|problem| panic!("{name}: {}", problem.detail));
        assert_eq!(json!(result.rows), json!([{ "encrypted": encrypted }]), "{name}");
    }
    for (name, user, database, word) in [
        ("no-tls-given", "encrypts", "shop", "denied"),
        ("not-this-way", "socket", "shop", "denied"),
        ("nobody", "nobody", "shop", "denied"),
        ("not-there", "app", "not_there", "not_there"),
        ("not-allowed", "signs", "mysql", "denied"),
    ] {
        let problem = ask(name, user, None, database).await.expect_err(name);
        assert_eq!((problem.status, problem.code.as_str()), (502, "resource-log-in"), "{name}: {}", problem.detail);
        assert!(problem.detail.contains(word) && !problem.detail.contains("s3cret"), "{name}: {}", problem.detail);
    }
    let other_name = json!({ "host": "127.0.0.1", "tls": "verify-full", "ca-certificate": maria.authority });
    let problem = ask("other-name", "app", Some(&other_name), "shop").await.expect_err("refused");
    assert_eq!(problem.code, "resource-tls", "{}", problem.detail);
}

#[tokio::test]
async fn a_restart_is_not_seen_by_who_reads_or_begins_to_write() {
    let mut shop = Shop::open().await;
    shop.write("create table t (id int primary key)", json!({})).await.expect("made");
    for id in [1, 2] {
        assert_eq!(shop.rows("select 1 as one").await, json!([{ "one": 1 }]));
        shop.maria.restart();
        assert_eq!(shop.rows("select 1 as one").await, json!([{ "one": 1 }]));
        shop.maria.restart();
        shop.write("insert into t values ({{ id }})", json!({ "id": id })).await.expect("written");
        shop.maria.restart();
        let insert = json!({ "do": "insert", "table": "t", "values": { "id": "id" } });
        shop.change(insert, json!({ "id": id + 10 })).await.expect("written");
    }
    assert_eq!(shop.rows("select count(*) as n from t").await, json!([{ "n": 4 }]));
}

#[tokio::test]
async fn a_connection_that_was_killed_while_nobody_used_it_is_not_missed() {
    let mut shop = Shop::open().await;
    shop.write("create table t (id int primary key)", json!({})).await.expect("made");
    let (used, other) = (shop.resource, shop.maria.resource(&shop.service, "killer", json!({})).await);
    let mut killed = 0;
    for id in 1..=4 {
        shop.resource = used;
        assert_eq!(shop.rows("select 1 as one").await, json!([{ "one": 1 }]));
        shop.resource = other;
        let idle = "select id from information_schema.processlist where user = 'app' and id <> connection_id()";
        for row in shop.rows(idle).await.as_array().expect("rows") {
            // It may be the one that the killing came by a moment ago.
            killed += usize::from(shop.write(&format!("kill connection {}", row["id"]), json!({})).await.is_ok());
        }
        shop.resource = used;
        if id % 2 == 0 {
            shop.write("insert into t values ({{ id }})", json!({ "id": id })).await.expect("written");
        } else {
            shop.change(json!({ "do": "insert", "table": "t", "values": { "id": "id" } }), json!({ "id": id }))
                .await
                .expect("written");
        }
    }
    assert!(killed >= 4, "{killed} were killed");
    assert_eq!(shop.rows("select count(*) as n from t").await, json!([{ "n": 4 }]));
}

#[tokio::test]
async fn a_server_that_ends_within_a_statement_is_told() {
    let mut shop = Shop::open().await;
    shop.write("create table t (id int primary key)", json!({})).await.expect("made");
    let cases: [(&str, QueryMode, &[&str]); 3] = [
        // It is asked once more, of a server that is not there, or whose last breath takes the connection.
        ("select sleep(30) as dies", QueryMode::Read, &["resource-unreachable", "resource-lost"]),
        // Tables of some engines would keep it.
        ("insert into t select 1 + 0 * sleep(30)", QueryMode::Write, &["outcome-unknown"]),
        ("do sleep(30)", QueryMode::Write, &["outcome-unknown"]),
    ];
    for (statement, mode, codes) in cases {
        let request = QueryRequest { mode, ..shop.query(statement, json!({})) };
        let client = shop.service.client.clone();
        let running =
            tokio::spawn(async move { client.call::<_, Value>(http::Method::POST, "/v1/query", &request).await });
        shop.until_running("%sleep(30)%", 1).await;
        shop.maria.server.kill();
        let ended = running.await.expect("ended").expect_err("lost");
        let bulkhead_rpc::RpcError::Problem(problem) = ended else { panic!("{ended:?}") };
        assert!(codes.contains(&problem.code.as_str()), "{statement}: {}: {}", problem.code, problem.detail);
        shop.maria.restart();
    }
    assert_eq!(shop.rows("select count(*) as n from t").await, json!([{ "n": 0 }]));
    let mut unstoppable = shop.query("do sleep(30)", json!({}));
    (unstoppable.mode, unstoppable.limits.timeout_ms) = (QueryMode::Write, 200);
    assert_eq!(shop.service.run(&unstoppable).await.expect_err("late").code, "outcome-unknown");
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_of_unknown_outcome() {
    let mut shop = Shop::open().await;
    shop.write("create table t (id int primary key)", json!({})).await.expect("made");
    let direct = shop.resource;
    let (port, _) = cutting(shop.maria.server.port(), b"COMMIT").await;
    shop.resource = shop.maria.resource(&shop.service, "cut", json!({ "port": port })).await;
    let unknown = shop.write("insert into t values (1)", json!({})).await.expect_err("unknown");
    assert_eq!((unknown.status, unknown.code.as_str()), (502, "outcome-unknown"), "{}", unknown.detail);
    let insert = json!({ "do": "insert", "table": "t", "values": { "id": "id" } });
    let unknown = shop.change(insert, json!({ "id": 2 })).await.expect_err("unknown");
    assert_eq!(unknown.code, "outcome-unknown", "{}", unknown.detail);
    let (port, _) = cutting(shop.maria.server.port(), b"insert into t").await;
    shop.resource = shop.maria.resource(&shop.service, "early", json!({ "port": port })).await;
    let lost = shop.write("insert into t values (3)", json!({})).await.expect_err("lost");
    assert_eq!(lost.code, "resource-lost", "{}", lost.detail);
    shop.resource = direct;
    assert_eq!(shop.rows("select id from t").await, json!([{ "id": 1 }, { "id": 2 }]));
}
