//! A server that is asked by HTTP requests.

pub(crate) mod build;
mod pages;

use std::sync::Arc;
use std::time::Instant;

use ::http::StatusCode;
use bulkhead_model::operation::{HttpRequest, Operation};
use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::HttpApiConfig;
use bulkhead_rpc::connector::QueryRequest;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::answer::{Answer, Summary, of_value};
use crate::error::QueryError;
use crate::http::{Answered, Bounds, Reply, Site, content};
use crate::kind::{Kind, operation};
use crate::pool::Shared;
use crate::target::Target;

/// How long a test waits for an answer.
const TEST_MS: u32 = 10_000;
/// How much of an answer a test reads.
const TEST_BYTES: u32 = 1024 * 1024;

/// A server.
pub(crate) struct Rest(Site);

impl Rest {
    pub(crate) fn new(config: &HttpApiConfig, target: Target, shared: &Shared) -> Self {
        Self(Site::new(config, target, shared))
    }

    async fn request(&self, query: &QueryRequest, bounds: Bounds) -> Result<(Value, Summary), QueryError> {
        let Operation::Request(request) = operation(query)? else { return Err(QueryError::OtherOperation) };
        let ask = build::ask(request, &query.parameters, &self.0)?;
        if let Some(paging) = &request.paging {
            return pages::all(&self.0, request, paging, ask, (bounds, query.limits)).await;
        }
        let answered = self.0.ask(ask, bounds).await?;
        let value = items(request, &answered)?;
        let meta = Some(content::meta(&answered.reply, &answered.secrets));
        Ok((value, Summary { meta, ..Summary::default() }))
    }
}

impl Kind for Rest {
    fn run(
        self: Arc<Self>,
        query: QueryRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move {
            let bounds = Bounds::of(&query, started);
            let (value, summary) = self.request(&query, bounds).await?;
            let duration_ms = Summary::since(started).duration_ms;
            of_value(value, Summary { duration_ms, ..summary }, query.limits).map_err(|error| match error {
                // As JSON it takes more bytes than as it came.
                QueryError::TooLarge(_) if bounds.mode == QueryMode::Write => bounds.too_large(StatusCode::OK),
                other => other,
            })
        }
        .boxed()
    }

    fn test(self: Arc<Self>) -> BoxFuture<'static, Result<(), QueryError>> {
        async move {
            let ask = build::ask(&HttpRequest::default(), &Default::default(), &self.0)?;
            match self.0.ask(ask, Bounds::own(TEST_MS, TEST_BYTES)).await {
                Ok(Answered { reply, secrets, .. }) => match reply.status.as_u16() {
                    401 | 403 => Err(self.0.target().log_in(content::refusal(&reply, &secrets).to_string())),
                    500.. => Err(content::refusal(&reply, &secrets)),
                    // Many servers have nothing at the place where all paths begin.
                    _ => Ok(()),
                },
                Err(QueryError::TooLarge(_)) => Ok(()),
                Err(error) => Err(error),
            }
        }
        .boxed()
    }

    fn close_idle(&self, oldest: Instant) -> bool {
        self.0.close_idle(oldest)
    }
}

/// The part of an answer that was asked for. A refusal is an error.
fn items(request: &HttpRequest, answered: &Answered) -> Result<Value, QueryError> {
    let Answered { reply, secrets, .. } = answered;
    if reply.status.as_u16() >= 400 {
        return Err(content::refusal(reply, secrets));
    }
    part(content::value(reply)?, &request.items, reply)
}

/// The part of `value` at a JSON pointer.
pub(crate) fn part(mut value: Value, pointer: &str, reply: &Reply) -> Result<Value, QueryError> {
    match value.pointer_mut(pointer) {
        Some(part) => Ok(part.take()),
        None => {
            let message = format!("the answer, {}, has nothing at {pointer}: look where its items are", reply.status);
            Err(QueryError::Sql { message, sqlstate: reply.status.as_str().to_owned(), position: None })
        }
    }
}

/// What an answer in pages tells beside its items.
fn paged_meta(last: &Answered, pages: u32) -> Value {
    let mut meta = content::meta(&last.reply, &last.secrets);
    meta["pages"] = json!(pages);
    meta
}
