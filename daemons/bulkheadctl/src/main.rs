//! `bulkheadctl`: sets an instance up, says how it is doing, and does from a shell what the UI does in a browser.
//!
//! It speaks to the running instance over `api.sock`, where root is an administrator. It reads and writes the database itself
//! only to set it up, to back it up, to restore it and to move it.

mod api;
mod audit;
mod backup;
mod check_config;
mod cli;
mod code;
mod daemons;
mod doctor;
mod document_files;
mod documents;
mod files;
mod libraries;
mod local_http;
mod moving;
mod pki;
mod psql;
mod report;
mod roles;
mod runs;
mod sandbox;
mod secret;
mod sessions;
mod setup;
mod status;
mod systemd;
mod table;
mod user;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;

use crate::api::Api;
use crate::cli::{Arguments, AuditCommand, CodeCommand, Command, DatabaseCommand};

fn main() -> ExitCode {
    // `sandbox run` and `doctor` start this program again as the sandbox's stage: before any thread and any parsing.
    bulkhead_sandbox::init_if_requested();
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    // These start sandboxes and programs and wait for them: they have no use for a runtime.
    match arguments.command {
        Command::Sandbox(command) => return sandbox::run(command),
        Command::Doctor { json } => return doctor::run(json),
        Command::Report { json, components } => return report::run(json, components),
        Command::Pki(command) => return pki::run(command),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(dispatch(arguments.command, &Api::new(&arguments.api_socket)))
}

async fn dispatch(command: Command, api: &Api) -> Result<ExitCode> {
    match command {
        Command::Setup(setup) => setup::run(setup, api).await?,
        Command::Status { json, wait } => return status::run(json, Duration::from_secs(wait)).await,
        Command::CheckConfig => return check_config::run(),
        Command::Migrate => setup::migrate().await?,
        Command::Backup(command) => backup::run(command)?,
        Command::Restore(restore) => backup::restore(&restore).await?,
        Command::Database(DatabaseCommand::Move(command)) => moving::run(&command).await?,
        Command::User(command) => user::run(command, api).await?,
        Command::Audit(AuditCommand::Verify { anchor, no_journal }) => {
            return audit::verify(anchor, no_journal, api).await;
        }
        Command::App(command) => documents::run(documents::APPS, command, api).await?,
        Command::Code(CodeCommand::Run(run)) => return code::run(run, api).await,
        Command::Libraries(command) => libraries::run(command, api).await?,
        Command::Secret(command) => secret::run(command, api).await?,
        Command::Workflow(command) => return runs::run(command, api).await,
        Command::Sandbox(_) | Command::Doctor { .. } | Command::Report { .. } | Command::Pki(_) => {
            unreachable!("ran before the runtime")
        }
    }
    Ok(ExitCode::SUCCESS)
}
