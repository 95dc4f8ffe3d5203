//! What is written becomes BSON, and bindings become values in it.
//!
//! A value never becomes an operator: an object in it whose key begins with `$` is refused, unless it is one of the forms that a single
//! value of a type has, such as `{"$oid": "..."}`. In expressions of pipelines, where a text such as `$price` names a field, a value that
//! holds one is wrapped in `$literal`. In a pattern (`$regex`, `$regexMatch`, `$regularExpression`) it stands for itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Decimal128, Document, Regex, Timestamp, doc};
use bulkhead_model::binding::{Part, Template};
use bulkhead_model::operation::{FillError, TextTemplate, Values};
use serde_json::{Map, Value};

use crate::error::QueryError;

/// What texts and objects mean where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Conditions: a filter, `$match`.
    Query,
    /// Stages and expressions: a text that begins with `$` names a field.
    Expression,
    /// Documents, and what `$set` and the like are given.
    Document,
}

/// A document with its values.
pub(super) fn document(written: &Value, values: &Values, place: Place) -> Result<Document, QueryError> {
    match written {
        Value::Null => Ok(Document::new()),
        _ => match filled(written, values, place)? {
            Bson::Document(document) => Ok(document),
            _ => Err(QueryError::Invalid("a list or a plain value stands where an object is wanted".to_owned())),
        },
    }
}

/// What is written, with its values.
pub(super) fn filled(written: &Value, values: &Values, place: Place) -> Result<Bson, QueryError> {
    match written {
        Value::String(text) if text.contains("{{") => text_with_values(text, values, place),
        Value::Array(items) => {
            Ok(Bson::Array(items.iter().map(|item| filled(item, values, place)).collect::<Result<_, _>>()?))
        }
        Value::Object(fields) => object_with_values(fields, values, place),
        scalar => scalar_of(scalar).map_err(QueryError::Invalid),
    }
}

fn text_with_values(text: &str, values: &Values, place: Place) -> Result<Bson, QueryError> {
    let template = Template::parse(text).map_err(FillError::from)?;
    if let [Part::Expression(expression)] = *template.parts.as_slice() {
        let value = values.get(expression).ok_or_else(|| FillError::Missing(expression.to_owned()))?;
        let bound = plain(value).map_err(|problem| QueryError::Field { field: expression.to_owned(), problem })?;
        return Ok(if place == Place::Expression && names_a_field(&bound) {
            doc! { "$literal": bound }.into()
        } else {
            bound
        });
    }
    let filled = Bson::String(TextTemplate(text.to_owned()).fill(values)?);
    Ok(if place == Place::Expression && names_a_field(&filled) { doc! { "$literal": filled }.into() } else { filled })
}

/// Whether a value would not stand for itself in an expression.
fn names_a_field(value: &Bson) -> bool {
    match value {
        Bson::String(text) => text.starts_with('$'),
        Bson::Array(items) => items.iter().any(names_a_field),
        Bson::Document(_) => true,
        _ => false,
    }
}

fn object_with_values(fields: &Map<String, Value>, values: &Values, place: Place) -> Result<Bson, QueryError> {
    if is_typed(fields) {
        let mut inner = Map::new();
        for (key, value) in fields {
            let value = match (key.as_str(), value) {
                ("$regularExpression", Value::Object(parts)) => regex_within(parts, values)?,
                _ => text_within(value, values)?,
            };
            inner.insert(key.clone(), value);
        }
        let value = typed(&inner).unwrap_or(Err("is of no known type".to_owned()));
        return value.map_err(|problem| QueryError::Invalid(format!("a value {problem}")));
    }
    let mut document = Document::new();
    for (key, value) in fields {
        let inner = match (key.as_str(), place, value) {
            ("$regex", _, Value::String(pattern)) if place != Place::Document => {
                Bson::String(TextTemplate(pattern.clone()).fill_escaped(values, in_pattern)?)
            }
            ("$regexMatch" | "$regexFind" | "$regexFindAll", Place::Expression, Value::Object(parts)) => {
                matched(parts, values)?
            }
            ("$sort" | "sortBy", Place::Expression, Value::Array(order)) => ordered(order, values)?,
            ("$expr", Place::Query, _) => filled(value, values, Place::Expression)?,
            ("$match", Place::Expression, _) => filled(value, values, Place::Query)?,
            ("$literal", Place::Expression, _) => filled(value, values, Place::Document)?,
            _ => filled(value, values, place)?,
        };
        document.insert(key, inner);
    }
    Ok(document.into())
}

