//! `workflow`: its documents, its runs, and events for them.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use bulkhead_model::run::{RunError, RunResponse, RunStatus};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::Api;
use crate::cli::WorkflowCommand;
use crate::documents;
use crate::table::plain;

/// Between two looks at a run.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Deserialize)]
struct Started {
    run: String,
}

#[derive(Deserialize)]
struct Sent {
    event: String,
    runs: i64,
    known: bool,
}

#[derive(Deserialize)]
struct Detail {
    run: Summary,
    #[serde(default)]
    response: Option<RunResponse>,
}

#[derive(Deserialize)]
struct Summary {
    status: RunStatus,
    #[serde(default)]
    error: Option<RunError>,
}

#[derive(Deserialize)]
struct Logs {
    lines: Vec<Value>,
}

/// Runs a `workflow` command.
pub(crate) async fn run(command: WorkflowCommand, api: &Api) -> Result<ExitCode> {
    match command {
        WorkflowCommand::Document(command) => documents::run(documents::WORKFLOWS, command, api).await?,
        WorkflowCommand::Logs { run, json } => logs(&run, json, api).await?,
        WorkflowCommand::Event { slug, name, key, body, idempotency_key } => {
            let body = json_of(body)?;
            let request = json!({ "name": name, "key": key, "body": body, "idempotency_key": idempotency_key });
            let sent: Sent = api.send(Method::POST, &format!("/workflows/{slug}/events"), &request).await?;
            println!("{}", sent.event);
            match sent {
                Sent { known: true, .. } => eprintln!("it was stored before, under this idempotency key"),
                Sent { runs: 0, .. } => eprintln!("no run waits for it now; one that does later takes it"),
                Sent { runs: 1, .. } => eprintln!("1 run waits for it"),
                Sent { runs, .. } => eprintln!("{runs} runs wait for it"),
            }
        }
        WorkflowCommand::Run { slug, body, idempotency_key, no_wait } => {
            let body = json_of(body)?;
            let request = json!({ "body": body, "idempotency_key": idempotency_key });
            let Started { run } = api.send(Method::POST, &format!("/workflows/{slug}/runs"), &request).await?;
            eprintln!("run {run}");
            if no_wait {
                println!("{run}");
            } else {
                return wait(&run, api).await;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What `--body` says; null without it.
fn json_of(body: Option<String>) -> Result<Value> {
    body.map_or(Ok(Value::Null), |text| serde_json::from_str(&text).context("--body is no JSON"))
}

/// Waits for the run's end and prints its response.
async fn wait(run: &str, api: &Api) -> Result<ExitCode> {
    let detail: Detail = loop {
        let detail: Detail = api.get(&format!("/runs/{run}")).await?;
        if detail.run.status.is_final() {
            break detail;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    if let Some(response) = detail.response {
        println!("{}", serde_json::to_string_pretty(&response.body)?);
    }
    if detail.run.status == RunStatus::Succeeded {
        return Ok(ExitCode::SUCCESS);
    }
    let status = detail.run.status.as_str();
    match detail.run.error {
        Some(RunError { block: Some(block), message, .. }) => {
            eprintln!("{status}: block `{block}`: {}", plain(&message))
        }
        Some(error) => eprintln!("{status}: {}", plain(&error.message)),
        None => eprintln!("{status}"),
    }
    Ok(ExitCode::FAILURE)
}

async fn logs(run: &str, json: bool, api: &Api) -> Result<()> {
    let logs: Logs = api.get(&format!("/runs/{run}/logs")).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&logs.lines)?);
        return Ok(());
    }
    for line in logs.lines {
        let field = |name: &str| line[name].as_str().unwrap_or_default();
        println!("{:5} {}: {}", field("level"), field("block"), plain(field("text")));
    }
    Ok(())
}
