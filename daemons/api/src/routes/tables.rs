//! The tables of the built-in database, as people see and change them in the studio.
//!
//! Their permissions are those of the resource: whoever was given the role viewer reads rows, editors edit them, admins change the tables
//! themselves. That everybody may use the resource by released queries gives nobody its rows here.

use axum::extract::State;
use axum::response::Response;
use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_model::tables::SchemaChange;
use bulkhead_model::{EnvironmentId, Role, Slug};
use bulkhead_rpc::connector::QueryRequest;
use bulkhead_rpc::tables::{
    Ask, ChangeAsk, ChangePreview, EditAsk, EditOutcome, PATH, RowEdit, RowPage, RowsAsk, TableList, TablesRequest,
    condition, ordered,
};
use bulkhead_store::resources::Resource;
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::app_queries::unprocessable;
use super::exports::{self, ExportOptions, Options, format_of};
use super::json::Json;
use crate::auth::guard::AtLeast;
use crate::auth::{Admin, Editor, On, ResourceKind, Viewer};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// It was done.
#[derive(Serialize, ToSchema)]
pub(crate) struct TablesDone {}

/// The built-in resource. Refuses any other one, and whoever has no role on it but everybody's.
pub(super) async fn require_tables<R: AtLeast>(
    api: &SharedApi,
    on: &On<ResourceKind, R>,
) -> Result<Resource, ApiError> {
    let resource = api.database.resource(on.id).await?;
    if !resource.built_in {
        let detail = format!("`{}` is not built in: its tables are changed by its own tools", on.name);
        return Err(unprocessable("not-built-in", detail));
    }
    if on.role > Role::Viewer {
        return Ok(resource);
    }
    let has_grant = match on.caller.user_id() {
        Some(user) => api.database.given_role(on.id, user).await?.is_some(),
        None => true,
    };
    if has_grant {
        return Ok(resource);
    }
    let detail = json!({ "resource": on.name, "needed": Role::Viewer.as_str() });
    api.audit.denied(on.caller.record("access.denied", None, detail)).await;
    Err(ApiError::ResourceRoleTooLow { resource: on.name.clone(), needed: Role::Viewer })
}

/// Asks db-connector.
pub(super) async fn ask<T: DeserializeOwned, R: AtLeast>(
    api: &SharedApi,
    on: &On<ResourceKind, R>,
    ask: Ask,
) -> Result<T, ApiError> {
    let request = TablesRequest { resource: on.id, ask };
    Ok(api.connector.call(Method::POST, PATH, &request).await?)
}

/// The tables of the built-in database.
#[utoipa::path(get, path = "/resources/{name}/tables", tag = "tables", operation_id = "listTables", params(("name" = Slug, Path)), responses(
    (status = 200, description = "Tables and views", body = TableList),
    (status = 403, description = "`resource-role-too-low`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`not-built-in`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Viewer>,
) -> Result<Json<TableList>, ApiError> {
    require_tables(&api, &on).await?;
    Ok(Json(ask(&api, &on, Ask::List).await?))
}

/// A page of the rows of a table.
#[utoipa::path(post, path = "/resources/{name}/tables/rows", tag = "tables", operation_id = "readTableRows", params(("name" = Slug, Path)), request_body = RowsAsk, responses(
    (status = 200, description = "The rows, as PostgreSQL writes them", body = RowPage),
    (status = 422, description = "`table-unknown`, `column-unknown`, `query-failed`, `not-built-in`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn rows(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Viewer>,
    Json(request): Json<RowsAsk>,
) -> Result<Json<RowPage>, ApiError> {
    require_tables(&api, &on).await?;
    let detail = json!({ "resource": on.name, "table": request.table.to_string(), "offset": request.offset });
    let record = on.caller.record("tables.read", Some(("resource", on.id.0)), detail);
    // Nothing changes, so the record and the rows may be on their way together: the answer still waits for both.
    let (recorded, page) = tokio::join!(api.audit.write(record), ask(&api, &on, Ask::Rows(request)));
    recorded?;
    Ok(Json(page?))
}

