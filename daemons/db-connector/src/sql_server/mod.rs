//! SQL Server: one statement, or a list, in one transaction, its rows written to JSON as they come.
//!
//! The protocol, TDS 7.4, is spoken here, over the stream that the routes give, as [MS-TDS] has it:
//! <https://learn.microsoft.com/openspecs/windows_protocols/ms-tds>. The library that there is reads money as floating-point numbers,
//! cannot stop a statement and checks certificates by files of its own.

mod changes;
mod collation;
mod connect;
mod error;
mod facts;
mod handshake;
mod json;
mod parameters;
mod query;
mod reader;
mod schema;
mod statement;
mod temporal;
mod tokens;
mod types;
mod wire;
mod wrapped;

use std::sync::Arc;
use std::time::Instant;

use bulkhead_model::resource::SqlServerConfig;
use bulkhead_model::sql::Dialect;
use bulkhead_rpc::connector::{QueryRequest, Schema};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::answer::Answer;
use crate::error::QueryError;
use crate::export::{Export, Form};
use crate::kind::{Kind, refuse_operation};
use crate::pool::{Pool, Shared};
use crate::target::Target;

/// A database of SQL Server.
pub(crate) struct SqlServer(Arc<Pool<connect::Connection>>);

impl SqlServer {
    pub(crate) fn new(config: SqlServerConfig, target: Target, shared: &Shared) -> Self {
        Self(Arc::new(Pool::new(config, target, shared)))
    }
}

impl Kind for SqlServer {
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
        Some(Dialect::SqlServer)
    }

    fn test(self: Arc<Self>) -> BoxFuture<'static, Result<(), QueryError>> {
        async move { self.0.connect().await.map(drop) }.boxed()
    }

    fn schema(self: Arc<Self>) -> BoxFuture<'static, Result<Schema, QueryError>> {
        async move { schema::read(&self.0).await }.boxed()
    }

    fn close_idle(&self, oldest: Instant) -> bool {
        self.0.close_idle(oldest)
    }
}
