//! Folders, roles of groups, and that what was taken away is gone on each replica at once.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::kit::{Answer, Instance, Person};

#[tokio::test]
async fn a_folder_hands_its_roles_on_and_a_move_needs_rights_on_both() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let (ann, bob) = (instance.person(&admin, "ann").await, instance.person(&admin, "bob").await);
    let sales = instance.folder(&ann, "Sales", None).await;
    let orders = instance.folder(&ann, "Orders", Some(&sales)).await;
    instance.call(&bob, "POST", "/apps", &json!({ "slug": "shop", "title": "Shop" })).await.ok(201);
    let place = async |person: &Person, folder: &str| {
        instance.call(person, "PUT", "/apps/shop/folder", &json!({ "folder": folder })).await
    };
    // Bob owns the app and has no role on the folder; ann the other way round.
    assert_eq!(place(&bob, &orders).await.problem(), (403, "folder-role-too-low".into()));
    assert_eq!(
        place(&bob, "018f0000-0000-7000-8000-00000000dead").await.problem(),
        (403, "folder-role-too-low".into())
    );
    assert_eq!(place(&ann, &orders).await.problem(), (404, "not-found".into()));
    instance.grant(&ann, &format!("/folders/{sales}"), &bob, "viewer").await;
    assert_eq!(place(&bob, &orders).await.problem(), (403, "folder-role-too-low".into()), "he may only use");
    instance.grant(&ann, &format!("/folders/{sales}"), &bob, "editor").await;
    assert_eq!(instance.call(&ann, "GET", "/apps/shop", &Value::Null).await.problem().0, 404);
    place(&bob, &orders).await.ok(204);
    instance.call(&ann, "GET", "/apps/shop", &Value::Null).await.ok(200);
    let listed = instance.call(&ann, "GET", "/apps", &Value::Null).await.ok(200);
    assert_eq!((&listed["apps"][0]["folder"], &listed["apps"][0]["role"]), (&json!("Sales/Orders"), &json!("admin")));

    let shared = instance.call(&bob, "GET", "/apps/shop/grants", &Value::Null).await.ok(200);
    assert_eq!(shared["grants"].as_array().map(Vec::len), Some(1), "{shared}");
    let inherited = shared["inherited"].as_array().expect("a list").iter();
    let inherited: Vec<_> = inherited.map(|one| (&one["folder"], &one["person"]["name"])).collect();
    let of = [("Sales/Orders", "ann"), ("Sales", "ann"), ("Sales", "bob")]
        .map(|(folder, name)| (json!(folder), json!(name)));
    assert_eq!(inherited, of.iter().map(|(folder, name)| (folder, name)).collect::<Vec<_>>(), "the nearest first");
    let of_ann = shared["holders"].as_array().expect("a list").iter().find(|holder| holder["name"] == "ann");
    assert_eq!(of_ann.expect("ann")["by"], json!([{ "folder": "Sales" }, { "folder": "Sales/Orders" }]));
    assert_eq!(shared["holder_count"], 3, "with the administrator");

    // Bob alone owns his; ann owns it by the folder as well.
    let bobs = format!("/apps/shop/grants/{}", bob.id);
    instance.call(&ann, "DELETE", &bobs, &json!({})).await.ok(204);
    let out = instance.call(&ann, "PUT", "/apps/shop/folder", &json!({ "folder": null })).await;
    assert_eq!(out.problem(), (409, "last-owner".into()));
    let anns = format!("/folders/{sales}/grants/{}", ann.id);
    assert_eq!(instance.call(&admin, "DELETE", &anns, &json!({})).await.problem(), (409, "last-owner".into()));
    let lower = instance.call(&ann, "PUT", &anns, &json!({ "role": "editor" })).await;
    assert_eq!(lower.problem(), (409, "last-owner".into()));
    assert_eq!(instance.call(&ann, "PUT", "/apps/shop/folder", &json!({})).await.status, 422, "it must say where");

    let full = instance.call(&ann, "DELETE", &format!("/folders/{orders}"), &json!({})).await;
    assert_eq!(full.problem(), (409, "folder-not-empty".into()));
    let renamed =
        instance.call(&ann, "PATCH", &format!("/folders/{sales}"), &json!({ "name": "Market" })).await.ok(200);
    assert_eq!(renamed["path"], "Market");
    let folders = instance.call(&bob, "GET", "/folders", &Value::Null).await.ok(200);
    let seen: Vec<_> =
        folders["folders"].as_array().expect("a list").iter().map(|one| (&one["path"], &one["role"])).collect();
    assert_eq!(seen, [(&json!("Market"), &json!("editor")), (&json!("Market/Orders"), &json!("editor"))]);
    let again = instance.call(&ann, "POST", "/folders", &json!({ "name": "Market" })).await;
    assert_eq!(again.problem(), (409, "exists".into()));
    let wrong = instance.call(&ann, "POST", "/folders", &json!({ "name": "a/b" })).await;
    assert_eq!(wrong.json()["faults"][0]["path"], "name");

    let audit = instance.audit().await;
    for action in ["folder.create", "folder.rename", "folder.move", "folder.delete", "grant.set", "grant.remove"] {
        assert!(audit.iter().any(|(_, found)| found == action), "{action}: {audit:?}");
    }
}

