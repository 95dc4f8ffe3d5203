//! Code on the running appliance, from a shell.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::api;
use crate::guest::{Guest, wait_until};

const CONNECTOR: &str = "bulkhead-db-connector.service";
const CONNECTOR_CONFIG: &str = "/etc/bulkhead/db-connector.toml";
/// A server for code to fetch from, and its unit.
const ORIGIN: &str = "http://127.0.0.1:8099";
const ORIGIN_UNIT: &str = "vm-tests-origin";

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

/// In a run, code of both languages gets what it was allowed: a secret by its name, and an answer from a listed origin.
pub(crate) fn reaches_what_it_was_allowed(guest: &Guest) -> Result<()> {
    let kept = guest.run(&["cat", CONNECTOR_CONFIG])?;
    let allowed = format!("allow-networks = [\"127.0.0.0/8\"]\nallow-fetch = [\"{ORIGIN}\"]\n{kept}");
    let unit = ["systemd-run", "--quiet", "--collect", "--unit", ORIGIN_UNIT, "-p", "DynamicUser=yes"];
    let server = ["python3", "-m", "http.server", "8099", "--bind", "127.0.0.1", "--directory", "/usr/share/doc"];
    guest.run(&[&unit[..], &server].concat())?;
    let fetches = wait_until("the origin answers", Duration::from_secs(20), || {
        guest.succeeds(&["curl", "-sf", "-o", "/dev/null", ORIGIN])
    })
    .and_then(|()| configure_connector(guest, &allowed))
    .and_then(|()| fetch_with_a_secret(guest));
    configure_connector(guest, &kept)?;
    guest.run(&["systemctl", "stop", ORIGIN_UNIT])?;
    fetches
}

fn configure_connector(guest: &Guest, config: &str) -> Result<()> {
    guest.run_with_input(&["tee", CONNECTOR_CONFIG], format!("{}\n", config.trim_end()).as_bytes())?;
    guest.run(&["systemctl", "restart", CONNECTOR]).map(drop)
}

fn fetch_with_a_secret(guest: &Guest) -> Result<()> {
    const SECRET: &str = "correct horse battery staple";
    let javascript = "const token = await secret('vm_token'); console.log(`it is ${token}`);
        const answer = await fetch(trigger.body.origin); return [token.length, answer.status]";
    let python = "import requests\ntoken = secret('vm_token')\nprint('it is', token)
return [len(token), requests.get(trigger['body']['origin']).status_code]";
    let block = |language: &str, source: &str| json!({ "type": "code", "language": language, "source": source });
    let document = json!({
        "format": 1, "title": "Fetches", "start": "js",
        "blocks": { "js": block("javascript", javascript), "py": block("python", python) },
        "edges": [{ "from": "js", "to": "py" }],
    });
    api::release(guest, "workflows", "vm-fetches", &document)?;
    guest.run_with_input(&["bulkheadctl", "secret", "set", "vm_token"], SECRET.as_bytes())?;
    guest.run(&["bulkheadctl", "secret", "grant", "vm_token", "vm-fetches"])?;

    let detail = api::finished_run(
        guest,
        &api::start_run(guest, "vm-fetches", &json!({ "origin": ORIGIN }))?,
        Duration::from_secs(60),
    )?;

    ensure!(detail["run"]["status"] == "succeeded", "the run ended so: {detail}");
    let got = json!([SECRET.len(), 200]);
    for block in detail["blocks"].as_array().context("blocks")? {
        ensure!(block["result"] == got, "a block got {block}");
    }
    ensure!(!detail.to_string().contains(SECRET), "the secret is in what is shown of the run");
    let elsewhere = api::start_run(guest, "vm-fetches", &json!({ "origin": "http://127.0.0.1:22" }))?;
    let refused = api::finished_run(guest, &elsewhere, Duration::from_secs(60))?["run"]["error"].to_string();
    ensure!(refused.contains("allow-fetch"), "an origin that is not listed gave {refused}");
    Ok(())
}

/// One of code-executor's counters.
pub(crate) fn metric(guest: &Guest, name: &str) -> Result<u64> {
    let socket = "/run/bulkhead/code-executor-control.sock";
    let metrics = guest.run(&["curl", "-sSf", "--unix-socket", socket, "http://localhost/metrics"])?;
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    line.trim().parse().with_context(|| format!("{name} is {line}"))
}
