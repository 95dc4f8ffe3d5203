//! `sandbox run`: one program in the sandbox that user code runs in.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use bulkhead_sandbox::{Identity, Launcher, Policy, Program, Stream, exit_code, run_command};

use crate::cli::SandboxCommand;

/// Runs it; the exit code tells how it ended.
pub(crate) fn run(command: SandboxCommand) -> Result<ExitCode> {
    let SandboxCommand::Run { ro, time, memory, command } = command;
    let identity = Identity::unprivileged().context("there is no user 'nobody' to run the program as")?;
    let mut policy = Policy::minimal(identity);
    for path in ro {
        policy = policy.with_read_only(std::path::absolute(path)?);
    }
    policy.limits.wall_time_ms = time.saturating_mul(1000);
    policy.limits.cpu_time_s = time;
    policy.limits.memory_bytes = memory;
    policy.limits.data_bytes = memory;
    let (name, arguments) = command.split_first().context("name a program")?;
    let program = Program { path: resolve(name), arguments: arguments.to_vec() };
    let (mut out, mut error) = (io::stdout(), io::stderr());
    let result = run_command(&Launcher::of_this_binary(), policy, program, |stream, bytes| match stream {
        Stream::Out => out.write_all(bytes).and_then(|()| out.flush()),
        Stream::Error => error.write_all(bytes),
    });
    let code = exit_code(&result);
    if let Err(failure) = result {
        eprintln!("error: {:#}", anyhow::Error::new(failure));
    }
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// A bare name is looked up where the sandbox's root has programs; there is no `PATH` inside.
fn resolve(name: &str) -> PathBuf {
    if name.contains('/') {
        return name.into();
    }
    let found = ["/usr/bin", "/bin"].iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| Path::new("/usr/bin").join(name))
}
