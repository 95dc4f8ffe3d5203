//! The sandboxed half: unpacks archives into a tree, as `bulkhead-library-builder unpack` inside the sandbox.
//!
//! It takes regular files and directories and nothing else, under paths that stay below the tree, with the modes 0644 and 0755.
//! Anything else in an archive refuses the whole build: a library that needs a link or a device is no library. It trusts nothing
//! that it reads, and the daemon trusts nothing that it says: the tree is audited from outside.

use std::cell::Cell;
use std::collections::HashSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use tar::EntryType;

use crate::plan::{ARCHIVES, Form, PLAN, Plan, PlannedArchive, Refusal, Report, TREE, TreeLimits};

/// The first argument that makes this program the sandboxed half.
pub(crate) const ARGUMENT: &str = "unpack";

/// Path components below the tree.
const MAX_DEPTH: usize = 64;
/// Bytes of a path in an archive.
const MAX_PATH_BYTES: usize = 1024;
/// Bytes of one component: what file systems take.
const MAX_NAME_BYTES: usize = 255;
/// What headers and padding may take of a tar file besides its content: a multiple of the content, and as much anyway.
const OVERHEAD_BYTES: u64 = 64 * 1024 * 1024;

/// Unpacks what the plan says, and prints the report.
pub(crate) fn main() -> ExitCode {
    let report = match carry_out(Path::new(ARCHIVES), Path::new(TREE)) {
        Ok(()) => Report::Done,
        Err(refusal) => Report::Refused(refusal),
    };
    let text = serde_json::to_string(&report).unwrap_or_default();
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn carry_out(archives: &Path, tree: &Path) -> Result<(), Refusal> {
    let plan = File::open(archives.join(PLAN)).map_err(Fault::from).and_then(|file| {
        serde_json::from_reader(BufReader::new(file)).map_err(|error| Fault::Archive(error.to_string()))
    });
    let plan: Plan = plan.map_err(|fault| fault.of("the plan"))?;
    let mut tree = Tree::new(tree, plan.limits);
    for archive in &plan.archives {
        tree.unpack(archives, archive).map_err(|fault| fault.of(&archive.package))?;
    }
    Ok(())
}

/// What is wrong with an archive.
#[derive(Debug)]
enum Fault {
    Archive(String),
    Limit(String),
}

impl Fault {
    fn of(self, package: &str) -> Refusal {
        let (limit, message) = match self {
            Self::Archive(message) => (false, message),
            Self::Limit(message) => (true, message),
        };
        Refusal { package: package.to_owned(), limit, message }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Archive(format!("it cannot be unpacked: {error}"))
    }
}

/// The tree that grows, and how much it still may.
struct Tree {
    root: PathBuf,
    limits: TreeLimits,
    bytes_left: u64,
    files_left: u64,
    /// Files of the archive at hand.
    own: HashSet<PathBuf>,
}

impl Tree {
    fn new(root: &Path, limits: TreeLimits) -> Self {
        let (bytes_left, files_left) = (limits.bytes, limits.files);
        Self { root: root.to_owned(), limits, bytes_left, files_left, own: HashSet::new() }
    }

    fn unpack(&mut self, archives: &Path, archive: &PlannedArchive) -> Result<(), Fault> {
        self.own.clear();
        let file = BufReader::new(File::open(archives.join(&archive.file))?);
        match &archive.form {
            Form::Npm { path } => self.tarball(file, path),
            Form::Wheel => self.wheel(file),
        }
    }

    fn tarball(&mut self, file: BufReader<File>, path: &str) -> Result<(), Fault> {
        let exceeded = Rc::new(Cell::new(false));
        let left = self.bytes_left.saturating_mul(2).saturating_add(OVERHEAD_BYTES);
        let bounded = Bounded { inner: MultiGzDecoder::new(file), left, exceeded: Rc::clone(&exceeded) };
        let unpacked = self.entries(&mut tar::Archive::new(bounded), path);
        // The reader's own words are about an early end.
        if exceeded.get() { Err(self.too_large()) } else { unpacked }
    }

    fn entries<R: Read>(&mut self, archive: &mut tar::Archive<R>, path: &str) -> Result<(), Fault> {
        for entry in archive.entries()? {
            let mut entry = entry?;
            self.count_entry()?;
            let name = String::from_utf8(entry.path_bytes().into_owned())
                .map_err(|error| Fault::Archive(format!("a name in it is no text: {error}")))?;
            let kind = entry.header().entry_type();
            let directory = match kind {
                EntryType::Regular => name.ends_with('/'),
                EntryType::Directory => true,
                // What tools that archive git trees put in front.
                EntryType::XGlobalHeader => continue,
                other => return Err(not_a_file(&name, &format!("{other:?}"))),
            };
            let components = components(&name)?;
            // The first one is `package` by custom, whatever it is called.
            let Some(below) = components.get(1..).filter(|below| !below.is_empty() && !directory) else { continue };
            let executable = entry.header().mode()? & 0o111 != 0;
            let target = Path::new(path).join(below.iter().collect::<PathBuf>());
            if !self.write(&target, executable, &mut entry)? {
                return Err(Fault::Archive(format!("another package brings {} too", target.display())));
            }
        }
        Ok(())
    }

    fn wheel(&mut self, file: BufReader<File>) -> Result<(), Fault> {
        let damaged = |error: zip::result::ZipError| Fault::Archive(format!("it is no sound wheel: {error}"));
        let mut archive = zip::ZipArchive::new(file).map_err(damaged)?;
        for index in 0..archive.len() {
            self.count_entry()?;
            let mut entry = archive.by_index(index).map_err(damaged)?;
            let name = entry.name().map_err(damaged)?.into_owned();
            let mode = entry.unix_mode().unwrap_or(0);
            let directory = match mode & 0o170_000 {
                0 | 0o100_000 => name.ends_with('/'),
                0o040_000 => true,
                other => return Err(not_a_file(&name, &format!("file of type {other:o}"))),
            };
            let components = components(&name)?;
            let Some(below) = below_python(&components).filter(|below| !below.is_empty() && !directory) else {
                continue;
            };
            let target = Path::new("python").join(below.iter().collect::<PathBuf>());
            // Packages that share a name space bring the same file: the first one stays.
            self.write(&target, mode & 0o111 != 0, &mut entry)?;
        }
        Ok(())
    }

    fn count_entry(&mut self) -> Result<(), Fault> {
        let most = self.limits.files;
        self.files_left = self.files_left.checked_sub(1).ok_or_else(|| {
            Fault::Limit(format!(
                "the set has more than {most} files; the limit is image-limit-files in \
                 library-builder.toml"
            ))
        })?;
        Ok(())
    }

    fn too_large(&self) -> Fault {
        Fault::Limit(format!(
            "the set takes more than {} bytes; the limit is image-limit-bytes in library-builder.toml",
            self.limits.bytes
        ))
    }

    /// Writes a file below the tree; false if another archive has brought it already.
    fn write(&mut self, target: &Path, executable: bool, content: &mut impl Read) -> Result<bool, Fault> {
        if !self.own.insert(target.to_owned()) {
            return Err(Fault::Archive(format!("it holds {} twice", target.display())));
        }
        let path = self.root.join(target);
        if let Some(parent) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
        }
        let mode = if executable { 0o755 } else { 0o644 };
        let mut file = match OpenOptions::new().write(true).create_new(true).mode(mode).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let mut buffer = [0; 64 * 1024];
        loop {
            let length = content.read(&mut buffer)?;
            if length == 0 {
                return Ok(true);
            }
            self.bytes_left = self.bytes_left.checked_sub(length as u64).ok_or_else(|| self.too_large())?;
            file.write_all(&buffer[..length])?;
        }
    }
}

