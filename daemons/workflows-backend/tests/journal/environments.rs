//! A run asks the resources of its own environment, and its children theirs.

use bulkhead_model::EnvironmentId;
use bulkhead_model::environment::{EnvironmentAccess, EnvironmentColor};
use bulkhead_model::run::{Iteration, RunStatus};
use bulkhead_rpc::backend::RunState;
use bulkhead_store::environments::EnvironmentSettings;
use bulkhead_store::journal::BlockPlace;
use bulkhead_test_kit::TestDatabase;
use serde_json::json;

use super::*;

const STAGING: EnvironmentSettings<'_> = EnvironmentSettings {
    name: "staging",
    color: EnvironmentColor::Amber,
    access: EnvironmentAccess::Builders,
    groups: &[],
};

impl World {
    /// A run of its workflow in an environment.
    async fn run_in(&self, environment: EnvironmentId) -> RunState {
        let trigger = json!({});
        let new = NewRun {
            workflow: self.workflow,
            version: 1,
            environment,
            trigger: &trigger,
            started_by: None,
            idempotency_key: None,
            begins_at: None,
            trace_parent: None,
            record: &record(),
        };
        let (run, _) = self.api.start_run(&new).await.unwrap();
        self.backend.get(&format!("/v1/runs/{run}")).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_asks_the_resources_of_its_environment() {
    let world = world().await;
    let staging = EnvironmentId::new();
    assert!(world.api.create_environment(staging, &STAGING, 20).await.unwrap());
    let run = world.run_in(staging).await;
    assert_eq!(run.environment, "staging");
    let read = async |token: &str| Code::default().call(&world, token, "read", 0).await;
    assert_eq!(code(read(&run.token).await), "environment-not-configured", "nothing is taken from production");

    let database = TestDatabase::create().await;
    let effects = "CREATE TABLE effects (n int NOT NULL); INSERT INTO effects VALUES (77)";
    database.connect().await.batch_execute(effects).await.unwrap();
    let id = world.api.resource_id("tables").await.unwrap().unwrap();
    let config = json!({
        "kind": "postgresql", "host": "127.0.0.1", "port": port(&database), "database": database.name(), "user": "postgres",
        "tls": "disabled",
    });
    let (table, row) = bulkhead_rpc::connector::secret_row(id, staging);
    let secret = world.seal.public_key().seal(&Place { table, row: &row, field: "sealed_secret" }, b"unused").unwrap();
    let config = serde_json::from_value(config).unwrap();
    world.api.put_environment_settings((id, staging), None, &config, Some(&secret)).await.unwrap();
    assert_eq!(read(&run.token).await.unwrap()["rows"], json!([{ "n": 77 }]));
    let usual = world.run_in(EnvironmentId::DEFAULT).await;
    assert_eq!(usual.environment, "production");
    assert_eq!(read(&usual.token).await.unwrap()["rows"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_runs_where_its_parent_does() {
    let world = world().await;
    let staging = EnvironmentId::new();
    assert!(world.api.create_environment(staging, &STAGING, 20).await.unwrap());
    let parent = world.run_in(staging).await;
    let backend = as_role(&world.databases.0, "bulkhead-workflows-backend");
    let place = BlockPlace { block: "write".into(), iteration: Iteration::default(), attempt: 1 };
    let trigger = json!({});
    let new = bulkhead_store::children::NewChild {
        parent: parent.run,
        place: &place,
        depth: 1,
        workflow: "writes",
        trigger: &trigger,
        waits: false,
    };
    assert!(backend.start_child(&new).await.unwrap());
    let child = backend.child(parent.run, &place).await.unwrap().expect("started");
    assert_eq!(child.status, RunStatus::Queued);
    let child: RunState = world.backend.get(&format!("/v1/runs/{}", child.run)).await.unwrap();
    assert_eq!(child.environment, "staging");
}