/// Exports the rows of a table as a file.
#[utoipa::path(post, path = "/resources/{name}/tables/export", tag = "tables", operation_id = "exportTable", params(("name" = Slug, Path), ExportOptions), request_body = RowsAsk, responses(
    (status = 200, description = "The file, as its rows are read. One that failed has the problem on its last line, and its connection is broken off", body = String, content_type = "application/octet-stream"),
    (status = 403, description = "`export-off`, `resource-role-too-low`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`query-failed`, `not-built-in`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn export(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Viewer>,
    options: Options,
    Json(request): Json<RowsAsk>,
) -> Result<Response, ApiError> {
    let format = format_of(options)?;
    require_tables(&api, &on).await?;
    let invalid = |error: bulkhead_model::tables::SchemaChangeError| unprocessable("table-unknown", error.to_string());
    let (condition, values) = condition(&request.filters, |at| format!("{{{{ value{at} }}}}")).map_err(invalid)?;
    let (table, order) = (request.table.quoted().map_err(invalid)?, ordered(&request.sort).map_err(invalid)?);
    let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
    let names = request.filters.iter().map(|filter| &filter.column).chain(request.sort.iter().map(|sort| &sort.column));
    if names.chain([&request.table.schema, &request.table.name]).any(|name| name.contains("{{")) {
        return Err(unprocessable("table-unknown", "a name with {{ in it cannot be exported: rename it".to_owned()));
    }
    let parameters = values.into_iter().enumerate().map(|(at, value)| (format!("value{at}"), json!(value)));
    let query = QueryRequest {
        resource: on.id,
        environment: EnvironmentId::DEFAULT,
        asked_by: None,
        before: Vec::new(),
        statement: format!("SELECT * FROM {table}{condition}{order}"),
        pages: None,
        change: None,
        operation: None,
        parameters: parameters.collect(),
        mode: QueryMode::Read,
        limits: QueryLimits::default(),
        cache_seconds: 0,
    };
    let detail = json!({ "resource": on.name, "table": request.table.to_string() });
    let record = on.caller.record("tables.export", Some(("resource", on.id.0)), detail);
    let word: String = request.table.name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let word = if word.is_empty() { "rows".to_owned() } else { word };
    exports::stream(&api, record, query, &word, "tables.exported", format).await
}

/// Saves edits of rows, all or none. One of a cell that somebody else has changed meanwhile is told of, and nothing is written over.
#[utoipa::path(post, path = "/resources/{name}/tables/edits", tag = "tables", operation_id = "editTableRows", params(("name" = Slug, Path)), request_body = EditAsk, responses(
    (status = 200, description = "What became of them", body = EditOutcome),
    (status = 409, description = "`table-busy`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`edits-invalid`, `table-unknown`, `column-unknown`, `query-failed`, `not-built-in`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn edit(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Editor>,
    Json(request): Json<EditAsk>,
) -> Result<Json<EditOutcome>, ApiError> {
    require_tables(&api, &on).await?;
    let count = |wanted: fn(&RowEdit) -> bool| request.edits.iter().filter(|edit| wanted(edit)).count();
    let detail = json!({
        "resource": on.name, "table": request.table.to_string(),
        "updates": count(|edit| matches!(edit, RowEdit::Update { .. })),
        "inserts": count(|edit| matches!(edit, RowEdit::Insert { .. })),
        "deletes": count(|edit| matches!(edit, RowEdit::Delete { .. })),
    });
    let record = on.caller.record("tables.edit", Some(("resource", on.id.0)), detail);
    let mut unsaved = record.clone();
    let outcome: EditOutcome = api.audit.around(record, ask(&api, &on, Ask::Edit(request))).await?;
    if !outcome.saved {
        unsaved.detail["failed"] = json!("edits-refused");
        api.audit.denied(unsaved).await;
    }
    Ok(Json(outcome))
}

/// What a change of the tables would be: its SQL, and what it does beside.
#[utoipa::path(post, path = "/resources/{name}/tables/change/preview", tag = "tables", operation_id = "previewTableChange", params(("name" = Slug, Path)), request_body = SchemaChange, responses(
    (status = 200, description = "The SQL", body = ChangePreview),
    (status = 422, description = "`change-invalid`, `table-unknown`, `table-invalid`, `not-built-in`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn preview(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Admin>,
    Json(change): Json<SchemaChange>,
) -> Result<Json<ChangePreview>, ApiError> {
    require_tables(&api, &on).await?;
    Ok(Json(ask(&api, &on, Ask::Preview { change }).await?))
}

/// Makes a change of the tables, if the SQL and the table are still those that were shown.
#[utoipa::path(post, path = "/resources/{name}/tables/change", tag = "tables", operation_id = "changeTable", params(("name" = Slug, Path)), request_body = ChangeAsk, responses(
    (status = 200, description = "Done", body = TablesDone),
    (status = 409, description = "`table-changed`, `table-busy`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`change-invalid`, `table-unknown`, `table-invalid`, `query-failed`, `not-built-in`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn change(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Admin>,
    Json(request): Json<ChangeAsk>,
) -> Result<Json<TablesDone>, ApiError> {
    require_tables(&api, &on).await?;
    let detail = json!({ "resource": on.name, "table": request.change.table().to_string(), "sql": request.sql });
    let record = on.caller.record("tables.change", Some(("resource", on.id.0)), detail);
    let _: Value = api.audit.around(record, ask(&api, &on, Ask::Change(request))).await?;
    Ok(Json(TablesDone {}))
}
