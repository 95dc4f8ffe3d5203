//! Code on the running appliance, from a shell.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::guest::Guest;

/// `bulkheadctl code run` prints the result, the log and the error, and its exit code tells which.
pub(crate) fn runs_from_a_shell(guest: &Guest) -> Result<()> {
    for (language, source, wanted) in
        [("javascript", "console.log('hello'); return n * 7", "42"), ("python", "print('hello')\nreturn n * 7", "42")]
    {
        let words = ["bulkheadctl", "code", "run", "--language", language, "--inputs", r#"{"n": 6}"#, "-"];
        let printed = guest.run_with_input(&words, source.as_bytes())?;
        ensure!(printed == wanted, "{language} printed {printed}");
        let events = guest.run_with_input(&[&words[..], &["--json"]].concat(), source.as_bytes())?;
        let events: Vec<Value> =
            events.lines().map(serde_json::from_str).collect::<Result<_, _>>().context("events")?;
        ensure!(events[0]["text"] == "hello" && events[1]["value"] == 42, "{language} said {events:?}");
    }
    let fails = ["bulkheadctl", "code", "run", "--language", "python", "-"];
    let failure = guest.run_with_input(&fails, b"x = 1\nraise ValueError('no')");
    let shown = failure.err().context("code that throws ended well")?.to_string();
    ensure!(shown.contains("line 2") && shown.contains("ValueError: no"), "{shown}");
    Ok(())
}

/// Where the packages are installed, interpreters are forked and none is started for a run.
pub(crate) fn is_forked_from_zygotes(guest: &Guest) -> Result<()> {
    ensure!(metric(guest, "executor_forks_total")? > 2, "nothing was forked");
    ensure!(metric(guest, "executor_cold_starts_total")? == 0, "an interpreter was started for a run");
    Ok(())
}

/// One of code-executor's counters.
pub(crate) fn metric(guest: &Guest, name: &str) -> Result<u64> {
    let socket = "/run/bulkhead/code-executor-control.sock";
    let metrics = guest.run(&["curl", "-sSf", "--unix-socket", socket, "http://localhost/metrics"])?;
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    line.trim().parse().with_context(|| format!("{name} is {line}"))
}
