//! `test`: everything that runs, on real services.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::machine::Machine;
use crate::pkg::repository::Repositories;
use crate::services::{Cluster, free_port};
use crate::shell::{command, step};
use crate::{build, deb, docs, install, machine, paths, pkg, pypi, qemu, temporal, up};

/// How the suites ended.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
}

impl Counts {
    /// Runs one test, says how it ended, and counts it.
    pub(crate) fn run(&mut self, name: &str, test: impl FnOnce() -> Result<()>) {
        let started = Instant::now();
        let outcome = test();
        let seconds = started.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => {
                self.passed += 1;
                println!("PASS [{seconds:7.3}s] {name}");
            }
            Err(error) => {
                self.failed += 1;
                println!("FAIL [{seconds:7.3}s] {name}: {error:#}");
            }
        }
    }
}

/// What is booted for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Machines {
    /// A container and then a guest with a kernel of its own.
    All,
    /// The container alone.
    Container,
    /// Nothing.
    None,
}

impl Machines {
    /// By the flags that leave something out.
    pub(crate) fn without(machine: bool, guest: bool) -> Self {
        match (machine, guest) {
            (true, _) => Self::None,
            (false, true) => Self::Container,
            (false, false) => Self::All,
        }
    }
}

/// Runs the suites; the last line says how many tests passed and failed.
pub(crate) fn test(samples: Option<&Path>, machines: Machines, filters: &[String]) -> Result<()> {
    install::ensure(&[
        install::PACKAGES,
        install::TESTS,
        if machines == Machines::None { &[] } else { install::MACHINE },
    ])?;
    let samples = samples.map(|path| path.canonicalize()).transpose()?;
    let mut counts = Counts::default();
    rust(samples.as_deref(), filters, &mut counts)?;
    if filters.is_empty() {
        web(samples.as_deref(), &mut counts)?;
        if machines != Machines::None {
            let built = step("looking at the packages", || pkg::quick(&mut counts))?;
            in_machine(&built, samples.as_deref(), &mut counts)?;
            docs::test(None, &built.bundle, &mut counts)?;
        }
        if machines == Machines::All {
            qemu::test(&[], &mut counts)?;
        }
    }
    println!("{} passed, {} failed", counts.passed, counts.failed);
    ensure!(counts.failed == 0, "some tests failed");
    ensure!(counts.passed > 0, "no test ran");
    Ok(())
}

fn rust(samples: Option<&Path>, filters: &[String], counts: &mut Counts) -> Result<()> {
    // The tests of code-executor load a library that no test target has as a dependency.
    build::binaries()?;
    step("building the tests", || {
        let mut build = command("cargo", &["nextest", "run", "--release", "--workspace", "--locked", "--no-run"]);
        crate::shell::run(build.current_dir(paths::repository()))
    })?;
    let cluster = step("starting a PostgreSQL cluster", Cluster::temporary)?;
    let mut nextest = vec!["cargo", "nextest", "run", "--release", "--workspace", "--locked", "--no-fail-fast"];
    nextest.extend(filters.iter().map(String::as_str));
    let mut environment = vec![
        ("BULKHEAD_TEST_POSTGRES", cluster.connection_string()),
        ("BULKHEAD_TEST_TEMPORAL", temporal::binary()?.display().to_string()),
        ("BULKHEAD_TEST_AIOSMTPD", pypi::AIOSMTPD.python()?.display().to_string()),
        ("BULKHEAD_TEST_GRPC", pypi::GRPC.python()?.display().to_string()),
        ("BULKHEAD_TEST_MOTO", pypi::MOTO.program("moto_server")?.display().to_string()),
        ("BULKHEAD_TEST_PIKA", pypi::PIKA.python()?.display().to_string()),
        ("BULKHEAD_TEST_OIDC", build::oidc_provider()?.display().to_string()),
    ];
    environment.extend(samples.map(|path| ("BULKHEAD_TEST_SAMPLES", path.display().to_string())));
    suite(&nextest, &paths::repository(), &environment, counts)
}

fn web(samples: Option<&Path>, counts: &mut Counts) -> Result<()> {
    let sources = build::web_sources();
    build::npm_install(&sources)?;
    let environment: Vec<_> =
        samples.map(|path| ("BULKHEAD_TEST_SAMPLES", path.display().to_string())).into_iter().collect();
    suite(&["npm", "test", "--silent"], &sources, &environment, counts)?;
    // The examples of all kinds of components, in a browser.
    suite(&["npm", "run", "--silent", "gallery"], &sources, &environment, counts)
}

