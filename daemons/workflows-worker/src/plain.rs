//! Expressions that only choose and arrange values need no sandbox: `load.rows[0].id`, `({ n: step1, ok: true })`.
//!
//! Nothing is executed here: an expression is read as such a choice, or not at all, and then it is evaluated in the sandbox like any
//! other. So is one whose value JavaScript might see otherwise: what is missing, numbers that it would round, keys with a meaning of their
//! own, values that a limit might refuse.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

/// The longest expression that is read, in bytes.
const MAX_EXPRESSION: usize = 4096;
/// How deep an expression may nest.
const MAX_DEPTH: usize = 16;
/// The largest value, in bytes of JSON: far from every limit of the sandbox.
const MAX_VALUE: usize = 64 * 1024;
/// The integers that JavaScript has exactly.
const MAX_INTEGER: u64 = 1 << 53;

/// Words that are no names of values.
const WORDS: [&str; 8] = ["undefined", "NaN", "Infinity", "this", "new", "typeof", "await", "void"];

/// Whether an expression may be a choice, at the first look: it calls nothing and has no sign of anything else.
pub(crate) fn may_be(expression: &str) -> bool {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "._$[](){}:,'\" \t\n-".contains(c);
    let mut before = ' ';
    for sign in expression.chars().filter(|c| !c.is_whitespace()) {
        let calls = sign == '(' && (before.is_alphanumeric() || ")]_$".contains(before));
        if calls || !is_fine(sign) {
            return false;
        }
        before = sign;
    }
    expression.len() <= MAX_EXPRESSION
}

/// The values of expressions, by their keys; none if one of them is more than a choice.
pub(crate) fn values<'a>(
    expressions: &BTreeMap<String, String>,
    known: &dyn Fn(&str) -> Option<&'a Value>,
) -> Option<Map<String, Value>> {
    let mut left = MAX_VALUE;
    let mut values = Map::new();
    for (key, expression) in expressions {
        let value = value(expression, known)?;
        left = left.checked_sub(size_within(&value, left)?)?;
        values.insert(key.clone(), value);
    }
    Some(values)
}

fn value<'a>(expression: &str, known: &dyn Fn(&str) -> Option<&'a Value>) -> Option<Value> {
    if expression.len() > MAX_EXPRESSION {
        return None;
    }
    let mut reader = Reader { rest: expression, known };
    let value = reader.value(0)?;
    reader.space();
    if reader.rest.is_empty() { owned(value) } else { None }
}

/// A copy of what was chosen. Results can be large: only what is left of them after all choices is copied.
fn owned(value: Cow<'_, Value>) -> Option<Value> {
    match value {
        Cow::Borrowed(value) => size_within(value, MAX_VALUE).map(|_| value.clone()),
        Cow::Owned(value) => Some(value),
    }
}

/// The size of a value that JavaScript hands back as it was given, if it has at most so many bytes.
fn size_within(value: &Value, limit: usize) -> Option<usize> {
    let size = match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(number) => is_exact(number).then_some(24)?,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => {
            let mut size = 2;
            for item in items {
                size += 1 + size_within(item, limit.checked_sub(size)?)?;
            }
            size
        }
        Value::Object(entries) => {
            let mut size = 2;
            for (key, entry) in entries {
                is_plain_key(key).then_some(())?;
                size += key.len() + 4 + size_within(entry, limit.checked_sub(size)?)?;
            }
            size
        }
    };
    (size <= limit).then_some(size)
}

/// Whether a number is the same after it was one of JavaScript's: an integer that it has, or a fraction, which is a double already.
fn is_exact(number: &Number) -> bool {
    match (number.as_i64(), number.as_f64()) {
        (Some(integer), _) => integer.unsigned_abs() <= MAX_INTEGER,
        (None, Some(double)) => double.is_finite() && double.fract() != 0.0,
        (None, None) => false,
    }
}

/// Whether a key has no meaning of its own: numbers come first in JavaScript's objects, and some names are every object's.
fn is_plain_key(key: &str) -> bool {
    key != "__proto__" && !key.starts_with(|c: char| c.is_ascii_digit())
}

