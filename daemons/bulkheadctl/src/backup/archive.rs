//! The file: a tar in zstd in [age](https://age-encryption.org/v1), so that `age -d FILE | zstd -d | tar x` opens it where no
//! Bulkhead is left. Its first entry says what it is, its last one the length and SHA-256 of every other.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::path::Path;

use age::secrecy::SecretString;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tar::EntryType;

/// The layout of the archive; a newer one is refused.
const FORMAT: u32 = 1;
const HEADER: &str = "backup.json";
const MANIFEST: &str = "manifest.json";
/// What is kept in memory of one entry at most: the header, the manifest, lists of roles.
const SMALL_BYTES_MAX: u64 = 64 << 20;
/// What is of no known length, such as a dump, is cut into entries of this many bytes.
const CHUNK_BYTES: usize = 4 << 20;

/// How hard a passphrase is to try, as a power of two: that of the program `age`. What the crate measures by itself is less on a busy machine.
const WORK_FACTOR: u8 = 18;
/// Harder ones than this would take minutes and gigabytes.
const WORK_FACTOR_MAX: u8 = 22;

/// For whom a backup is written, or with what one is read.
pub(crate) enum Key {
    /// Public keys (`age1...`); whoever has one of the private halves can read it.
    Recipients(Vec<age::x25519::Recipient>),
    /// A passphrase.
    Passphrase(SecretString),
    /// Private keys.
    Identities(Vec<age::x25519::Identity>),
}

/// What a backup is: its first entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Layout of the archive.
    pub(crate) format: u32,
    /// Of Bulkhead.
    pub(crate) version: String,
    /// Of the database.
    pub(crate) schema: i32,
    /// RFC 3339, UTC.
    pub(crate) created: String,
    /// The machine that it is of.
    pub(crate) host: String,
}

impl Header {
    /// Of this version of Bulkhead.
    pub(crate) fn new(schema: i32, created: String, host: String) -> Self {
        Self { format: FORMAT, version: env!("CARGO_PKG_VERSION").to_owned(), schema, created, host }
    }
}

/// What is known of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Its length.
    pub(crate) bytes: u64,
    /// In hexadecimal.
    pub(crate) sha256: String,
}

/// The last entry.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// By the entry's name.
    pub(crate) parts: BTreeMap<String, Part>,
}

/// How a file is found again on the disk.
#[derive(Clone, Debug)]
pub(crate) struct Attributes {
    pub(crate) mode: u32,
    pub(crate) user: String,
    pub(crate) group: String,
}

impl Attributes {
    /// What only root may read.
    pub(crate) fn of_root(mode: u32) -> Self {
        Self { mode, user: "root".into(), group: "root".into() }
    }
}

type Encrypted = age::stream::StreamWriter<BufWriter<File>>;

/// Writes an archive.
pub(crate) struct Writer {
    tar: tar::Builder<zstd::Encoder<'static, Encrypted>>,
    manifest: Manifest,
}

impl Writer {
    /// Begins one in an empty file.
    pub(crate) fn begin(file: File, key: &Key, header: &Header) -> Result<Self> {
        let encryptor = match key {
            Key::Passphrase(passphrase) => {
                let mut recipient = age::scrypt::Recipient::new(passphrase.clone());
                recipient.set_work_factor(WORK_FACTOR);
                let recipient: &dyn age::Recipient = &recipient;
                age::Encryptor::with_recipients(std::iter::once(recipient)).context("encrypt by a passphrase")?
            }
            Key::Recipients(recipients) => {
                age::Encryptor::with_recipients(recipients.iter().map(|recipient| recipient as &dyn age::Recipient))
                    .context("encrypt for these keys")?
            }
            Key::Identities(_) => bail!("a private key reads backups; give the public one (age1...) to write one"),
        };
        let encrypted = encryptor.wrap_output(BufWriter::with_capacity(1 << 20, file))?;
        let mut writer =
            Self { tar: tar::Builder::new(zstd::Encoder::new(encrypted, 3)?), manifest: Manifest::default() };
        writer.bytes(HEADER, &serde_json::to_vec_pretty(header)?, &Attributes::of_root(0o600))?;
        Ok(writer)
    }

    /// Adds an entry that is in memory.
    pub(crate) fn bytes(&mut self, name: &str, content: &[u8], attributes: &Attributes) -> Result<()> {
        self.stream(name, content.len() as u64, content, attributes)
    }

