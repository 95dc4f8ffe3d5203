//! ClickHouse by its HTTP interface: one statement in one request, its rows written to JSON as they come.

mod error;
mod parameters;
mod query;
mod reader;
mod request;
mod schema;
mod statement;
mod value;

use std::sync::Arc;
use std::time::Instant;

use bulkhead_model::resource::ClickhouseConfig;
use bulkhead_model::sql::Dialect;
use bulkhead_rpc::connector::{QueryRequest, Schema};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::answer::Answer;
use crate::error::QueryError;
use crate::export::{Export, Form};
use crate::http::HttpConnection;
use crate::kind::{Kind, refuse_operation};
use crate::pool::{self, Shared};
use crate::target::Target;

type Pool = pool::Pool<HttpConnection<ClickhouseConfig>>;
type Loan = pool::Loan<HttpConnection<ClickhouseConfig>>;

/// A ClickHouse server.
pub(crate) struct Clickhouse(Arc<Pool>);

impl Clickhouse {
    pub(crate) fn new(config: ClickhouseConfig, target: Target, shared: &Shared) -> Self {
        Self(Arc::new(Pool::new(config, target, shared)))
    }
}

impl Kind for Clickhouse {
    fn run(
        self: Arc<Self>,
        request: QueryRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move {
            refuse_operation(&request)?;
            query::run(&self.0, &request, Form::Result, started).await
        }
        .boxed()
    }

    fn export(
        self: Arc<Self>,
        request: QueryRequest,
        export: Arc<Export>,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move {
            refuse_operation(&request)?;
            query::run(&self.0, &request, Form::Export(export), started).await
        }
        .boxed()
    }

    fn pages_in(&self) -> Option<Dialect> {
        // In what counts here, its texts have backslashes.
        Some(Dialect::Mysql)
    }

    fn test(self: Arc<Self>) -> BoxFuture<'static, Result<(), QueryError>> {
        async move { schema::test(&self.0).await }.boxed()
    }

    fn schema(self: Arc<Self>) -> BoxFuture<'static, Result<Schema, QueryError>> {
        async move { schema::read(&self.0).await }.boxed()
    }

    fn close_idle(&self, oldest: Instant) -> bool {
        self.0.close_idle(oldest)
    }
}
