//! Rows M1 to M3: what the appliance takes of a machine while it idles, how long it takes to begin, how large its packages are. Beside goals,
//! not peers: those are installed in other ways.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::machine::Machine;

/// The rows.
pub(crate) const NAMES: [&str; 3] = ["M1", "M2", "M3"];

/// Seconds until what the start began has come to rest.
const REST_S: u64 = 30;
/// Rounds of starting; the fastest counts.
const ROUNDS: usize = 3;

/// One figure, as `bulkhead-bench` reads it.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    row: &'static str,
    metric: String,
    ours: f64,
    reference: f64,
    reference_name: &'static str,
    ratio: f64,
}

fn figure(row: &'static str, metric: impl Into<String>, ours: f64, goal: f64) -> Figure {
    Figure { row, metric: metric.into(), ours, reference: goal, reference_name: "goal", ratio: ours / goal }
}

/// Measures the rows that are wanted, on a machine that is set up and has nothing to do.
pub(crate) fn measure(rows: &[&str], machine: &Machine, packages: &[PathBuf]) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for row in rows {
        eprintln!("measuring {row} ...");
        match *row {
            "M1" => figures.extend(idle(machine)?),
            "M2" => figures.extend(start(machine)?),
            _ => figures.push(size(packages)?),
        }
    }
    Ok(figures)
}

/// M1: resident memory. Pages that processes share count once (PSS), or PostgreSQL's buffers would count for each of its processes.
fn idle(machine: &Machine) -> Result<Vec<Figure>> {
    const EACH: &str = "for process in /proc/[0-9]*; do \
        pss=$(awk '/^Pss:/ { print $2 }' $process/smaps_rollup 2>/dev/null); \
        [ -n \"$pss\" ] && echo \"$(stat -c %U $process) $pss\"; done; true";
    std::thread::sleep(std::time::Duration::from_secs(REST_S));
    let memory = by_user(&machine.output(&["sh", "-c", EACH])?)?;
    let sum = |wanted: fn(&str) -> bool| {
        memory.iter().filter(|(user, _)| wanted(user)).map(|(_, kib)| kib / 1024.0).sum::<f64>()
    };
    let is_temporal = |user: &str| user.starts_with("bulkhead-temporal");
    let ours = sum(|user| user.starts_with("bulkhead-") && !user.starts_with("bulkhead-temporal"));
    let all = ours + sum(is_temporal) + sum(|user| user == "postgres");
    ensure!(ours > 0.0 && all > ours, "no process of Bulkhead, or none of what it needs, was seen");
    Ok(vec![figure("M1", "daemons_mib", ours, 200.0), figure("M1", "all_mib", all, 512.0)])
}

/// Lines `user KIB`.
fn by_user(text: &str) -> Result<Vec<(String, f64)>> {
    let line = |line: &str| {
        let (user, kib) = line.split_once(' ').with_context(|| format!("{line:?} is no user and a number"))?;
        Ok((user.to_owned(), kib.trim().parse().with_context(|| format!("{line:?} is no user and a number"))?))
    };
    text.lines().map(line).collect()
}

/// M2: from nothing to the first healthy answer of api, and of each daemon alone, which its socket starts.
fn start(machine: &Machine) -> Result<Vec<Figure>> {
    const ALL: &str = "systemctl stop bulkhead.target && systemctl stop 'bulkhead-*.socket' 'bulkhead-*.service'; \
        systemctl reset-failed 'bulkhead-*'; began=$(date +%s%N); systemctl --no-block start bulkhead.target; \
        until curl -sf -m 5 -o /dev/null http://127.0.0.1:8080/readyz; do sleep 0.01; done; \
        echo $((($(date +%s%N) - began) / 1000))";
    const ONE: &str = "systemctl stop bulkhead-$0.service && began=$(date +%s%N) && \
        curl -sSf -m 20 -o /dev/null --unix-socket /run/bulkhead/$0-control.sock http://localhost/healthz && \
        echo $((($(date +%s%N) - began) / 1000))";
    let best = |words: &[&str]| -> Result<f64> {
        let mut fastest = f64::MAX;
        for _ in 0..ROUNDS {
            let microseconds: f64 = machine.output(words)?.trim().parse().context("a number of microseconds")?;
            fastest = fastest.min(microseconds);
        }
        Ok(fastest)
    };
    let mut figures = vec![figure("M2", "all_s", best(&["sh", "-c", ALL])? / 1e6, 3.0)];
    for daemon in ["api", "code-executor", "db-connector", "library-builder", "ssh-connector", "workflows-backend"] {
        figures.push(figure("M2", format!("{daemon}_ms"), best(&["sh", "-c", ONE, daemon])? / 1e3, 150.0));
    }
    Ok(figures)
}

/// M3: what is downloaded, without Temporal.
fn size(packages: &[PathBuf]) -> Result<Figure> {
    let is_temporal = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("temporal"));
    let mut bytes = 0;
    for package in packages.iter().filter(|package| !is_temporal(package)) {
        bytes += std::fs::metadata(package).with_context(|| format!("look at {}", package.display()))?.len();
    }
    ensure!(bytes > 0, "there are no packages");
    Ok(figure("M3", "packages_mb", bytes as f64 / 1e6, 60.0))
}

/// Prints them as `bulkhead-bench` does.
pub(crate) fn print(figures: &[Figure]) {
    println!("{:<4} {:<22} {:>12} {:>12} {:>8}  reference", "row", "metric", "ours", "reference", "ratio");
    for Figure { row, metric, ours, reference, reference_name, ratio } in figures {
        println!("{row:<4} {metric:<22} {ours:>12.3} {reference:>12.3} {ratio:>7.2}x  {reference_name}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_count_without_temporal() {
        let folder = tempfile::tempdir().expect("a directory");
        let file = |name: &str, bytes: usize| {
            let path = folder.path().join(name);
            std::fs::write(&path, vec![0; bytes]).expect("written");
            path
        };
        let packages = [file("bulkhead-api_1.deb", 3_000_000), file("bulkhead-temporal_1.deb", 9_000_000)];
        assert_eq!(size(&packages).expect("counted").ours, 3.0);
        assert!(size(&packages[1..]).is_err());
    }

    #[test]
    fn memory_is_told_by_user() {
        assert_eq!(
            by_user("postgres 10\nbulkhead-api 20\n").expect("reads"),
            [("postgres".into(), 10.0), ("bulkhead-api".into(), 20.0)]
        );
        assert!(by_user("nonsense").is_err());
    }
}
