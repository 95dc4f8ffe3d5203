//! What a move has begun, on the disk: a move that was killed is ended or put away by the next call.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

const FILE: &str = "var/lib/bulkhead/setup/database-move.json";

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Phase {
    /// This machine's databases are the ones that count.
    Copying,
    /// The server's are.
    Switching,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// The server, as messages name it.
    pub(super) to: String,
    /// What moves: `main`, `tables`, `both`.
    pub(super) database: String,
    pub(super) phase: Phase,
    /// Roles that were made on the server.
    pub(super) made: Vec<String>,
    /// How many sessions the databases here may have, by name.
    pub(super) limits: Vec<(String, i32)>,
}

fn path(root: &Path) -> PathBuf {
    root.join(FILE)
}

impl State {
    pub(super) fn read(root: &Path) -> Result<Option<Self>> {
        let path = path(root);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).with_context(|| format!("read {}", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
        }
    }

    /// On the disk before what it speaks of is begun.
    pub(super) fn write(&self, root: &Path) -> Result<()> {
        put(&path(root), &serde_json::to_vec_pretty(self)?, 0o600)
    }

    pub(super) fn remove(root: &Path) -> Result<()> {
        crate::backup::remove(&path(root))
    }
}

/// Writes a file that is whole or not there, whatever happens meanwhile.
pub(super) fn put(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let written = (|| {
        let folder_mode = if mode == 0o600 { 0o700 } else { 0o755 };
        if !folder.exists() {
            fs::DirBuilder::new().recursive(true).mode(folder_mode).create(folder)?;
            fs::set_permissions(folder, PermissionsExt::from_mode(folder_mode))?;
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let fresh = path.with_file_name(name);
        crate::backup::remove(&fresh).map_err(std::io::Error::other)?;
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(content)?;
        // Whatever the umask is, as above.
        file.set_permissions(PermissionsExt::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        File::open(folder)?.sync_all()
    })();
    written.with_context(|| format!("write {}", path.display()))
}
