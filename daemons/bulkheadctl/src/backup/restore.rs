//! `restore`: reads all of a backup first, gathers it beside what is there, then puts it in place.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::archive::{self, Attributes, Entry};
use super::databases::{ROLES, Restoring, Which, is_empty};
use super::place::{Place, TEMPORAL, TEMPORAL_DATABASE, TREES, remove};
use super::{key, require_known, told, verify, with_suffix};
use crate::api::require_root;
use crate::cli::Restore;
use crate::daemons::{DAEMONS, TARGET};
use crate::setup::{reach_database, start_services, step, stop_services};
use crate::systemd;

/// The end of the name of what is gathered, and of what it replaces.
const FRESH: &str = ".restore";
const OLD: &str = ".before-restore";
/// Drop-ins of units: what an administrator has changed.
const UNITS: &str = "etc/systemd/system/";

/// Runs `restore`.
pub(crate) async fn run(restore: &Restore) -> Result<()> {
    let place = Place::of(&restore.elsewhere);
    if place.is_machine() {
        require_root("restore")?;
    }
    let key = key::reading(&restore.key)?;
    let summary = verify(&restore.file, &key)?;
    step(&format!("{} is whole: {}", restore.file.display(), told(&summary)));
    require_known(&summary.header)?;
    reach_database(&place.psql)?;
    require_room(&place, restore.replace)?;
    let mut gathering = Gathering::begin(&place)?;
    let gathered = archive::read(&restore.file, &key, |_, entry| gathering.take(entry));
    if let Err(error) = gathered.map(drop).and_then(|()| gathering.finish()) {
        gathering.give_up()?;
        return Err(error.context("nothing was changed"));
    }
    if place.is_machine() {
        stop_services()?;
    }
    gathering.take_place()?;
    step("databases, configuration, keys and libraries are as they were");
    if place.is_machine() {
        let all: Vec<&str> = DAEMONS.iter().map(|daemon| daemon.name).collect();
        start_services(&all).await?;
    }
    Ok(())
}

/// What runs or is filled is restored over only when that was asked for.
fn require_room(place: &Place, replace: bool) -> Result<()> {
    const FIX: &str = "`restore --replace` stops it and puts the backup in its place: what it holds is lost";
    if replace {
        return Ok(());
    }
    if place.is_machine() && systemd::is_running() {
        let services = DAEMONS.iter().map(|daemon| daemon.service).chain([TARGET]);
        for unit in services.filter(|unit| systemd::is_installed(unit)) {
            ensure!(systemd::active_state(unit)? != "active", "{unit} is running here: {FIX}");
        }
    }
    ensure!(place.credentials()?.is_empty(), "an instance is set up here (it has keys): {FIX}");
    ensure!(is_empty(&place.psql, &place.names)?, "an instance is here (its databases are not empty): {FIX}");
    Ok(())
}

/// What has come so far.
struct Gathering<'a> {
    place: &'a Place,
    databases: Restoring<'a>,
    /// The folders that are replaced whole, as they are called.
    folders: BTreeSet<String>,
    credentials: Vec<(String, zeroize::Zeroizing<Vec<u8>>)>,
    /// Folders get their mode when all is in them.
    modes: Vec<(PathBuf, Attributes)>,
}

impl<'a> Gathering<'a> {
    fn begin(place: &'a Place) -> Result<Self> {
        let databases = Restoring::begin(&place.psql, &place.names)?;
        let gathering = Self { place, databases, folders: BTreeSet::new(), credentials: Vec::new(), modes: Vec::new() };
        for folder in TREES.into_iter().chain([TEMPORAL]) {
            // What a killed restore has left.
            remove(&gathering.fresh(folder))?;
        }
        Ok(gathering)
    }

    /// Where a folder is gathered.
    fn fresh(&self, folder: &str) -> PathBuf {
        with_suffix(&self.place.path(folder), FRESH)
    }

    fn take(&mut self, mut entry: Entry<'_>) -> Result<()> {
        let name = entry.name.clone();
        if name == ROLES {
            return self.databases.roles(&entry.read()?);
        }
        if let Some(which) = Which::ALL.into_iter().find(|which| below(&name, which.prefix()).is_some()) {
            return self.databases.feed(which, entry.content);
        }
        if let Some(file) = below(&name, "credentials") {
            let secret = zeroize::Zeroizing::new(entry.read()?);
            self.credentials.push((file.to_owned(), secret));
            return Ok(());
        }
        if below(&name, "temporal") == Some(TEMPORAL_DATABASE) {
            let folder = Attributes { mode: 0o700, ..entry.attributes.clone() };
            self.folder(TEMPORAL, "", &folder)?;
            let at = self.fresh(TEMPORAL).join(TEMPORAL_DATABASE);
            return self.place.stage(&at, false, &entry.attributes, entry.content);
        }
        let Some(path) = below(&name, "files") else { bail!("this version does not know what {name} is") };
        let (folder, rest) = split(path).with_context(|| format!("{name} belongs nowhere"))?;
        if entry.is_directory {
            return self.folder(folder, rest, &entry.attributes);
        }
        let at = self.fresh(folder).join(rest);
        self.place.stage(&at, false, &entry.attributes, entry.content).with_context(|| format!("restore {name}"))
    }

