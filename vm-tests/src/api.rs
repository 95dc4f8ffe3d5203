//! The public API over api's Unix socket, where root is an administrator.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::guest::{Guest, wait_until};

/// Calls the API; an answer that is no success is an error that shows it.
pub(crate) fn call(guest: &Guest, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
    let url = format!("http://localhost/api/v1{path}");
    let mut words = vec!["curl", "-sS", "--unix-socket", "/run/bulkhead/api.sock", "-X", method, &url];
    words.extend(["-w", "\n%{http_code}"]);
    let text = body.map(Value::to_string).unwrap_or_default();
    if body.is_some() {
        words.extend(["-H", "content-type: application/json", "--data-binary", "@-"]);
    }
    let printed = guest.run_with_input(&words, text.as_bytes())?;
    let (answer, status) = printed.rsplit_once('\n').unwrap_or(("", &printed));
    if !status.starts_with('2') {
        bail!("{method} {path} answered {status}: {answer}");
    }
    if answer.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(answer).with_context(|| format!("{method} {path} answered no JSON: {answer}"))
}

/// Makes a workflow or app (`kind` is `workflows` or `apps`) of that document and releases it.
pub(crate) fn release(guest: &Guest, kind: &str, slug: &str, document: &Value) -> Result<()> {
    let body = json!({ "slug": slug, "title": document["title"], "document": document });
    let made = call(guest, "POST", &format!("/{kind}"), Some(&body))?;
    let revision = json!({ "revision": made["draft_revision"] });
    call(guest, "POST", &format!("/{kind}/{slug}/releases"), Some(&revision)).map(drop)
}

/// Starts a run and returns its id.
pub(crate) fn start_run(guest: &Guest, workflow: &str, body: &Value) -> Result<String> {
    let started = call(guest, "POST", &format!("/workflows/{workflow}/runs"), Some(&json!({ "body": body })))?;
    started["run"].as_str().map(str::to_owned).context("the answer names no run")
}

/// Waits until a run has ended and returns all that is known of it.
pub(crate) fn finished_run(guest: &Guest, run: &str, timeout: Duration) -> Result<Value> {
    let path = format!("/runs/{run}");
    let mut detail = Value::Null;
    wait_until(&format!("run {run} ends"), timeout, || {
        detail = call(guest, "GET", &path, None)?;
        Ok(matches!(detail["run"]["status"].as_str(), Some("succeeded" | "failed" | "cancelled")))
    })?;
    Ok(detail)
}

/// Whether two JSON values are the same, numbers to half a cent: SQL counts in decimals, code in doubles.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => (one - other).abs() < 0.005,
            _ => false,
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}
