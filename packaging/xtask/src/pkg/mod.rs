//! `pkg`: packages for Debian and EL, signed repositories of them, and the bundle that brings both to a machine without a network.

mod check;
mod list;
pub(crate) mod repository;
mod rpm;

pub(crate) use check::quick;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::deb;
use crate::test::Counts;

/// What to build.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What kind
    kind: Kind,
    /// Package the programs that are built already in this folder
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// For `repo`: the secret key to sign with, as `gpg --armor --export-secret-keys` writes it, without a passphrase. Without it one is made,
    /// for tests
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// For `repo`: the folder to write; what is there is replaced
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Debian packages
    Deb,
    /// rpm packages
    Rpm,
    /// Both, in signed repositories of apt and dnf, and all of it in one file for machines without a network
    Repo,
    /// Build all of these and look for faults in them
    Check,
}

/// The file that installs on a machine without a network, signed by a key that is made for it.
pub(crate) fn bundle(programs: Option<&Path>) -> Result<PathBuf> {
    Ok(repository::build(programs, None, None)?.bundle)
}

/// Builds it and prints where it is.
pub(crate) fn run(options: &Options) -> Result<()> {
    let programs = options.programs.as_deref();
    let built = match options.kind {
        Kind::Deb => deb::build_from(programs)?,
        Kind::Rpm => rpm::build(programs)?,
        Kind::Repo => {
            let built = repository::build(programs, options.key.as_deref(), options.output.as_deref())?;
            vec![built.folder, built.bundle]
        }
        Kind::Check => {
            let mut counts = Counts::default();
            check::check(programs, &mut counts)?;
            println!("{} passed, {} failed", counts.passed, counts.failed);
            anyhow::ensure!(counts.failed == 0, "some checks failed");
            return Ok(());
        }
    };
    built.iter().for_each(|path| println!("{}", path.display()));
    Ok(())
}
