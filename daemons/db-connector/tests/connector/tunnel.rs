//! Resources behind an SSH host, through the real ssh-connector and a real sshd.

#[path = "../../../ssh-connector/tests/tunnels/sshd.rs"]
#[allow(dead_code, reason = "ssh-connector's own tests use the rest")]
mod sshd;

use std::os::unix::net::UnixListener;
use std::time::Duration;

use bulkhead_daemon_kit::{DaemonConfig, Lifetime, Listener, MetricsRegistry, PeerPolicy, ServeOptions, serve};
use bulkhead_model::SshHostId;
use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_model::resource::PostgresqlConfig;
use bulkhead_rpc::connector::QueryRequest;
use bulkhead_seal::{Place, SealPrivateKey};
use bulkhead_ssh_connector::{Config, Metrics, Tunnels, router};
use bulkhead_store::test_support::migrated;
use bulkhead_test_kit::TestDatabase;
use serde_json::json;
use sshd::Sshd;
use tokio_util::sync::CancellationToken;

use crate::kit::Service;

/// An ssh-connector with one SSH host.
struct SshConnector {
    directory: tempfile::TempDir,
    host: SshHostId,
    _database: TestDatabase,
}

async fn start(sshd: &Sshd) -> SshConnector {
    let (test, database) = migrated().await;
    let directory = tempfile::tempdir().expect("a directory");
    let raw = json!({ "allow-networks": ["127.0.0.0/8"] });
    let config = Config::from_raw(serde_json::from_value(raw).expect("a shape")).expect("sound");
    let key = SealPrivateKey::generate();
    let host = SshHostId::new();
    let row = host.to_string();
    let place = Place { table: "ssh_hosts", row: &row, field: "sealed_secret" };
    let secret = json!({ "authentication": "key", "private-key": sshd.client_key() }).to_string();
    let sealed = key.public_key().seal(&place, secret.as_bytes()).expect("sealed");
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).expect("looked up").expect("exists").name;
    let sql = "INSERT INTO ssh_hosts (id, name, host, port, user_name, host_key, sealed_secret)
        VALUES ($1, 'bastion', '127.0.0.1', $2, $3, $4, $5)";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&host.0, &i32::from(sshd.port), &user, &sshd.host_key(), &sealed];
    test.connect().await.execute(sql, &values).await.expect("added");
    let shutdown = CancellationToken::new();
    let metrics = Metrics::register(&mut MetricsRegistry::default());
    let tunnels = Tunnels::new(database, key, &config, metrics, shutdown.clone());
    let listener = UnixListener::bind(directory.path().join("ssh.sock")).expect("bound");
    let (_, reload) = tokio::sync::watch::channel(0);
    let lifetime = Lifetime { shutdown, drain_timeout: Duration::from_secs(1), reload };
    tokio::spawn(async move {
        let options = ServeOptions::unix(PeerPolicy::users(&[]).expect("a policy"));
        serve(Listener::Unix(listener), router(tunnels), options, &lifetime).await
    });
    SshConnector { directory, host, _database: test }
}

#[tokio::test]
async fn a_query_and_its_cancel_travel_through_the_ssh_host() {
    let sshd = Sshd::start("");
    let ssh = start(&sshd).await;
    // No network is allowed: the loopback that is meant is the SSH host's.
    let service = Service::with(json!({ "ssh-connector-socket": ssh.directory.path().join("ssh.sock") })).await;
    let behind = |host| PostgresqlConfig { ssh_host: Some(host), ..service.config("bulkhead-tables") };
    let resource = service.add("behind", behind(ssh.host), "any", false).await;
    let ask = |statement: &str| QueryRequest { resource, ..service.query(statement) };
    let result = service.run(&ask("select generate_series(1, 50000) as n")).await.expect("runs");
    assert_eq!((result.row_count, result.truncated), (10_000, true));
    service.until_running("%generate_series(1, 50000)%", 0).await;

    let limits = QueryLimits { timeout_ms: 60_000, ..QueryLimits::default() };
    let slow = QueryRequest { limits, mode: QueryMode::Write, ..ask("select pg_sleep(60), 'tunnelled' as name") };
    let client = service.client.clone();
    let reading = tokio::spawn(async move { client.stream(http::Method::POST, "/v1/query", &slow).await.map(|_| ()) });
    service.until_running("%tunnelled%", 1).await;
    reading.abort();
    service.until_running("%tunnelled%", 0).await;

    let unknown = service.add("unknown", behind(SshHostId::new()), "any", false).await;
    let problem = service.run(&QueryRequest { resource: unknown, ..ask("select 1") }).await.expect_err("refused");
    assert_eq!(problem.code, "ssh-host-unknown");
    assert!(problem.detail.contains("`unknown`"), "{}", problem.detail);
}

#[tokio::test]
async fn a_missing_ssh_connector_is_said_and_never_passed_by() {
    let service =
        Service::with(json!({ "allow-networks": ["127.0.0.0/8"], "ssh-connector-socket": "/nonexistent/ssh.sock" }))
            .await;
    let config = PostgresqlConfig { ssh_host: Some(SshHostId::new()), ..service.config("bulkhead-tables") };
    let resource = service.add("behind", config, "any", false).await;
    let problem = service.run(&QueryRequest { resource, ..service.query("select 1") }).await.expect_err("refused");
    assert_eq!((problem.status, problem.code.as_str()), (503, "ssh-connector-unavailable"));
    assert!(problem.detail.contains("systemctl status bulkhead-ssh-connector"), "{}", problem.detail);
}
