//! Archives that want out of their tree, or want too much.

use bulkhead_rpc::library_builder::FailureKind;
use tar::EntryType;

use crate::archives::{crowd, one_package, requirements, strange_tarball, tar_bomb, tarball, wheel};
use crate::daemon::Machine;
use crate::registry::Registry;

/// Builds a package of this archive.
async fn npm(config: &str, archive: &[u8]) -> (FailureKind, String) {
    let registry = Registry::start();
    registry.put_archive("/npm/a/-/a-1.0.0.tgz", archive);
    let machine = Machine::start(&format!("{}\n{config}", registry.config()));
    let failed = machine.build(&one_package(archive)).await.failed();
    assert!(machine.entries().is_empty(), "{:?}", machine.entries());
    failed
}

/// The same for a wheel.
async fn python(config: &str, archive: &[u8]) -> (FailureKind, String) {
    let registry = Registry::start();
    registry.put_python("one", &[("one-1.0-py3-none-any.whl", archive)]);
    let machine = Machine::start(&format!("{}\n{config}", registry.config()));
    let failed = machine.build(&requirements(&[("one", archive)])).await.failed();
    assert!(machine.entries().is_empty(), "{:?}", machine.entries());
    failed
}

#[tokio::test]
async fn a_tarball_with_anything_but_files_below_its_package_is_refused() {
    for (kind, path, word) in [
        (EntryType::Regular, "package/../../../../escaped", "leads out"),
        (EntryType::Regular, "/escaped", "absolute"),
        (EntryType::Symlink, "package/link", "Symlink"),
        (EntryType::Link, "package/link", "Link"),
        (EntryType::Char, "package/device", "Char"),
        (EntryType::Block, "package/device", "Block"),
        (EntryType::Fifo, "package/pipe", "Fifo"),
        (EntryType::Regular, "package/good.js", "twice"),
    ] {
        let (failure, message) = npm("", &strange_tarball(kind, path)).await;
        assert_eq!(failure, FailureKind::Archive, "{kind:?} {path}: {message}");
        assert!(message.starts_with("a 1.0.0: ") && message.contains(word), "{message}");
    }
}

#[tokio::test]
async fn a_wheel_with_anything_but_files_below_its_directory_is_refused() {
    for (path, word) in [
        ("../escaped.py", "leads out"),
        ("one/../../escaped.py", "leads out"),
        ("/escaped.py", "absolute"),
        ("one\\escaped.py", "character"),
        ("one/link ->", "only files"),
    ] {
        let (failure, message) = python("", &wheel(&[("good.py", b""), (path, b"bad")])).await;
        assert_eq!(failure, FailureKind::Archive, "{path}: {message}");
        assert!(message.contains(word), "{message}");
    }
}

#[tokio::test]
async fn a_damaged_archive_is_refused() {
    let (tar, _) = npm("", b"no archive").await;
    let (wheel, _) = python("", b"no archive").await;
    let whole = tarball(&[("package/index.js", &"text".repeat(10_000))]);
    let (half, _) = npm("", &whole[..whole.len() / 2]).await;

    assert_eq!([tar, wheel, half], [FailureKind::Archive; 3]);
}

#[tokio::test]
async fn a_bomb_ends_at_the_limit_of_bytes() {
    let limit = "image-limit-bytes = 1000000";
    let zeros = vec![0; 50_000_000];

    let (tar, tar_message) = npm(limit, &tar_bomb(zeros.len())).await;
    let (zip, zip_message) = python(limit, &wheel(&[("zeros", &zeros)])).await;

    assert_eq!((tar, zip), (FailureKind::Limit, FailureKind::Limit), "{tar_message} {zip_message}");
    assert!(tar_message.contains("image-limit-bytes") && zip_message.contains("image-limit-bytes"));
}

#[tokio::test]
async fn too_many_files_end_at_their_limit() {
    let (kind, message) = npm("image-limit-files = 100", &crowd(101)).await;
    assert_eq!(kind, FailureKind::Limit);
    assert!(message.contains("image-limit-files"), "{message}");
}

#[tokio::test]
async fn a_large_archive_ends_at_its_limit() {
    let (kind, message) = npm("archive-limit-bytes = 1000", &vec![7; 2000]).await;
    assert_eq!(kind, FailureKind::Limit);
    assert!(message.contains("archive-limit-bytes"), "{message}");
    let (kind, message) = npm("download-limit-bytes = 1000", &vec![7; 2000]).await;
    assert_eq!(kind, FailureKind::Limit);
    assert!(message.contains("download-limit-bytes"), "{message}");
}
