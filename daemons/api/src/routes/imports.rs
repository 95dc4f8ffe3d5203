//! Workflows of other products, read as drafts. Nothing is stored: whoever asks looks at the report first.

use bulkhead_n8n::{Import, import};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::json::Json;
use crate::auth::Caller;
use crate::http_error::ApiError;

/// A workflow of n8n's.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportRequest {
    /// The file that n8n's editor has downloaded.
    #[schema(value_type = serde_json::Value)]
    export: Box<RawValue>,
}

/// Reads a workflow of n8n's as a draft, with a report on what became of each node. Create a workflow with it to keep it.
#[utoipa::path(post, path = "/imports/n8n", tag = "workflows", operation_id = "importN8n", request_body = ImportRequest, responses(
    (status = 200, description = "The draft and the report", body = Import),
    (status = 422, description = "`not-imported`: it is no such file, or too large", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn n8n(_: Caller, Json(request): Json<ImportRequest>) -> Result<Json<Import>, ApiError> {
    let read = tokio::task::spawn_blocking(move || import(request.export.get().as_bytes())).await;
    let read = read.map_err(ApiError::internal("reading an export"))?;
    read.map(Json).map_err(|error| ApiError::Unprocessable {
        code: "not-imported",
        detail: error.to_string(),
        faults: Vec::new(),
    })
}