/// What `$regexMatch` and the like are given: in the pattern a value stands for itself.
fn matched(parts: &Map<String, Value>, values: &Values) -> Result<Bson, QueryError> {
    let mut document = Document::new();
    for (key, value) in parts {
        let inner = match (key.as_str(), value) {
            ("regex", Value::String(pattern)) if pattern.contains("{{") => {
                let pattern = Bson::String(TextTemplate(pattern.clone()).fill_escaped(values, in_pattern)?);
                if names_a_field(&pattern) { doc! { "$literal": pattern }.into() } else { pattern }
            }
            _ => filled(value, values, Place::Expression)?,
        };
        document.insert(key, inner);
    }
    Ok(document.into())
}

/// `{"pattern": "^{{ start }}", "options": "i"}`: the same.
fn regex_within(parts: &Map<String, Value>, values: &Values) -> Result<Value, FillError> {
    let part = |(key, value): (&String, &Value)| {
        let value = match (key.as_str(), value) {
            ("pattern", Value::String(pattern)) => {
                Value::String(TextTemplate(pattern.clone()).fill_escaped(values, in_pattern)?)
            }
            _ => text_within(value, values)?,
        };
        Ok((key.clone(), value))
    };
    Ok(Value::Object(parts.iter().map(part).collect::<Result<_, FillError>>()?))
}

/// `[{"a": 1}, {"b": -1}]`: a document keeps the order of its keys, and JSON does not.
fn ordered(order: &[Value], values: &Values) -> Result<Bson, QueryError> {
    let mut document = Document::new();
    for part in order {
        document.extend(self::document(part, values, Place::Expression)?);
    }
    Ok(document.into())
}

/// Within the form of a type only texts are filled in.
fn text_within(value: &Value, values: &Values) -> Result<Value, FillError> {
    Ok(match value {
        Value::String(text) => Value::String(TextTemplate(text.clone()).fill(values)?),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, inner)| Ok((key.clone(), text_within(inner, values)?)));
            Value::Object(fields.collect::<Result<_, FillError>>()?)
        }
        plain => plain.clone(),
    })
}

/// A value that comes from outside: any JSON, in which the forms of types are values of that type and no other key may begin with `$`.
pub(super) fn plain(value: &Value) -> Result<Bson, String> {
    match value {
        Value::Array(items) => Ok(Bson::Array(items.iter().map(plain).collect::<Result<_, _>>()?)),
        Value::Object(fields) if is_typed(fields) && !fields.contains_key("$regularExpression") => {
            typed(fields).unwrap_or_else(|| Err("is of no known type".to_owned()))
        }
        Value::Object(fields) => {
            let mut document = Document::new();
            for (key, inner) in fields {
                if key.starts_with('$') {
                    return Err(
                        "holds an object whose key begins with $, which would be an operator and no value".to_owned()
                    );
                }
                if key.contains('\0') {
                    return Err("holds a key with a NUL character".to_owned());
                }
                document.insert(key, plain(inner)?);
            }
            Ok(document.into())
        }
        scalar => scalar_of(scalar),
    }
}

fn scalar_of(value: &Value) -> Result<Bson, String> {
    Ok(match value {
        Value::Bool(truth) => Bson::Boolean(*truth),
        Value::String(text) => Bson::String(text.clone()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => i32::try_from(whole).map_or(Bson::Int64(whole), Bson::Int32),
            (None, Some(double)) if number.is_f64() => Bson::Double(double),
            _ => {
                return Err(
                    "is a whole number of more than 64 bits: write it as {\"$numberDecimal\": \"...\"}".to_owned()
                );
            }
        },
        _ => Bson::Null,
    })
}

/// Whether an object is the form of a single value: one key that names a type.
fn is_typed(fields: &Map<String, Value>) -> bool {
    const TYPES: &[&str] = &[
        "$oid",
        "$date",
        "$numberInt",
        "$numberLong",
        "$numberDouble",
        "$numberDecimal",
        "$uuid",
        "$binary",
        "$timestamp",
        "$regularExpression",
        "$minKey",
        "$maxKey",
    ];
    fields.len() == 1 && fields.keys().all(|key| TYPES.contains(&key.as_str()))
}

