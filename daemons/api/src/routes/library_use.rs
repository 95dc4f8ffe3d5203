//! References to queries of the library: whether they fit, whether the caller may use them, and what they stand for.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use bulkhead_model::app::AppDocument;
use bulkhead_model::library_query::{LibraryQuery, UsedBy};
use bulkhead_model::query::ResourceQuery;
use bulkhead_model::workflow::{Block, WorkflowDocument};
use bulkhead_model::{Fault, LibraryQueryId, Role};
use bulkhead_store::access::ObjectKind;
use bulkhead_store::identity::User;
use serde_json::{Value, json};

use super::app_queries::bind;
use super::documents::require_valid;
use crate::auth::Caller;
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// The queries of an app, each with its place.
pub(crate) fn of_app(document: &AppDocument) -> impl Iterator<Item = (String, &ResourceQuery)> {
    document.queries.iter().map(|(name, query)| (format!("queries.{name}"), &query.query))
}

/// The queries of a workflow, each with its place.
pub(crate) fn of_workflow(document: &WorkflowDocument) -> impl Iterator<Item = (String, &ResourceQuery)> {
    let blocks = document.blocks.iter().filter_map(|(name, block)| match block {
        Block::Query(block) => Some((format!("blocks.{name}"), &block.query)),
        _ => None,
    });
    let queries = document.queries.iter().map(|(name, query)| (format!("queries.{name}"), query));
    let functions =
        document.functions.iter().filter_map(|(name, function)| Some((format!("functions.{name}"), function.query()?)));
    blocks.chain(queries).chain(functions)
}

/// The role on its resource that it takes to build with a query: whoever writes a statement must be an editor there; what a statement of
/// the library does, its own author has answered for.
pub(crate) fn role_to_build(query: &ResourceQuery) -> Role {
    if query.library.is_some() { Role::Viewer } else { Role::Editor }
}

/// Refuses a document whose references to the library lead nowhere, do not fit, or are not the caller's to use; each with its place.
pub(crate) async fn require_library<'a>(
    api: &SharedApi,
    caller: &Caller,
    by: UsedBy,
    queries: impl Iterator<Item = (String, &'a ResourceQuery)>,
) -> Result<(), ApiError> {
    let mut faults = Vec::new();
    let mut known: HashMap<(&str, Option<i32>), Option<LibraryQuery>> = HashMap::new();
    for (path, query) in queries {
        let Some(reference) = &query.library else { continue };
        let key = (reference.query.as_str(), reference.version);
        let found = match known.entry(key) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(place) => place.insert(visible(api, caller, key.0, key.1).await?),
        };
        match found {
            Some(document) => faults.extend(document.faults_of_use(query, by, &path)),
            None => faults.push(Fault::new(format!("{path}.library.query"), unknown(reference.query.as_str()))),
        }
    }
    require_valid(faults)
}

/// What a reference means, if the caller may use it.
async fn visible(
    api: &SharedApi,
    caller: &Caller,
    name: &str,
    version: Option<i32>,
) -> Result<Option<LibraryQuery>, ApiError> {
    let (user, is_admin) = caller.viewer();
    let Some(access) = api.database.access(ObjectKind::Query, name, user, is_admin).await? else { return Ok(None) };
    let release = api.database.library_release(name, version).await?;
    Ok(release.filter(|release| release.id == LibraryQueryId(access.id)).map(|release| release.document))
}

fn unknown(name: &str) -> String {
    format!(
        "there is no released query `{name}` in the library that you may use: choose another, or ask whoever keeps it"
    )
}

/// The query of the library that `query` refers to, for whoever is about to run it; nothing where it refers to none.
pub(crate) async fn load(
    api: &SharedApi,
    caller: &Caller,
    query: &ResourceQuery,
) -> Result<Option<LibraryQuery>, ApiError> {
    let Some(reference) = &query.library else { return Ok(None) };
    let (name, version) = (reference.query.as_str(), reference.version);
    match visible(api, caller, name, version).await? {
        Some(found) => Ok(Some(found)),
        None => Err(refused(api, caller, name).await),
    }
}

/// The same, for what was looked up already.
pub(crate) async fn check(
    api: &SharedApi,
    caller: &Caller,
    query: &ResourceQuery,
    found: Option<(Option<Role>, Option<LibraryQuery>)>,
) -> Result<Option<LibraryQuery>, ApiError> {
    let Some(reference) = &query.library else { return Ok(None) };
    match found {
        Some((Some(_), Some(document))) => Ok(Some(document)),
        _ => Err(refused(api, caller, reference.query.as_str()).await),
    }
}

async fn refused(api: &SharedApi, caller: &Caller, name: &str) -> ApiError {
    api.audit.denied(caller.record("access.denied", None, json!({ "query": name, "needed": "viewer" }))).await;
    ApiError::LibraryQueryNotAllowed { query: name.to_owned() }
}

/// What is asked in the end, and the values of all its expressions: of a query's own statement, or of the library's.
pub(crate) fn resolve(
    query: ResourceQuery,
    library: Option<LibraryQuery>,
    sent: BTreeMap<String, Value>,
    user: &User,
    (environment, by): (&str, UsedBy),
) -> Result<(ResourceQuery, BTreeMap<String, Value>), ApiError> {
    let given = bind(&query, sent, user, environment)?;
    let Some(library) = library else { return Ok((query, given)) };
    let values = library.values(&query, by, &given);
    let values =
        values.map_err(|error| ApiError::Conflict { code: "library-query-misfit", detail: error.to_string() })?;
    let bound = bind(&library.query, values, user, environment)?;
    Ok((library.query, bound))
}
