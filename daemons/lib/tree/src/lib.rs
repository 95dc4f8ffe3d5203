//! Apps, workflows, queries of the library and resources as a tree of files: what source control commits and `app export` writes.
//!
//! The same document always gives the same bytes, and the bytes give the same document again. Nothing here reads or writes a file: a
//! tree is a map from paths to bytes. Secrets and generated ids are never part of it; names are the keys.

mod app;
mod entry;
mod parts;
mod resource;
mod standing;
mod workflow;
pub mod yaml;

use std::collections::BTreeMap;

use bulkhead_model::app::AppDocument;
use bulkhead_model::library_query::LibraryQuery;
use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_model::{Fault, Slug};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

pub use entry::{Entry, EntryKind, MAX_ENTRIES, MAX_FILE_BYTES, MAX_TREE_BYTES, TreeError, check_entries};
pub use resource::{NamedSettings, ResourceFile};
pub use standing::Standing;

/// Files by their paths. Of a document: relative to its folder.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a document is. Each kind has a folder of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An app.
    App,
    /// A query of the library.
    Query,
    /// A resource, without its secret.
    Resource,
    /// A workflow.
    Workflow,
}

impl Kind {
    /// All kinds, in the order of their folders.
    pub const ALL: [Self; 4] = [Self::App, Self::Query, Self::Resource, Self::Workflow];

    /// The folder at the top of the tree.
    pub fn folder(self) -> &'static str {
        match self {
            Self::App => "apps",
            Self::Query => "library",
            Self::Resource => "resources",
            Self::Workflow => "workflows",
        }
    }
}

/// Which document: written as its folder, `apps/refunds`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub slug: Slug,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind.folder(), self.slug)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for Key {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(folder, slug)| {
            let kind = Kind::ALL.into_iter().find(|kind| kind.folder() == folder)?;
            Some(Self { kind, slug: slug.parse().ok()? })
        });
        parts.ok_or_else(|| {
            format!(
                "`{}` names no document: write apps/NAME, library/NAME, resources/NAME or workflows/NAME",
                shortened(&text)
            )
        })
    }
}

/// A document of any kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// An app.
    App(AppDocument),
    /// A query of the library.
    Query(LibraryQuery),
    /// A resource.
    Resource(ResourceFile),
    /// A workflow.
    Workflow(WorkflowDocument),
}

/// Why files are no document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// A file has to be there.
    #[error("{0}: this file is missing")]
    Missing(String),
    /// A file that no document of this kind has.
    #[error("{0}: no part of a document: remove the file, or put it outside of apps, library, resources and workflows")]
    Unknown(String),
    /// Bytes that are no text.
    #[error("{0}: is not UTF-8")]
    NotText(String),
    /// Text that is not in the subset of YAML.
    #[error("{path}: {source}")]
    Yaml {
        /// The file.
        path: String,
        /// What, and in which line.
        source: yaml::YamlError,
    },
    /// The members are not those of a document.
    #[error("{path}: {message}")]
    Shape {
        /// The file.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// The document has faults.
    #[error("{path}: {}", faults.first().map(|fault| format!("{}: {}", fault.path, fault.message)).unwrap_or_default())]
    Faults {
        /// The folder.
        path: String,
        /// The faults, each with its place.
        faults: Vec<Fault>,
    },
}

impl Document {
    /// What it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::App(_) => Kind::App,
            Self::Query(_) => Kind::Query,
            Self::Resource(_) => Kind::Resource,
            Self::Workflow(_) => Kind::Workflow,
        }
    }

    /// Its files, with paths below its folder.
    pub fn files(&self) -> Files {
        match self {
            Self::App(app) => app::write(app),
            Self::Query(query) => workflow::write_query(query),
            Self::Resource(resource) => resource.write(),
            Self::Workflow(workflow) => workflow::write(workflow),
        }
    }

    /// Reads the files of a folder, whose paths are below it, and checks what they say as if a person had saved it.
    pub fn read(key: &Key, files: &Files) -> Result<Self, ReadError> {
        let (document, faults) = match key.kind {
            Kind::App => {
                let app = app::read(files)?;
                let faults = app.validate();
                (Self::App(app), faults)
            }
            Kind::Query => {
                let query = workflow::read_query(files)?;
                let faults = query.validate();
                (Self::Query(query), faults)
            }
            Kind::Resource => {
                let resource = ResourceFile::read(files)?;
                let faults = resource.validate();
                (Self::Resource(resource), faults)
            }
            Kind::Workflow => {
                let workflow = workflow::read(files)?;
                let faults = workflow.validate();
                (Self::Workflow(workflow), faults)
            }
        };
        if faults.is_empty() { Ok(document) } else { Err(ReadError::Faults { path: key.to_string(), faults }) }
    }
}

/// The documents of a tree: the files of each, with paths below its folder. What is not in a folder of documents belongs to others and
/// is passed by.
pub fn documents(tree: Files) -> Result<BTreeMap<Key, Files>, ReadError> {
    let mut found: BTreeMap<Key, Files> = BTreeMap::new();
    for (path, bytes) in tree {
        let Some((folder, rest)) = path.split_once('/') else { continue };
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.folder() == folder) else { continue };
        let Some((slug, inside)) = rest.split_once('/') else { return Err(ReadError::Unknown(path)) };
        let Ok(slug) = slug.parse() else { return Err(ReadError::Unknown(path.clone())) };
        found.entry(Key { kind, slug }).or_default().insert(inside.to_owned(), bytes);
    }
    Ok(found)
}

/// The tree of these documents: each file with its whole path.
pub fn tree(documents: &BTreeMap<Key, Files>) -> Files {
    let whole = |(key, files): (&Key, &Files)| {
        let key = key.to_string();
        files.iter().map(move |(path, bytes)| (format!("{key}/{path}"), bytes.clone())).collect::<Vec<_>>()
    };
    documents.iter().flat_map(whole).collect()
}

/// A fingerprint of files: the same exactly when they are the same.
pub fn digest(files: &Files) -> String {
    let mut hash = Sha256::new();
    for (path, bytes) in files {
        for part in [path.as_bytes(), bytes] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hex::encode(hash.finalize())
}

/// The canonical form of a folder that a person may have written: what reading and writing makes of it.
pub fn canonical(key: &Key, files: &Files) -> Result<Files, ReadError> {
    Ok(Document::read(key, files)?.files())
}

/// Bad input is echoed in messages, so it is cut to a readable length first.
fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