fn typed(fields: &Map<String, Value>) -> Option<Result<Bson, String>> {
    let (name, value) = fields.iter().next()?;
    let text = value.as_str();
    let wrong = |like: &str| format!("of {name} must be {like}");
    let parsed = match name.as_str() {
        "$oid" => text
            .and_then(|text| ObjectId::parse_str(text).ok())
            .map(Bson::ObjectId)
            .ok_or(wrong("24 hexadecimal digits")),
        "$numberInt" => {
            text.and_then(|text| text.parse().ok()).map(Bson::Int32).ok_or(wrong("a whole number of 32 bits, as text"))
        }
        "$numberLong" => {
            text.and_then(|text| text.parse().ok()).map(Bson::Int64).ok_or(wrong("a whole number of 64 bits, as text"))
        }
        "$numberDouble" => text.and_then(|text| text.parse().ok()).map(Bson::Double).ok_or(wrong("a number, as text")),
        "$numberDecimal" => text
            .and_then(|text| text.parse::<Decimal128>().ok())
            .map(Bson::Decimal128)
            .ok_or(wrong("a decimal number of 34 digits at most, as text")),
        "$uuid" => text
            .and_then(|text| uuid::Uuid::parse_str(text).ok())
            .map(|uuid| Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes: uuid.as_bytes().to_vec() }))
            .ok_or(wrong("a UUID")),
        "$date" => date(value)
            .map(Bson::DateTime)
            .ok_or(wrong("a time such as 2026-01-31T12:00:00Z, or milliseconds since 1970")),
        "$binary" => binary(value).map(Bson::Binary).ok_or(wrong("{\"base64\": \"...\", \"subType\": \"00\"}")),
        "$timestamp" => timestamp(value).map(Bson::Timestamp).ok_or(wrong("{\"t\": 1, \"i\": 1}")),
        "$regularExpression" => regex(value).ok_or(wrong("{\"pattern\": \"...\", \"options\": \"\"}")),
        "$minKey" => Ok(Bson::MinKey),
        "$maxKey" => Ok(Bson::MaxKey),
        _ => return None,
    };
    Some(parsed)
}

fn date(value: &Value) -> Option<DateTime> {
    let millis = |text: &str| text.parse().ok().map(DateTime::from_millis);
    match value {
        Value::String(text) => DateTime::parse_rfc3339_str(text).ok().or_else(|| millis(text)),
        Value::Number(number) => number.as_i64().map(DateTime::from_millis),
        Value::Object(fields) => fields.get("$numberLong").and_then(Value::as_str).and_then(millis),
        _ => None,
    }
}

fn binary(value: &Value) -> Option<Binary> {
    let bytes = STANDARD.decode(value["base64"].as_str()?).ok()?;
    let subtype = value.get("subType").map_or(Some("00"), Value::as_str)?;
    Some(Binary { subtype: u8::from_str_radix(subtype, 16).ok()?.into(), bytes })
}

fn timestamp(value: &Value) -> Option<Timestamp> {
    let part = |name: &str| value[name].as_u64().and_then(|part| u32::try_from(part).ok());
    Some(Timestamp { time: part("t")?, increment: part("i")? })
}

fn regex(value: &Value) -> Option<Bson> {
    let options = value.get("options").map_or(Some(""), Value::as_str)?;
    let pattern = value["pattern"].as_str()?.to_owned().try_into().ok()?;
    Some(Bson::RegularExpression(Regex { pattern, options: options.to_owned().try_into().ok()? }))
}

