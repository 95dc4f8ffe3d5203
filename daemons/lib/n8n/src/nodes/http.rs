//! HTTP Request.

use std::collections::BTreeMap;

use bulkhead_model::workflow::{Block, HttpBlock};
use serde_json::Value;

use super::{Made, Task};
use crate::export::Node;
use crate::expressions::literal;
use crate::report::{Level, quoted};
use crate::text::Writer;

/// An address that leads nowhere, in the place of one that the file does not have.
const NOWHERE: &str = "https://address.invalid/";
/// Headers that a block may have.
const MAX_HEADERS: usize = 50;

/// An HTTP Request of any version.
pub(super) fn of(task: &Task<'_>, writer: &mut Writer<'_>) -> Made {
    let node = task.node;
    let method =
        node.param("method").as_str().or(node.param("requestMethod").as_str()).unwrap_or("GET").to_ascii_uppercase();
    if !["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
        return Err(format!("It sends by `{}`, for which there is no word here.", quoted(&method)));
    }
    let mut url = address(node, writer);
    url.push_str(&query(node, &url, writer));
    let mut entries: Vec<Value> = node.list("headerParameters.parameters").to_vec();
    entries.extend(node.list("headerParametersUi.parameter").iter().cloned());
    let json_headers = if node.text("specifyHeaders") == "json" {
        node.text("jsonHeaders")
    } else {
        node.text("headerParametersJson")
    };
    entries.extend(entries_of_json(json_headers, "headers", writer));
    let mut headers = headers(&entries, writer);
    let body = body(node, &mut headers, writer)?;
    say_what_differs(node, writer);
    Ok(Block::Http(HttpBlock { method, url, headers, body, idempotent: false, retry: None }))
}

fn address(node: &Node, writer: &mut Writer<'_>) -> String {
    let url = writer.template(node.param("url"));
    let url = url.trim();
    if url.is_empty() {
        writer.problem(Level::Missing, "It has no address: give it one.");
        return NOWHERE.to_owned();
    }
    let begins_well = ["http://", "https://", "{{"].iter().any(|start| url.starts_with(start));
    if begins_well {
        return url.to_owned();
    }
    writer.problem(Level::Changed, "Its address has no scheme: `https://` was put before it.");
    format!("https://{}", url.trim_start_matches('/'))
}

/// What follows the address: `?a={{ b }}`.
fn query(node: &Node, url: &str, writer: &mut Writer<'_>) -> String {
    let mut entries: Vec<Value> = node.list("queryParameters.parameters").to_vec();
    entries.extend(node.list("queryParametersUi.parameter").iter().cloned());
    let json =
        if node.text("specifyQuery") == "json" { node.text("jsonQuery") } else { node.text("queryParametersJson") };
    entries.extend(entries_of_json(json, "query", writer));
    let mut query = String::new();
    let mut sign = if url.contains('?') { '&' } else { '?' };
    for entry in &entries {
        let name = writer.template(&entry["name"]);
        if name.is_empty() {
            continue;
        }
        let value = &entry["value"];
        // What is written out is encoded here, as only values in `{{ }}` are encoded there.
        let value = if is_expression(value) { writer.template(value) } else { encoded(&writer.template(value)) };
        let name = if is_expression(&entry["name"]) { name } else { encoded(&name) };
        query.push_str(&format!("{sign}{name}={value}"));
        sign = '&';
    }
    query
}

fn is_expression(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with('='))
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Entries that are given as a text of JSON; its values must be written out.
fn entries_of_json(text: &str, what: &str, writer: &mut Writer<'_>) -> Vec<Value> {
    let text = text.trim();
    if text.is_empty() {
        return Vec::new();
    }
    let source = text.strip_prefix('=').unwrap_or(text);
    let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(source) else {
        writer.problem(
            Level::Missing,
            format!("Its {what} are computed as a whole, and were left out: name them one by one."),
        );
        return Vec::new();
    };
    let is_computed = text.starts_with('=');
    fields
        .into_iter()
        .map(|(name, value)| {
            let value = match value {
                Value::String(text) if is_computed && text.contains("{{") => format!("={text}"),
                Value::String(text) => text,
                other => other.to_string(),
            };
            serde_json::json!({ "name": name, "value": value })
        })
        .collect()
}

