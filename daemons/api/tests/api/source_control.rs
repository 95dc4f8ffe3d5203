//! Source Control by its routes: the secret is sealed on the way in and stays with its server, protected apps refuse edits.

use bulkhead_seal::{Place, SealPrivateKey};
use serde_json::{Value, json};

use crate::kit::Instance;

const CANARY: &str = "canary-41d9-token";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

fn https(url: &str) -> Value {
    json!({ "config": { "url": url, "branch": "main" }, "secret": { "authentication": "token", "token": CANARY } })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_sealed_and_follows_to_no_new_server() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let empty = instance.call(&admin, "GET", "/source-control", &json!({})).await.ok(200);
    assert_eq!((empty.get("repository"), &empty["jobs"]), (None, &json!([])));
    assert_eq!(
        instance.call(&admin, "POST", "/source-control/fetch", &json!({})).await.problem(),
        (409, "not-connected".to_owned())
    );

    let body = https("https://git.example/team/apps.git");
    let connected = instance.call(&admin, "PUT", "/source-control", &body).await.ok(200);
    assert_eq!(connected["config"], body["config"]);
    let client = instance.own.connect().await;
    let row = client.query_one("SELECT id::text, sealed FROM source_control", &[]).await.expect("read");
    let (id, sealed): (String, String) = (row.get(0), row.get(1));
    let text = std::fs::read_to_string(instance.directory.path().join("seal.key")).expect("a key");
    let place = Place { table: "source_control", row: &id, field: "sealed" };
    let opened = SealPrivateKey::from_text(&text).expect("a key").open(&place, &sealed).expect("opens");
    assert!(String::from_utf8_lossy(&opened).contains(CANARY));

    let mut other = json!({ "config": { "url": "https://git.example/team/other.git", "branch": "main" } });
    instance.call(&admin, "PUT", "/source-control", &other).await.ok(200);
    other["config"]["url"] = json!("https://evil.example/team/apps.git");
    assert_eq!(
        instance.call(&admin, "PUT", "/source-control", &other).await.problem(),
        (422, "secret-needed".to_owned())
    );

    for (url, extra) in [
        ("ext::sh -c x", json!({})),
        ("file:///x", json!({})),
        ("git@git.example:a", json!({})),
        ("git@git.example:a", json!({ "host-key": KEY })),
    ] {
        let mut body = https(url);
        body["config"].as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        assert_eq!(
            instance.call(&admin, "PUT", "/source-control", &body).await.problem(),
            (422, "document-invalid".to_owned())
        );
    }
    let server = instance
        .call(&admin, "POST", "/source-control/server", &json!({ "url": "git@git.example:team/apps" }))
        .await
        .ok(200);
    assert_eq!(server, json!({ "transport": "ssh", "host": "git.example", "port": 22 }));

    let shown = instance.call(&admin, "GET", "/source-control", &json!({})).await.ok(200).to_string();
    let audit = instance.call(&admin, "GET", "/audit", &json!({})).await.ok(200).to_string();
    assert!(audit.contains("source-control.connect"), "{audit}");
    assert!(!shown.contains(CANARY) && !audit.contains(CANARY));
    instance.call(&admin, "DELETE", "/source-control", &json!({})).await.ok(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_told_and_jobs_are_asked_for() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    instance.call(&admin, "POST", "/apps", &json!({ "slug": "refunds", "title": "Refunds" })).await.ok(201);
    instance.call(&admin, "PUT", "/source-control", &https("https://git.example/team/apps.git")).await.ok(200);
    let state = instance.call(&admin, "GET", "/source-control", &json!({})).await.ok(200);
    let change = json!({ "key": "apps/refunds", "title": "Refunds", "standing": "only-here" });
    assert!(state["changes"].as_array().expect("a list").contains(&change), "{state}");
    let sides =
        instance.call(&admin, "POST", "/source-control/compare", &json!({ "key": "apps/refunds" })).await.ok(200);
    assert_eq!(sides["here"]["app.yaml"], "format: 1\ntitle: Refunds\nhome-page: home\n");

    let commit = |message: &str, keys: Value| json!({ "message": message, "documents": keys });
    for body in [
        commit(" ", json!(["apps/refunds"])),
        commit("x", json!([])),
        commit("x", json!(["../x"])),
        commit("x", json!(["apps/.git"])),
    ] {
        assert_eq!(
            instance.call(&admin, "POST", "/source-control/commit", &body).await.problem(),
            (422, "document-invalid".to_owned())
        );
    }
    let job = instance
        .call(&admin, "POST", "/source-control/commit", &commit("First", json!(["apps/refunds"])))
        .await
        .ok(202);
    assert_eq!((&job["kind"], &job["status"]), (&json!("commit"), &json!("waiting")));
    let path = format!("/source-control/jobs/{}", job["id"].as_str().expect("an id"));
    assert_eq!(instance.call(&admin, "GET", &path, &json!({})).await.ok(200)["id"], job["id"]);
    let pull = json!({ "choices": { "apps/refunds": "theirs" }, "head": "abc" });
    instance.call(&admin, "POST", "/source-control/pull", &pull).await.ok(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_draft_of_a_protected_app_cannot_be_saved() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let app = instance.call(&admin, "POST", "/apps", &json!({ "slug": "refunds", "title": "Refunds" })).await.ok(201);
    let save = json!({ "revision": 1, "document": app["draft"] });
    instance.call(&admin, "PUT", "/apps/refunds/protection", &json!({ "is_protected": true })).await.ok(204);
    assert_eq!(instance.call(&admin, "GET", "/apps/refunds", &json!({})).await.ok(200)["is_protected"], true);
    assert_eq!(
        instance.call(&admin, "PUT", "/apps/refunds/draft", &save).await.problem(),
        (409, "protected".to_owned())
    );
    instance.call(&admin, "PUT", "/apps/refunds/protection", &json!({ "is_protected": false })).await.ok(204);
    instance.call(&admin, "PUT", "/apps/refunds/draft", &save).await.ok(200);
}
