//! PostgreSQL: one statement in one transaction, its rows written to JSON as they come.

mod changes;
mod connect;
mod error;
mod explain;
mod json;
mod parameters;
mod plan;
mod query;
mod reader;
mod schema;
mod session;
mod statement;
mod tables;
mod way;

use std::sync::Arc;
use std::time::Instant;

use bulkhead_model::resource::PostgresqlConfig;
use bulkhead_model::sql::Dialect;
use bulkhead_rpc::connector::{ExplainRequest, Plan, QueryRequest, Schema};
use bulkhead_rpc::tables::Ask;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::answer::Answer;
use crate::error::QueryError;
use crate::export::{Export, Form};
use crate::kind::{Kind, refuse_operation};
use crate::pool::{Pool, Shared};
use crate::target::Target;

/// A PostgreSQL database.
pub(crate) struct Postgresql(Arc<Pool<connect::Connection>>);

impl Postgresql {
    pub(crate) fn new(config: PostgresqlConfig, target: Target, shared: &Shared) -> Self {
        Self(Arc::new(Pool::new(config, target, shared)))
    }
}

impl Kind for Postgresql {
    fn run(
        self: Arc<Self>,
        request: QueryRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move {
            refuse_operation(&request)?;
            query::run(&self.0, request, Form::Result, started).await
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
            query::run(&self.0, request, Form::Export(export), started).await
        }
        .boxed()
    }

    fn runs_lists(&self) -> bool {
        true
    }

    fn pages_in(&self) -> Option<Dialect> {
        Some(Dialect::Postgresql)
    }

    fn test(self: Arc<Self>) -> BoxFuture<'static, Result<(), QueryError>> {
        async move { self.0.connect().await.map(drop) }.boxed()
    }

    fn schema(self: Arc<Self>) -> BoxFuture<'static, Result<Schema, QueryError>> {
        async move { schema::read(&self.0).await }.boxed()
    }

    fn explain(
        self: Arc<Self>,
        request: ExplainRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Plan, QueryError>> {
        async move {
            refuse_operation(&request.query)?;
            explain::explain(&self.0, request, started).await
        }
        .boxed()
    }

    fn tables(self: Arc<Self>, ask: Ask) -> BoxFuture<'static, Result<Value, QueryError>> {
        async move { tables::answer(&self.0, ask).await }.boxed()
    }

    fn close_idle(&self, oldest: Instant) -> bool {
        self.0.close_idle(oldest)
    }
}
