//! Texts and JSON documents with `{{ }}`, and their values.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{FillError, Values};
use crate::binding::{Part, Template};

/// A text with `{{ }}` in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct TextTemplate(pub String);

/// A JSON document. Each text in it may hold `{{ }}`; one that is a single binding becomes its value, whatever type that has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct JsonTemplate(pub Value);

impl TextTemplate {
    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with its values. Null is nothing.
    pub fn fill(&self, values: &Values) -> Result<String, FillError> {
        self.fill_escaped(values, str::to_owned)
    }

    /// The text with its values, each escaped for where it stands. What was written stays as it is.
    pub fn fill_escaped(&self, values: &Values, escape: impl Fn(&str) -> String) -> Result<String, FillError> {
        let mut text = String::new();
        for part in Template::parse(&self.0)?.parts {
            match part {
                Part::Text(piece) => text.push_str(piece),
                Part::Expression(expression) => text.push_str(&escape(&text_of(expression, values)?)),
            }
        }
        Ok(text)
    }

    /// The text with its values, escaped; but a text that is a single binding becomes its value as it is: the whole was meant.
    pub fn fill_parts(&self, values: &Values, escape: impl Fn(&str) -> String) -> Result<String, FillError> {
        match *Template::parse(&self.0)?.parts.as_slice() {
            [Part::Expression(_)] => self.fill(values),
            _ => self.fill_escaped(values, escape),
        }
    }

    /// The value, for a text that is a single binding; else the text with its values.
    pub fn fill_value(&self, values: &Values) -> Result<Value, FillError> {
        match *Template::parse(&self.0)?.parts.as_slice() {
            [Part::Expression(expression)] => value_of(expression, values).cloned(),
            _ => self.fill(values).map(Value::String),
        }
    }
}

impl JsonTemplate {
    /// Whether nothing is written.
    pub fn is_null(&self) -> bool {
        self.0.is_null()
    }

    /// The document with its values.
    pub fn fill(&self, values: &Values) -> Result<Value, FillError> {
        filled(&self.0, values)
    }
}

impl From<&str> for TextTemplate {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

fn filled(document: &Value, values: &Values) -> Result<Value, FillError> {
    Ok(match document {
        Value::String(text) if text.contains("{{") => TextTemplate(text.clone()).fill_value(values)?,
        Value::Array(items) => Value::Array(items.iter().map(|item| filled(item, values)).collect::<Result<_, _>>()?),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, item)| Ok((key.clone(), filled(item, values)?)));
            Value::Object(fields.collect::<Result<_, FillError>>()?)
        }
        plain => plain.clone(),
    })
}

fn value_of<'a>(expression: &str, values: &'a Values) -> Result<&'a Value, FillError> {
    values.get(expression).ok_or_else(|| FillError::Missing(expression.to_owned()))
}

fn text_of(expression: &str, values: &Values) -> Result<String, FillError> {
    match value_of(expression, values)? {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(_) | Value::Object(_) => Err(FillError::NoText(expression.to_owned())),
    }
}

/// How deep a document nests: 0 for what is no list and no object.
pub(super) fn depth(document: &Value) -> usize {
    match document {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn values() -> Values {
        serde_json::from_value(json!({ "id": 7, "name": "a/b & c", "list": [1, null], "nothing": null })).unwrap()
    }

    #[test]
    fn a_single_binding_keeps_its_type() {
        let template =
            JsonTemplate(json!({ "id": "{{ id }}", "tags": ["{{list}}", "x{{ id }}"], "none": "{{ nothing }}" }));
        let filled = template.fill(&values()).unwrap();
        assert_eq!(filled, json!({ "id": 7, "tags": [[1, null], "x7"], "none": null }));
    }

    #[test]
    fn values_are_escaped_and_what_is_written_is_not() {
        let template = TextTemplate::from("/a/{{ name }}?x={{ nothing }}");
        let escaped = template.fill_escaped(&values(), |text| text.replace(['/', ' ', '&'], "_")).unwrap();
        assert_eq!(escaped, "/a/a_b___c?x=");
    }

    #[test]
    fn a_value_that_fits_nowhere_names_its_expression() {
        let missing = TextTemplate::from("{{ other }}").fill(&values());
        assert_eq!(missing, Err(FillError::Missing("other".to_owned())));
        let list = TextTemplate::from("a{{ list }}").fill(&values());
        assert_eq!(list, Err(FillError::NoText("list".to_owned())));
    }

    #[test]
    fn depth_is_counted_from_the_outside() {
        assert_eq!((depth(&json!(1)), depth(&json!([])), depth(&json!([{ "a": [1] }]))), (0, 1, 3));
    }
}
