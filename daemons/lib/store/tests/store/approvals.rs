//! Questions: who may decide them, and from when on.

use bulkhead_model::run::{Iteration, RunStatus};
use bulkhead_model::workflow::{Deciders, WorkflowDocument};
use bulkhead_model::{EnvironmentId, Role, RunId, UserId, WorkflowId};
use bulkhead_store::access::ObjectKind;
use bulkhead_store::approvals::{NewApproval, Verdict};
use bulkhead_store::block_ends::RunEnd;
use bulkhead_store::journal::BlockPlace;
use bulkhead_store::runs::NewRun;
use bulkhead_store::test_support::{as_role, migrated, record};
use bulkhead_store::{Database, StoreError};
use bulkhead_test_kit::TestDatabase;
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

struct Questions {
    api: Database,
    backend: Database,
    own: TestDatabase,
    workflow: WorkflowId,
    run: RunId,
}

impl Questions {
    async fn new() -> Self {
        let (own, _) = migrated().await;
        let (api, backend) = (as_role(&own, "bulkhead-api"), as_role(&own, "bulkhead-workflows-backend"));
        let workflow =
            api.create_workflow("refunds", &WorkflowDocument::starter("Refunds"), None).await.expect("creates");
        api.release_workflow(workflow, 1, None).await.expect("releases");
        let trigger = json!({ "kind": "manual" });
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
        let run = api.start_run(&new).await.expect("starts").0;
        Self { api, backend, own, workflow, run }
    }

    async fn user(&self, name: &str) -> UserId {
        self.api.create_user(&format!("{name}@example.test"), name, false).await.expect("creates")
    }

    async fn group(&self, name: &str, members: &[UserId]) -> Uuid {
        let id = Uuid::now_v7();
        assert!(self.api.create_group(id, name, "", 1000).await.expect("creates"));
        for member in members {
            self.api.add_group_member(id, *member).await.expect("adds");
        }
        id
    }

    async fn ask(&self, block: &str, deciders: &Deciders, escalation: Option<(OffsetDateTime, &Deciders)>) {
        let place = BlockPlace { block: block.into(), iteration: Iteration::default(), attempt: 1 };
        let new = NewApproval {
            run: self.run,
            place: &place,
            workflow: self.workflow,
            title: block,
            description: "",
            deciders,
            form: &[],
            escalation,
            deadline: None,
        };
        assert!(self.backend.ask(&new, false).await.expect("asks").is_none());
    }

    /// What a person may decide.
    async fn open_to(&self, user: UserId) -> Vec<(String, Uuid)> {
        let open = self.api.open_approvals(user, false, 100).await.expect("lists");
        open.into_iter().map(|one| (one.block, one.id)).collect()
    }

    async fn decide(&self, id: Uuid, user: UserId) -> Result<WorkflowId, StoreError> {
        self.api.decide(id, (user, false), &Verdict { approved: true, ..Verdict::default() }).await
    }
}

fn to(people: &[&str], groups: &[&str]) -> Deciders {
    Deciders {
        people: people.iter().map(|name| format!("{name}@Example.test")).collect(),
        groups: groups.iter().map(|name| name.parse().expect("a slug")).collect(),
    }
}

#[tokio::test]
async fn whoever_loses_the_right_between_asking_and_deciding_is_refused() {
    let questions = Questions::new().await;
    let (ann, bob, eve) = (questions.user("ann").await, questions.user("bob").await, questions.user("eve").await);
    let finance = questions.group("finance", &[ann, bob]).await;
    questions.ask("group", &to(&[], &["finance"]), None).await;
    questions.ask("person", &to(&["bob"], &[]), None).await;
    questions.ask("editors", &Deciders::default(), None).await;
    let id = |open: &[(String, Uuid)], block: &str| open.iter().find(|(name, _)| name == block).expect("open").1;
    assert!(questions.open_to(eve).await.is_empty());
    questions.api.set_grant(ObjectKind::Workflow, questions.workflow.0, eve, Role::Editor).await.expect("grants");
    let (of_ann, of_bob, of_eve) =
        (questions.open_to(ann).await, questions.open_to(bob).await, questions.open_to(eve).await);
    let (group, person, editors) = (id(&of_ann, "group"), id(&of_bob, "person"), id(&of_eve, "editors"));
    assert_eq!((of_ann.len(), of_bob.len(), of_eve.len()), (1, 2, 1));

    let refused = async |id, user| {
        let outcome = questions.decide(id, user).await;
        assert!(matches!(outcome, Err(StoreError::NotFound { .. })), "{outcome:?}");
        assert!(questions.api.open_approval(id, (user, false)).await.is_err());
    };
    questions.api.remove_group_member(finance, ann).await.expect("removes");
    refused(group, ann).await;
    questions.api.update_user(bob, None, None, Some(true)).await.expect("disables");
    refused(group, bob).await;
    refused(person, bob).await;
    questions.api.set_grant(ObjectKind::Workflow, questions.workflow.0, eve, Role::Viewer).await.expect("grants");
    refused(editors, eve).await;
    // With the group gone nobody is left, and nobody else steps in.
    questions.api.delete_group(finance).await.expect("deletes");
    refused(group, eve).await;

    questions.group("finance", &[eve]).await;
    questions.decide(group, eve).await.expect("a member decides");
}

