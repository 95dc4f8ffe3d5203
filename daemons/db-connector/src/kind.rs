//! What every kind of resource can do, and which file does it.

use std::sync::Arc;
use std::time::Instant;

use bulkhead_model::operation::Operation;
use bulkhead_model::resource::ResourceConfig;
use bulkhead_model::sql::Dialect;
use bulkhead_model::sql::pages::paged;
use bulkhead_rpc::connector::{ExplainRequest, Plan, QueryRequest, Schema};
use bulkhead_rpc::tables::Ask;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::answer::Answer;
use crate::error::QueryError;
use crate::export::Export;
use crate::pool::Shared;
use crate::target::Target;
use crate::{
    amqp, clickhouse, elasticsearch, graphql, grpc, ldap, mongodb, mysql, nats, postgresql, redis, rest, s3, smtp,
    sql_server, sqlite,
};

/// One resource at one revision, with its connections.
pub(crate) trait Kind: Send + Sync {
    /// Runs a query. Returns with its first chunk, so that until then an error has its own status; dropping the answer stops it.
    fn run(
        self: Arc<Self>,
        request: QueryRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>>;

    /// Runs a query that reads, whose rows are written as a file, however many they are.
    fn export(
        self: Arc<Self>,
        _request: QueryRequest,
        _export: Arc<Export>,
        _started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async { Err(QueryError::NoExport) }.boxed()
    }

    /// Whether it runs several statements in one transaction.
    fn runs_lists(&self) -> bool {
        false
    }

    /// How it reads a statement that a page is cut from. Nothing, for a kind that cuts none.
    fn pages_in(&self) -> Option<Dialect> {
        None
    }

    /// Connects and logs in, with a connection of its own.
    fn test(self: Arc<Self>) -> BoxFuture<'static, Result<(), QueryError>>;

    /// What there is, for the editor's completion. Nothing, for a kind that cannot tell.
    fn schema(self: Arc<Self>) -> BoxFuture<'static, Result<Schema, QueryError>> {
        async { Ok(Schema { tables: Vec::new() }) }.boxed()
    }

    /// How a query would be run.
    fn explain(
        self: Arc<Self>,
        _request: ExplainRequest,
        _started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Plan, QueryError>> {
        async { Err(QueryError::NoPlan) }.boxed()
    }

    /// What the studio does with the tables of the built-in database.
    fn tables(self: Arc<Self>, _ask: Ask) -> BoxFuture<'static, Result<Value, QueryError>> {
        async { Err(QueryError::NoTables) }.boxed()
    }

    /// Closes what nobody has used since `oldest`. Whether anything is still open.
    fn close_idle(&self, oldest: Instant) -> bool;
}

/// A resource, not connected yet.
pub(crate) fn open(config: ResourceConfig, target: Target, shared: &Shared) -> Arc<dyn Kind> {
    let shared = shared.of_kind(config.kind());
    let shared = &*shared;
    match config {
        ResourceConfig::Postgresql(config) => Arc::new(postgresql::Postgresql::new(config, target, shared)),
        ResourceConfig::Mysql(config) => Arc::new(mysql::Mysql::new(config, target, shared)),
        ResourceConfig::SqlServer(config) => Arc::new(sql_server::SqlServer::new(config, target, shared)),
        ResourceConfig::Redis(config) => Arc::new(redis::Redis::new(config, target, shared)),
        ResourceConfig::Ldap(config) => Arc::new(ldap::Ldap::new(config, target, shared)),
        ResourceConfig::Amqp(config) => Arc::new(amqp::Amqp::new(config, target, shared)),
        ResourceConfig::Nats(config) => Arc::new(nats::Nats::new(config, target, shared)),
        ResourceConfig::Smtp(config) => Arc::new(smtp::Smtp::new(config, target, shared)),
        ResourceConfig::Clickhouse(config) => Arc::new(clickhouse::Clickhouse::new(config, target, shared)),
        ResourceConfig::Sqlite(config) => Arc::new(sqlite::Sqlite::new(config, target, shared)),
        ResourceConfig::S3(config) => Arc::new(s3::S3::new(config, target, shared)),
        ResourceConfig::Rest(config) => Arc::new(rest::Rest::new(&config, target, shared)),
        ResourceConfig::Graphql(config) => Arc::new(graphql::Graphql::new(&config, target, shared)),
        ResourceConfig::Grpc(config) => Arc::new(grpc::Grpc::new(config, target, shared)),
        ResourceConfig::Mongodb(config) => Arc::new(mongodb::Mongodb::new(config, target, shared)),
        ResourceConfig::Elasticsearch(config) => Arc::new(elasticsearch::Elasticsearch::new(config, target, shared)),
    }
}

/// The query as its kind runs it: its page is a part of its statement.
pub(crate) fn cut(kind: &dyn Kind, mut request: QueryRequest) -> Result<QueryRequest, QueryError> {
    if let Some(pages) = request.pages.take() {
        let dialect = kind.pages_in().ok_or(QueryError::NoPages)?;
        request.statement = paged(&request.statement, &pages, dialect)?;
    }
    Ok(request)
}

/// What a resource that speaks no SQL is asked.
pub(crate) fn operation(request: &QueryRequest) -> Result<&Operation, QueryError> {
    request.operation.as_ref().ok_or(QueryError::NotByStatement)
}

/// Refuses an operation, at a resource that speaks SQL.
pub(crate) fn refuse_operation(request: &QueryRequest) -> Result<(), QueryError> {
    if request.operation.is_some() { Err(QueryError::NotByOperation) } else { Ok(()) }
}
