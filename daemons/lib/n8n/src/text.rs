//! n8n's settings as our texts with `{{ }}`, as expressions and as bodies.
//!
//! A setting that begins with `=` is a text with expressions in `{{ }}`, any other one is itself.

use bulkhead_model::binding::{Part, Template};
use serde_json::Value;

use crate::expressions::{Items, literal, translate};
use crate::report::{Level, quoted};

/// Problems of one node that are named.
const MAX_PROBLEMS: usize = 50;

/// Translates settings and keeps what was wrong with them.
pub(crate) struct Writer<'a> {
    items: &'a dyn Items,
    /// What is not quite the same, or not there, with the expression's text.
    pub(crate) problems: Vec<(Level, String)>,
}

/// A piece of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Expression(&'a str),
}

impl<'a> Writer<'a> {
    /// A writer for expressions that ask `items`.
    pub(crate) fn new(items: &'a dyn Items) -> Self {
        Self { items, problems: Vec::new() }
    }

    /// Something else that the person should know.
    pub(crate) fn problem(&mut self, level: Level, message: impl Into<String>) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push((level, message.into()));
        }
    }

    /// An expression's translation.
    pub(crate) fn translated(&mut self, source: &str) -> String {
        let translated = translate(source, self.items);
        for (level, message) in translated.problems {
            self.problem(level, format!("`{{{{ {} }}}}`: {message}.", quoted(source)));
        }
        translated.js
    }

    /// A setting as an expression.
    pub(crate) fn expression(&mut self, value: &Value) -> String {
        match value {
            Value::String(text) => self.expression_of(text),
            Value::Null => "null".to_owned(),
            Value::Array(values) => {
                let values: Vec<String> = values.iter().map(|value| self.expression(value)).collect();
                format!("[{}]", values.join(", "))
            }
            Value::Object(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(key, value)| format!("{}: {}", literal(key), self.expression(value))).collect();
                format!("({{ {} }})", fields.join(", "))
            }
            other => other.to_string(),
        }
    }

    fn expression_of(&mut self, text: &str) -> String {
        let Some(text) = text.strip_prefix('=') else { return literal(text) };
        let pieces = pieces(text);
        match pieces.as_slice() {
            [] => literal(""),
            [Piece::Expression(source)] => self.translated(source),
            [Piece::Text(text)] => literal(text),
            pieces => {
                let mut out = String::from("`");
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => out.push_str(&in_template(text, true)),
                        Piece::Expression(source) => out.push_str(&interpolated(&self.translated(source))),
                    }
                }
                out.push('`');
                out
            }
        }
    }

    /// A setting as a text with `{{ }}`.
    pub(crate) fn template(&mut self, value: &Value) -> String {
        let text = match value {
            Value::String(text) => text.as_str(),
            Value::Null => return String::new(),
            other => return other.to_string(),
        };
        let Some(text) = text.strip_prefix('=') else { return without_bindings(text) };
        let mut out = String::new();
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => out.push_str(&without_bindings(text)),
                Piece::Expression(source) => out.push_str(&format!("{{{{ {} }}}}", self.translated(source))),
            }
        }
        out
    }

    /// A text cut at its expressions: a piece of text, or as an error an expression's translation.
    pub(crate) fn pieces_of(&mut self, text: &str) -> Vec<Result<String, String>> {
        let of_piece = |piece| match piece {
            Piece::Text(text) => Ok(text.to_owned()),
            Piece::Expression(source) => Err(self.translated(source)),
        };
        pieces(text).into_iter().map(of_piece).collect()
    }

    /// A setting that is a text of JSON, or an object, as an expression.
    pub(crate) fn json(&mut self, value: &Value) -> String {
        let Value::String(text) = value else { return self.expression(value) };
        let Some(source) = text.strip_prefix('=') else {
            return match serde_json::from_str::<Value>(text) {
                Ok(Value::Object(_)) => format!("({})", text.trim()),
                Ok(_) => text.trim().to_owned(),
                Err(_) => literal(text),
            };
        };
        let pieces = pieces(source.trim());
        if let [Piece::Expression(only)] = pieces.as_slice() {
            let js = self.translated(only);
            return without_stringify(&js).to_owned();
        }
        match self.json_of(&pieces) {
            Some(js) => js,
            None => {
                self.problem(
                    Level::Changed,
                    "Its JSON does not read as JSON around the expressions: it is put together as a text.",
                );
                format!("JSON.parse({})", self.expression_of(text))
            }
        }
    }

    /// JSON with expressions in it, in texts and in the place of values; none if it is no JSON without them.
    fn json_of(&mut self, pieces: &[Piece<'_>]) -> Option<String> {
        let (mut out, mut skeleton) = (String::new(), String::new());
        // The text that is open, as a template literal, and whether it has expressions.
        let mut open: Option<(String, bool)> = None;
        for piece in pieces {
            match (piece, &mut open) {
                (Piece::Expression(source), Some((text, has_expressions))) => {
                    text.push_str(&interpolated(&self.translated(source)));
                    *has_expressions = true;
                }
                (Piece::Expression(source), None) => {
                    let js = self.translated(source);
                    let js = without_stringify(&js);
                    out.push_str(&if is_chain(js) { js.to_owned() } else { format!("({js})") });
                    skeleton.push_str("null");
                }
                (Piece::Text(text), _) => {
                    skeleton.push_str(text);
                    json_text(text, &mut open, &mut out);
                }
            }
        }
        let skeleton: Value = serde_json::from_str(&skeleton).ok()?;
        let out = out.trim();
        open.is_none().then(|| if skeleton.is_object() { format!("({out})") } else { out.to_owned() })
    }
}

