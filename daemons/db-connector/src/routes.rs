//! The routes of db-connector's socket.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bulkhead_model::ResourceId;
use bulkhead_rpc::connector::{QueryRequest, Schema, SchemaRequest, TestRequest};
use bulkhead_rpc::fetch::{FetchAnswer, FetchRequest};
use bulkhead_seal::{Place, SealPrivateKey};
use bulkhead_store::{Database, StoreError};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use zeroize::Zeroizing;

use crate::connect::Target;
use crate::error::QueryError;
use crate::fetch::{FetchError, Fetcher};
use crate::metrics::Metrics;
use crate::pool::{Pool, Pools};
use crate::query::Answer;
use crate::{Config, query, schema};

/// The largest request, in bytes: a statement with its parameters.
const MAX_REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// What the routes share.
pub struct Connector {
    database: Database,
    key: SealPrivateKey,
    pools: Pools,
    fetcher: Fetcher,
    metrics: Metrics,
}

impl Connector {
    /// A connector that opens secrets with `key`.
    pub fn new(database: Database, key: SealPrivateKey, config: &Config, metrics: Metrics) -> Arc<Self> {
        let fetcher = Fetcher { origins: config.fetch.clone(), network: config.network.clone() };
        Arc::new(Self { database, key, pools: Pools::new(config), fetcher, metrics })
    }

    /// Closes connections that are not used, for ever.
    pub async fn close_idle_connections(self: Arc<Self>) {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            self.pools.close_idle();
        }
    }

    async fn pool(&self, id: ResourceId) -> Result<Arc<Pool>, QueryError> {
        // Read each time: a revoked or changed resource counts from the next query on. It is one indexed row.
        let resource = self.database.resource(id).await.map_err(|error| match error {
            StoreError::NotFound { .. } => QueryError::UnknownResource,
            other => QueryError::Store(other),
        })?;
        if let Some(pool) = self.pools.get(id, resource.revision) {
            return Ok(pool);
        }
        let sealed = resource.sealed_secret.ok_or_else(|| QueryError::NoSecret { resource: resource.name.clone() })?;
        let password = self.open(id, &resource.name, &sealed)?;
        let (name, config) = (resource.name, resource.config);
        let target = Target { name, config, password, built_in: resource.built_in, tls: OnceLock::new() };
        Ok(self.pools.insert(id, resource.revision, target))
    }

    fn open(&self, id: ResourceId, name: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, QueryError> {
        let row = id.to_string();
        let place = Place { table: "resources", row: &row, field: "sealed_secret" };
        let opened = self.key.open(&place, sealed);
        opened.map_err(|source| QueryError::Secret { resource: name.to_owned(), source })
    }
}

/// The routes.
pub fn router(connector: Arc<Connector>) -> Router {
    Router::new()
        .route("/v1/query", post(run_query))
        .route("/v1/test", post(test))
        .route("/v1/schema", post(read_schema))
        .route("/v1/fetch", post(fetch))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(connector)
}

async fn run_query(State(connector): State<Arc<Connector>>, Json(request): Json<QueryRequest>) -> Response {
    let started = Instant::now();
    let outcome = async {
        let pool = connector.pool(request.resource).await?;
        query::run(&pool, request, started).await
    };
    match outcome.await {
        Ok(answer) => {
            connector.metrics.count("ok");
            connector.metrics.first_row(started.elapsed().as_secs_f64());
            let body = match answer {
                Answer::Whole(body) => Body::from(body),
                Answer::Pieces(pieces) => {
                    Body::from_stream(ReceiverStream::new(pieces).map(Ok::<_, std::convert::Infallible>))
                }
            };
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(error) => {
            connector.metrics.count(&error.problem().code);
            error.into_response()
        }
    }
}

async fn test(
    State(connector): State<Arc<Connector>>,
    Json(request): Json<TestRequest>,
) -> Result<Json<Value>, QueryError> {
    let name = "under test".to_owned();
    let stored = connector.database.resource(request.resource).await;
    // The stored secret goes only where it was entered for, and so does a built-in resource's leave to use loopback.
    let same_place =
        stored.as_ref().is_ok_and(|resource| resource.config.destination() == request.config.destination());
    let built_in = same_place && stored.as_ref().is_ok_and(|resource| resource.built_in);
    let sealed = match (request.secret, stored) {
        (Some(sealed), _) => sealed,
        (None, Ok(resource)) if same_place => {
            resource.sealed_secret.ok_or_else(|| QueryError::NoSecret { resource: name.clone() })?
        }
        (None, Ok(_) | Err(StoreError::NotFound { .. })) => return Err(QueryError::NoSecret { resource: name }),
        (None, Err(error)) => return Err(QueryError::Store(error)),
    };
    let password = connector.open(request.resource, &name, &sealed)?;
    let target = Target { name, config: request.config, password, built_in, tls: OnceLock::new() };
    Arc::new(connector.pools.unlisted(target)).borrow().await?;
    Ok(Json(json!({})))
}

async fn read_schema(
    State(connector): State<Arc<Connector>>,
    Json(request): Json<SchemaRequest>,
) -> Result<Json<Schema>, QueryError> {
    let pool = connector.pool(request.resource).await?;
    schema::read(&pool).await.map(Json)
}

async fn fetch(
    State(connector): State<Arc<Connector>>,
    Json(request): Json<FetchRequest>,
) -> Result<Json<FetchAnswer>, FetchError> {
    connector.fetcher.fetch(&request).await.map(Json)
}