fn not_a_file(name: &str, kind: &str) -> Fault {
    let name: String = name.chars().take(200).collect();
    Fault::Archive(format!("it holds {name:?}, a {kind}: only files and directories are taken"))
}

/// The components of a path in an archive, if it stays below where it is put.
fn components(name: &str) -> Result<Vec<&str>, Fault> {
    let refused = |why: &str| {
        let name: String = name.chars().take(200).collect();
        Err(Fault::Archive(format!("it holds the path {name:?}, which {why}")))
    };
    if name.starts_with('/') {
        return refused("is absolute");
    }
    if name.len() > MAX_PATH_BYTES || name.split('/').any(|part| part.len() > MAX_NAME_BYTES) {
        return refused("is too long");
    }
    if name.chars().any(|character| character.is_control() || character == '\\') {
        return refused("has a character that paths may not have");
    }
    let components: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if components.contains(&"..") {
        return refused("leads out of its package");
    }
    if components.len() > MAX_DEPTH { refused("is too deep") } else { Ok(components) }
}

/// What a wheel's path is below `python`; `None` for what is not installed. Format: the binary distribution format (PEP 427).
fn below_python<'a, 'b>(components: &'b [&'a str]) -> Option<&'b [&'a str]> {
    match components {
        [first, kind, rest @ ..] if first.ends_with(".data") && first.contains('-') => {
            matches!(*kind, "purelib" | "platlib").then_some(rest)
        }
        all => Some(all),
    }
}

/// A reader that ends, and says so, when more comes out than may.
struct Bounded<R> {
    inner: R,
    left: u64,
    exceeded: Rc<Cell<bool>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        match self.left.checked_sub(length as u64) {
            Some(left) => self.left = left,
            None => {
                self.exceeded.set(true);
                return Ok(0);
            }
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_their_package_are_taken() {
        assert_eq!(components("package/./lib//a.js").expect("fine"), ["package", "lib", "a.js"]);
        let long = "a".repeat(256);
        let deep = "a/".repeat(65);
        for bad in ["/etc/passwd", "package/../../x", "..", "a\\..\\b", "a\0b", "a\nb", &long, &deep] {
            assert!(components(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_wheels_data_directory_is_merged_or_dropped() {
        let below =
            |path: &'static str| below_python(&path.split('/').collect::<Vec<_>>()).map(|parts| parts.join("/"));
        assert_eq!(below("a/b.py").as_deref(), Some("a/b.py"));
        assert_eq!(below("a-1.data/purelib/a/b.py").as_deref(), Some("a/b.py"));
        assert_eq!(below("a-1.data/platlib/c.so").as_deref(), Some("c.so"));
        assert_eq!(below("a-1.data/scripts/run"), None);
        assert_eq!(below("a-1.data/data/etc/x"), None);
    }

    proptest::proptest! {
        #[test]
        fn whatever_path_an_archive_has_stays_below_the_tree(path in "(\\.|\\.\\.|/|[a-z]{1,3}|\\\\|\n|é){0,12}") {
            if let Ok(components) = components(&path) {
                let joined = Path::new("/tree").join(components.iter().collect::<PathBuf>());
                let plain = joined.components().skip(1).all(|part| matches!(part, std::path::Component::Normal(_)));
                proptest::prop_assert!(plain && joined.starts_with("/tree"));
            }
        }
    }
}
