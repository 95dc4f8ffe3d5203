//! What a person may do with one app, workflow or resource.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A role on one object; each includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Uses the released version (for a resource: through released queries only).
    Viewer,
    /// Edits the draft, runs it, releases it.
    Editor,
    /// Grants roles and deletes.
    Admin,
}

impl Role {
    /// The word in documents and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "viewer" => Ok(Self::Viewer),
            "editor" => Ok(Self::Editor),
            "admin" => Ok(Self::Admin),
            _ => Err(()),
        }
    }
}
