//! The journal over the real socket, with the real db-connector and PostgreSQL behind it.

#![allow(clippy::unwrap_used)]

mod calls;
mod collector;
mod environments;
mod otlp;
mod secrets;
mod traces;

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use bulkhead_daemon_kit::{Context, Credentials, DaemonConfig, Lifetime, Listener, MetricsRegistry, Readiness};
use bulkhead_model::run::{BlockStatus, Iteration, RunStatus};
use bulkhead_model::{EnvironmentId, ResourceId, RunId, UserId, WorkflowId};
use bulkhead_rpc::backend::{
    ActionValues, BlockAction, BlockOutcome, CallAsk, CallRequest, FinishRequest, RunState, Token, TokenRequest,
};
use bulkhead_rpc::{RpcClient, RpcError};
use bulkhead_seal::{Place, SealPrivateKey};
use bulkhead_store::Database;
use bulkhead_store::runs::NewRun;
use bulkhead_store::test_support::{as_role, migrated, record};
use bulkhead_test_kit::TestDatabase;
use bulkhead_workflows_backend::{Scope, TokenKey};
use http::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

struct World {
    backend: RpcClient,
    tables: tokio_postgres::Client,
    run: RunId,
    workflow: WorkflowId,
    /// As api's role sees it.
    api: Database,
    /// The key of workflows-backend, which is db-connector's here.
    seal: SealPrivateKey,
    stop: CancellationToken,
    _directory: tempfile::TempDir,
    databases: (TestDatabase, TestDatabase),
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

const SLOW_WRITE: &str =
    "WITH pause AS MATERIALIZED (SELECT pg_sleep(0.5)) INSERT INTO effects SELECT {{ n }} FROM pause RETURNING n";

async fn world() -> World {
    world_with(true).await
}

/// With or without the key that opens secrets for code.
async fn world_with(seal_key: bool) -> World {
    let (own, database) = migrated().await;
    let tables_database = TestDatabase::create().await;
    let tables = tables_database.connect().await;
    tables.batch_execute("CREATE TABLE effects (n int NOT NULL)").await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let key = SealPrivateKey::generate();
    std::fs::write(directory.path().join("seal.key"), key.to_text().as_bytes()).unwrap();
    std::fs::write(directory.path().join("run-token.key"), [7; 32]).unwrap();
    add_resource(&database, "tables", port(&tables_database), &tables_database, &key).await;
    let stop = CancellationToken::new();
    let raw = json!({ "database": table(&own), "allow-networks": ["127.0.0.0/8"] });
    let connector = context(directory.path(), "db-connector.sock", config(raw), &stop);
    tokio::spawn(async move { bulkhead_db_connector::run(connector).await.unwrap() });
    let raw = json!({ "database": table(&own), "db-connector-socket": directory.path().join("db-connector.sock") });
    let mut backend = context(directory.path(), "backend.sock", config(raw), &stop);
    if !seal_key {
        let own = directory.path().join("without-key");
        std::fs::create_dir(&own).unwrap();
        std::fs::copy(directory.path().join("run-token.key"), own.join("run-token.key")).unwrap();
        // What the unit passes until setup has made the key.
        std::fs::write(own.join("seal.key"), "missing").unwrap();
        backend.credentials = Credentials::in_directory(Some(own));
    }
    tokio::spawn(async move { bulkhead_workflows_backend::run(backend).await.unwrap() });
    let backend = RpcClient::new("workflows-backend", directory.path().join("backend.sock"));
    let api = as_role(&own, "bulkhead-api");
    let (workflow, run) = start_run(&api).await;
    let databases = (own, tables_database);
    World { backend, tables, run, workflow, api, seal: key, stop, _directory: directory, databases }
}

async fn start_run(api: &Database) -> (WorkflowId, RunId) {
    let document = serde_json::from_value(json!({
        "format": 1, "title": "Writes", "start": "write",
        "blocks": { "write": { "type": "query", "resource": "tables", "mode": "write", "statement": SLOW_WRITE } },
        "queries": {
            "slow": { "resource": "tables", "mode": "write", "statement": SLOW_WRITE },
            "wide": { "resource": "tables", "mode": "write",
                "statement": "INSERT INTO effects VALUES (9) RETURNING repeat('x', 6000000) AS much" },
            "read": { "resource": "tables", "statement": "SELECT n FROM effects" },
            "flaky": { "resource": "flaky", "mode": "write", "statement": "INSERT INTO effects VALUES (3)" },
            "both": { "resource": "tables",
                "statements": ["INSERT INTO effects VALUES ({{ n }})", "INSERT INTO effects VALUES ({{ n }} + 1) RETURNING n"] },
            "half": { "resource": "tables", "statements": ["INSERT INTO effects VALUES ({{ n }})", "SELECT 1 / 0"] },
        },
    }));
    let workflow = api.create_workflow("writes", &document.unwrap(), None).await.unwrap();
    api.release_workflow(workflow, 1, None).await.unwrap();
    let trigger = json!({});
    let new = NewRun {
        workflow,
        version: 1,
        environment: EnvironmentId::DEFAULT,
        trigger: &trigger,
        started_by: None,
        idempotency_key: None,
        begins_at: None,
        trace_parent: None,
        record: &record(),
    };
    (workflow, api.start_run(&new).await.unwrap().0)
}

fn config<C: DaemonConfig>(raw: Value) -> C
where
    C::Raw: serde::de::DeserializeOwned,
{
    C::from_raw(serde_json::from_value(raw).unwrap()).unwrap()
}

fn context<C>(directory: &Path, socket: &str, config: C, stop: &CancellationToken) -> Context<C> {
    let listener = Listener::Unix(UnixListener::bind(directory.join(socket)).unwrap());
    let (_, reload) = tokio::sync::watch::channel(0);
    Context {
        config,
        listeners: [("rpc".to_owned(), listener)].into_iter().collect(),
        credentials: Credentials::in_directory(Some(directory.to_owned())),
        readiness: Readiness::default(),
        metrics: MetricsRegistry::default(),
        lifetime: Lifetime { shutdown: stop.clone(), drain_timeout: Duration::from_secs(2), reload },
        internal_tls: None,
    }
}

fn table(database: &TestDatabase) -> Value {
    let directory = match &database.config().get_hosts()[0] {
        tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
        tokio_postgres::config::Host::Tcp(host) => host.clone(),
    };
    json!({ "socket-directory": directory, "port": port(database), "name": database.name() })
}

fn port(database: &TestDatabase) -> u16 {
    database.config().get_ports().first().copied().unwrap_or(5432)
}

async fn add_resource(database: &Database, name: &str, port: u16, tables: &TestDatabase, key: &SealPrivateKey) {
    let id = ResourceId::new();
    let config = json!({
        "kind": "postgresql", "host": "127.0.0.1", "port": port, "database": tables.name(), "user": "postgres", "tls": "disabled",
    });
    let row = id.to_string();
    let place = Place { table: "resources", row: &row, field: "sealed_secret" };
    let secret = key.public_key().seal(&place, b"unused under trust").unwrap();
    database.create_resource(id, name, &serde_json::from_value(config).unwrap(), Some(&secret), true).await.unwrap();
}

impl World {
    async fn token(&self) -> String {
        self.backend.get::<RunState>(&format!("/v1/runs/{}", self.run)).await.unwrap().token
    }

