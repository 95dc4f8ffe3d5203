//! The root directory: a small tmpfs with read-only pieces of the host, then the pivot into it.
//!
//! The order matters. Everything of the host is opened first, because the new root is assembled on
//! top of the host's `/tmp`. The tree is private before the first mount, or the host would see them.
//! `/proc` is mounted after the pivot, so that it can never land on the host's, and before the old
//! root goes, because the kernel permits a new one only beside a whole old one.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{chdir, pivot_root};

use crate::error::{AtStep, StepError};
use crate::policy::{Mount, Policy, Proc};
use crate::sys::mount::{
    NO_DEVICES, NO_EXEC, NO_SUID, READ_ONLY, attach_tree, clone_tree, restrict_mount, restrict_tree,
};

/// Where the new root is assembled; the mount is in the new mount namespace only.
const ASSEMBLY: &str = "/tmp";
const OLD_ROOT: &str = ".old-root";
const ROOT_SIZE: &str = "mode=0755,size=1m,nr_inodes=512";

/// A mount whose host side is open.
enum Piece<'a> {
    Tree { target: &'a Path, tree: OwnedFd, directory: bool },
    Link { path: &'a Path, points_to: PathBuf },
    File { target: &'a Path, content: &'a str },
    Scratch { target: &'a Path, size_bytes: u64 },
}

/// Builds the root of the policy and makes it this process's; the host's is gone afterwards.
pub(crate) fn enter(policy: &Policy) -> Result<(), StepError> {
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).at("making the mount tree private")?;
    let pieces = open_pieces(policy)?;

    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("sandbox-root"), ASSEMBLY, Some("tmpfs"), flags, Some(ROOT_SIZE)).at("mounting the new root")?;
    for piece in &pieces {
        place(piece)?;
    }
    make_directory(Path::new(ASSEMBLY).join(OLD_ROOT))?;
    if policy.proc == Proc::WherePermitted {
        make_directory(Path::new(ASSEMBLY).join("proc"))?;
    }

    const PIVOT: &str = "pivoting to the new root";
    chdir(ASSEMBLY).at(PIVOT)?;
    pivot_root(".", OLD_ROOT).at(PIVOT)?;
    chdir("/").at(PIVOT)?;
    if policy.proc == Proc::WherePermitted {
        mount_proc()?;
    }
    umount2(OLD_ROOT, MntFlags::MNT_DETACH).at("leaving the old root")?;
    fs::remove_dir(OLD_ROOT).at("leaving the old root")?;
    restrict_mount(c"/", READ_ONLY | NO_SUID | NO_DEVICES).at("making the new root read-only")
}

fn open_pieces(policy: &Policy) -> Result<Vec<Piece<'_>>, StepError> {
    let mut pieces = Vec::with_capacity(policy.mounts.len());
    for wanted in &policy.mounts {
        match wanted {
            Mount::System { path } => pieces.extend(open_system(path)?),
            Mount::ReadOnly { source, target, optional } => {
                if !*optional || source.exists() {
                    pieces.push(open_tree(source, target, READ_ONLY | NO_SUID | NO_DEVICES)?);
                }
            }
            Mount::Writable { source, target } => {
                pieces.push(open_tree(source, target, NO_SUID | NO_DEVICES | NO_EXEC)?)
            }
            Mount::Device { path } => pieces.push(open_tree(path, path, NO_SUID | NO_EXEC)?),
            Mount::File { target, content } => pieces.push(Piece::File { target, content }),
            Mount::Scratch { target, size_bytes } => {
                pieces.push(Piece::Scratch { target, size_bytes: *size_bytes });
            }
        }
    }
    Ok(pieces)
}

fn open_system(path: &Path) -> Result<Option<Piece<'_>>, StepError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).at_object("reading a system directory", path.display()),
        Ok(found) if found.is_symlink() => {
            let points_to = fs::read_link(path).at_object("reading a system directory", path.display())?;
            Ok(Some(Piece::Link { path, points_to }))
        }
        Ok(_) => Ok(Some(open_tree(path, path, READ_ONLY | NO_SUID | NO_DEVICES)?)),
    }
}

fn open_tree<'a>(source: &Path, target: &'a Path, restrictions: u64) -> Result<Piece<'a>, StepError> {
    let directory = fs::metadata(source).at_object("opening a mount", source.display())?.is_dir();
    let tree = clone_tree(&c_path(source)?).at_object("opening a mount", source.display())?;
    restrict_tree(&tree, restrictions).at_object("restricting a mount", source.display())?;
    Ok(Piece::Tree { target, tree, directory })
}

fn place(piece: &Piece<'_>) -> Result<(), StepError> {
    match piece {
        Piece::Tree { target, tree, directory } => {
            let target = inside(target)?;
            if *directory {
                make_directory(target.clone())?
            } else {
                make_file(&target, "")?
            }
            attach_tree(tree, &c_path(&target)?).at_object("attaching a mount", target.display())
        }
        Piece::Link { path, points_to } => {
            symlink(points_to, inside(path)?).at_object("copying a system link", path.display())
        }
        Piece::File { target, content } => make_file(&inside(target)?, content),
        Piece::Scratch { target, size_bytes } => {
            let target = inside(target)?;
            make_directory(target.clone())?;
            let (flags, options) = scratch_options(*size_bytes);
            mount(Some("scratch"), &target, Some("tmpfs"), flags, Some(options.as_str()))
                .at_object("mounting a scratch directory", target.display())
        }
    }
}

/// How a scratch directory of that size is mounted.
pub(crate) fn scratch_options(size_bytes: u64) -> (MsFlags, String) {
    // An inode takes kernel memory too, about a kilobyte.
    let inodes = (size_bytes / 4096).max(64);
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    (flags, format!("mode=0700,size={size_bytes},nr_inodes={inodes}"))
}

/// A proc of this pid namespace. EPERM means that the host's own is masked, as in a container, and is
/// the only failure that leaves the program without one.
fn mount_proc() -> Result<(), StepError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let options = Some("hidepid=invisible,subset=pid");
    match mount(Some("proc"), "/proc", Some("proc"), flags, options) {
        Err(nix::errno::Errno::EPERM) => Ok(()),
        result => result.at("mounting proc"),
    }
}

/// The path below the assembly. Paths of a policy are absolute and have no `..`.
fn inside(target: &Path) -> Result<PathBuf, StepError> {
    let plain = target.components().all(|part| !matches!(part, std::path::Component::ParentDir));
    match target.strip_prefix("/") {
        Ok(relative) if plain => Ok(Path::new(ASSEMBLY).join(relative)),
        _ => {
            Err(io::Error::from_raw_os_error(libc::EINVAL)).at_object("reading a path of the policy", target.display())
        }
    }
}

fn make_directory(path: PathBuf) -> Result<(), StepError> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(&path).at_object("making a directory", path.display())
}

fn make_file(path: &Path, content: &str) -> Result<(), StepError> {
    if let Some(parent) = path.parent() {
        make_directory(parent.to_path_buf())?;
    }
    fs::write(path, content).at_object("making a file", path.display())
}

fn c_path(path: &Path) -> Result<CString, StepError> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
        .at_object("reading a path of the policy", path.display())
}
