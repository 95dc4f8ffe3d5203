//! What others have written, read as ours: workflows as drafts, the operations of an API as requests. Nothing is stored: whoever asks looks
//! at the report first.

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

/// A document of OpenAPI.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenApiRequest {
    /// The document as JSON: OpenAPI 3.0 or 3.1.
    #[schema(value_type = serde_json::Value)]
    document: Box<RawValue>,
}

/// Reads a document of OpenAPI as requests, one for each operation, with what was left out.
#[utoipa::path(post, path = "/imports/openapi", tag = "resources", operation_id = "importOpenApi", request_body = OpenApiRequest, responses(
    (status = 200, description = "The requests", body = bulkhead_openapi::Import),
    (status = 422, description = "`not-imported`: it is no such document, or too large", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn openapi(
    _: Caller,
    Json(request): Json<OpenApiRequest>,
) -> Result<Json<bulkhead_openapi::Import>, ApiError> {
    let read = tokio::task::spawn_blocking(move || bulkhead_openapi::import(request.document.get())).await;
    let read = read.map_err(ApiError::internal("reading a document"))?;
    read.map(Json).map_err(|error| ApiError::Unprocessable {
        code: "not-imported",
        detail: error.to_string(),
        faults: Vec::new(),
    })
}
