//! PostgreSQL servers of a test's own: one that stands for the machine's, one that stands for a server elsewhere.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use bulkhead_test_kit::{TestAuthority, free_port};

/// The password of the superuser `owner` of a server elsewhere.
pub(crate) const PASSWORD: &str = "canary-5d1f0-secret";

/// Stopped and removed with this value.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
    /// Of the server's certificate, where there is TLS.
    pub(crate) authority: Option<TestAuthority>,
}

impl Cluster {
    /// By its Unix socket, for everybody, as `postgres`.
    pub(crate) fn of_this_machine() -> Self {
        let cluster = Self::make(None, "trust", "postgres");
        // Transactions that outlive their session hold locks for a test.
        cluster.start(&["-c", "listen_addresses=", "-c", "max_prepared_transactions=4"], None);
        cluster
    }

    /// By TLS and a password alone. `blocks` limits the files that it can write.
    pub(crate) fn elsewhere(blocks: Option<u32>) -> Self {
        let cluster = Self::make(Some(TestAuthority::default()), "scram-sha-256", "owner");
        let rules = "local all owner trust\nhostssl all all 127.0.0.1/32 scram-sha-256\nhostssl all all ::1/128 scram-sha-256\n";
        std::fs::write(cluster.file("data/pg_hba.conf"), rules).expect("written");
        let [certificate, key] = ["server.crt", "server.key"].map(|name| cluster.file(name).display().to_string());
        let [certificate, key] = [format!("ssl_cert_file={certificate}"), format!("ssl_key_file={key}")];
        let tls = ["-c", "ssl=on", "-c", &certificate, "-c", &key];
        cluster.start(&[&["-c", "listen_addresses=localhost"], tls.as_slice()].concat(), blocks);
        cluster
    }

    fn make(authority: Option<TestAuthority>, method: &str, user: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("bulkhead-test-").tempdir().expect("a directory");
        let cluster = Self { folder, port: free_port(), authority };
        std::fs::write(cluster.file("password"), PASSWORD).expect("written");
        if let Some(authority) = &cluster.authority {
            let [certificate, key, _] = authority.issue("server");
            std::fs::copy(certificate, cluster.file("server.crt")).expect("copied");
            std::fs::copy(key, cluster.file("server.key")).expect("copied");
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(cluster.file("server.key"), mode).expect("set");
        }
        if nix::unistd::geteuid().is_root() {
            // PostgreSQL refuses root; its package has made this user.
            run(Command::new("chown").args(["-R", "postgres"]).arg(cluster.folder.path()));
        }
        let [password, data] = ["password", "data"].map(|name| cluster.file(name));
        let mut initdb = cluster.program("initdb", None);
        initdb.args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--wal-segsize=1"]);
        initdb.arg(format!("--auth={method}")).arg(format!("--username={user}"));
        run(initdb.arg("--pwfile").arg(password).arg("-D").arg(data));
        cluster
    }

    fn start(&self, more: &[&str], blocks: Option<u32>) {
        let folder = self.folder.path().display();
        let options = format!("-p {} -k {folder} -c fsync=off {}", self.port, more.join(" "));
        let mut start = self.program("pg_ctl", blocks);
        start.args(["start", "--wait", "-o", &options, "-D"]).arg(self.file("data"));
        run(start.arg("-l").arg(self.file("log")));
    }

    /// A file below its folder.
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The connection string of a superuser who is let in by the socket.
    pub(crate) fn admin(&self) -> String {
        let user = if self.authority.is_some() { "owner" } else { "postgres" };
        format!("host={} port={} user={user}", self.folder.path().display(), self.port)
    }

    /// The file of the authority of its certificate.
    pub(crate) fn ca(&self) -> String {
        let authority = self.authority.as_ref().expect("a server with TLS");
        authority.path().join("ca.crt").display().to_string()
    }

    pub(crate) fn sql(&self, database: &str, statement: &str) -> String {
        let output = psql(&format!("{} dbname={database}", self.admin()), None, statement);
        assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The answer to somebody who comes over the network, or why there is none.
    pub(crate) fn as_role(
        &self,
        role: &str,
        password: &str,
        database: &str,
        statement: &str,
    ) -> Result<String, String> {
        let (port, ca) = (self.port, self.ca());
        let target =
            format!("host=localhost port={port} user='{role}' dbname={database} sslmode=verify-full sslrootcert={ca}");
        let output = psql(&target, Some(password), statement);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// What pg_dump says of a database.
    pub(crate) fn dump(&self, database: &str) -> String {
        let output =
            Command::new("pg_dump").arg(format!("{} dbname={database}", self.admin())).output().expect("started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // Each dump has a key of its own against what is typed into it.
        let is_key = |line: &&str| line.starts_with("\\restrict") || line.starts_with("\\unrestrict");
        text.lines().filter(|line| !is_key(line)).collect::<Vec<_>>().join("\n")
    }

    fn program(&self, name: &str, blocks: Option<u32>) -> Command {
        let installed = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL's server programs are installed");
        let newest = installed.flatten().map(|entry| entry.path()).max().expect("a version");
        let path = newest.join("bin").join(name);
        let mut command = match nix::unistd::geteuid().is_root() {
            true => Command::new("runuser"),
            false => Command::new("env"),
        };
        if nix::unistd::geteuid().is_root() {
            command.args(["-u", "postgres", "--"]);
        }
        if let Some(blocks) = blocks {
            command.args(["sh", "-c", &format!("ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
        }
        command.arg(path).current_dir("/");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.program("pg_ctl", None).args(["stop", "--mode=immediate", "-D"]).arg(self.file("data")).output();
    }
}

fn psql(target: &str, password: Option<&str>, statement: &str) -> Output {
    let mut command = Command::new("psql");
    command.args(["-XqtA", "-v", "ON_ERROR_STOP=1", "-d", target, "-c", statement]).current_dir(Path::new("/"));
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    command.output().expect("started")
}

fn run(command: &mut Command) {
    // Its output goes nowhere: a server would keep a pipe open.
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("runs");
    assert!(status.success(), "{command:?} ended with {status}");
}
