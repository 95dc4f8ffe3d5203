//! Files that appear whole, whatever happens to the power, and never with wider rights than they end with.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use nix::unistd::{Group, Uid};

/// More than any certificate or request, in bytes.
const MAX_BYTES: u64 = 256 * 1024;

/// The content of a file that should be PEM.
pub(crate) fn text(path: &Path) -> Result<String> {
    let bytes = fs::metadata(path).with_context(|| format!("read {}", path.display()))?.len();
    ensure!(bytes <= MAX_BYTES, "{} is larger than any certificate: {bytes} bytes", path.display());
    fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

/// Makes a folder that is not there. Those above it are for everybody to go through: daemons find their certificates there.
pub(crate) fn folder(path: &Path, mode: u32) -> Result<()> {
    let make = |path: &Path, mode| {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(mode).create(path).with_context(|| format!("make {}", path.display()))
    };
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        make(above, 0o755)?;
    }
    make(path, mode)
}

/// Puts a file in place of what was there, in one step: a daemon that reads it again just now finds the old or the new one.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let part = path.with_extension("part");
    // Left by one that was interrupted.
    let _ = fs::remove_file(&part);
    let written = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&part)?;
        file.write_all(bytes)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    written().with_context(|| format!("write {}", path.display()))
}

/// Lets the group of a daemon read its key, where the daemon is installed.
pub(crate) fn show_to(path: &Path, unit: &str) -> Result<()> {
    if !Uid::effective().is_root() {
        return Ok(());
    }
    let Some(group) = Group::from_name(unit)? else { return Ok(()) };
    let shown = || -> std::io::Result<()> {
        chown(path, None, Some(group.gid.as_raw()))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o640))
    };
    shown().with_context(|| format!("give {} to {unit}", path.display()))
}
