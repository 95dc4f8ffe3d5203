//! Events: sent by people and by webhooks.

use serde_json::{Value, json};

use crate::kit::{Instance, Person};

/// A released workflow that waits for payments, with a webhook that delivers them; the path of that webhook.
async fn waiting_workflow(instance: &Instance) -> (Person, String) {
    let admin = instance.admin().await;
    let document = json!({
        "format": 1, "title": "Orders", "start": "payment",
        "triggers": { "paid": { "type": "webhook", "event": { "name": "paid", "key": "body.order.id" } } },
        "blocks": { "payment": { "type": "wait", "for": { "event": { "name": "paid", "key": "trigger.body.order" } } } },
    });
    let body = json!({ "slug": "orders", "title": "Orders", "document": document });
    instance.call(&admin, "POST", "/workflows", &body).await.ok(201);
    instance.call(&admin, "POST", "/workflows/orders/releases", &json!({ "revision": 1 })).await.ok(200);
    let key = instance.call(&admin, "POST", "/workflows/orders/triggers/paid/key", &json!({})).await.ok(200);
    (admin, format!("/hooks/orders/paid?key={}", key["key"].as_str().expect("a key")))
}

async fn runs(instance: &Instance, person: &Person) -> usize {
    let runs = instance.call(person, "GET", "/workflows/orders/runs", &Value::Null).await.ok(200);
    runs["runs"].as_array().expect("a list").len()
}

#[tokio::test]
async fn a_person_who_may_run_the_workflow_sends_events_and_nobody_else() {
    let instance = Instance::start().await;
    let (admin, _) = waiting_workflow(&instance).await;
    let (ann, bob) = (instance.person(&admin, "ann").await, instance.person(&admin, "bob").await);
    instance.grant(&admin, "/workflows/orders", &ann, "editor").await;
    let path = "/workflows/orders/events";
    let event = json!({ "name": "paid", "key": 17, "body": { "amount": 3 }, "idempotency_key": "a" });
    assert_eq!(instance.call(&bob, "POST", path, &event).await.problem().0, 404);
    instance.grant(&admin, "/workflows/orders", &bob, "viewer").await;
    assert_eq!(instance.call(&bob, "POST", path, &event).await.problem(), (403, "role-too-low".into()));
    let sent = instance.call(&ann, "POST", path, &event).await.ok(202);
    assert_eq!((&sent["runs"], &sent["known"]), (&json!(0), &json!(false)));
    let again = instance.call(&ann, "POST", path, &event).await.ok(202);
    assert_eq!((&again["event"], &again["known"]), (&sent["event"], &json!(true)));
    assert!(instance.audit().await.contains(&("ann@example.org".into(), "workflow.event.send".into())));
    assert_eq!(runs(&instance, &ann).await, 0);
}

#[tokio::test]
async fn what_is_no_event_is_refused_with_its_place() {
    let instance = Instance::start().await;
    let (admin, _) = waiting_workflow(&instance).await;
    let cases = [
        (json!({ "name": "no name" }), "is not a name"),
        (json!({ "name": "paid", "key": { "id": 1 } }), "key: a key is a text"),
        (json!({ "name": "paid", "key": "x".repeat(201) }), "key: a key has 1 to 200 bytes"),
        (json!({ "name": "paid", "key": "" }), "key: a key has 1 to 200 bytes"),
        (json!({ "name": "paid", "body": "x".repeat(256 * 1024) }), "body: has 262146 bytes of JSON"),
        (json!({ "name": "paid", "idempotency_key": "" }), "idempotency key"),
        (json!({ "name": "paid", "more": 1 }), "unknown field"),
    ];
    for (event, why) in cases {
        let answer = instance.call(&admin, "POST", "/workflows/orders/events", &event).await;
        assert_eq!(answer.problem(), (422, "invalid".into()), "{why}");
        let detail = answer.json()["detail"].as_str().expect("text").to_owned();
        assert!(detail.contains(why), "{detail}");
    }
}

#[tokio::test]
async fn a_webhook_delivers_an_event_and_starts_no_run() {
    let instance = Instance::start().await;
    let (admin, path) = waiting_workflow(&instance).await;
    let headers = [("idempotency-key", "payment-1")];
    let sent = instance.send("POST", &path, &headers, r#"{"order": {"id": 17}, "amount": 3}"#).await.ok(202);
    let again = instance.send("POST", &path, &headers, r#"{"order": {"id": 17}, "amount": 3}"#).await.ok(202);
    assert_eq!((&again["event"], &again["known"]), (&sent["event"], &json!(true)));
    let client = instance.own.connect().await;
    let row = client.query_one("SELECT name, key, body_json FROM workflow_events", &[]).await.expect("one event");
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("paid", "17"));
    let body: Value = serde_json::from_str(row.get(2)).expect("JSON");
    assert_eq!(body, json!({ "order": { "id": 17 }, "amount": 3 }));
    let missing = instance.send("POST", &path, &[], r#"{"order": 17}"#).await;
    assert_eq!(missing.problem(), (422, "invalid".into()));
    assert!(missing.json()["detail"].as_str().expect("text").starts_with("body.order.id: is not in the request"));
    let list = instance.send("POST", &path, &[], r#"{"order": {"id": [1]}}"#).await;
    assert!(list.json()["detail"].as_str().expect("text").starts_with("body.order.id: a key is a text"));
    assert_eq!(instance.send("POST", "/hooks/orders/paid?key=wrong", &[], "{}").await.problem().0, 401);
    assert_eq!(runs(&instance, &admin).await, 0);
    assert!(instance.audit().await.contains(&("webhook".into(), "workflow.event.send".into())));
}
