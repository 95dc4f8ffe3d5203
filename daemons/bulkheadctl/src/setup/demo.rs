//! The demo: rows in the tables database, an app, two workflows, a webhook.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result};
use bulkhead_demo::{APP_SLUG, REMINDERS_SLUG, WEBHOOK_TRIGGER, WORKFLOW_SLUG};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::database::TABLES_ROLE;
use super::step;
use super::tables::Tables;
use crate::api::Api;
use crate::documents::{APPS, Kind, WORKFLOWS};
use crate::local_http;

/// The webhook's key, kept so that a repetition prints the URL that people may have written down. It starts runs of the demo
/// and nothing else.
const KEY_FILE: &str = "demo-webhook.key";

#[derive(Deserialize)]
struct Key {
    key: String,
}

/// Loads what is missing; what people have changed since stays. Returns the webhook's URL.
pub(super) async fn load(api: &Api, tables: &Tables<'_>, url: &str, state: &Path) -> Result<String> {
    rows(tables)?;
    document(APPS, APP_SLUG, &bulkhead_demo::app(), api).await?;
    document(WORKFLOWS, WORKFLOW_SLUG, &bulkhead_demo::workflow(), api).await?;
    document(WORKFLOWS, REMINDERS_SLUG, &bulkhead_demo::reminders(), api).await?;
    let key = webhook_key(api, state).await?;
    Ok(format!("{url}{}", hook_path(&key)))
}

fn rows(tables: &Tables<'_>) -> Result<()> {
    let question = "SELECT to_regclass('public.customers') IS NOT NULL;";
    if tables.psql.run(tables.database, question)? == "t" {
        step("the demo's tables stay");
        return Ok(());
    }
    // As the role that db-connector uses, so that the tables are its own.
    let load = |input: &mut dyn Write| {
        writeln!(input, "SET ROLE \"{TABLES_ROLE}\";")?;
        bulkhead_demo::write_sql(&mut { input })
    };
    tables.psql.feed(tables.database, load).context("load the demo's rows")?;
    step("the demo's tables: customers, products, orders, invoices, support tickets");
    Ok(())
}

/// Creates and releases it, unless there is one.
async fn document(kind: Kind, slug: &str, document: &impl Serialize, api: &Api) -> Result<()> {
    let (revision, released) = match kind.find(slug, api).await? {
        Some(detail) => (detail.draft_revision, detail.released_version),
        None => (kind.create(slug, document, api).await?, None),
    };
    if released.is_some() {
        step(&format!("the demo's `{slug}` stays"));
        return Ok(());
    }
    let version = kind.release(slug, revision, api).await?;
    step(&format!("the demo's `{slug}`, released as version {version}"));
    Ok(())
}

async fn webhook_key(api: &Api, state: &Path) -> Result<String> {
    let file = state.join(KEY_FILE);
    if let Ok(key) = fs::read_to_string(&file)
        && opens(api, &key).await?
    {
        return Ok(key);
    }
    let path = format!("/workflows/{WORKFLOW_SLUG}/triggers/{WEBHOOK_TRIGGER}/key");
    let Key { key } = api.send(Method::POST, &path, &json!({})).await?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(state)?;
    let mut options = fs::OpenOptions::new();
    let written = options.create(true).truncate(true).write(true).mode(0o600).open(&file);
    written.and_then(|mut file| file.write_all(key.as_bytes())).with_context(|| format!("write {}", file.display()))?;
    step("a key for the demo's webhook");
    Ok(key)
}

/// Whether the key is the webhook's: a body that is no JSON is refused only after the key was found right, and starts nothing.
async fn opens(api: &Api, key: &str) -> Result<bool> {
    let (status, _) =
        local_http::request(api.socket(), Method::POST, &hook_path(key), Bytes::from_static(b"?")).await?;
    Ok(status == StatusCode::BAD_REQUEST)
}

fn hook_path(key: &str) -> String {
    format!("/hooks/{WORKFLOW_SLUG}/{WEBHOOK_TRIGGER}?key={key}")
}
