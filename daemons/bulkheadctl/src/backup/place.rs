//! Where an instance's things are on a machine, and how they are read and put back.
//!
//! | what | where |
//! |---|---|
//! | configuration, public keys, TLS | `/etc/bulkhead` |
//! | private keys, tokens | `/etc/credstore.encrypted/bulkhead-*` |
//! | what an administrator has changed of units | `/etc/systemd/system/bulkhead*.d` |
//! | what setup remembers | `/var/lib/bulkhead` |
//! | sets of libraries, and archives for them | `/var/lib/bulkhead-libraries`, `/var/lib/bulkhead-library-bundles` |
//! | Temporal's database | `/var/lib/bulkhead-temporal/temporal.db` |

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use nix::unistd::{Gid, Group, Uid, User};
use zeroize::Zeroizing;

use super::archive::{Attributes, Writer};
use crate::psql::Psql;
use crate::setup::{Names, decrypt_credential, encrypt_credential};

/// Folders that are saved whole, and replaced whole.
pub(super) const TREES: [&str; 4] = ["etc/bulkhead", "var/lib/bulkhead", LIBRARIES, "var/lib/bulkhead-library-bundles"];
const LIBRARIES: &str = "var/lib/bulkhead-libraries";
const CREDENTIALS: &str = "etc/credstore.encrypted";
const UNITS: &str = "etc/systemd/system";
/// Of this folder the one file is saved.
pub(super) const TEMPORAL: &str = "var/lib/bulkhead-temporal";
pub(super) const TEMPORAL_DATABASE: &str = "temporal.db";
/// Whose the file is.
const TEMPORAL_USER: &str = "bulkhead-temporal";
/// Of our names in folders that are others' too.
const PREFIX: &str = "bulkhead-";
/// A set of libraries that is being built.
const UNFINISHED: &str = ".partial";

/// An instance.
pub(crate) struct Place {
    /// What stands for `/`.
    pub(crate) root: PathBuf,
    /// Its PostgreSQL.
    pub(crate) psql: Psql,
    /// Its databases.
    pub(crate) names: Names,
}

impl Place {
    /// Whether this is the machine itself, where systemd runs the daemons and encrypts their credentials.
    pub(crate) fn is_machine(&self) -> bool {
        self.root == Path::new("/")
    }

    /// A path of it.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// Saves the folders, and what was changed of units.
    pub(super) fn save_files(&self, writer: &mut Writer) -> Result<()> {
        for tree in TREES.iter().filter(|tree| self.path(tree).exists()) {
            self.save_tree(tree, writer)?;
        }
        for drop_ins in self.names_in(UNITS, "bulkhead")?.iter().filter(|name| name.ends_with(".d")) {
            self.save_tree(&format!("{UNITS}/{drop_ins}"), writer)?;
        }
        Ok(())
    }

    fn save_tree(&self, below: &str, writer: &mut Writer) -> Result<()> {
        let path = self.path(below);
        // Followed: a certificate may be a link to where another program renews it, which a fresh machine lacks.
        let found = fs::metadata(&path).with_context(|| format!("look at {}", path.display()))?;
        let attributes = attributes(&found);
        if found.is_file() {
            let file = File::open(&path).with_context(|| format!("open {}", path.display()))?;
            return writer.stream(&format!("files/{below}"), found.len(), file, &attributes);
        }
        let is_link = fs::symlink_metadata(&path)?.is_symlink();
        ensure!(found.is_dir() && !is_link, "{} is neither a file nor a folder", path.display());
        writer.directory(&format!("files/{below}"), &attributes)?;
        for name in self.names_in(below, "")? {
            if !(below == LIBRARIES && name.ends_with(UNFINISHED)) {
                self.save_tree(&format!("{below}/{name}"), writer)?;
            }
        }
        Ok(())
    }

