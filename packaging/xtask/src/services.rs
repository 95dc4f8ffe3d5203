//! A PostgreSQL cluster of our own: for tests, and for `dev`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::shell::{command, is_root, output, run_quietly};

/// A running cluster; stopped with this value.
pub(crate) struct Cluster {
    directory: PathBuf,
    programs: PathBuf,
    port: u16,
    /// Removes a temporary cluster's folder, after it was stopped.
    _temporary: Option<tempfile::TempDir>,
}

impl Cluster {
    /// One for tests, on a free port, gone with this value. Durability is off: a test's data need not survive a power cut.
    pub(crate) fn temporary() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("bulkhead-test-").tempdir()?;
        let path = directory.path().to_owned();
        let settings = "-c max_connections=400 -c fsync=off -c full_page_writes=off";
        Self::start(path, Some(directory), "trust", settings)
    }

    /// One whose data stays in `directory`. Over TCP it wants passwords: other people of this host reach the port too.
    pub(crate) fn kept(directory: &Path) -> Result<Self> {
        std::fs::create_dir_all(directory)?;
        Self::start(directory.to_owned(), None, "scram-sha-256", "")
    }

    fn start(
        directory: PathBuf,
        temporary: Option<tempfile::TempDir>,
        tcp_authentication: &str,
        settings: &str,
    ) -> Result<Self> {
        let cluster = Self { directory, programs: newest_postgresql()?, port: free_port()?, _temporary: temporary };
        if is_root() {
            // PostgreSQL refuses root; Debian's package has made this user.
            run_quietly(command("chown", &["postgres"]).arg(&cluster.directory))?;
        }
        run_quietly(command("chmod", &["0700"]).arg(&cluster.directory))?;
        let data = cluster.data();
        if !data.join("PG_VERSION").exists() {
            let mut initdb = cluster.program("initdb");
            initdb.args(["--auth-local=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8"]);
            run_quietly(initdb.arg(format!("--auth-host={tcp_authentication}")).arg("-D").arg(&data))?;
        }
        let options =
            format!("-p {} -k {} -c listen_addresses=127.0.0.1 {settings}", cluster.port, cluster.directory.display());
        let log = cluster.directory.join("log");
        // `restart` also ends a server that an earlier, killed task has left behind.
        let mut start = cluster.program("pg_ctl");
        start.args(["restart", "--wait", "--mode=fast", "-D"]).arg(&data).arg("-l").arg(log).args(["-o", &options]);
        run_quietly(&mut start)?;
        Ok(cluster)
    }

    /// How to connect, as its superuser.
    pub(crate) fn connection_string(&self) -> String {
        format!("host={} port={} user=postgres", self.directory.display(), self.port)
    }

    /// Directory of its Unix socket.
    pub(crate) fn socket_directory(&self) -> &Path {
        &self.directory
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        if !is_root() {
            return Command::new(path);
        }
        let mut runuser = command("runuser", &["-u", "postgres", "--"]);
        runuser.arg(path).current_dir("/");
        runuser
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stopped = run_quietly(self.program("pg_ctl").args(["stop", "--mode=fast", "-D"]).arg(self.data()));
        if let Err(error) = stopped {
            eprintln!("the PostgreSQL cluster did not stop: {error:#}");
        }
    }
}

/// A port of loopback that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn newest_postgresql() -> Result<PathBuf> {
    let listed =
        output(&mut command("sh", &["-c", "ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1"]))?;
    let path = Path::new(listed.trim());
    ensure!(path.join("initdb").exists(), "no PostgreSQL server programs in /usr/lib/postgresql");
    path.canonicalize().context("PostgreSQL's programs")
}
