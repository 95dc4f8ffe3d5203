//! `app` and `workflow`: list, export, import. The documents travel as they are; the instance checks them.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Api;
use crate::cli::DocumentCommand;
use crate::{document_files, table};

/// A kind of document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// Its collection's path and the key of its list.
    collection: &'static str,
    /// In a sentence.
    word: &'static str,
    /// As files.
    files: bulkhead_tree::Kind,
}

/// Apps.
pub(crate) const APPS: Kind = Kind { collection: "apps", word: "app", files: bulkhead_tree::Kind::App };
/// Workflows.
pub(crate) const WORKFLOWS: Kind =
    Kind { collection: "workflows", word: "workflow", files: bulkhead_tree::Kind::Workflow };

/// What the instance tells of a document's draft.
#[derive(Debug, Deserialize)]
pub(crate) struct Detail {
    /// The draft.
    draft: Value,
    /// The draft's revision.
    pub(crate) draft_revision: i64,
    /// The version in use.
    pub(crate) released_version: Option<i32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Summary {
    slug: String,
    title: String,
    released_version: Option<i32>,
    updated_at: String,
}

#[derive(Deserialize)]
struct Saved {
    revision: i64,
}

#[derive(Deserialize)]
struct Released {
    version: i32,
}

/// Runs a command on documents of one kind.
pub(crate) async fn run(kind: Kind, command: DocumentCommand, api: &Api) -> Result<()> {
    match command {
        DocumentCommand::List { json } => list(kind, json, api).await,
        DocumentCommand::Export { slug, to } => {
            let detail = kind.find(&slug, api).await?;
            let detail = detail.with_context(|| format!("there is no {} `{slug}`", kind.word))?;
            match to {
                None => println!("{}", serde_json::to_string_pretty(&detail.draft)?),
                Some(folder) => {
                    let count = document_files::write(kind.files, &slug, detail.draft, &folder)?;
                    println!("{} `{slug}`: {count} files in {}", kind.word, folder.display());
                }
            }
            Ok(())
        }
        DocumentCommand::Import { slug, file, release } => {
            let document: Value =
                if file.is_dir() { document_files::read(kind.files, &slug, &file)? } else { read(&file)? };
            let revision = match kind.find(&slug, api).await? {
                Some(detail) => kind.save(&slug, detail.draft_revision, &document, api).await?,
                None => kind.create(&slug, &document, api).await?,
            };
            println!("{} `{slug}`: the draft has revision {revision}", kind.word);
            if release {
                println!("{} `{slug}`: released as version {}", kind.word, kind.release(&slug, revision, api).await?);
            }
            Ok(())
        }
    }
}

impl Kind {
    /// The document of that name, if there is one.
    pub(crate) async fn find(self, slug: &str, api: &Api) -> Result<Option<Detail>> {
        api.find(&format!("/{}/{slug}", self.collection)).await
    }

    /// Creates it and returns its draft's revision.
    pub(crate) async fn create(self, slug: &str, document: &impl Serialize, api: &Api) -> Result<i64> {
        let document = serde_json::to_value(document)?;
        let body = json!({ "slug": slug, "title": document["title"], "document": document });
        let detail: Detail = api.send(Method::POST, &format!("/{}", self.collection), &body).await?;
        Ok(detail.draft_revision)
    }

    async fn save(self, slug: &str, revision: i64, document: &Value, api: &Api) -> Result<i64> {
        let body = json!({ "revision": revision, "document": document });
        let saved: Saved = api.send(Method::PUT, &format!("/{}/{slug}/draft", self.collection), &body).await?;
        Ok(saved.revision)
    }

    /// Releases the draft and returns the version.
    pub(crate) async fn release(self, slug: &str, revision: i64, api: &Api) -> Result<i32> {
        let path = format!("/{}/{slug}/releases", self.collection);
        let released: Released = api.send(Method::POST, &path, &json!({ "revision": revision })).await?;
        Ok(released.version)
    }
}

async fn list(kind: Kind, json: bool, api: &Api) -> Result<()> {
    let mut answer: Value = api.get(&format!("/{}", kind.collection)).await?;
    let list = answer.get_mut(kind.collection).context("the answer has no list")?.take();
    if json {
        println!("{}", serde_json::to_string_pretty(&list)?);
        return Ok(());
    }
    let list: Vec<Summary> = serde_json::from_value(list)?;
    let row = |summary: &Summary| {
        let released = summary.released_version.map_or_else(|| "-".to_owned(), |version| version.to_string());
        [summary.slug.clone(), released, summary.updated_at.clone(), summary.title.clone()]
    };
    table::print(["SLUG", "RELEASED", "CHANGED", "TITLE"], &list.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

fn read(path: &Path) -> Result<Value> {
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).context("read standard input")?;
    } else {
        text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    }
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))
}