/// Headers by their names. What is no header is left out.
pub(super) fn headers(entries: &[Value], writer: &mut Writer<'_>) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    for entry in entries {
        let name = entry["name"].as_str().unwrap_or_default().trim();
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() && entry["value"].as_str().unwrap_or_default().is_empty() {
            continue;
        }
        if name.is_empty() || !name.chars().all(is_token) || headers.len() >= MAX_HEADERS {
            writer
                .problem(Level::Missing, format!("Its header `{}` was left out: a name is written out.", quoted(name)));
            continue;
        }
        headers.insert(name.to_owned(), writer.template(&entry["value"]));
    }
    headers
}

fn body(node: &Node, headers: &mut BTreeMap<String, String>, writer: &mut Writer<'_>) -> Result<String, String> {
    let is_old = node.version < 3.0;
    if !is_old && node.param("sendBody") != true {
        return Ok(String::new());
    }
    let mut entries: Vec<&Value> = node.list("bodyParameters.parameters").iter().collect();
    entries.extend(node.list("bodyParametersUi.parameter"));
    let kind = node.param("contentType").as_str().or(node.param("bodyContentType").as_str()).unwrap_or("json");
    let has_header =
        |headers: &BTreeMap<String, String>| headers.keys().any(|name| name.eq_ignore_ascii_case("content-type"));
    match kind {
        "json" => {
            let text = if is_old { node.param("bodyParametersJson") } else { node.param("jsonBody") };
            let is_text = node.text("specifyBody") == "json" || (is_old && node.param("jsonParameters") == true);
            if is_text {
                return Ok(writer.json(text));
            }
            Ok(if entries.is_empty() && is_old { String::new() } else { object(&entries, writer) })
        }
        "form-urlencoded" => {
            if !has_header(headers) {
                headers.insert("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned());
            }
            if node.text("specifyBody") == "string" {
                return Ok(writer.expression(node.param("body")));
            }
            let pairs: Vec<String> = entries
                .iter()
                .map(|entry| {
                    let (name, value) = (writer.expression(&entry["name"]), writer.expression(&entry["value"]));
                    format!("encodeURIComponent({name}) + '=' + encodeURIComponent({value})")
                })
                .collect();
            Ok(if pairs.is_empty() { literal("") } else { format!("[{}].join('&')", pairs.join(", ")) })
        }
        "raw" => {
            let kind = node.text("rawContentType");
            if !kind.is_empty() && !has_header(headers) {
                headers.insert("Content-Type".to_owned(), writer.template(node.param("rawContentType")));
            }
            Ok(writer.expression(node.param("body")))
        }
        other => Err(format!("It sends a body of the kind `{}`, for which there is no word here.", quoted(other))),
    }
}

fn object(entries: &[&Value], writer: &mut Writer<'_>) -> String {
    let fields: Vec<String> = entries
        .iter()
        .map(|entry| {
            let name = writer.expression(&entry["name"]);
            let name = if name.starts_with('"') { name } else { format!("[{name}]") };
            format!("{name}: {}", writer.expression(&entry["value"]))
        })
        .collect();
    format!("({{ {} }})", fields.join(", "))
}

fn say_what_differs(node: &Node, writer: &mut Writer<'_>) {
    let authentication = node.text("authentication");
    if !authentication.is_empty() && authentication != "none" {
        let message = "It logs in with credentials of n8n's: add the header, such as `Authorization` with \
                       `Bearer {{ secret('name') }}`.";
        writer.problem(Level::Missing, message);
    }
    for (path, message) in [
        ("options.pagination", "n8n asks for page after page; here it asks once: use a loop block."),
        ("options.batching", "n8n sends in batches with pauses: see the loop's mode and `delay-ms`."),
        ("options.proxy", "It goes through a proxy in n8n: that was left out."),
        (
            "options.response.response.neverError",
            "n8n takes a status of 400 and above for an answer: here the block fails, by its way `error`.",
        ),
        ("options.allowUnauthorizedCerts", "n8n takes any certificate: here it must be a good one."),
    ] {
        if !node.at(path).is_null() && node.at(path) != false {
            writer.problem(Level::Changed, message);
        }
    }
    let format = node.at("options.response.response.responseFormat").as_str().or(node.param("responseFormat").as_str());
    if format == Some("file") {
        writer.problem(Level::Missing, "n8n makes a file of the answer; here it is in the block's result, `body`.");
    }
}
