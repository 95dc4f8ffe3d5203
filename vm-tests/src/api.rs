//! The public API: over api's Unix socket, where root is an administrator, or over HTTPS as a person.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::guest::{Guest, wait_until};

/// Calls the API as root; an answer that is no success is an error that shows it.
pub(crate) fn call(guest: &Guest, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
    let socket = ["--unix-socket", "/run/bulkhead/api.sock"];
    curl(guest, &socket, &format!("http://localhost/api/v1{path}"), method, body)
}

/// Runs code and returns its result, without what it logged.
pub(crate) fn run_code(guest: &Guest, request: &Value) -> Result<Value> {
    let (socket, url) = ("/run/bulkhead/api.sock", "http://localhost/api/v1/system/code/run");
    let words = ["curl", "-sSf", "--unix-socket", socket, url, "-H", "content-type: application/json", "-d", "@-"];
    let events = guest.run_with_input(&words, request.to_string().as_bytes())?;
    let last = events.lines().last().context("no event")?;
    serde_json::from_str(last).with_context(|| format!("the result {last}"))
}

/// A person with a session.
pub(crate) struct Person {
    /// curl's cookies, in a file of the machine.
    cookies: String,
}

/// Somebody new who may look at that app.
pub(crate) fn viewer_of(guest: &Guest, app: &str) -> Result<Person> {
    let email = format!("{app}@example.org");
    let made = call(guest, "POST", "/users", Some(&json!({ "email": email, "name": "A viewer" })))?;
    let user = made["user"]["id"].as_str().context("the answer names no user")?;
    call(guest, "PUT", &format!("/apps/{app}/grants/{user}"), Some(&json!({ "role": "viewer" })))?;
    let (_, token) = made["link"].as_str().and_then(|link| link.split_once("token=")).context("a link with a token")?;
    let person = Person { cookies: format!("/run/vm-tests-{app}.cookies") };
    let redeem = json!({ "token": token, "password": "a password of the machine test" });
    person.call(guest, "POST", "/one-time-links/redeem", &redeem)?;
    Ok(person)
}

impl Person {
    /// Calls the API over HTTPS, as a browser does.
    pub(crate) fn call(&self, guest: &Guest, method: &str, path: &str, body: &Value) -> Result<Value> {
        // The machine's certificate is signed by itself.
        let browser = ["-k", "-b", &self.cookies, "-c", &self.cookies, "-H", "x-bulkhead-csrf: 1"];
        let origin = ["-H", "sec-fetch-site: same-origin"];
        let url = format!("https://localhost:8443/api/v1{path}");
        curl(guest, &[&browser[..], &origin[..]].concat(), &url, method, Some(body))
    }
}

fn curl(guest: &Guest, options: &[&str], url: &str, method: &str, body: Option<&Value>) -> Result<Value> {
    let mut words = vec!["curl", "-sS", "-X", method, url, "-w", "\n%{http_code}"];
    words.extend(options);
    let text = body.map(Value::to_string).unwrap_or_default();
    if body.is_some() {
        words.extend(["-H", "content-type: application/json", "--data-binary", "@-"]);
    }
    let printed = guest.run_with_input(&words, text.as_bytes())?;
    let (answer, status) = printed.rsplit_once('\n').unwrap_or(("", &printed));
    if !status.starts_with('2') {
        bail!("{method} {url} answered {status}: {answer}");
    }
    if answer.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(answer).with_context(|| format!("{method} {url} answered no JSON: {answer}"))
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
