//! Documents of OpenAPI 3.0 and 3.1, in JSON, as requests of a REST resource.
//!
//! A pure function of a document that a stranger may have written: bounded, and never failing as a whole for the fault of one
//! operation. What cannot be told of an operation is left out of it, and the operation says what. Format: the OpenAPI
//! Specification, 3.0.4 and 3.1.1.

mod name;
mod operation;
mod reference;
mod skeleton;

use std::collections::BTreeSet;

use bulkhead_model::operation::{HttpMethod, HttpRequest};
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;
use utoipa::ToSchema;

use operation::Place;
use reference::Document;

/// The longest document, in bytes.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Operations at most; the largest documents that are published have about a thousand.
pub const MAX_OPERATIONS: usize = 3000;
/// Characters of a title or summary that are kept.
const MAX_TEXT: usize = 200;

/// What a document offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OpenApiImport)]
pub struct Import {
    /// What the document calls itself.
    pub title: String,
    /// URLs that the document says its server has, as they are written there.
    pub servers: Vec<String>,
    /// Its operations, in the order of their paths.
    pub operations: Vec<ImportedOperation>,
    /// What was left out that is no single operation's.
    pub problems: Vec<String>,
}

/// An operation as a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportedOperation {
    /// A name that no other operation of the document has.
    pub name: String,
    /// What it is for, in the document's words.
    pub summary: String,
    /// The request, with a binding for each value.
    pub request: HttpRequest,
    /// What was left out of it, and why.
    pub problems: Vec<String>,
}

/// Why a text is no document to import.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ImportError {
    /// It is longer than [`MAX_BYTES`].
    #[error("the document has {0} bytes; the most is {MAX_BYTES}")]
    TooLarge(usize),
    /// It is no JSON.
    #[error("the document is no JSON ({0}): convert one in YAML to JSON first")]
    Json(String),
    /// It is of no version that is known here.
    #[error("the document is {0}: convert it to OpenAPI 3.0 or 3.1 first")]
    Version(String),
}

const METHODS: [(&str, HttpMethod); 7] = [
    ("get", HttpMethod::Get),
    ("head", HttpMethod::Head),
    ("options", HttpMethod::Options),
    ("post", HttpMethod::Post),
    ("put", HttpMethod::Put),
    ("patch", HttpMethod::Patch),
    ("delete", HttpMethod::Delete),
];

/// Reads a document.
pub fn import(text: &str) -> Result<Import, ImportError> {
    if text.len() > MAX_BYTES {
        return Err(ImportError::TooLarge(text.len()));
    }
    let root: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| ImportError::Json(error.to_string()))?;
    match (root["openapi"].as_str(), root["swagger"].as_str()) {
        (Some(version), _) if version.starts_with("3.0") || version.starts_with("3.1") => {}
        (Some(version), _) => return Err(ImportError::Version(format!("OpenAPI {}", short(version)))),
        (None, Some(version)) => return Err(ImportError::Version(format!("Swagger {}", short(version)))),
        (None, None) => return Err(ImportError::Version("none of OpenAPI: it has no member `openapi`".to_owned())),
    }
    let document = Document(&root);
    let mut import = Import {
        title: short(root["info"]["title"].as_str().unwrap_or_default()),
        servers: servers(&root),
        operations: Vec::new(),
        problems: Vec::new(),
    };
    let mut names = BTreeSet::new();
    for (path, item) in root["paths"].as_object().into_iter().flatten() {
        let item = match document.resolve(item) {
            Ok(item) => item,
            Err(problem) => {
                import.problems.push(format!("{path}: {problem}"));
                continue;
            }
        };
        if item.get("trace").is_some() {
            import.problems.push(format!("{path}: TRACE is not sent"));
        }
        for (key, method) in METHODS {
            let Some(operation) = item.get(key).filter(|operation| operation.is_object()) else { continue };
            if import.operations.len() == MAX_OPERATIONS {
                import
                    .problems
                    .push(format!("there are more than {MAX_OPERATIONS} operations: the others were left out"));
                return Ok(import);
            }
            let (request, problems) = operation::request(document, Place { path, item, operation, method });
            let wanted = operation["operationId"].as_str().filter(|id| !id.trim().is_empty());
            let wanted = wanted.map_or_else(|| format!("{} {path}", method.as_str()), str::to_owned);
            let name = name::unique(&short(&wanted), &mut names);
            let summary =
                operation["summary"].as_str().or_else(|| operation["description"].as_str()).unwrap_or_default();
            import.operations.push(ImportedOperation { name, summary: short(summary), request, problems });
        }
    }
    Ok(import)
}

fn servers(root: &Value) -> Vec<String> {
    let servers = root["servers"].as_array().into_iter().flatten();
    servers.filter_map(|server| server["url"].as_str()).take(20).map(str::to_owned).collect()
}

/// The start of a text's first line.
fn short(text: &str) -> String {
    text.trim().lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}
