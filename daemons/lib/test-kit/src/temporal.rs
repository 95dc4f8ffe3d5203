//! A Temporal server of its own, from the command line tool that `BULKHEAD_TEST_TEMPORAL` names.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server on free ports with its database in a directory of its own. Ended with this value.
#[derive(Debug)]
pub struct TestTemporal {
    directory: tempfile::TempDir,
    port: u16,
    server: Option<Child>,
}

impl TestTemporal {
    /// Reserves a port; nothing runs yet.
    pub fn stopped() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        Self { directory: tempfile::tempdir().expect("a directory"), port, server: None }
    }

    /// Starts one and waits until it answers.
    pub fn start() -> Self {
        let mut temporal = Self::stopped();
        temporal.run();
        temporal
    }

    /// `host:port` of its frontend.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What the server has stored about a workflow, payloads decoded where they are JSON, and as they are.
    pub fn history(&self, workflow: &str) -> String {
        self.show(workflow, &[]) + &self.show(workflow, &["--no-json-shorthand-payloads"])
    }

    /// Whether the server has heard of a workflow.
    pub fn knows(&self, workflow: &str) -> bool {
        self.tool(&["workflow", "describe", "--workflow-id", workflow]).0
    }

    /// Makes a namespace.
    pub fn create_namespace(&self, name: &str) {
        let made = self.tool(&["operator", "namespace", "create", "--namespace", name]);
        assert!(made.0, "{}", made.1);
    }

    fn show(&self, workflow: &str, extra: &[&str]) -> String {
        let arguments = [&["workflow", "show", "--output", "json", "--workflow-id", workflow], extra].concat();
        let (worked, output) = self.tool(&arguments);
        assert!(worked, "{output}");
        output
    }

    /// Whether the tool did what it was told, and what it wrote.
    fn tool(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(super::provided("BULKHEAD_TEST_TEMPORAL"))
            .args(arguments)
            .args(["--address", &self.address()])
            .output()
            .expect("the tool runs");
        let text = if output.status.success() { output.stdout } else { output.stderr };
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    /// Starts the server (again) on the same port and database.
    pub fn run(&mut self) {
        let program = PathBuf::from(super::provided("BULKHEAD_TEST_TEMPORAL"));
        let port = self.port.to_string();
        let database = self.directory.path().join("temporal.db");
        let server = Command::new(&program)
            .args(["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", &port, "--log-level", "error"])
            .arg("--db-filename")
            .arg(database)
            .args(["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"])
            .args(["--dynamic-config-value", "history.transferProcessorMaxPollRPS=5000"])
            .args(["--dynamic-config-value", "history.timerProcessorMaxPollRPS=5000"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        self.server = Some(server);
        let end = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < end, "Temporal did not answer on port {} within a minute", self.port);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Kills the server.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().expect("killed");
            server.wait().expect("reaped");
        }
    }

    /// Kills the server and forgets its database: what a lost disk does.
    pub fn wipe(&mut self) {
        self.kill();
        for entry in std::fs::read_dir(self.directory.path()).expect("its directory").flatten() {
            std::fs::remove_file(entry.path()).expect("removed");
        }
    }
}

impl Drop for TestTemporal {
    fn drop(&mut self) {
        self.kill();
    }
}
