//! The routes of db-connector's socket.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bulkhead_model::query::QueryLimits;
use bulkhead_model::resource::ResourceConfig;
use bulkhead_model::{EnvironmentId, ResourceId, UserId};
use bulkhead_rpc::RpcClient;
use bulkhead_rpc::accounts::{self, BeginAnswer, BeginRequest, CompleteRequest, DisconnectAnswer, DisconnectRequest};
use bulkhead_rpc::connector::{ExplainRequest, Plan, QueryRequest, Schema, SchemaRequest, TestRequest, secret_row};
use bulkhead_rpc::export::ExportRequest;
use bulkhead_rpc::fetch::{FetchAnswer, FetchRequest};
use bulkhead_rpc::sign_in::{self, ExchangeRequest, Exchanged, Keys, Metadata, ProviderRequest};
use bulkhead_rpc::tables::{self, TablesRequest};
use bulkhead_seal::{Place, SealPrivateKey};
use bulkhead_store::resources::Resource;
use bulkhead_store::{Database, StoreError};
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::Config;
use crate::accounts::Accounts;
use crate::answer::{Answer, CHUNK_BYTES};
use crate::cache::{self, Cache};
use crate::error::{QueryError, Unconnected};
use crate::export::{self, Export};
use crate::fetch::{FetchError, Fetcher};
use crate::kind::{self, Kind};
use crate::memory::{Memory, Share};
use crate::metrics::{Metrics, ResourceMetrics};
use crate::pool::Shared;
use crate::resources::Resources;
use crate::route::Routes;
use crate::sign_in::Providers;
use crate::target::Target;

/// The largest request, in bytes: a statement with its parameters.
const MAX_REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// Threads for SQLite's files at most; the unit has tasks for several times as many.
const SQLITE_THREADS: usize = 64;

/// How long reading a schema may take: the editor's completion is no reason to load a database for longer.
const SCHEMA_MS: u32 = 30_000;

/// What the routes share.
pub struct Connector {
    database: Database,
    key: Arc<SealPrivateKey>,
    accounts: Arc<Accounts>,
    providers: Providers,
    shared: Shared,
    resources: Resources,
    fetcher: Fetcher,
    cache: Cache,
    /// Rows of an export at most, and milliseconds.
    export_bounds: (u32, u32),
    exports: Arc<Semaphore>,
    memory: Memory,
    metrics: Metrics,
}

/// A resource as it is now.
struct Current {
    kind: Arc<dyn Kind>,
    revision: i64,
    metrics: Arc<ResourceMetrics>,
    /// Whether it is asked as an account that somebody has consented to.
    has_account: bool,
    /// Whether it is the built-in tables database.
    built_in: bool,
}

impl Connector {
    /// A connector that opens secrets with `key`.
    pub fn new(
        database: Database,
        key: SealPrivateKey,
        config: &Config,
        ssh_connector: RpcClient,
        metrics: Metrics,
    ) -> Arc<Self> {
        let fetcher = Fetcher { origins: config.fetch.clone(), network: config.network.clone() };
        let routes = Routes {
            policy: config.network.clone(),
            built_in_policy: config.network.clone().and_loopback(),
            ssh_connector,
            timeout: config.connect_timeout,
        };
        let key = Arc::new(key);
        let accounts = Arc::new(Accounts::new(database.clone(), Arc::clone(&key)));
        let shared = Shared {
            routes,
            accounts: Some(Arc::clone(&accounts)),
            max_connections: config.max_connections,
            wait: config.connection_wait,
            sqlite_directories: config.sqlite_directories.as_slice().into(),
            kind_networks: Arc::new(config.kind_networks.clone()),
            sqlite_threads: Arc::new(Semaphore::new(SQLITE_THREADS)),
        };
        let providers = Providers::new(database.clone(), Arc::clone(&key), shared.clone());
        let resources = Resources::new(shared.clone(), config.idle_timeout);
        let cache = Cache::new(config.cache_bytes, metrics.clone());
        let export_ms = u32::try_from(config.export_timeout.as_millis()).unwrap_or(u32::MAX);
        let export_bounds = (config.export_rows, export_ms);
        let exports = Arc::new(Semaphore::new(config.max_exports));
        Arc::new(Self {
            database,
            key,
            accounts,
            providers,
            shared,
            resources,
            fetcher,
            cache,
            export_bounds,
            exports,
            memory: Memory::new(config.answer_bytes, config.connection_wait),
            metrics,
        })
    }

