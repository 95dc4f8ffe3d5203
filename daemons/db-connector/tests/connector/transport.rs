//! Passwords, TLS, and a server that goes away.

use bulkhead_model::ResourceId;
use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::{PostgresqlConfig, TlsMode};
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::{QueryRequest, QueryResult};
use serde_json::json;

use crate::cluster::{Cluster, PASSWORD};
use crate::kit::Service;

fn config(cluster: &Cluster) -> PostgresqlConfig {
    PostgresqlConfig {
        host: "localhost".to_owned(),
        port: cluster.port,
        database: "postgres".to_owned(),
        user: "owner".to_owned(),
        tls: TlsMode::VerifyFull,
        ca_certificate: Some(cluster.authority.clone()),
        client_certificate: None,
        ssh_host: None,
    }
}

async fn ask(service: &Service, resource: ResourceId, statement: &str) -> Result<QueryResult, Problem> {
    service.run(&QueryRequest { resource, ..service.query(statement) }).await
}

#[tokio::test]
async fn tls_is_verified_in_full_or_refused() {
    let (service, cluster, stranger) = (Service::start().await, Cluster::start(), Cluster::start());
    let good = service.add("good", config(&cluster), PASSWORD, false).await;
    let result = ask(&service, good, "select ssl from pg_stat_ssl where pid = pg_backend_pid()").await.expect("works");
    assert_eq!(json!(result.rows), json!([{ "ssl": true }]));
    let address = PostgresqlConfig { host: "127.0.0.1".to_owned(), ..config(&cluster) };
    let wrong_authority = PostgresqlConfig { ca_certificate: Some(stranger.authority.clone()), ..config(&cluster) };
    let system_authorities = PostgresqlConfig { ca_certificate: None, ..config(&cluster) };
    let not_offered = PostgresqlConfig { host: "127.0.0.1".to_owned(), port: service.port, ..config(&cluster) };
    let broken = PostgresqlConfig {
        ca_certificate: Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into()),
        ..config(&cluster)
    };
    for (name, config) in [
        ("another-name", address),
        ("another-authority", wrong_authority),
        ("no-authority", system_authorities),
        ("no-tls", not_offered),
        ("broken-authority", broken),
    ] {
        let id = service.add(name, config, PASSWORD, false).await;
        let problem = ask(&service, id, "select 1").await.expect_err("refused");
        assert_eq!((problem.status, problem.code.as_str()), (502, "resource-tls"), "{name}: {}", problem.detail);
        assert!(problem.detail.contains(name) && problem.detail.contains("CA certificate"), "{}", problem.detail);
    }
}

#[tokio::test]
async fn a_wrong_password_is_said_without_the_password() {
    let (service, cluster) = (Service::start().await, Cluster::start());
    let id = service.add("ledger", config(&cluster), "canary-wrong", false).await;
    let problem = ask(&service, id, "select 1").await.expect_err("refused");
    assert_eq!((problem.status, problem.code.as_str()), (502, "resource-log-in"));
    assert!(problem.detail.contains("`ledger`") && problem.detail.contains("resource's page"), "{}", problem.detail);
    assert!(!format!("{problem:?}").contains("canary"), "{problem:?}");
}

#[tokio::test]
async fn a_server_that_went_away_is_said_and_its_return_is_noticed() {
    let (service, cluster) = (Service::start().await, Cluster::start());
    let id = service.add("ledger", config(&cluster), PASSWORD, false).await;
    ask(&service, id, "create table t (id int)").await.expect_err("a read");
    let slow = QueryRequest { resource: id, mode: QueryMode::Write, ..service.query("select pg_sleep(60)") };
    let client = service.client.clone();
    let running = tokio::spawn(async move {
        client.call::<_, QueryResult>(http::Method::POST, "/v1/query", &slow).await.expect_err("lost")
    });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    cluster.stop();
    let lost = running.await.expect("ended").to_string();
    assert!(lost.contains("lost") || lost.contains("cannot be reached"), "{lost}");
    let down = ask(&service, id, "select 1").await.expect_err("down");
    assert_eq!((down.status, down.code.as_str()), (502, "resource-unreachable"), "{}", down.detail);
    cluster.run_server();
    assert_eq!(ask(&service, id, "select 1 as one").await.expect("back").row_count, 1);
    // Stopped and started between two queries: the pooled connection is dead, and nobody notices.
    cluster.stop();
    cluster.run_server();
    assert_eq!(ask(&service, id, "select 1 as one").await.expect("back").row_count, 1);
}

/// An administrator's list for a kind: nothing outside of it is reached, by whatever name.
#[tokio::test]
async fn a_kind_with_networks_of_its_own_reaches_no_other() {
    let raw = |networks: &str| json!({ "allow-networks": ["127.0.0.0/8"], "kind-networks": { "postgresql": [networks], "redis": [] } });
    let inside = Service::with(raw("127.0.0.0/24")).await;
    inside.rows("select 1").await;
    let outside = Service::with(raw("10.0.0.0/8")).await;
    for host in ["127.0.0.1", "localhost"] {
        let id =
            outside.add(host, PostgresqlConfig { host: host.to_owned(), ..outside.config("x") }, "any", false).await;
        let problem = ask(&outside, id, "select 1").await.expect_err("refused");
        assert_eq!((problem.status, problem.code.as_str()), (422, "resource-host-refused"), "{}", problem.detail);
        assert!(problem.detail.contains("kind-networks"), "{}", problem.detail);
    }
    // Other kinds are as they were, and one with an empty list reaches nothing.
    let port = bulkhead_test_kit::free_port();
    for (kind, operation, code) in [
        ("rest", json!({ "do": "request", "path": "/x" }), "resource-unreachable"),
        ("redis", json!({ "do": "command", "command": ["PING"] }), "resource-host-refused"),
    ] {
        let place = match kind {
            "rest" => json!({ "kind": kind, "url": format!("http://127.0.0.1:{port}/") }),
            _ => json!({ "kind": kind, "host": "127.0.0.1", "port": port, "tls": "disabled" }),
        };
        let id = outside.add_any(place, None).await;
        let problem = outside.run(&outside.operation(id, operation, json!({}))).await.expect_err("refused");
        assert_eq!(problem.code, code, "{kind}: {}", problem.detail);
    }
}
