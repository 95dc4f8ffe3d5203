//! MySQL and MariaDB: one statement in one transaction, its rows written to JSON as they come.
//!
//! The protocol is spoken here, over the stream that the routes give: <https://mariadb.com/kb/en/clientserver-protocol/> and
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html>.

mod auth;
mod changes;
mod connect;
mod error;
mod facts;
mod handshake;
mod json;
mod parameters;
mod protocol;
mod query;
mod reader;
mod schema;
mod statement;
mod wire;

use std::sync::Arc;
use std::time::Instant;

use bulkhead_model::resource::MysqlConfig;
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

/// A MySQL or MariaDB database.
pub(crate) struct Mysql(Arc<Pool<connect::Connection>>);

impl Mysql {
    pub(crate) fn new(config: MysqlConfig, target: Target, shared: &Shared) -> Self {
        Self(Arc::new(Pool::new(config, target, shared)))
    }
}

impl Kind for Mysql {
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

    fn pages_in(&self) -> Option<Dialect> {
        Some(Dialect::Mysql)
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
