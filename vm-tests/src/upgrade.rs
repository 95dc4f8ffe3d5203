//! An upgrade of all packages under load: sockets stay with systemd, daemons finish what they have begun, runs go on.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::guest::Guest;
use crate::{api, durability, http};

/// Runs that are under way meanwhile, each with three effects.
const RUNS: std::ops::Range<usize> = 0..10;

/// Where the packages lie inside.
const POOL: &str = "/var/tmp/next";

/// The packages of this build are made anew as those of a later version and installed as any upgrade is, while people look at
/// pages, webhooks wait for their answers and runs write.
pub(crate) fn under_load_fails_nothing(guest: &Guest) -> Result<()> {
    let packages = guest.packages.as_deref().context("BULKHEAD_PACKAGES is not set: run `cargo xtask test`")?;
    let before = version(guest)?;
    send(guest, &later_version(packages, &before)?)?;
    durability::release(guest)?;
    let runs = RUNS.map(|number| durability::start(guest, number)).collect::<Result<Vec<_>>>()?;

    let upgrade =
        ["sh", "-c", "DEBIAN_FRONTEND=noninteractive dpkg --install --force-confold \"$1\"/*.deb", "upgrade", POOL];
    under_load(guest, || guest.run(&upgrade).map(drop))?;

    guest.run(&["rm", "-r", POOL])?;
    ensure!(version(guest)? == format!("{before}+next"), "the machine has {}", version(guest)?);
    for run in &runs {
        let detail = api::finished_run(guest, run, Duration::from_secs(120))?;
        ensure!(detail["run"]["status"] == "succeeded", "run {run} ended so: {}", detail["run"]);
    }
    durability::each_effect_is_there_once(guest, RUNS)
}

fn version(guest: &Guest) -> Result<String> {
    guest.run(&["dpkg-query", "--show", "--showformat", "${Version}", "bulkhead-api"])
}

/// Does something while clients ask without a pause, and for a moment before and after. Each of them must be answered.
fn under_load(guest: &Guest, action: impl FnOnce() -> Result<()>) -> Result<()> {
    let page = format!("{}/healthz", guest.url);
    let (pages, hooks, over) = (AtomicU32::new(0), AtomicU32::new(0), AtomicBool::new(false));
    let ask = |count: &AtomicU32, request: &dyn Fn() -> Result<http::Answer>| -> Result<()> {
        while !over.load(Ordering::Relaxed) {
            let answer = request()?;
            ensure!(answer.status == 200, "it answered {}: {}", answer.status, answer.body);
            count.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    let outcomes = std::thread::scope(|scope| {
        let look = || ask(&pages, &|| http::get(&page)).context("a page");
        let call = || ask(&hooks, &|| http::post(&guest.webhook, r#"{"month": "2026-03"}"#)).context("a webhook");
        let clients = [scope.spawn(look), scope.spawn(look), scope.spawn(call), scope.spawn(call)];
        std::thread::sleep(Duration::from_secs(1));
        let done = action();
        std::thread::sleep(Duration::from_secs(1));
        over.store(true, Ordering::Relaxed);
        let ends = clients.map(|client| client.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a client panicked"))));
        done.map(|()| ends)
    })?;
    let counts = (pages.into_inner(), hooks.into_inner());
    let context = || format!("after {} pages and {} webhooks", counts.0, counts.1);
    outcomes.into_iter().collect::<Result<()>>().with_context(context)?;
    ensure!(counts.0 > 50 && counts.1 > 5, "no load: only {} pages and {} webhooks were answered", counts.0, counts.1);
    Ok(())
}

/// The same packages by a version that is later, as one tar archive.
fn later_version(packages: &Path, version: &str) -> Result<Vec<u8>> {
    let script = "set -e
        work=$(mktemp -d)
        trap 'rm -r \"$work\"' EXIT
        mkdir \"$work/next\"
        for package in \"$1\"/*.deb; do
            dpkg-deb --raw-extract \"$package\" \"$work/tree\"
            sed -i -e \"s/^Version: $2$/&+next/\" -e \"s/(= $2)/(= $2+next)/g\" \"$work/tree/DEBIAN/control\"
            dpkg-deb -Zgzip -z1 --root-owner-group --build \"$work/tree\" \"$work/next\" >&2
            rm -r \"$work/tree\"
        done
        tar -C \"$work/next\" -c .";
    let made = Command::new("sh").args(["-c", script, "repack"]).arg(packages).arg(version).output()?;
    ensure!(made.status.success(), "making the later packages: {}", String::from_utf8_lossy(&made.stderr));
    Ok(made.stdout)
}

fn send(guest: &Guest, archive: &[u8]) -> Result<()> {
    let unpack = ["sh", "-c", "rm -rf \"$1\" && mkdir \"$1\" && tar -C \"$1\" -x", "unpack", POOL];
    guest.run_with_input(&unpack, archive).map(drop)
}