    /// The first call of code that makes one after the other, and runs for it alone.
    async fn call(&self, token: &str, query: &str, n: i32) -> Result<Value, RpcError> {
        Code { in_order: true, ..Code::default() }.call(self, token, query, n).await
    }

    async fn effects(&self) -> i64 {
        self.tables.query_one("SELECT count(*) FROM effects", &[]).await.unwrap().get(0)
    }
}

/// Code that runs.
#[derive(Clone, Copy)]
pub(crate) struct Code {
    pub(crate) execution: Uuid,
    /// The number of its next call.
    pub(crate) call: u32,
    pub(crate) was_answered: bool,
    pub(crate) in_order: bool,
}

impl Default for Code {
    fn default() -> Self {
        Self { execution: Uuid::new_v4(), call: 0, was_answered: false, in_order: false }
    }
}

impl Code {
    /// The same, at a later call.
    pub(crate) fn at(self, call: u32) -> Self {
        Self { call, was_answered: call > 0, ..self }
    }

    pub(crate) async fn call(self, world: &World, token: &str, query: &str, n: i32) -> Result<Value, RpcError> {
        let parameters =
            if ["slow", "both", "half"].contains(&query) { [("n".to_owned(), json!(n))].into() } else { [].into() };
        let request = CallRequest {
            block: "code".into(),
            iteration: Iteration::default(),
            attempt: 1,
            execution: self.execution,
            call: self.call,
            was_answered: self.was_answered,
            in_order: self.in_order,
            ask: CallAsk::Query { query: query.into(), parameters },
        };
        world.backend.call_with_token(Method::POST, "/v1/calls", &request, token).await
    }
}

fn code<T: std::fmt::Debug>(answer: Result<T, RpcError>) -> String {
    match answer {
        Err(RpcError::Problem(problem)) => problem.code,
        other => panic!("no problem but {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_made_once_however_often_it_is_asked_for() {
    let world = world().await;
    let token = world.token().await;
    // The first caller goes away at once; the second attaches to what goes on without it; the third comes when all is done.
    let gone = tokio::time::timeout(Duration::from_millis(150), world.call(&token, "slow", 1)).await;
    assert!(gone.is_err());
    let second = world.call(&token, "slow", 1).await.unwrap();
    let third = world.call(&token, "slow", 1).await.unwrap();
    assert_eq!((&second["rows"], &third), (&json!([{ "n": 1 }]), &second));
    assert_eq!(code(world.call(&token, "slow", 2).await), "call-changed");
    assert_eq!(world.effects().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_statements_is_one_write() {
    let world = world().await;
    let token = world.token().await;
    let first = world.call(&token, "both", 1).await.unwrap();
    let again = Code { in_order: true, ..Code::default() };
    let second = again.call(&world, &token, "both", 1).await.unwrap();
    assert_eq!((&first["rows"], &second), (&json!([{ "n": 2 }]), &first));
    assert_eq!(world.effects().await, 2);
    assert_eq!(code(again.at(1).call(&world, &token, "half", 7).await), "query-failed");
    assert_eq!(world.effects().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_block_is_stored_with_its_values() {
    let world = world().await;
    let values = ActionValues::Query { parameters: [("n".to_owned(), json!(5))].into() };
    let request = BlockAction { iteration: Iteration::default(), attempt: 1, cover: None, values };
    // As a worker does: it takes a run up before anything of it happens.
    let state = format!("/v1/runs/{}", world.run);
    let taken_up: RunState = world.backend.get(&state).await.unwrap();
    assert_eq!(taken_up.journal, []);
    let path = format!("/v1/runs/{}/blocks/write", world.run);
    for _ in 0..2 {
        let outcome: BlockOutcome = world.backend.call(Method::POST, &path, &request).await.unwrap();
        assert_eq!((outcome.status, &outcome.result["rows"]), (BlockStatus::Succeeded, &json!([{ "n": 5 }])));
    }
    assert_eq!(world.effects().await, 1);
    let state: RunState = world.backend.get(&state).await.unwrap();
    assert_eq!(state.journal.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_result_is_too_large_has_no_effect() {
    let world = world().await;
    let token = world.token().await;
    assert_eq!(code(world.call(&token, "wide", 0).await), "result-too-large");
    assert_eq!(world.effects().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_its_own_run_while_it_lasts_and_nothing_else() {
    let world = world().await;
    let token = world.token().await;
    let key = TokenKey::new(&[7; 32]).unwrap();
    let foreign = TokenKey::new(&[8; 32]).unwrap().sign(Scope::Run(world.run), time::Duration::hours(1));
    let stale = key.sign(Scope::Run(world.run), time::Duration::seconds(-1));
    let nobody = key.sign(Scope::Run(RunId::new()), time::Duration::hours(1));
    for refused in ["", "a.b.c", foreign.as_str(), stale.as_str()] {
        assert_eq!(code(world.call(refused, "read", 0).await), "token-refused", "{refused}");
    }
    assert_eq!(code(world.call(&nobody, "read", 0).await), "unknown");
    assert_eq!(code(world.call(&token, "other", 0).await), "query-unknown");
    assert_eq!(world.call(&token, "read", 0).await.unwrap()["rows"], json!([]));
    let draft = TokenRequest {
        workflow: world.workflow,
        user: UserId::new(),
        revision: 1,
        environment: EnvironmentId::DEFAULT,
    };
    let draft: Token = world.backend.call(Method::POST, "/v1/tokens", &draft).await.unwrap();
    assert_eq!(world.call(&draft.token, "read", 0).await.unwrap()["rows"], json!([]));
    // What is saved afterwards may ask for resources that nobody has allowed.
    let document = world.api.workflow_draft(world.workflow).await.unwrap().document;
    world.api.save_workflow_draft(world.workflow, 1, &document).await.unwrap();
    assert_eq!(code(world.call(&draft.token, "read", 0).await), "draft-changed");
    let end = FinishRequest { status: RunStatus::Cancelled, error: None, result: Value::Null };
    let path = format!("/v1/runs/{}/finish", world.run);
    let _: Value = world.backend.call(Method::POST, &path, &end).await.unwrap();
    assert_eq!(code(world.call(&token, "slow", 1).await), "run-ended");
    assert_eq!(world.effects().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_quiet_first_step_has_done_is_found_by_the_next() {
    let world = world().await;
    let path = format!("/v1/runs/{}", world.run);
    let first: RunState = world.backend.get(&format!("{path}?quietly=true")).await.unwrap();
    assert_eq!((first.status, first.journal.len()), (RunStatus::Queued, 0));
    assert_eq!(world.api.run(world.run).await.unwrap().status, RunStatus::Queued);
    let action = json!({ "attempt": 1, "values": { "kind": "query", "parameters": { "n": 4 } } });
    let outcome: Value = world.backend.call(Method::POST, &format!("{path}/blocks/write"), &action).await.unwrap();
    assert_eq!(outcome["status"], "succeeded");
    // The worker has died; Temporal gives the run to another.
    let next: RunState = world.backend.get(&path).await.unwrap();
    assert_eq!((next.status, next.journal.len()), (RunStatus::Running, 1));
    assert_eq!(world.effects().await, 1);
}
