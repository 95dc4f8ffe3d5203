//! Tunnels through a real sshd, asked for over the real socket.

mod sshd;

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon_kit::{DaemonConfig, Lifetime, Listener, MetricsRegistry, PeerPolicy, ServeOptions, serve};
use bulkhead_model::SshHostId;
use bulkhead_rpc::ssh::{TunnelRequest, open_tunnel};
use bulkhead_rpc::{Problem, RpcClient, RpcError};
use bulkhead_seal::{Place, SealPrivateKey};
use bulkhead_ssh_connector::{Config, Metrics, Tunnels, router};
use bulkhead_store::test_support::{as_role, migrated};
use bulkhead_test_kit::TestDatabase;
use serde_json::{Value, json};
use sshd::Sshd;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A daemon without its process: its routes on a socket, its database, its key.
struct Connector {
    client: RpcClient,
    test: TestDatabase,
    key: SealPrivateKey,
    metrics: MetricsRegistry,
    shutdown: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
    _directory: tempfile::TempDir,
}

/// What an SSH host's row holds.
struct Host {
    port: u16,
    user: String,
    host_key: String,
    secret: String,
}

impl Connector {
    async fn start(config: Value) -> Self {
        let (test, _) = migrated().await;
        // Under the daemon's own role: its grants must suffice.
        let database = as_role(&test, "bulkhead-ssh-connector");
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("ssh-connector.sock");
        let listener = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
        let config = Config::from_raw(serde_json::from_value(config).expect("a configuration")).expect("sound");
        let key = SealPrivateKey::generate();
        let own_key = SealPrivateKey::from_text(&key.to_text()).expect("a key");
        let shutdown = CancellationToken::new();
        let mut metrics = MetricsRegistry::default();
        let counted = Metrics::register(&mut metrics);
        let tunnels = Tunnels::new(database, own_key, &config, counted, shutdown.clone());
        let (_, reload) = tokio::sync::watch::channel(0);
        let drain_timeout = Duration::from_secs(20);
        let lifetime = Lifetime { shutdown: shutdown.clone(), drain_timeout, reload };
        let serving = tokio::spawn(async move {
            let options = ServeOptions::unix(PeerPolicy::users(&[]).expect("a policy"));
            let routes = router(Arc::clone(&tunnels));
            serve(Listener::Unix(listener), routes, options, &lifetime).await.expect("serves");
            tunnels.drain(drain_timeout).await;
        });
        let client = RpcClient::new("ssh-connector", &socket);
        Self { client, test, key, metrics, shutdown, serving, _directory: directory }
    }

    /// One that may reach hosts on this machine, where the tests' sshd is.
    async fn on_loopback() -> Self {
        Self::start(json!({"allow-networks": ["127.0.0.0/8"]})).await
    }

    /// Adds an SSH host; its secret is sealed to the row `sealed_to`.
    async fn add_sealed(&self, host: &Host, sealed_to: SshHostId) -> SshHostId {
        let id = SshHostId(uuid::Uuid::now_v7());
        let row = if sealed_to.0.is_nil() { id.to_string() } else { sealed_to.to_string() };
        let place = Place { table: "ssh_hosts", row: &row, field: "sealed_secret" };
        let sealed = self.key.public_key().seal(&place, host.secret.as_bytes()).expect("sealed");
        let sql = "INSERT INTO ssh_hosts (id, name, host, port, user_name, host_key, sealed_secret)
            VALUES ($1, $2, '127.0.0.1', $3, $4, $5, $6)";
        let (name, port) = (id.to_string(), i32::from(host.port));
        let client = self.test.connect().await;
        client.execute(sql, &[&id.0, &name, &port, &host.user, &host.host_key, &sealed]).await.expect("added");
        id
    }

    async fn add(&self, host: &Host) -> SshHostId {
        self.add_sealed(host, SshHostId(uuid::Uuid::nil())).await
    }

    async fn open(
        &self,
        ssh_host: SshHostId,
        port: u16,
    ) -> Result<impl AsyncRead + AsyncWrite + Unpin + use<>, RpcError> {
        open_tunnel(&self.client, &TunnelRequest { ssh_host, host: "127.0.0.1".into(), port }).await
    }

