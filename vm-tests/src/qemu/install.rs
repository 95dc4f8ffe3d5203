//! The packages on a machine that has never seen them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::STATE;
use crate::guest::Guest;

/// Where xtask's disk was unpacked.
const PACKAGES: &str = "/var/lib/bulkhead-guest";

/// Installs the packages and loads the demo, unless that has happened.
pub(super) fn packages_and_demo(guest: &Guest) -> Result<()> {
    let printed_file = Path::new(STATE).join("setup");
    if printed_file.exists() {
        return Ok(());
    }
    fs::create_dir_all(STATE)?;
    packages(guest)?;
    let printed = guest.run(&["bulkheadctl", "setup", "--demo", "--base-url", &guest.url])?;
    ensure!(printed.contains("webhook: "), "setup printed no webhook: {printed}");
    fs::write(printed_file, printed).context("keep what setup printed")
}

/// Installs the packages, and no more.
pub(super) fn packages(guest: &Guest) -> Result<()> {
    let dpkg = format!("DEBIAN_FRONTEND=noninteractive dpkg --install {PACKAGES}/*.deb 2>&1");
    guest.run(&["sh", "-c", &dpkg]).map(drop)
}

/// The webhook of the demo, with its key.
pub(super) fn webhook() -> Result<String> {
    let printed = fs::read_to_string(Path::new(STATE).join("setup")).context("read what setup printed")?;
    let found = printed.lines().find_map(|line| line.strip_prefix("webhook: "));
    found.map(str::to_owned).context("setup printed no webhook")
}

/// `/readyz` of api and of code-executor; the one condition that a container may lack is there.
pub(super) fn is_ready_and_not_degraded(guest: &Guest) -> Result<()> {
    let api = guest.run(&["curl", "-sSf", "-m", "20", "http://127.0.0.1:8080/readyz"])?;
    let socket = "/run/bulkhead/code-executor-control.sock";
    let executor = guest.run(&["curl", "-sSf", "-m", "20", "--unix-socket", socket, "http://localhost/readyz"])?;
    for answer in [&api, &executor] {
        ensure!(!answer.contains("degraded"), "it says {answer}");
    }
    let executor: Value = serde_json::from_str(&executor).context("the executor's answer")?;
    ensure!(executor.to_string().contains("cgroup-limits"), "it says nothing of cgroup limits: {executor}");
    Ok(())
}

/// `bulkheadctl doctor` ends well, and so do all units of the machine.
pub(super) fn the_doctor_finds_nothing(guest: &Guest) -> Result<()> {
    let findings = guest.output(&["bulkheadctl", "doctor"], b"")?;
    ensure!(findings.status.success(), "it found\n{}", String::from_utf8_lossy(&findings.stdout));
    let failed = guest.run(&["systemctl", "list-units", "--failed", "--plain", "--no-legend"])?;
    ensure!(failed.is_empty(), "failed units: {failed}");
    Ok(())
}
