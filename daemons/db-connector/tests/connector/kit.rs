//! A running db-connector, and resources for it.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use bulkhead_daemon_kit::{Context, Credentials, DaemonConfig, Lifetime, Listener, MetricsRegistry, Readiness};
use bulkhead_db_connector::Config;
use bulkhead_model::ResourceId;
use bulkhead_model::operation::Operation;
use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_model::resource::{PostgresqlConfig, ResourceConfig, TlsMode, secret};
use bulkhead_rpc::connector::{QueryRequest, QueryResult};
use bulkhead_rpc::export::{ExportEnd, ExportFormat, ExportRequest};
use bulkhead_rpc::{Problem, RpcClient, RpcError};
use bulkhead_seal::{Place, SealPrivateKey, SealPublicKey};
use bulkhead_store::{Database, test_support};
use bulkhead_test_kit::TestDatabase;
use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio_postgres::Client;
use tokio_postgres::config::Host;

/// A database role for which the test cluster asks no password.
const OWNER: &str = "bulkhead-tables";

/// A running db-connector, with `bulkhead`'s database and one that the resource leads to.
pub(crate) struct Service {
    pub(crate) client: RpcClient,
    pub(crate) store: Database,
    pub(crate) data: TestDatabase,
    pub(crate) port: u16,
    pub(crate) seal: SealPublicKey,
    pub(crate) resource: ResourceId,
    /// To look at the data and at the server's sessions, as superuser.
    pub(crate) observer: Client,
    control: RpcClient,
    own: TestDatabase,
    directory: tempfile::TempDir,
}

/// Starts a daemon with the key in `directory`, where its sockets lie too; gives clients of its socket and of its control socket.
fn serve(own: &TestDatabase, directory: &Path, name: &str, mut raw: Value) -> (RpcClient, RpcClient) {
    let config = own.config();
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let host = match &config.get_hosts()[0] {
        Host::Unix(path) => path.display().to_string(),
        Host::Tcp(host) => host.clone(),
    };
    raw["database"] = json!({ "socket-directory": host, "port": port, "name": own.name() });
    let config = Config::from_raw(serde_json::from_value(raw).expect("a shape")).expect("sound");
    let (socket, control) = (directory.join(format!("{name}.sock")), directory.join(format!("{name}-control.sock")));
    let listener = |path| Listener::Unix(UnixListener::bind(path).expect("binds"));
    let listeners = [("rpc", listener(&socket)), ("control", listener(&control))];
    let (_, reload) = tokio::sync::watch::channel(0);
    let context = Context {
        config,
        listeners: listeners.into_iter().map(|(name, listener)| (name.to_owned(), listener)).collect(),
        credentials: Credentials::in_directory(Some(directory.to_owned())),
        readiness: Readiness::default(),
        metrics: MetricsRegistry::default(),
        lifetime: Lifetime { shutdown: Default::default(), drain_timeout: Duration::from_secs(1), reload },
        internal_tls: None,
    };
    tokio::spawn(async move { bulkhead_db_connector::run(context).await.expect("serves") });
    let client = |path| RpcClient::new("bulkhead-db-connector", path);
    (client(&socket), client(&control))
}