/// Copies a piece of JSON; a text with expressions becomes a template literal, so it is kept apart until it ends.
fn json_text(piece: &str, open: &mut Option<(String, bool)>, out: &mut String) {
    let mut chars = piece.chars();
    while let Some(c) = chars.next() {
        match open {
            None if c == '"' => *open = Some((String::new(), false)),
            None => out.push(c),
            Some((text, has_expressions)) if c == '"' => {
                out.push_str(&if *has_expressions {
                    format!("`{}`", text)
                } else {
                    format!("\"{}\"", text.replace("\\`", "`").replace("\\$", "$"))
                });
                *open = None;
            }
            Some((text, _)) if c == '\\' => {
                text.push('\\');
                text.extend(chars.next());
            }
            Some((text, _)) => text.push_str(&in_template(c.encode_utf8(&mut [0; 4]), false)),
        }
    }
}

/// What a text is within a template literal.
fn in_template(text: &str, escape: bool) -> String {
    let text = if escape { text.replace('\\', "\\\\") } else { text.to_owned() };
    text.replace('`', "\\`").replace('$', "\\$")
}

/// An expression within a template literal: what is missing is nothing there.
fn interpolated(js: &str) -> String {
    if is_chain(js) { format!("${{{js} ?? ''}}") } else { format!("${{{js}}}") }
}

/// Whether an expression is a name with fields behind it, so that an operator may follow.
fn is_chain(js: &str) -> bool {
    js.chars().all(|c| c.is_ascii_alphanumeric() || "_$.?[]\"'-".contains(c)) && !js.contains('-')
}

/// The value of which an expression makes JSON, as it is put into JSON again.
fn without_stringify(js: &str) -> &str {
    let Some(open) = js.strip_prefix("JSON.stringify") else { return js };
    match crate::scan::after_bracket(open, 0) {
        Some(end) if end == open.len() && !open[1..end - 1].contains(',') => open[1..end - 1].trim(),
        _ => js,
    }
}

/// A text in which no `{{` opens a binding.
fn without_bindings(text: &str) -> String {
    text.replace("{{", "{{ '{{' }}")
}

/// A text cut at its expressions.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    if let Ok(template) = Template::parse(text) {
        return template
            .parts
            .into_iter()
            .map(|part| match part {
                Part::Text(text) => Piece::Text(text),
                Part::Expression(source) => Piece::Expression(source),
            })
            .collect();
    }
    // What is no JavaScript by its tokens is cut where the braces are.
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        let Some((inner, after)) = behind.split_once("}}") else { break };
        found.extend((!before.is_empty()).then_some(Piece::Text(before)));
        found.extend((!inner.trim().is_empty()).then_some(Piece::Expression(inner.trim())));
        rest = after;
    }
    found.extend((!rest.is_empty()).then_some(Piece::Text(rest)));
    found
}

#[cfg(test)]
mod tests;
