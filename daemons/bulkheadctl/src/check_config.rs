//! `check-config`: asks each installed daemon what it thinks of its files.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::daemons::DAEMONS;

/// Where the packages put the daemons.
const PROGRAMS: &str = "/usr/bin";

/// Checks all; fails when one is not sound.
pub(crate) fn run() -> Result<ExitCode> {
    let (mut checked, mut faulty) = (0, 0);
    for daemon in &DAEMONS {
        let program = Path::new(PROGRAMS).join(format!("bulkhead-{}", daemon.name));
        if !program.exists() {
            continue;
        }
        checked += 1;
        let output = Command::new(&program)
            .arg("--check-config")
            .output()
            .with_context(|| format!("start {}", program.display()))?;
        if output.status.success() {
            println!("{}: sound", daemon.name);
            let text = String::from_utf8_lossy(&output.stdout);
            text.lines().filter(|line| line.starts_with("note: ")).for_each(|line| println!("  {line}"));
        } else {
            faulty += 1;
            println!("{}: {}", daemon.name, String::from_utf8_lossy(&output.stderr).trim());
        }
    }
    ensure!(checked > 0, "no daemon of Bulkhead is installed in {PROGRAMS}");
    Ok(if faulty == 0 { ExitCode::SUCCESS } else { ExitCode::from(2) })
}