/// Runs a query at any db-connector.
pub(crate) async fn run(client: &RpcClient, request: &QueryRequest) -> Result<QueryResult, Problem> {
    match client.call(Method::POST, "/v1/query", request).await {
        Ok(result) => Ok(result),
        Err(RpcError::Problem(problem)) => Err(*problem),
        Err(other) => panic!("{other:?}"),
    }
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::with(json!({ "allow-networks": ["127.0.0.0/8"] })).await
    }

    /// One with these settings beside the database's.
    pub(crate) async fn with(raw: Value) -> Self {
        let (own, store) = test_support::migrated().await;
        let data = TestDatabase::create().await;
        let directory = tempfile::tempdir().expect("a directory");
        let key = SealPrivateKey::generate();
        std::fs::write(directory.path().join("seal.key"), key.to_text().as_bytes()).expect("written");
        let port = own.config().get_ports().first().copied().unwrap_or(5432);
        let (client, control) = serve(&own, directory.path(), "db-connector", raw);
        let observer = data.connect().await;
        observer.batch_execute(&format!("ALTER DATABASE {} OWNER TO \"{OWNER}\"", data.name())).await.expect("owned");
        let mut service = Self {
            client,
            control,
            store,
            data,
            port,
            seal: key.public_key(),
            resource: ResourceId::new(),
            observer,
            own,
            directory,
        };
        service.resource = service.add("data", service.config(OWNER), "any", false).await;
        service
    }

    /// A client of another db-connector with the same database and key.
    pub(crate) fn replica(&self) -> RpcClient {
        serve(&self.own, self.directory.path(), "replica", json!({ "allow-networks": ["127.0.0.0/8"] })).0
    }

    /// Lets the tokens of all accounts end.
    pub(crate) async fn end_tokens(&self) {
        let end = "UPDATE oauth_accounts SET good_until = now() - interval '1 second'";
        self.own.connect().await.batch_execute(end).await.expect("ended");
    }

    /// Settings that lead to the data.
    pub(crate) fn config(&self, user: &str) -> PostgresqlConfig {
        PostgresqlConfig {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            database: self.data.name().to_owned(),
            user: user.to_owned(),
            tls: TlsMode::Disabled,
            ca_certificate: None,
            client_certificate: None,
            ssh_host: None,
        }
    }

    /// Saves a resource.
    pub(crate) async fn add(&self, name: &str, config: PostgresqlConfig, secret: &str, built_in: bool) -> ResourceId {
        let id = ResourceId::new();
        let sealed = self.sealed(id, secret);
        let config = ResourceConfig::Postgresql(config);
        self.store.create_resource(id, name, &config, Some(&sealed), built_in).await.expect("saved");
        id
    }

    /// Saves a resource of any kind.
    pub(crate) async fn add_kind(&self, name: &str, config: &ResourceConfig, secret: Option<&str>) -> ResourceId {
        let id = ResourceId::new();
        let sealed = secret.map(|secret| self.sealed(id, secret));
        self.store.create_resource(id, name, config, sealed.as_deref(), false).await.expect("saved");
        id
    }

    /// Saves a resource with the private key of its client certificate.
    pub(crate) async fn add_certified(
        &self,
        name: &str,
        config: &ResourceConfig,
        secret: Option<&str>,
        key: Option<&str>,
    ) -> ResourceId {
        self.add_kind(name, config, secret::pack(secret, key).as_deref()).await
    }

    /// Saves a resource whose name does not matter.
    pub(crate) async fn add_any(&self, config: Value, secret: Option<&str>) -> ResourceId {
        let config: ResourceConfig = serde_json::from_value(config).expect("a configuration");
        self.add_kind(&format!("any-{}", ResourceId::new()), &config, secret).await
    }

    /// An operation at a resource of any kind, as its document is written.
    pub(crate) fn operation(&self, resource: ResourceId, operation: Value, parameters: Value) -> QueryRequest {
        let operation: Operation = serde_json::from_value(operation).expect("an operation");
        QueryRequest {
            resource,
            mode: operation.effect(),
            operation: Some(operation),
            parameters: serde_json::from_value(parameters).expect("parameters"),
            ..self.query("")
        }
    }

    pub(crate) fn sealed(&self, id: ResourceId, secret: &str) -> String {
        let row = id.to_string();
        let place = Place { table: "resources", row: &row, field: "sealed_secret" };
        self.seal.seal(&place, secret.as_bytes()).expect("sealed")
    }

    /// A query for the data, to be adjusted.
    pub(crate) fn query(&self, statement: &str) -> QueryRequest {
        QueryRequest {
            resource: self.resource,
            asked_by: None,
            environment: Default::default(),
            before: Vec::new(),
            statement: statement.to_owned(),
            pages: None,
            change: None,
            operation: None,
            parameters: Default::default(),
            mode: QueryMode::Read,
            limits: QueryLimits::default(),
            cache_seconds: 0,
        }
    }

    pub(crate) async fn run(&self, request: &QueryRequest) -> Result<QueryResult, Problem> {
        run(&self.client, request).await
    }

    /// A query exported: the file as far as it came, and how it ended.
    pub(crate) async fn export(
        &self,
        query: &QueryRequest,
        format: ExportFormat,
    ) -> Result<(String, Option<ExportEnd>), Problem> {
        let request = ExportRequest { query: query.clone(), format };
        let begun = match self.client.stream(Method::POST, "/v1/export", &request).await {
            Ok(begun) => begun,
            Err(RpcError::Problem(problem)) => return Err(*problem),
            Err(other) => panic!("{other:?}"),
        };
        let (mut body, mut file, mut end) = (begun.into_body(), Vec::new(), None);
        while let Some(frame) = body.frame().await {
            match frame.expect("read").into_data() {
                Ok(data) => file.extend_from_slice(&data),
                Err(frame) => end = frame.trailers_ref().and_then(ExportEnd::from_trailers),
            }
        }
        Ok((String::from_utf8(file).expect("text"), end))
    }

    /// The rows of a read.
    pub(crate) async fn rows(&self, statement: &str) -> Vec<Value> {
        let result = self.run(&self.query(statement)).await.expect("runs");
        assert!(result.end, "the result is whole");
        result.rows.into_iter().map(Value::Object).collect()
    }

    /// The problem of a read.
    pub(crate) async fn problem(&self, statement: &str) -> Problem {
        self.run(&self.query(statement)).await.expect_err("refused")
    }

    /// What is counted, as it is scraped.
    pub(crate) async fn metrics(&self) -> String {
        let answer = self.control.stream(Method::GET, "/metrics", &()).await.expect("answered");
        let body = answer.into_body().collect().await.expect("read").to_bytes();
        String::from_utf8(body.to_vec()).expect("text")
    }

    /// Runs a write.
    pub(crate) async fn write(&self, statement: &str) -> Result<QueryResult, Problem> {
        self.run(&QueryRequest { mode: QueryMode::Write, ..self.query(statement) }).await
    }

    /// Waits until the server runs `count` statements like `pattern` for the resource.
    pub(crate) async fn until_running(&self, pattern: &str, count: i64) {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE $1 AND state = 'active' AND pid <> pg_backend_pid()";
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let running: i64 = self.observer.query_one(sql, &[&pattern]).await.expect("told").get(0);
            if running == count {
                return;
            }
            assert!(Instant::now() < end, "{running} statements like {pattern} run, not {count}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
