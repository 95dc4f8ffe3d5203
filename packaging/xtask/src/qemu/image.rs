//! The guest's disk: Debian with its own kernel, put together without a mount and cached by what goes into it.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::shell::{command, run_quietly, step};
use crate::{paths, root};

/// What a root needs to be booted by a kernel of its own.
const PACKAGES: [&str; 3] = ["linux-image-cloud-amd64", "initramfs-tools", "udev"];
/// What runs in the guest before anything of ours is installed: nothing but this, so that the disk serves every test.
const AGENT: &str = include_str!("../../../../vm-tests/guest/guest-agent");
const AGENT_UNIT: &str = include_str!("../../../../vm-tests/guest/guest-agent.service");
const AUTOLOGIN: &str = include_str!("../../../../vm-tests/guest/autologin.conf");
const DISK_SIZE: &str = "6G";

/// A disk that is never written, and what boots it.
pub(super) struct Image {
    pub(super) disk: PathBuf,
    pub(super) kernel: PathBuf,
    pub(super) initrd: PathBuf,
}

/// The image, made on first use.
pub(super) fn image() -> Result<Image> {
    let key = root::key(&PACKAGES, &[AGENT, AGENT_UNIT, AUTOLOGIN, DISK_SIZE].concat());
    let folder = paths::cache().join(format!("guest-{}-{key}", root::SUITE));
    if !folder.exists() {
        step("making the guest's Debian disk (once)", || {
            let partial = folder.with_extension("partial");
            if partial.exists() {
                std::fs::remove_dir_all(&partial)?;
            }
            std::fs::create_dir_all(&partial)?;
            make(&partial)?;
            std::fs::rename(&partial, &folder).context("put the guest's disk in place")
        })?;
    }
    Ok(Image { disk: folder.join("disk.raw"), kernel: folder.join("vmlinuz"), initrd: folder.join("initrd.img") })
}

fn make(folder: &Path) -> Result<()> {
    let tree = folder.join("tree");
    root::make(&tree, &PACKAGES)?;
    for file in ["vmlinuz", "initrd.img"] {
        std::fs::copy(tree.join(file), folder.join(file)).with_context(|| format!("take out {file}"))?;
    }
    add_agent(&tree).context("add the guest's agent")?;
    let mut mke2fs = command("/usr/sbin/mke2fs", &["-q", "-t", "ext4", "-d"]);
    run_quietly(mke2fs.arg(&tree).arg(folder.join("disk.raw")).arg(DISK_SIZE))?;
    std::fs::remove_dir_all(&tree).context("remove the guest's tree")
}

fn add_agent(tree: &Path) -> Result<()> {
    let agent = tree.join("usr/local/sbin/guest-agent");
    std::fs::write(&agent, AGENT)?;
    std::fs::set_permissions(&agent, std::fs::Permissions::from_mode(0o755))?;
    let units = tree.join("etc/systemd/system");
    let unit = "guest-agent.service";
    std::fs::write(units.join(unit), AGENT_UNIT)?;
    for folder in ["multi-user.target.wants", "serial-getty@ttyS0.service.d"] {
        std::fs::create_dir_all(units.join(folder))?;
    }
    symlink(Path::new("..").join(unit), units.join("multi-user.target.wants").join(unit))?;
    std::fs::write(units.join("serial-getty@ttyS0.service.d/autologin.conf"), AUTOLOGIN)?;
    // Empty: the id is made at the boot, yet that is no "first boot", which would enable whatever is installed (PostgreSQL brings
    // a service that archives its log).
    std::fs::write(tree.join("etc/machine-id"), "")?;
    Ok(())
}
