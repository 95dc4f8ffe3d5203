//! Worker, backend and executor as if on three machines: TCP, and certificates that say who is who.

use bulkhead_test_kit::TestAuthority;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_from_machine_to_machine() {
    let world = World::elsewhere(TestAuthority::default()).await;
    let document = json!({
        "format": 1, "title": "Elsewhere", "start": "count",
        "blocks": {
            "count": { "type": "code", "language": "javascript", "source": "return { of: String(6 * 7) }" },
            "note": { "type": "query", "resource": "tables", "mode": "write",
                "statement": "INSERT INTO effects VALUES ('note', {{ count.of }})" },
            "pause": { "type": "wait", "for": { "seconds": "0.5" } },
            "reply": { "type": "response", "body": "count.of" },
        },
        "edges": [
            { "from": "count", "to": "note" }, { "from": "note", "to": "pause" }, { "from": "pause", "to": "reply" },
        ],
    });
    let workflow = world.release(document).await;
    let run = world.run(workflow, json!(null)).await;
    assert_eq!(world.succeeded(run).await.response.expect("a response").body, json!("42"));
    assert_eq!(world.effects().await, [("note".to_owned(), "42".to_owned(), 1)]);

    // The same under way while the backend's machine dies and comes back, with certificates that were renewed meanwhile.
    let mut world = world;
    let authority = world.authority.take().expect("an authority");
    for role in ["workflows-worker", "workflows-backend", "code-executor"] {
        authority.issue(role);
    }
    let run = world.run(workflow, json!(null)).await;
    world.block_ended(run, "note").await;
    world.backend.restart();
    assert_eq!(world.succeeded(run).await.response.expect("a response").body, json!("42"));
    assert_eq!(world.effects().await, [("note".to_owned(), "42".to_owned(), 2)]);
}
