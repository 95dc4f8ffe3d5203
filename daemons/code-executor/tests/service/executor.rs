//! Starts the daemon under socket activation and speaks with it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use bulkhead_model::run::RunError;
use bulkhead_model::workflow::Language;
use bulkhead_rpc::executor::{BlockResult, BlockSpec, CodeLimits, LogLine, RunEvent, RunRequest, Work};
use bulkhead_rpc::{RpcClient, RpcError};
use bulkhead_test_kit::activated;
use http::Method;
use http_body_util::BodyExt;
use serde_json::Value;

/// A running daemon; ended with this value.
pub(crate) struct Executor {
    pub(crate) process: Child,
    pub(crate) directory: tempfile::TempDir,
    pub(crate) client: RpcClient,
}

impl Executor {
    /// Starts one with this in its configuration, beside what a test needs.
    pub(crate) fn start(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("executor.sock");
        let process = command(directory.path(), &socket, config).spawn().unwrap();
        // The socket is bound before the daemon runs; connections wait in it.
        while !socket.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let client = RpcClient::new("code-executor", socket);
        Self { process, directory, client }
    }

    pub(crate) fn backend_socket(&self) -> PathBuf {
        self.directory.path().join("backend.sock")
    }

    /// Runs a chain and gives all its events.
    pub(crate) async fn run(&self, request: &RunRequest) -> Result<Vec<RunEvent>, RpcError> {
        let response = self.client.stream(Method::POST, "/v1/run", request).await?;
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Ok(body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect())
    }

    /// Runs one block.
    pub(crate) async fn block(&self, spec: BlockSpec, inputs: Value) -> Ended {
        let events = self.run(&request(vec![spec], inputs)).await.unwrap();
        ended(events)
    }

    /// Runs JavaScript without inputs.
    pub(crate) async fn javascript(&self, source: &str) -> Ended {
        self.block(javascript(source), Value::Null).await
    }

    /// Runs Python without inputs.
    pub(crate) async fn python(&self, source: &str) -> Ended {
        self.block(python(source), Value::Null).await
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        // Ended already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The daemon's command, with its configuration written.
pub(crate) fn command(directory: &Path, socket: &Path, config: &str) -> Command {
    let file = directory.join("code-executor.toml");
    // Development flags: these tests run on machines with and without cgroup v2, as root and not.
    let run_as = if nix::unistd::geteuid().is_root() { "run-as-user = 'nobody'" } else { "" };
    let backend = directory.join("backend.sock");
    let library = library_in(directory);
    let text = format!(
        "{run_as}\nworkflows-backend = '{}'\nzygote-library = '{}'\n{config}\n",
        backend.display(),
        library.display()
    );
    fs::write(&file, text).unwrap();
    let mut command = activated(env!("CARGO_BIN_EXE_bulkhead-code-executor"), socket, "rpc");
    command.arg("--config").arg(file);
    command
}

/// The native half of zygotes, where the user that code runs as can read it.
fn library_in(directory: &Path) -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_bulkhead-code-executor")).with_file_name("libbulkhead_zygote.so");
    let copy = directory.join("zygote.so");
    fs::copy(&built, &copy)
        .unwrap_or_else(|_| panic!("{} is not built: run the tests by `cargo xtask test`", built.display()));
    fs::set_permissions(directory, PermissionsExt::from_mode(0o755)).unwrap();
    fs::set_permissions(&copy, PermissionsExt::from_mode(0o644)).unwrap();
    copy
}

/// What tests that are about something else put in their configuration.
pub(crate) const LENIENT: &str = "allow-missing-cgroup-limits = true";

pub(crate) fn javascript(source: &str) -> BlockSpec {
    code(Language::Javascript, source)
}

pub(crate) fn python(source: &str) -> BlockSpec {
    code(Language::Python, source)
}

fn code(language: Language, source: &str) -> BlockSpec {
    let work = Work::code(language, source);
    BlockSpec::new("block", work, CodeLimits::default())
}

pub(crate) fn request(blocks: Vec<BlockSpec>, inputs: Value) -> RunRequest {
    let inputs: BTreeMap<String, Value> = serde_json::from_value(inputs).unwrap_or_default();
    RunRequest { inputs, blocks, ..RunRequest::default() }
}

/// One block's result and log.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) result: BlockResult,
    pub(crate) logs: Vec<LogLine>,
}

impl Ended {
    pub(crate) fn value(&self) -> &Value {
        assert_eq!(self.result.error, None);
        &self.result.value
    }

    pub(crate) fn error(&self) -> &RunError {
        self.result.error.as_ref().unwrap_or_else(|| panic!("no error but {:?}", self.result.value))
    }

    pub(crate) fn kind(&self) -> &str {
        &self.error().kind
    }

    pub(crate) fn texts(&self) -> Vec<&str> {
        self.logs.iter().map(|line| line.text.as_str()).collect()
    }
}

/// Splits the events of one block; there is exactly one result, and it is last.
pub(crate) fn ended(mut events: Vec<RunEvent>) -> Ended {
    let Some(RunEvent::Result(result)) = events.pop() else { panic!("the last event is no result") };
    let logs = events
        .into_iter()
        .map(|event| match event {
            RunEvent::Log(line) => line,
            RunEvent::Result(result) => panic!("a second result: {result:?}"),
        })
        .collect();
    Ended { result, logs }
}
