//! The routes of db-connector's socket.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bulkhead_model::ResourceId;
use bulkhead_rpc::RpcClient;
use bulkhead_rpc::connector::{QueryRequest, Schema, SchemaRequest, TestRequest};
use bulkhead_rpc::fetch::{FetchAnswer, FetchRequest};
use bulkhead_seal::{Place, SealPrivateKey};
use bulkhead_store::{Database, StoreError};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use zeroize::Zeroizing;

use crate::Config;
use crate::answer::Answer;
use crate::error::QueryError;
use crate::fetch::{FetchError, Fetcher};
use crate::kind::Kind;
use crate::metrics::Metrics;
use crate::pool::Shared;
use crate::resources::Resources;
use crate::route::Routes;
use crate::target::Target;

/// The largest request, in bytes: a statement with its parameters.
const MAX_REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// What the routes share.
pub struct Connector {
    database: Database,
    key: SealPrivateKey,
    resources: Resources,
    fetcher: Fetcher,
    metrics: Metrics,
}

impl Connector {
    /// A connector that opens secrets with `key`.
    pub fn new(database: Database, key: SealPrivateKey, config: &Config, metrics: Metrics) -> Arc<Self> {
        let fetcher = Fetcher { origins: config.fetch.clone(), network: config.network.clone() };
        let routes = Routes {
            policy: config.network.clone(),
            built_in_policy: config.network.clone().and_loopback(),
            ssh_connector: RpcClient::new("bulkhead-ssh-connector", &config.ssh_connector_socket),
            timeout: config.connect_timeout,
        };
        let shared = Shared { routes, max_connections: config.max_connections, wait: config.connection_wait };
        let resources = Resources::new(shared, config.idle_timeout);
        Arc::new(Self { database, key, resources, fetcher, metrics })
    }

    /// Closes connections that are not used, for ever.
    pub async fn close_idle_connections(self: Arc<Self>) {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            self.resources.close_idle();
        }
    }

    async fn resource(&self, id: ResourceId) -> Result<Arc<dyn Kind>, QueryError> {
        // Read each time: a revoked or changed resource counts from the next query on. It is one indexed row.
        let stored = self.database.resource(id).await.map_err(|error| match error {
            StoreError::NotFound { .. } => QueryError::UnknownResource,
            other => QueryError::Store(other),
        })?;
        if let Some(resource) = self.resources.get(id, stored.revision) {
            return Ok(resource);
        }
        let secret = stored.sealed_secret.map(|sealed| self.open(id, &stored.name, &sealed)).transpose()?;
        let target = Target::new(stored.name, secret, stored.built_in);
        Ok(self.resources.insert(id, stored.revision, stored.config, target))
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
        let resource = connector.resource(request.resource).await?;
        resource.run(request, started).await
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
        (Some(sealed), _) => Some(sealed),
        (None, Ok(resource)) if same_place => resource.sealed_secret,
        (None, Ok(_) | Err(StoreError::NotFound { .. })) => None,
        (None, Err(error)) => return Err(QueryError::Store(error)),
    };
    let secret = sealed.map(|sealed| connector.open(request.resource, &name, &sealed)).transpose()?;
    connector.resources.unlisted(request.config, Target::new(name, secret, built_in)).test().await?;
    Ok(Json(json!({})))
}

async fn read_schema(
    State(connector): State<Arc<Connector>>,
    Json(request): Json<SchemaRequest>,
) -> Result<Json<Schema>, QueryError> {
    connector.resource(request.resource).await?.schema().await.map(Json)
}

async fn fetch(
    State(connector): State<Arc<Connector>>,
    Json(request): Json<FetchRequest>,
) -> Result<Json<FetchAnswer>, FetchError> {
    connector.fetcher.fetch(&request).await.map(Json)
}
