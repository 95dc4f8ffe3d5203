//! Runs by hand, their history, following and cancelling them; single blocks.

use bulkhead_model::RunId;
use bulkhead_model::run::{RunError, RunStatus};
use bulkhead_store::block_ends::RunEnd;
use bulkhead_store::outbox::WordKind;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::kit::{Instance, Person};

async fn released_workflow(instance: &Instance) -> Person {
    let admin = instance.admin().await;
    instance.call(&admin, "POST", "/workflows", &json!({ "slug": "hello", "title": "Hello" })).await.ok(201);
    let refused = instance.call(&admin, "POST", "/workflows/hello/runs", &json!({})).await;
    assert_eq!(refused.problem(), (409, "not-released".into()));
    instance.call(&admin, "POST", "/workflows/hello/releases", &json!({ "revision": 1 })).await.ok(200);
    admin
}

async fn start(instance: &Instance, person: &Person) -> RunId {
    let answer = instance.call(person, "POST", "/workflows/hello/runs", &json!({ "body": { "a": 1 } })).await.ok(202);
    answer["run"].as_str().expect("a run").parse().expect("an id")
}

#[tokio::test]
async fn runs_are_listed_newest_first_page_by_page_and_only_to_editors() {
    let instance = Instance::start().await;
    let admin = released_workflow(&instance).await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(start(&instance, &admin).await.to_string());
    }
    let page = instance.call(&admin, "GET", "/workflows/hello/runs?limit=2", &Value::Null).await.ok(200);
    assert_eq!((page["runs"][0]["id"].clone(), page["next"].clone()), (json!(runs[2]), json!(runs[1])));
    let rest = instance.call(&admin, "GET", &format!("/runs?limit=2&before={}", runs[1]), &Value::Null).await.ok(200);
    assert_eq!((rest["runs"][0]["id"].clone(), rest["next"].clone()), (json!(runs[0]), Value::Null));
    assert_eq!(instance.call(&admin, "GET", "/runs?limit=x", &Value::Null).await.problem(), (400, "malformed".into()));
    let ada = instance.person(&admin, "ada").await;
    instance.grant(&admin, "/workflows/hello", &ada, "viewer").await;
    assert!(
        instance.call(&ada, "GET", "/runs", &Value::Null).await.ok(200)["runs"].as_array().expect("a list").is_empty()
    );
    assert_eq!(instance.call(&ada, "GET", &format!("/runs/{}", runs[0]), &Value::Null).await.problem().0, 403);
    assert_eq!(instance.call(&ada, "POST", "/workflows/hello/runs", &json!({})).await.problem().0, 403);
}

#[tokio::test]
async fn following_a_run_tells_of_changes_until_its_end() {
    let instance = Instance::start().await;
    let admin = released_workflow(&instance).await;
    let run = start(&instance, &admin).await;
    let backend = instance.as_role("bulkhead-workflows-backend");
    let follow = async |last_id: Option<&str>| {
        let path = format!("/api/v1/runs/{run}/events");
        let mut headers = vec![("cookie", admin.cookie.as_str())];
        headers.extend(last_id.map(|id| ("last-event-id", id)));
        let answer = instance.send("GET", &path, &headers, "").await;
        assert_eq!(answer.headers["content-type"], "text/event-stream");
        String::from_utf8_lossy(&answer.body).into_owned()
    };
    let work = async {
        backend.take_up_run(run).await.expect("marks");
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        let error = RunError::new("thrown", "it broke");
        backend
            .finish_run(run, RunEnd { status: RunStatus::Failed, error: Some(&error), result: None })
            .await
            .expect("finishes");
    };
    let (events, ()) = tokio::join!(follow(None), work);
    assert!(events.contains("event: changed\n") && events.trim_end().ends_with("data: {}"), "{events}");
    assert_eq!(events.matches("event: end").count(), 1, "{events}");
    let ids: Vec<i64> = events.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect();
    assert!(ids.is_sorted() && ids.len() >= 3, "{events}");
    let again = follow(ids.last().map(ToString::to_string).as_deref()).await;
    assert!(!again.contains("changed") && again.contains("event: end"), "{again}");
    let detail = instance.call(&admin, "GET", &format!("/runs/{run}"), &Value::Null).await.ok(200);
    assert_eq!(detail["run"]["error"]["message"], "it broke");
    assert_eq!(
        (detail["trigger"]["kind"].clone(), detail["trigger"]["body"].clone()),
        (json!("manual"), json!({ "a": 1 }))
    );
    assert_eq!(detail["document"]["start"], "hello");
    let logs = instance.call(&admin, "GET", &format!("/runs/{run}/logs"), &Value::Null).await.ok(200);
    assert_eq!(logs, json!({ "lines": [], "next": 0 }));
}

