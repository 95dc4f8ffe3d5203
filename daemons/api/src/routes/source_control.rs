//! Source Control: the repository, what differs from it, and the work that people ask jobs-runner for. For administrators.
//!
//! This daemon never speaks to git. It writes the secret sealed and jobs as rows, and compares documents with what jobs-runner has
//! stored of the repository.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use bulkhead_model::source_control::{
    MAX_MESSAGE, Remote, SourceControlConfig, SourceControlSecret, Transport, is_branch,
};
use bulkhead_model::{Fault, Slug};
use bulkhead_store::source_control::{SourceControl as Stored, SourceControlJob as StoredJob};
use bulkhead_store::source_documents::{LocalDocument, UpstreamDocument};
use bulkhead_tree::{Files, Key, Standing, digest};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::documents::require_valid;
use super::host_key::HostKey;
use super::json::Json;
use super::last::Last;
use crate::auth::{Admin, Administrator, AppKind, Caller, On};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Jobs that are listed.
const LISTED_JOBS: i64 = 20;
/// Documents that one commit may take.
const MAX_DOCUMENTS: usize = 5000;

/// The repository, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct Repository {
    /// The settings.
    config: SourceControlConfig,
    /// The fingerprint of the confirmed key, for SSH.
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    /// The commit at the end of the branch, when it was fetched last.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    fetched_at: Option<OffsetDateTime>,
}

/// A document that is not the same on both sides.
#[derive(Serialize, ToSchema)]
pub(crate) struct DocumentChange {
    /// Its folder: `apps/refunds`.
    key: String,
    /// Its title, or its name.
    title: String,
    /// What became of it since both sides had the same.
    #[schema(value_type = String)]
    standing: Standing,
    /// Why what the repository has is no document.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

/// Where Source Control stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct SourceControlStatus {
    /// The repository; absent where none is connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<Repository>,
    /// What is not the same on both sides, by key.
    changes: Vec<DocumentChange>,
    /// How many documents are the same.
    unchanged: usize,
    /// The newest jobs.
    jobs: Vec<SourceControlJob>,
}

/// Work that somebody asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct SourceControlJob {
    /// The id.
    id: Uuid,
    /// `fetch`, `pull`, `commit` or `branches`.
    kind: String,
    /// `waiting`, `running`, `done` or `failed`.
    status: String,
    /// What it does at the moment.
    progress: String,
    /// Who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_by: Option<String>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    requested_at: OffsetDateTime,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    /// What came of it: `commit` and `branch`, `applied` and `kept`, `branches`, or of a failure `conflicts` or `documents`.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    /// Why it failed, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    /// Why it failed, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<StoredJob> for SourceControlJob {
    fn from(job: StoredJob) -> Self {
        let (error_code, error) = job.error.unzip();
        Self {
            id: job.id,
            kind: job.kind,
            status: job.status,
            progress: job.progress,
            requested_by: job.requested_by,
            requested_at: job.requested_at,
            finished_at: job.finished_at,
            result: job.result,
            error_code,
            error,
        }
    }
}

/// Settings of the repository.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectRequest {
    /// The settings, with the key that was confirmed.
    config: SourceControlConfig,
    /// What logs in; the stored one stays when absent, which is refused where the server is another one.
    #[serde(default)]
    secret: Option<SourceControlSecret>,
}

/// Where a repository is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerRequest {
    /// The repository's address.
    url: String,
}

/// Where its server is.
#[derive(Serialize, ToSchema)]
pub(crate) struct RepositoryServer {
    /// `ssh` or `https`.
    transport: &'static str,
    /// Host name or address.
    host: String,
    /// TCP port.
    port: u16,
}

/// What to commit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommitRequest {
    /// What it changes. The first line is its title.
    message: String,
    /// The keys of the documents.
    documents: Vec<String>,
    /// A branch to create for it, in the place of the connection's own.
    #[serde(default)]
    new_branch: Option<String>,
}

/// Whose document counts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PullChoice {
    /// What is here stays.
    Mine,
    /// What the repository has is taken.
    Theirs,
}

/// What to pull.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PullRequest {
    /// For each document that was changed on both sides, by its key, which one counts.
    #[serde(default)]
    choices: BTreeMap<String, PullChoice>,
    /// The commit that the choices were made at.
    #[serde(default)]
    head: Option<String>,
}

