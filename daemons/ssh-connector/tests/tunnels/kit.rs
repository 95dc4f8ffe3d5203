//! A connector on a real socket with a database of its own, and servers at the far ends of tunnels.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon_kit::{DaemonConfig, Lifetime, Listener, MetricsRegistry, PeerPolicy, ServeOptions, serve};
use bulkhead_model::SshHostId;
use bulkhead_model::ssh::{SshHostConfig, SshSecret};
use bulkhead_rpc::ssh::{
    HOST_KEY, HostKeyAnswer, HostKeyRequest, TEST, TestAnswer, TestRequest, TunnelRequest, open_tunnel,
};
use bulkhead_rpc::{Problem, RpcClient, RpcError};
use bulkhead_seal::{Place, SealPrivateKey};
use bulkhead_ssh_connector::{Config, Metrics, Tunnels, router};
use bulkhead_store::test_support::{as_role, migrated};
use bulkhead_test_kit::TestDatabase;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::sshd::Sshd;

/// A daemon without its process: its routes on a socket, its database, its key.
pub(crate) struct Connector {
    pub(crate) client: RpcClient,
    test: TestDatabase,
    key: SealPrivateKey,
    metrics: MetricsRegistry,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: tokio::task::JoinHandle<()>,
    _directory: tempfile::TempDir,
}

/// What an SSH host's row holds.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) config: SshHostConfig,
    pub(crate) secret: SshSecret,
}

impl Host {
    /// The same behind another host.
    pub(crate) fn behind(self, jump_host: SshHostId) -> Self {
        let config = SshHostConfig { jump_host: Some(jump_host), ..self.config };
        Self { config, ..self }
    }
}

/// A private key as a secret.
pub(crate) fn key(private_key: String, passphrase: Option<&str>) -> SshSecret {
    SshSecret::Key { private_key, passphrase: passphrase.map(str::to_owned) }
}

impl Connector {
    pub(crate) async fn start(config: Value) -> Self {
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
    pub(crate) async fn on_loopback() -> Self {
        Self::start(json!({"allow-networks": ["127.0.0.0/8"]})).await
    }

    /// Adds an SSH host; its secret is sealed to the row `sealed_to`, its own where there is none.
    pub(crate) async fn add_sealed(&self, host: &Host, sealed_to: Option<SshHostId>) -> SshHostId {
        let id = SshHostId::new();
        let sealed = self.seal(sealed_to.unwrap_or(id), &host.secret);
        let sql = "INSERT INTO ssh_hosts (id, name, host, port, user_name, host_key, jump_host_id, sealed_secret)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let SshHostConfig { host, port, user, host_key, jump_host } = &host.config;
        let (name, port, jump_host) = (id.to_string(), i32::from(*port), jump_host.map(|jump| jump.0));
        let client = self.test.connect().await;
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
            [&id.0, &name, host, &port, user, host_key, &jump_host, &sealed];
        client.execute(sql, &values).await.expect("added");
        id
    }

    pub(crate) async fn add(&self, host: &Host) -> SshHostId {
        self.add_sealed(host, None).await
    }

    /// Confirms another key.
    pub(crate) async fn set_host_key(&self, id: SshHostId, host_key: &str) {
        let client = self.test.connect().await;
        let sql = "UPDATE ssh_hosts SET host_key = $2 WHERE id = $1";
        client.execute(sql, &[&id.0, &host_key]).await.expect("changed");
    }

    /// As api seals it.
    pub(crate) fn seal(&self, id: SshHostId, secret: &SshSecret) -> String {
        let row = id.to_string();
        let place = Place { table: "ssh_hosts", row: &row, field: "sealed_secret" };
        let text = serde_json::to_vec(secret).expect("JSON");
        self.key.public_key().seal(&place, &text).expect("sealed")
    }

    /// As api asks which key a host shows.
    pub(crate) async fn host_key(&self, port: u16, jump_host: Option<SshHostId>) -> Result<String, Problem> {
        let request = HostKeyRequest { host: "127.0.0.1".into(), port, jump_host };
        let answer = self.client.call(http::Method::POST, HOST_KEY, &request).await;
        answer.map(|HostKeyAnswer { host_key }| host_key).map_err(problem)
    }

    /// As api tries settings; `true` when the host forwards.
    pub(crate) async fn test(&self, id: SshHostId, host: &Host, is_stored: bool) -> Result<bool, Problem> {
        let secret = (!is_stored).then(|| self.seal(id, &host.secret));
        let request = TestRequest { ssh_host: id, config: host.config.clone(), secret };
        let answer = self.client.call(http::Method::POST, TEST, &request).await;
        answer.map(|TestAnswer { forwards }| forwards).map_err(problem)
    }

    pub(crate) async fn open(
        &self,
        ssh_host: SshHostId,
        port: u16,
    ) -> Result<impl AsyncRead + AsyncWrite + Unpin + use<>, RpcError> {
        open_tunnel(&self.client, &TunnelRequest { ssh_host, host: "127.0.0.1".into(), port }).await
    }

    pub(crate) async fn refusal(&self, ssh_host: SshHostId, port: u16) -> Problem {
        match self.open(ssh_host, port).await {
            Ok(_) => panic!("the tunnel must not open"),
            Err(error) => problem(error),
        }
    }

    pub(crate) fn log_ins(&self) -> u64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.metrics).expect("encoded");
        let line = text.lines().find_map(|line| line.strip_prefix("bulkhead_ssh_log_ins_total "));
        line.expect("counted").parse().expect("a number")
    }
}

fn problem(error: RpcError) -> Problem {
    match error {
        RpcError::Problem(problem) => *problem,
        error => panic!("no problem document: {error:?}"),
    }
}

/// An SSH host that is this sshd.
pub(crate) fn host(sshd: &Sshd) -> Host {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).expect("looked up").expect("exists").name;
    let (host, port, host_key) = ("127.0.0.1".to_owned(), sshd.port, sshd.host_key());
    let config = SshHostConfig { host, port, user, host_key, jump_host: None };
    Host { config, secret: key(sshd.client_key(), None) }
}

/// A server that sends back what it receives.
pub(crate) async fn echo() -> u16 {
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
pub(crate) async fn flood() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move { while stream.write_all(&[1; 4096]).await.is_ok() {} });
        }
    });
    port
}

pub(crate) async fn echoes(tunnel: &mut (impl AsyncRead + AsyncWrite + Unpin), bytes: &[u8]) {
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
