//! A PostgreSQL cluster of its own, for tests that need passwords, TLS or a server that stops.

use std::path::Path;
use std::process::Command;

use crate::certificates::{Certified, certified};

/// Superuser `owner` with [`PASSWORD`]; stopped and removed with this value.
pub(crate) struct Cluster {
    directory: tempfile::TempDir,
    pub(crate) port: u16,
    /// PEM of the authority that signed the server's certificate for `localhost`.
    pub(crate) authority: String,
    /// The certificate, and who signs those of clients.
    pub(crate) certified: Certified,
}

pub(crate) const PASSWORD: &str = "canary-9c1e7-secret";

impl Cluster {
    pub(crate) fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("bulkhead-test-").tempdir().expect("a directory");
        let port =
            std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr().expect("an address").port();
        let path = directory.path();
        std::fs::write(path.join("password"), PASSWORD).expect("written");
        let certified = write_certified(path);
        if nix::unistd::Uid::effective().is_root() {
            // PostgreSQL refuses root; Debian's package has made this user.
            run(Command::new("chown").args(["-R", "postgres"]).arg(path));
        }
        let cluster = Self { directory, port, authority: certified.authority.clone(), certified };
        let file = |name: &str| cluster.directory.path().join(name).display().to_string();
        run(cluster
            .program("initdb")
            .args(["--auth=scram-sha-256", "--username=owner", "--encoding=UTF8", "--no-sync"])
            .args(["--pwfile", &file("password"), "-D", &file("data")]));
        // `tools` has to show a certificate besides its password.
        let rules = std::fs::read_to_string(file("data/pg_hba.conf")).expect("read");
        let rules = format!("hostssl all tools 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n{rules}");
        std::fs::write(file("data/pg_hba.conf"), rules).expect("written");
        cluster.run_server();
        cluster
    }

    /// Starts the server (again).
    pub(crate) fn run_server(&self) {
        let file = |name: &str| self.directory.path().join(name).display().to_string();
        let options = format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 -c fsync=off -c ssl=on -c ssl_cert_file={} -c ssl_key_file={} -c ssl_ca_file={}",
            self.port,
            self.directory.path().display(),
            file("server.crt"),
            file("server.key"),
            file("authority.crt")
        );
        run(self.program("pg_ctl").args(["start", "--wait", "-D", &file("data"), "-l", &file("log"), "-o", &options]));
    }

    /// Stops it the hard way.
    pub(crate) fn stop(&self) {
        let data = self.directory.path().join("data").display().to_string();
        run(self.program("pg_ctl").args(["stop", "--mode=immediate", "--wait", "-D", &data]));
    }

    fn program(&self, name: &str) -> Command {
        let installed = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL's server programs are installed");
        let newest = installed.flatten().map(|entry| entry.path()).max().expect("a version");
        let path = newest.join("bin").join(name);
        let mut command = if nix::unistd::Uid::effective().is_root() {
            let mut runuser = Command::new("runuser");
            runuser.args(["-u", "postgres", "--"]).arg(path);
            runuser
        } else {
            Command::new(path)
        };
        command.current_dir("/");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.directory.path().join("data").display().to_string();
        // Already stopped by the test, perhaps.
        let _ = self.program("pg_ctl").args(["stop", "--mode=immediate", "-D", &data]).output();
    }
}

fn run(command: &mut Command) {
    // Its output goes to files: a server would keep a pipe open.
    let status =
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).status().expect("runs");
    assert!(status.success(), "{command:?} ended with {status}");
}

/// Makes `server.crt` for `localhost` and `server.key` there. Gives the PEM of the authority that signed it.
pub(crate) fn write_certificates(directory: &Path) -> String {
    write_certified(directory).authority
}

/// The same, with `authority.crt` of the authority. Gives all of it.
pub(crate) fn write_certified(directory: &Path) -> Certified {
    let certified = certified();
    std::fs::write(directory.join("server.crt"), certified.certificate.pem()).expect("written");
    std::fs::write(directory.join("server.key"), certified.key.serialize_pem()).expect("written");
    std::fs::write(directory.join("authority.crt"), &certified.authority).expect("written");
    std::fs::set_permissions(directory.join("server.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("set");
    certified
}
