//! Many runs: every source of randomness differs from run to run, and nothing is left behind.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bulkhead_bench::process::ProcessGroup;
use serde_json::json;

use crate::client::{Executor, Language};
use crate::system::Held;

const AT_ONCE: usize = 8;
/// How often it is looked at what is held.
const LOOKS: usize = 10;

/// Every source that a run of JavaScript has, as texts.
const JAVASCRIPT: &str = "const crypto = require('crypto');
return [crypto.randomUUID(), crypto.randomBytes(12).toString('hex'), Math.random(), crypto.webcrypto.getRandomValues(new Uint32Array(4)).join(),
    crypto.generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x, crypto.randomInt(2 ** 47), Math.random()].map(String)";
/// The same of Python.
const PYTHON: &str = "import os, random, secrets, ssl, tempfile, uuid
return [str(x) for x in (os.urandom(12).hex(), random.random(), random.getrandbits(64), secrets.token_hex(12), uuid.uuid4(), uuid.uuid1(),
    ssl.RAND_bytes(12).hex(), next(tempfile._get_candidate_names()), random.SystemRandom().random(), random.randbytes(8).hex())]";

/// Runs `runs` blocks, half in each language.
pub(crate) async fn soak(executor: &Executor, processes: &ProcessGroup, runs: usize) -> Result<()> {
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let begun = Instant::now();
    println!(
        "{:>8} {:>10} {:>8} {:>12} {:>8} {:>7} {:>8}",
        "runs", "processes", "MiB", "descriptors", "cgroups", "mounts", "runs/s"
    );
    let mut looks = Vec::new();
    for _ in 0..LOOKS {
        part(executor, &seen, runs / LOOKS).await?;
        // What was just used is still being taken apart.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let held = Held::by(processes);
        let done = runs / LOOKS * (looks.len() + 1);
        println!(
            "{done:>8} {:>10} {:>8.0} {:>12} {:>8} {:>7} {:>8.0}",
            held.processes,
            held.rss_mib,
            held.descriptors,
            held.cgroups,
            held.mounts,
            done as f64 / begun.elapsed().as_secs_f64()
        );
        looks.push(held);
    }
    judge(&looks)
}

async fn part(executor: &Executor, seen: &Arc<Mutex<HashSet<String>>>, runs: usize) -> Result<()> {
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..AT_ONCE {
        let (executor, seen) = (executor.clone(), Arc::clone(seen));
        workers.spawn(async move {
            for run in 0..runs / AT_ONCE {
                let (language, source) = if (worker + run).is_multiple_of(2) {
                    (Language::Javascript, JAVASCRIPT)
                } else {
                    (Language::Python, PYTHON)
                };
                let value = executor.run(language, source, json!({})).await?;
                let mut seen = seen.lock().expect("nobody panics with it");
                for text in value.as_array().context("no list")? {
                    let text = text.as_str().context("no text")?;
                    ensure!(seen.insert(text.to_owned()), "{language:?} gave {text} twice: a run is not fresh");
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker.context("a worker panicked")??;
    }
    Ok(())
}

/// Nothing may grow from the second look on: the first is while pools still adapt.
fn judge(looks: &[Held]) -> Result<()> {
    let (Some(early), Some(last)) = (looks.get(1), looks.last()) else { return Ok(()) };
    // Copies that are kept ready come and go.
    let slack = 16;
    ensure!(
        last.processes <= early.processes + slack,
        "processes are left: {} after {}",
        last.processes,
        early.processes
    );
    ensure!(last.cgroups <= early.cgroups + slack, "cgroups are left: {} after {}", last.cgroups, early.cgroups);
    ensure!(last.mounts <= early.mounts, "mounts are left: {} after {}", last.mounts, early.mounts);
    ensure!(last.descriptors <= early.descriptors + 12 * slack, "descriptors are left");
    ensure!(
        last.rss_mib <= early.rss_mib * 1.25 + 64.0,
        "memory grew from {:.0} to {:.0} MiB",
        early.rss_mib,
        last.rss_mib
    );
    Ok(())
}