#[tokio::test]
async fn a_run_is_started_again_with_what_started_it_or_another_body() {
    let instance = Instance::start().await;
    let admin = released_workflow(&instance).await;
    let first = start(&instance, &admin).await;
    let path = format!("/runs/{first}/rerun");
    let trigger = async |body: Value| {
        let run = instance.call(&admin, "POST", &path, &body).await.ok(202)["run"].as_str().expect("an id").to_owned();
        assert_ne!(run, first.to_string());
        instance.call(&admin, "GET", &format!("/runs/{run}"), &Value::Null).await.ok(200)["trigger"].clone()
    };
    let before = instance.call(&admin, "GET", &format!("/runs/{first}"), &Value::Null).await.ok(200)["trigger"].clone();
    let again = trigger(json!({})).await;
    assert_eq!((&again["body"], &again["rerun_of"]), (&before["body"], &json!(first)));
    assert_eq!(trigger(json!({ "body": { "n": 2 } })).await["body"], json!({ "n": 2 }));
    assert_eq!(trigger(json!({ "body": null })).await["body"], Value::Null);
    let ada = instance.person(&admin, "ada").await;
    assert_eq!(instance.call(&ada, "POST", &path, &json!({})).await.problem().0, 404);
}

#[tokio::test]
async fn cancelling_goes_through_the_outbox() {
    let instance = Instance::start().await;
    let admin = released_workflow(&instance).await;
    let run = start(&instance, &admin).await;
    instance.call(&admin, "POST", &format!("/runs/{run}/cancel"), &json!({})).await.ok(202);
    let words = instance.as_role("bulkhead-workflows-worker").unsent_words(10).await.expect("reads");
    assert_eq!(words.iter().map(|word| (word.run, word.kind)).collect::<Vec<_>>(), [(run, WordKind::Cancel)]);
    assert!(instance.audit().await.contains(&("root@example.org".into(), "workflow.run.cancel".into())));
}

/// code-executor's side of a single block: its sandbox needs a machine of its own, its protocol does not.
async fn executor(
    request: http::Request<hyper::body::Incoming>,
) -> Result<http::Response<String>, std::convert::Infallible> {
    let body = request.into_body().collect().await.expect("a body").to_bytes();
    let asked: Value = serde_json::from_slice(&body).expect("JSON");
    let block = &asked["blocks"][0];
    let value = match block["work"]["kind"].as_str() {
        Some("expressions") => json!({ "trigger.body.id": asked["inputs"]["trigger"]["body"]["id"] }),
        _ => {
            let mut value =
                json!({ "source": block["work"]["source"], "token": asked["token"], "libraries": asked["libraries"] });
            if let Some(functions) = block["work"].get("functions") {
                value["functions"] = functions.clone();
            }
            value
        }
    };
    let usage = json!({ "wall_ms": 1.0, "cpu_ms": 1.0, "peak_memory_bytes": 1 });
    let line = json!({ "event": "result", "block": block["id"], "value": value, "usage": usage });
    Ok(http::Response::new(format!("{line}\n")))
}

/// workflows-backend's side: a token.
async fn backend(_: http::Request<hyper::body::Incoming>) -> Result<http::Response<String>, std::convert::Infallible> {
    Ok(http::Response::new(json!({ "token": "capability" }).to_string()))
}