    /// Closes connections that are not used and forgets results that are too old, for ever.
    pub async fn clean_up(self: Arc<Self>) {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            self.resources.close_idle();
            self.cache.forget_old();
        }
    }

    /// A resource as it is now in an environment. `asked_by` is forgotten where it makes no difference.
    async fn resource(
        &self,
        (id, environment): (ResourceId, EnvironmentId),
        asked_by: &mut Option<UserId>,
    ) -> Result<Current, QueryError> {
        // Read each time: a revoked or changed resource counts from the next query on. It is one indexed row.
        let stored = self.database.resource_in(id, environment).await.map_err(|error| match error {
            StoreError::NotFound { .. } => QueryError::UnknownResource,
            other => QueryError::Store(other),
        })?;
        let Some(settings) = stored.settings.filter(|settings| is_usable(environment, &settings.config)) else {
            return Err(QueryError::NotInEnvironment { resource: stored.name, environment: stored.environment });
        };
        let (revision, metrics) = (settings.revision, self.metrics.of(&stored.name, &stored.environment));
        if !settings.config.has_own_accounts() {
            *asked_by = None;
        } else if asked_by.is_none() {
            return Err(QueryError::Unconnected { resource: stored.name, why: Unconnected::Nobody });
        }
        let asked = (id, environment, *asked_by);
        let (has_account, built_in) = (settings.config.oauth2_code().is_some(), settings.built_in);
        if let Some(kind) = self.resources.get(asked, revision) {
            return Ok(Current { kind, revision, metrics, has_account, built_in });
        }
        // What is said of it in errors: those of the default environment need no word for where they are.
        let name = match environment {
            EnvironmentId::DEFAULT => stored.name,
            _ => format!("{} ({})", stored.name, stored.environment),
        };
        let secret = settings.sealed_secret.map(|sealed| self.open((id, environment), &name, &sealed)).transpose()?;
        let target = Target::new(name, secret, settings.built_in).counted(metrics.pool.clone());
        let target = if environment == EnvironmentId::DEFAULT { target.asked_by(id, *asked_by) } else { target };
        let kind = self.resources.insert(asked, revision, settings.config, target);
        Ok(Current { kind, revision, metrics, has_account, built_in })
    }

    /// For how long the result of a request may be given again, and what it is kept by. What was read as an account is for that account
    /// alone: not when another one is connected in its place, or none.
    async fn kept(
        &self,
        request: &QueryRequest,
        (revision, has_account): (i64, bool),
    ) -> Result<Option<(cache::Key, Duration)>, QueryError> {
        let Some(lifetime) = self.cache.lifetime(request) else { return Ok(None) };
        if !has_account {
            return Ok(Some((cache::key(request, revision, None), lifetime)));
        }
        let account = self.database.oauth_account(request.resource, request.asked_by).await;
        let account = account.map_err(QueryError::Store)?.filter(|account| !account.is_refused);
        Ok(account.map(|account| (cache::key(request, revision, Some(account.id)), lifetime)))
    }

    /// Leave to make one more export: each may keep a connection for long.
    async fn leave_to_export(&self) -> Result<OwnedSemaphorePermit, QueryError> {
        if self.export_bounds.0 == 0 {
            return Err(QueryError::ExportOff);
        }
        let leave = tokio::time::timeout(self.shared.wait, Arc::clone(&self.exports).acquire_owned()).await;
        leave.ok().and_then(Result::ok).ok_or(QueryError::ExportsBusy)
    }

    fn secret(&self, stored: &Resource) -> Result<Option<Zeroizing<Vec<u8>>>, QueryError> {
        let sealed = stored.sealed_secret.as_ref();
        sealed.map(|sealed| self.open((stored.id, EnvironmentId::DEFAULT), &stored.name, sealed)).transpose()
    }

    fn open(
        &self,
        (id, environment): (ResourceId, EnvironmentId),
        name: &str,
        sealed: &str,
    ) -> Result<Zeroizing<Vec<u8>>, QueryError> {
        let (table, row) = secret_row(id, environment);
        let place = Place { table, row: &row, field: "sealed_secret" };
        let opened = self.key.open(&place, sealed);
        opened.map_err(|source| QueryError::Secret { resource: name.to_owned(), source })
    }
}