/// Boots a machine of its own, so that a developer's is left alone, and runs the tests that need one.
fn in_machine(built: &Repositories, samples: Option<&Path>, counts: &mut Counts) -> Result<()> {
    machine::possible()?;
    let failed_before = counts.failed;
    let machine = Machine::named("test");
    machine.stop_forwarder()?;
    machine.stop().and_then(|()| machine.forget())?;
    let port = free_port()?;
    let outcome = run_in(&machine, built, port, samples, counts);
    machine.stop_forwarder()?;
    if outcome.is_ok() && counts.failed == failed_before {
        machine.stop().and_then(|()| machine.forget())?;
    } else {
        eprintln!("the machine is kept for a look: {}", machine.file("console.log").display());
        machine.stop()?;
    }
    outcome
}

fn run_in(
    machine: &Machine,
    built: &Repositories,
    port: u16,
    samples: Option<&Path>,
    counts: &mut Counts,
) -> Result<()> {
    let url = format!("http://127.0.0.1:{port}");
    // As people install where there is no network: from the bundle, by apt, with its signatures.
    let lines = up::start(machine, &up::Source::Bundle(&built.bundle), &url, port)?;
    let newer = tempfile::tempdir()?;
    step("making newer packages", || deb::newer(&built.folder.join("apt/pool"), newer.path()))?;
    let value = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    let leader = machine.leader().context("the machine does not run")?.to_string();
    let mut tests = vec!["cargo", "run", "--release", "--quiet", "--package", "bulkhead-vm-tests"];
    let mut environment = vec![
        ("BULKHEAD_URL", url),
        ("BULKHEAD_ADMIN_LINK", value("admin-link: ").context("setup printed no admin-link")?),
        ("BULKHEAD_WEBHOOK", value("webhook: ").context("setup printed no webhook")?),
        ("BULKHEAD_MACHINE_PID", leader),
        ("BULKHEAD_NEWER_PACKAGES", newer.path().display().to_string()),
    ];
    if let Some(samples) = samples {
        environment.push(("BULKHEAD_TEST_SAMPLES", samples.display().to_string()));
    }
    suite(&tests, &paths::repository(), &environment, counts)?;
    tests = vec!["npm", "run", "--silent", "e2e"];
    suite(&tests, &build::web_sources(), &environment, counts)
}

/// Runs a suite with the terminal and counts its tests by its closing line.
pub(crate) fn suite(
    words: &[&str],
    directory: &Path,
    environment: &[(&str, String)],
    counts: &mut Counts,
) -> Result<()> {
    let mut shell = command("sh", &["-c", "exec \"$@\" 2>&1", "suite"]);
    shell.args(words).current_dir(directory).envs(environment.iter().map(|(key, value)| (key, value)));
    let mut child = shell.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut closing = None;
    for line in BufReader::new(child.stdout.take().context("a pipe")?).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        eprintln!("{line}");
        closing = closing_counts(&line).or(closing);
    }
    let status = child.wait()?;
    let Some((passed, failed)) = closing else { bail!("{} ended with {status} and ran no test", words.join(" ")) };
    counts.passed += passed;
    counts.failed += failed;
    if !status.success() && failed == 0 {
        // A suite that fails without a failed test (a crash, a leak) counts as one.
        counts.failed += 1;
    }
    Ok(())
}

/// The counts of a closing line: nextest's `Summary ... 3 tests run: 2 passed, 1 failed`, vitest's `Tests  1 failed | 2 passed`,
/// or the plain `2 passed, 1 failed`.
fn closing_counts(line: &str) -> Option<(u32, u32)> {
    let plain: String = strip_colours(line);
    let counts = plain.rsplit_once("tests run:").map(|(_, counts)| counts).unwrap_or(&plain).trim();
    let counts = counts.strip_prefix("Tests").unwrap_or(counts).trim();
    let words: Vec<&str> =
        counts.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()).collect();
    let count_of = |what: &str| words.windows(2).find(|pair| pair[1] == what).and_then(|pair| pair[0].parse().ok());
    words.first()?.parse::<u32>().ok()?;
    let (passed, failed) = (count_of("passed"), count_of("failed"));
    (passed.is_some() || failed.is_some()).then(|| (passed.unwrap_or(0), failed.unwrap_or(0)))
}

fn strip_colours(line: &str) -> String {
    let mut plain = String::new();
    let mut parts = line.split('\u{1b}');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::closing_counts;

    #[test]
    fn closing_lines_are_told_from_others() {
        let nextest = "     Summary [   6.023s] 17 tests run: 15 passed (2 slow), 2 failed, 0 skipped";
        assert_eq!(closing_counts(nextest), Some((15, 2)));
        assert_eq!(
            closing_counts("\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m1 failed\u{1b}[22m | 11 passed (12)"),
            Some((11, 1))
        );
        assert_eq!(closing_counts("12 passed, 0 failed"), Some((12, 0)));
        for other in ["        PASS [   0.010s] ( 1/17) x", "Test Files  3 passed (3)", "some text 3 passed", ""] {
            assert_eq!(closing_counts(other), None, "{other}");
        }
    }
}