    /// Adds an entry of a known length.
    pub(crate) fn stream(&mut self, name: &str, bytes: u64, content: impl Read, attributes: &Attributes) -> Result<()> {
        let mut hashing = Hashing::new(content.take(bytes));
        let mut header = tar_header(EntryType::Regular, bytes, attributes)?;
        self.tar.append_data(&mut header, name, &mut hashing).with_context(|| format!("write {name}"))?;
        let part = hashing.part();
        ensure!(part.bytes == bytes, "{name} became shorter while it was read: try again");
        ensure!(self.manifest.parts.insert(name.to_owned(), part).is_none(), "{name} is written twice");
        Ok(())
    }

    /// Adds a directory.
    pub(crate) fn directory(&mut self, name: &str, attributes: &Attributes) -> Result<()> {
        let mut header = tar_header(EntryType::Directory, 0, attributes)?;
        self.tar.append_data(&mut header, name, io::empty()).with_context(|| format!("write {name}"))
    }

    /// Adds what ends when it ends, as entries `name/000000` and so on. Returns its length.
    pub(crate) fn chunks(&mut self, name: &str, mut content: impl Read) -> Result<u64> {
        let (mut buffer, mut total) = (Vec::with_capacity(CHUNK_BYTES), 0);
        for number in 0.. {
            buffer.clear();
            content
                .by_ref()
                .take(CHUNK_BYTES as u64)
                .read_to_end(&mut buffer)
                .with_context(|| format!("read {name}"))?;
            if buffer.is_empty() {
                break;
            }
            self.bytes(&format!("{name}/{number:06}"), &buffer, &Attributes::of_root(0o600))?;
            total += buffer.len() as u64;
        }
        Ok(total)
    }

    /// Adds the manifest and brings everything to the disk.
    pub(crate) fn finish(mut self) -> Result<Manifest> {
        let content = serde_json::to_vec_pretty(&self.manifest)?;
        let mut header = tar_header(EntryType::Regular, content.len() as u64, &Attributes::of_root(0o600))?;
        self.tar.append_data(&mut header, MANIFEST, content.as_slice()).context("write the manifest")?;
        let file = self.tar.into_inner()?.finish()?.finish()?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all().context("bring it to the disk")?;
        Ok(self.manifest)
    }
}

fn tar_header(kind: EntryType, bytes: u64, attributes: &Attributes) -> Result<tar::Header> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(bytes);
    header.set_mode(attributes.mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_username(&attributes.user)?;
    header.set_groupname(&attributes.group)?;
    Ok(header)
}

/// One entry, as it is handed on.
pub(crate) struct Entry<'a> {
    /// Its name; made of plain parts only.
    pub(crate) name: String,
    /// Whether it is a directory.
    pub(crate) is_directory: bool,
    /// How it is to lie on the disk.
    pub(crate) attributes: Attributes,
    /// What is in it.
    pub(crate) content: &'a mut dyn Read,
}

impl Entry<'_> {
    /// All of it, if it is small.
    pub(crate) fn read(&mut self) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        let name = &self.name;
        self.content.take(SMALL_BYTES_MAX + 1).read_to_end(&mut content).with_context(|| format!("read {name}"))?;
        ensure!(content.len() as u64 <= SMALL_BYTES_MAX, "{name} has more than {SMALL_BYTES_MAX} bytes");
        Ok(content)
    }
}

/// What a whole archive was found to be.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) header: Header,
    pub(crate) manifest: Manifest,
}

