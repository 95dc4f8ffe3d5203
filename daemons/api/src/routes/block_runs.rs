//! A single block from the editor, with sample inputs. Nothing of it is stored but the audit record.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bulkhead_model::environment::visible;
use bulkhead_model::library_query::UsedBy;
use bulkhead_model::query::ResourceQuery;
use bulkhead_model::workflow::{Block, CodeBlock, OWN_EXPRESSION, QueryBlock, WorkflowDocument};
use bulkhead_model::{Libraries, Name, Role, Slug, WorkflowId};
use bulkhead_rpc::backend::{Token, TokenRequest};
use bulkhead_rpc::connector::QueryResult;
use bulkhead_rpc::executor::{BlockSpec, CodeLimits, RunEvent, RunRequest, Work};
use http::{HeaderValue, Method, header};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::app_queries::{Asked, Permitted, fresh, is_bound_here, person, run_statement};
use super::documents::{require_resources, require_valid};
use super::json::Json;
use super::last::Last;
use super::library_sets;
use super::library_use::{load, of_workflow, require_environment_for, require_library, role_to_build, role_to_use};
use crate::auth::guard::{require_environment, require_resource};
use crate::auth::{Caller, Editor, On, WorkflowKind};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Runs one block.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunBlockRequest {
    /// The document as it stands in the editor; the saved draft when absent.
    #[serde(default)]
    document: Option<WorkflowDocument>,
    /// Variables that the block sees: `trigger`, and results by the names of their blocks.
    #[serde(default)]
    inputs: BTreeMap<String, Value>,
    /// In which environment; the default one when absent.
    #[serde(default)]
    environment: Option<Slug>,
}

/// The id of the step that evaluates a block's expressions.
const EXPRESSIONS: &str = "expressions";
/// Whose runs those are that no person has asked for.
pub(super) const COMMAND_LINE: &str = "command line";
/// The longest answer to that step, in bytes.
const MAX_VALUES_BYTES: usize = 8 * 1024 * 1024;

/// Runs one block of a workflow's draft: code, a branch or a response as a stream of events, a query as its result.
#[utoipa::path(post, path = "/workflows/{slug}/blocks/{block}/run", tag = "workflows", operation_id = "runBlock", params(("slug" = Slug, Path), ("block" = Name, Path)), request_body = RunBlockRequest, responses(
    (status = 200, description = "`application/x-ndjson`: one event a line. `application/json`: a query's result", content(
        (RunEvent = "application/x-ndjson"),
        (QueryResult = "application/json"),
    )),
    (status = 422, description = "`document-invalid`, `expression-failed`, `query-failed`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn run(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
    Last(block): Last,
    Json(request): Json<RunBlockRequest>,
) -> Result<Response, ApiError> {
    let (work, document) = sound_block(&api, on.id, request.document, &block).await?;
    let tenant = tenant(&on.caller);
    let wanted = request.environment.as_ref().map(Slug::as_str);
    let environment = require_environment(&api, &on.caller, wanted, on.role).await?;
    let mut inputs = request.inputs;
    inputs.insert("environment".to_owned(), visible(&environment.name));
    let detail = json!({ "block": block, "environment": environment.name });
    let record = on.caller.record("workflow.block.run", Some(("workflow", on.id.0)), detail);
    match work {
        Block::Query(query) => {
            let library = load(&api, &on.caller, &query.query, Role::Viewer).await?.map(fresh);
            let environment = require_environment_for(&api, &on.caller, wanted, on.role, &query.query).await?;
            let needed = role_to_build(&query.query);
            let resource = require_resource(&api, &on.caller, query.query.resource.as_str(), needed).await?;
            let user = person(&on.caller)?.clone();
            let values = evaluate(&api, tenant, &query, inputs).await?;
            // Whoever writes a query wants to see what it does now.
            let query = ResourceQuery { cache_seconds: 0, ..query.query };
            let asked = Asked { query, library, sent: values, hidden: Vec::new(), by: UsedBy::Workflow };
            run_statement(&api, Permitted { record, user, resource, environment, asked }).await
        }
        Block::Code(CodeBlock { language, source, timeout_ms, .. }) => {
            let user = person(&on.caller)?.id;
            // `query()` and `functions` from this code run queries of the saved draft: whoever may run them must be allowed to.
            let draft = api.database.workflow_draft(on.id).await?;
            require_resources(&api, &on.caller, draft.document.queries_of_code()).await?;
            let role = role_to_use(&api, &on.caller, on.role, draft.document.queries_of_code()).await?;
            let environment = require_environment(&api, &on.caller, wanted, role).await?;
            require_library(&api, &on.caller, UsedBy::Workflow, of_workflow(&draft.document)).await?;
            let libraries = library_sets::resolve(&api, &document.libraries.of(language)).await?;
            let (workflow, revision, environment) = (on.id, draft.revision, environment.id);
            let draft = TokenRequest { workflow, user, revision, environment };
            let token: Token = api.backend.call(Method::POST, "/v1/tokens", &draft).await?;
            let limits = CodeLimits { wall_ms: timeout_ms, ..CodeLimits::default() };
            let spec = BlockSpec::new(block, Work::code_of(&document, language, source), limits);
            api.audit.write(record).await?;
            execute(&api, tenant, Some(token.token), libraries, inputs, spec).await
        }
        Block::Branch(branch) => {
            api.audit.write(record).await?;
            let spec = expression(block, "condition", branch.condition);
            execute(&api, tenant, None, Libraries::default(), inputs, spec).await
        }
        Block::Response(response) => {
            api.audit.write(record).await?;
            let spec = expression(block, "body", response.body);
            execute(&api, tenant, None, Libraries::default(), inputs, spec).await
        }
        // What the others do has an effect on a run, or is done in one alone: here their expressions are evaluated.
        other => {
            let mut expressions = other.expressions();
            if let Some(own) = expressions.remove(OWN_EXPRESSION) {
                expressions.insert("value".to_owned(), own);
            }
            api.audit.write(record).await?;
            let spec = BlockSpec::new(block, Work::Expressions { expressions }, CodeLimits::default());
            execute(&api, tenant, None, Libraries::default(), inputs, spec).await
        }
    }
}

