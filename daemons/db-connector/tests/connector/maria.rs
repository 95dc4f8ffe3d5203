//! A MariaDB server of its own, and resources that lead to it.

use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bulkhead_model::ResourceId;
use bulkhead_model::query::QueryMode;
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::{QueryRequest, QueryResult};
use bulkhead_test_kit::TestServer;
use serde_json::{Value, json};

use crate::cluster::write_certificates;
use crate::kit::Service;

pub(crate) const PASSWORD: &str = "s3cret'\\";

/// What each start runs: accounts by the ways of logging in that MariaDB has, and the database.
const ACCOUNTS: &str = "CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS 'app'@'%' IDENTIFIED BY 's3cret''\\\\';
CREATE USER IF NOT EXISTS 'signs'@'%' IDENTIFIED VIA ed25519 USING PASSWORD('s3cret''\\\\');
CREATE USER IF NOT EXISTS 'encrypts'@'%' IDENTIFIED BY 's3cret''\\\\' REQUIRE SSL;
CREATE USER IF NOT EXISTS 'socket'@'%' IDENTIFIED VIA unix_socket;
GRANT ALL ON *.* TO 'app'@'%';
GRANT SELECT ON shop.* TO 'signs'@'%', 'encrypts'@'%', 'socket'@'%';
";

/// A server that speaks TLS as `localhost`.
pub(crate) struct Maria {
    pub(crate) server: TestServer,
    /// PEM of the authority that signed its certificate.
    pub(crate) authority: String,
}

impl Maria {
    pub(crate) fn start() -> Self {
        Self::with(true)
    }

    /// One with or without TLS.
    pub(crate) fn with(tls: bool) -> Self {
        let mut authority = String::new();
        let server = TestServer::start("/usr/sbin/mariadbd", |port, directory| {
            authority = write_certificates(directory);
            let file = |name: &str| directory.join(name).display().to_string();
            let mut words = vec![
                "--no-defaults".to_owned(),
                format!("--datadir={}", file("data")),
                format!("--tmpdir={}", directory.display()),
                format!("--socket={}", file("socket")),
                format!("--pid-file={}", file("pid")),
                format!("--port={port}"),
                format!("--init-file={}", file("accounts.sql")),
            ];
            words.extend(
                [
                    "--bind-address=127.0.0.1",
                    "--skip-name-resolve",
                    "--plugin-load-add=auth_ed25519",
                    "--innodb-buffer-pool-size=32M",
                    "--innodb-log-file-size=16M",
                    "--innodb-flush-log-at-trx-commit=2",
                ]
                .map(str::to_owned),
            );
            if tls {
                words.push(format!("--ssl-cert={}", file("server.crt")));
                words.push(format!("--ssl-key={}", file("server.key")));
            }
            if nix::unistd::Uid::effective().is_root() {
                words.push("--user=root".to_owned());
            }
            std::fs::write(directory.join("accounts.sql"), ACCOUNTS).expect("written");
            install(directory);
            words
        });
        let maria = Self { server, authority };
        maria.until_it_greets();
        maria
    }

    /// Starts it again.
    pub(crate) fn restart(&mut self) {
        self.server.kill();
        self.server.run();
        self.until_it_greets();
    }

    /// Its port answers before it has read its accounts.
    fn until_it_greets(&self) {
        let end = Instant::now() + Duration::from_secs(30);
        let greets = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.server.port())).ok()?;
            stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
            stream.read_exact(&mut [0; 5]).ok()
        };
        while greets().is_none() {
            assert!(Instant::now() < end, "no greeting: {}", self.server.log());
        }
    }

    /// Runs a script by the server's own client.
    pub(crate) fn load(&self, database: &str, script: &str) {
        let path = self.server.directory().join("script.sql");
        std::fs::write(&path, script).expect("written");
        let mut command = Command::new("mariadb");
        command.args([
            "--no-defaults",
            "--protocol=tcp",
            "--host=127.0.0.1",
            "--user=app",
            "--default-character-set=utf8mb4",
        ]);
        command.arg(format!("--port={}", self.server.port())).arg(format!("--password={PASSWORD}")).arg(database);
        let loaded = command.stdin(std::fs::File::open(&path).expect("written")).output().expect("mariadb runs");
        assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
    }

    pub(crate) fn config(&self, changes: Value) -> Value {
        let mut config = json!({
            "kind": "mysql", "host": "127.0.0.1", "port": self.server.port(), "database": "shop", "user": "app", "tls": "disabled",
        });
        for (key, value) in changes.as_object().expect("an object") {
            config[key] = value.clone();
        }
        config
    }

    /// Saves a resource that leads here, with these changes of its settings.
    pub(crate) async fn resource(&self, service: &Service, name: &str, changes: Value) -> ResourceId {
        let config = serde_json::from_value(self.config(changes)).expect("a configuration");
        service.add_kind(name, &config, Some(PASSWORD)).await
    }
}

/// Makes the server's own tables.
fn install(directory: &Path) {
    let mut command = Command::new("mariadb-install-db");
    command.arg("--no-defaults").arg(format!("--datadir={}", directory.join("data").display()));
    // Servers that share a directory for temporary tables take each other's.
    command.arg(format!("--tmpdir={}", directory.display()));
    command.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    if nix::unistd::Uid::effective().is_root() {
        command.arg("--user=root");
    }
    let made = command.output().expect("mariadb-install-db: `cargo xtask test` installs mariadb-server");
    assert!(
        made.status.success(),
        "{}{}",
        String::from_utf8_lossy(&made.stdout),
        String::from_utf8_lossy(&made.stderr)
    );
}

/// A service with a resource that leads to MariaDB.
pub(crate) struct Shop {
    pub(crate) service: Service,
    pub(crate) maria: Maria,
    pub(crate) resource: ResourceId,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let maria = Maria::start();
        let service = Service::start().await;
        let resource = maria.resource(&service, "shop", json!({})).await;
        Self { service, maria, resource }
    }

    pub(crate) fn query(&self, statement: &str, parameters: Value) -> QueryRequest {
        let parameters = serde_json::from_value(parameters).expect("parameters");
        QueryRequest { resource: self.resource, parameters, ..self.service.query(statement) }
    }

    pub(crate) async fn read(&self, statement: &str, parameters: Value) -> Result<QueryResult, Problem> {
        self.service.run(&self.query(statement, parameters)).await
    }

    /// The rows of a read that works.
    pub(crate) async fn rows(&self, statement: &str) -> Value {
        json!(self.read(statement, json!({})).await.expect(statement).rows)
    }

    pub(crate) async fn write(&self, statement: &str, parameters: Value) -> Result<QueryResult, Problem> {
        self.service.run(&QueryRequest { mode: QueryMode::Write, ..self.query(statement, parameters) }).await
    }

    pub(crate) async fn change(&self, change: Value, parameters: Value) -> Result<QueryResult, Problem> {
        let change = Some(serde_json::from_value(change).expect("a change"));
        self.service.run(&QueryRequest { change, mode: QueryMode::Write, ..self.query("", parameters) }).await
    }

    /// Waits until the server runs `count` statements like `pattern`.
    pub(crate) async fn until_running(&self, pattern: &str, count: u64) {
        let sql = "select count(*) as running from information_schema.processlist where info like {{ pattern }} and id <> connection_id()";
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let found = self.read(sql, json!({ "pattern": pattern })).await.expect("told");
            if found.rows[0]["running"] == json!(count) {
                return;
            }
            assert!(Instant::now() < end, "not {count} statements like {pattern}: {:?}", found.rows);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