/// Serves HTTP at a socket.
macro_rules! serve_at {
    ($path:expr, $answer:ident) => {
        let listener = tokio::net::UnixListener::bind($path).expect("binds");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = hyper::service::service_fn($answer);
                let stream = hyper_util::rt::TokioIo::new(stream);
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(stream, service));
            }
        });
    };
}

#[tokio::test]
async fn a_single_block_runs_with_sample_inputs() {
    let instance = Instance::start().await;
    instance.with_tables().await;
    serve_at!(instance.directory.path().join("code-executor.sock"), executor);
    serve_at!(instance.directory.path().join("workflows-backend.sock"), backend);
    let admin = instance.admin().await;
    let document = json!({
        "format": 1, "title": "Two", "start": "load",
        "triggers": { "incoming": { "type": "webhook" } },
        "blocks": {
            "load": { "type": "query", "resource": "tables", "statement": "select name from people where id = {{ trigger.body.id }}" },
            "shape": { "type": "code", "language": "javascript", "source": "return load.rows" },
        },
        "edges": [{ "from": "load", "to": "shape" }],
    });
    let body = json!({ "slug": "two", "title": "Two", "document": document });
    instance.call(&admin, "POST", "/workflows", &body).await.ok(201);
    let code = instance
        .call(&admin, "POST", "/workflows/two/blocks/shape/run", &json!({ "inputs": { "load": { "rows": [] } } }))
        .await;
    assert_eq!(code.headers["content-type"], "application/x-ndjson");
    assert_eq!(code.ok(200)["value"], json!({ "source": "return load.rows", "token": "capability", "libraries": {} }));
    let inputs = json!({ "inputs": { "trigger": { "body": { "id": 3 } } } });
    let query = instance.call(&admin, "POST", "/workflows/two/blocks/load/run", &inputs).await.ok(200);
    assert_eq!(query["rows"], json!([{ "name": "person 3" }]));
    assert_eq!(instance.call(&admin, "POST", "/workflows/two/blocks/none/run", &inputs).await.problem().0, 404);
}

#[tokio::test]
async fn functions_travel_with_the_code_that_calls_them_and_need_rights_on_their_resources() {
    let instance = Instance::start().await;
    instance.with_tables().await;
    serve_at!(instance.directory.path().join("code-executor.sock"), executor);
    serve_at!(instance.directory.path().join("workflows-backend.sock"), backend);
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let code = |source: &str| json!({ "type": "code", "language": "javascript", "source": source });
    let document = |statement: &str| {
        json!({
            "format": 1, "title": "Functions", "start": "calls",
            "blocks": { "calls": code("return functions.lookup({ id: 1 })"), "plain": code("return 1") },
            "edges": [{ "from": "calls", "to": "plain" }],
            "functions": {
                "lookup": { "type": "query", "parameters": ["id"], "resource": "tables", "statement": statement },
                "other": { "type": "code", "language": "javascript", "source": "return 2" },
            },
        })
    };
    let body = |statement: &str| json!({ "slug": "functions", "title": "Functions", "document": document(statement) });
    let wrong = instance.call(&admin, "POST", "/workflows", &body("select {{ id + 1 }}")).await;
    assert_eq!(wrong.problem(), (422, "document-invalid".into()));
    let sound = body("select {{ id }}");
    instance.call(&ada, "POST", "/workflows", &sound).await.ok(201);
    let release = json!({ "revision": 1 });
    for path in ["releases", "blocks/calls/run"] {
        let body = if path == "releases" { &release } else { &json!({ "inputs": {} }) };
        let refused = instance.call(&ada, "POST", &format!("/workflows/functions/{path}"), body).await;
        assert_eq!(refused.problem(), (403, "resource-role-too-low".into()), "{path}");
    }
    let run = async |block: &str| {
        let path = format!("/workflows/functions/blocks/{block}/run");
        instance.call(&admin, "POST", &path, &json!({ "inputs": {} })).await.ok(200)["value"]["functions"].clone()
    };
    assert_eq!(run("calls").await, json!({ "lookup": { "kind": "query", "parameters": ["id"] } }));
    assert_eq!(run("plain").await, Value::Null);
}

