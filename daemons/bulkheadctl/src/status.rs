//! `status`: every service, whether it is ready, and why not.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use tokio::time::Instant;

use crate::daemons::{DAEMONS, OTHER_UNITS};
use crate::{local_http, systemd, table};

/// One line.
#[derive(Debug, Serialize)]
struct Line {
    unit: &'static str,
    /// What systemd says; absent where systemd does not run this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<String>,
    /// `ready`, `degraded`, `not-ready`; absent for a unit without a control socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    readiness: Option<String>,
    /// Why it is not simply ready.
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
}

impl Line {
    fn works(&self) -> bool {
        let active = self.active.as_deref().is_none_or(|state| state == "active");
        active && self.readiness.as_deref() != Some("not-ready")
    }
}

/// Prints all; fails when one does not work, or does not within `patience`.
pub(crate) async fn run(json: bool, patience: Duration) -> Result<ExitCode> {
    let end = Instant::now() + patience;
    let mut lines = lines().await?;
    while !lines.iter().all(Line::works) && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(200)).await;
        lines = self::lines().await?;
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else {
        let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
        let row = |line: &Line| [line.unit.into(), dash(&line.active), dash(&line.readiness), line.reason.clone()];
        table::print(["UNIT", "ACTIVE", "READY", "REASON"], &lines.iter().map(row).collect::<Vec<_>>());
    }
    Ok(if lines.iter().all(Line::works) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is installed, as it is now.
async fn lines() -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for daemon in &DAEMONS {
        if systemd::is_running() && !systemd::is_installed(daemon.service) {
            continue;
        }
        let (readiness, reason) = match local_http::readiness(Path::new(daemon.control)).await {
            Ok(readiness) => (readiness.status.clone(), readiness.reasons()),
            Err(error) => ("not-ready".to_owned(), format!("{error:#}")),
        };
        lines.push(Line { unit: daemon.service, active: active(daemon.service)?, readiness: Some(readiness), reason });
    }
    for unit in OTHER_UNITS.into_iter().filter(|unit| systemd::is_installed(unit)) {
        lines.push(Line { unit, active: active(unit)?, readiness: None, reason: String::new() });
    }
    Ok(lines)
}

fn active(unit: &str) -> Result<Option<String>> {
    systemd::is_running().then(|| systemd::active_state(unit)).transpose()
}
