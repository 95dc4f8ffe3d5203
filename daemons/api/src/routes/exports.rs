//! All rows of a query as a file, for whoever may run it, as long as it reads.
//!
//! The rows are streamed from db-connector as they are read. The audit trail has the export before the first row leaves, and its end: how many
//! rows and bytes, and the outcome. What fails on the way is told on a last line, and the connection is broken off: no reader takes
//! a part for the whole.

use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use bulkhead_model::query::QueryMode;
use bulkhead_model::{Name, Slug};
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::QueryRequest;
use bulkhead_rpc::export::{ExportEnd, ExportFormat, ExportRequest};
use bulkhead_store::audit::AuditRecord;
use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderName, HeaderValue, Method, header};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::app_queries::{
    Permitted, RunQueryRequest, RunUnsavedQueryRequest, permit, permit_unsaved, prepared, unprocessable,
};
use super::json::Json;
use super::library_queries::{self, RunLibraryQueryRequest};
use crate::audit::AuditWriter;
use crate::auth::{AppKind, Editor, On, OnQuery, QueryKind};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// How long the last line of an export that failed has to leave before the connection is broken off.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// What rows are written as.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportOptions {
    /// The format.
    format: ExportFormat,
}

pub(super) type Options = Result<Query<ExportOptions>, QueryRejection>;

pub(super) fn format_of(options: Options) -> Result<ExportFormat, ApiError> {
    let malformed = |_| ApiError::Malformed("use ?format=<csv, csv-for-spreadsheets, ndjson or json>".into());
    options.map(|Query(options)| options.format).map_err(malformed)
}

/// Exports all rows of a query of an app that reads.
#[utoipa::path(post, path = "/apps/{slug}/queries/{query}/export", tag = "apps", operation_id = "exportAppQuery", params(("slug" = Slug, Path), ("query" = Name, Path), ExportOptions), request_body = RunQueryRequest, responses(
    (status = 200, description = "The file, as its rows are read. One that failed has the problem on its last line, and its connection is broken off", body = String, content_type = "application/octet-stream"),
    (status = 403, description = "`query-not-allowed`, `environment-not-allowed`, `resource-role-too-low`, `export-off`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`export-writes`, `export-unsupported`, and what running it may say", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 503, description = "`exports-busy`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn of_app(
    State(api): State<SharedApi>,
    on: OnQuery,
    options: Options,
    Json(request): Json<RunQueryRequest>,
) -> Result<Response, ApiError> {
    let format = format_of(options)?;
    let permitted = permit(&api, on, request, "app.query.export").await?;
    export(&api, permitted, "app.query.exported", format).await
}

