//! Installing what a machine lacks, by its package manager.

use anyhow::{Result, bail};

use crate::shell::{command, is_root, run_quietly, step, succeeds};

/// What a task needs: a program that shows whether it is there, and the Debian package that brings it.
pub(crate) type Need = (&'static str, &'static str);

/// For building packages.
pub(crate) const PACKAGES: &[Need] = &[
    ("cc", "build-essential"),
    ("dh", "debhelper"),
    ("dpkg-buildpackage", "dpkg-dev"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("python3", "python3"),
    ("pip3", "python3-pip"),
    ("unzip", "unzip"),
];

/// For booting a machine.
pub(crate) const MACHINE: &[Need] = &[
    ("mmdebstrap", "mmdebstrap"),
    ("systemd-nspawn", "systemd-container"),
    ("nsenter", "util-linux"),
    ("curl", "curl"),
];

/// For running the daemons in the foreground.
pub(crate) const DEV: &[Need] =
    &[("/usr/lib/postgresql/*/bin/initdb", "postgresql"), ("curl", "curl"), ("runuser", "util-linux")];

/// For the tests.
pub(crate) const TESTS: &[Need] = &[
    ("/usr/lib/postgresql/*/bin/initdb", "postgresql"),
    ("/usr/sbin/sshd", "openssh-server"),
    ("chromium", "chromium"),
    ("runuser", "util-linux"),
    ("/usr/lib/python3/dist-packages/pandas", "python3-pandas"),
];

/// Installs the packages whose programs are missing.
pub(crate) fn ensure(needs: &[&[Need]]) -> Result<()> {
    let missing: Vec<&str> =
        needs.iter().copied().flatten().filter(|(program, _)| !present(program)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !present("apt-get") {
        bail!(
            "this machine lacks {list} (names as on Debian) and has no apt-get: install them with its package manager, then try again"
        );
    }
    if !is_root() {
        bail!("this machine lacks {list}: run `sudo apt-get install {list}`, or this task as root");
    }
    step(&format!("installing {list}"), || {
        run_quietly(&mut command("apt-get", &["update", "-q"]))?;
        let mut install = command("apt-get", &["install", "-y", "-q", "--no-install-recommends"]);
        run_quietly(install.args(&missing).env("DEBIAN_FRONTEND", "noninteractive"))
    })
}

fn present(program: &str) -> bool {
    succeeds(&mut command("sh", &["-c", &format!("command -v {program} >/dev/null || ls {program} >/dev/null 2>&1")]))
}