/// Reads a whole archive, gives each entry but the first and the last to `each`, and checks all of it. Only when this returns is
/// it sure that nothing was missing or changed.
pub(crate) fn read(path: &Path, key: &Key, mut each: impl FnMut(&Header, Entry<'_>) -> Result<()>) -> Result<Summary> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let mut plain = zstd::Decoder::new(decrypted(file, key)?).context("begin to unpack")?;
    let (mut header, mut manifest, mut found) = (None, None, Manifest::default());
    let mut archive = tar::Archive::new(&mut plain);
    for entry in archive.entries().context("read the archive")? {
        let mut entry = entry.context("read the archive")?;
        ensure!(manifest.is_none(), "the archive goes on behind its manifest");
        let name = name_of(&entry)?;
        let is_directory = entry.header().entry_type().is_dir();
        ensure!(is_directory || entry.header().entry_type().is_file(), "{name} is neither a file nor a directory");
        let attributes = attributes_of(&entry)?;
        let mut content = Hashing::new(&mut entry);
        let mut given = Entry { name: name.clone(), is_directory, attributes, content: &mut content };
        match (&header, name.as_str()) {
            (None, HEADER) => header = Some(parse_header(&given.read()?)?),
            (None, _) => bail!("this is no backup of Bulkhead: its first entry is {name}"),
            (Some(_), MANIFEST) => {
                manifest = Some(serde_json::from_slice::<Manifest>(&given.read()?).context("read the manifest")?);
                continue;
            }
            (Some(header), _) => each(header, given)?,
        }
        if !is_directory {
            // What nobody wanted counts too.
            io::copy(&mut content, &mut io::sink()).with_context(|| format!("read {name}"))?;
            ensure!(found.parts.insert(name.clone(), content.part()).is_none(), "{name} is there twice");
        }
    }
    // The end of the encryption is what tells a whole file from one that was cut.
    io::copy(&mut plain, &mut io::sink()).context("read the archive to its end")?;
    let header = header.context("the archive is empty")?;
    let manifest = manifest.context("the archive has no manifest: it was not finished")?;
    for (name, part) in &manifest.parts {
        let read = found.parts.remove(name).with_context(|| format!("{name} is missing"))?;
        ensure!(read == *part, "{name} is not what was written: its SHA-256 is {}, not {}", read.sha256, part.sha256);
    }
    if let Some(name) = found.parts.keys().next() {
        bail!("{name} is not in the manifest");
    }
    Ok(Summary { header, manifest })
}

fn decrypted(file: File, key: &Key) -> Result<age::stream::StreamReader<BufReader<File>>> {
    let decryptor = age::Decryptor::new(BufReader::with_capacity(1 << 20, file))
        .context("this is no backup of Bulkhead, or its beginning is damaged")?;
    let by_passphrase = decryptor.is_scrypt();
    match key {
        Key::Passphrase(passphrase) => {
            ensure!(by_passphrase, "it is not encrypted by a passphrase: give the private key by --identity FILE");
            let mut identity = age::scrypt::Identity::new(passphrase.clone());
            identity.set_max_work_factor(WORK_FACTOR_MAX);
            decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).context("the passphrase does not fit")
        }
        Key::Identities(identities) => {
            ensure!(!by_passphrase, "it is encrypted by a passphrase: give that by --passphrase-file FILE");
            let identities = identities.iter().map(|identity| identity as &dyn age::Identity);
            decryptor.decrypt(identities).context("the private key does not fit")
        }
        Key::Recipients(_) => bail!("a public key cannot read a backup: give the private one by --identity FILE"),
    }
}

fn parse_header(content: &[u8]) -> Result<Header> {
    let header: Header = serde_json::from_slice(content).context("this is no backup of Bulkhead")?;
    ensure!(
        header.format <= FORMAT,
        "it was written by Bulkhead {}, whose backups this version cannot read: install that version",
        header.version
    );
    Ok(header)
}

/// The entry's name. Whoever knows a public key can write an archive, so a name that leads elsewhere is refused.
fn name_of(entry: &tar::Entry<'_, impl Read>) -> Result<String> {
    let path = entry.path_bytes();
    let name = std::str::from_utf8(&path).context("an entry's name is no text")?.trim_end_matches('/');
    let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
    ensure!(name.split('/').all(plain), "an entry has the name {name:?}");
    Ok(name.to_owned())
}

fn attributes_of(entry: &tar::Entry<'_, impl Read>) -> Result<Attributes> {
    let header = entry.header();
    let name = |name: Result<Option<&str>, std::str::Utf8Error>| name.ok().flatten().unwrap_or("root").to_owned();
    // Nothing of Bulkhead is setuid.
    Ok(Attributes { mode: header.mode()? & 0o777, user: name(header.username()), group: name(header.groupname()) })
}

/// A reader that hashes what passes.
struct Hashing<R> {
    inner: R,
    bytes: u64,
    hasher: Sha256,
}

impl<R: Read> Hashing<R> {
    fn new(inner: R) -> Self {
        Self { inner, bytes: 0, hasher: Sha256::new() }
    }

