//! `storm`: the fault-injection test of the worker, for as long as wanted. `test` runs a slice of it.

use anyhow::Result;

use crate::services::Cluster;
use crate::shell::{command, run, step};
use crate::{build, install, paths, temporal};

/// How much of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Minutes that faults strike
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Runs that are started meanwhile
    #[arg(long, default_value_t = 2000)]
    runs: usize,
    /// What the schedule of faults and runs follows from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Builds what `test` builds, and runs the storm with its table on the terminal.
pub(crate) fn storm(options: &Options) -> Result<()> {
    install::ensure(&[install::PACKAGES, install::DEV, install::NETWORKS])?;
    build::binaries()?;
    let cluster = step("starting a PostgreSQL cluster", Cluster::temporary)?;
    // Of the whole workspace, as all tests are built; this one alone.
    let mut nextest = command("cargo", &["nextest", "run", "--release", "--workspace", "--locked", "--no-capture"]);
    let seconds = (options.minutes * 60.0).round();
    nextest
        .args(["--test", "storm", "a_storm"])
        .current_dir(paths::repository())
        .env("BULKHEAD_TEST_POSTGRES", cluster.connection_string())
        .env("BULKHEAD_TEST_TEMPORAL", temporal::binary()?)
        .env("BULKHEAD_STORM_SEED", options.seed.to_string())
        .env("BULKHEAD_STORM_SECONDS", seconds.to_string())
        .env("BULKHEAD_STORM_RUNS", options.runs.to_string());
    run(&mut nextest)
}
