//! library-builder: turns lock files into sets of libraries that code can be given.
//!
//! `POST /v1/build` and `POST /v1/import` take a [`BuildRequest`] and answer 200 with one JSON event a line ([`BuildEvent`]), of
//! which the last is `built` or `failed`; what is refused before the start is a problem document. The second one asks no
//! registry: all archives have to be in the bundles' directory of the machine, or downloaded already. A build goes on when its
//! connection closes. `DELETE /v1/images/{image}` removes a set, which no code may be using any more: 204, or 404.

use bulkhead_model::workflow::Language;
use bulkhead_model::{LibraryImage, LibraryPackage};
use serde::{Deserialize, Serialize};

/// Where the service listens.
pub const SOCKET: &str = "/run/bulkhead/library-builder.sock";
/// Where builds are asked for.
pub const BUILD: &str = "/v1/build";
/// Where builds are asked for that use no network.
pub const IMPORT: &str = "/v1/import";
/// Where sets are removed, by name below this.
pub const IMAGES: &str = "/v1/images";

/// Asks for a set of libraries. The same request leads to the same set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildRequest {
    /// Of the code that will use it.
    pub language: Language,
    /// The text of `package-lock.json` (version 2 or 3), or of a `requirements.txt` with exact versions and hashes.
    pub lock: String,
    /// Modules that an interpreter loads before it has code to run.
    #[serde(default)]
    pub preload: Vec<String>,
}

/// What happens during a build, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum BuildEvent {
    /// Something that a person may want to know.
    Log {
        /// One line.
        text: String,
    },
    /// The set is there; nothing follows.
    Built(BuiltImage),
    /// There is no set; nothing follows.
    Failed {
        /// What it was about.
        kind: FailureKind,
        /// What happened and what to do, for a person.
        message: String,
    },
}

/// A set of libraries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuiltImage {
    /// Its name.
    pub image: LibraryImage,
    /// Bytes of its files.
    pub bytes: u64,
    /// Its files.
    pub files: u64,
    /// What is in it.
    pub packages: Vec<LibraryPackage>,
}

/// Why there is no set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// A registry or index is not configured, cannot be reached, or refuses: the same request may succeed later.
    Registry,
    /// A package, or a form of it that fits this machine, is not where it was looked for.
    Missing,
    /// An archive is not the one that the lock file names.
    Hash,
    /// An archive holds what a library may not hold, or is damaged.
    Archive,
    /// It is too large or takes too long.
    Limit,
    /// This machine failed: its disk or its sandbox.
    Machine,
}
