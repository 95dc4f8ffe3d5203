//! `fuzz`: random input, guided by coverage, for what reads the words of user code.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::paths;
use crate::shell::{command, run, run_quietly, step, succeeds};

/// Pinned, as it decides how targets are built.
const CARGO_FUZZ: &str = "0.13.2";
const TARGETS: [&str; 2] = ["channel", "policy"];

/// What to fuzz, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Targets; all when none is named
    #[arg(value_parser = TARGETS)]
    targets: Vec<String>,
    /// Seconds for each
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Runs the targets; what makes one fail is kept below the repository's `fuzz/artifacts`.
pub(crate) fn fuzz(options: &Options) -> Result<()> {
    if !succeeds(&mut command("cargo", &["fuzz", "--version"])) {
        step("installing cargo-fuzz", || {
            run_quietly(&mut command(
                "cargo",
                &["install", "cargo-fuzz", "--locked", "--quiet", "--version", CARGO_FUZZ],
            ))
        })?;
    }
    let folder = paths::repository().join("fuzz");
    let corpora = paths::cache().join("fuzz");
    let named: Vec<&str> = options.targets.iter().map(String::as_str).collect();
    for target in if named.is_empty() { TARGETS.to_vec() } else { named } {
        let corpus: PathBuf = corpora.join(target);
        std::fs::create_dir_all(&corpus).with_context(|| format!("make {}", corpus.display()))?;
        // The code is safe Rust, so no sanitizer is needed, and with none a stable compiler does.
        let mut fuzz = command("cargo", &["fuzz", "run", "--release", "--sanitizer", "none", target]);
        fuzz.env("CARGO_TARGET_DIR", corpora.join("target")).current_dir(&folder);
        fuzz.arg(&corpus).arg(format!("seeds/{target}"));
        run(fuzz.args([
            "--",
            &format!("-max_total_time={}", options.seconds),
            "-max_len=16384",
            "-print_final_stats=1",
        ]))?;
    }
    Ok(())
}