/// Exports all rows of a query as it stands in the builder, saved or not. Needs the role editor on its resource too.
#[utoipa::path(post, path = "/apps/{slug}/queries/export", tag = "apps", operation_id = "exportUnsavedQuery", params(("slug" = Slug, Path), ExportOptions), request_body = RunUnsavedQueryRequest, responses(
    (status = 200, description = "The file, as its rows are read", body = String, content_type = "application/octet-stream"),
    (status = 422, description = "`export-writes`, `export-unsupported`, and what running it may say", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn of_builder(
    State(api): State<SharedApi>,
    on: On<AppKind, Editor>,
    options: Options,
    Json(request): Json<RunUnsavedQueryRequest>,
) -> Result<Response, ApiError> {
    let format = format_of(options)?;
    let permitted = permit_unsaved(&api, on, request, "app.query.export").await?;
    export(&api, permitted, "app.query.exported", format).await
}

/// Exports all rows of a query of the library as it stands in the editor. Needs the role editor on its resource too.
#[utoipa::path(post, path = "/queries/{slug}/export", tag = "queries", operation_id = "exportLibraryQuery", params(("slug" = Slug, Path), ExportOptions), request_body = RunLibraryQueryRequest, responses(
    (status = 200, description = "The file, as its rows are read", body = String, content_type = "application/octet-stream"),
    (status = 422, description = "`export-writes`, `export-unsupported`, and what running it may say", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn of_library(
    State(api): State<SharedApi>,
    on: On<QueryKind, Editor>,
    options: Options,
    Json(request): Json<RunLibraryQueryRequest>,
) -> Result<Response, ApiError> {
    let format = format_of(options)?;
    let permitted = library_queries::permit(&api, on, request, "query.export").await?;
    export(&api, permitted, "query.exported", format).await
}

/// Records, asks, and streams the file through.
async fn export(
    api: &SharedApi,
    permitted: Permitted,
    ended: &'static str,
    format: ExportFormat,
) -> Result<Response, ApiError> {
    let (record, query) = prepared(api, permitted)?;
    if query.mode == QueryMode::Write {
        return Err(unprocessable("export-writes", "only a query that reads can be exported".to_owned()));
    }
    let name = record.detail["query"].as_str().unwrap_or("rows").to_owned();
    stream(api, record, query, &name, ended, format).await
}

/// The same, of a query that somebody may export. `name` is a word without signs.
pub(super) async fn stream(
    api: &SharedApi,
    mut record: AuditRecord,
    query: QueryRequest,
    name: &str,
    ended: &'static str,
    format: ExportFormat,
) -> Result<Response, ApiError> {
    record.detail["format"] = json!(format);
    let end = AuditRecord { action: ended, ..record.clone() };
    api.metrics.queries.inc();
    let request = ExportRequest { query, format };
    // Nothing changes, so the record and the rows may be on their way together: the answer still waits for both.
    let asked = api.connector.stream(Method::POST, "/v1/export", &request);
    let (recorded, answer) = tokio::join!(api.audit.write(record), asked);
    recorded?;
    let mut ledger = Ledger { audit: api.audit.clone(), end: Some(end), bytes: 0 };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let error = ApiError::from(error);
            ledger.close(Some(0), &error.problem().code).await;
            return Err(error);
        }
    };
    let mut response = Response::new(Body::from_stream(file(Body::new(answer.into_body()), format, ledger)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    // Proxies must hand rows on as they come.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    // Names of queries are words without signs.
    let disposition = format!("attachment; filename=\"{name}.{}\"", format.extension());
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// The file as it comes. One that is not whole ends with an error, behind a line that says why.
fn file(mut body: Body, format: ExportFormat, mut ledger: Ledger) -> impl Stream<Item = std::io::Result<Bytes>> {
    async_stream::stream! {
        let mut end = None;
        while let Some(Ok(frame)) = body.frame().await {
            match frame.into_data() {
                Ok(data) => {
                    ledger.bytes += data.len() as u64;
                    yield Ok(data);
                }
                Err(frame) => end = frame.trailers_ref().and_then(ExportEnd::from_trailers),
            }
        }
        let lost = || Problem::new(502, "export-lost", "the connection to db-connector broke off: export it again");
        let (rows, error) = end.map_or_else(|| (None, Some(lost())), |end| (Some(end.rows), end.error));
        ledger.close(rows, error.as_ref().map_or("whole", |error| error.code.as_str())).await;
        if let Some(error) = error {
            yield Ok(last_line(format, &error));
            tokio::time::sleep(LAST_WORDS).await;
            yield Err(std::io::Error::other(error.code));
        }
    }
}

/// What says in the file why it is no whole one: by its format it is none.
fn last_line(format: ExportFormat, error: &Problem) -> Bytes {
    let before = if format == ExportFormat::Json { "\n" } else { "" };
    format!("{before}{}\n", json!({ "error": error })).into()
}

/// What is recorded of an export once it has ended, whoever ended it.
struct Ledger {
    audit: AuditWriter,
    end: Option<AuditRecord>,
    bytes: u64,
}

impl Ledger {
    /// The record of its end.
    fn ended(&mut self, rows: Option<u64>, outcome: &str) -> Option<AuditRecord> {
        let mut record = self.end.take()?;
        record.detail["outcome"] = json!(outcome);
        record.detail["rows"] = json!(rows);
        record.detail["bytes"] = json!(self.bytes);
        Some(record)
    }

    async fn close(&mut self, rows: Option<u64>, outcome: &str) {
        if let Some(record) = self.ended(rows, outcome) {
            write(&self.audit, record).await;
        }
    }
}

impl Drop for Ledger {
    /// Whoever asked for it has gone.
    fn drop(&mut self) {
        let Some(record) = self.ended(None, "left") else { return };
        let audit = self.audit.clone();
        tokio::spawn(async move { write(&audit, record).await });
    }
}

/// The rows have left already; that they were asked for is on record.
async fn write(audit: &AuditWriter, record: AuditRecord) {
    if let Err(error) = audit.write(record).await {
        tracing::warn!("the end of an export was not recorded: {error}");
    }
}
