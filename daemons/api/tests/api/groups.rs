//! Groups, and approvals by them.

use bulkhead_model::RunId;
use bulkhead_model::run::Iteration;
use bulkhead_model::workflow::{Deciders, FormField};
use bulkhead_store::approvals::NewApproval;
use bulkhead_store::journal::BlockPlace;
use serde_json::{Value, json};

use crate::kit::{Instance, Person};

fn document(group: &str) -> Value {
    json!({
        "format": 1, "title": "Refunds", "start": "ask",
        "blocks": { "ask": { "type": "approval", "title": "?", "groups": ["finance", group] } },
    })
}

#[tokio::test]
async fn administrators_make_groups_and_everybody_sees_their_names() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let ann = instance.person(&admin, "ann").await;
    let group = json!({ "name": "finance", "description": " Who pays " });
    assert_eq!(instance.call(&ann, "POST", "/groups", &group).await.problem(), (403, "administrators-only".into()));
    let made = instance.call(&admin, "POST", "/groups", &group).await.ok(201);
    assert_eq!(
        (&made["name"], &made["description"], &made["members"]),
        (&json!("finance"), &json!("Who pays"), &json!(0))
    );
    assert_eq!(instance.call(&admin, "POST", "/groups", &group).await.problem(), (409, "exists".into()));
    let unsound = json!({ "name": "No Slug" });
    assert_eq!(instance.call(&admin, "POST", "/groups", &unsound).await.problem(), (422, "invalid".into()));
    let member = format!("/groups/finance/members/{}", ann.id);
    assert_eq!(instance.call(&ann, "PUT", &member, &json!({})).await.problem().0, 403);
    instance.call(&admin, "PUT", &member, &json!({})).await.ok(204);
    instance.call(&admin, "PUT", &member, &json!({})).await.ok(204);
    let nobody = "/groups/finance/members/018f0000-0000-7000-8000-000000000001";
    assert_eq!(instance.call(&admin, "PUT", nobody, &json!({})).await.problem().0, 404);
    let detail = instance.call(&admin, "GET", "/groups/finance", &Value::Null).await.ok(200);
    assert_eq!((&detail["group"]["members"], &detail["members"][0]["email"]), (&json!(1), &json!("ann@example.org")));
    let session = instance.call(&ann, "GET", "/session", &json!(null)).await.ok(200);
    assert_eq!(session["user"]["groups"], json!(["finance"]));
    assert_eq!(instance.call(&ann, "GET", "/groups/finance", &Value::Null).await.problem().0, 403);
    let list = instance.call(&ann, "GET", "/groups", &Value::Null).await.ok(200);
    assert_eq!(list["groups"][0]["name"], "finance");
    let changed = instance.call(&admin, "PATCH", "/groups/finance", &json!({ "description": "Money" })).await.ok(200);
    assert_eq!(changed["description"], "Money");
    instance.call(&admin, "DELETE", &member, &json!({})).await.ok(204);
    assert_eq!(instance.call(&admin, "DELETE", &member, &json!({})).await.problem().0, 404);
    instance.call(&admin, "DELETE", "/groups/finance", &json!({})).await.ok(204);
    let audit = instance.audit().await;
    for action in ["group.create", "group.update", "group.delete", "group.member.add", "group.member.remove"] {
        assert!(audit.contains(&("root@example.org".into(), action.into())), "{action}: {audit:?}");
    }
}

#[tokio::test]
async fn a_workflow_names_groups_that_exist() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    instance.call(&admin, "POST", "/groups", &json!({ "name": "finance" })).await.ok(201);
    let body = json!({ "slug": "refunds", "title": "Refunds", "document": document("leads") });
    let refused = instance.call(&admin, "POST", "/workflows", &body).await;
    assert_eq!(refused.problem(), (422, "document-invalid".into()));
    let faults = refused.json()["faults"].clone();
    assert_eq!(faults.as_array().map(Vec::len), Some(1), "{faults}");
    assert_eq!(faults[0]["path"], "blocks.ask.groups.1");
    instance.call(&admin, "POST", "/groups", &json!({ "name": "leads" })).await.ok(201);
    instance.call(&admin, "POST", "/workflows", &body).await.ok(201);
    // A release is looked at again.
    instance.call(&admin, "DELETE", "/groups/leads", &json!({})).await.ok(204);
    let release = instance.call(&admin, "POST", "/workflows/refunds/releases", &json!({ "revision": 1 })).await;
    assert_eq!(release.problem(), (422, "document-invalid".into()));
}

