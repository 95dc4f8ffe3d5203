//! `check`: what is wrong with the code without running it.

use anyhow::Result;

use crate::shell::{command, run, run_quietly, step, succeeds};
use crate::{build, install, paths, reference, tidy};

/// The linter of dependencies, pinned: its verdicts change with its version.
const CARGO_DENY: &str = "0.20.2";

/// Runs all linters.
pub(crate) fn check() -> Result<()> {
    install::ensure(&[install::PACKAGES])?;
    let repository = paths::repository();
    let cargo = |arguments: &[&str]| run(command("cargo", arguments).current_dir(&repository));
    step("format", || cargo(&["fmt", "--all", "--check"]))?;
    step("tidy", tidy::tidy)?;
    step("reference", reference::check)?;
    // With the profile of everything else, so that build scripts and what they compile in C are not built twice.
    step("clippy", || {
        cargo(&["clippy", "--release", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"])
    })?;
    step("deny", || {
        if !succeeds(&mut command("cargo", &["deny", "--version"])) {
            cargo(&["install", "cargo-deny", "--locked", "--quiet", "--version", CARGO_DENY])?;
        }
        cargo(&["deny", "--log-level", "error", "check", "bans", "licenses", "sources"])
    })?;
    let web = build::web_sources();
    step("web", || {
        build::npm_install(&web)?;
        run_quietly(command("npm", &["run", "--silent", "typecheck"]).current_dir(&web))?;
        run_quietly(command("npm", &["run", "--silent", "lint"]).current_dir(&web))
    })
}
