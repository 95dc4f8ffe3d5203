//! A PostgreSQL cluster of a storm's own: one that may be killed, and whose commits must survive that.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The port that is part of its socket's name.
pub(crate) const PORT: u16 = 5432;

/// A cluster that runs or does not. Ended with this value.
pub(crate) struct Cluster {
    directory: tempfile::TempDir,
    programs: PathBuf,
}

impl Cluster {
    /// Makes one and starts it.
    pub(crate) fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("bulkhead-storm-").tempdir().expect("a directory");
        let cluster = Self { directory, programs: newest_programs() };
        if is_root() {
            // PostgreSQL refuses root; Debian's package has made this user.
            run(Command::new("chown").arg("postgres").arg(cluster.directory.path()));
        }
        let options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "-D"];
        run(cluster.program("initdb").args(options).arg(cluster.data()));
        cluster.run();
        cluster
    }

    /// Starts it (again): it takes up what was committed.
    pub(crate) fn run(&self) {
        let directory = self.directory.path();
        // fsync and synchronous_commit stand as they are delivered.
        let settings = "-c listen_addresses= -c max_connections=200";
        let options = format!("-p {PORT} -k {} {settings}", directory.display());
        let log = directory.join("log");
        let mut start = self.program("pg_ctl");
        run(start.args(["start", "--wait", "-D"]).arg(self.data()).arg("-l").arg(log).args(["-o", &options]));
    }

    /// Ends all of its processes at once. What they had not written is gone.
    pub(crate) fn kill(&self) {
        run(self.program("pg_ctl").args(["stop", "--mode=immediate", "--wait", "-D"]).arg(self.data()));
    }

    /// Its Unix socket.
    pub(crate) fn socket(&self) -> PathBuf {
        socket_in(self.directory.path())
    }

    /// How to connect to a database of it, as its superuser.
    pub(crate) fn config(&self, database: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.directory.path()).port(PORT).user("postgres").dbname(database);
        config
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        if !is_root() {
            return Command::new(path);
        }
        let mut runuser = Command::new("runuser");
        runuser.args(["-u", "postgres", "--"]).arg(path).current_dir("/");
        runuser
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It may be down already.
        let mut stop = self.program("pg_ctl");
        let _ = stop.args(["stop", "--mode=immediate", "-D"]).arg(self.data()).stderr(Stdio::null()).output();
    }
}

/// The socket that PostgreSQL's clients look for in a directory.
pub(crate) fn socket_in(directory: &Path) -> PathBuf {
    directory.join(format!(".s.PGSQL.{PORT}"))
}

fn run(command: &mut Command) {
    // The server that pg_ctl leaves behind holds its descriptors: pipes would not end.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(status.as_ref().is_ok_and(|status| status.success()), "{command:?} ended with {status:?}");
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn newest_programs() -> PathBuf {
    let version = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let newest = installed.max_by_key(version).map(|path| path.join("bin"));
    newest.filter(|path| path.join("initdb").exists()).expect("PostgreSQL is installed: run `cargo xtask test`")
}
