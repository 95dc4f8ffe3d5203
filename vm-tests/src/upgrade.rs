//! An upgrade of all packages under load: sockets stay with systemd, daemons finish what they have begun, runs go on.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::guest::Guest;
use crate::{api, durability, http, load};

/// Runs that are under way meanwhile, each with three effects.
const RUNS: std::ops::Range<usize> = 0..10;

/// Where the packages lie inside.
const POOL: &str = "/var/tmp/newer";

/// The packages of this build as those of a later version are installed as any upgrade is, while people look at pages, webhooks wait for
/// their answers and runs write.
pub(crate) fn under_load_fails_nothing(guest: &Guest) -> Result<()> {
    let newer = guest.newer.as_deref().context("BULKHEAD_NEWER_PACKAGES is not set: run `cargo xtask test`")?;
    send(guest, newer)?;
    durability::release(guest)?;
    let runs = RUNS.map(|number| durability::start(guest, number)).collect::<Result<Vec<_>>>()?;

    let page = format!("{}/healthz", guest.url);
    let (look, call) = (|| http::get(&page), || http::post(&guest.webhook, r#"{"month": "2026-03"}"#));
    let clients: [load::Client<'_>; 4] =
        [("a page", &look), ("a page", &look), ("a webhook", &call), ("a webhook", &call)];
    let install =
        ["sh", "-c", "DEBIAN_FRONTEND=noninteractive dpkg --install --force-confold \"$1\"/*.deb", "upgrade", POOL];
    let answered = load::during(&clients, Duration::from_secs(1), || guest.run(&install).map(drop))?;
    let (pages, hooks) = (answered[0] + answered[1], answered[2] + answered[3]);
    ensure!(pages > 50 && hooks > 5, "no load: only {pages} pages and {hooks} webhooks were answered");

    guest.run(&["rm", "-r", POOL])?;
    let installed = guest.run(&["dpkg-query", "--show", "--showformat", "${Version}", "bulkhead-api"])?;
    let offered = newer.join(format!("bulkhead-api_{installed}_amd64.deb"));
    ensure!(offered.exists(), "the machine has bulkhead-api {installed}, which {} has not", newer.display());
    for run in &runs {
        let detail = api::finished_run(guest, run, Duration::from_secs(120))?;
        ensure!(detail["run"]["status"] == "succeeded", "run {run} ended so: {}", detail["run"]);
    }
    durability::each_effect_is_there_once(guest, RUNS)
}

fn send(guest: &Guest, packages: &Path) -> Result<()> {
    let archive = Command::new("tar").arg("-C").arg(packages).args(["-c", "."]).output()?;
    ensure!(archive.status.success(), "packing {} failed", packages.display());
    let unpack = ["sh", "-c", "rm -rf \"$1\" && mkdir \"$1\" && tar -C \"$1\" -x", "unpack", POOL];
    guest.run_with_input(&unpack, &archive.stdout).map(drop)
}
