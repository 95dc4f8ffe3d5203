//! How a resource would run a query that stands in an editor, saved or not. A plan tells what a statement says, so whoever may write it
//! may ask: an editor of its resource, and of the query of the library that it refers to.

use std::collections::BTreeMap;

use axum::extract::State;
use bulkhead_model::library_query::UsedBy;
use bulkhead_model::query::ResourceQuery;
use bulkhead_model::workflow::{Block, WorkflowDocument};
use bulkhead_model::{Name, ResourceId, Role, Slug};
use bulkhead_rpc::connector::{ExplainRequest, Plan, QueryRequest};
use bulkhead_store::audit::AuditRecord;
use bulkhead_store::environments::EnvironmentUse;
use bulkhead_store::identity::User;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::app_queries::{Asked, person};
use super::block_runs::{evaluate, sound_block, tenant};
use super::documents::require_valid;
use super::json::Json;
use super::last::Last;
use super::library_use::{load, resolve};
use crate::auth::guard::{require_environment, require_resource};
use crate::auth::{AppKind, Editor, On, WorkflowKind};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// A query of an app to explain.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainQueryRequest {
    /// The query.
    query: ResourceQuery,
    /// The value of each expression, by its text.
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
    /// Whether to run it, to measure its steps. For queries that read.
    #[serde(default)]
    analyze: bool,
    /// In which environment; the default one when absent.
    #[serde(default)]
    environment: Option<Slug>,
}

/// A query block to explain.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainBlockRequest {
    /// The document as it stands in the editor; the saved draft when absent.
    #[serde(default)]
    document: Option<WorkflowDocument>,
    /// Variables that the block sees: `trigger`, and results by the names of their blocks.
    #[serde(default)]
    inputs: BTreeMap<String, Value>,
    /// Whether to run it, to measure its steps. For queries that read.
    #[serde(default)]
    analyze: bool,
    /// In which environment; the default one when absent.
    #[serde(default)]
    environment: Option<Slug>,
}

/// Explains a query as it stands in the builder. Needs the role editor on its resource too, and on the query of the library that it refers to.
#[utoipa::path(post, path = "/apps/{slug}/queries/explain", tag = "apps", operation_id = "explainQuery", params(("slug" = Slug, Path)), request_body = ExplainQueryRequest, responses(
    (status = 200, description = "The plan", body = Plan),
    (status = 422, description = "`explain-unsupported` by this kind of resource, `statement-unsupported` (a write is not analyzed), `document-invalid`, `parameter-missing`, `query-failed`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn query(
    State(api): State<SharedApi>,
    on: On<AppKind, Editor>,
    Json(request): Json<ExplainQueryRequest>,
) -> Result<Json<Plan>, ApiError> {
    let ExplainQueryRequest { query, parameters, analyze, environment } = request;
    let user = person(&on.caller)?;
    require_valid(query.validate("query"))?;
    let library = load(&api, &on.caller, &query, Role::Editor).await?;
    let resource = require_resource(&api, &on.caller, query.resource.as_str(), Role::Editor).await?;
    let wanted = environment.as_ref().map(Slug::as_str);
    let environment = require_environment(&api, &on.caller, wanted, on.role).await?;
    let (name, place) = (&environment.name, (resource, &environment));
    let detail =
        json!({ "resource": query.resource.as_str(), "version": "unsaved", "analyze": analyze, "environment": name });
    let record = on.caller.record("app.query.explain", Some(("app", on.id.0)), detail);
    let asked = Asked { query, library, sent: parameters, hidden: Vec::new(), by: UsedBy::App };
    explain(&api, record, user, place, asked, analyze).await
}

/// Explains a query block as it stands in the editor. Needs the role editor on its resource too, and on the query of the library that it refers to.
#[utoipa::path(post, path = "/workflows/{slug}/blocks/{block}/explain", tag = "workflows", operation_id = "explainBlock", params(("slug" = Slug, Path), ("block" = Name, Path)), request_body = ExplainBlockRequest, responses(
    (status = 200, description = "The plan", body = Plan),
    (status = 422, description = "`no-query`, `explain-unsupported` by this kind of resource, `statement-unsupported` (a write is not analyzed), `document-invalid`, `expression-failed`, `query-failed`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn block(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
    Last(block): Last,
    Json(request): Json<ExplainBlockRequest>,
) -> Result<Json<Plan>, ApiError> {
    let ExplainBlockRequest { document, inputs, analyze, environment } = request;
    let (Block::Query(asked), _) = sound_block(&api, on.id, document, &block).await? else {
        let detail = format!("block `{block}` is no query: only queries are explained");
        return Err(ApiError::Unprocessable { code: "no-query", detail, faults: Vec::new() });
    };
    let user = person(&on.caller)?;
    let library = load(&api, &on.caller, &asked.query, Role::Editor).await?;
    let resource = require_resource(&api, &on.caller, asked.query.resource.as_str(), Role::Editor).await?;
    let wanted = environment.as_ref().map(Slug::as_str);
    let environment = require_environment(&api, &on.caller, wanted, on.role).await?;
    let values = evaluate(&api, tenant(&on.caller), &asked, inputs).await?;
    let detail = json!({ "block": block, "analyze": analyze, "environment": environment.name });
    let record = on.caller.record("workflow.block.explain", Some(("workflow", on.id.0)), detail);
    let asked = Asked { query: asked.query, library, sent: values, hidden: Vec::new(), by: UsedBy::Workflow };
    explain(&api, record, user, (resource, &environment), asked, analyze).await
}

/// Binds, records and asks.
async fn explain(
    api: &SharedApi,
    record: AuditRecord,
    user: &User,
    (resource, environment): (ResourceId, &EnvironmentUse),
    asked: Asked,
    analyze: bool,
) -> Result<Json<Plan>, ApiError> {
    let Asked { query, library, sent, by, .. } = asked;
    let (query, parameters) = resolve(query, library, sent, user, (&environment.name, by))?;
    let query = QueryRequest::of((resource, environment.id), &query, parameters).asked_by(user.id);
    let request = ExplainRequest { query, analyze };
    api.audit.write(record).await?;
    Ok(Json(api.connector.call(Method::POST, "/v1/explain", &request).await?))
}
