//! Which entries of a git tree may be read at all.
//!
//! Nothing is ever checked out, so that a link, a hook or a filter has nothing to act on; a tree that has such an entry is refused all the
//! same, since the people who clone it do check it out.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::shortened;

/// Entries of a tree at most.
pub const MAX_ENTRIES: usize = 20_000;
/// Bytes of one file at most.
pub const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes of all files in folders of documents together at most.
pub const MAX_TREE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of a path at most, and folders in each other.
const MAX_PATH_BYTES: usize = 400;
const MAX_FOLDERS: usize = 16;

/// What an entry is, by its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// `100644`.
    File,
    /// `100755`.
    Program,
    /// `120000`.
    Link,
    /// `160000`.
    Submodule,
    /// Any other.
    Other,
}

/// One entry of a tree, as `git ls-tree -r` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Its whole path, in bytes as git has it.
    pub path: Vec<u8>,
    /// Its size.
    pub bytes: u64,
}

/// Why a tree is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TreeError {
    /// A path that no checkout should ever make.
    #[error("the tree has the path `{path}`, {reason}: remove it from the repository")]
    Path {
        /// The path, readable.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Too many entries.
    #[error("the tree has {0} files; the most is {MAX_ENTRIES}: use a repository of its own for Bulkhead")]
    TooMany(usize),
    /// A file that is too large.
    #[error("`{path}` has {bytes} bytes; the most is {MAX_FILE_BYTES}: no document is as large")]
    TooLarge {
        /// The file.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// All files together are too large.
    #[error("the documents have {0} bytes; the most is {MAX_TREE_BYTES}")]
    TooMuch(u64),
}

impl EntryKind {
    /// The kind that a mode stands for.
    pub fn of_mode(mode: &str) -> Self {
        match mode {
            "100644" => Self::File,
            "100755" => Self::Program,
            "120000" => Self::Link,
            "160000" => Self::Submodule,
            _ => Self::Other,
        }
    }
}

/// Whether a path is in a folder of documents.
pub(crate) fn is_of_documents(path: &str) -> bool {
    path.split_once('/').is_some_and(|(folder, _)| crate::Kind::ALL.iter().any(|kind| kind.folder() == folder))
}

/// Refuses a tree with an entry that is hostile anywhere; gives the paths of the files that stand in folders of documents.
pub fn check_entries(entries: &[Entry]) -> Result<BTreeSet<String>, TreeError> {
    if entries.len() > MAX_ENTRIES {
        return Err(TreeError::TooMany(entries.len()));
    }
    let mut files = BTreeSet::new();
    let mut folded = BTreeSet::new();
    let mut total = 0_u64;
    for entry in entries {
        let readable = || shortened(&String::from_utf8_lossy(&entry.path).escape_debug().to_string());
        let refuse = |reason| TreeError::Path { path: readable(), reason };
        let path = path(&entry.path).map_err(refuse)?;
        match entry.kind {
            EntryKind::File | EntryKind::Program => {}
            EntryKind::Link => return Err(refuse("which is a symbolic link")),
            EntryKind::Submodule => return Err(refuse("which is a submodule")),
            EntryKind::Other => return Err(refuse("which is neither a file nor a folder")),
        }
        if !is_of_documents(path) {
            continue;
        }
        if entry.kind == EntryKind::Program {
            return Err(refuse("which is a program: documents are plain files"));
        }
        if entry.bytes > MAX_FILE_BYTES {
            return Err(TreeError::TooLarge { path: readable(), bytes: entry.bytes });
        }
        total += entry.bytes;
        if !files.insert(path.to_owned()) {
            return Err(refuse("which it has twice"));
        }
        if !folded.insert(path.to_lowercase()) {
            return Err(refuse("which differs from another one in upper and lower case alone"));
        }
    }
    if total > MAX_TREE_BYTES { Err(TreeError::TooMuch(total)) } else { Ok(files) }
}

fn path(bytes: &[u8]) -> Result<&str, &'static str> {
    let path = std::str::from_utf8(bytes).map_err(|_| "which is not UTF-8")?;
    if path.is_empty() || path.len() > MAX_PATH_BYTES {
        return Err("which is empty or longer than 400 bytes");
    }
    if path.starts_with('/') || path.contains('\\') || path.as_bytes().get(1) == Some(&b':') {
        return Err("which is absolute or has a backslash");
    }
    if path.chars().any(|c| c.is_control()) {
        return Err("which has a control character");
    }
    if path.split('/').count() > MAX_FOLDERS {
        return Err("which stands in too many folders");
    }
    for part in path.split('/') {
        if matches!(part, "" | "." | "..") {
            return Err("which leaves its folder");
        }
        if is_dot_git(part) {
            return Err("which git, on some system, takes for its own folder");
        }
        // The file's name may carry code into every clone: `.gitmodules` by its URLs.
        if folds_to(part, ".gitmodules") {
            return Err("which names submodules");
        }
    }
    Ok(path)
}

/// `.git` as any file system may read it: by case, with characters that HFS+ ignores, with what NTFS cuts off, by its short name.
fn is_dot_git(part: &str) -> bool {
    folds_to(part, ".git") || folds_to(part, "git~1")
}

fn folds_to(part: &str, name: &str) -> bool {
    let seen: String = part.chars().filter(|c| !is_ignored(*c)).flat_map(char::to_lowercase).collect();
    let stem = seen.split(':').next().unwrap_or_default();
    stem.trim_end_matches(['.', ' ']) == name
}

/// What HFS+ leaves out when it compares names.
fn is_ignored(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}
