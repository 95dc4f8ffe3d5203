//! Rows as lines of CSV, as RFC 4180 has them, made of the objects that kinds write.
//!
//! A value is its JSON, but for two: null is nothing, and a text is itself. A text without characters is `""`, which tells it from null. In
//! a column of JSON a text keeps its quotes: it is a document.

use crate::answer::Columns;
use crate::json::after_string;

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: &[u8] = b"=+-@\t\r";

/// How the values of each column are written.
pub(super) struct Lines {
    /// Whether they are JSON documents.
    is_json: Vec<bool>,
    for_spreadsheets: bool,
}

impl Lines {
    pub(super) fn of(columns: &Columns, for_spreadsheets: bool) -> Self {
        let is_json = |name: &str| matches!(name.to_ascii_lowercase().as_str(), "json" | "jsonb");
        Self { is_json: columns.iter().map(|column| is_json(&column.type_name)).collect(), for_spreadsheets }
    }

    /// The line of names.
    pub(super) fn head(&self, columns: &Columns, out: &mut Vec<u8>) {
        if self.for_spreadsheets {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        for (index, column) in columns.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.text(column.name.as_bytes(), out);
        }
        out.extend_from_slice(b"\r\n");
    }

    /// The line of one row, which is an object with the columns in their order.
    pub(super) fn row(&self, object: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        let mut at = 1;
        let mut column = 0;
        while object.get(at) == Some(&b'"') {
            // Behind the name and its colon.
            at = after_string(object, at) + 1;
            let end = end_of_value(object, at);
            if column > 0 {
                out.push(b',');
            }
            self.value(object[at..end].trim_ascii(), self.is_json.get(column) == Some(&true), out);
            column += 1;
            // Behind the comma.
            at = end + 1;
        }
        if column == 1 && out.len() == start {
            // Readers pass by a line without anything in it.
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(b"\r\n");
    }

    fn value(&self, value: &[u8], is_json: bool, out: &mut Vec<u8>) {
        match value {
            b"null" => {}
            [b'"', inside @ .., b'"'] if !is_json => {
                if !inside.contains(&b'\\') {
                    return self.text(inside, out);
                }
                match serde_json::from_slice::<String>(value) {
                    Ok(text) => self.text(text.as_bytes(), out),
                    // An escape that stands for no character stays as it is.
                    Err(_) => self.text(inside, out),
                }
            }
            other => field(other, b"", out),
        }
    }

    fn text(&self, text: &[u8], out: &mut Vec<u8>) {
        let is_formula = self.for_spreadsheets
            && text.first().is_some_and(|first| FORMULA.contains(first))
            && !std::str::from_utf8(text).is_ok_and(|text| text.parse::<f64>().is_ok());
        field(text, if is_formula { b"'" } else { b"" }, out);
        if text.is_empty() {
            out.extend_from_slice(b"\"\"");
        }
    }
}

/// Appends a field, in quotes where it needs them.
fn field(text: &[u8], before: &[u8], out: &mut Vec<u8>) {
    let needs_quotes = text.iter().any(|byte| matches!(byte, b'"' | b',' | b'\r' | b'\n'));
    // PostgreSQL's COPY takes a line of `\.` for the end.
    if !needs_quotes && text != b"\\." {
        out.extend_from_slice(before);
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    out.extend_from_slice(before);
    for part in text.split_inclusive(|byte| *byte == b'"') {
        out.extend_from_slice(part);
        if part.ends_with(b"\"") {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

/// Where the value that begins at `start` has ended.
fn end_of_value(object: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = object.get(at) {
        match byte {
            b'"' => {
                at = after_string(object, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => depth -= 1,
            b',' | b'}' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    object.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(types: &[&str]) -> Columns {
        let mut columns = Columns::default();
        types.iter().for_each(|type_name| columns.add("a", type_name));
        columns
    }

    fn line(types: &[&str], for_spreadsheets: bool, object: &str) -> String {
        let mut out = Vec::new();
        Lines::of(&columns(types), for_spreadsheets).row(object.as_bytes(), &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn every_value_keeps_what_it_is() {
        let types = ["int4", "numeric", "text", "text", "bool", "text", "int4[]", "jsonb", "json"];
        let object = r#"{"a":1,"b":"12345678901234567890.10","c":null,"d":"","e":true,"f":"a,\"b\"\r\nc","g":[1,null],"h":"x","i": {"k, \"": "}"} }"#;
        let wanted = "1,12345678901234567890.10,,\"\",true,\"a,\"\"b\"\"\r\nc\",\"[1,null]\",\"\"\"x\"\"\",\"{\"\"k, \\\"\"\"\": \"\"}\"\"}\"\r\n";
        assert_eq!(line(&types, false, object), wanted);
    }

    #[test]
    fn a_row_of_one_column_is_never_an_empty_line() {
        assert_eq!(line(&["text"], false, r#"{"a":null}"#), "\"\"\r\n");
        assert_eq!(line(&["text"], false, r#"{"a":""}"#), "\"\"\r\n");
        assert_eq!(line(&["text"], false, r#"{"a":"\\."}"#), "\"\\.\"\r\n");
        assert_eq!(line(&["text", "text"], false, r#"{"a":null,"a_2":null}"#), ",\r\n");
    }

    #[test]
    fn a_spreadsheet_runs_nothing() {
        for (value, wanted) in [
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("-12345678901234567890.10", "-12345678901234567890.10"),
            ("+1", "+1"),
            ("-", "'-"),
            ("=\\\"a\\\",b", "\"'=\"\"a\"\",b\""),
            ("\\t=1", "'\t=1"),
            ("a=1", "a=1"),
        ] {
            let object = format!(r#"{{"a":"{value}"}}"#);
            assert_eq!(line(&["text"], true, &object), format!("{wanted}\r\n"));
        }
        assert_eq!(line(&["int4"], true, r#"{"a":-5}"#), "-5\r\n");
        assert_eq!(line(&["text"], false, r#"{"a":"=1+1"}"#), "=1+1\r\n");
        let mut head = Vec::new();
        Lines::of(&columns(&["int4"]), true).head(&columns(&["int4"]), &mut head);
        assert_eq!(head, "\u{feff}a\r\n".as_bytes());
    }

    /// A reader of CSV as RFC 4180 has it: what is in quotes, and what is not.
    fn read(text: &str) -> Vec<(bool, String)> {
        let (mut fields, mut rest) = (Vec::new(), text.strip_suffix("\r\n").expect("a line's end"));
        loop {
            let mut value = String::new();
            let is_quoted = rest.starts_with('"');
            if is_quoted {
                rest = &rest[1..];
                loop {
                    let (part, after) = rest.split_once('"').expect("a closing quote");
                    value.push_str(part);
                    let Some(more) = after.strip_prefix('"') else {
                        rest = after;
                        break;
                    };
                    value.push('"');
                    rest = more;
                }
            } else {
                let end = rest.find(',').unwrap_or(rest.len());
                value.push_str(&rest[..end]);
                rest = &rest[end..];
            }
            fields.push((is_quoted, value));
            match rest.strip_prefix(',') {
                Some(after) => rest = after,
                None => return fields,
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_texts_read_back_as_they_were(texts in proptest::collection::vec(proptest::option::of("(?s).{0,12}"), 2..5)) {
            let object = texts.iter().map(|text| format!("\"k\":{}", serde_json::to_string(text).expect("JSON"))).collect::<Vec<_>>();
            let types = vec!["text"; texts.len()];
            let fields = read(&line(&types, false, &format!("{{{}}}", object.join(","))));
            let wanted: Vec<_> = texts.iter().map(|text| text.clone().unwrap_or_default()).collect();
            let texts_read: Vec<_> = fields.iter().map(|(_, text)| text.clone()).collect();
            proptest::prop_assert_eq!(texts_read, wanted);
            for (text, (is_quoted, _)) in texts.iter().zip(&fields) {
                proptest::prop_assert!(text.is_some() || !is_quoted, "null is nothing");
                proptest::prop_assert!(text.as_deref() != Some("") || *is_quoted, "an empty text is no null");
            }
        }
    }
}
