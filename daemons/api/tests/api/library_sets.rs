//! Sets of libraries: defined by administrators, named by workflows, kept while they are used.

use bulkhead_rpc::RpcError;
use bulkhead_store::library_sets::BuiltLibraries;
use http::Method;
use serde_json::{Value, json};

use crate::kit::{Instance, Person};

const LOCK: &str = "numpy==2.1.0 --hash=sha256:aa\n";

async fn add(instance: &Instance, admin: &Person, name: &str) {
    let body = json!({ "name": name, "language": "python", "lock": LOCK, "preload": ["numpy"] });
    let added = instance.call(admin, "POST", "/library-sets", &body).await.ok(201);
    assert_eq!((added["set"]["status"].clone(), added["set"]["usable"].clone()), (json!("waiting"), json!(false)));
}

/// What jobs-runner does.
pub(crate) async fn build(instance: &Instance, outcome: Result<char, &str>) {
    let jobs = instance.as_role("bulkhead-jobs-runner");
    let build = jobs.claim_library_build().await.expect("claims").expect("one waits");
    let built = outcome.map(|digit| BuiltLibraries {
        image: digit.to_string().repeat(64).parse().expect("an image"),
        packages: vec![serde_json::from_value(json!({ "name": "numpy", "version": "2.1.0" })).expect("a package")],
        bytes: 1024,
    });
    let stored =
        jobs.finish_library_build(build.id, build.generation, built.as_ref().map_err(|error| *error), "log of it");
    assert!(stored.await.expect("stores"));
}

fn report(libraries: &Value) -> Value {
    let block = json!({ "type": "code", "language": "python", "source": "return 1" });
    json!({ "format": 1, "title": "Report", "start": "a", "blocks": { "a": block }, "libraries": libraries })
}

#[tokio::test]
async fn a_set_is_built_replaced_and_built_again() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    add(&instance, &admin, "science").await;
    build(&instance, Ok('a')).await;
    let ready = instance.call(&admin, "GET", "/library-sets/science", &Value::Null).await.ok(200);
    assert_eq!((ready["set"]["status"].clone(), ready["set"]["bytes"].clone()), (json!("ready"), json!(1024)));
    assert_eq!(ready["set"]["packages"], json!([{ "name": "numpy", "version": "2.1.0" }]));
    assert_eq!((ready["lock"].clone(), ready["log"].clone()), (json!(LOCK), json!("log of it")));

    let replace = json!({ "lock": "numpy==9 --hash=sha256:bb", "preload": [] });
    instance.call(&admin, "PUT", "/library-sets/science", &replace).await.ok(200);
    build(&instance, Err("there is no numpy 9")).await;
    let failed = instance.call(&admin, "GET", "/library-sets/science", &Value::Null).await.ok(200);
    assert_eq!(
        (failed["set"]["status"].clone(), failed["error"].clone()),
        (json!("failed"), json!("there is no numpy 9"))
    );
    assert_eq!(failed["set"]["usable"], true, "what was built before stays in use");

    let again = instance.call(&admin, "POST", "/library-sets/science/build", &json!({})).await.ok(200);
    assert_eq!((again["set"]["status"].clone(), again.get("error").cloned()), (json!("waiting"), None));
    let bad = json!({ "name": "other", "language": "python", "lock": "numpy", "preload": ["a b"] });
    let refused = instance.call(&admin, "POST", "/library-sets", &bad).await;
    assert_eq!(refused.problem(), (422, "document-invalid".into()));
    let paths: Vec<Value> =
        refused.json()["faults"].as_array().expect("faults").iter().map(|fault| fault["path"].clone()).collect();
    assert_eq!(paths, ["lock", "preload.0"]);
}

#[tokio::test]
async fn a_workflow_names_sets_that_are_built_and_of_their_language() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    add(&instance, &admin, "science").await;
    let create = async |libraries: Value| {
        let body = json!({ "slug": "report", "title": "Report", "document": report(&libraries) });
        instance.call(&admin, "POST", "/workflows", &body).await
    };
    let refused = async |libraries: Value| {
        let answer = create(libraries).await;
        assert_eq!(answer.problem(), (422, "document-invalid".into()));
        let fault = &answer.json()["faults"][0];
        (fault["path"].as_str().expect("text").to_owned(), fault["message"].as_str().expect("text").to_owned())
    };
    assert!(refused(json!({ "python": "nosuch" })).await.1.contains("there is no set of libraries `nosuch`"));
    assert!(refused(json!({ "python": "science" })).await.1.contains("is not built yet"));
    build(&instance, Ok('a')).await;
    let (path, message) = refused(json!({ "javascript": "science" })).await;
    assert_eq!((path.as_str(), message.as_str()), ("libraries.javascript", "`science` is a set for python"));
    create(json!({ "python": "science" })).await.ok(201);
    let bad = json!({ "revision": 1, "document": report(&json!({ "python": "nosuch" })) });
    let answer = instance.call(&admin, "PUT", "/workflows/report/draft", &bad).await;
    assert_eq!(answer.json()["faults"][0]["path"], "libraries.python");
    instance.call(&admin, "POST", "/workflows/report/releases", &json!({ "revision": 1 })).await.ok(200);
    let run = json!({ "document": report(&json!({ "python": "nosuch" })), "inputs": {} });
    let answer = instance.call(&admin, "POST", "/workflows/report/blocks/a/run", &run).await;
    assert_eq!(answer.json()["faults"][0]["path"], "libraries.python");
    let code = json!({ "language": "python", "source": "return 1", "libraries": { "python": "nosuch" } });
    let refused = instance.as_root(Method::POST, "/system/code/run", &code).await.expect_err("refused");
    assert!(matches!(refused, RpcError::Problem(problem) if problem.faults[0].path == "libraries.python"));

    let used = instance.call(&admin, "DELETE", "/library-sets/science", &json!({})).await;
    assert_eq!(used.problem(), (409, "in-use".into()));
    assert!(used.json()["detail"].as_str().expect("text").contains("report"));
    instance.call(&admin, "DELETE", "/workflows/report", &json!({})).await.ok(204);
    instance.call(&admin, "DELETE", "/library-sets/science", &json!({})).await.ok(204);
    let audit = instance.audit().await;
    for action in ["library-set.create", "library-set.delete"] {
        assert!(audit.contains(&("root@example.org".into(), action.into())), "{action}: {audit:?}");
    }
}

#[tokio::test]
async fn everybody_sees_which_sets_there_are_and_administrators_define_them() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    add(&instance, &admin, "science").await;
    let ada = instance.person(&admin, "ada").await;
    let list = instance.call(&ada, "GET", "/library-sets", &Value::Null).await.ok(200);
    assert_eq!(
        (list["sets"][0]["name"].clone(), list["sets"][0]["language"].clone()),
        (json!("science"), json!("python"))
    );
    assert_eq!(list["sets"][0].get("lock"), None);
    for (method, path, body) in [
        ("POST", "/library-sets", json!({})),
        ("GET", "/library-sets/science", Value::Null),
        ("PUT", "/library-sets/science", json!({ "lock": LOCK })),
        ("DELETE", "/library-sets/science", json!({})),
        ("POST", "/library-sets/science/build", json!({})),
    ] {
        let answer = instance.call(&ada, method, path, &body).await;
        assert_eq!(answer.problem(), (403, "administrators-only".into()), "{method} {path}");
    }
}