#[tokio::test]
async fn whoever_shares_finds_people_and_groups_by_a_part_of_their_name() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let (ann, bob) = (instance.person(&admin, "ann").await, instance.person(&admin, "bob").await);
    instance.group(&admin, "annual-report", &[&bob]).await;
    let find = async |words: &str| instance.call(&bob, "GET", &format!("/people?search={words}"), &Value::Null).await;
    let found = find("ANN").await.ok(200);
    assert_eq!((&found["people"][0]["id"], &found["people"][0]["email"]), (&json!(ann.id), &json!("ann@example.org")));
    assert_eq!(found["groups"], json!([{ "name": "annual-report", "description": "", "members": 1 }]));
    assert_eq!(find("a").await.problem(), (422, "invalid".into()), "nobody pages through all");
    assert_eq!(find("%25%25").await.ok(200)["people"], json!([]), "it is no pattern");
    instance.call(&admin, "PATCH", &format!("/users/{}", ann.id), &json!({ "disabled": true })).await.ok(200);
    assert_eq!(find("ann").await.ok(200)["people"], json!([]));

    instance.call(&bob, "POST", "/apps", &json!({ "slug": "shop", "title": "Shop" })).await.ok(201);
    let crew = "/apps/shop/grants/groups/annual-report";
    instance.call(&bob, "PUT", crew, &json!({ "role": "editor" })).await.ok(204);
    let shared = instance.call(&bob, "GET", "/apps/shop/grants", &Value::Null).await.ok(200);
    assert_eq!(shared["groups"][0]["group"], "annual-report");
    assert_eq!((&shared["groups"][0]["members"], &shared["groups"][0]["role"]), (&json!(1), &json!("editor")));
    let nobody = instance.call(&bob, "PUT", "/apps/shop/grants/groups/nobody", &json!({ "role": "editor" })).await;
    assert_eq!(nobody.problem().0, 404);
    instance.call(&bob, "DELETE", crew, &json!({})).await.ok(204);
    assert_eq!(instance.call(&bob, "DELETE", crew, &json!({})).await.problem().0, 404);
}

/// An app with a released query whose result is kept, and a workflow with a run that goes on.
async fn things(instance: &Instance, admin: &Person) -> String {
    instance.with_tables().await;
    let query = json!({ "resource": "tables", "statement": "select count(*) from people", "cache-seconds": 60 });
    let document = json!({ "format": 1, "title": "Shop", "home-page": "home", "pages": { "home": {} }, "queries": { "all": query } });
    let body = json!({ "slug": "shop", "title": "Shop", "document": document });
    instance.call(admin, "POST", "/apps", &body).await.ok(201);
    let document = json!({
        "format": 1, "title": "Ship", "start": "ask", "blocks": { "ask": { "type": "approval", "title": "?" } },
    });
    let body = json!({ "slug": "ship", "title": "Ship", "document": document });
    instance.call(admin, "POST", "/workflows", &body).await.ok(201);
    for path in ["/apps/shop/releases", "/workflows/ship/releases"] {
        instance.call(admin, "POST", path, &json!({ "revision": 1 })).await.ok(200);
    }
    let started = instance.call(admin, "POST", "/workflows/ship/runs", &json!({})).await.ok(202);
    started["run"].as_str().expect("a run").to_owned()
}

