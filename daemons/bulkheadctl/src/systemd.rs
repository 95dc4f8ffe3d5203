//! Asking systemd.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Whether systemd runs this machine.
pub(crate) fn is_running() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// `systemctl WORDS`; a failure shows what it said.
pub(crate) fn systemctl(words: &[&str]) -> Result<String> {
    let output = Command::new("systemctl").args(words).stdin(Stdio::null()).output().context("start systemctl")?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    bail!("systemctl {} failed: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim())
}

/// Whether the unit's file is installed. An instance is installed when its template is.
pub(crate) fn is_installed(unit: &str) -> bool {
    let file = match unit.split_once('@') {
        Some((name, instance)) => format!("{name}@.{}", instance.rsplit('.').next().unwrap_or_default()),
        None => unit.to_owned(),
    };
    ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"]
        .iter()
        .any(|folder| Path::new(folder).join(&file).exists())
}

/// The unit's `ActiveState`, such as `active`, `failed`, `activating`.
pub(crate) fn active_state(unit: &str) -> Result<String> {
    Ok(systemctl(&["show", "--property=ActiveState", "--value", unit])?.trim().to_owned())
}
