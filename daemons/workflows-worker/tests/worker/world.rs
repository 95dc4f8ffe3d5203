//! All that a run needs, in a directory and databases of its own.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use bulkhead_daemon_kit::{Context, Credentials, DaemonConfig, Lifetime, Listener, MetricsRegistry, Readiness};
use bulkhead_model::run::{BlockStatus, RunStatus};
use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_model::{EnvironmentId, ResourceId, RunId, UserId, WorkflowId};
use bulkhead_seal::{Place, SealPrivateKey};
use bulkhead_store::Database;
use bulkhead_store::runs::{BlockRun, NewRun, Run};
use bulkhead_store::test_support::{as_role, migrated, record};
use bulkhead_test_kit::{Daemon, TestAuthority, TestDatabase, TestTemporal};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::programs::{binary, lenient, zygote_library};

/// How long a run may take, faults and all.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running instance without api.
pub(crate) struct World {
    pub(crate) temporal: TestTemporal,
    pub(crate) worker: Daemon,
    pub(crate) backend: Daemon,
    pub(crate) executor: Daemon,
    /// As api's role sees it.
    pub(crate) api: Database,
    /// What the resource `tables` points at.
    pub(crate) tables: tokio_postgres::Client,
    pub(crate) own: TestDatabase,
    tables_database: TestDatabase,
    directories: [tempfile::TempDir; 2],
    /// Its files are read for as long as the daemons run.
    pub(crate) authority: Option<TestAuthority>,
    connector: CancellationToken,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(TestTemporal::start()).await
    }

    /// With a Temporal server that may not run yet.
    pub(crate) async fn with(temporal: TestTemporal) -> Self {
        let settings = format!("address = '{}'\n", temporal.address());
        Self::with_settings(temporal, &settings, None).await
    }

    /// With these settings below `[temporal]` of the worker, and with the API key that its unit would pass.
    pub(crate) async fn with_settings(temporal: TestTemporal, settings: &str, api_key: Option<&str>) -> Self {
        Self::with_parts(temporal, settings, api_key, None).await
    }

    /// With daemons that know each other by certificates of this authority.
    pub(crate) async fn elsewhere(authority: TestAuthority) -> Self {
        let temporal = TestTemporal::start();
        let settings = format!("address = '{}'\n", temporal.address());
        Self::with_parts(temporal, &settings, None, Some(authority)).await
    }

    async fn with_parts(
        temporal: TestTemporal,
        settings: &str,
        api_key: Option<&str>,
        authority: Option<TestAuthority>,
    ) -> Self {
        let (own, database) = migrated().await;
        let tables_database = TestDatabase::create().await;
        let tables = tables_database.connect().await;
        tables.batch_execute("CREATE TABLE effects (block text NOT NULL, run text NOT NULL)").await.expect("created");
        let directory = tempfile::tempdir().expect("a directory");
        let key = SealPrivateKey::generate();
        std::fs::write(directory.path().join("seal.key"), key.to_text().as_bytes()).expect("written");
        std::fs::write(directory.path().join("run-token.key"), [7; 32]).expect("written");
        if let Some(api_key) = api_key {
            std::fs::write(directory.path().join("temporal-api-key"), api_key).expect("written");
        }
        add_resource(&database, &tables_database, &key).await;
        let connector = CancellationToken::new();
        start_connector(directory.path(), &own, &connector);
        let library = tempfile::tempdir().expect("a directory");
        let zygote = zygote_library(library.path());
        let (backend, executor, worker) = start_daemons(directory.path(), &zygote, &own, settings, authority.as_ref());
        let api = as_role(&own, "bulkhead-api");
        Self {
            temporal,
            worker,
            backend,
            executor,
            api,
            tables,
            own,
            tables_database,
            directories: [directory, library],
            authority,
            connector,
        }
    }

    /// Releases a workflow.
    pub(crate) async fn release(&self, document: Value) -> WorkflowId {
        self.release_as("under-test", document).await
    }

    /// Releases a workflow under this slug.
    pub(crate) async fn release_as(&self, slug: &str, document: Value) -> WorkflowId {
        let document: WorkflowDocument = serde_json::from_value(document).expect("a document");
        assert_eq!(document.validate(), []);
        let id = self.api.create_workflow(slug, &document, None).await.expect("creates");
        self.api.release_workflow(id, 1, None).await.expect("releases");
        id
    }

    /// Starts a run as api does: a row and an outbox entry.
    pub(crate) async fn run(&self, workflow: WorkflowId, body: Value) -> RunId {
        self.start_run(workflow, body, None).await
    }

    /// The same, with what came before a block in an earlier run.
    pub(crate) async fn run_from(&self, workflow: WorkflowId, body: Value, at: (RunId, &str)) -> RunId {
        self.start_run(workflow, body, Some(at)).await
    }

    async fn start_run(&self, workflow: WorkflowId, body: Value, begins_at: Option<(RunId, &str)>) -> RunId {
        let trigger = json!({ "kind": "webhook", "body": body });
        let new = NewRun {
            workflow,
            version: 1,
            environment: EnvironmentId::DEFAULT,
            trigger: &trigger,
            started_by: None,
            idempotency_key: None,
            begins_at,
            trace_parent: None,
            record: &record(),
        };
        self.api.start_run(&new).await.expect("starts").0
    }

    /// Waits until a run has ended.
    pub(crate) async fn ended(&self, run: RunId) -> Run {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = self.api.run(run).await.expect("reads");
            if found.status.is_final() {
                return found;
            }
            if Instant::now() > end {
                let blocks = self.api.block_runs(run).await.expect("reads");
                panic!("the run has not ended: {found:#?}\n{blocks:#?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a run has ended well.
    pub(crate) async fn succeeded(&self, run: RunId) -> Run {
        let run = self.ended(run).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
        run
    }

    /// Waits until a run waits for something of this kind.
    pub(crate) async fn waits(&self, run: RunId, kind: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = self.api.run(run).await.expect("reads");
            if found.waiting_for.as_ref().is_some_and(|waiting| waiting["kind"] == kind) {
                assert_eq!(found.status, RunStatus::Waiting);
                return;
            }
            assert!(Instant::now() < end && !found.status.is_final(), "it does not wait: {found:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until Temporal drives a run.
    pub(crate) async fn is_driven(&self, run: RunId) {
        let end = Instant::now() + PATIENCE;
        while !self.temporal.knows(&run.to_string()) {
            assert!(Instant::now() < end, "Temporal does not know it");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a person has `count` open questions.
    pub(crate) async fn open_approvals(&self, user: UserId, count: usize) {
        let end = Instant::now() + PATIENCE;
        while self.api.open_approvals(user, false, 10).await.expect("reads").len() != count {
            assert!(Instant::now() < end, "there are not {count} open questions");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until `block` of a run stands like this.
    pub(crate) async fn block_is(&self, run: RunId, block: &str, status: BlockStatus) {
        let end = Instant::now() + PATIENCE;
        let is_so = |one: &BlockRun| one.place.block == block && one.status == status;
        while !self.api.block_runs(run).await.expect("reads").iter().any(is_so) {
            assert!(Instant::now() < end, "`{block}` is not {status:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until `block` of a run has ended.
    pub(crate) async fn block_ended(&self, run: RunId, block: &str) {
        let end = Instant::now() + PATIENCE;
        let has_ended = |one: &BlockRun| one.place.block == block && one.status != BlockStatus::Running;
        while !self.api.block_runs(run).await.expect("reads").iter().any(has_ended) {
            assert!(Instant::now() < end, "`{block}` has not ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the worker's `/readyz` says this.
    pub(crate) async fn worker_says(&self, words: &str) {
        let end = Instant::now() + PATIENCE;
        let socket = self.directories[0].path().join("worker-control.sock");
        loop {
            let mut stream = tokio::net::UnixStream::connect(&socket).await.expect("its control socket");
            let request = b"GET /readyz HTTP/1.1\r\nhost: worker\r\nconnection: close\r\n\r\n";
            stream.write_all(request).await.expect("asked");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("answered");
            if answer.contains(words) {
                return;
            }
            assert!(Instant::now() < end, "the worker does not say `{words}`: {answer}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// How often each (block, run) took effect.
    pub(crate) async fn effects(&self) -> Vec<(String, String, i64)> {
        let sql = "SELECT block, run, count(*) FROM effects GROUP BY block, run ORDER BY block, run";
        let rows = self.tables.query(sql, &[]).await.expect("counted");
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }

    /// Waits until a statement of a run is under way on the resource.
    pub(crate) async fn statement_under_way(&self, marker: &str) {
        let end = Instant::now() + PATIENCE;
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND state = 'active' AND query LIKE '%' || $2 || '%'
            AND pid <> pg_backend_pid()";
        loop {
            let row = self.tables.query_one(sql, &[&self.tables_database.name(), &marker]).await.expect("counted");
            if row.get::<_, i64>(0) > 0 {
                return;
            }
            assert!(Instant::now() < end, "the statement did not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Cuts every connection to Bulkhead's own database, as a restart of PostgreSQL does.
    pub(crate) async fn cut_database_connections(&self) {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        self.tables.execute(sql, &[&self.own.name()]).await.expect("cut");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.connector.cancel();
    }
}

fn port(database: &TestDatabase) -> u16 {
    database.config().get_ports().first().copied().unwrap_or(5432)
}

async fn add_resource(database: &Database, tables: &TestDatabase, key: &SealPrivateKey) {
    let id = ResourceId::new();
    let config = json!({
        "kind": "postgresql", "host": "127.0.0.1", "port": port(tables), "database": tables.name(), "user": "postgres", "tls": "disabled",
    });
    let config = serde_json::from_value(config).expect("settings");
    let row = id.to_string();
    let place = Place { table: "resources", row: &row, field: "sealed_secret" };
    let secret = key.public_key().seal(&place, b"unused under trust").expect("sealed");
    database.create_resource(id, "tables", &config, Some(&secret), true).await.expect("stored");
}

/// Its program is built for no test of its own, so it runs in this process.
fn start_connector(directory: &Path, own: &TestDatabase, shutdown: &CancellationToken) {
    let raw = json!({ "database": database_table(own), "allow-networks": ["127.0.0.0/8"] });
    let config = bulkhead_db_connector::Config::from_raw(serde_json::from_value(raw).expect("a shape")).expect("sound");
    let listener = Listener::Unix(UnixListener::bind(directory.join("db-connector.sock")).expect("binds"));
    let (_, reload) = tokio::sync::watch::channel(0);
    let context = Context {
        config,
        listeners: [("rpc".to_owned(), listener)].into_iter().collect(),
        credentials: Credentials::in_directory(Some(directory.to_owned())),
        readiness: Readiness::default(),
        metrics: MetricsRegistry::default(),
        lifetime: Lifetime { shutdown: shutdown.clone(), drain_timeout: Duration::from_secs(1), reload },
        internal_tls: None,
    };
    tokio::spawn(async move { bulkhead_db_connector::run(context).await.expect("db-connector serves") });
}

/// Each on a machine of its own, as far as the others can tell, where there is an authority.
fn start_daemons(
    directory: &Path,
    zygote: &Path,
    own: &TestDatabase,
    temporal: &str,
    authority: Option<&TestAuthority>,
) -> (Daemon, Daemon, Daemon) {
    let at = |name: &str| directory.join(name).display().to_string();
    let database = database_toml(own);
    let identity = |role: &str| authority.map(|authority| authority.setting(role)).unwrap_or_default();
    let listener = || authority.map(|_| TcpListener::bind("127.0.0.1:0").expect("binds"));
    let (for_backend, for_executor) = (listener(), listener());
    let address = |listener: &Option<TcpListener>, socket: &str| match listener {
        Some(listener) => format!("https://localhost:{}", listener.local_addr().expect("bound").port()),
        None => at(socket),
    };
    let (backend_at, executor_at) =
        (address(&for_backend, "workflows-backend.sock"), address(&for_executor, "code-executor.sock"));
    let start = |program: &str, socket: (&str, &str), tcp: &Option<TcpListener>, config: &str| {
        let tcp = tcp.as_ref().map(|listener| ("rpc-tls", listener));
        Daemon::with_tcp(directory, &binary(program), socket, tcp, config).start()
    };
    let config =
        format!("{}db-connector-socket = '{}'\n{database}", identity("workflows-backend"), at("db-connector.sock"));
    let backend = start("bulkhead-workflows-backend", ("rpc", "workflows-backend.sock"), &for_backend, &config);
    let config = format!(
        "{}{}workflows-backend = '{backend_at}'\nzygote-library = '{}'\n",
        identity("code-executor"),
        lenient(),
        zygote.display()
    );
    let executor = start("bulkhead-code-executor", ("rpc", "code-executor.sock"), &for_executor, &config);
    let config = format!(
        "{}workflows-backend-socket = '{backend_at}'\ncode-executor-socket = '{executor_at}'\nreconcile-interval-s = 1\n{database}[temporal]\n{temporal}",
        identity("workflows-worker"),
    );
    let worker = start("bulkhead-workflows-worker", ("control", "worker-control.sock"), &None, &config);
    (backend, executor, worker)
}

fn database_table(database: &TestDatabase) -> Value {
    let directory = match &database.config().get_hosts()[0] {
        tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
        tokio_postgres::config::Host::Tcp(host) => host.clone(),
    };
    json!({ "socket-directory": directory, "port": port(database), "name": database.name() })
}

fn database_toml(database: &TestDatabase) -> String {
    let table = database_table(database);
    let lines = ["socket-directory", "port", "name"].map(|key| format!("{key} = {}\n", table[key]));
    format!("[database]\n{}", lines.concat())
}