/// A value in a pattern: each character stands for itself.
fn in_pattern(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if character.is_ascii() && !character.is_ascii_alphanumeric() && character != '_' {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A whole number that may be a binding: of documents to give, or to pass by.
pub(super) fn count(written: &Value, values: &Values, field: &str) -> Result<Option<i64>, QueryError> {
    let number = match filled(written, values, Place::Document)? {
        Bson::Null => return Ok(None),
        Bson::Int32(number) => i64::from(number),
        Bson::Int64(number) => number,
        Bson::Double(number) if number.fract() == 0.0 && number.abs() < 9e15 => number as i64,
        _ => -1,
    };
    if number < 0 {
        let problem = "must be a whole number, 0 or more".to_owned();
        return Err(QueryError::Field { field: field.to_owned(), problem });
    }
    Ok(Some(number))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fill(written: Value, values: Value, place: Place) -> Result<Bson, QueryError> {
        filled(&written, &serde_json::from_value(values).expect("values"), place)
    }

    #[test]
    fn a_value_is_no_operator_wherever_it_stands() {
        for hostile in [
            json!({ "$gt": "" }),
            json!({ "$ne": null }),
            json!([{ "$gt": "" }]),
            json!({ "a": { "$where": "1" } }),
            json!({ "$regularExpression": { "pattern": ".*", "options": "" } }),
            json!({ "$oid": "65f0a1b2c3d4e5f601020304", "$gt": "" }),
            json!({ "$oid": { "$gt": "" } }),
            json!({ "$code": "1" }),
        ] {
            for place in [Place::Query, Place::Expression, Place::Document] {
                for written in [
                    json!({ "password": "{{ x }}" }),
                    json!({ "a": { "$in": ["{{ x }}"] } }),
                    json!({ "_id": { "$oid": "{{ x }}" } }),
                ] {
                    let refused = fill(written.clone(), json!({ "x": hostile }), place);
                    let message = refused.expect_err("refused").to_string();
                    assert!(!message.contains("65f0"), "{message}");
                }
            }
        }
        // An object without operators is a value: it is compared as a whole.
        let kept = fill(json!({ "a": "{{ x }}" }), json!({ "x": { "b": 1 } }), Place::Query).expect("a value");
        assert_eq!(kept, doc! { "a": { "b": 1 } }.into());
    }

    #[test]
    fn a_value_in_a_pattern_stands_for_itself() {
        let fill = |written: Value, place: Place| fill(written, json!({ "x": ".*$" }), place).expect("values");
        let pattern = Regex {
            pattern: "^\\.\\*\\$$".to_owned().try_into().expect("a pattern"),
            options: "i".to_owned().try_into().expect("options"),
        };
        let typed = json!({ "name": { "$regularExpression": { "pattern": "^{{ x }}$", "options": "i" } } });
        assert_eq!(fill(typed, Place::Query), doc! { "name": pattern }.into());
        let find = json!({ "$regexFind": { "input": "$name", "regex": "^{{ x }}$", "options": "i" } });
        let expected = doc! { "$regexFind": { "input": "$name", "regex": "^\\.\\*\\$$", "options": "i" } };
        assert_eq!(fill(find, Place::Expression), expected.into());
        // A field of that name is none.
        let project = json!({ "$project": { "regex": "{{ x }}" } });
        assert_eq!(fill(project, Place::Expression), doc! { "$project": { "regex": ".*$" } }.into());
    }

    #[test]
    fn values_have_their_types() {
        let written = json!({ "_id": { "$oid": "{{ id }}" }, "n": "{{ n }}", "l": "{{ l }}", "at": { "$date": "{{ at }}" }, "row": "{{ row }}", "t": "a{{ n }}" });
        let values = json!({ "id": "65f0a1b2c3d4e5f601020304", "n": 7, "l": 5_000_000_000_i64, "at": "2026-01-31T12:00:00Z",
            "row": { "$oid": "65f0a1b2c3d4e5f601020304" } });
        let id = ObjectId::parse_str("65f0a1b2c3d4e5f601020304").expect("an id");
        let expected = doc! { "_id": id, "at": DateTime::from_millis(1_769_860_800_000), "l": 5_000_000_000_i64, "n": 7, "row": id, "t": "a7" };
        assert_eq!(fill(written, values, Place::Query).expect("values"), expected.into());
        assert!(fill(json!({ "a": "{{ x }}" }), json!({ "x": u64::MAX }), Place::Query).is_err());
        assert!(fill(json!({ "a": "{{ x }}" }), json!({}), Place::Query).is_err());
    }

    #[test]
    fn a_text_of_an_expression_names_no_field_and_a_pattern_is_what_it_shows() {
        let fill = |written: Value, x: Value, place: Place| fill(written, json!({ "x": x }), place).expect("values");
        let project =
            json!([{ "$match": { "name": "{{ x }}" } }, { "$project": { "label": "{{ x }}", "own": "$name" } }]);
        assert_eq!(
            fill(project, json!("$password"), Place::Expression),
            Bson::Array(vec![
                doc! { "$match": { "name": "$password" } }.into(),
                doc! { "$project": { "label": { "$literal": "$password" }, "own": "$name" } }.into(),
            ])
        );
        let compare = json!({ "$expr": { "$in": ["$a", "{{ x }}"] } });
        assert_eq!(
            fill(compare.clone(), json!(["$b"]), Place::Query),
            doc! { "$expr": { "$in": ["$a", { "$literal": ["$b"] }] } }.into()
        );
        assert_eq!(fill(compare, json!([1]), Place::Query), doc! { "$expr": { "$in": ["$a", [1]] } }.into());
        assert_eq!(
            fill(json!({ "$a": "$p{{ x }}" }), json!("q"), Place::Expression),
            doc! { "$a": { "$literal": "$pq" } }.into()
        );
        assert_eq!(
            fill(json!({ "n": { "$regex": "^{{ x }}" } }), json!("a.*("), Place::Query),
            doc! { "n": { "$regex": "^a\\.\\*\\(" } }.into()
        );
        let sort = json!([{ "$sort": [{ "b": -1 }, { "a": 1 }] }]);
        assert_eq!(
            fill(sort, json!(1), Place::Expression),
            Bson::Array(vec![doc! { "$sort": { "b": -1, "a": 1 } }.into()])
        );
        let set = json!({ "$set": { "label": "{{ x }}" } });
        assert_eq!(fill(set, json!("$5"), Place::Document), doc! { "$set": { "label": "$5" } }.into());
    }
}
