//! `backup` and `restore`: everything of an instance in one encrypted file, and back.
//!
//! The file is whole or not there: it is written as `FILE.part`, brought to the disk, read again from its first byte to its last, and
//! only then gets its name. A restore reads all of it before it changes anything, gathers what comes beside what is there, and puts
//! it in place at the end.

mod archive;
mod databases;
mod key;
mod place;
mod restore;

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::api::require_root;
use crate::cli::{Backup, BackupCommand, Elsewhere};
use crate::psql::Psql;
use crate::setup::{Names, reach_database, step};

use archive::{Header, Key, Summary, Writer};
use databases::Moment;
use key::WritingKey;

pub(crate) use databases::{Which, has_tables, schema};
pub(crate) use place::{Place, remove};
pub(crate) use restore::run as restore;

/// The end of the name of a file that `--into` writes.
const EXTENSION: &str = ".backup";

/// Runs a `backup` command.
pub(crate) fn run(backup: Backup) -> Result<()> {
    match &backup.command {
        None => save(&backup),
        Some(BackupCommand::Key { file }) => key::make(file),
        Some(BackupCommand::Verify { file, key, json }) => {
            let summary = verify(file, &key::reading(key)?)?;
            if *json {
                println!("{}", serde_json::json!({ "header": summary.header, "parts": summary.manifest.parts }));
            } else {
                println!("{} is whole: {}", file.display(), told(&summary));
            }
            Ok(())
        }
    }
}

fn told(summary: &Summary) -> String {
    let Header { version, schema, created, host, .. } = &summary.header;
    let bytes: u64 = summary.manifest.parts.values().map(|part| part.bytes).sum();
    let parts = summary.manifest.parts.len();
    format!("of {host}, {created}, Bulkhead {version}, schema {schema}, {parts} parts, {} MiB", bytes >> 20)
}

/// Reads all of it and keeps nothing.
fn verify(file: &Path, key: &Key) -> Result<Summary> {
    archive::read(file, key, |_, _| Ok(()))
}

impl Place {
    /// This machine, or what was named instead of it.
    pub(crate) fn of(elsewhere: &Elsewhere) -> Self {
        let names = match elsewhere.databases.as_slice() {
            [main, tables] => Names { main: main.clone(), tables: tables.clone() },
            _ => Names::default(),
        };
        let psql = elsewhere.admin.clone().map_or(Psql::OfThisMachine, Psql::At);
        Self { root: elsewhere.root.clone().unwrap_or_else(|| "/".into()), psql, names }
    }
}

fn save(backup: &Backup) -> Result<()> {
    let place = Place::of(&backup.elsewhere);
    if place.is_machine() {
        require_root("backup")?;
    }
    let key = key::writing(backup, &place.path("etc/bulkhead/backup.recipients"))?;
    let file = target(backup)?;
    ensure!(!file.exists(), "{} is there already: give another name", file.display());
    reach_database(&place.psql)?;
    let part = Part::of(&file);
    let summary = part.write(&place, &key).map_err(|error| match archive::is_full(&error) {
        true => error.context(format!(
            "the disk of {} is full: nothing was written there; make room or name a file elsewhere",
            file.display()
        )),
        false => error,
    })?;
    part.rename(&file)?;
    step(&format!("{} is written and was read again: {}", file.display(), told(&summary)));
    if let (Some(folder), Some(keep)) = (&backup.into, backup.keep) {
        rotate(folder, keep as usize)?;
    }
    Ok(())
}

fn target(backup: &Backup) -> Result<PathBuf> {
    if let Some(file) = &backup.file {
        return Ok(file.clone());
    }
    let folder = backup.into.as_ref().context("neither a file nor a folder is given")?;
    let time = OffsetDateTime::now_utc().format(format_description!("[year][month][day]T[hour][minute][second]Z"))?;
    Ok(folder.join(format!("bulkhead-{time}{EXTENSION}")))
}

/// Deletes all but the newest: their names sort by time.
fn rotate(folder: &Path, keep: usize) -> Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("bulkhead-") && name.ends_with(EXTENSION) {
            files.push(path);
        }
    }
    files.sort();
    for old in files.iter().rev().skip(keep) {
        fs::remove_file(old).with_context(|| format!("delete {}", old.display()))?;
        step(&format!("{} is deleted: {keep} newer ones are kept", old.display()));
    }
    Ok(())
}

