//! Secrets: who may write, who may read, which workflow may use one.

use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_model::{EnvironmentId, RunId, WorkflowId};
use bulkhead_store::runs::NewRun;
use bulkhead_store::test_support::{as_role, migrated, record};
use bulkhead_store::{Database, StoreError};
use uuid::Uuid;

async fn workflow(api: &Database, slug: &str) -> WorkflowId {
    let id = api.create_workflow(slug, &WorkflowDocument::starter(slug), None).await.expect("creates");
    api.release_workflow(id, 1, None).await.expect("releases");
    id
}

async fn run(api: &Database, workflow: WorkflowId) -> RunId {
    let trigger = serde_json::json!({});
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
    api.start_run(&new).await.expect("starts").0
}

#[tokio::test]
async fn a_secret_opens_to_the_workflows_that_it_is_granted_to() {
    let (test, _) = migrated().await;
    let (api, backend) = (as_role(&test, "bulkhead-api"), as_role(&test, "bulkhead-workflows-backend"));
    let (one, two) = (workflow(&api, "one").await, workflow(&api, "two").await);
    let id = Uuid::now_v7();
    api.create_secret(id, "token", "bh1.sealed", &[one, one], None).await.expect("adds");
    let taken = api.create_secret(Uuid::now_v7(), "token", "x", &[], None).await;
    assert!(matches!(taken, Err(StoreError::Exists { .. })));

    let sealed = async |workflow| backend.secret_of_workflow(workflow, "token").await.expect("reads").sealed;
    assert_eq!(sealed(one).await, Some((id, "bh1.sealed".to_owned())));
    assert_eq!(sealed(two).await, None);
    let run = run(&api, one).await;
    let by_run = backend.secret_for_run(run, "token").await.expect("reads");
    assert_eq!((by_run.workflow, by_run.slug.as_str(), by_run.sealed.is_some()), (one, "one", true));
    assert!(backend.secret_for_run(run, "other").await.expect("reads").sealed.is_none());
    let nobody = backend.secret_for_run(RunId::new(), "token").await;
    assert!(matches!(nobody, Err(StoreError::NotFound { .. })));

    api.set_secret_grants(id, &[two]).await.expect("grants");
    assert_eq!((sealed(one).await, sealed(two).await.is_some()), (None, true));
    api.replace_secret(id, "bh1.other", None).await.expect("replaces");
    assert_eq!(sealed(two).await, Some((id, "bh1.other".to_owned())));
    let listed = api.secrets().await.expect("lists");
    assert_eq!(listed, [api.secret("token").await.expect("reads")]);
    assert_eq!(listed[0].workflows.iter().map(|workflow| workflow.slug.as_str()).collect::<Vec<_>>(), ["two"]);

    api.delete_workflow(two).await.expect("a grant keeps no workflow");
    assert_eq!(api.secret("token").await.expect("reads").workflows, []);
    api.delete_secret(id).await.expect("deletes");
    assert!(matches!(api.delete_secret(id).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn api_cannot_read_a_sealed_value_and_the_backend_cannot_write_one() {
    let (test, _) = migrated().await;
    let attempt = async |role: &str, sql: &str| {
        let client = test.connect().await;
        client.batch_execute(&format!("SET ROLE \"{role}\"")).await.expect("becomes it");
        client.batch_execute(sql).await.expect_err("refused").code().map(|code| code.code().to_owned())
    };
    let refused = Some("42501".to_owned());
    assert_eq!(attempt("bulkhead-api", "SELECT sealed FROM secrets").await, refused);
    assert_eq!(attempt("bulkhead-api", "UPDATE secrets SET name = 'x'").await, refused);
    assert_eq!(attempt("bulkhead-workflows-backend", "UPDATE secrets SET sealed = 'x'").await, refused);
    assert_eq!(attempt("bulkhead-workflows-backend", "INSERT INTO secret_grants SELECT").await, refused);
    assert_eq!(attempt("bulkhead-workflows-worker", "SELECT FROM secrets").await, refused);
    assert_eq!(attempt("bulkhead-workflows-backend", "SELECT lock FROM library_sets").await, refused);
}
