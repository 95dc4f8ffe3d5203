//! Set, which is called Edit Fields in newer versions: code that gives each item its fields.

use bulkhead_model::workflow::Language;
use serde_json::Value;

use super::{Made, Task, code_block};
use crate::export::Node;
use crate::expressions::literal;
use crate::text::Writer;
use crate::view::{Place, View};

/// A field that an item is given.
struct Field {
    name: String,
    value: String,
}

/// A Set.
pub(super) fn of(task: &Task<'_>, outer: &mut Writer<'_>) -> Made {
    let node = task.node;
    let view = View::of(task.plan, task.place, Place::Each);
    let mut writer = Writer::new(&view);
    let kept = kept(node);
    let source = if node.text("mode") == "raw" || node.text("mode") == "json" {
        let object = writer.json(node.param("jsonOutput"));
        format!("  return {{ ...{kept}, ...{object} }};\n")
    } else {
        let fields = fields(node, &mut writer);
        let dots = node.at("options.dotNotation") != false;
        let mut body = format!("  const fields = {kept};\n");
        for field in fields {
            body.push_str(&assigned(&field, dots));
        }
        body.push_str("  return fields;\n");
        body
    };
    outer.problems.append(&mut writer.problems);
    let over = view.given.map_or_else(|| "[]".to_owned(), |given| given.all);
    Ok(code_block(Language::Javascript, format!("return {over}.map((entry, at) => {{\n{source}}});\n")))
}

/// The fields that an item keeps.
fn kept(node: &Node) -> String {
    let names = |key: &str| {
        let names = node.text(key).split(',').map(str::trim).filter(|name| !name.is_empty()).map(literal);
        names.collect::<Vec<_>>().join(", ")
    };
    let chosen = |is_kept: &str, names: String| {
        format!("Object.fromEntries(Object.entries(entry).filter(([name]) => {is_kept}[{names}].includes(name)))")
    };
    let all = "structuredClone(entry)".to_owned();
    if node.version < 3.0 {
        return if node.param("keepOnlySet") == true { "{}".to_owned() } else { all };
    }
    let default = if node.version >= 3.3 { node.param("includeOtherFields") == true } else { true };
    match node.text("include") {
        "none" => "{}".to_owned(),
        "selected" if default => chosen("", names("includeFields")),
        "except" if default => chosen("!", names("excludeFields")),
        _ if default => all,
        _ => "{}".to_owned(),
    }
}

fn fields(node: &Node, writer: &mut Writer<'_>) -> Vec<Field> {
    let name_of = |entry: &Value| entry["name"].as_str().unwrap_or_default().trim_start_matches('=').to_owned();
    let mut found = Vec::new();
    // From version 3.3.
    for entry in node.list("assignments.assignments") {
        let kind = entry["type"].as_str().unwrap_or("string");
        found.push(Field { name: name_of(entry), value: typed(kind, &entry["value"], writer) });
    }
    // Versions 3.0 to 3.2 keep the value by its type.
    for entry in node.list("fields.values") {
        let key = entry["type"].as_str().unwrap_or("stringValue");
        let kind = key.trim_end_matches("Value");
        found.push(Field { name: name_of(entry), value: typed(kind, &entry[key], writer) });
    }
    // Before, the values are in lists by their type.
    for (kind, entries) in node.param("values").as_object().into_iter().flatten() {
        for entry in entries.as_array().into_iter().flatten() {
            found.push(Field { name: name_of(entry), value: typed(kind, &entry["value"], writer) });
        }
    }
    found
}

/// A value as the type that the field has.
fn typed(kind: &str, value: &Value, writer: &mut Writer<'_>) -> String {
    match (kind, value) {
        ("array" | "object", value) => writer.json(value),
        ("number", Value::String(text)) if text.trim().parse::<f64>().is_ok_and(f64::is_finite) => {
            text.trim().to_owned()
        }
        ("number", Value::String(text)) if text.starts_with('=') => format!("Number({})", writer.expression(value)),
        ("boolean", Value::String(text)) if text == "true" || text == "false" => text.clone(),
        ("string", Value::Number(_) | Value::Bool(_)) => literal(&value.to_string()),
        _ => writer.expression(value),
    }
}

/// The lines that give `fields` one of its fields: `a.b` is the field `b` of `a`.
fn assigned(field: &Field, dots: bool) -> String {
    let value = &field.value;
    let parts: Vec<&str> = if dots { field.name.split('.').collect() } else { vec![field.name.as_str()] };
    let Some((last, before)) = parts.split_last() else { return String::new() };
    let mut target = "fields".to_owned();
    for part in before {
        target = format!("({target}[{}] ??= {{}})", literal(part));
    }
    format!("  {target}[{}] = {value};\n", literal(last))
}
