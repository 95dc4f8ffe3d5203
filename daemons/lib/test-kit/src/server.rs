//! Any server that a test starts for itself: in the foreground, on a free port, in a directory of its own.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server. Ended, with what it stored, when dropped.
#[derive(Debug)]
pub struct TestServer {
    directory: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
    command: Vec<String>,
}

impl TestServer {
    /// Starts a program and waits until its port answers. `arguments` are told the port and the directory, where it may keep files.
    pub fn start(program: &str, arguments: impl FnOnce(u16, &Path) -> Vec<String>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let mut command = vec![program.to_owned()];
        command.extend(arguments(port, directory.path()));
        let mut server = Self { directory, port, child: None, command };
        server.run();
        server
    }

    /// Starts it again, on the same port and with the same files.
    pub fn run(&mut self) {
        let program = &self.command[0];
        let log = std::fs::File::create(self.directory.path().join("log")).expect("a log");
        let child = Command::new(program)
            .args(&self.command[1..])
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{program} does not start ({error}): `cargo xtask test` installs it"));
        self.child = Some(child);
        let end = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))));
            assert!(
                !ended && Instant::now() < end,
                "{} did not answer on port {}: {}",
                self.command[0],
                self.port,
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it at once, as a crash does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("reaped");
        }
    }

    /// Its TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What it has written.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port of 127.0.0.1 that nobody listens on.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}