#[tokio::test]
async fn others_may_decide_once_it_has_escalated_and_that_is_in_the_audit_trail() {
    let questions = Questions::new().await;
    let (ann, bob, cid) = (questions.user("ann").await, questions.user("bob").await, questions.user("cid").await);
    questions.group("leads", &[bob]).await;
    let now = OffsetDateTime::now_utc();
    let later = to(&["cid"], &["leads"]);
    questions.ask("due", &to(&["ann"], &[]), Some((now - Duration::SECOND, &later))).await;
    questions.ask("later", &to(&["ann"], &[]), Some((now + Duration::HOUR, &later))).await;
    assert!(questions.open_to(bob).await.is_empty(), "nobody is told before it is written down");
    let escalated = questions.backend.escalate(10).await.expect("escalates");
    assert_eq!(escalated.iter().map(|one| one.block.as_str()).collect::<Vec<_>>(), ["due"]);
    assert!(questions.backend.escalate(10).await.expect("escalates").is_empty(), "once");
    for person in [bob, cid] {
        let open = questions.open_to(person).await;
        assert_eq!(open.iter().map(|(block, _)| block.as_str()).collect::<Vec<_>>(), ["due"]);
    }
    assert_eq!(questions.open_to(ann).await.len(), 2);
    let record = &questions.api.audit_records(None, 1).await.expect("reads")[0];
    assert_eq!((record.actor.as_str(), record.action.as_str()), ("clock", "workflow.approval.escalate"));
    assert_eq!((&record.detail["people"], &record.detail["groups"]), (&json!(["cid@example.test"]), &json!(["leads"])));
    questions.decide(questions.open_to(bob).await[0].1, bob).await.expect("decides");
    assert!(questions.open_to(cid).await.is_empty());
}

#[tokio::test]
async fn a_group_has_members_and_a_name_of_its_own() {
    let questions = Questions::new().await;
    let ann = questions.user("ann").await;
    let id = questions.group("finance", &[ann, ann]).await;
    let again = questions.api.create_group(Uuid::now_v7(), "finance", "", 1000).await;
    assert!(matches!(again, Err(StoreError::Exists { .. })));
    assert!(!questions.api.create_group(Uuid::now_v7(), "one-more", "", 1).await.expect("refuses"));
    let nobody = questions.api.add_group_member(id, UserId::new()).await;
    assert!(matches!(nobody, Err(StoreError::NotFound { .. })));
    questions.api.describe_group(id, "Who pays").await.expect("describes");
    let group = questions.api.group("finance").await.expect("reads");
    assert_eq!((group.members, group.description.as_str()), (1, "Who pays"));
    assert_eq!(questions.api.unknown_groups(&["finance", "nobody"]).await.expect("looks"), ["nobody"]);
    assert_eq!(questions.api.group_members(id).await.expect("lists")[0].user, ann);
}

#[tokio::test]
async fn the_question_of_a_run_that_has_ended_is_not_looked_at_again() {
    let questions = Questions::new().await;
    let (now, later) = (OffsetDateTime::now_utc(), to(&["bob"], &[]));
    questions.ask("due", &to(&["ann"], &[]), Some((now - Duration::SECOND, &later))).await;
    let end = RunEnd { status: RunStatus::Cancelled, error: None, result: None };
    questions.backend.finish_run(questions.run, end).await.expect("ends");
    assert!(questions.backend.escalate(10).await.expect("escalates").is_empty());
    let client = questions.own.connect().await;
    let left = client.query_one("SELECT count(*) FROM approvals WHERE escalate_at IS NOT NULL", &[]).await;
    assert_eq!(left.expect("counts").get::<_, i64>(0), 0);
}
