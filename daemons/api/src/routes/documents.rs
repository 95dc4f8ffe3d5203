//! What apps and workflows have in common: lists, drafts that are saved by revision, releases.

use std::collections::BTreeSet;

use bulkhead_model::query::ResourceQuery;
use bulkhead_model::{Fault, Role, Slug};
use bulkhead_store::StoreError;
use bulkhead_store::apps::{Draft, Listed, Release as StoredRelease};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::library_use::role_to_build;
use crate::auth::Caller;
use crate::auth::guard::require_resource;
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// A line of a list of apps or workflows.
#[derive(Serialize, ToSchema)]
pub(crate) struct DocumentSummary {
    /// The id.
    id: Uuid,
    /// The name in addresses.
    slug: String,
    /// The title.
    title: String,
    /// What you may do with it.
    role: Role,
    /// The version in use; absent before the first release.
    released_version: Option<i32>,
    /// When the draft changed last.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// The path of its folder; empty for the top.
    folder: String,
}

impl From<Listed> for DocumentSummary {
    fn from(listed: Listed) -> Self {
        Self {
            id: listed.id,
            slug: listed.slug,
            title: listed.title,
            role: listed.role,
            released_version: listed.released_version,
            updated_at: listed.updated_at,
            folder: listed.folder,
        }
    }
}

/// The draft was saved.
#[derive(Serialize, ToSchema)]
pub(crate) struct DraftSaved {
    /// The revision that the next save or release must name.
    pub(crate) revision: i64,
}

/// Releases the draft.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseRequest {
    /// The draft's revision, as it was read or saved: what is released is what was looked at.
    pub(crate) revision: i64,
}

/// The draft was released.
#[derive(Serialize, ToSchema)]
pub(crate) struct Released {
    /// The new version, now in use.
    pub(crate) version: i32,
}

/// A released version.
#[derive(Serialize, ToSchema)]
pub(crate) struct Release {
    /// Counts from 1.
    version: i32,
    /// Who released it.
    released_by: Option<String>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    released_at: OffsetDateTime,
    /// What it changes, in the words of who released it; empty when they said nothing.
    notes: String,
}

/// All releases.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReleaseList {
    /// The newest first.
    releases: Vec<Release>,
    /// The version in use.
    released_version: Option<i32>,
}

impl ReleaseList {
    pub(crate) fn of(releases: Vec<StoredRelease>, released_version: Option<i32>) -> Self {
        let release = |stored: StoredRelease| Release {
            version: stored.version,
            released_by: stored.released_by,
            released_at: stored.released_at,
            notes: stored.notes,
        };
        Self { releases: releases.into_iter().map(release).collect(), released_version }
    }
}

/// Refuses a document with faults, naming each with its place.
pub(crate) fn require_valid(faults: Vec<Fault>) -> Result<(), ApiError> {
    let Some(first) = faults.first() else { return Ok(()) };
    let more = if faults.len() > 1 { format!(" ({} more)", faults.len() - 1) } else { String::new() };
    Err(ApiError::Unprocessable { code: "document-invalid", detail: format!("{first}{more}"), faults })
}

/// Requires the role editor on every resource that a document's statements name: a release lets others run them. Of what it takes from
/// the library, that of a viewer.
pub(crate) async fn require_resources<'a>(
    api: &SharedApi,
    caller: &Caller,
    queries: impl Iterator<Item = &'a ResourceQuery>,
) -> Result<(), ApiError> {
    let names: BTreeSet<(&Slug, Role)> = queries.map(|query| (&query.resource, role_to_build(query))).collect();
    for (name, needed) in names {
        require_resource(api, caller, name.as_str(), needed).await?;
    }
    Ok(())
}

/// The answer to a request that names a version which does not exist yet.
pub(crate) fn not_released(what: &str) -> ApiError {
    ApiError::Conflict {
        code: "not-released",
        detail: format!("this {what} has no released version yet: release its draft"),
    }
}

/// The draft that a release names by its revision, so that what is checked is what will be released.
pub(crate) fn released_draft<T>(draft: Draft<T>, revision: i64) -> Result<T, ApiError> {
    if draft.revision == revision {
        Ok(draft.document)
    } else {
        Err(StoreError::Changed { operation: "release" }.into())
    }
}