struct Reader<'e, 'a> {
    rest: &'e str,
    known: &'e dyn Fn(&str) -> Option<&'a Value>,
}

impl<'e, 'a> Reader<'e, 'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes a sign, if it is the next one.
    fn takes(&mut self, sign: char) -> bool {
        self.space();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Cow<'a, Value>> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.space();
        let first = self.rest.chars().next()?;
        match first {
            // An object in the place of a statement would be a block: only in brackets, or within another value, it is one.
            '{' if depth > 0 => self.object(depth).map(Cow::Owned),
            '[' => self.array(depth).map(Cow::Owned),
            '(' => {
                self.takes('(');
                let value = self.value(depth + 1)?;
                self.takes(')').then_some(())?;
                self.chosen_of(value)
            }
            '\'' | '"' => self.text().map(|text| Cow::Owned(text.into())),
            '0'..='9' | '-' => self.number().map(|number| Cow::Owned(number.into())),
            _ => self.choice(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.takes('{');
        let mut entries = Map::new();
        while !self.takes('}') {
            self.space();
            let is_quoted = self.rest.starts_with(['\'', '"']);
            let key = if is_quoted { self.text()? } else { self.name()?.to_owned() };
            is_plain_key(&key).then_some(())?;
            let value = if self.takes(':') {
                owned(self.value(depth + 1)?)?
            } else {
                // `{ load }` is `{ load: load }`.
                (!is_quoted).then_some(())?;
                owned(self.known_as(&key)?)?
            };
            entries.insert(key, value);
            if !self.takes(',') {
                return self.takes('}').then_some(Value::Object(entries));
            }
        }
        Some(Value::Object(entries))
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.takes('[');
        let mut items = Vec::new();
        while !self.takes(']') {
            items.push(owned(self.value(depth + 1)?)?);
            if !self.takes(',') {
                return self.takes(']').then_some(Value::Array(items));
            }
        }
        Some(Value::Array(items))
    }

    /// A text without escapes.
    fn text(&mut self) -> Option<String> {
        let quote = self.rest.chars().next()?;
        let (text, rest) = self.rest[1..].split_once(quote)?;
        if text.contains(['\\', '\n', '\r', '\u{2028}', '\u{2029}']) {
            return None;
        }
        self.rest = rest;
        Some(text.to_owned())
    }

    /// An integer as JSON has it; `-0` and the like are left to JavaScript.
    fn number(&mut self) -> Option<i64> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
        let sign = usize::from(self.rest.starts_with('-'));
        let digits = self.rest[sign..].find(|c| !is_part(c)).unwrap_or(self.rest.len() - sign);
        let (text, rest) = self.rest.split_at(sign + digits);
        let number: i64 = text.parse().ok()?;
        (number.to_string() == text).then_some(())?;
        self.rest = rest;
        Some(number)
    }

    /// A name and what is chosen of its value.
    fn choice(&mut self) -> Option<Cow<'a, Value>> {
        let value = match self.name()? {
            "null" => return Some(Cow::Owned(Value::Null)),
            "true" => return Some(Cow::Owned(Value::Bool(true))),
            "false" => return Some(Cow::Owned(Value::Bool(false))),
            name => self.known_as(name)?,
        };
        self.chosen_of(value)
    }

    /// What members and indices choose of a value, one after the other.
    fn chosen_of(&mut self, mut value: Cow<'a, Value>) -> Option<Cow<'a, Value>> {
        loop {
            value = if self.takes('.') {
                let key = self.name()?;
                member(value, key)?
            } else if self.takes('[') {
                self.space();
                let chosen = if self.rest.starts_with(['\'', '"']) {
                    let key = self.text()?;
                    member(value, &key)?
                } else {
                    item(value, usize::try_from(self.number()?).ok()?)?
                };
                self.takes(']').then_some(chosen)?
            } else {
                return Some(value);
            };
        }
    }

    fn known_as(&self, name: &str) -> Option<Cow<'a, Value>> {
        if WORDS.contains(&name) { None } else { (self.known)(name).map(Cow::Borrowed) }
    }

    /// A name, of letters, digits, `_` and `$`.
    fn name(&mut self) -> Option<&'e str> {
        self.space();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.rest = rest;
        Some(name)
    }
}