    /// The names in a folder that begin with `prefix`, in order; none where there is no folder.
    fn names_in(&self, below: &str, prefix: &str) -> Result<Vec<String>> {
        let path = self.path(below);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(|| format!("list {}", path.display())),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry?.file_name().into_string();
            let name =
                name.map_err(|name| anyhow::anyhow!("{} has the name {name:?}, which is no text", path.display()))?;
            names.extend(Some(name).filter(|name| name.starts_with(prefix)));
        }
        names.sort();
        Ok(names)
    }

    /// The credentials of this machine.
    pub(super) fn credentials(&self) -> Result<Vec<String>> {
        self.names_in(CREDENTIALS, PREFIX)
    }

    /// Saves the credentials: in the clear, since no other machine can open what this one has encrypted.
    pub(super) fn save_credentials(&self, writer: &mut Writer) -> Result<usize> {
        let files = self.credentials()?;
        for file in &files {
            let path = self.path(CREDENTIALS).join(file);
            let secret = match self.is_machine() {
                true => decrypt_credential(&path, credential_name(file)?)?,
                false => fs::read(&path).map(Zeroizing::new).with_context(|| format!("read {}", path.display()))?,
            };
            writer.bytes(&format!("credentials/{file}"), &secret, &Attributes::of_root(0o600))?;
        }
        Ok(files.len())
    }

    /// Puts a credential back, encrypted to this machine.
    pub(crate) fn put_credential(&self, file: &str, secret: &[u8]) -> Result<()> {
        let name = credential_name(file)?;
        ensure!(!file.contains('/'), "a credential has the name {file}");
        let folder = self.path(CREDENTIALS);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let path = folder.join(file);
        let fresh = folder.join(format!(".{file}.restore"));
        remove(&fresh)?;
        if self.is_machine() {
            encrypt_credential(&fresh, name, secret)?;
        } else {
            write(&fresh, &mut &*secret, 0o600)?;
        }
        fs::rename(&fresh, &path).with_context(|| format!("put {} in place", path.display()))
    }

    /// Removes the credentials that a backup does not have.
    pub(super) fn remove_other_credentials(&self, kept: &[String]) -> Result<()> {
        for file in self.credentials()?.iter().filter(|file| !kept.contains(file)) {
            remove(&self.path(CREDENTIALS).join(file))?;
        }
        Ok(())
    }

    /// Saves Temporal's database, if the bundled one has been used here. `copy` is where it is put meanwhile: SQLite makes a consistent
    /// one of a database that is being written.
    pub(super) fn save_temporal(&self, copy: &Path, writer: &mut Writer) -> Result<bool> {
        let path = self.path(TEMPORAL).join(TEMPORAL_DATABASE);
        if !path.exists() {
            return Ok(false);
        }
        let database = rusqlite::Connection::open_with_flags(&path, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE)
            .with_context(|| format!("open {}", path.display()))?;
        database.busy_timeout(std::time::Duration::from_secs(30))?;
        database.execute("VACUUM INTO ?1", [copy.to_str().context("the path is no text")?]).map_err(|error| {
            let full = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
            // The caller tells a full disk by its kind.
            let kind = if full { io::ErrorKind::StorageFull } else { io::ErrorKind::Other };
            anyhow::Error::new(io::Error::new(kind, error)).context("copy Temporal's database")
        })?;
        let attributes = Attributes { mode: 0o600, user: TEMPORAL_USER.to_owned(), group: TEMPORAL_USER.to_owned() };
        let file = File::open(copy)?;
        writer.stream(&format!("temporal/{TEMPORAL_DATABASE}"), file.metadata()?.len(), file, &attributes)?;
        Ok(true)
    }

    /// Puts a file or folder where a restore gathers it: beside the place that it will have.
    pub(super) fn stage(
        &self,
        at: &Path,
        is_directory: bool,
        attributes: &Attributes,
        content: &mut dyn Read,
    ) -> Result<()> {
        if is_directory {
            fs::create_dir_all(at.parent().unwrap_or(Path::new("/")))?;
            // Once more when all is in it, for its mode.
            fs::DirBuilder::new().recursive(true).mode(0o700).create(at)?;
        } else {
            write(at, content, 0o600)?;
        }
        // The tests' machine has no users of its own, nor may everybody give files away.
        if self.is_machine() {
            let (user, group) = owner(attributes)?;
            chown(at, Some(user.as_raw()), Some(group.as_raw()))
                .with_context(|| format!("give {} away", at.display()))?;
        }
        fs::set_permissions(at, fs::Permissions::from_mode(attributes.mode))
            .with_context(|| format!("protect {}", at.display()))
    }
}

/// The name that a credential's file was encrypted for: `bulkhead-api.seal.key` holds `seal.key`.
fn credential_name(file: &str) -> Result<&str> {
    let name = file.strip_prefix(PREFIX).and_then(|rest| rest.split_once('.'));
    Ok(name.with_context(|| format!("{file} is no credential of a daemon"))?.1)
}

fn attributes(found: &fs::Metadata) -> Attributes {
    let user = User::from_uid(Uid::from_raw(found.uid())).ok().flatten();
    let group = Group::from_gid(Gid::from_raw(found.gid())).ok().flatten();
    Attributes {
        mode: found.mode() & 0o777,
        user: user.map_or_else(|| "root".to_owned(), |user| user.name),
        group: group.map_or_else(|| "root".to_owned(), |group| group.name),
    }
}

fn owner(attributes: &Attributes) -> Result<(Uid, Gid)> {
    const FIX: &str = "install the packages that the backed-up machine had";
    let user = User::from_name(&attributes.user)?;
    let user = user.with_context(|| format!("there is no user {}: {FIX}", attributes.user))?;
    let group = Group::from_name(&attributes.group)?;
    let group = group.with_context(|| format!("there is no group {}: {FIX}", attributes.group))?;
    Ok((user.uid, group.gid))
}

fn write(path: &Path, content: &mut dyn Read, mode: u32) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .with_context(|| format!("make {}", path.display()))?;
    io::copy(content, &mut file).with_context(|| format!("write {}", path.display()))?;
    file.sync_all().with_context(|| format!("write {}", path.display()))
}

/// Removes a file or a folder, if it is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => Err(error),
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    removed.with_context(|| format!("remove {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_named_after_its_daemon() {
        assert_eq!(credential_name("bulkhead-workflows-backend.run-token.key").expect("one"), "run-token.key");
        assert!(credential_name("bulkhead-api").is_err() && credential_name("other.key").is_err());
    }
}
