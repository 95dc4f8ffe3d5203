//! The audit trail's chain, as the API tells of it.

use serde_json::{Value, json};

use crate::kit::Instance;

#[tokio::test]
async fn the_chain_is_told_checked_in_parts_and_its_first_break_named() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let get = async |path: &str| instance.call(&admin, "GET", path, &Value::Null).await;
    assert!(get("/audit").await.ok(200).get("sealed").is_none());
    assert_eq!(get("/audit/verification").await.ok(200)["up_to"]["number"], 0);
    let leadership = instance.database.claim_leadership().await.expect("asks").expect("claims");
    let (last, _) = instance.database.seal_audit(&leadership, 1000).await.expect("seals").expect("some");
    let sealed = get("/audit").await.ok(200)["sealed"].clone();
    assert_eq!(sealed["seal"]["number"], last.number);
    let found = get("/audit/verification").await.ok(200);
    assert_eq!((&found["up_to"], &found["is_end"], found.get("broken")), (&sealed["seal"], &json!(true), None));
    assert_eq!(get(&format!("/audit/seals/{}", last.number)).await.ok(200), sealed["seal"]);
    assert_eq!(get(&format!("/audit/seals/{}", last.number + 1)).await.problem().0, 404);
    let first = get("/audit/seals/1").await.ok(200);
    let after = format!("/audit/verification?after=1&hash={}", first["hash"].as_str().expect("text"));
    assert_eq!(get(&after).await.ok(200)["is_end"], true);
    for bad in ["?after=1", "?hash=00", "?after=x&hash=00", "?after=1&hash=zz"] {
        assert_eq!(get(&format!("/audit/verification{bad}")).await.problem(), (400, "malformed".into()), "{bad}");
    }
    instance
        .own
        .connect()
        .await
        .batch_execute("update audit_log set actor = 'x' where seal = 2")
        .await
        .expect("falsified");
    let broken = get("/audit/verification").await.ok(200)["broken"].clone();
    assert_eq!((&broken["kind"], &broken["number"]), (&json!("changed"), &json!(2)));
}
