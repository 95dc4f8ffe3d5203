//! A daemon as its unit starts it: a process with its sockets at descriptor 3.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use bulkhead_test_kit::activated;

/// A daemon's process. Ended with this value.
pub(crate) struct Daemon {
    command: Command,
    process: Option<Child>,
}

impl Daemon {
    /// Starts `program` with `config` in `directory`, listening on `socket` under its name in the unit.
    pub(crate) fn start(directory: &Path, program: &str, socket: (&str, &str), config: &str) -> Self {
        let (name, file) = socket;
        let socket = directory.join(file);
        let config_file = directory.join(format!("{file}.toml"));
        std::fs::write(&config_file, config).expect("written");
        let mut command = activated(binary(program), &socket, name);
        command.arg("--config").arg(config_file).env("CREDENTIALS_DIRECTORY", directory);
        let mut daemon = Self { command, process: None };
        daemon.restart();
        while !socket.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        daemon
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("killed");
            process.wait().expect("reaped");
        }
    }

    /// Kills it if it runs, and starts it again, as systemd does.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.process = Some(self.command.spawn().expect("started"));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The native half of zygotes, where the user that code runs as can read it.
pub(crate) fn zygote_library(directory: &Path) -> PathBuf {
    let built = binary("libbulkhead_zygote.so");
    let copy = directory.join("zygote.so");
    std::fs::copy(built, &copy).expect("copied");
    std::fs::set_permissions(directory, PermissionsExt::from_mode(0o755)).expect("readable");
    std::fs::set_permissions(&copy, PermissionsExt::from_mode(0o644)).expect("readable");
    copy
}

/// The program of a daemon: built beside the worker's, since the whole workspace is tested at once.
fn binary(program: &str) -> PathBuf {
    let worker = PathBuf::from(env!("CARGO_BIN_EXE_bulkhead-workflows-worker"));
    let path = worker.with_file_name(program);
    assert!(
        path.exists(),
        "{} is missing: run `cargo xtask test`, or `cargo build --release -p {program}`",
        path.display()
    );
    path
}
