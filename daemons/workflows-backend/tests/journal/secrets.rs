//! Secrets for code, and the libraries that a run is told of.

use bulkhead_model::run::RunStatus;
use bulkhead_model::workflow::{Language, WorkflowDocument};
use bulkhead_model::{EnvironmentId, LibraryImage, LibrarySet, UserId};
use bulkhead_rpc::backend::{FinishRequest, RunState, SecretRequest, SecretValue, Token, TokenRequest};
use bulkhead_rpc::{Problem, RpcError};
use bulkhead_seal::{Place, SealPrivateKey};
use bulkhead_store::library_sets::BuiltLibraries;
use bulkhead_store::runs::NewRun;
use bulkhead_store::test_support::{as_role, record};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{World, world, world_with};

const CANARY: &str = "canary-77c1-token";

impl World {
    /// Adds a secret, sealed by `key` to the row that `place` says.
    async fn add_secret(&self, name: &str, key: &SealPrivateKey, row: Option<Uuid>, granted: bool) -> Uuid {
        let id = Uuid::now_v7();
        let row = row.unwrap_or(id).to_string();
        let place = Place { table: "secrets", row: &row, field: "sealed" };
        let sealed = key.public_key().seal(&place, CANARY.as_bytes()).unwrap();
        let workflows = if granted { vec![self.workflow] } else { Vec::new() };
        self.api.create_secret(id, name, &sealed, &workflows, None).await.unwrap();
        id
    }

    async fn secret(&self, token: &str, name: &str) -> Result<String, Problem> {
        let request = SecretRequest { name: name.into() };
        let answer: Result<SecretValue, RpcError> =
            self.backend.call_with_token(Method::POST, "/v1/secrets", &request, token).await;
        match answer {
            Ok(secret) => {
                assert_eq!(format!("{secret:?}"), "SecretValue(redacted)");
                Ok(secret.value)
            }
            Err(RpcError::Problem(problem)) => Err(*problem),
            Err(other) => panic!("no problem but {other:?}"),
        }
    }

    /// Actor, action and detail of each record, oldest first.
    async fn audit(&self) -> Vec<(String, String, Value)> {
        let mut records = self.api.audit_records(None, 100).await.unwrap();
        records.reverse();
        records.into_iter().map(|record| (record.actor, record.action, record.detail)).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn code_gets_a_secret_that_its_workflow_was_granted_and_each_use_is_on_record() {
    let world = world().await;
    world.add_secret("apiToken", &world.seal, None, true).await;
    let run = world.token().await;
    let user = UserId::new();
    let draft = TokenRequest { workflow: world.workflow, user, revision: 1, environment: EnvironmentId::DEFAULT };
    let draft: Token = world.backend.call(Method::POST, "/v1/tokens", &draft).await.unwrap();
    for token in [&run, &draft.token] {
        assert_eq!(world.secret(token, "apiToken").await.unwrap(), CANARY);
    }
    let audit = world.audit().await;
    let uses: Vec<_> = audit.iter().filter(|(_, action, _)| action == "secret.use").collect();
    assert_eq!(uses.len(), 2);
    assert_eq!(uses[0].0, "workflow writes");
    assert_eq!(uses[0].2, json!({ "secret": "apiToken", "run": world.run }));
    assert_eq!(uses[1].2, json!({ "secret": "apiToken", "draft": true }));
    assert!(!format!("{audit:?}").contains(CANARY));
    let end = FinishRequest { status: RunStatus::Cancelled, error: None, result: Value::Null };
    let path = format!("/v1/runs/{}/finish", world.run);
    let _: Value = world.backend.call(Method::POST, &path, &end).await.unwrap();
    assert_eq!(world.secret(&run, "apiToken").await.unwrap_err().code, "run-ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_grant_a_secret_looks_like_one_that_does_not_exist() {
    let world = world().await;
    let id = world.add_secret("there", &world.seal, None, false).await;
    let token = world.token().await;
    let there = world.secret(&token, "there").await.unwrap_err();
    let absent = world.secret(&token, "absent").await.unwrap_err();
    assert_eq!((there.status, there.code.as_str()), (403, "secret-not-granted"));
    assert_eq!(there.detail.replace("there", "absent"), absent.detail);
    assert!(there.detail.contains("bulkheadctl secret grant there writes"), "{}", there.detail);
    assert_eq!(world.secret(&token, "a\0b").await.unwrap_err().code, "secret-not-granted");
    assert_eq!(world.secret("", "there").await.unwrap_err().code, "token-refused");
    assert!(
        world.audit().await.iter().any(|(_, action, detail)| action == "access.denied" && detail["secret"] == "there")
    );
    world.api.set_secret_grants(id, &[world.workflow]).await.unwrap();
    assert_eq!(world.secret(&token, "there").await.unwrap(), CANARY);
    world.api.set_secret_grants(id, &[]).await.unwrap();
    assert_eq!(world.secret(&token, "there").await.unwrap_err().code, "secret-not-granted", "counts at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_moved_or_sealed_to_another_key_does_not_open() {
    let world = world().await;
    let other = world.add_secret("other", &world.seal, None, true).await;
    world.add_secret("moved", &world.seal, Some(other), true).await;
    world.add_secret("foreign", &SealPrivateKey::generate(), None, true).await;
    let token = world.token().await;
    for name in ["moved", "foreign"] {
        let problem = world.secret(&token, name).await.unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (422, "secret-damaged"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_key_stops_secrets_and_nothing_else() {
    let world = world_with(false).await;
    world.add_secret("apiToken", &world.seal, None, true).await;
    let token = world.token().await;
    let problem = world.secret(&token, "apiToken").await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (503, "secrets-unavailable"));
    assert!(problem.detail.contains("bulkheadctl setup"), "{}", problem.detail);
    assert_eq!(world.call(&token, "read", 0).await.unwrap()["rows"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_told_the_images_of_its_libraries() {
    let world = world().await;
    let set = LibrarySet { language: Language::Python, lock: "numpy".into(), preload: Vec::new() };
    let id = world.api.create_library_set("science", &set, None).await.unwrap();
    let jobs = as_role(&world.databases.0, "bulkhead-jobs-runner");
    let build = jobs.claim_library_build().await.unwrap().unwrap();
    let image: LibraryImage = "c".repeat(64).parse().unwrap();
    let built = BuiltLibraries { image: image.clone(), packages: Vec::new(), bytes: 1 };
    assert!(jobs.finish_library_build(id, build.generation, Ok(&built), "").await.unwrap());
    let mut document = WorkflowDocument::starter("Report");
    document.libraries = serde_json::from_value(json!({ "python": "science" })).unwrap();
    let workflow = world.api.create_workflow("report", &document, None).await.unwrap();
    world.api.release_workflow(workflow, 1, None).await.unwrap();
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
    let run = world.api.start_run(&new).await.unwrap().0;
    let state: RunState = world.backend.get(&format!("/v1/runs/{run}")).await.unwrap();
    assert_eq!((state.libraries.python, state.libraries.javascript), (Some(image), None));
}
