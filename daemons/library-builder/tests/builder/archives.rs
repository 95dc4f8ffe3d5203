//! Archives and lock files, made for a test.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::workflow::Language;
use bulkhead_rpc::library_builder::BuildRequest;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};
use tar::{EntryType, Header};
use zip::write::SimpleFileOptions;

use crate::daemon::request;

/// A tar.gz of regular files.
pub(crate) fn tarball(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tarball_builder();
    for (path, content) in files {
        let mode = if path.ends_with(".sh") { 0o4777 } else { 0o600 };
        append(&mut builder, EntryType::Regular, path, mode, content.as_bytes());
    }
    finish(builder)
}

/// A tar.gz with one good file and one entry of this type and name, whose link leads to `/etc/passwd`.
pub(crate) fn strange_tarball(kind: EntryType, path: &str) -> Vec<u8> {
    let mut builder = tarball_builder();
    append(&mut builder, EntryType::Regular, "package/good.js", 0o644, b"1");
    let content: &[u8] = if kind == EntryType::Regular { b"bad" } else { b"" };
    append(&mut builder, kind, path, 0o644, content);
    finish(builder)
}

/// A tar.gz with many files.
pub(crate) fn crowd(files: usize) -> Vec<u8> {
    let mut builder = tarball_builder();
    for index in 0..files {
        append(&mut builder, EntryType::Regular, &format!("package/{index}"), 0o644, b"");
    }
    finish(builder)
}

/// A small tar.gz of one large file.
pub(crate) fn tar_bomb(bytes: usize) -> Vec<u8> {
    let mut builder = tarball_builder();
    append(&mut builder, EntryType::Regular, "package/zeros", 0o644, &vec![0; bytes]);
    finish(builder)
}

type TarBuilder = tar::Builder<GzEncoder<Vec<u8>>>;

fn tarball_builder() -> TarBuilder {
    tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()))
}

fn append(builder: &mut TarBuilder, kind: EntryType, path: &str, mode: u32, content: &[u8]) {
    let mut header = Header::new_ustar();
    // Written as it is: the library's own way refuses what these tests are about.
    header.as_ustar_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(content.len() as u64);
    if matches!(kind, EntryType::Symlink | EntryType::Link) {
        header.set_link_name("/etc/passwd").unwrap();
    }
    header.set_cksum();
    builder.append(&header, content).unwrap();
}

fn finish(builder: TarBuilder) -> Vec<u8> {
    builder.into_inner().unwrap().finish().unwrap()
}

/// A wheel of these files; a path that ends with ` ->` is a symbolic link.
pub(crate) fn wheel(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (path, content) in files {
        match path.strip_suffix(" ->") {
            Some(path) => writer.add_symlink(path, "/etc/passwd", options).unwrap(),
            None => {
                writer.start_file(*path, options.unix_permissions(0o600)).unwrap();
                writer.write_all(content).unwrap();
            }
        }
    }
    writer.finish().unwrap().into_inner()
}

/// An entry of a `package-lock.json`.
pub(crate) fn entry(version: &str, resolved: &str, archive: &[u8]) -> Value {
    let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(archive)));
    json!({ "version": version, "resolved": resolved, "integrity": integrity })
}

/// A request with these entries.
pub(crate) fn package_lock(packages: Value) -> BuildRequest {
    let lock = json!({ "name": "set", "lockfileVersion": 3, "requires": true, "packages": packages });
    request(Language::Javascript, &lock.to_string())
}

/// A request for one package `a`, wherever it is.
pub(crate) fn one_package(archive: &[u8]) -> BuildRequest {
    package_lock(json!({ "node_modules/a": entry("1.0.0", "https://public.example/a/-/a-1.0.0.tgz", archive) }))
}

pub(crate) fn sha256(archive: &[u8]) -> String {
    hex::encode(Sha256::digest(archive))
}

/// A request for these Python packages at version 1.0.
pub(crate) fn requirements(packages: &[(&str, &[u8])]) -> BuildRequest {
    let lines =
        packages.iter().map(|(name, archive)| format!("{name}==1.0 \\\n    --hash=sha256:{}\n", sha256(archive)));
    request(Language::Python, &lines.collect::<String>())
}
