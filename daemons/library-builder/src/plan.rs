//! What the daemon and its sandboxed half agree on: the plan that goes in and the report that comes out. Pure data.

use serde::{Deserialize, Serialize};

/// The plan's name, in the directory of the archives.
pub(crate) const PLAN: &str = "plan.json";
/// Where the archives are inside the sandbox.
pub(crate) const ARCHIVES: &str = "/archives";
/// Where the tree is inside the sandbox.
pub(crate) const TREE: &str = "/tree";

/// What is to be unpacked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Together.
    pub(crate) limits: TreeLimits,
    /// In this order.
    pub(crate) archives: Vec<PlannedArchive>,
}

/// How large a tree may become.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct TreeLimits {
    pub(crate) bytes: u64,
    pub(crate) files: u64,
}

/// One archive and where it goes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlannedArchive {
    /// Its name in the directory of the archives.
    pub(crate) file: String,
    /// What messages call it.
    pub(crate) package: String,
    pub(crate) form: Form,
}

/// What an archive is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Form {
    /// A tar.gz whose first path component is dropped, for this path below the tree.
    Npm { path: String },
    /// A wheel, for the tree's `python`.
    Wheel,
}

/// What the sandboxed half prints.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Report {
    /// All is unpacked.
    Done,
    /// An archive is not taken.
    Refused(Refusal),
}

/// Why an archive is not taken.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) package: String,
    /// Whether it is about a limit.
    pub(crate) limit: bool,
    pub(crate) message: String,
}
