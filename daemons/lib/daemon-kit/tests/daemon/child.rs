//! A real daemon as a child process, given its sockets the way systemd gives them.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Sets what a process can only know after its fork, then becomes the daemon: the listeners arrive as standard input and output,
/// and systemd's protocol wants them from descriptor 3 on.
const BECOME: &str = r#"LISTEN_PID=$$ WATCHDOG_PID=$$ exec "$0" "$@" 3<&0 4<&1 </dev/null >/dev/null"#;

/// What outlives a daemon's restarts, as it does under systemd: sockets, configuration, the notify socket.
pub(crate) struct Unit {
    directory: tempfile::TempDir,
    rpc: UnixListener,
    control: UnixListener,
    notify: UnixDatagram,
    pub(crate) user: Option<u32>,
    pub(crate) watchdog: Option<Duration>,
}

/// A running daemon. Killed with this value.
pub(crate) struct Daemon(Child);

/// The example that is built beside this test.
pub(crate) fn program() -> PathBuf {
    let test = std::env::current_exe().expect("this test's path");
    let program =
        test.parent().and_then(|deps| deps.parent()).expect("a target directory").join("examples/small-daemon");
    assert!(program.exists(), "{} is missing: build the examples (cargo build --examples)", program.display());
    program
}

impl Unit {
    pub(crate) fn new(config: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("small.toml"), config).expect("written");
        let bind = |name: &str| UnixListener::bind(directory.path().join(name)).expect("bound");
        let notify = UnixDatagram::bind(directory.path().join("notify")).expect("bound");
        let (rpc, control) = (bind("rpc"), bind("control"));
        Self { rpc, control, notify, directory, user: None, watchdog: None }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Lets every user reach what the daemon needs, its program too: the target directory may be closed to others.
    pub(crate) fn open_to_all(&self) {
        let copy = self.path("small-daemon");
        std::fs::copy(program(), &copy).expect("copied");
        for (name, mode) in [("", 0o755), ("small-daemon", 0o755), ("small.toml", 0o644), ("notify", 0o666)] {
            std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).expect("opened");
        }
    }

    /// Starts the daemon.
    pub(crate) fn start(&self) -> Daemon {
        let passed = |listener: &UnixListener| OwnedFd::from(listener.try_clone().expect("cloned"));
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", BECOME])
            .arg(if self.user.is_some() { self.path("small-daemon") } else { program() })
            .arg("--config")
            .arg(self.path("small.toml"))
            .env("LISTEN_FDS", "2")
            .env("LISTEN_FDNAMES", "rpc:control")
            .env("NOTIFY_SOCKET", self.path("notify"))
            .env_remove("JOURNAL_STREAM")
            .stdin(passed(&self.rpc))
            .stdout(passed(&self.control))
            .stderr(Stdio::inherit());
        if let Some(watchdog) = self.watchdog {
            command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
        }
        if let Some(user) = self.user {
            command.uid(user);
        }
        Daemon(command.spawn().expect("/bin/sh starts"))
    }

    /// Starts the daemon and waits until it says that it is ready.
    pub(crate) fn start_ready(&self) -> Daemon {
        let daemon = self.start();
        self.wait_for("READY=1");
        daemon
    }

    /// Waits until the daemon tells systemd `state`; what it said before is dropped.
    pub(crate) fn wait_for(&self, state: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if self.told_within(Duration::from_millis(500)).iter().any(|told| told == state) {
                return;
            }
        }
        panic!("the daemon did not say {state}");
    }

    /// The next states that the daemon tells systemd, or none within `time`.
    pub(crate) fn told_within(&self, time: Duration) -> Vec<String> {
        self.notify.set_read_timeout(Some(time)).expect("set");
        let mut buffer = [0; 4096];
        let Ok(length) = self.notify.recv(&mut buffer) else { return Vec::new() };
        String::from_utf8_lossy(&buffer[..length]).lines().map(str::to_owned).collect()
    }

    /// All that the daemon tells systemd in the next `time`.
    pub(crate) fn told_during(&self, time: Duration) -> Vec<String> {
        let end = Instant::now() + time;
        let mut told = Vec::new();
        while let Some(rest) = end.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero()) {
            told.extend(self.told_within(rest));
        }
        told
    }

    /// A connection to one of the daemon's sockets.
    pub(crate) fn connect(&self, socket: &str) -> Http {
        let stream = UnixStream::connect(self.path(socket)).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        Http { stream, open: true }
    }

    /// One request on a connection of its own.
    pub(crate) fn get(&self, socket: &str, path: &str) -> Answer {
        self.connect(socket).get(path, &[]).expect("an answer")
    }
}

impl Daemon {
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id() as i32), signal).expect("signalled");
    }

    /// Waits for its end and returns its exit status.
    pub(crate) fn wait(mut self) -> Option<i32> {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.0.try_wait().expect("waited") {
                return status.code();
            }
            assert!(Instant::now() < end, "the daemon did not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the program without sockets.
pub(crate) fn by_hand(arguments: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.args(arguments).env_remove("LISTEN_FDS").env_remove("LISTEN_PID").output().expect("runs")
}

/// A kept-alive HTTP/1.1 connection: so little of a client that each failure shows.
pub(crate) struct Http {
    stream: UnixStream,
    /// Whether the daemon lets it go on after the last answer.
    pub(crate) open: bool,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Http {
    /// One request and its answer; an error when the connection breaks before the answer is whole.
    pub(crate) fn get(&mut self, path: &str, headers: &[&str]) -> std::io::Result<Answer> {
        let headers = headers.iter().map(|header| format!("{header}\r\n")).collect::<String>();
        self.stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: test\r\n{headers}\r\n").as_bytes())?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a length"))];
        self.stream.read_exact(&mut body)?;
        self.open = !head.contains("connection: close");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Ok(Answer { status, head, body: String::from_utf8_lossy(&body).into_owned() })
    }
}
