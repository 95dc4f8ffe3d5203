//! A daemon as systemd runs it: a process that may end and be started anew, with a socket that outlives it.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sys::signal::kill;
use nix::unistd::Pid;

pub use nix::sys::signal::Signal;

use crate::activation::handed_over;

/// How long the kernel has to end a process that was killed.
const END: Duration = Duration::from_secs(30);

/// A daemon's process. Killed with this value.
#[derive(Debug)]
pub struct Daemon {
    /// Holds a copy of the socket.
    command: Command,
    process: Option<Child>,
}

impl Daemon {
    /// Prepares `program` with `config` in `directory`, with a socket: its name in the unit, and its file. Connections wait in it from now
    /// on; nothing runs yet.
    pub fn new(directory: &Path, program: &Path, socket: (&str, &str), config: &str) -> Self {
        Self::with_tcp(directory, program, socket, None, config)
    }

    /// The same, with a socket on the network besides.
    pub fn with_tcp(
        directory: &Path,
        program: &Path,
        socket: (&str, &str),
        tcp: Option<(&str, &TcpListener)>,
        config: &str,
    ) -> Self {
        let (name, file) = socket;
        let socket = UnixListener::bind(directory.join(file)).expect("binds");
        let config_file = directory.join(format!("{file}.toml"));
        std::fs::write(&config_file, config).expect("written");
        let mut command = handed_over(program, &socket, name, tcp);
        command.arg("--config").arg(config_file).env("CREDENTIALS_DIRECTORY", directory);
        Self { command, process: None }
    }

    /// Has it write its log to the end of a file, instead of to that of this process.
    pub fn log_to(mut self, file: &Path) -> Self {
        let log = File::options().create(true).append(true).open(file).expect("its log");
        self.command.stdout(log.try_clone().expect("its log")).stderr(log);
        self
    }

    /// Starts it. Whoever connects waits until it serves.
    pub fn start(mut self) -> Self {
        self.restart();
        self
    }

    /// Sends a signal to its process, if there is one.
    pub fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            let id = i32::try_from(process.id()).expect("an id of a process");
            // One that has ended by itself was not waited for, so the id is still its own.
            kill(Pid::from_raw(id), signal).expect("signalled");
        }
    }

    /// The most memory that its process has had, in MB.
    pub fn peak_memory_mb(&self) -> u64 {
        let id = self.process.as_ref().expect("it runs").id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("its status");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
        peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1000
    }

    /// Waits for its end; false if it has not ended by then.
    pub fn ends_within(&mut self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        while let Some(process) = &mut self.process {
            if process.try_wait().expect("waited for").is_some() {
                self.process = None;
            } else if Instant::now() >= end {
                return false;
            } else {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        true
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        assert!(self.ends_within(END), "a process outlives its kill");
    }

    /// Kills it if it runs, and starts it again, as systemd does.
    pub fn restart(&mut self) {
        self.kill();
        self.process = Some(self.command.spawn().expect("started"));
    }

    /// Whether it runs; one that has ended by itself does not.
    pub fn runs(&mut self) -> bool {
        self.process.is_some() && !self.ends_within(Duration::ZERO)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}
