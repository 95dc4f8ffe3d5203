//! Servers that want to know by a certificate who asks them.

use bulkhead_model::ResourceId;
use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::{PostgresqlConfig, ResourceConfig, TlsMode};
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::{QueryRequest, QueryResult};
use serde_json::json;

use crate::certificates::certified;
use crate::cluster::{Cluster, PASSWORD};
use crate::kit::Service;
use crate::nats::nats_certified;

const GOOD: i32 = 2090;

fn config(cluster: &Cluster, user: &str, certificate: Option<&str>) -> PostgresqlConfig {
    PostgresqlConfig {
        host: "localhost".to_owned(),
        port: cluster.port,
        database: "postgres".to_owned(),
        user: user.to_owned(),
        tls: TlsMode::VerifyFull,
        ca_certificate: Some(cluster.authority.clone()),
        client_certificate: certificate.map(str::to_owned),
        ssh_host: None,
    }
}

async fn ask(service: &Service, resource: ResourceId, statement: &str) -> Result<QueryResult, Problem> {
    service.run(&QueryRequest { resource, mode: QueryMode::Write, ..service.query(statement) }).await
}

#[tokio::test]
async fn postgresql_lets_in_who_shows_its_certificate() {
    let (service, cluster) = (Service::start().await, Cluster::start());
    let owner = service.add("owner", config(&cluster, "owner", None), PASSWORD, false).await;
    ask(&service, owner, &format!("create role tools login password '{PASSWORD}'")).await.expect("made");
    let (own, other) = (cluster.certified.client("tools", GOOD), cluster.certified.client("other", GOOD));
    let expired = cluster.certified.client("tools", 2020);
    let add = async |name: &str, certificate: Option<&str>, key: Option<&str>| {
        let config = ResourceConfig::Postgresql(config(&cluster, "tools", certificate));
        service.add_certified(name, &config, Some(PASSWORD), key).await
    };
    let good = add("good", Some(&own.certificate), Some(&own.key)).await;
    let shown = ask(&service, good, "select client_dn from pg_stat_ssl where pid = pg_backend_pid()").await;
    assert_eq!(json!(shown.expect("lets in").rows), json!([{ "client_dn": "/CN=tools" }]));
    for (name, certificate, key, code, words) in [
        ("none", None, None, "resource-log-in", "client certificate"),
        ("of-another", Some(&other.certificate), Some(&other.key), "resource-log-in", "authentication failed"),
        (
            "other-key",
            Some(&own.certificate),
            Some(&other.key),
            "resource-client-certificate",
            "of another certificate",
        ),
        ("no-key", Some(&own.certificate), None, "resource-client-certificate", "private key is missing"),
        (
            "expired",
            Some(&expired.certificate),
            Some(&expired.key),
            "resource-client-certificate",
            "expired at 2020-12-31",
        ),
    ] {
        let id = add(name, certificate.map(String::as_str), key.map(String::as_str)).await;
        let problem = ask(&service, id, "select 1").await.expect_err(name);
        assert_eq!(problem.code, code, "{name}: {}", problem.detail);
        assert!(problem.detail.contains(words) && !problem.detail.contains("PRIVATE"), "{name}: {}", problem.detail);
    }
}

#[tokio::test]
async fn nats_lets_in_who_shows_a_certificate_and_needs_no_secret() {
    let service = Service::start().await;
    let (server, authority) = nats_certified(
        "tls { cert_file: \"{folder}/server.crt\", key_file: \"{folder}/server.key\", ca_file: \"{folder}/authority.crt\", verify: true }",
    );
    let publish = json!({ "do": "nats-publish", "subject": "a" });
    let run = async |name: &str, certificate: Option<(&str, &str)>| {
        let mut config = json!({ "kind": "nats", "host": "localhost", "port": server.port(), "tls": "verify-full",
            "ca-certificate": authority.authority, "user": "" });
        if let Some((certificate, _)) = certificate {
            config["client-certificate"] = json!(certificate);
        }
        let config = serde_json::from_value(config).expect("a configuration");
        let id = service.add_certified(name, &config, None, certificate.map(|(_, key)| key)).await;
        service.run(&service.operation(id, publish.clone(), json!({}))).await
    };
    let own = authority.client("tools", GOOD);
    run("own", Some((&own.certificate, &own.key))).await.expect("lets in");
    run("none", None).await.expect_err("refused");
    let stranger = certified().client("tools", GOOD);
    run("stranger", Some((&stranger.certificate, &stranger.key))).await.expect_err("refused");
}
