//! Tests of the real packages in a machine with real systemd. `cargo xtask test` boots the machine, loads the demo and runs this;
//! it is no `#[test]` because it needs that machine, and one after the other because they stop its services.
//!
//! With the word `docs` it runs the commands of the documentation on a machine of their own, where nothing is installed yet.
//!
//! With the word `inside` it runs the tests of `qemu` in the machine that it runs in itself: a guest with a kernel of its own.
//!
//! `BULKHEAD_URL`, `BULKHEAD_WEBHOOK` and `BULKHEAD_MACHINE_PID` say where the machine is, `BULKHEAD_NEWER_PACKAGES` a folder with the
//! packages of a later version, `BULKHEAD_TEST_SAMPLES` one with databases that others wrote. The last line is `N passed, N failed`.

mod api;
#[path = "../../sandbox/tests/escape/attacks.rs"]
mod attacks;
mod block;
mod code;
mod docs;
mod durability;
mod escape;
mod guest;
mod http;
mod load;
mod outage;
mod qemu;
mod restart;
mod samples;
mod units;
mod upgrade;
mod webhook;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use guest::Guest;

/// One test: what must hold, and how it is shown.
type Test = (&'static str, fn(&Guest) -> Result<()>);

const TESTS: &[Test] = &[
    ("every unit is active", units::every_unit_is_active),
    ("no unit runs as root", units::no_unit_runs_as_root),
    ("every unit's exposure is low", units::every_exposure_is_low),
    ("the report for auditors is complete", units::the_report_is_complete),
    ("the shipped configuration is sound, and so is each key in it", units::the_shipped_configuration_is_sound),
    ("a stopped daemon is started by its socket", units::a_stopped_daemon_is_started_by_its_socket),
    ("Temporal answers its worker alone", units::temporal_answers_its_worker_alone),
    ("the webhook's answer is what SQL says", webhook::the_answer_is_what_sql_says),
    ("a webhook refuses a wrong key and bad JSON", webhook::a_bad_call_is_refused),
    ("code runs from a shell", code::runs_from_a_shell),
    ("code is forked from zygotes", code::is_forked_from_zygotes),
    ("no attack from a program leaves the sandbox", escape::from_a_program),
    ("no attack from a block leaves the sandbox", escape::from_a_block),
    ("code in a run reaches what it was allowed", code::reaches_what_it_was_allowed),
    ("a restart of api fails no request", restart::of_api_fails_no_request),
    ("an outage of PostgreSQL is survived", outage::of_postgresql_is_survived),
    ("an outage of Temporal delays runs", outage::of_temporal_delays_runs),
    ("a killed worker's runs finish, each effect once", durability::a_killed_workers_runs_finish),
    ("an upgrade under load fails nothing", upgrade::under_load_fails_nothing),
];

const SAMPLE_TESTS: &[Test] = &[
    ("a query of an app over Chinook is what SQL says", samples::an_apps_query_is_what_sql_says),
    ("a workflow over Chinook is what SQL says", samples::a_workflow_is_what_sql_says),
];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let outcome = match words.next().as_deref() {
        None => of_a_container(),
        Some("docs") => of_the_documentation(),
        Some("inside") => qemu::run(&words.collect::<Vec<_>>()).map(|()| true),
        Some("set-up") => qemu::set_up().map(|()| true),
        Some(word) => Err(anyhow::anyhow!("{word}? nothing, `docs`, `inside [TEST...]` or `set-up`")),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn of_a_container() -> Result<bool> {
    let guest = Guest::from_environment()?;
    let mut tests = TESTS.to_vec();
    if guest.samples.is_some() {
        tests.extend(SAMPLE_TESTS);
    }
    let failed = tests.iter().filter(|test| !passes(&guest, test)).count();
    println!("{} passed, {failed} failed", tests.len() - failed);
    Ok(failed == 0)
}

fn of_the_documentation() -> Result<bool> {
    let (passed, failed) = docs::run()?;
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0)
}

/// Runs one test and says how it ended.
fn passes(guest: &Guest, (name, test): &Test) -> bool {
    let started = Instant::now();
    let outcome = test(guest);
    let seconds = started.elapsed().as_secs_f64();
    match &outcome {
        Ok(()) => println!("PASS [{seconds:7.3}s] {name}"),
        Err(error) => println!("FAIL [{seconds:7.3}s] {name}: {error:#}"),
    }
    outcome.is_ok()
}