/// What somebody asks for again and again: the app, a query that is kept warm, and the run.
async fn asked(instance: &Instance, at: SocketAddr, person: &Person, run: &str) -> Vec<Answer> {
    let released = json!({ "parameters": {}, "version": "released" });
    vec![
        instance.call_at(at, person, ("GET", "/apps/shop"), &Value::Null).await,
        instance.call_at(at, person, ("POST", "/apps/shop/queries/all/run"), &released).await,
        instance.call_at(at, person, ("GET", &format!("/runs/{run}")), &Value::Null).await,
    ]
}

#[tokio::test]
async fn what_was_taken_away_is_refused_by_each_replica_and_ends_streams_within_a_second() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let run = things(&instance, &admin).await;
    let replicas = [instance.http, instance.replica().await];
    let stream = format!("/runs/{run}/events");
    let shelf = instance.folder(&admin, "Shelf", None).await;
    let names = ["granted", "member", "disabled", "shelved", "shelf-member"];
    let mut people = Vec::new();
    for name in names {
        people.push(instance.person(&admin, name).await);
    }
    let [granted, member, disabled, shelved, shelf_member] = people.as_slice() else { panic!("five") };
    instance.group(&admin, "crew", &[member]).await;
    instance.group(&admin, "shelf-crew", &[shelf_member]).await;
    let editor = json!({ "role": "editor" });
    for object in ["/apps/shop", "/workflows/ship"] {
        instance.grant(&admin, object, granted, "editor").await;
        instance.grant(&admin, object, disabled, "editor").await;
        instance.call(&admin, "PUT", &format!("{object}/grants/groups/crew"), &editor).await.ok(204);
        instance.call(&admin, "PUT", &format!("{object}/folder"), &json!({ "folder": shelf })).await.ok(204);
    }
    instance.grant(&admin, &format!("/folders/{shelf}"), shelved, "editor").await;
    instance.call(&admin, "PUT", &format!("/folders/{shelf}/grants/groups/shelf-crew"), &editor).await.ok(204);

    let take = async |method: &str, path: String, body: Value| {
        let answer = instance.call(&admin, method, &path, &body).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
    };
    for (person, name) in people.iter().zip(names) {
        let mut streams = Vec::new();
        for at in replicas {
            for answer in asked(&instance, at, person, &run).await {
                assert_eq!(answer.status, 200, "{name}: {answer:?}");
            }
            let mut followed = instance.follow(at, person, &stream).await;
            assert_eq!(followed.status(), 200, "{name}");
            followed.frame().await.expect("the first event").expect("read");
            streams.push(followed);
        }
        match name {
            "granted" => {
                take("DELETE", format!("/apps/shop/grants/{}", person.id), json!({})).await;
                take("DELETE", format!("/workflows/ship/grants/{}", person.id), json!({})).await;
            }
            "member" => take("DELETE", format!("/groups/crew/members/{}", person.id), json!({})).await,
            "disabled" => take("PATCH", format!("/users/{}", person.id), json!({ "disabled": true })).await,
            "shelved" => {
                take("PUT", "/apps/shop/folder".into(), json!({ "folder": null })).await;
                take("PUT", "/workflows/ship/folder".into(), json!({ "folder": null })).await;
            }
            _ => take("DELETE", format!("/groups/shelf-crew/members/{}", person.id), json!({})).await,
        }
        let taken = Instant::now();
        let expected = if name == "disabled" { (401, "no-session".to_owned()) } else { (404, "not-found".to_owned()) };
        for at in replicas {
            for answer in asked(&instance, at, person, &run).await {
                assert_eq!(answer.problem(), expected, "{name}");
                assert!(!String::from_utf8_lossy(&answer.body).contains("hop"), "{name}: no field");
            }
        }
        for followed in streams {
            let rest = tokio::time::timeout(Duration::from_secs(5), followed.into_body().collect()).await;
            let rest = rest.expect("the stream ends").expect("whole").to_bytes();
            assert!(!String::from_utf8_lossy(&rest).contains("event: end"), "{name}: the run goes on");
        }
        assert!(taken.elapsed() < Duration::from_secs(1), "{name}: {:?}", taken.elapsed());
        if name == "shelved" {
            // Back, for the one who has it by a group.
            for object in ["/apps/shop", "/workflows/ship"] {
                take("PUT", format!("{object}/folder"), json!({ "folder": shelf })).await;
            }
        }
    }
    assert_eq!(instance.call(&admin, "GET", &format!("/runs/{run}"), &Value::Null).await.status, 200);
}
