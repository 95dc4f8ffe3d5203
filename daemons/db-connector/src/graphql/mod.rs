//! A GraphQL server, asked over HTTP as the specification "GraphQL over HTTP" has it.

mod schema;

use std::sync::Arc;
use std::time::Instant;

use ::http::{HeaderValue, Method, StatusCode, header};
use bulkhead_model::operation::{GraphqlRequest, Operation};
use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::HttpApiConfig;
use bulkhead_rpc::connector::{QueryRequest, Schema};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Summary, of_value};
use crate::error::QueryError;
use crate::http::{Answered, Ask, Bounds, Site, content, json_body};
use crate::kind::{Kind, operation};
use crate::pool::Shared;
use crate::rest::part;
use crate::target::Target;

const ACCEPT: HeaderValue = HeaderValue::from_static("application/graphql-response+json, application/json;q=0.9");
/// Errors of an answer whose messages are shown.
const SHOWN_ERRORS: usize = 3;
const TEST_MS: u32 = 10_000;
const TEST_BYTES: u32 = 1024 * 1024;
const SCHEMA_MS: u32 = 30_000;
const SCHEMA_BYTES: u32 = 32 * 1024 * 1024;

/// A server.
pub(crate) struct Graphql(Site);

/// What a server said.
struct Said {
    answered: Answered,
    data: Value,
    /// Errors and extensions.
    beside: Map<String, Value>,
}

impl Graphql {
    pub(crate) fn new(config: &HttpApiConfig, target: Target, shared: &Shared) -> Self {
        Self(Site::new(config, target, shared))
    }

    async fn request(&self, query: &QueryRequest, bounds: Bounds) -> Result<(Value, Value), QueryError> {
        let Operation::Graphql(request) = operation(query)? else { return Err(QueryError::OtherOperation) };
        request.operation_type().map_err(|reason| QueryError::Request(format!("its document {reason}")))?;
        let Said { answered, data, beside } = self.ask(&document(request, query)?, bounds).await?;
        let mut meta = content::meta(&answered.reply, &answered.secrets);
        if let Value::Object(meta) = &mut meta {
            meta.extend(
                beside.into_iter().map(|(key, value)| (key, content::redacted_value(value, &answered.secrets))),
            );
        }
        Ok((part(data, &request.items, &answered.reply)?, meta))
    }

    async fn ask(&self, document: &Value, bounds: Bounds) -> Result<Said, QueryError> {
        let path = self.0.url().parts().map_or("", |parts| parts.full_path);
        let (mut headers, body) = json_body(document);
        headers.insert(header::ACCEPT, ACCEPT);
        let target = if path.is_empty() { "/" } else { path }.to_owned();
        let answered = self.0.ask(Ask { method: Method::POST, target, headers, body }, bounds).await?;
        let reply = &answered.reply;
        let told = match content::value(reply) {
            Ok(Value::Object(told)) if told.contains_key("data") || told.contains_key("errors") => told,
            _ if reply.status.as_u16() >= 400 => return Err(content::refusal(reply, &answered.secrets)),
            _ => {
                return Err(failed(reply.status.as_str(), "the answer is none of GraphQL: look at the URL".to_owned()));
            }
        };
        let mut told = told;
        let data = told.remove("data").unwrap_or_default();
        if data.is_null() {
            return Err(errors(&told, &answered));
        }
        told.retain(|key, _| key == "errors" || key == "extensions");
        Ok(Said { answered, data, beside: told })
    }
}

impl Kind for Graphql {
    fn run(
        self: Arc<Self>,
        query: QueryRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move {
            let bounds = Bounds::of(&query, started);
            let (data, meta) = self.request(&query, bounds).await?;
            let summary = Summary { meta: Some(meta), ..Summary::since(started) };
            of_value(data, summary, query.limits).map_err(|error| match error {
                QueryError::TooLarge(_) if bounds.mode == QueryMode::Write => bounds.too_large(StatusCode::OK),
                other => other,
            })
        }
        .boxed()
    }

    fn test(self: Arc<Self>) -> BoxFuture<'static, Result<(), QueryError>> {
        async move {
            let asked = self.ask(&json!({ "query": "{ __typename }" }), Bounds::own(TEST_MS, TEST_BYTES)).await;
            asked.map(drop).map_err(|error| match &error {
                QueryError::Sql { message, sqlstate, .. } if matches!(sqlstate.as_str(), "401" | "403") => {
                    self.0.target().log_in(message.clone())
                }
                _ => error,
            })
        }
        .boxed()
    }

    fn schema(self: Arc<Self>) -> BoxFuture<'static, Result<Schema, QueryError>> {
        async move {
            let bounds = Bounds::own(SCHEMA_MS, SCHEMA_BYTES);
            Ok(schema::read(&self.ask(&json!({ "query": schema::INTROSPECTION }), bounds).await?.data))
        }
        .boxed()
    }

    fn close_idle(&self, oldest: Instant) -> bool {
        self.0.close_idle(oldest)
    }
}

/// The body of a request.
fn document(request: &GraphqlRequest, query: &QueryRequest) -> Result<Value, QueryError> {
    let variables = request.variables.fill(&query.parameters)?;
    if !(variables.is_null() || variables.is_object()) {
        return Err(QueryError::Request(
            "its variables are no object: give a value by each variable's name".to_owned(),
        ));
    }
    let mut document = json!({ "query": request.document });
    if !variables.is_null() {
        document["variables"] = variables;
    }
    if !request.operation_name.is_empty() {
        document["operationName"] = request.operation_name.clone().into();
    }
    Ok(document)
}

/// The errors of an answer that has no data.
fn errors(told: &Map<String, Value>, answered: &Answered) -> QueryError {
    let status = answered.reply.status;
    let errors = told.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let said = |error: &Value| {
        let message = error["message"].as_str().unwrap_or("an error without a message");
        match error["path"].as_array() {
            Some(path) => {
                let path: Vec<_> =
                    path.iter().map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned)).collect();
                format!("{message} (at {})", path.join("."))
            }
            None => message.to_owned(),
        }
    };
    let mut message = errors.iter().take(SHOWN_ERRORS).map(said).collect::<Vec<_>>().join("; ");
    if errors.len() > SHOWN_ERRORS {
        message.push_str(&format!("; and {} more", errors.len() - SHOWN_ERRORS));
    }
    if message.is_empty() {
        message = format!("the server answered {status} with neither data nor errors");
    }
    let code = errors.first().and_then(|error| error["extensions"]["code"].as_str());
    // A status that refuses tells more than the code of the resolver.
    let code = code.filter(|_| !matches!(status.as_u16(), 401 | 403)).unwrap_or(status.as_str());
    failed(code, content::redacted(message, &answered.secrets))
}

fn failed(code: &str, message: String) -> QueryError {
    QueryError::Sql { message, sqlstate: code.to_owned(), position: None }
}
