//! The processes of `dev`: started with their sockets, stopped together.

use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::unistd::Pid;

use super::layout::Layout;
use crate::shell::is_root;

/// The daemons in the order of their start: who is called comes before its callers.
const DAEMONS: [&str; 8] = [
    "jobs-runner",
    "ssh-connector",
    "db-connector",
    "workflows-backend",
    "code-executor",
    "library-builder",
    "workflows-worker",
    "api",
];
/// Those without a socket for other daemons.
const CONTROL_ONLY: [&str; 2] = ["jobs-runner", "workflows-worker"];

/// Numbers descriptors from 3 on, as systemd does, and becomes the daemon: `LISTEN_PID` names the process itself.
const HAND_OVER: &str = r#"
    number=3
    for descriptor in $BULKHEAD_DESCRIPTORS; do
        eval "exec $number<&$descriptor"
        number=$((number + 1))
    done
    unset BULKHEAD_DESCRIPTORS
    export LISTEN_PID=$$
    exec "$@"
"#;

/// What runs; ended with this value.
#[derive(Default)]
pub(crate) struct Running {
    processes: Vec<(String, Child)>,
}

impl Running {
    /// Starts the Temporal server.
    pub(crate) fn start_temporal(&mut self, program: &Path, layout: &Layout, port: u16) -> Result<()> {
        let mut temporal = Command::new(program);
        temporal.args(["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "warn"]);
        temporal.args(["--port", &port.to_string(), "--sqlite-pragma", "journal_mode=WAL", "--db-filename"]);
        temporal.arg(layout.temporal_database());
        self.start("temporal", temporal, layout)
    }

    /// Starts the daemons of Bulkhead.
    pub(crate) fn start_daemons(&mut self, binaries: &Path, layout: &Layout, port: u16) -> Result<()> {
        for daemon in DAEMONS {
            let mut sockets: Vec<(&str, OwnedFd)> = vec![("control", unix(layout, &format!("{daemon}-control"))?)];
            if !CONTROL_ONLY.contains(&daemon) {
                sockets.push(("rpc", unix(layout, daemon)?));
            }
            if daemon == "api" {
                sockets.push(("http", TcpListener::bind(("127.0.0.1", port))?.into()));
            }
            let mut process = Command::new("bash");
            process.args(["-c", HAND_OVER, daemon]);
            if daemon == "api" && !is_root() {
                // The api takes root on its Unix socket for an administrator. In a user namespace of its own it sees whoever
                // started this as root, and nobody else.
                process.args(["unshare", "--user", "--map-root-user", "--"]);
            }
            process.arg(binaries.join(format!("bulkhead-{daemon}"))).arg("--config").arg(layout.configuration(daemon));
            process.env("CREDENTIALS_DIRECTORY", layout.credentials(daemon));
            // In rising order a descriptor is copied to its place from 3 on before anything is copied over it.
            sockets.sort_by_key(|(_, socket)| socket.as_raw_fd());
            let mut numbers = Vec::new();
            for (_, socket) in &sockets {
                fcntl(socket, FcntlArg::F_SETFD(FdFlag::empty())).context("let the daemon inherit a socket")?;
                numbers.push(socket.as_raw_fd().to_string());
            }
            process.env("LISTEN_FDS", sockets.len().to_string());
            process.env("LISTEN_FDNAMES", sockets.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(":"));
            process.env("BULKHEAD_DESCRIPTORS", numbers.join(" "));
            self.start(daemon, process, layout)?;
        }
        Ok(())
    }

    fn start(&mut self, name: &str, mut process: Command, layout: &Layout) -> Result<()> {
        let log = std::fs::File::create(layout.logs().join(format!("{name}.log")))?;
        // A group of its own: Ctrl-C reaches xtask alone, which then stops everything in order.
        let process = process.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        // A child inherits which signals wait; a daemon that never hears SIGTERM could only be killed.
        let waiting = SigSet::empty().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        let child = process.spawn();
        waiting.thread_set_mask()?;
        let child = child.with_context(|| format!("start {name}"))?;
        self.processes.push((name.to_owned(), child));
        Ok(())
    }

    /// An error when a process has ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        for (name, child) in &mut self.processes {
            if let Some(status) = child.try_wait()? {
                bail!(
                    "{name} ended with {status}: see its log, {}",
                    crate::paths::dev()?.join("logs").join(format!("{name}.log")).display()
                );
            }
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Callers first, so that what they have under way can still end.
        for (name, child) in self.processes.iter_mut().rev() {
            let Ok(None) = child.try_wait() else { continue };
            if let Err(error) = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM) {
                eprintln!("{name} cannot be told to stop: {error}");
            }
            let end = Instant::now() + Duration::from_secs(10);
            while matches!(child.try_wait(), Ok(None)) {
                if Instant::now() >= end {
                    eprintln!("{name} does not stop within 10 s and is killed");
                    drop(child.kill());
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

fn unix(layout: &Layout, name: &str) -> Result<OwnedFd> {
    let path = layout.socket(name);
    if path.exists() {
        std::fs::remove_file(&path)?;
    }
    Ok(UnixListener::bind(&path).with_context(|| format!("listen on {}", path.display()))?.into())
}