/// Accounts that people consent to belong to a resource, and so to its default environment: another one never uses them.
fn is_usable(environment: EnvironmentId, config: &ResourceConfig) -> bool {
    environment == EnvironmentId::DEFAULT || config.oauth2_code().is_none()
}

/// The routes.
pub fn router(connector: Arc<Connector>) -> Router {
    Router::new()
        .route("/v1/query", post(run_query))
        .route("/v1/export", post(export_rows))
        .route("/v1/test", post(test))
        .route("/v1/schema", post(read_schema))
        .route("/v1/explain", post(explain))
        .route("/v1/fetch", post(fetch))
        .route(tables::PATH, post(keep_tables))
        .route(accounts::BEGIN, post(begin_account))
        .route(accounts::COMPLETE, post(complete_account))
        .route(accounts::DISCONNECT, post(disconnect_account))
        .route(sign_in::METADATA, post(provider_metadata))
        .route(sign_in::KEYS, post(provider_keys))
        .route(sign_in::EXCHANGE, post(exchange_sign_in))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(connector)
}

async fn run_query(State(connector): State<Arc<Connector>>, Json(mut request): Json<QueryRequest>) -> Response {
    let started = Instant::now();
    request.limits = request.limits.within_bounds();
    let place = (request.resource, request.environment);
    let resource = match connector.resource(place, &mut request.asked_by).await {
        Ok(resource) => resource,
        Err(error) => {
            connector.metrics.failed(&error.problem().code);
            return error.into_response();
        }
    };
    let Current { kind, revision, metrics, has_account, .. } = resource;
    let running = metrics.begin(started);
    let runnable = match !request.before.is_empty() && !kind.runs_lists() {
        true => Err(QueryError::OneStatement),
        false => kind::cut(&*kind, request),
    };
    let request = match runnable {
        Ok(request) => request,
        Err(error) => {
            metrics.count(&error.problem().code);
            return error.into_response();
        }
    };
    let share = connector.memory.share();
    let answering = async {
        match connector.kept(&request, (revision, has_account)).await? {
            None => kind.run(request, started).await.map(Answer::into_body),
            Some((key, lifetime)) => {
                let run = || Arc::clone(&kind).run(request.clone(), started);
                connector.cache.get_or_run(key, lifetime, run).await
            }
        }
    };
    let answer = share.scope(answering).await;
    match answer {
        Ok(body) => {
            metrics.count("ok");
            metrics.first_row(started.elapsed().as_secs_f64());
            let is_whole = body.size_hint().exact().is_some();
            let body = if is_whole { body } else { kept_until_read(body, running) };
            let body = if share.is_taken() { in_pieces(body, share) } else { body };
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(error) => {
            metrics.count(&error.problem().code);
            error.into_response()
        }
    }
}

async fn export_rows(
    State(connector): State<Arc<Connector>>,
    Json(ExportRequest { mut query, format }): Json<ExportRequest>,
) -> Response {
    let started = Instant::now();
    let place = (query.resource, query.environment);
    let begun = async {
        export::refuse_unreadable(&query)?;
        let leave = connector.leave_to_export().await?;
        Ok::<_, QueryError>((leave, connector.resource(place, &mut query.asked_by).await?))
    };
    let (leave, Current { kind, metrics, .. }) = match begun.await {
        Ok(begun) => begun,
        Err(error) => {
            connector.metrics.failed(&error.problem().code);
            return error.into_response();
        }
    };
    let (max_rows, timeout_ms) = connector.export_bounds;
    // The most that a row may have is what a result may have.
    query.limits = QueryLimits { max_rows, timeout_ms, ..query.limits.within_bounds() };
    // All rows are no page.
    query.pages = None;
    let export = Export::new(format, (max_rows, timeout_ms));
    let running = metrics.begin(started);
    let answered = kind.export(query, Arc::clone(&export), started).await;
    let ended = {
        let metrics = Arc::clone(&metrics);
        move |code: &str| {
            metrics.count(code);
            drop(leave);
        }
    };
    let responded = answered.map_err(|error| {
        let problem = export.problem(&error);
        metrics.count(&problem.code);
        Box::new(problem)
    });
    match responded.and_then(|answer| export.respond(answer, ended)) {
        Ok(response) => {
            metrics.first_row(started.elapsed().as_secs_f64());
            response.map(|body| kept_until_read(body, running))
        }
        Err(problem) => problem.response().into_response(),
    }
}

/// A large answer, which keeps its room until its reader has nearly all of it: a server takes a body in one piece as soon as it is there.
fn in_pieces(body: Body, room: Share) -> Body {
    let pieces = body.into_data_stream().flat_map(move |data| {
        let _kept = &room;
        let mut rest = data.as_ref().cloned().unwrap_or_default();
        let mut pieces = Vec::new();
        while rest.len() > CHUNK_BYTES {
            pieces.push(Ok(rest.split_to(CHUNK_BYTES)));
        }
        pieces.push(data.map(|_| rest));
        stream::iter(pieces)
    });
    Body::from_stream(pieces)
}

/// A body with what lasts until its reader has it or is gone: a query that runs while its rows are on their way, the room of an answer.
fn kept_until_read(body: Body, kept: impl Send + 'static) -> Body {
    Body::new(body.map_frame(move |frame| {
        let _kept = &kept;
        frame
    }))
}

async fn test(
    State(connector): State<Arc<Connector>>,
    Json(request): Json<TestRequest>,
) -> Result<Json<Value>, QueryError> {
    let place = (request.resource, request.environment);
    let stored = connector.database.resource_in(request.resource, request.environment).await;
    // A resource that is not saved yet, here or at all, has no secret either.
    let (stored_name, stored) = match stored {
        Ok(found) => (Some(found.name), found.settings),
        Err(StoreError::NotFound { .. }) => (None, None),
        Err(error) => return Err(QueryError::Store(error)),
    };
    // Only one that is saved has an account, which is connected by its name; and in the default environment alone.
    let has_account = request.config.oauth2_code().is_some() && request.environment == EnvironmentId::DEFAULT;
    let saved = stored_name.filter(|_| has_account);
    let is_saved = saved.is_some();
    let name = saved.unwrap_or_else(|| "under test".to_owned());
    // The stored secret goes only where it was entered for, and so does a built-in resource's leave to use loopback.
    let same_place = stored.as_ref().is_some_and(|stored| stored.config.destination() == request.config.destination());
    let built_in = same_place && stored.as_ref().is_some_and(|stored| stored.built_in);
    let stored = stored.filter(|_| same_place).and_then(|stored| stored.sealed_secret);
    let sealed = request.secret.or(stored);
    let secret = sealed.map(|sealed| connector.open(place, &name, &sealed)).transpose()?;
    let asked_by = request.asked_by.filter(|_| request.config.has_own_accounts());
    let target = Target::new(name, secret, built_in);
    let target = if is_saved { target.asked_by(request.resource, asked_by) } else { target };
    connector.resources.unlisted(request.config, target).test().await?;
    Ok(Json(json!({})))
}

async fn read_schema(
    State(connector): State<Arc<Connector>>,
    Json(mut request): Json<SchemaRequest>,
) -> Result<Json<Schema>, QueryError> {
    let place = (request.resource, request.environment);
    let kind = connector.resource(place, &mut request.asked_by).await?.kind;
    let read = tokio::time::timeout(Duration::from_millis(SCHEMA_MS.into()), kind.schema()).await;
    read.unwrap_or(Err(QueryError::Timeout(SCHEMA_MS))).map(Json)
}

async fn explain(
    State(connector): State<Arc<Connector>>,
    Json(mut request): Json<ExplainRequest>,
) -> Result<Json<Plan>, QueryError> {
    let started = Instant::now();
    request.query.limits = request.query.limits.within_bounds();
    let place = (request.query.resource, request.query.environment);
    let resource = connector.resource(place, &mut request.query.asked_by).await?;
    let _running = resource.metrics.begin(started);
    request.query = kind::cut(&*resource.kind, request.query)?;
    resource.kind.explain(request, started).await.map(Json)
}

/// For the built-in database alone: what its tables are is nobody else's to change.
async fn keep_tables(
    State(connector): State<Arc<Connector>>,
    Json(TablesRequest { resource, ask }): Json<TablesRequest>,
) -> Result<Json<Value>, QueryError> {
    let started = Instant::now();
    let Current { kind, metrics, built_in, .. } =
        connector.resource((resource, EnvironmentId::DEFAULT), &mut None).await?;
    if !built_in {
        return Err(QueryError::NoTables);
    }
    let _running = metrics.begin(started);
    let answered = kind.tables(ask).await;
    metrics.count(answered.as_ref().map_or_else(|error| error.problem().code, |_| "ok".to_owned()).as_str());
    answered.map(Json)
}

async fn fetch(
    State(connector): State<Arc<Connector>>,
    Json(request): Json<FetchRequest>,
) -> Result<Json<FetchAnswer>, FetchError> {
    connector.fetcher.fetch(&request).await.map(Json)
}

async fn begin_account(
    State(connector): State<Arc<Connector>>,
    Json(request): Json<BeginRequest>,
) -> Result<Json<BeginAnswer>, QueryError> {
    connector.accounts.begin(&request).await.map(Json)
}

async fn complete_account(
    State(connector): State<Arc<Connector>>,
    Json(request): Json<CompleteRequest>,
) -> Result<Json<Value>, QueryError> {
    let secret = |stored: &Resource| connector.secret(stored);
    connector.accounts.complete(&request, &connector.shared, secret).await?;
    Ok(Json(json!({})))
}

async fn disconnect_account(
    State(connector): State<Arc<Connector>>,
    Json(request): Json<DisconnectRequest>,
) -> Result<Json<DisconnectAnswer>, QueryError> {
    let existed = connector.accounts.disconnect(request.resource, request.user).await?;
    Ok(Json(DisconnectAnswer { existed }))
}

async fn provider_metadata(
    State(connector): State<Arc<Connector>>,
    Json(request): Json<ProviderRequest>,
) -> Result<Json<Metadata>, QueryError> {
    connector.providers.metadata(request.provider).await.map(Json)
}

async fn provider_keys(
    State(connector): State<Arc<Connector>>,
    Json(request): Json<ProviderRequest>,
) -> Result<Json<Keys>, QueryError> {
    connector.providers.keys(request.provider).await.map(Json)
}

async fn exchange_sign_in(
    State(connector): State<Arc<Connector>>,
    Json(request): Json<ExchangeRequest>,
) -> Result<Json<Exchanged>, QueryError> {
    connector.providers.exchange(&request).await.map(Json)
}