    async fn refusal(&self, ssh_host: SshHostId, port: u16) -> Problem {
        match self.open(ssh_host, port).await {
            Ok(_) => panic!("the tunnel must not open"),
            Err(RpcError::Problem(problem)) => *problem,
            Err(error) => panic!("no problem document: {error:?}"),
        }
    }

    fn log_ins(&self) -> u64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.metrics).expect("encoded");
        let line = text.lines().find_map(|line| line.strip_prefix("bulkhead_ssh_log_ins_total "));
        line.expect("counted").parse().expect("a number")
    }
}

fn host(sshd: &Sshd) -> Host {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).expect("looked up").expect("exists").name;
    Host { port: sshd.port, user, host_key: sshd.host_key(), secret: sshd.client_key() }
}

/// A server that sends back what it receives.
async fn echo() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    port
}

/// A server that sends bytes for as long as somebody takes them.
async fn flood() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move { while stream.write_all(&[1; 4096]).await.is_ok() {} });
        }
    });
    port
}

async fn echoes(tunnel: &mut (impl AsyncRead + AsyncWrite + Unpin), bytes: &[u8]) {
    let (mut read, mut write) = tokio::io::split(tunnel);
    let mut received = vec![0; bytes.len()];
    let sending = async {
        write.write_all(bytes).await.expect("written");
        write.flush().await.expect("flushed");
    };
    let (_, read) = tokio::join!(sending, read.read_exact(&mut received));
    read.expect("read");
    assert_eq!(received, bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_get_through_and_the_session_serves_the_next_tunnel() {
    let (sshd, connector, target) = (Sshd::start(""), Connector::on_loopback().await, echo().await);
    let id = connector.add(&host(&sshd)).await;
    let mut first = connector.open(id, target).await.expect("opens");
    echoes(&mut first, &vec![42; 3_000_000]).await;
    let mut second = connector.open(id, target).await.expect("opens beside the first");
    echoes(&mut second, b"hello").await;
    assert_eq!(connector.log_ins(), 2);
    drop((first, second));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut third = connector.open(id, target).await.expect("opens");
    echoes(&mut third, b"again").await;
    assert_eq!(connector.log_ins(), 2, "a session was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_either_side_closes_the_other() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    let id = connector.add(&host(&sshd)).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let (tunnel, accepted) = tokio::join!(connector.open(id, port), listener.accept());
    let (mut target, _) = accepted.expect("accepted");
    drop(tunnel.expect("opens"));
    let seen = tokio::time::timeout(Duration::from_secs(5), target.read(&mut [0; 1])).await.expect("soon");
    assert_eq!(seen.expect("read"), 0, "the target sees the end");
    let (tunnel, accepted) = tokio::join!(connector.open(id, port), listener.accept());
    let (mut target, _) = accepted.expect("accepted");
    target.write_all(b"bye").await.expect("written");
    drop(target);
    let mut received = Vec::new();
    let reading = tunnel.expect("opens").read_to_end(&mut received).await;
    assert_eq!((reading.expect("read"), received.as_slice()), (3, b"bye".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_host_key_is_refused_with_both_fingerprints() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    let id = connector.add(&Host { host_key: sshd.stranger().1, ..host(&sshd) }).await;
    let problem = connector.refusal(id, 5432).await;
    assert_eq!((problem.status, problem.code.as_str()), (502, "ssh-host-key"));
    let pinned = format!("pinned {}", sshd.fingerprint("stranger"));
    let shown = format!("shown {}", sshd.fingerprint("host"));
    assert!(problem.detail.contains(&pinned) && problem.detail.contains(&shown), "{}", problem.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_or_password_that_the_host_does_not_know_is_a_log_in_fault() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    for secret in [sshd.stranger().0, "a password".to_owned()] {
        let id = connector.add(&Host { secret, ..host(&sshd) }).await;
        let problem = connector.refusal(id, 5432).await;
        assert_eq!((problem.status, problem.code.as_str()), (502, "ssh-log-in"));
        assert!(problem.detail.contains("it accepts: publickey"), "{}", problem.detail);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_nobody_serves_or_a_host_that_does_not_forward_is_named() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    let id = connector.add(&host(&sshd)).await;
    let problem = connector.refusal(id, 1).await;
    assert_eq!(problem.code, "ssh-target-unreachable");
    assert!(problem.detail.contains("127.0.0.1:1"), "{}", problem.detail);
    let closed = Sshd::start("AllowTcpForwarding no");
    let id = connector.add(&host(&closed)).await;
    assert_eq!(connector.refusal(id, echo().await).await.code, "ssh-forwarding-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_default_policy_a_listener_on_loopback_sees_nothing() {
    let connector = Connector::start(json!({})).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let key = Sshd::start("");
    let id = connector.add(&Host { port, ..host(&key) }).await;
    assert_eq!(connector.refusal(id, 5432).await.code, "ssh-host-refused");
    let seen = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(seen.is_err(), "nobody connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_on_the_metadata_address_is_refused_before_any_log_in() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    let id = connector.add(&host(&sshd)).await;
    let request = TunnelRequest { ssh_host: id, host: "169.254.169.254".into(), port: 80 };
    let Err(RpcError::Problem(problem)) = open_tunnel(&connector.client, &request).await else { panic!("refused") };
    assert_eq!((problem.code.as_str(), connector.log_ins()), ("ssh-target-refused", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_hosts_and_moved_secrets_are_refused() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    let problem = connector.refusal(SshHostId(uuid::Uuid::now_v7()), 5432).await;
    assert_eq!((problem.status, problem.code.as_str()), (404, "ssh-host-unknown"));
    let first = connector.add(&host(&sshd)).await;
    let moved = connector.add_sealed(&host(&sshd), first).await;
    assert_eq!(connector.refusal(moved, 5432).await.code, "ssh-secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_reboot_of_the_host_the_next_tunnel_opens() {
    let (mut sshd, connector, target) = (Sshd::start(""), Connector::on_loopback().await, echo().await);
    let id = connector.add(&host(&sshd)).await;
    let mut tunnel = connector.open(id, target).await.expect("opens");
    echoes(&mut tunnel, b"before").await;
    sshd.kill();
    let ended = tokio::time::timeout(Duration::from_secs(5), tunnel.read(&mut [0; 1])).await.expect("soon");
    assert_eq!(ended.unwrap_or(0), 0, "the open tunnel ends");
    assert_eq!(connector.refusal(id, target).await.code, "ssh-host-unreachable");
    sshd.run();
    let mut tunnel = connector.open(id, target).await.expect("opens again");
    echoes(&mut tunnel, b"after").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_stalls_nobody_else() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    let id = connector.add(&host(&sshd)).await;
    let stalled = connector.open(id, flood().await).await.expect("opens");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut other = connector.open(id, echo().await).await.expect("opens");
    tokio::time::timeout(Duration::from_secs(5), echoes(&mut other, &vec![9; 500_000])).await.expect("not stalled");
    drop(stalled);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tunnels_in_use_is_an_answer_of_its_own() {
    let (sshd, target) = (Sshd::start(""), echo().await);
    let connector = Connector::start(json!({"allow-networks": ["127.0.0.0/8"], "max-tunnels": 1})).await;
    let id = connector.add(&host(&sshd)).await;
    let held = connector.open(id, target).await.expect("opens");
    let problem = connector.refusal(id, target).await;
    assert_eq!((problem.status, problem.code.as_str()), (503, "ssh-busy"));
    drop(held);
    tokio::time::sleep(Duration::from_millis(500)).await;
    connector.open(id, target).await.expect("opens now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_quiet_tunnels_and_then_the_daemon() {
    let (sshd, connector, target) = (Sshd::start(""), Connector::on_loopback().await, echo().await);
    let id = connector.add(&host(&sshd)).await;
    let mut tunnel = connector.open(id, target).await.expect("opens");
    connector.shutdown.cancel();
    echoes(&mut tunnel, b"a query that still runs").await;
    tokio::time::timeout(Duration::from_secs(5), connector.serving).await.expect("soon").expect("ends");
    assert_eq!(tunnel.read(&mut [0; 1]).await.unwrap_or(0), 0);
}