#[tokio::test]
async fn code_runs_with_the_images_of_the_sets_that_it_names_for_its_language() {
    let instance = Instance::start().await;
    serve_at!(instance.directory.path().join("code-executor.sock"), executor);
    serve_at!(instance.directory.path().join("workflows-backend.sock"), backend);
    let admin = instance.admin().await;
    let set = json!({ "name": "science", "language": "python", "lock": "numpy==2.1.0 --hash=sha256:aa" });
    instance.call(&admin, "POST", "/library-sets", &set).await.ok(201);
    super::library_sets::build(&instance, Ok('a')).await;
    let code = |language: &str| json!({ "type": "code", "language": language, "source": "return 1" });
    let document = json!({
        "format": 1, "title": "Report", "start": "py", "libraries": { "python": "science" },
        "blocks": { "py": code("python"), "js": code("javascript") }, "edges": [{ "from": "py", "to": "js" }],
    });
    let body = json!({ "slug": "report", "title": "Report", "document": document });
    instance.call(&admin, "POST", "/workflows", &body).await.ok(201);
    let run = async |block: &str| {
        let path = format!("/workflows/report/blocks/{block}/run");
        instance.call(&admin, "POST", &path, &json!({ "inputs": {} })).await.ok(200)["value"]["libraries"].clone()
    };
    let image = json!({ "python": "a".repeat(64) });
    assert_eq!((run("py").await, run("js").await), (image.clone(), json!({})));
    let alone = json!({ "language": "python", "source": "return 1", "libraries": { "python": "science" } });
    let event = instance.as_root(http::Method::POST, "/system/code/run", &alone).await.expect("runs");
    assert_eq!(event["value"]["libraries"], image);
}

#[tokio::test]
async fn people_say_what_becomes_of_runs_on_record() {
    let instance = Instance::start().await;
    let admin = released_workflow(&instance).await;
    let run = start(&instance, &admin).await;
    let detail = instance.call(&admin, "GET", &format!("/runs/{run}"), &Value::Null).await.ok(200);
    assert_eq!(detail["queued"], json!({ "reason": "worker", "ahead": 0 }));
    for word in ["pause", "resume", "terminate"] {
        instance.call(&admin, "POST", &format!("/runs/{run}/{word}"), &json!({})).await.ok(202);
    }
    let detail = instance.call(&admin, "GET", &format!("/runs/{run}"), &Value::Null).await.ok(200);
    assert_eq!(
        (&detail["run"]["status"], &detail["run"]["error"]["kind"]),
        (&json!("cancelled"), &json!("terminated"))
    );
    let nothing = json!({ "attempt": 1, "choice": "skip" });
    let refused = instance.call(&admin, "POST", &format!("/runs/{run}/blocks/hello/choice"), &nothing).await;
    assert_eq!(refused.problem().0, 404);
    let audit = instance.audit().await;
    for action in ["workflow.run.pause", "workflow.run.resume", "workflow.run.terminate", "workflow.run.choose"] {
        assert!(audit.iter().any(|(_, known)| known == action), "{action}: {audit:?}");
    }
    let ada = instance.person(&admin, "ada").await;
    instance.grant(&admin, "/workflows/hello", &ada, "viewer").await;
    for word in ["pause", "resume", "terminate", "cancel", "rerun"] {
        let refused = instance.call(&ada, "POST", &format!("/runs/{run}/{word}"), &json!({})).await;
        assert_eq!(refused.problem().0, 403, "{word}");
    }
}

#[tokio::test]
async fn a_run_begins_again_only_where_the_earlier_one_has_been() {
    let instance = Instance::start().await;
    let admin = released_workflow(&instance).await;
    let run = start(&instance, &admin).await;
    let again = async |from: &str| {
        instance.call(&admin, "POST", &format!("/runs/{run}/rerun"), &json!({ "from": from })).await.problem()
    };
    assert_eq!(again("hello").await, (409, "not-ended".into()));
    instance.call(&admin, "POST", &format!("/runs/{run}/terminate"), &json!({})).await.ok(202);
    assert_eq!(again("hello").await, (422, "invalid".into()), "it has not come there");
    assert_eq!(again("nowhere").await, (422, "invalid".into()));
}

