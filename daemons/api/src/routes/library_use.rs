//! References to queries of the library: whether they fit, whether the caller may use them and where, and what they stand for.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use bulkhead_model::app::AppDocument;
use bulkhead_model::library_query::{LibraryQuery, UsedBy};
use bulkhead_model::query::ResourceQuery;
use bulkhead_model::workflow::{Block, WorkflowDocument};
use bulkhead_model::{EnvironmentId, Fault, LibraryQueryId, Role, Slug, WorkflowId};
use bulkhead_store::access::ObjectKind;
use bulkhead_store::environments::EnvironmentUse;
use bulkhead_store::identity::User;
use serde_json::{Value, json};

use super::app_queries::bind;
use super::documents::require_valid;
use crate::auth::Caller;
use crate::auth::guard::require_environment;
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Workflows that are looked at to see what a run leads to; who starts one that leads further counts as a viewer.
const MOST_WORKFLOWS: usize = 200;

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

/// The workflows that a run of this one may start, in its environment.
pub(crate) fn started_by(document: &WorkflowDocument) -> BTreeSet<&Slug> {
    let blocks = document.blocks.values().filter_map(|block| match block {
        Block::Workflow(block) => Some(&block.workflow),
        _ => None,
    });
    blocks.chain(&document.on_failure).collect()
}

/// The role that counts where an environment is for those who build. Anybody may make an app or a workflow, is its administrator, and
/// may refer to a query of the library as its viewer: so what counts is the lower of `role` there, and the higher of those on the query
/// and on its resource.
pub(crate) async fn role_to_use<'a>(
    api: &SharedApi,
    caller: &Caller,
    role: Role,
    queries: impl Iterator<Item = &'a ResourceQuery>,
) -> Result<Role, ApiError> {
    let (user, is_admin) = caller.viewer();
    let references =
        queries.filter_map(|query| Some((query.library.as_ref()?.query.as_str(), query.resource.as_str())));
    for (query, resource) in references.collect::<BTreeSet<_>>() {
        let of_query = api.database.access(ObjectKind::Query, query, user, is_admin).await?;
        let of_resource = api.database.access(ObjectKind::Resource, resource, user, is_admin).await?;
        if of_query.into_iter().chain(of_resource).all(|access| access.role < Role::Editor) {
            return Ok(Role::Viewer);
        }
    }
    Ok(role)
}

/// The same, for what a run of a workflow leads to.
pub(crate) async fn role_to_start(
    api: &SharedApi,
    caller: &Caller,
    role: Role,
    document: &WorkflowDocument,
) -> Result<Role, ApiError> {
    let mut found = role_to_use(api, caller, role, of_workflow(document).map(|(_, query)| query)).await?;
    let mut pending: Vec<Slug> = started_by(document).into_iter().cloned().collect();
    let mut seen: BTreeSet<Slug> = pending.iter().cloned().collect();
    while let Some(slug) = pending.pop() {
        if found == Role::Viewer || seen.len() > MOST_WORKFLOWS {
            return Ok(Role::Viewer);
        }
        let Some((id, version)) = api.database.released_workflow(slug.as_str()).await? else { continue };
        let document = api.database.workflow_release(id, version).await?;
        found = role_to_use(api, caller, found, of_workflow(&document).map(|(_, query)| query)).await?;
        pending.extend(started_by(&document).into_iter().filter(|other| seen.insert((*other).clone())).cloned());
    }
    Ok(found)
}

/// Requires the right to use an environment for a query, with `role` on the app or workflow that it is of.
pub(crate) async fn require_environment_for(
    api: &SharedApi,
    caller: &Caller,
    name: Option<&str>,
    role: Role,
    query: &ResourceQuery,
) -> Result<EnvironmentUse, ApiError> {
    let found = require_environment(api, caller, name, role).await?;
    // The default one is everybody's.
    if found.id == EnvironmentId::DEFAULT {
        return Ok(found);
    }
    let role = role_to_use(api, caller, role, std::iter::once(query)).await?;
    require_environment(api, caller, name, role).await
}

/// Requires the right to use an environment for a run of this version of a workflow.
pub(crate) async fn require_environment_of_run(
    api: &SharedApi,
    caller: &Caller,
    name: Option<&str>,
    role: Role,
    (workflow, version): (WorkflowId, i32),
) -> Result<EnvironmentUse, ApiError> {
    let found = require_environment(api, caller, name, role).await?;
    if found.id == EnvironmentId::DEFAULT {
        return Ok(found);
    }
    let document = api.database.workflow_release(workflow, version).await?;
    let role = role_to_start(api, caller, role, &document).await?;
    require_environment(api, caller, name, role).await
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
            Entry::Vacant(place) => place.insert(visible(api, caller, key, Role::Viewer).await?),
        };
        match found {
            Some(document) => faults.extend(document.faults_of_use(query, by, &path)),
            None => faults.push(Fault::new(format!("{path}.library.query"), unknown(reference.query.as_str()))),
        }
    }
    require_valid(faults)
}

/// What a reference means, if the caller has the role `needed` there.
async fn visible(
    api: &SharedApi,
    caller: &Caller,
    (name, version): (&str, Option<i32>),
    needed: Role,
) -> Result<Option<LibraryQuery>, ApiError> {
    let (user, is_admin) = caller.viewer();
    let access = api.database.access(ObjectKind::Query, name, user, is_admin).await?;
    let Some(access) = access.filter(|access| access.role >= needed) else { return Ok(None) };
    let release = api.database.library_release(name, version).await?;
    Ok(release.filter(|release| release.id == LibraryQueryId(access.id)).map(|release| release.document))
}

fn unknown(name: &str) -> String {
    format!(
        "there is no released query `{name}` in the library that you may use: choose another, or ask whoever keeps it"
    )
}

/// The query of the library that `query` refers to, for whoever is about to run it (viewers may) or to see what it does; nothing where it
/// refers to none.
pub(crate) async fn load(
    api: &SharedApi,
    caller: &Caller,
    query: &ResourceQuery,
    needed: Role,
) -> Result<Option<LibraryQuery>, ApiError> {
    let Some(reference) = &query.library else { return Ok(None) };
    let name = reference.query.as_str();
    match visible(api, caller, (name, reference.version), needed).await? {
        Some(found) => Ok(Some(found)),
        None => Err(refused(api, caller, name, needed).await),
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
        _ => Err(refused(api, caller, reference.query.as_str(), Role::Viewer).await),
    }
}

async fn refused(api: &SharedApi, caller: &Caller, name: &str, needed: Role) -> ApiError {
    api.audit.denied(caller.record("access.denied", None, json!({ "query": name, "needed": needed.as_str() }))).await;
    ApiError::LibraryQueryNotAllowed { query: name.to_owned(), needed }
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