    /// Begins a folder. It is open to root alone until all is in it.
    fn folder(&mut self, folder: &str, rest: &str, attributes: &Attributes) -> Result<()> {
        if self.folders.insert(folder.to_owned()) {
            remove(&self.fresh(folder))?;
        }
        let at = self.fresh(folder).join(rest);
        let closed = Attributes { mode: 0o700, ..attributes.clone() };
        self.place.stage(&at, true, &closed, &mut std::io::empty())?;
        self.modes.push((at, attributes.clone()));
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.databases.finish()?;
        for (at, attributes) in self.modes.drain(..).rev() {
            self.place.stage(&at, true, &attributes, &mut std::io::empty())?;
        }
        self.keep_newer_defaults()
    }

    /// A newer version's package has brought files that the backup does not know.
    fn keep_newer_defaults(&self) -> Result<()> {
        const CONFIGURATION: &str = "etc/bulkhead";
        let (fresh, here) = (self.fresh(CONFIGURATION), self.place.path(CONFIGURATION));
        if !self.folders.contains(CONFIGURATION) || !here.exists() {
            return Ok(());
        }
        for entry in fs::read_dir(&here).with_context(|| format!("list {}", here.display()))? {
            let entry = entry?;
            let is_default = entry.file_type()?.is_file() && entry.path().extension().is_some_and(|end| end == "toml");
            if is_default && !fresh.join(entry.file_name()).exists() {
                fs::copy(entry.path(), fresh.join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    fn take_place(self) -> Result<()> {
        self.databases.take_place()?;
        let mut kept = Vec::new();
        for (file, secret) in &self.credentials {
            self.place.put_credential(file, secret)?;
            kept.push(file.clone());
        }
        self.place.remove_other_credentials(&kept)?;
        for folder in &self.folders {
            replace(&self.place.path(folder))?;
        }
        Ok(())
    }

    fn give_up(self) -> Result<()> {
        for folder in &self.folders {
            remove(&self.fresh(folder))?;
        }
        self.databases.give_up()
    }
}

/// Puts what was gathered for `path` there.
fn replace(path: &Path) -> Result<()> {
    let (fresh, old) = (with_suffix(path, FRESH), with_suffix(path, OLD));
    remove(&old)?;
    if path.exists() {
        fs::rename(path, &old).with_context(|| format!("put {} aside", path.display()))?;
    }
    fs::rename(&fresh, path).with_context(|| format!("put {} in place", path.display()))?;
    remove(&old)
}

/// What stands behind `folder/`.
fn below<'n>(name: &'n str, folder: &str) -> Option<&'n str> {
    name.strip_prefix(folder)?.strip_prefix('/')
}

/// The folder that is replaced whole, and the rest of the path.
fn split(path: &str) -> Option<(&str, &str)> {
    if let Some(tree) = TREES.into_iter().find(|tree| path == *tree || below(path, tree).is_some()) {
        return Some((tree, below(path, tree).unwrap_or_default()));
    }
    let unit = path.strip_prefix(UNITS).filter(|unit| unit.starts_with("bulkhead"))?;
    let end = unit.find('/').unwrap_or(unit.len());
    unit[..end].ends_with(".d").then(|| (&path[..UNITS.len() + end], unit[end..].trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_put_where_bulkhead_has_nothing() {
        assert_eq!(split("etc/bulkhead/tls/api.crt"), Some(("etc/bulkhead", "tls/api.crt")));
        let drop_in = "etc/systemd/system/bulkhead-api.service.d";
        assert_eq!(split(&format!("{drop_in}/override.conf")), Some((drop_in, "override.conf")));
        assert_eq!(split(drop_in), Some((drop_in, "")));
        for elsewhere in [
            "etc/passwd",
            "etc/bulkhead2/x",
            "etc/systemd/system/ssh.service.d/x",
            "etc/systemd/system/bulkhead-x.service",
        ] {
            assert_eq!(split(elsewhere), None, "{elsewhere}");
        }
    }
}