#[tokio::test]
async fn the_queue_is_paused_by_administrators_and_a_workflow_by_its_editors() {
    let instance = Instance::start().await;
    let admin = released_workflow(&instance).await;
    let ada = instance.person(&admin, "ada").await;
    instance.grant(&admin, "/workflows/hello", &ada, "editor").await;
    let settings = json!({ "priority": "high", "max_running": 2, "keep_days": 30, "keep_mb": 500 });
    let refused = instance.call(&ada, "PUT", "/workflows/hello/settings", &settings).await;
    assert_eq!(refused.problem(), (403, "role-too-low".into()));
    instance.call(&admin, "PUT", "/workflows/hello/settings", &settings).await.ok(204);
    instance.call(&ada, "POST", "/workflows/hello/pause", &json!({})).await.ok(204);
    let shown = instance.call(&ada, "GET", "/workflows/hello/settings", &Value::Null).await.ok(200);
    assert_eq!((&shown["settings"]["max_running"], &shown["settings"]["priority"]), (&json!(2), &json!("high")));
    assert_eq!(shown["settings"]["keep_mb"], 500);
    assert!(shown["paused_at"].is_string());
    let run = start(&instance, &admin).await;
    let detail = instance.call(&ada, "GET", &format!("/runs/{run}"), &Value::Null).await.ok(200);
    assert_eq!(detail["queued"]["reason"], "workflow-paused");
    instance.call(&ada, "POST", "/workflows/hello/resume", &json!({})).await.ok(204);
    for bad in [json!({ "max_running": 0 }), json!({ "keep_runs": -1 }), json!({ "keep_mb": 0 })] {
        assert_eq!(instance.call(&admin, "PUT", "/workflows/hello/settings", &bad).await.problem().0, 422);
    }
    assert_eq!(instance.call(&ada, "POST", "/queue/pause", &json!({})).await.problem().0, 403);
    instance.call(&admin, "POST", "/queue/pause", &json!({})).await.ok(204);
    let queue = instance.call(&ada, "GET", "/queue", &Value::Null).await.ok(200);
    assert_eq!((&queue["paused_by"], &queue["held"]), (&json!("root@example.org"), &json!(1)));
    instance.call(&admin, "POST", "/queue/resume", &json!({})).await.ok(204);
}

#[tokio::test]
async fn a_schedule_is_previewed_released_and_paused() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let schedule = json!({ "cron": "30 8 * * 1-5", "timezone": "Europe/Vienna" });
    let preview = instance.call(&admin, "POST", "/schedules/preview", &json!({ "schedule": schedule })).await.ok(200);
    assert_eq!(preview["next"].as_array().map(Vec::len), Some(5));
    let bad = json!({ "schedule": { "cron": "30 25 * * *" } });
    let refused = instance.call(&admin, "POST", "/schedules/preview", &bad).await;
    assert_eq!(refused.problem(), (422, "document-invalid".into()));
    assert_eq!(refused.json()["faults"][0]["path"], "triggers.schedule.cron");
    let mut trigger = schedule.clone();
    trigger["type"] = json!("schedule");
    let document = json!({
        "format": 1, "title": "Morning", "start": "hello", "triggers": { "morning": trigger },
        "blocks": { "hello": { "type": "code", "language": "javascript", "source": "return 1" } },
    });
    let body = json!({ "slug": "morning", "title": "Morning", "document": document });
    instance.call(&admin, "POST", "/workflows", &body).await.ok(201);
    instance.call(&admin, "POST", "/workflows/morning/releases", &json!({ "revision": 1 })).await.ok(200);
    instance.call(&admin, "POST", "/workflows/morning/triggers/morning/pause", &json!({})).await.ok(204);
    let unknown = instance.call(&admin, "POST", "/workflows/morning/triggers/evening/pause", &json!({})).await;
    assert_eq!(unknown.problem().0, 404);
    let listed = instance.call(&admin, "GET", "/workflows/morning/schedules", &Value::Null).await.ok(200);
    let state = &listed["schedules"][0];
    assert_eq!((&state["trigger"], &state["next"]), (&json!("morning"), &Value::Null));
    assert!(state["paused_at"].is_string());
}

