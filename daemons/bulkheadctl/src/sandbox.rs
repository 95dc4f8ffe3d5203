//! `sandbox run`: one program in the sandbox that user code runs in.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use bulkhead_sandbox::{
    Ending, Identity, Launcher, Limits, Mount, Outcome, Policy, Proc, Processes, Program, SandboxError, Stream,
    exit_code, run_command,
};
use serde_json::{Value, json};

use crate::cli::{SandboxCommand, SandboxRun};

/// Runs it; the exit code tells how it ended.
pub(crate) fn run(command: SandboxCommand) -> Result<ExitCode> {
    let SandboxCommand::Run(run) = command;
    let (name, arguments) = run.command.split_first().context("name a program")?;
    let program = Program { path: resolve(name), arguments: arguments.to_vec() };
    let (mut out, mut error) = (io::stdout(), io::stderr());
    let result = run_command(&Launcher::of_this_binary(), policy(&run)?, program, |stream, bytes| match stream {
        Stream::Out => out.write_all(bytes).and_then(|()| out.flush()),
        Stream::Error => error.write_all(bytes),
    });
    let code = exit_code(&result);
    if run.json {
        eprintln!("{}", report(&result, code));
    } else if let Err(failure) = result {
        eprintln!("error: {:#}", anyhow::Error::new(failure));
    }
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn policy(run: &SandboxRun) -> Result<Policy> {
    let identity = Identity::unprivileged().context("there is no user 'nobody' to run the program as")?;
    let mut policy = Policy::minimal(identity);
    for text in &run.ro {
        let (source, target) = source_and_target(text)?;
        policy.executable.push(target.clone());
        policy.mounts.push(Mount::ReadOnly { source, target, optional: false });
    }
    for text in &run.rw {
        let (source, target) = source_and_target(text)?;
        ensure!(source.is_dir(), "--rw {text}: {} is no folder", source.display());
        policy.mounts.push(Mount::Writable { source, target });
    }
    for mount in &mut policy.mounts {
        if let Mount::Scratch { size_bytes, .. } = mount {
            *size_bytes = run.tmp_size;
        }
    }
    for text in &run.env {
        let (name, value) = text.split_once('=').with_context(|| format!("--env {text}: write NAME=VALUE"))?;
        policy.environment.insert(name.to_owned(), value.to_owned());
    }
    policy.working_directory.clone_from(&run.chdir);
    policy.hostname.clone_from(&run.hostname);
    if run.no_proc {
        policy.proc = Proc::None;
    }
    if run.threads_only {
        policy.processes = Processes::ThreadsOnly;
    }
    policy.limits = Limits {
        wall_time_ms: run.time.saturating_mul(1000),
        cpu_time_s: run.cpu_time.unwrap_or(run.time),
        memory_bytes: run.memory,
        data_bytes: run.memory,
        tasks: run.tasks,
        open_files: run.open_files,
        file_size_bytes: run.file_size,
        output_bytes: run.output,
        ..policy.limits
    };
    Ok(policy)
}

/// `PATH` or `PATH:DEST`; what is relative counts from here, and a destination must be absolute.
fn source_and_target(text: &str) -> Result<(PathBuf, PathBuf)> {
    match text.split_once(':') {
        None => {
            let path = std::path::absolute(text)?;
            Ok((path.clone(), path))
        }
        Some((source, target)) => {
            ensure!(target.starts_with('/'), "{text}: the path inside must be absolute, such as {source}:/data");
            Ok((std::path::absolute(source)?, target.into()))
        }
    }
}

/// How a run ended and what it used, for programs.
fn report(result: &Result<Outcome, SandboxError>, code: i32) -> Value {
    match result {
        Ok(Outcome { ending, usage }) => {
            let ending = match ending {
                Ending::Exited(_) => "exited",
                Ending::Signalled(_) => "signalled",
                Ending::WallTime => "wall-time",
                Ending::CpuTime => "cpu-time",
                Ending::Memory => "memory",
                Ending::Output => "output",
                Ending::FileSize => "file-size",
                Ending::ForbiddenSystemCall => "forbidden-system-call",
                Ending::Cancelled => "cancelled",
            };
            json!({ "ending": ending, "code": code, "cpu_us": usage.cpu_us, "peak_memory_bytes": usage.peak_memory_bytes })
        }
        Err(error) => json!({ "ending": "not-started", "code": code, "error": error.to_string() }),
    }
}

/// A bare name is looked up where the sandbox's root has programs; there is no `PATH` inside.
fn resolve(name: &str) -> PathBuf {
    if name.contains('/') {
        return name.into();
    }
    let found = ["/usr/bin", "/bin"].iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| Path::new("/usr/bin").join(name))
}