/// A block as it stands in the document that was sent, or in the saved draft, and the document without it.
pub(super) async fn sound_block(
    api: &SharedApi,
    workflow: WorkflowId,
    sent: Option<WorkflowDocument>,
    block: &str,
) -> Result<(Block, WorkflowDocument), ApiError> {
    let mut document = match sent {
        Some(document) => document,
        None => api.database.workflow_draft(workflow).await?.document,
    };
    // The rest of the document may be half edited; only the block itself must be sound.
    let own = format!("blocks.{block}");
    let faults =
        document.validate().into_iter().filter(|fault| fault.path.starts_with(&format!("{own}.")) || fault.path == own);
    require_valid(
        faults
            .filter(|fault| {
                !fault.message.contains("runs before this one") && !fault.message.starts_with("no edge leads")
            })
            .collect(),
    )?;
    let work = document.blocks.remove(block).ok_or(ApiError::NotFound)?;
    Ok((work, document))
}

/// One person's blocks wait behind one another and hold up nobody else's.
pub(super) fn tenant(caller: &Caller) -> String {
    caller.user.as_ref().map_or_else(|| COMMAND_LINE.to_owned(), |user| format!("user {}", user.id))
}

fn expression(block: String, key: &str, source: String) -> BlockSpec {
    let expressions = BTreeMap::from([(key.to_owned(), source)]);
    BlockSpec::new(block, Work::Expressions { expressions }, CodeLimits::default())
}

/// Streams code-executor's events through. Dropping the answer ends the run.
pub(super) async fn execute(
    api: &SharedApi,
    tenant: String,
    token: Option<String>,
    libraries: Libraries,
    inputs: BTreeMap<String, Value>,
    block: BlockSpec,
) -> Result<Response, ApiError> {
    let request = RunRequest { token, draft: true, tenant, libraries, inputs, blocks: vec![block] };
    let answer = api.executor.stream(Method::POST, "/v1/run", &request).await?;
    let mut response = Response::new(Body::new(answer.into_body()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// The value of each expression of a query block, computed in the sandbox.
pub(super) async fn evaluate(
    api: &SharedApi,
    tenant: String,
    block: &QueryBlock,
    inputs: BTreeMap<String, Value>,
) -> Result<BTreeMap<String, Value>, ApiError> {
    let expressions = block.query.expressions().map_err(|error| ApiError::invalid(error.to_string(), Vec::new()))?;
    let foreign = expressions.into_iter().filter(|expression| !is_bound_here(expression));
    let expressions: BTreeMap<String, String> = foreign.map(|text| (text.clone(), text)).collect();
    if expressions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let spec = BlockSpec::new(EXPRESSIONS, Work::Expressions { expressions }, CodeLimits::default());
    let request = RunRequest { tenant, inputs, blocks: vec![spec], ..RunRequest::default() };
    let answer = api.executor.stream(Method::POST, "/v1/run", &request).await?;
    let body = http_body_util::Limited::new(answer.into_body(), MAX_VALUES_BYTES).collect().await;
    let body = body
        .map_err(|source| ApiError::Internal { operation: "reading the values of expressions", source })?
        .to_bytes();
    let malformed = ApiError::internal::<serde_json::Error>("reading the values of expressions");
    let events = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(serde_json::from_slice);
    let events: Vec<RunEvent> = events.collect::<Result<_, _>>().map_err(malformed)?;
    let result =
        events.into_iter().find_map(|event| if let RunEvent::Result(result) = event { Some(result) } else { None });
    let result =
        result.ok_or_else(|| ApiError::internal::<String>("reading the values of expressions")("no result".into()))?;
    if let Some(error) = result.error {
        return Err(ApiError::Unprocessable { code: "expression-failed", detail: error.message, faults: Vec::new() });
    }
    serde_json::from_value(result.value).map_err(ApiError::internal("reading the values of expressions"))
}