/// What an object has under a key, or how long a list is. What is not there is left to JavaScript, which may have a word of its own for
/// it.
fn member<'a>(value: Cow<'a, Value>, key: &str) -> Option<Cow<'a, Value>> {
    match value {
        Cow::Borrowed(Value::Object(entries)) if is_plain_key(key) => entries.get(key).map(Cow::Borrowed),
        Cow::Owned(Value::Object(mut entries)) if is_plain_key(key) => entries.remove(key).map(Cow::Owned),
        value if key == "length" => value.as_array().map(|items| Cow::Owned(items.len().into())),
        _ => None,
    }
}

/// What a list has at a place.
fn item(value: Cow<'_, Value>, index: usize) -> Option<Cow<'_, Value>> {
    match value {
        Cow::Borrowed(value) => value.as_array()?.get(index).map(Cow::Borrowed),
        Cow::Owned(Value::Array(mut items)) if index < items.len() => Some(Cow::Owned(items.swap_remove(index))),
        Cow::Owned(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(expression: &str) -> Option<Value> {
        let bound = json!({
            "load": { "rows": [{ "id": 7, "name": "Ann" }, { "id": 8 }], "odd": { "a b": 1, "7": 2, "__proto__": 3 } },
            "small": { "n": 1 },
            "big": { "n": 9_007_199_254_740_993_u64, "half": 0.5, "zero": -0.0, "long": "x".repeat(MAX_VALUE) },
        });
        value(expression, &|name| bound.get(name)).filter(|value| size_within(value, MAX_VALUE).is_some())
    }

    #[test]
    fn choices_are_read() {
        assert!(may_be("({ n: load.rows[0].id })") && !may_be("JSON.stringify (load)") && !may_be("a + b"));
        for (expression, value) in [
            ("load.rows[0].name", json!("Ann")),
            (" load . rows [ 1 ] [ 'id' ] ", json!(8)),
            ("load.rows.length", json!(2)),
            ("load.odd['a b']", json!(1)),
            (
                "({ n: load.rows[0].id, ok: true, 'a b': [null, -3, \"x\"] })",
                json!({ "n": 7, "ok": true, "a b": [null, -3, "x"] }),
            ),
            ("[load.rows[0], { big: big.half, }, ]", json!([{ "id": 7, "name": "Ann" }, { "big": 0.5 }])),
            ("({ small, n: (small).n })", json!({ "small": { "n": 1 }, "n": 1 })),
            ("((load.rows))[1].id", json!(8)),
            ("({})", json!({})),
            ("((40))", json!(40)),
            ("'done'", json!("done")),
        ] {
            assert_eq!(of(expression), Some(value), "{expression}");
        }
    }

    #[test]
    fn the_rest_is_left_to_javascript() {
        for expression in [
            "load.rows.map(row => row.id)",
            "load.rows[0].id + 1",
            "load.missing",
            "load.rows[2]",
            "load.rows[0].name.length",
            "load.rows['length'] > 0",
            "load?.rows",
            "nothing",
            "undefined",
            "big.n",
            "big.zero",
            "big.long",
            "load.odd",
            "load.odd['7']",
            "({ __proto__: 1 })",
            "({ 1: 2 })",
            "({ 'load' })",
            "{ a: 1 }",
            "'it\\'s'",
            "`text`",
            "1.5",
            "-0",
            "007",
            "1e3",
            "0x10",
            "- 1",
            "[1, , 2]",
            "load.rows // the rows",
            "load rows",
            "(load.rows",
            "",
            "load.rows.constructor",
            "load.toString",
        ] {
            assert_eq!(of(expression), None, "{expression}");
        }
        assert_eq!(of(&format!("{}1{}", "(".repeat(100), ")".repeat(100))), None);
        assert_eq!(of(&format!("[{}]", "1,".repeat(5000))), None);
    }
}
