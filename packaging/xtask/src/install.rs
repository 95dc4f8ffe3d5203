//! Installing what a machine lacks, by its package manager.

use anyhow::{Context, Result, bail};

use crate::shell::{command, is_root, output, run_quietly, step, succeeds};

/// What a task needs: a program that shows whether it is there, and the Debian package that brings it.
pub(crate) type Need = (&'static str, &'static str);

/// For building packages.
pub(crate) const PACKAGES: &[Need] = &[
    ("cc", "build-essential"),
    ("dh", "debhelper"),
    ("dpkg-buildpackage", "dpkg-dev"),
    ("pkg-config", "pkg-config"),
    ("/usr/include/sqlite3.h", "libsqlite3-dev"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("python3", "python3"),
    ("pip3", "python3-pip"),
    ("unzip", "unzip"),
];

/// For building rpm packages.
pub(crate) const RPM: &[Need] = &[("rpmbuild", "rpm")];

/// For repositories.
pub(crate) const REPOSITORIES: &[Need] = &[
    ("apt-ftparchive", "apt-utils"),
    ("gpg", "gpg"),
    ("gpg-agent", "gpg-agent"),
    ("createrepo_c", "createrepo-c"),
    ("rpm", "rpm"),
    ("tar", "tar"),
];

/// For looking at packages and repositories.
pub(crate) const PACKAGE_CHECKS: &[Need] = &[("rpmlint", "rpmlint"), ("dnf", "dnf")];
/// For looking into every file of them.
pub(crate) const LINTIAN: &[Need] = &[("lintian", "lintian")];

/// For booting a machine.
pub(crate) const MACHINE: &[Need] = &[
    ("mmdebstrap", "mmdebstrap"),
    ("systemd-nspawn", "systemd-container"),
    ("nsenter", "util-linux"),
    ("curl", "curl"),
];

/// For rolling out to machines.
pub(crate) const ANSIBLE: &[Need] = &[
    ("ssh", "openssh-client"),
    // For what tests have from PyPI.
    ("/usr/lib/python3*/ensurepip", "python3-venv"),
];

/// For booting a guest with a kernel of its own; QEMU itself is [`ensure_qemu`]'s.
pub(crate) const GUEST: &[Need] = &[("mmdebstrap", "mmdebstrap"), ("/usr/sbin/mke2fs", "e2fsprogs"), ("tar", "tar")];

/// For making the disk of a virtual machine.
pub(crate) const IMAGE: &[Need] = &[
    ("mmdebstrap", "mmdebstrap"),
    ("systemd-nspawn", "systemd-container"),
    ("/usr/sbin/sfdisk", "fdisk"),
    ("/usr/sbin/mke2fs", "e2fsprogs"),
    ("/usr/sbin/mkfs.vfat", "dosfstools"),
    ("mcopy", "mtools"),
    ("qemu-img", "qemu-utils"),
];

/// For booting it, by UEFI too.
pub(crate) const IMAGE_TESTS: &[Need] =
    &[("/usr/share/OVMF/OVMF_CODE_4M.fd", "ovmf"), ("ssh", "openssh-client"), ("curl", "curl")];

/// QEMU 7.2, that of Debian 12, panics with the kernel of Debian 13.
const OLDEST_QEMU: u32 = 9;

/// For running the daemons in the foreground.
pub(crate) const DEV: &[Need] =
    &[("/usr/lib/postgresql/*/bin/initdb", "postgresql"), ("curl", "curl"), ("runuser", "util-linux")];

/// For networks of tests.
pub(crate) const NETWORKS: &[Need] = &[("ip", "iproute2")];

/// For the tests.
pub(crate) const TESTS: &[Need] = &[
    ("/usr/lib/postgresql/*/bin/initdb", "postgresql"),
    ("/usr/sbin/sshd", "openssh-server"),
    ("/usr/bin/redis-server", "redis-server"),
    ("/usr/sbin/slapd", "slapd"),
    ("/usr/sbin/nats-server", "nats-server"),
    ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server"),
    // For what tests have from PyPI.
    ("/usr/lib/python3*/ensurepip", "python3-venv"),
    ("/usr/sbin/mariadbd", "mariadb-server"),
    ("chromium", "chromium"),
    ("runuser", "util-linux"),
    ("/usr/lib/python3/dist-packages/pandas", "python3-pandas"),
    ("ip", "iproute2"),
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

/// Installs a QEMU that can boot the guest, unless there is one.
pub(crate) fn ensure_qemu() -> Result<()> {
    if present("qemu-img") && qemu_version().is_some_and(|version| version >= OLDEST_QEMU) {
        return Ok(());
    }
    let bookworm =
        std::fs::read_to_string("/etc/os-release").is_ok_and(|text| text.contains("VERSION_CODENAME=bookworm"));
    let from: &[&str] = if bookworm { &["--target-release", BACKPORTS] } else { &[] };
    let what = ["qemu-system-x86", "qemu-utils"];
    let by_hand = format!(
        "a guest needs QEMU {OLDEST_QEMU} or newer: apt-get install {} (on Debian 12 from {BACKPORTS}: add that to apt's sources)",
        [from, &what].concat().join(" ")
    );
    if !present("apt-get") || !is_root() {
        bail!("{by_hand}");
    }
    step("installing QEMU", || {
        if bookworm {
            add_backports()?;
        }
        run_quietly(&mut command("apt-get", &["update", "-q"]))?;
        let mut install = command("apt-get", &["install", "-y", "-q", "--no-install-recommends"]);
        run_quietly(install.args(from).args(what).env("DEBIAN_FRONTEND", "noninteractive"))
    })
    .context(by_hand)
}

/// Where Debian 12 has newer packages. apt takes none from there unless told to.
const BACKPORTS: &str = "bookworm-backports";

/// Adds the backports to apt's sources, from the mirror that the rest comes from.
fn add_backports() -> Result<()> {
    const FILE: &str = "/etc/apt/sources.list.d/bookworm-backports.sources";
    let sites = |release: &str| {
        output(&mut command("apt-get", &["indextargets", "--format", "$(SITE)", "Created-By: Packages", release]))
    };
    if !sites(&format!("Codename: {BACKPORTS}"))?.trim().is_empty() {
        return Ok(());
    }
    let known = sites("Codename: bookworm")?;
    let site = known.lines().next().context("apt has no source of bookworm")?;
    let source = format!(
        "Types: deb\nURIs: {site}\nSuites: {BACKPORTS}\nComponents: main\n\
         Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    );
    std::fs::write(FILE, source).with_context(|| format!("write {FILE}"))
}

/// The first number of its version.
fn qemu_version() -> Option<u32> {
    let text = output(&mut command("qemu-system-x86_64", &["--version"])).ok()?;
    text.split_once("version ")?.1.split('.').next()?.parse().ok()
}

fn present(program: &str) -> bool {
    succeeds(&mut command("sh", &["-c", &format!("command -v {program} >/dev/null || ls {program} >/dev/null 2>&1")]))
}