/// A file that is not whole yet. It goes when this value does.
struct Part {
    path: PathBuf,
}

impl Part {
    fn of(file: &Path) -> Self {
        Self { path: with_suffix(file, ".part") }
    }

    /// Writes everything and reads it again.
    fn write(&self, place: &Place, key: &WritingKey) -> Result<Summary> {
        let mut options = File::options();
        // One that a killed backup has left is begun anew; a link that somebody has put there is not followed.
        options.read(true).write(true).create(true).truncate(true).mode(0o600).custom_flags(nix::libc::O_NOFOLLOW);
        let file = options.open(&self.path).with_context(|| format!("make {}", self.path.display()))?;
        let again = file.try_clone()?;
        let copy = Copy(with_suffix(&self.path, ".temporal"));
        place::remove(&copy.0)?;
        // Temporal's comes first: what it does not know, the reconciler starts again; the other way round it would wait for runs
        // that nobody has.
        let schema = databases::schema(&place.psql, &place.names)?;
        let created = OffsetDateTime::now_utc().replace_nanosecond(0)?.format(&Rfc3339)?;
        let host = nix::unistd::gethostname()?.to_string_lossy().into_owned();
        let mut writer = Writer::begin(file, &key.write, &Header::new(schema, created, host))?;
        match place.save_temporal(&copy.0, &mut writer)? {
            true => step("Temporal's database"),
            false => step("no database of the bundled Temporal is here"),
        }
        drop(copy);
        let moment = Moment::hold(&place.psql, &place.names)?;
        let credentials = place.save_credentials(&mut writer)?;
        step(&format!("{credentials} credentials"));
        place.save_files(&mut writer)?;
        step("configuration, certificates, libraries");
        moment.save(&place.psql, &place.names, &mut writer)?;
        step("both databases, as they stood at one moment");
        let written = writer.finish()?;
        // From the disk, not from the memory that it was just in.
        nix::fcntl::posix_fadvise(&again, 0, 0, nix::fcntl::PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
        let read = verify(&self.path, &key.verify).context("what was written is not what is read")?;
        ensure!(read.manifest.parts == written.parts, "what was written is not what is read");
        Ok(read)
    }

    fn rename(self, file: &Path) -> Result<()> {
        fs::rename(&self.path, file).with_context(|| format!("name it {}", file.display()))?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all().with_context(|| format!("name it {}", file.display()))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Renamed or never made: nothing to remove.
        let _ = fs::remove_file(&self.path);
    }
}

/// A file that is wanted for a moment.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Refuses what this version does not know.
fn require_known(header: &Header) -> Result<()> {
    let own = env!("CARGO_PKG_VERSION");
    if numbers(&header.version) > numbers(own) {
        bail!("it is of Bulkhead {}, and this is {own}: install {0} or newer, then restore it", header.version);
    }
    Ok(())
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_version_is_not_restored_and_an_older_one_is() {
        let of = |version: &str| {
            let header = Header::new(1, String::new(), String::new());
            require_known(&Header { version: version.to_owned(), ..header })
        };
        for known in ["0.0.9", "0.1.0", "0.1"] {
            assert!(of(known).is_ok(), "{known}");
        }
        for newer in ["0.1.1", "0.10.0", "1.0.0"] {
            let error = of(newer).expect_err("refused").to_string();
            assert!(error.contains(&format!("install {newer}")), "{error}");
        }
    }

    #[test]
    fn the_newest_files_are_kept_and_others_are_left_alone() {
        let folder = tempfile::tempdir().expect("a directory");
        let names = ["bulkhead-20260101T000000Z.backup", "bulkhead-20260102T000000Z.backup", "mine.backup", "x.part"];
        for name in names {
            fs::write(folder.path().join(name), "").expect("written");
        }
        rotate(folder.path(), 1).expect("rotates");
        let left: Vec<bool> = names.iter().map(|name| folder.path().join(name).exists()).collect();
        assert_eq!(left, [false, true, true, true]);
    }
}
