//! Nobody gets in without a session, by no spelling of any route; other sites and foreign host names get nowhere.

use serde_json::{Value, json};

use crate::kit::Instance;

/// What is open to all, by design.
const OPEN: [&str; 6] = [
    "/api/v1/login",
    "/api/v1/sign-in",
    "/api/v1/sign-in/begin/x",
    "/api/v1/sign-in/complete",
    "/api/v1/one-time-links/inspect",
    "/api/v1/one-time-links/redeem",
];

/// Every route of the document, with parameters filled in.
fn routes() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&bulkhead_api::openapi_json()).expect("JSON");
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let mut concrete = path.clone();
        while let Some((before, (name, after))) =
            concrete.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            concrete = format!("{before}{}{after}", if name == "version" { "1" } else { "x" });
        }
        for method in methods.as_object().expect("methods").keys() {
            routes.push((method.to_uppercase(), concrete.clone()));
        }
    }
    assert!(routes.len() > 50);
    routes
}

#[tokio::test]
async fn every_route_refuses_without_a_session_however_it_is_spelt() {
    let instance = Instance::start().await;
    let json = [("content-type", "application/json"), ("sec-fetch-site", "same-origin"), ("x-bulkhead-csrf", "1")];
    for (method, path) in routes() {
        if OPEN.contains(&path.as_str()) {
            continue;
        }
        let spellings = [
            path.clone(),
            format!("{path}?a=b"),
            format!("/{path}"),
            format!("{path}/"),
            path.replacen("/api/", "/api//", 1),
            path.replacen("/v1/", "/v1%2f", 1),
            path.replacen("/api/", "/./api/", 1),
            path.replacen("/api/v1", "/API/V1", 1),
            path.replacen("/api", "/%61pi", 1),
            format!("{path};x=y"),
        ];
        for spelling in spellings {
            let answer = instance.send(&method, &spelling, &json, "{}").await;
            assert_eq!(answer.problem(), (401, "no-session".into()), "{method} {spelling}");
        }
        for bad_cookie in ["__Host-bulkhead=", "__Host-bulkhead=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            let headers = [json[0], json[1], json[2], ("cookie", bad_cookie)];
            let answer = instance.send(&method, &path, &headers, "{}").await;
            assert_ne!(answer.status, 200, "{method} {path}");
            assert!(matches!(answer.problem().0, 400 | 401 | 422), "{method} {path}: {answer:?}");
        }
    }
}

/// A load balancer knows this host by an address of its own, and learns nothing else.
#[tokio::test]
async fn a_load_balancer_is_told_whether_requests_are_served() {
    let instance = Instance::start().await;
    for (path, body) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let answer = instance.send("GET", path, &[("host", "203.0.113.5")], "").await;
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, body.as_bytes()), "{path}");
    }
}

#[tokio::test]
async fn a_method_override_changes_nothing() {
    let instance = Instance::start().await;
    for (name, value) in
        [("x-http-method-override", "DELETE"), ("x-method-override", "PUT"), ("x-original-url", "/healthz")]
    {
        let answer =
            instance.send("POST", "/api/v1/apps/x", &[("content-type", "application/json"), (name, value)], "{}").await;
        assert_eq!(answer.problem(), (401, "no-session".into()), "{name}");
    }
    let answer = instance.send("TRACE", "/api/v1/apps", &[], "").await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn another_site_and_a_foreign_host_are_refused() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let app = json!({ "slug": "a", "title": "A" }).to_string();
    let cookie = ("cookie", admin.cookie.as_str());
    let json = ("content-type", "application/json");
    let csrf = ("x-bulkhead-csrf", "1");
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let refused: [(Headers<'_>, (u16, &str)); 5] = [
        (&[cookie, json, csrf, ("sec-fetch-site", "cross-site")], (403, "cross-site")),
        (&[cookie, json, csrf, ("origin", "https://evil.example")], (403, "cross-site")),
        (&[cookie, json, ("sec-fetch-site", "same-origin")], (403, "cross-site")),
        (&[cookie, json, csrf], (403, "cross-site")),
        (&[cookie, ("content-type", "text/plain"), csrf, ("sec-fetch-site", "same-origin")], (415, "not-json")),
    ];
    for (headers, (status, code)) in refused {
        let answer = instance.send("POST", "/api/v1/apps", headers, app.clone()).await;
        assert_eq!(answer.problem(), (status, code.into()), "{headers:?}");
    }
    for path in ["/", "/api/v1/session", "/hooks/a/b"] {
        let answer = instance.send("GET", path, &[("host", "evil.example")], "").await;
        assert_eq!(answer.problem(), (421, "unknown-host".into()), "{path}");
    }
    assert!(
        instance.call(&admin, "GET", "/apps", &Value::Null).await.ok(200)["apps"]
            .as_array()
            .expect("a list")
            .is_empty()
    );
}

#[tokio::test]
async fn a_known_person_is_told_what_is_missing_and_not_what_exists() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let eve = instance.person(&admin, "eve").await;
    instance.call(&admin, "POST", "/apps", &json!({ "slug": "payroll", "title": "Payroll" })).await.ok(201);
    for path in ["/apps/payroll", "/apps/nothing", "/apps/payroll/released", "/workflows/x", "/resources/x", "/runs/x"]
    {
        let answer = instance.call(&eve, "GET", path, &Value::Null).await;
        assert_eq!(answer.problem(), (404, "not-found".into()), "{path}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("ayroll"), "{path}");
    }
    assert_eq!(instance.call(&eve, "GET", "/users", &Value::Null).await.problem().0, 403);
    assert_eq!(instance.call(&eve, "GET", "/audit", &Value::Null).await.problem().0, 403);
    assert_eq!(instance.call(&admin, "POST", "/system/admin-link", &json!({})).await.problem().0, 404);
    assert_eq!(instance.call(&admin, "GET", "/nothing", &Value::Null).await.problem().0, 404);
    assert_eq!(instance.call(&admin, "PATCH", "/apps", &json!({})).await.problem(), (405, "method-not-allowed".into()));
    assert!(instance.audit().await.contains(&("eve@example.org".into(), "access.denied".into())));
}

#[tokio::test]
async fn a_body_that_cannot_be_used_says_why() {
    let instance = Instance::with(json!({ "limits": { "body-bytes": 65536 } })).await;
    let admin = instance.admin().await;
    let headers = [
        ("content-type", "application/json"),
        ("cookie", admin.cookie.as_str()),
        ("x-bulkhead-csrf", "1"),
        ("sec-fetch-site", "none"),
    ];
    let send = async |body: String| instance.send("POST", "/api/v1/apps", &headers, body).await.problem();
    assert_eq!(send("{\"slug\": ".into()).await, (400, "malformed".into()));
    assert_eq!(
        send(json!({ "slug": "a", "title": "x".repeat(70_000) }).to_string()).await,
        (413, "body-too-large".into())
    );
    assert_eq!(send(json!({ "slug": "A b", "title": "x" }).to_string()).await, (422, "invalid".into()));
    assert_eq!(send(json!({ "slug": "a", "title": "x", "role": "admin" }).to_string()).await, (422, "invalid".into()));
    assert_eq!(send("{\"slug\": \"a\", \"title\": \"\\u0000\"}".into()).await, (400, "malformed".into()));
}
