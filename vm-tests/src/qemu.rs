//! Tests inside a guest with a kernel of its own, which `cargo xtask test` boots (`cargo xtask vm` alone): what a container cannot
//! show. One file a subject; a test is a function that has a row in [`BOOTS`].
//!
//! xtask boots the guest again each time it says [`BOOT_AGAIN`], until it says [`END`]. How often it was booted is kept on its disk.

mod backup;
mod cpu;
mod install;
mod leftovers;
mod memory;
mod neighbours;
mod power_cut;
mod reboot;
mod tasks;
mod zygotes;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::guest::Guest;
use crate::{Test, escape, passes};

const STATE: &str = "/var/lib/bulkhead-vm-tests";
/// What xtask waits for; it has the same words.
const BOOT_AGAIN: &str = "BOOT AGAIN";
const END: &str = "END";

/// How the guest goes down after a boot's tests.
enum Departure {
    Reboot,
    /// Without a warning to anybody, while runs are under way.
    PowerCut,
    PowerOff,
}

/// The tests of each boot and how it ends. The packages are installed in the first.
const BOOTS: &[(&[Test], Departure)] = &[
    (
        &[
            ("the instance is ready and nothing is degraded", install::is_ready_and_not_degraded),
            ("the doctor finds nothing", install::the_doctor_finds_nothing),
            ("code is forked, each run in a cgroup of its own", zygotes::each_run_has_a_cgroup),
            ("a memory bomb dies alone", memory::a_bomb_dies_alone),
            ("a thread bomb stops at its limit", tasks::a_thread_bomb_stops_at_its_limit),
            ("two threads get no more processor than one run may have", cpu::two_threads_get_one_processor),
            ("no attack from a program leaves the sandbox", escape::from_a_program),
            ("no attack from a block leaves the sandbox", escape::from_a_block),
            ("five hundred runs leave nothing behind", leftovers::of_five_hundred_runs),
        ],
        Departure::Reboot,
    ),
    (
        &[
            ("after a reboot every unit is active", reboot::every_unit_is_active),
            ("after a reboot the demo answers", reboot::the_demo_answers),
        ],
        Departure::PowerCut,
    ),
    (
        &[
            ("a power cut loses no run that was acknowledged", power_cut::loses_no_run),
            ("what was lost with its machine comes back from the backup", backup::brings_a_lost_machine_back),
        ],
        Departure::PowerOff,
    ),
];

/// Runs the tests of this boot whose names contain one of `filters`, and sees to the next.
pub(crate) fn run(filters: &[String]) -> Result<()> {
    let guest = Guest::here(String::new());
    let boot = boots_before()?;
    let Some((_, departure)) = BOOTS.get(boot) else { bail!("the guest was booted {boot} times before: too often") };
    guest.run(&["sh", "-c", "timeout 300 systemctl is-system-running --wait || true"])?;
    if boot == 0 && !shown(&guest, &("the packages install and are set up", |_| set_up())) {
        return leave(&guest, &Departure::PowerOff);
    }
    let guest = Guest::here(install::webhook()?);
    for test in chosen(boot, filters) {
        shown(&guest, test);
    }
    // A boot none of whose tests was asked for is still made where a later one needs it.
    let last = (boot + 1..BOOTS.len()).all(|later| chosen(later, filters).next().is_none());
    leave(&guest, if last { &Departure::PowerOff } else { departure })
}

/// Installs the packages and loads the demo, unless that has happened.
pub(crate) fn set_up() -> Result<()> {
    install::packages_and_demo(&Guest::here(String::new()))
}

fn chosen(boot: usize, filters: &[String]) -> impl Iterator<Item = &'static Test> {
    let tests = BOOTS.get(boot).map_or(&[][..], |(tests, _)| tests);
    tests.iter().filter(move |(name, _)| filters.is_empty() || filters.iter().any(|part| name.contains(part.as_str())))
}

/// Runs one test; when it fails, what the daemons have logged lately is shown too.
fn shown(guest: &Guest, test: &Test) -> bool {
    let passed = passes(guest, test);
    if !passed {
        let log = ["journalctl", "--no-pager", "-q", "-o", "short-monotonic", "-n", "40", "-u", "bulkhead-*"];
        for line in guest.run(&log).unwrap_or_else(|error| error.to_string()).lines() {
            println!("    {line}");
        }
    }
    passed
}

/// How often this guest was booted before; counts this boot.
fn boots_before() -> Result<usize> {
    fs::create_dir_all(STATE)?;
    let file = Path::new(STATE).join("boots");
    let before = fs::read_to_string(&file).unwrap_or_default().trim().parse().unwrap_or(0);
    fs::write(&file, format!("{}\n", before + 1)).context("count the boots")?;
    Ok(before)
}

fn leave(guest: &Guest, departure: &Departure) -> Result<()> {
    match departure {
        Departure::Reboot => {
            println!("{BOOT_AGAIN}");
            guest.run(&["systemctl", "--no-block", "reboot"]).map(drop)
        }
        Departure::PowerCut => {
            power_cut::begin_runs(guest)?;
            println!("{BOOT_AGAIN}");
            fs::write("/proc/sysrq-trigger", "b").context("cut the power")
        }
        Departure::PowerOff => {
            println!("{END}");
            guest.run(&["systemctl", "--no-block", "poweroff"]).map(drop)
        }
    }
}