    fn part(self) -> Part {
        Part { bytes: self.bytes, sha256: hex::encode(self.hasher.finalize()) }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

/// Whether it failed because the disk is full.
pub(crate) fn is_full(error: &anyhow::Error) -> bool {
    let full = |error: &io::Error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(full))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> (age::x25519::Identity, Key) {
        let identity = age::x25519::Identity::generate();
        let key = Key::Recipients(vec![identity.to_public()]);
        (identity, key)
    }

    fn header() -> Header {
        Header::new(12, "2026-11-30T12:00:00Z".into(), "tools".into())
    }

    fn written(path: &Path, key: &Key) {
        let mut writer = Writer::begin(File::create(path).expect("made"), key, &header()).expect("begins");
        writer.bytes("files/a", b"one", &Attributes::of_root(0o640)).expect("written");
        writer.chunks("databases/main", &vec![7; CHUNK_BYTES + 1][..]).expect("written");
        writer.finish().expect("finished");
    }

    #[test]
    fn what_is_written_is_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a");
        let (identity, key) = identity();
        written(&path, &key);
        let mut seen = Vec::new();
        let summary = read(&path, &Key::Identities(vec![identity]), |header, mut entry| {
            assert_eq!(header.schema, 12);
            seen.push((entry.name.clone(), entry.attributes.mode, entry.read()?.len()));
            Ok(())
        });
        assert_eq!(summary.expect("reads").manifest.parts.len(), 4);
        let chunk = |number, bytes| (format!("databases/main/00000{number}"), 0o600, bytes);
        assert_eq!(seen, [("files/a".to_owned(), 0o640, 3), chunk(0, CHUNK_BYTES), chunk(1, 1)]);
    }

    #[test]
    fn another_key_and_a_wrong_kind_of_key_are_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a");
        written(&path, &identity().1);
        let refused = |key: Key| format!("{:#}", read(&path, &key, |_, _| Ok(())).expect_err("refused"));
        assert!(refused(Key::Identities(vec![identity().0])).contains("does not fit"));
        assert!(refused(Key::Passphrase(SecretString::from("x".to_owned()))).contains("--identity"));
        assert!(refused(identity().1).contains("--identity"));
    }

    #[test]
    fn a_file_that_was_cut_or_changed_anywhere_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a");
        let (identity, key) = identity();
        written(&path, &key);
        let whole = std::fs::read(&path).expect("reads");
        let key = Key::Identities(vec![identity]);
        for at in [0, 10, 100, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..at]).expect("written");
            assert!(read(&path, &key, |_, _| Ok(())).is_err(), "cut at {at}");
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).expect("written");
            assert!(read(&path, &key, |_, _| Ok(())).is_err(), "changed at {at}");
        }
        std::fs::write(&path, [&whole[..], b"x"].concat()).expect("written");
        assert!(read(&path, &key, |_, _| Ok(())).is_err(), "something behind it");
        std::fs::write(&path, &whole).expect("written");
        assert!(read(&path, &key, |_, _| Ok(())).is_ok());
    }

    #[test]
    fn names_that_lead_elsewhere_and_links_are_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a");
        let (identity, key) = identity();
        let reader = Key::Identities(vec![identity]);
        for (kind, name) in [
            (EntryType::Regular, "files/../../etc/passwd"),
            (EntryType::Regular, "/etc/passwd"),
            (EntryType::Symlink, "files/etc/bulkhead/tls"),
        ] {
            let mut writer = Writer::begin(File::create(&path).expect("made"), &key, &header()).expect("begins");
            let mut hostile = tar_header(kind, 0, &Attributes::of_root(0o644)).expect("a header");
            hostile.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            hostile.set_cksum();
            writer.tar.append(&hostile, io::empty()).expect("written");
            writer.finish().expect("finished");
            assert!(read(&path, &reader, |_, _| panic!("{name} was handed on")).is_err(), "{name}");
        }
    }

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let full = File::options().write(true).open("/dev/full").expect("opened");
        let mut writer = Writer::begin(full, &identity().1, &header()).expect("begins, in memory");
        let noise: Vec<u8> = (0..4u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let written = writer.bytes("files/a", &noise, &Attributes::of_root(0o600)).and_then(|()| writer.finish());
        assert!(is_full(&written.expect_err("refused")));
    }
}
