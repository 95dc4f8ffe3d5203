//! Files on their way into a table of the built-in database: sent in pieces, looked at, and imported at once.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bulkhead_model::{Fault, Role, Slug};
use bulkhead_rpc::tables::{Ask, ImportBegun, ImportLook, ImportName, ImportOutcome, ImportPiece, ImportRun};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::json::Json;
use super::tables::{TablesDone, ask, require_tables};
use crate::auth::{Editor, On, ResourceKind};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// The longest name of a file's column, in bytes.
const MAX_NAME_BYTES: usize = 200;

/// A file that is about to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeginImportRequest {
    /// The names of its columns.
    columns: Vec<String>,
}

/// The import in the path, as the caller's own: nobody else's is found.
fn named(on: &On<ResourceKind, Editor>, Path((_, import)): &Path<(String, String)>) -> Result<ImportName, ApiError> {
    let id = import.parse().map_err(|_| ApiError::NotFound)?;
    Ok(ImportName { id, owner: owner(on) })
}

fn owner(on: &On<ResourceKind, Editor>) -> String {
    on.caller.user_id().map_or_else(|| "root".to_owned(), |user| user.to_string())
}

/// Begins to import a file.
#[utoipa::path(post, path = "/resources/{name}/tables/imports", tag = "tables", operation_id = "beginTableImport", params(("name" = Slug, Path)), request_body = BeginImportRequest, responses(
    (status = 201, description = "Send its rows", body = ImportBegun),
    (status = 422, description = "`import-invalid`, `not-built-in`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn begin(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Editor>,
    Json(request): Json<BeginImportRequest>,
) -> Result<Response, ApiError> {
    require_tables(&api, &on).await?;
    let columns = request.columns;
    if columns.iter().any(|name| name.len() > MAX_NAME_BYTES || name.contains('\0')) {
        let detail = format!("a column's name has {MAX_NAME_BYTES} bytes at most and no NUL");
        return Err(ApiError::invalid(detail.clone(), vec![Fault::new("columns", detail)]));
    }
    let record = on.caller.record("tables.import.begin", Some(("resource", on.id.0)), json!({ "resource": on.name }));
    let begin = Ask::BeginImport { owner: owner(&on), columns };
    let begun: ImportBegun = api.audit.around(record, ask(&api, &on, begin)).await?;
    Ok((StatusCode::CREATED, Json(begun)).into_response())
}

/// Sends rows of the file. Sent again, they are the same rows.
#[utoipa::path(put, path = "/resources/{name}/tables/imports/{import}/rows", tag = "tables", operation_id = "sendImportRows", params(("name" = Slug, Path), ("import" = Uuid, Path)), request_body = ImportPiece, responses(
    (status = 200, description = "They are kept", body = TablesDone),
    (status = 422, description = "`import-unknown`, `import-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn add(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Editor>,
    path: Path<(String, String)>,
    Json(piece): Json<ImportPiece>,
) -> Result<Json<TablesDone>, ApiError> {
    require_tables(&api, &on).await?;
    let _: Value = ask(&api, &on, Ask::ImportRows { import: named(&on, &path)?, piece }).await?;
    Ok(Json(TablesDone {}))
}

/// What the columns of the file may be.
#[utoipa::path(get, path = "/resources/{name}/tables/imports/{import}", tag = "tables", operation_id = "lookAtImport", params(("name" = Slug, Path), ("import" = Uuid, Path)), responses(
    (status = 200, description = "As all of its rows tell", body = ImportLook),
    (status = 422, description = "`import-unknown`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn look(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Editor>,
    path: Path<(String, String)>,
) -> Result<Json<ImportLook>, ApiError> {
    require_tables(&api, &on).await?;
    Ok(Json(ask(&api, &on, Ask::LookAtImport { import: named(&on, &path)? }).await?))
}

/// Imports the rows in one transaction, or tells which of them do not fit. A table is made for them by admins of the resource.
#[utoipa::path(post, path = "/resources/{name}/tables/imports/{import}", tag = "tables", operation_id = "runImport", params(("name" = Slug, Path), ("import" = Uuid, Path)), request_body = ImportRun, responses(
    (status = 200, description = "What it did, or would do", body = ImportOutcome),
    (status = 409, description = "`table-busy`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`import-unknown`, `import-invalid`, `table-unknown`, `change-invalid`, `query-failed`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn run(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Editor>,
    path: Path<(String, String)>,
    Json(run): Json<ImportRun>,
) -> Result<Json<ImportOutcome>, ApiError> {
    require_tables(&api, &on).await?;
    if run.create.is_some() && on.role < Role::Admin {
        return Err(ApiError::RoleTooLow { needed: Role::Admin });
    }
    let detail = json!({
        "resource": on.name, "table": run.table.to_string(), "rows": run.rows, "create": run.create.is_some(),
        "left_out": run.accept_rejected,
    });
    let record = on.caller.record("tables.import", Some(("resource", on.id.0)), detail);
    let import = named(&on, &path)?;
    let is_look = run.accept_rejected.is_none();
    let work = ask(&api, &on, Ask::Import { import, run });
    if is_look {
        return Ok(Json(work.await?));
    }
    let mut refused = record.clone();
    let outcome: ImportOutcome = api.audit.around(record, work).await?;
    if !outcome.imported {
        refused.detail["failed"] = json!("rows-rejected");
        api.audit.denied(refused).await;
    }
    Ok(Json(outcome))
}

/// Forgets the rows of a file that was not imported.
#[utoipa::path(delete, path = "/resources/{name}/tables/imports/{import}", tag = "tables", operation_id = "forgetImport", params(("name" = Slug, Path), ("import" = Uuid, Path)), responses(
    (status = 200, description = "They are gone", body = TablesDone),
    (status = 422, description = "`import-unknown`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn forget(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Editor>,
    path: Path<(String, String)>,
) -> Result<Json<TablesDone>, ApiError> {
    require_tables(&api, &on).await?;
    let _: Value = ask(&api, &on, Ask::DropImport { import: named(&on, &path)? }).await?;
    Ok(Json(TablesDone {}))
}
