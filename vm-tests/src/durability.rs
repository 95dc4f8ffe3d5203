//! A worker is killed while runs are under way; nothing is lost and nothing happens twice.

use std::ops::Range;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::api;
use crate::guest::Guest;

const WORKER: &str = "bulkhead-workflows-worker@1.service";
const RUNS: usize = 20;

/// Twenty runs write a row in three blocks each, with pauses between; kill -9 hits their worker three times on the way.
pub(crate) fn a_killed_workers_runs_finish(guest: &Guest) -> Result<()> {
    release(guest)?;
    let runs = (0..RUNS).map(|number| start(guest, number)).collect::<Result<Vec<_>>>()?;
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(1200));
        guest.run(&["systemctl", "kill", "--signal=KILL", WORKER])?;
    }

    for run in &runs {
        let detail = api::finished_run(guest, run, Duration::from_secs(180))?;
        ensure!(detail["run"]["status"] == "succeeded", "run {run} ended so: {}", detail["run"]);
    }
    each_effect_is_there_once(guest, 0..RUNS)
}

/// Releases the workflow of which a run writes three rows.
pub(crate) fn release(guest: &Guest) -> Result<()> {
    guest.sql(
        "bulkhead_tables",
        "create table if not exists vm_effects (run integer not null, step text not null);
         truncate vm_effects;
         alter table vm_effects owner to \"bulkhead-tables\";",
    )?;
    // Another test may have released it.
    if guest.sql("bulkhead", "select count(*) from workflows where slug = 'vm-effects'")? != "0" {
        return Ok(());
    }
    api::release(guest, "workflows", "vm-effects", &workflow())
}

/// Starts a run of it that writes its number; returns the run's id.
pub(crate) fn start(guest: &Guest, number: usize) -> Result<String> {
    api::start_run(guest, "vm-effects", &json!({ "number": number }))
}

/// No row of any run is there twice.
pub(crate) fn no_effect_is_there_twice(guest: &Guest) -> Result<()> {
    let doubled = "select string_agg(found::text, ', ')
         from (select run, step, count(*) from vm_effects group by run, step having count(*) > 1) as found";
    let doubled = guest.sql("bulkhead_tables", doubled)?;
    ensure!(doubled.is_empty(), "these are there several times: {doubled}");
    Ok(())
}

/// Whether the finished runs of these numbers have written each of their rows, and none twice.
pub(crate) fn each_effect_is_there_once(guest: &Guest, numbers: Range<usize>) -> Result<()> {
    let doubled_or_lost = guest.sql(
        "bulkhead_tables",
        &format!(
            "select string_agg(format('run %s %s: %s times', run, step, times), ', ')
             from (select n as run, step, (select count(*) from vm_effects e where e.run = n and e.step = s.step) as times
                   from generate_series({}, {}) as n, (values ('one'), ('two'), ('three')) as s (step)) as found
             where times <> 1",
            numbers.start,
            numbers.end.saturating_sub(1),
        ),
    )?;
    ensure!(doubled_or_lost.is_empty(), "{doubled_or_lost}");
    Ok(())
}

fn workflow() -> serde_json::Value {
    let insert = |step: &str| {
        json!({
            "type": "query", "resource": "tables", "mode": "write",
            "statement": format!("insert into vm_effects (run, step) values ({{{{ trigger.body.number }}}}, '{step}')"),
        })
    };
    let pause = json!({
        "type": "code", "language": "javascript",
        "source": "await new Promise((resume) => setTimeout(resume, 300)); return trigger.body.number;",
    });
    json!({
        "format": 1, "title": "Effects", "start": "one",
        "blocks": {
            "one": insert("one"), "pauseOne": pause, "two": insert("two"), "pauseTwo": pause, "three": insert("three"),
        },
        "edges": [
            { "from": "one", "to": "pauseOne" },
            { "from": "pauseOne", "to": "two" },
            { "from": "two", "to": "pauseTwo" },
            { "from": "pauseTwo", "to": "three" },
        ],
    })
}
