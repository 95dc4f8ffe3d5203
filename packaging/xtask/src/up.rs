//! `up`, `down`, `exec`: a machine with the demo, for people.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::machine::Machine;
use crate::shell::{command, run, step};
use crate::{deb, dev, install, machine};

/// Where the machine serves HTTP inside.
const INSIDE_PORT: u16 = 8080;

/// Builds, boots, installs, sets up; prints where it is.
pub(crate) fn up(fresh: bool, port: u16) -> Result<()> {
    if let Err(reason) = machine::possible() {
        eprintln!("NOTE: {reason:#}. The daemons run in the foreground instead (`cargo xtask dev`).");
        return dev::dev(fresh, port);
    }
    let machine = Machine::named("up");
    machine.require_port(port)?;
    install::ensure(&[install::PACKAGES, install::MACHINE])?;
    let packages = deb::build()?;
    if fresh {
        machine.stop_forwarder()?;
        step("forgetting the old machine", || machine.stop().and_then(|()| machine.forget()))?;
    }
    let lines = start(&machine, &Source::Packages(&packages), &format!("http://127.0.0.1:{port}"), port)?;
    println!();
    println!(
        "The machine runs until `cargo xtask down`. A browser on another computer: ssh -L {port}:127.0.0.1:{port} THIS-HOST"
    );
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

/// What a machine is installed from.
pub(crate) enum Source<'a> {
    /// Packages as they were built.
    Packages(&'a [PathBuf]),
    /// The bundle of signed repositories.
    Bundle(&'a Path),
}

impl Source<'_> {
    fn install(&self, machine: &Machine) -> Result<()> {
        match self {
            Self::Packages(packages) => machine.install(packages),
            Self::Bundle(bundle) => machine.install_bundle(bundle),
        }
    }

    /// The same for the same bytes.
    fn key(&self) -> Result<String> {
        let files = match self {
            Self::Packages(packages) => packages.iter().map(PathBuf::as_path).collect(),
            Self::Bundle(bundle) => vec![*bundle],
        };
        let mut hasher = Sha256::new();
        for file in files {
            hasher.update(std::fs::read(file).with_context(|| format!("read {}", file.display()))?);
        }
        Ok(hex::encode(hasher.finalize()))
    }
}

/// Brings `machine` to what `source` has and the demo. Returns the lines `url: ...`, `admin-link: ...`, `webhook: ...`.
pub(crate) fn start(machine: &Machine, source: &Source<'_>, url: &str, port: u16) -> Result<Vec<String>> {
    if machine.leader().is_none() {
        step("booting the machine", || machine.boot())?;
    }
    let key = source.key()?;
    let installed = machine.file("installed.key");
    if std::fs::read_to_string(&installed).is_ok_and(|old| old == key) {
        eprintln!("  the machine has these packages already");
    } else {
        step("installing the packages in the machine", || source.install(machine))?;
        accept_missing_cgroup_limits(machine)?;
    }
    let lines = step("setting up", || {
        let printed = machine.output(&["bulkheadctl", "setup", "--demo", "--base-url", url])?;
        Ok(printed.lines().filter(|line| is_result(line)).map(str::to_owned).collect())
    })?;
    std::fs::write(&installed, key)?;
    machine.start_forwarder(port, INSIDE_PORT)?;
    step("waiting until it is ready", || wait_until_ready(port))?;
    Ok(lines)
}

/// Whether this is one of the lines that `bulkheadctl setup` prints for people and programs.
pub(crate) fn is_result(line: &str) -> bool {
    ["url: ", "admin-link: ", "webhook: "].iter().any(|start| line.starts_with(start))
}

/// A container on a host without cgroup v2 controllers cannot limit a run's memory by cgroup. The executor refuses such a
/// host unless it is told to accept that, and then says so in `/readyz`.
pub(crate) fn accept_missing_cgroup_limits(machine: &Machine) -> Result<()> {
    let controllers = machine.output(&["sh", "-c", "cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null || true"])?;
    if ["memory", "pids"].iter().all(|needed| controllers.split_whitespace().any(|found| found == *needed)) {
        return Ok(());
    }
    eprintln!(
        "  NOTE: this host has no cgroup v2 controllers, so runs of code have no cgroup limits here and /readyz says degraded."
    );
    let text =
        "# Written by `cargo xtask up`: this host has no cgroup v2 controllers.\nallow-missing-cgroup-limits = true\n";
    machine.write("/etc/bulkhead/code-executor.d/50-no-cgroup-v2.toml", text)
}

fn wait_until_ready(port: u16) -> Result<()> {
    let url = format!("http://127.0.0.1:{port}/readyz");
    let end = Instant::now() + Duration::from_secs(60);
    while !crate::shell::succeeds(&mut command("curl", &["-sf", "-m", "5", &url])) {
        ensure!(Instant::now() < end, "{url} does not say ready: cargo xtask exec -- bulkheadctl status");
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// Stops the machine.
pub(crate) fn down() -> Result<()> {
    let machine = Machine::named("up");
    machine.stop_forwarder()?;
    step("stopping the machine", || machine.stop())
}

/// Runs a command inside, with the terminal.
pub(crate) fn exec(words: &[String]) -> Result<()> {
    let machine = Machine::named("up");
    ensure!(machine.leader().is_some(), "the machine does not run: cargo xtask up");
    run(&mut machine.command(&words.iter().map(String::as_str).collect::<Vec<_>>()))
}
