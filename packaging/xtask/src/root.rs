//! Debian's root file system, as the machines have it: made once for each set of packages and never written afterwards.

use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::shell::{command, run_quietly};

/// Which Debian.
pub(crate) const SUITE: &str = "trixie";
/// What every machine's root holds besides the base system.
const PACKAGES: &str = "adduser,ca-certificates,curl,dbus,git,iproute2,libnss-systemd,nftables,nodejs,openssh-client,openssl,postgresql,procps,python3,systemd,systemd-sysv";
/// Manuals and translations double the size of a root and serve no machine.
const EXCLUDED: [&str; 3] = ["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*"];

/// What a machine enables at its first boot of what is installed: nothing. The packages have enabled what they want to run; a first boot
/// would add what they leave to people, such as the archive of PostgreSQL's log.
const PRESET: &str = "disable *\n";

/// A name for the root with these packages besides; `more` is what else goes into it.
pub(crate) fn key(packages: &[&str], more: &str) -> String {
    let digest = Sha256::digest(format!("{SUITE} {} {EXCLUDED:?}{PRESET}{more}", list(packages)));
    hex::encode(digest)[..12].to_owned()
}

/// Makes it in `folder`; what an earlier try has left there goes first.
pub(crate) fn make(folder: &Path, packages: &[&str]) -> Result<()> {
    debian(folder, &list(packages), &EXCLUDED.map(|path| format!("path-exclude={path}")))?;
    prepare(folder)
}

/// Debian with these packages as they come, in `folder`. The options are dpkg's, and stay with the root.
pub(crate) fn debian(folder: &Path, packages: &str, dpkg: &[String]) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    let include = format!("--include={packages}");
    let mut mmdebstrap = command("mmdebstrap", &["--quiet", "--variant=minbase", &include]);
    mmdebstrap.args(dpkg.iter().map(|option| format!("--dpkgopt={option}")));
    run_quietly(mmdebstrap.arg(SUITE).arg(folder))
}

fn list(packages: &[&str]) -> String {
    [&[PACKAGES], packages].concat().join(",")
}

/// What a machine without a network and a person at its keyboard does not need.
fn prepare(root: &Path) -> Result<()> {
    let units = root.join("etc/systemd/system");
    for unit in [
        "systemd-networkd-wait-online.service",
        "apt-daily.timer",
        "apt-daily-upgrade.timer",
        "e2scrub_reap.service",
        "getty@.service",
        "console-getty.service",
        "systemd-firstboot.service",
    ] {
        std::os::unix::fs::symlink("/dev/null", units.join(unit)).with_context(|| format!("mask {unit}"))?;
    }
    let presets = root.join("etc/systemd/system-preset");
    std::fs::create_dir_all(&presets)?;
    std::fs::write(presets.join("00-first-boot.preset"), PRESET)?;
    std::fs::write(root.join("etc/hostname"), "bulkhead\n")?;
    std::fs::write(root.join("etc/machine-id"), "uninitialized\n").context("leave the machine's id to its first boot")
}
