//! Floors and peers: started for one row, ended with it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use bulkhead_bench::process::ProcessGroup;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::http_client::{Call, HttpClient};

/// A peer's process and what it started, killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Peer {
    child: Child,
    name: String,
}

impl Peer {
    /// Starts `program`; the peer's own words go to a file beside it.
    pub(crate) fn start(
        name: &str,
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, String)],
    ) -> Result<Self> {
        ensure!(
            program.exists(),
            "{name} is not installed at {}: run cargo xtask bench --install-peers",
            program.display()
        );
        let log = std::fs::File::create(std::env::temp_dir().join(format!("bulkhead-bench-{name}.log")))?;
        let child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().map(|(key, value)| (key, value.as_str())))
            .stdin(std::process::Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // A group of its own, so that its children end with it.
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        Ok(Self { child, name: name.to_owned() })
    }

    /// Waits until `call` is answered with a 2xx.
    pub(crate) async fn wait_until_ok(&mut self, call: &Call, patience: Duration) -> Result<()> {
        let client = HttpClient::new();
        let end = Instant::now() + patience;
        loop {
            let last = match tokio::time::timeout(Duration::from_secs(10), client.expect_ok(call)).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) => error,
                Err(_) => anyhow!("no answer within 10 s"),
            };
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}: see its log in {}", self.name, std::env::temp_dir().display());
            }
            ensure!(Instant::now() < end, "{} did not answer within {patience:?}: {last:#}", self.name);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The peer and its descendants.
    pub(crate) fn processes(&self) -> ProcessGroup {
        ProcessGroup::Tree(self.child.id().unwrap_or(u32::MAX))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(group) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            // Ended by itself meanwhile, perhaps.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
    }
}

/// Where things of the peers' directory are.
#[derive(Clone, Debug)]
pub(crate) struct Installed(pub(crate) PathBuf);

impl Installed {
    /// A script of ours, which `--install-peers` puts beside the packages that it imports.
    pub(crate) fn script(&self, name: &str) -> Result<String> {
        let path = self.0.join(name);
        ensure!(path.exists(), "{} is missing: run cargo xtask bench --install-peers", path.display());
        Ok(path.display().to_string())
    }

    /// A program of an npm package.
    pub(crate) fn npm_program(&self, name: &str) -> PathBuf {
        self.0.join("node_modules/.bin").join(name)
    }

    /// The Node.js that the peers want, which may be newer than the system's.
    pub(crate) fn node(&self) -> PathBuf {
        self.0.join("node_modules").join(format!("node-linux-{}", architecture())).join("bin/node")
    }

    /// `PATH` with that Node.js first, for programs that look for it.
    pub(crate) fn path(&self) -> (&'static str, String) {
        let node = self.node();
        let directory = node.parent().unwrap_or(&self.0).display();
        ("PATH", format!("{directory}:/usr/local/bin:/usr/bin:/bin"))
    }

    /// The Restate server itself; the program that npm links is a script around it.
    pub(crate) fn restate_server(&self) -> PathBuf {
        let package = format!("node_modules/@restatedev/restate-server-linux-{}", architecture());
        self.0.join(package).join("bin/restate-server")
    }

    /// The Python that has the Temporal SDK.
    pub(crate) fn python(&self) -> PathBuf {
        self.0.join("python/bin/python3")
    }
}

/// As npm names it.
fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" }
}

/// A free loopback port. Another process may take it before it is used; then the peer says so and the row fails.
pub(crate) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
