//! `secret`: values that code may use. They come by standard input or from a file: an argument would stand in `ps` and in the
//! shell's history.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::api::Api;
use crate::cli::SecretCommand;
use crate::table;

/// Longer values are refused by the instance anyway; a device never ends.
const VALUE_BYTES_MAX: u64 = 128 * 1024;

#[derive(Deserialize)]
struct List {
    secrets: Vec<Secret>,
}

#[derive(Deserialize)]
struct Secret {
    name: String,
    workflows: Vec<Workflow>,
    updated_at: String,
    #[serde(default)]
    updated_by: Option<String>,
}

#[derive(Deserialize)]
struct Workflow {
    slug: String,
}

impl Secret {
    fn slugs(&self) -> Vec<&str> {
        self.workflows.iter().map(|workflow| workflow.slug.as_str()).collect()
    }
}

/// Runs a `secret` command.
pub(crate) async fn run(command: SecretCommand, api: &Api) -> Result<()> {
    match command {
        SecretCommand::List { json } => list(json, api).await,
        SecretCommand::Set { name, file } => set(&name, file.as_deref(), api).await,
        SecretCommand::Delete { name } => {
            let _: Value = api.send(Method::DELETE, &format!("/secrets/{name}"), &json!({})).await?;
            println!("secret `{name}` is deleted");
            Ok(())
        }
        SecretCommand::Grant { name, workflows, revoke } => grant(&name, &workflows, revoke, api).await,
    }
}

async fn list(json: bool, api: &Api) -> Result<()> {
    let answer: Value = api.get("/secrets").await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&answer["secrets"])?);
        return Ok(());
    }
    let List { secrets } = serde_json::from_value(answer)?;
    let row = |secret: &Secret| {
        let by = secret.updated_by.clone().unwrap_or_else(|| "root".to_owned());
        [secret.name.clone(), secret.updated_at.clone(), by, secret.slugs().join(", ")]
    };
    table::print(["NAME", "CHANGED", "BY", "WORKFLOWS"], &secrets.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

async fn find(name: &str, api: &Api) -> Result<Option<Secret>> {
    let List { secrets } = api.get("/secrets").await?;
    Ok(secrets.into_iter().find(|secret| secret.name == name))
}

async fn set(name: &str, file: Option<&Path>, api: &Api) -> Result<()> {
    let value = read(file)?;
    if find(name, api).await?.is_some() {
        let body = json!({ "value": value.as_str() });
        let _: Value = api.send(Method::PUT, &format!("/secrets/{name}"), &body).await?;
        println!("secret `{name}` has a new value");
    } else {
        let body = json!({ "name": name, "value": value.as_str() });
        let _: Value = api.send(Method::POST, "/secrets", &body).await?;
        println!("secret `{name}` is added; no workflow may use it yet: bulkheadctl secret grant {name} WORKFLOW");
    }
    Ok(())
}

async fn grant(name: &str, changed: &[String], revoke: bool, api: &Api) -> Result<()> {
    let secret = find(name, api).await?.with_context(|| format!("there is no secret `{name}`"))?;
    let mut workflows: Vec<String> = secret.slugs().into_iter().map(str::to_owned).collect();
    workflows.retain(|slug| !changed.contains(slug));
    if !revoke {
        workflows.extend(changed.iter().cloned());
    }
    let body = json!({ "workflows": workflows });
    let secret: Secret = api.send(Method::PUT, &format!("/secrets/{name}/grants"), &body).await?;
    match secret.slugs().as_slice() {
        [] => println!("no workflow may use secret `{name}`"),
        slugs => println!("secret `{name}` may be used by: {}", slugs.join(", ")),
    }
    Ok(())
}

/// The value: a file as it is; standard input without the newline that ends it.
fn read(file: Option<&Path>) -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let from = match file {
        Some(path) => {
            let opened = std::fs::File::open(path).with_context(|| format!("open {}", path.display()))?;
            opened.take(VALUE_BYTES_MAX).read_to_end(&mut bytes).with_context(|| format!("read {}", path.display()))?;
            path.display().to_string()
        }
        None => {
            std::io::stdin().take(VALUE_BYTES_MAX).read_to_end(&mut bytes).context("read standard input")?;
            "standard input".to_owned()
        }
    };
    let text = std::str::from_utf8(&bytes).with_context(|| format!("{from} is no UTF-8 text"))?;
    let text = if file.is_none() { without_last_newline(text) } else { text };
    if text.is_empty() {
        bail!("{from} is empty");
    }
    Ok(Zeroizing::new(text.to_owned()))
}

fn without_last_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_echo_adds_is_no_part_of_a_value_but_a_file_is_taken_as_it_is() {
        for (given, value) in [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a", "a"), ("\n", "")] {
            assert_eq!(without_last_newline(given), value);
        }
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("key.pem");
        std::fs::write(&file, "-----BEGIN\n").expect("written");
        assert_eq!(read(Some(&file)).expect("reads").as_str(), "-----BEGIN\n");
        std::fs::write(&file, "").expect("written");
        assert!(read(Some(&file)).is_err());
    }
}
