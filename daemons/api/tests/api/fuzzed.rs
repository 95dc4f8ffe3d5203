//! Each route of the OpenAPI document, asked by a machine with whatever its types allow and much that they do not.

use std::path::Path;
use std::process::Stdio;

use bulkhead_test_kit::provided;
use serde_json::json;

use crate::kit::{Instance, Person};
use crate::permissions::public_routes;

/// Routes that would end the session, or that connect to whatever host is named.
const LEFT_OUT: [&str; 8] = [
    "/api/v1/logout",
    "/api/v1/account/sessions",
    "/api/v1/resources/test",
    "/api/v1/ssh-hosts/host-key",
    "/api/v1/ssh-hosts/test",
    "/api/v1/sign-in/providers",
    "/api/v1/sign-in/providers/{name}",
    "/api/v1/sign-in/begin/{name}",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_request_of_an_administrator_makes_it_fail() {
    let instance = Instance::with(json!({})).await;
    instance.with_tables().await;
    instance.start_backend();
    let admin = instance.admin().await;
    schemathesis(&instance, Some(&admin), &["fails_by_no_fault_of_its_own", "a_refusal_is_a_problem_document"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_of_nobody_succeeds_but_by_the_public_routes() {
    let instance = Instance::start().await;
    schemathesis(&instance, None, &["fails_by_no_fault_of_its_own", "nothing_without_a_session"]).await;
}

/// Tries all routes with these checks.
async fn schemathesis(instance: &Instance, person: Option<&Person>, checks: &[&str]) {
    let document = instance.directory.path().join("openapi.json");
    std::fs::write(&document, bulkhead_api::openapi_json()).expect("written");
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api");
    let mut run = tokio::process::Command::new(provided("BULKHEAD_TEST_SCHEMATHESIS"));
    run.current_dir(instance.directory.path())
        .env("PYTHONPATH", hooks)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", "fuzzed")
        .env("BULKHEAD_PUBLIC_ROUTES", public_routes().join(","))
        .env("BULKHEAD_ABSENT", "executor-unreachable,service-unreachable")
        .args(["run", "--url", &format!("http://{}", instance.http), "--checks", &checks.join(",")])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "10",
            "--seed",
            "7",
            "--generation-deterministic",
        ])
        .args(["--suppress-health-check", "all", "--request-timeout", "20", "--continue-on-failure", "--no-color"])
        .args(["--header", "x-bulkhead-csrf: 1", "--header", "sec-fetch-site: same-origin"]);
    if let Some(person) = person {
        run.args(["--header", &format!("cookie: {}", person.cookie)]);
    }
    for path in LEFT_OUT {
        run.args(["--exclude-path", path]);
    }
    let done = run.arg(&document).stdin(Stdio::null()).output().await.expect("schemathesis runs");
    assert!(
        done.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}
