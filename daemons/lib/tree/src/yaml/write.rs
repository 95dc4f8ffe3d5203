//! The one way to write a value.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::{is_plain, is_plain_key, is_printable};

/// Members that come first; the others follow by name.
const FIRST: [&str; 7] = ["format", "type", "kind", "title", "resource", "on", "do"];

/// The text of a value, with a line end at its end.
pub fn write(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => members(map, 0, true, &mut text),
        Value::Array(items) if !in_brackets(items) => list(items, 0, true, &mut text),
        Value::String(_) => {
            // A text alone could be taken for a map or a list.
            let Value::String(inner) = value else { return text };
            quoted(inner, &mut text);
            text.push('\n');
        }
        other => {
            text.push_str(&short(other));
            text.push('\n');
        }
    }
    text
}

fn members(map: &Map<String, Value>, indent: usize, begins_line: bool, text: &mut String) {
    let mut keys: Vec<&String> = map.keys().collect();
    let rank = |key: &str| FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len());
    keys.sort_by_key(|key| (rank(key), key.as_str()));
    for (index, key) in keys.into_iter().enumerate() {
        if index > 0 || begins_line {
            spaces(indent, text);
        }
        if is_plain_key(key) {
            text.push_str(key)
        } else {
            quoted(key, text)
        }
        text.push(':');
        after(&map[key.as_str()], indent, false, text);
    }
}

fn list(items: &[Value], indent: usize, begins_line: bool, text: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 || begins_line {
            spaces(indent, text);
        }
        text.push('-');
        after(item, indent, true, text);
    }
}

/// What follows a colon or a dash, up to the end of its last line.
fn after(value: &Value, indent: usize, follows_dash: bool, text: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            text.push(if follows_dash { ' ' } else { '\n' });
            members(map, indent + 2, !follows_dash, text);
        }
        Value::Array(items) if !in_brackets(items) => {
            text.push(if follows_dash { ' ' } else { '\n' });
            list(items, indent + 2, !follows_dash, text);
        }
        Value::String(inner) if is_block(inner) => block(inner, indent + 2, text),
        other => {
            text.push(' ');
            text.push_str(&short(other));
            text.push('\n');
        }
    }
}

/// Lists of numbers read best on one line.
fn in_brackets(items: &[Value]) -> bool {
    items.iter().all(Value::is_number)
}

fn short(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(is_true) => is_true.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if is_plain(text) => text.clone(),
        Value::String(text) => {
            let mut into = String::new();
            quoted(text, &mut into);
            into
        }
        Value::Array(items) => format!("[{}]", items.iter().map(short).collect::<Vec<_>>().join(", ")),
        Value::Object(_) => "{}".to_owned(),
    }
}

/// Whether a text stands as a block of lines: each of its lines can be told from the indentation.
fn is_block(text: &str) -> bool {
    let Some(first) = text.lines().next() else { return false };
    text.contains('\n')
        && !first.is_empty()
        && !first.starts_with([' ', '\t'])
        && text.chars().all(|c| is_printable(c) || matches!(c, '\n' | '\t'))
        && text.split('\n').all(|line| line.is_empty() || !line.trim().is_empty())
}

/// A literal block. How many line ends it has at its end is said beside the bar: `|-` none, `|` one, `|+` more.
fn block(inner: &str, indent: usize, text: &mut String) {
    let body = inner.trim_end_matches('\n');
    let ends = inner.len() - body.len();
    text.push_str(match ends {
        0 => " |-\n",
        1 => " |\n",
        _ => " |+\n",
    });
    for line in body.split('\n') {
        if !line.is_empty() {
            spaces(indent, text);
            text.push_str(line);
        }
        text.push('\n');
    }
    text.extend(std::iter::repeat_n('\n', ends.saturating_sub(1)));
}

fn quoted(inner: &str, text: &mut String) {
    text.push('"');
    for c in inner.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            c if is_printable(c) => text.push(c),
            // All that is not printable stands in the first 65,536 characters.
            c => write!(text, "\\u{:04x}", u32::from(c)).expect("a text takes what is written to it"),
        }
    }
    text.push('"');
}

fn spaces(count: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', count));
}
