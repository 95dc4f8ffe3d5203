//! Ids: one type per kind of thing, so that an app's id is never taken for a run's.
//!
//! All are version 7 UUIDs: they sort by creation, which keeps B-tree inserts local and lets lists page by key.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, later than all that this process minted before.
            #[allow(clippy::new_without_default, reason = "a default id would look like a constant one")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// A person who can log in.
    UserId
);
id!(
    /// An app: its draft and all its releases.
    AppId
);
id!(
    /// A workflow: its draft and all its releases.
    WorkflowId
);
id!(
    /// A resource: a database or API that queries run against.
    ResourceId
);
id!(
    /// An SSH host that tunnels to resources go through.
    SshHostId
);
id!(
    /// One run of a released workflow. Also the id of its Temporal workflow.
    RunId
);
id!(
    /// An environment: production, staging and so on.
    EnvironmentId
);
id!(
    /// A query that apps and workflows share.
    LibraryQueryId
);
id!(
    /// A folder of apps, workflows, resources and queries.
    FolderId
);

impl EnvironmentId {
    /// The environment that is there from the start and meant where none is named.
    pub const DEFAULT: Self = Self(Uuid::from_u128(0x7000_8000_0000_0000_0001));
}

impl Default for EnvironmentId {
    fn default() -> Self {
        Self::DEFAULT
    }
}