/// A question to the group `finance` with a form, as workflows-backend stores it.
async fn ask(instance: &Instance, admin: &Person) {
    instance.call(admin, "POST", "/groups", &json!({ "name": "finance" })).await.ok(201);
    let body = json!({ "slug": "refunds", "title": "Refunds", "document": document("finance") });
    instance.call(admin, "POST", "/workflows", &body).await.ok(201);
    instance.call(admin, "POST", "/workflows/refunds/releases", &json!({ "revision": 1 })).await.ok(200);
    let run = instance.call(admin, "POST", "/workflows/refunds/runs", &json!({})).await.ok(202);
    let run: RunId = run["run"].as_str().expect("a run").parse().expect("an id");
    let form: Vec<FormField> = serde_json::from_value(json!([
        { "name": "amount", "label": "Amount", "type": "number", "required": true },
        { "name": "reason", "type": "choice", "options": ["late", "damaged"], "default": "late" },
    ]))
    .expect("fields");
    let backend = instance.as_role("bulkhead-workflows-backend");
    let workflow = backend.pinned_run(run).await.expect("reads").workflow;
    let place = BlockPlace { block: "ask".into(), iteration: Iteration::default(), attempt: 1 };
    let deciders = Deciders { people: Vec::new(), groups: vec!["finance".parse().expect("a slug")] };
    let new = NewApproval {
        run,
        place: &place,
        workflow,
        title: "Refund?",
        description: "",
        deciders: &deciders,
        form: &form,
        escalation: None,
        deadline: None,
    };
    backend.ask(&new, false).await.expect("asks");
}

#[tokio::test]
async fn a_member_fills_in_the_form_and_one_who_has_left_is_refused() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    ask(&instance, &admin).await;
    let (ann, bob) = (instance.person(&admin, "ann").await, instance.person(&admin, "bob").await);
    for person in [&ann, &bob] {
        instance.call(&admin, "PUT", &format!("/groups/finance/members/{}", person.id), &json!({})).await.ok(204);
    }
    let none = instance.call(&admin, "GET", "/approvals", &Value::Null).await.ok(200);
    assert_eq!(none["approvals"], json!([]), "an administrator is no member");
    let open = instance.call(&ann, "GET", "/approvals", &Value::Null).await.ok(200)["approvals"][0].clone();
    assert_eq!(open["form"][1]["options"], json!(["late", "damaged"]));
    let path = format!("/approvals/{}/decision", open["id"].as_str().expect("an id"));

    let empty = instance.call(&ann, "POST", &path, &json!({ "approved": true })).await;
    assert_eq!(empty.problem(), (422, "invalid".into()));
    assert_eq!(empty.json()["faults"][0]["path"], "form.amount");
    let wrong = json!({ "approved": true, "form": { "amount": "much", "reason": "because" } });
    let wrong = instance.call(&ann, "POST", &path, &wrong).await;
    assert_eq!(wrong.json()["faults"].as_array().map(Vec::len), Some(2));
    let unknown = json!({ "approved": true, "form": { "amount": 1, "__proto__": 1 } });
    assert_eq!(instance.call(&ann, "POST", &path, &unknown).await.problem().0, 422);

    instance.call(&admin, "DELETE", &format!("/groups/finance/members/{}", bob.id), &json!({})).await.ok(204);
    let good = json!({ "approved": true, "comment": "fine", "form": { "amount": 12 } });
    assert_eq!(instance.call(&bob, "POST", &path, &good).await.problem().0, 404, "bob has left");
    instance.call(&ann, "POST", &path, &good).await.ok(204);
    assert_eq!(instance.call(&ann, "POST", &path, &good).await.problem().0, 404, "it is decided");
    let client = instance.own.connect().await;
    let row = client.query_one("SELECT answers::text, decided_by FROM approvals", &[]).await.expect("one");
    let answers: Value = serde_json::from_str(row.get(0)).expect("JSON");
    assert_eq!((answers, row.get::<_, &str>(1)), (json!({ "amount": 12, "reason": "late" }), "ann@example.org"));
}
