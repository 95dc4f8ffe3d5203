//! A statement of n8n's as one with bindings.
//!
//! n8n puts values into the text, or binds `$1`. Here each value is bound, so quotes around one are taken away, and a text around
//! one is joined to it.

use bulkhead_model::sql;
use serde_json::Value;

use crate::text::Writer;

/// How a database writes a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// `$1`.
    Numbered,
    /// `?`, each the next one.
    Question,
}

/// The statement with its bindings, or why there is none. `values` are expressions for the parameters.
pub(super) fn statement(text: &str, values: &[String], mark: Mark, writer: &mut Writer<'_>) -> Result<String, String> {
    let template =
        if let Some(text) = text.strip_prefix('=') { writer.pieces_of(text) } else { vec![Ok(text.to_owned())] };
    let mut out = Out { text: String::new(), is_quoted: false, eats_quote: false, next: 0 };
    for piece in template {
        match piece {
            Ok(text) => out.text(&text, values, mark),
            Err(js) => out.value(&js),
        }
    }
    sql::compile(&out.text, sql::Dialect::Postgresql)
        .map_err(|error| format!("Its statement cannot be bound: {error}."))?;
    Ok(out.text)
}

/// A statement under way.
struct Out {
    text: String,
    is_quoted: bool,
    /// The quote that closes a text which was nothing but a value is left out.
    eats_quote: bool,
    next: usize,
}

impl Out {
    fn text(&mut self, text: &str, values: &[String], mark: Mark) {
        let mut chars = text.chars().peekable();
        if std::mem::take(&mut self.eats_quote) {
            if chars.peek() == Some(&'\'') {
                chars.next();
                self.is_quoted = false;
            } else {
                self.text.push_str(" || '");
            }
        }
        while let Some(c) = chars.next() {
            if c == '\'' {
                self.is_quoted = !self.is_quoted;
            }
            if self.is_quoted || values.is_empty() {
                self.text.push(c);
                continue;
            }
            match (c, mark) {
                ('$', Mark::Numbered) => {
                    let mut digits = String::new();
                    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                        digits.push(digit);
                    }
                    let value = digits.parse::<usize>().ok().and_then(|number| values.get(number.wrapping_sub(1)));
                    match value {
                        Some(value) => self.text.push_str(&format!("{{{{ {value} }}}}")),
                        None => self.text.push_str(&format!("${digits}")),
                    }
                }
                ('?', Mark::Question) => {
                    let value = values.get(self.next).map_or("null", String::as_str);
                    self.text.push_str(&format!("{{{{ {value} }}}}"));
                    self.next += 1;
                }
                _ => self.text.push(c),
            }
        }
    }

    fn value(&mut self, js: &str) {
        if std::mem::take(&mut self.eats_quote) {
            self.text.push_str(" || ");
        } else if self.is_quoted {
            // Right behind the quote there is no text to be joined.
            match self.text.strip_suffix('\'').map(str::len) {
                Some(length) => self.text.truncate(length),
                None => self.text.push_str("' || "),
            }
        }
        self.text.push_str(&format!("{{{{ {js} }}}}"));
        self.eats_quote = self.is_quoted;
    }
}

/// Expressions for the parameters of a statement: a list, or values between commas.
pub(super) fn parameters(value: &Value, writer: &mut Writer<'_>) -> Vec<String> {
    let text = match value {
        Value::String(text) => text.as_str(),
        Value::Array(values) => return values.iter().map(|value| writer.expression(value)).collect(),
        _ => return Vec::new(),
    };
    let source = text.strip_prefix('=').unwrap_or(text);
    let pieces = if text.starts_with('=') { writer.pieces_of(source) } else { vec![Ok(source.to_owned())] };
    if let [Err(js)] = pieces.as_slice() {
        // A list that is written out, or one value.
        let list = js.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        return match list {
            Some(list) => at_commas(list),
            None => vec![js.clone()],
        };
    }
    let mut values: Vec<String> = vec![String::new()];
    for piece in pieces {
        match piece {
            Err(js) => values.last_mut().into_iter().for_each(|last| last.push_str(&js)),
            Ok(text) => {
                for (number, part) in text.split(',').enumerate() {
                    if number > 0 {
                        values.push(String::new());
                    }
                    if !part.trim().is_empty() {
                        let literal = crate::expressions::literal(part.trim());
                        values.last_mut().into_iter().for_each(|last| last.push_str(&literal));
                    }
                }
            }
        }
    }
    values.into_iter().map(|value| if value.is_empty() { "null".to_owned() } else { value }).collect()
}

/// The parts of a JavaScript list, cut at the commas that no bracket encloses.
fn at_commas(list: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let (mut from, mut at) = (0, 0);
    while at < list.len() {
        let c = list[at..].chars().next().unwrap_or(' ');
        let skipped = match c {
            '(' | '[' | '{' => crate::scan::after_bracket(list, at),
            '`' => crate::scan::after_template(list, at),
            _ => crate::scan::after_opaque(list, at, false),
        };
        if c == ',' {
            parts.push(list[from..at].trim().to_owned());
            from = at + 1;
        }
        at = skipped.filter(|end| *end > at && *end <= list.len()).unwrap_or(at + c.len_utf8());
    }
    parts.push(list[from..].trim().to_owned());
    parts.retain(|part| !part.is_empty());
    parts
}