#[tokio::test]
async fn runs_are_filtered() {
    let instance = Instance::start().await;
    let admin = released_workflow(&instance).await;
    let run = start(&instance, &admin).await.to_string();
    let count = async |query: &str| {
        let page = instance.call(&admin, "GET", &format!("/runs?{query}"), &Value::Null).await.ok(200);
        page["runs"].as_array().expect("a list").iter().filter(|found| found["id"] == run).count()
    };
    for (query, found) in [
        ("status=queued", 1),
        ("status=failed", 0),
        ("trigger=manual", 1),
        ("trigger=webhook", 0),
        ("since=2026-01-01T00:00:00Z", 1),
        ("until=2026-01-01T00:00:00Z", 0),
        ("text=%22a%22:1", 1),
        ("text=nowhere", 0),
    ] {
        assert_eq!(count(query).await, found, "{query}");
    }
    for query in ["status=odd", "since=yesterday", "text="] {
        let refused = instance.call(&admin, "GET", &format!("/runs?{query}"), &Value::Null).await;
        assert_eq!(refused.problem(), (400, "malformed".into()), "{query}");
    }
}

#[tokio::test]
async fn an_app_starts_only_what_its_release_names_for_those_who_may() {
    let instance = Instance::start().await;
    let admin = released_workflow(&instance).await;
    let action = json!({ "do": "run-workflow", "workflow": "hello", "body": "{{ go.label }}" });
    let go =
        json!({ "type": "button", "properties": { "label": "Go" }, "events": [{ "on": "click", "action": action }] });
    let layout = json!({ "go": { "column": 0, "row": 0, "width": 4, "height": 2 } });
    let page = json!({ "components": { "go": go }, "layout": layout });
    let document = json!({ "format": 1, "title": "Desk", "home-page": "home", "pages": { "home": page } });
    let app = json!({ "slug": "desk", "title": "Desk", "document": document });
    instance.call(&admin, "POST", "/apps", &app).await.ok(201);
    let ada = instance.person(&admin, "ada").await;
    let start = async |person: &Person, workflow: &str| {
        let body = json!({ "workflow": workflow, "body": { "a": 1 } });
        instance.call(person, "POST", "/apps/desk/runs", &body).await
    };
    assert_eq!(start(&admin, "hello").await.problem(), (409, "not-released".into()));

    // Who releases it must be an editor of what it starts.
    instance.grant(&admin, "/apps/desk", &ada, "editor").await;
    instance.grant(&admin, "/workflows/hello", &ada, "viewer").await;
    let release = json!({ "revision": 1 });
    assert_eq!(instance.call(&ada, "POST", "/apps/desk/releases", &release).await.problem().0, 403);
    instance.call(&admin, "POST", "/apps/desk/releases", &release).await.ok(200);

    let run = start(&ada, "hello").await.ok(202)["run"].as_str().expect("a run").to_owned();
    let trigger = instance.call(&admin, "GET", &format!("/runs/{run}"), &Value::Null).await.ok(200)["trigger"].clone();
    assert_eq!(
        (&trigger["kind"], &trigger["app"], &trigger["body"]),
        (&json!("app"), &json!("desk"), &json!({ "a": 1 }))
    );
    assert_eq!(trigger["user"]["email"], "ada@example.org");
    assert_eq!(start(&ada, "other").await.problem(), (422, "invalid".into()));
    let bob = instance.person(&admin, "bob").await;
    assert_eq!(start(&bob, "hello").await.problem().0, 404);
    instance.grant(&admin, "/apps/desk", &bob, "viewer").await;
    assert_eq!(start(&bob, "hello").await.problem().0, 403);
}