/// A document to compare.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompareRequest {
    /// Its key.
    key: String,
}

/// A document on both sides, as files.
#[derive(Serialize, ToSchema)]
pub(crate) struct Comparison {
    /// What is here, texts by path; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    here: Option<BTreeMap<String, String>>,
    /// What the repository has.
    #[serde(skip_serializing_if = "Option::is_none")]
    there: Option<BTreeMap<String, String>>,
}

/// Whether an app is protected.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProtectRequest {
    /// Whether its draft changes by pulls alone.
    is_protected: bool,
}

/// Where Source Control stands: the repository, what differs from it as of the last fetch, and the newest jobs.
#[utoipa::path(get, path = "/source-control", tag = "source-control", operation_id = "getSourceControl", responses((status = 200, description = "The state", body = SourceControlStatus)))]
pub(crate) async fn show(
    State(api): State<SharedApi>,
    _: Administrator,
) -> Result<Json<SourceControlStatus>, ApiError> {
    let repository = api.database.source_control().await?.map(Repository::of);
    let local = api.database.local_documents().await?;
    let there = api.database.upstream_documents().await?;
    let (changes, unchanged) = tokio::task::spawn_blocking(move || compare(&local, &there))
        .await
        .map_err(ApiError::internal("comparing documents"))?;
    let jobs = api.database.source_control_jobs(LISTED_JOBS).await?.into_iter().map(SourceControlJob::from).collect();
    Ok(Json(SourceControlStatus { repository, changes, unchanged, jobs }))
}

/// Connects a repository, or changes the connection. Nothing is fetched yet.
#[utoipa::path(put, path = "/source-control", tag = "source-control", operation_id = "connectSourceControl", request_body = ConnectRequest, responses(
    (status = 200, description = "Connected", body = Repository),
    (status = 409, description = "`seal-key-missing`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`secret-needed`, `document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn connect(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Json(request): Json<ConnectRequest>,
) -> Result<Json<Repository>, ApiError> {
    let ConnectRequest { mut config, secret } = request;
    let mut faults = config.validate();
    faults.extend(secret.iter().flat_map(|secret| secret.validate(&config)));
    match config.host_key.as_deref().map(str::parse::<HostKey>).transpose() {
        Ok(key) => config.host_key = key.map(HostKey::into_text),
        Err(message) => faults.push(Fault::new("config.host-key", message)),
    }
    require_valid(faults)?;
    let stored = api.database.source_control().await?;
    let id = match (&secret, &stored) {
        (Some(_), _) => Uuid::now_v7(),
        (None, Some(stored)) if stored.config.keeps_secret(&config) => stored.id,
        (None, _) => {
            let detail = "the server is a new one or shows another key: enter the key or the token for it";
            let faults = vec![Fault::new("secret", detail)];
            return Err(ApiError::Unprocessable { code: "secret-needed", detail: detail.to_owned(), faults });
        }
    };
    let sealed = secret.as_ref().map(|secret| api.seal_source_control_secret(id, secret)).transpose()?;
    let fingerprint = fingerprint(&config);
    let detail =
        json!({ "url": config.url, "branch": config.branch, "host_key": fingerprint, "secret": sealed.is_some() });
    let record = caller.record("source-control.connect", None, detail);
    let connected = async { Ok(api.database.connect_source_control(id, &config, sealed.as_deref()).await?) };
    api.audit.around(record, connected).await?;
    let stored = api.database.source_control().await?.ok_or(ApiError::NotFound)?;
    Ok(Json(Repository::of(stored)))
}

