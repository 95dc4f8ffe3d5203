//! The commands that the pages of `docs` show, run as they stand there on a machine where nothing is installed yet.
//!
//! The pages are one story in the order of [`PAGES`]: packages are installed, the instance set up, used, looked after, backed up, restored and
//! taken away. Each block is a shell of its own in the same folder, which ends at the first command that fails.

pub(crate) mod page;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::guest::Guest;
use page::Block;

/// The pages with commands that are run, in the order in which somebody needs them.
pub(crate) const PAGES: &[&str] = &[
    "docs/admin/install.md",
    "docs/admin/set-up.md",
    "docs/guide/README.md",
    "docs/guide/first-app.md",
    "docs/guide/queries.md",
    "docs/guide/workflows.md",
    "docs/guide/releasing.md",
    "docs/guide/debugging.md",
    "docs/operations.md",
    "docs/networks.md",
    "docs/admin/scale.md",
    "docs/admin/monitor.md",
    "docs/admin/harden.md",
    "docs/admin/troubleshoot.md",
    "docs/backup.md",
    "docs/admin/upgrade.md",
    "docs/admin/uninstall.md",
];

/// Where the commands run, with the packages and the bundle in it. xtask makes it.
const FOLDER: &str = "/root/bulkhead";
/// What a page may take for granted: `sudo`, which root does without and this machine does not have.
const PRELUDE: &str = "sudo() { while [[ ${1-} == *=* ]]; do export \"$1\"; shift; done; \"$@\"; }";
/// Seconds that a block may take.
const LIMIT_S: &str = "300";

/// Runs all pages; how many passed and failed. What follows a page that failed is tried all the same: it says more than silence.
pub(crate) fn run() -> Result<(usize, usize)> {
    let repository = PathBuf::from(crate::guest::value("BULKHEAD_REPOSITORY")?);
    let guest = Guest::bare()?;
    let mut failed = 0;
    for name in PAGES {
        let started = std::time::Instant::now();
        let outcome = page(&repository.join(name), &guest);
        let seconds = started.elapsed().as_secs_f64();
        match outcome {
            Ok(blocks) => println!("PASS [{seconds:7.3}s] {name}: {blocks} blocks"),
            Err(error) => {
                failed += 1;
                println!("FAIL [{seconds:7.3}s] {name}: {error:#}");
            }
        }
    }
    Ok((PAGES.len() - failed, failed))
}

fn page(path: &Path, guest: &Guest) -> Result<usize> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let blocks = page::blocks(&text)?;
    for block in &blocks {
        run_block(block, guest).with_context(|| format!("line {}", block.line))?;
    }
    Ok(blocks.len())
}

fn run_block(block: &Block, guest: &Guest) -> Result<()> {
    let script = format!("{PRELUDE}\ncd {FOLDER}\n{}", block.script);
    let output = guest.output(&["timeout", LIMIT_S, "bash", "-euo", "pipefail", "-c", &script], b"")?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "it ended with {}:\n{out}{err}", output.status);
    if let Some(wanted) = &block.output {
        ensure!(page::is_printed(&out, wanted), "it printed\n{out}\nand the page says\n{wanted}");
    }
    Ok(())
}
