//! Elasticsearch and OpenSearch, over their HTTP API.

mod build;
mod read;

use std::sync::Arc;
use std::time::Instant;

use ::http::{HeaderMap, Method, StatusCode};
use bulkhead_model::operation::Operation;
use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::{ElasticsearchConfig, ElasticsearchLogIn, HttpApiConfig, HttpAuthentication};
use bulkhead_rpc::connector::{QueryRequest, Schema};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::answer::{Answer, Summary, of_value};
use crate::error::QueryError;
use crate::http::{Answered, Ask, Bounds, Site, content};
use crate::kind::{Kind, operation};
use crate::pool::Shared;
use crate::target::Target;

const TEST_MS: u32 = 10_000;
const TEST_BYTES: u32 = 1024 * 1024;
const SCHEMA_MS: u32 = 30_000;
const SCHEMA_BYTES: u32 = 32 * 1024 * 1024;

/// A cluster.
pub(crate) struct Elasticsearch(Site);

impl Elasticsearch {
    pub(crate) fn new(config: ElasticsearchConfig, target: Target, shared: &Shared) -> Self {
        let ElasticsearchConfig { url, log_in, ca_certificate, client_certificate, ssh_host } = config;
        let authentication = match log_in {
            ElasticsearchLogIn::None => HttpAuthentication::None,
            ElasticsearchLogIn::Basic { user } => HttpAuthentication::Basic { user },
            ElasticsearchLogIn::ApiKey => {
                HttpAuthentication::ApiKeyHeader { header: "authorization".to_owned(), prefix: "ApiKey ".to_owned() }
            }
        };
        let headers = Default::default();
        let config = HttpApiConfig { url, headers, authentication, ca_certificate, client_certificate, ssh_host };
        Self(Site::new(&config, target, shared))
    }

    /// Asks, and gives what the server said: JSON, whatever its status. One that says who may not ask is an error here.
    async fn ask(&self, mut ask: Ask, bounds: Bounds) -> Result<(Answered, Value), QueryError> {
        let base = self.0.url().parts().map_or("", |parts| parts.path);
        ask.target.insert_str(0, base);
        let answered = self.0.ask(ask, bounds).await?;
        let reply = &answered.reply;
        if matches!(reply.status.as_u16(), 401 | 403) {
            let refusal = content::refusal(reply, &answered.secrets);
            return Err(self.0.target().log_in(refusal.to_string()));
        }
        match content::is_json_reply(reply) {
            true => content::value(reply).map(|told| (answered, told)),
            false if reply.status.as_u16() >= 400 => Err(content::refusal(reply, &answered.secrets)),
            false => {
                let message = "the answer is no JSON: the server is no Elasticsearch, look at the URL".to_owned();
                Err(QueryError::Sql { message, sqlstate: reply.status.as_str().to_owned(), position: None })
            }
        }
    }

    async fn get(&self, target: &str, bounds: Bounds) -> Result<Value, QueryError> {
        let (target, headers, body) = (target.to_owned(), HeaderMap::new(), Bytes::new());
        let (answered, told) = self.ask(Ask { method: Method::GET, target, headers, body }, bounds).await?;
        read::refuse_errors(&told, &answered)?;
        Ok(told)
    }
}

impl Kind for Elasticsearch {
    fn run(
        self: Arc<Self>,
        query: QueryRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move {
            let Operation::Elasticsearch(request) = operation(&query)? else { return Err(QueryError::OtherOperation) };
            let bounds = Bounds::of(&query, started);
            let ask = build::ask(request, &query.parameters)?;
            let (answered, told) = self.ask(ask, bounds).await?;
            let (value, summary) = read::result(request, told, &answered)?;
            let summary = Summary { duration_ms: Summary::since(started).duration_ms, ..summary };
            of_value(value, summary, query.limits).map_err(|error| match error {
                QueryError::TooLarge(_) if bounds.mode == QueryMode::Write => bounds.too_large(StatusCode::OK),
                other => other,
            })
        }
        .boxed()
    }

    fn test(self: Arc<Self>) -> BoxFuture<'static, Result<(), QueryError>> {
        async move { self.get("/", Bounds::own(TEST_MS, TEST_BYTES)).await.map(drop) }.boxed()
    }

    fn schema(self: Arc<Self>) -> BoxFuture<'static, Result<Schema, QueryError>> {
        async move { Ok(read::schema(&self.get("/_mapping", Bounds::own(SCHEMA_MS, SCHEMA_BYTES)).await?)) }.boxed()
    }

    fn close_idle(&self, oldest: Instant) -> bool {
        self.0.close_idle(oldest)
    }
}
