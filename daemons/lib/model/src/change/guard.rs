//! How many rows a change may reach.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many rows may change: a number, or `any`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum AtMost {
    /// So many.
    Rows(u32),
    /// As many as there are.
    Unlimited(Any),
}

/// The word for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Any {
    /// `any`
    Any,
}

impl Default for AtMost {
    fn default() -> Self {
        Self::Rows(1)
    }
}

impl AtMost {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// So many, if there is a limit.
    pub fn limit(self) -> Option<u64> {
        match self {
            Self::Rows(rows) => Some(rows.into()),
            Self::Unlimited(Any::Any) => None,
        }
    }
}