/// Forgets the repository and its secret. Documents and the repository stay as they are.
#[utoipa::path(delete, path = "/source-control", tag = "source-control", operation_id = "disconnectSourceControl", responses((status = 204, description = "Forgotten")))]
pub(crate) async fn disconnect(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
) -> Result<StatusCode, ApiError> {
    let record = caller.record("source-control.disconnect", None, json!({}));
    api.audit.around(record, async { Ok(api.database.disconnect_source_control().await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where the server of a repository is: its key is read by `/ssh-hosts/host-key`.
#[utoipa::path(post, path = "/source-control/server", tag = "source-control", operation_id = "getRepositoryServer", request_body = ServerRequest, responses(
    (status = 200, description = "The server", body = RepositoryServer),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn server(
    _: Administrator,
    Json(request): Json<ServerRequest>,
) -> Result<Json<RepositoryServer>, ApiError> {
    let remote = request.url.parse::<Remote>().map_err(|message| invalid("config.url", message))?;
    let transport = match remote.transport {
        Transport::Ssh => "ssh",
        Transport::Https => "https",
    };
    Ok(Json(RepositoryServer { transport, host: remote.host, port: remote.port }))
}

/// A document here and in the repository, as files.
#[utoipa::path(post, path = "/source-control/compare", tag = "source-control", operation_id = "compareDocument", request_body = CompareRequest, responses(
    (status = 200, description = "Both sides", body = Comparison),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn compare_one(
    State(api): State<SharedApi>,
    _: Administrator,
    Json(request): Json<CompareRequest>,
) -> Result<Json<Comparison>, ApiError> {
    let key = key(&request.key)?;
    let here = api.database.local_documents().await?.remove(&key).map(|local| texts(local.document.files()));
    let there = api.database.upstream_documents().await?.remove(&key).and_then(|there| there.files);
    Ok(Json(Comparison { here, there }))
}

/// Looks what the repository has now.
#[utoipa::path(post, path = "/source-control/fetch", tag = "source-control", operation_id = "fetchSourceControl", responses((status = 202, description = "Asked for", body = SourceControlJob)))]
pub(crate) async fn fetch(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
) -> Result<(StatusCode, Json<SourceControlJob>), ApiError> {
    ask(&api, &caller, "fetch", "source-control.fetch", json!({})).await
}

/// Asks for the names of the repository's branches.
#[utoipa::path(post, path = "/source-control/branches", tag = "source-control", operation_id = "listBranches", responses((status = 202, description = "Asked for", body = SourceControlJob)))]
pub(crate) async fn branches(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
) -> Result<(StatusCode, Json<SourceControlJob>), ApiError> {
    ask(&api, &caller, "branches", "source-control.branches", json!({})).await
}

/// Commits documents and pushes them, to the connection's branch or to a new one.
#[utoipa::path(post, path = "/source-control/commit", tag = "source-control", operation_id = "commitSourceControl", request_body = CommitRequest, responses(
    (status = 202, description = "Asked for", body = SourceControlJob),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn commit(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Json(request): Json<CommitRequest>,
) -> Result<(StatusCode, Json<SourceControlJob>), ApiError> {
    let CommitRequest { message, documents, new_branch } = request;
    let mut faults = Vec::new();
    if message.trim().is_empty() || message.chars().count() > MAX_MESSAGE || message.contains('\0') {
        faults.push(Fault::new("message", format!("must have 1 to {MAX_MESSAGE} characters")));
    }
    if documents.is_empty() || documents.len() > MAX_DOCUMENTS {
        faults.push(Fault::new("documents", format!("choose 1 to {MAX_DOCUMENTS} documents")));
    }
    if new_branch.as_deref().is_some_and(|name| !is_branch(name)) {
        let message = "is no name of a branch: use letters, digits, `.`, `_`, `-` and `/`";
        faults.push(Fault::new("new_branch", message));
    }
    require_valid(faults)?;
    let documents = documents.iter().map(|text| key(text)).collect::<Result<BTreeSet<_>, _>>()?;
    let request = json!({ "message": message, "documents": documents, "new_branch": new_branch });
    ask(&api, &caller, "commit", "source-control.commit.ask", request).await
}

/// Takes what was changed in the repository. Where both sides were changed, nothing is applied until each such document has a choice.
#[utoipa::path(post, path = "/source-control/pull", tag = "source-control", operation_id = "pullSourceControl", request_body = PullRequest, responses(
    (status = 202, description = "Asked for", body = SourceControlJob),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn pull(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Json(request): Json<PullRequest>,
) -> Result<(StatusCode, Json<SourceControlJob>), ApiError> {
    let PullRequest { choices, head } = request;
    let choices = choices.into_iter().map(|(text, choice)| Ok((key(&text)?, choice)));
    let choices = choices.collect::<Result<BTreeMap<_, _>, ApiError>>()?;
    ask(&api, &caller, "pull", "source-control.pull.ask", json!({ "choices": choices, "head": head })).await
}

/// A job, to follow it.
#[utoipa::path(get, path = "/source-control/jobs/{id}", tag = "source-control", operation_id = "getSourceControlJob", params(("id" = Uuid, Path)), responses((status = 200, description = "The job", body = SourceControlJob)))]
pub(crate) async fn job(
    State(api): State<SharedApi>,
    _: Administrator,
    Last(id): Last,
) -> Result<Json<SourceControlJob>, ApiError> {
    let id = id.parse().map_err(|_| ApiError::NotFound)?;
    Ok(Json(api.database.source_control_job(id).await?.into()))
}

/// Protects an app, or lifts the protection: a protected app's draft changes by pulls alone. For administrators.
#[utoipa::path(put, path = "/apps/{slug}/protection", tag = "source-control", operation_id = "protectApp", params(("slug" = Slug, Path)), request_body = ProtectRequest, responses((status = 204, description = "Done")))]
pub(crate) async fn protect(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    on: On<AppKind, Admin>,
    Json(request): Json<ProtectRequest>,
) -> Result<StatusCode, ApiError> {
    let action = if request.is_protected { "app.protect" } else { "app.unprotect" };
    let record = caller.record(action, Some(("app", on.id.0)), json!({ "slug": on.name }));
    api.audit.around(record, async { Ok(api.database.protect_app(on.id, request.is_protected).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn ask(
    api: &SharedApi,
    caller: &Caller,
    kind: &'static str,
    action: &'static str,
    request: Value,
) -> Result<(StatusCode, Json<SourceControlJob>), ApiError> {
    if api.database.source_control().await?.is_none() {
        let detail = "no repository is connected: connect one first".to_owned();
        return Err(ApiError::Conflict { code: "not-connected", detail });
    }
    let record = caller.record(action, None, request.clone());
    let asked = async { Ok(api.database.request_source_control_job(kind, &request, caller.user_id()).await?) };
    let id = api.audit.around(record, asked).await?;
    Ok((StatusCode::ACCEPTED, Json(api.database.source_control_job(id).await?.into())))
}

impl Repository {
    fn of(stored: Stored) -> Self {
        let Stored { config, head, fetched_at, .. } = stored;
        Self { fingerprint: fingerprint(&config), config, head, fetched_at }
    }
}

fn fingerprint(config: &SourceControlConfig) -> Option<String> {
    let key: HostKey = config.host_key.as_deref()?.parse().ok()?;
    Some(key.fingerprint())
}

/// What differs, and how many documents do not.
fn compare(
    local: &BTreeMap<Key, LocalDocument>,
    there: &BTreeMap<Key, UpstreamDocument>,
) -> (Vec<DocumentChange>, usize) {
    let keys: BTreeSet<&Key> = local.keys().chain(there.keys()).collect();
    let (mut changes, mut unchanged) = (Vec::new(), 0);
    for key in keys {
        let here = local.get(key);
        let there = there.get(key);
        let base = there.and_then(|there| there.base.as_deref());
        let upstream = there.and_then(|there| there.upstream.as_deref());
        let standing = Standing::of(here.map(|here| digest(&here.document.files())).as_deref(), base, upstream);
        if standing == Standing::Same {
            unchanged += usize::from(here.is_some());
            continue;
        }
        let title = here.map_or_else(|| key.slug.to_string(), |here| title(here, key));
        let fault = there.and_then(|there| there.fault.clone());
        changes.push(DocumentChange { key: key.to_string(), title, standing, fault });
    }
    (changes, unchanged)
}

fn title(here: &LocalDocument, key: &Key) -> String {
    match &here.document {
        bulkhead_tree::Document::App(app) => app.title.clone(),
        bulkhead_tree::Document::Query(query) => query.title.clone(),
        bulkhead_tree::Document::Workflow(workflow) => workflow.title.clone(),
        bulkhead_tree::Document::Resource(_) => key.slug.to_string(),
    }
}

fn texts(files: Files) -> BTreeMap<String, String> {
    files.into_iter().map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned())).collect()
}

fn key(text: &str) -> Result<Key, ApiError> {
    Key::try_from(text.to_owned()).map_err(|message| invalid("documents", &message))
}

fn invalid(path: &str, message: &str) -> ApiError {
    let faults = vec![Fault::new(path, message)];
    ApiError::Unprocessable { code: "document-invalid", detail: message.to_owned(), faults }
}
