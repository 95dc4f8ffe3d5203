//! `docs`: the commands that the documentation shows, run on a machine of their own that has the packages at hand and nothing installed.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::machine::Machine;
use crate::shell::step;
use crate::test::{Counts, suite};
use crate::{install, machine, paths, pkg, up};

/// Where the commands find the packages.
const FOLDER: &str = "/root/bulkhead";

/// Runs them; the last line says how many pages passed and failed.
pub(crate) fn docs(programs: Option<&Path>) -> Result<()> {
    install::ensure(&[install::PACKAGES, install::MACHINE])?;
    let mut counts = Counts::default();
    test(programs, &pkg::bundle(programs)?, &mut counts)?;
    println!("{} passed, {} failed", counts.passed, counts.failed);
    ensure!(counts.failed == 0, "some commands of the documentation failed");
    Ok(())
}

/// The same as a part of `test`.
pub(crate) fn test(programs: Option<&Path>, bundle: &Path, counts: &mut Counts) -> Result<()> {
    machine::possible()?;
    let packages = crate::deb::build_from(programs)?;
    let machine = Machine::named("docs");
    machine.stop().and_then(|()| machine.forget())?;
    step("booting a machine for the documentation", || machine.boot())?;
    step("handing it the packages", || machine.copy(&[packages, vec![bundle.to_owned()]].concat(), FOLDER))?;
    up::accept_missing_cgroup_limits(&machine)?;
    let tests = programs.map_or_else(paths::binaries, |folder| Ok(folder.to_owned()))?.join("bulkhead-vm-tests");
    let leader = machine.leader().context("the machine does not run")?.to_string();
    let environment =
        [("BULKHEAD_MACHINE_PID", leader), ("BULKHEAD_REPOSITORY", paths::repository().display().to_string())];
    let failed_before = counts.failed;
    let outcome = suite(&[&tests.to_string_lossy(), "docs"], &paths::repository(), &environment, counts);
    machine.stop()?;
    if outcome.is_ok() && counts.failed == failed_before {
        return machine.forget();
    }
    eprintln!("the machine is kept for a look: {}", machine.file("merged").display());
    outcome
}
