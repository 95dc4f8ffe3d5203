//! The power goes while runs are under way: what was acknowledged is finished after the next boot, each effect once.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::STATE;
use crate::guest::Guest;
use crate::{api, durability};

const RUNS: usize = 12;

fn acknowledged_file() -> PathBuf {
    Path::new(STATE).join("acknowledged")
}

/// Starts runs and notes on the disk which were acknowledged. The last of them have hardly begun when this returns.
pub(super) fn begin_runs(guest: &Guest) -> Result<()> {
    durability::release(guest)?;
    let mut acknowledged = File::create(acknowledged_file())?;
    File::open(STATE)?.sync_all()?;
    for number in 0..RUNS {
        let run = durability::start(guest, number)?;
        writeln!(acknowledged, "{run}")?;
        acknowledged.sync_data()?;
    }
    Ok(())
}

/// After the next boot, without anybody's help: every run ends, and with it each of its effects is there once. Only a run that was
/// writing just then may say that it does not know whether it has.
pub(super) fn loses_no_run(guest: &Guest) -> Result<()> {
    let acknowledged = std::fs::read_to_string(acknowledged_file()).context("read which runs were acknowledged")?;
    let runs: Vec<&str> = acknowledged.lines().collect();
    ensure!(runs.len() == RUNS, "{} of {RUNS} runs were acknowledged", runs.len());
    for (number, run) in runs.iter().enumerate() {
        let run = &api::finished_run(guest, run, Duration::from_secs(180))?["run"];
        if run["status"] == "succeeded" {
            durability::each_effect_is_there_once(guest, number..number + 1)?;
        } else {
            ensure!(run["error"]["kind"] == "outcome-unknown", "run {number} ended so: {run}");
            println!("    run {number} was writing");
        }
    }
    durability::no_effect_is_there_twice(guest)
}
