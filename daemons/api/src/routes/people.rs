//! Looking for the people and groups that something can be shared with.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use bulkhead_model::{Fault, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::json::Json;
use crate::auth::Caller;
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// People and groups found at once.
const MOST: i64 = 10;
/// Characters to look for. With fewer than the least, whoever looks would page through everybody.
const SEARCH: std::ops::RangeInclusive<usize> = 2..=100;

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PeopleSearch {
    /// A part of a name or an address, in any case of letters: 2 to 100 characters.
    search: String,
}

/// A person who was found.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundPerson {
    /// The id.
    id: UserId,
    /// Their address.
    email: String,
    /// Their name.
    name: String,
}

/// A group that was found.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundGroup {
    /// The name.
    name: String,
    /// What it is for.
    description: String,
    /// How many people belong to it.
    members: i64,
}

/// Who was found.
#[derive(Serialize, ToSchema)]
pub(crate) struct PeopleFound {
    /// At most 10, by name.
    people: Vec<FoundPerson>,
    /// At most 10, by name.
    groups: Vec<FoundGroup>,
}

/// People who may log in, and groups, with these characters in their name or address: to share something with them.
#[utoipa::path(get, path = "/people", tag = "users", operation_id = "findPeople", params(PeopleSearch), responses(
    (status = 200, description = "Who was found", body = PeopleFound),
    (status = 422, description = "`invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn find(
    State(api): State<SharedApi>,
    _: Caller,
    query: Result<Query<PeopleSearch>, QueryRejection>,
) -> Result<Json<PeopleFound>, ApiError> {
    let Query(PeopleSearch { search }) = query.map_err(|error| ApiError::Malformed(error.body_text()))?;
    let words = search.trim();
    if !SEARCH.contains(&words.chars().count()) || words.contains('\0') {
        let fault = Fault::new("search", format!("must have {} to {} characters", SEARCH.start(), SEARCH.end()));
        return Err(ApiError::invalid(fault.to_string(), vec![fault]));
    }
    let found = api.database.candidates(words, MOST).await?;
    let people = found.people.into_iter().map(|(id, email, name)| FoundPerson { id, email, name });
    let groups = found.groups.into_iter().map(|(name, description, members)| FoundGroup { name, description, members });
    Ok(Json(PeopleFound { people: people.collect(), groups: groups.collect() }))
}
