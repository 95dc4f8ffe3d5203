//! `libraries`: sets of libraries for code.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::Api;
use crate::cli::{LibrariesAdd, LibrariesCommand};
use crate::table;

#[derive(Deserialize)]
struct List {
    sets: Vec<Set>,
}

#[derive(Deserialize)]
struct Set {
    name: String,
    language: String,
    status: String,
    packages: Vec<Value>,
    #[serde(default)]
    bytes: Option<u64>,
    updated_at: String,
}

#[derive(Deserialize)]
struct Detail {
    set: Set,
    log: String,
    #[serde(default)]
    error: Option<String>,
}

/// Runs a `libraries` command.
pub(crate) async fn run(command: LibrariesCommand, api: &Api) -> Result<()> {
    match command {
        LibrariesCommand::List { json } => list(json, api).await,
        LibrariesCommand::Add(add) => define(&add, api).await,
        LibrariesCommand::Build { name } => {
            let _: Value = api.send(Method::POST, &format!("/library-sets/{name}/build"), &json!({})).await?;
            println!("`{name}` is built soon; how it went: bulkheadctl libraries log {name}");
            Ok(())
        }
        LibrariesCommand::Delete { name } => {
            let _: Value = api.send(Method::DELETE, &format!("/library-sets/{name}"), &json!({})).await?;
            println!("`{name}` is deleted");
            Ok(())
        }
        LibrariesCommand::Log { name } => log(&name, api).await,
    }
}

/// The names of sets under the language of each, as the instance wants them.
pub(crate) async fn by_language(names: &[String], api: &Api) -> Result<BTreeMap<String, String>> {
    let mut named = BTreeMap::new();
    if names.is_empty() {
        return Ok(named);
    }
    let List { sets } = api.get("/library-sets").await?;
    for name in names {
        let set = sets.iter().find(|set| set.name == *name);
        let set = set.with_context(|| format!("there is no set of libraries `{name}`"))?;
        if let Some(other) = named.insert(set.language.clone(), name.clone()) {
            bail!("`{other}` and `{name}` are both for {}: name one of them", set.language);
        }
    }
    Ok(named)
}

async fn list(json: bool, api: &Api) -> Result<()> {
    let answer: Value = api.get("/library-sets").await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&answer["sets"])?);
        return Ok(());
    }
    let List { sets } = serde_json::from_value(answer)?;
    let row = |set: &Set| {
        let size = set.bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{} MiB", bytes.div_ceil(1024 * 1024)));
        let packages = set.packages.len().to_string();
        [set.name.clone(), set.language.clone(), set.status.clone(), packages, size, set.updated_at.clone()]
    };
    let rows: Vec<_> = sets.iter().map(row).collect();
    table::print(["NAME", "LANGUAGE", "STATUS", "PACKAGES", "SIZE", "CHANGED"], &rows);
    Ok(())
}

async fn define(add: &LibrariesAdd, api: &Api) -> Result<()> {
    let LibrariesAdd { name, language, lock, preload } = add;
    let text = std::fs::read_to_string(lock).with_context(|| format!("read {}", lock.display()))?;
    let List { sets } = api.get("/library-sets").await?;
    let done = match sets.iter().find(|set| set.name == *name) {
        Some(set) if set.language != *language => bail!("`{name}` is there already, for {}", set.language),
        Some(_) => {
            let body = json!({ "lock": text, "preload": preload });
            let _: Value = api.send(Method::PUT, &format!("/library-sets/{name}"), &body).await?;
            "replaced: workflows use what is built now until the new build works"
        }
        None => {
            let body = json!({ "name": name, "language": language, "lock": text, "preload": preload });
            let _: Value = api.send(Method::POST, "/library-sets", &body).await?;
            "added: workflows can use it when it is built"
        }
    };
    println!("`{name}` is {done}; how it goes: bulkheadctl libraries log {name}");
    Ok(())
}

async fn log(name: &str, api: &Api) -> Result<()> {
    let detail: Detail = api.get(&format!("/library-sets/{name}")).await?;
    for line in detail.log.lines() {
        println!("{}", table::plain(line));
    }
    eprintln!("{}", detail.set.status);
    match detail.error {
        Some(error) => bail!("{}", table::plain(&error)),
        None => Ok(()),
    }
}
