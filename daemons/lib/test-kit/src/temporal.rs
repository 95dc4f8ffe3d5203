//! A Temporal server of its own, from the command line tool that `BULKHEAD_TEST_TEMPORAL` names.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Network;

/// A server on free ports with its database in a directory of its own. Ended with this value.
#[derive(Debug)]
pub struct TestTemporal {
    directory: tempfile::TempDir,
    host: String,
    port: u16,
    /// Becomes the server.
    command: Command,
    server: Option<Child>,
}

impl TestTemporal {
    /// Reserves a port; nothing runs yet.
    pub fn stopped() -> Self {
        Self::prepared(("127.0.0.1", "127.0.0.1"), Command::new(program()))
    }

    /// Starts one in a network of its own, and waits until it answers.
    pub fn start_in(network: &Network) -> Self {
        let mut temporal = Self::prepared(("0.0.0.0", network.address()), network.command(program()));
        temporal.run();
        temporal
    }

    /// Its parts reach one another by the address of loopback, whichever it is told to listen on.
    fn prepared((listen_on, host): (&str, &str), mut command: Command) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let directory = tempfile::tempdir().expect("a directory");
        command
            .args([
                "server",
                "start-dev",
                "--headless",
                "--ip",
                listen_on,
                "--port",
                &port.to_string(),
                "--log-level",
                "error",
            ])
            .arg("--db-filename")
            .arg(directory.path().join("temporal.db"))
            .args(["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"])
            .args(["--dynamic-config-value", "history.transferProcessorMaxPollRPS=5000"])
            .args(["--dynamic-config-value", "history.timerProcessorMaxPollRPS=5000"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self { directory, host: host.to_owned(), port, command, server: None }
    }

    /// Starts one and waits until it answers.
    pub fn start() -> Self {
        let mut temporal = Self::stopped();
        temporal.run();
        temporal
    }

    /// `host:port` of its frontend.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
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
        let output = Command::new(program())
            .args(arguments)
            .args(["--address", &self.address()])
            .output()
            .expect("the tool runs");
        let text = if output.status.success() { output.stdout } else { output.stderr };
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    /// Starts the server (again) on the same port and database.
    pub fn run(&mut self) {
        let server = self.command.spawn().unwrap_or_else(|error| panic!("Temporal does not start: {error}"));
        self.server = Some(server);
        let end = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect((self.host.as_str(), self.port)).is_err() {
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

fn program() -> String {
    super::provided("BULKHEAD_TEST_TEMPORAL")
}
