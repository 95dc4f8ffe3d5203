//! Runs attacks: a Python prelude with raw system calls, and the sandbox around it.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use bulkhead_sandbox::{
    Descriptors, Ending, Identity, Launcher, Outcome, Policy, Processes, Program, Sandbox, SandboxError, Usage,
    run_command,
};

use crate::attacks::program;

/// The interpreter of the distribution; a missing one fails every row.
const PYTHON: &str = "/usr/bin/python3";

/// One row of the table.
pub(crate) struct Attack<'a> {
    pub(crate) processes: Processes,
    pub(crate) facts: &'a str,
    pub(crate) code: &'a str,
}

/// What became of a program.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    pub(crate) ending: Ending,
    pub(crate) usage: Usage,
    pub(crate) output: String,
}

pub(crate) fn attack(attack: Attack<'_>) -> Ended {
    let code = program(attack.facts, attack.code);
    run_python(&code, |policy| {
        policy.processes = attack.processes;
        if attack.processes == Processes::ThreadsOnly {
            policy.executable = vec![PYTHON.into(), "/lib64/ld-linux-x86-64.so.2".into()];
        }
    })
}

pub(crate) fn run_python(code: &str, change: impl FnOnce(&mut Policy)) -> Ended {
    let mut policy = policy();
    change(&mut policy);
    run(policy, PYTHON, &["-I", "-S", "-c", code]).unwrap()
}

pub(crate) fn run(policy: Policy, path: &str, arguments: &[&str]) -> Result<Ended, SandboxError> {
    let mut output = Vec::new();
    let arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
    let program = Program { path: PathBuf::from(path), arguments };
    let outcome = run_command(&launcher(), policy, program, |_, bytes| {
        output.extend_from_slice(bytes);
        Ok(())
    })?;
    let output = String::from_utf8_lossy(&output).trim_end().to_owned();
    Ok(Ended { ending: outcome.ending, usage: outcome.usage, outcome, output })
}

/// A run that waits until it is killed, and the pipe it says so through.
pub(crate) fn start_sleeper() -> (Sandbox, File) {
    let (read, write) = nix::unistd::pipe().unwrap();
    let null = || OwnedFd::from(File::options().read(true).write(true).open("/dev/null").unwrap());
    let code = "import time; print('started', flush=True); time.sleep(1000)";
    let program = Program { path: PYTHON.into(), arguments: ["-I", "-S", "-c", code].map(str::to_owned).to_vec() };
    let descriptors = Descriptors { stdin: null(), stdout: write, stderr: null(), channel: None };
    let sandbox = launcher().start(policy(), program, descriptors).unwrap();
    let mut pipe = File::from(read);
    let mut first = [0; 8];
    pipe.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"started\n");
    (sandbox, pipe)
}

/// The rest of a pipe, which ends only when every process that held it has.
pub(crate) fn read_to_end(mut pipe: File) -> String {
    let mut rest = "started\n".to_owned();
    pipe.read_to_string(&mut rest).unwrap();
    rest
}

pub(crate) fn policy() -> Policy {
    Policy::minimal(identity())
}

pub(crate) fn launcher() -> Launcher {
    Launcher::with_stage(env!("CARGO_BIN_EXE_bulkhead-sandbox-stage"))
}

/// Nobody if the tests run as root.
pub(crate) fn identity() -> Identity {
    Identity::unprivileged().unwrap()
}

pub(crate) fn own_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Whether something becomes true; other tests may share this process and its descriptors.
pub(crate) fn settles(holds: impl Fn() -> bool) -> bool {
    (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        holds()
    })
}

/// Children of this test process.
pub(crate) fn own_children() -> Vec<String> {
    let path = format!("/proc/self/task/{}/children", nix::unistd::gettid());
    let children = std::fs::read_to_string(path).unwrap();
    children.split_whitespace().map(str::to_owned).collect()
}

/// Processes of this machine whose arguments contain a text.
pub(crate) fn processes_with(text: &str) -> Vec<String> {
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| line.contains(text))
        .collect()
}
