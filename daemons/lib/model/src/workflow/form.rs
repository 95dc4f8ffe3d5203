//! The form of an approval: what a person fills in when they decide, and whether it is filled in well.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{Fault, Name};

/// Fields of one form.
pub const MAX_FORM_FIELDS: usize = 50;
/// Options of one field.
const MAX_OPTIONS: usize = 100;
/// The longest label or option, in characters.
const MAX_LABEL: usize = 200;
/// The longest text that somebody fills in, in characters.
const MAX_ANSWER: usize = 10_000;

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FormField {
    /// What the answer is called in the block's result: `form.<name>`.
    pub name: Name,
    /// What the person reads; the name when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// What is filled in.
    #[serde(rename = "type")]
    pub kind: FieldKind,
    /// Whether nobody approves without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// What can be chosen, where the type is `choice`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// What stands in it at the start.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub default: Value,
}

/// What is filled into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    /// A text of up to 10000 characters.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// One of the options.
    Choice,
    /// A day, such as `2026-05-01`.
    Date,
}

impl FormField {
    /// Why a value cannot stand in this field; null can stand in any.
    fn refusal(&self, value: &Value) -> Option<String> {
        let is_fine = match (self.kind, value) {
            (_, Value::Null) => true,
            (FieldKind::Text, Value::String(text)) => text.chars().count() <= MAX_ANSWER && !text.contains('\0'),
            (FieldKind::Number, Value::Number(number)) => number.as_f64().is_some_and(f64::is_finite),
            (FieldKind::Boolean, Value::Bool(_)) => true,
            (FieldKind::Choice, Value::String(text)) => self.options.contains(text),
            (FieldKind::Date, Value::String(text)) => is_day(text),
            _ => false,
        };
        let wanted = match self.kind {
            FieldKind::Text => format!("must be a text of at most {MAX_ANSWER} characters"),
            FieldKind::Number => "must be a number".to_owned(),
            FieldKind::Boolean => "must be true or false".to_owned(),
            FieldKind::Choice => {
                let options: Vec<String> = self.options.iter().map(|option| format!("`{option}`")).collect();
                format!("must be one of {}", options.join(", "))
            }
            FieldKind::Date => "must be a day such as 2026-05-01".to_owned(),
        };
        (!is_fine).then_some(wanted)
    }
}

/// Whether a text is a day of the calendar, written as `YYYY-MM-DD`.
fn is_day(text: &str) -> bool {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    text.len() == 10 && time::Date::parse(text, format).is_ok()
}

/// The faults of a form's own fields.
pub(super) fn faults(fields: &[FormField], path: &str, faults: &mut Vec<Fault>) {
    let mut fault = |key: String, message: String| faults.push(Fault::new(format!("{path}{key}"), message));
    if fields.len() > MAX_FORM_FIELDS {
        fault(String::new(), format!("has {} fields; the most is {MAX_FORM_FIELDS}", fields.len()));
        return;
    }
    let mut names = BTreeSet::new();
    for (number, field) in fields.iter().enumerate() {
        if !names.insert(&field.name) {
            fault(format!(".{number}.name"), format!("another field is called `{}` already", field.name));
        }
        if field.label.chars().count() > MAX_LABEL {
            fault(format!(".{number}.label"), format!("is longer than {MAX_LABEL} characters"));
        }
        if field.kind == FieldKind::Choice {
            if !(1..=MAX_OPTIONS).contains(&field.options.len()) {
                let count = field.options.len();
                fault(format!(".{number}.options"), format!("has {count} options and must have 1 to {MAX_OPTIONS}"));
            }
        } else if !field.options.is_empty() {
            fault(format!(".{number}.options"), "belong to a field of the type `choice` alone: remove them".to_owned());
        }
        let mut options = BTreeSet::new();
        for (place, option) in field.options.iter().enumerate().take(MAX_OPTIONS) {
            let key = format!(".{number}.options.{place}");
            if option.trim().is_empty() || option.chars().count() > MAX_LABEL || option.contains('\0') {
                fault(key, format!("must have 1 to {MAX_LABEL} characters"));
            } else if !options.insert(option) {
                fault(key, format!("`{option}` is there twice"));
            }
        }
        if let Some(refusal) = field.refusal(&field.default) {
            fault(format!(".{number}.default"), refusal);
        }
    }
}

/// The answers of somebody who decides, with a value for every field: what was not given is the field's default, what was left empty is
/// null. Only who approves must have filled in what is required.
pub fn form_answers(
    fields: &[FormField],
    given: &Map<String, Value>,
    is_approved: bool,
) -> Result<Map<String, Value>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut answers = Map::new();
    for field in fields {
        let value = given.get(field.name.as_str()).unwrap_or(&field.default);
        let is_empty = value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
        let path = format!("form.{}", field.name);
        if is_empty && field.required && is_approved {
            faults.push(Fault::new(path, "must be filled in"));
            continue;
        }
        // A choice or a date that was left empty is none.
        let value = if is_empty && field.kind != FieldKind::Text { &Value::Null } else { value };
        if let Some(refusal) = field.refusal(value) {
            faults.push(Fault::new(path, refusal));
        }
        answers.insert(field.name.to_string(), value.clone());
    }
    let known: BTreeSet<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    if let Some(unknown) = given.keys().find(|name| !known.contains(name.as_str())) {
        let unknown: String = unknown.chars().take(80).collect();
        faults.push(Fault::new("form", format!("has no field `{unknown}`: load the question again")));
    }
    if faults.is_empty() { Ok(answers) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields() -> Vec<FormField> {
        serde_json::from_value(json!([
            { "name": "amount", "label": "Amount", "type": "number", "required": true },
            { "name": "reason", "type": "choice", "options": ["damaged", "late"], "default": "late" },
            { "name": "day", "type": "date" },
            { "name": "urgent", "type": "boolean", "default": false },
            { "name": "note", "type": "text" },
        ]))
        .expect("fields")
    }

    fn answers(given: Value, is_approved: bool) -> Result<Value, Vec<String>> {
        form_answers(&fields(), given.as_object().expect("an object"), is_approved)
            .map(Value::Object)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_not_given_is_the_default_and_what_is_empty_is_null() {
        let expected = json!({ "amount": 3, "reason": "late", "day": null, "urgent": false, "note": null });
        assert_eq!(answers(json!({ "amount": 3 }), true), Ok(expected));
        let emptied = answers(json!({ "amount": 3, "reason": null, "day": "", "note": "" }), true).expect("fine");
        assert_eq!((&emptied["reason"], &emptied["day"], &emptied["note"]), (&Value::Null, &Value::Null, &json!("")));
    }

    #[test]
    fn each_wrong_answer_is_named_with_what_is_wanted() {
        let refused = answers(
            json!({ "amount": "3", "reason": "other", "day": "2026-02-30", "urgent": 1, "note": "\0", "more": 1 }),
            true,
        );
        assert_eq!(
            refused.expect_err("refused"),
            [
                "form.amount: must be a number",
                "form.reason: must be one of `damaged`, `late`",
                "form.day: must be a day such as 2026-05-01",
                "form.urgent: must be true or false",
                "form.note: must be a text of at most 10000 characters",
                "form: has no field `more`: load the question again",
            ]
        );
        assert_eq!(answers(json!({}), true), Err(vec!["form.amount: must be filled in".to_owned()]));
        assert!(answers(json!({}), false).is_ok(), "who rejects need not fill in a form");
    }

    #[test]
    fn a_fault_of_a_field_has_its_place() {
        let form: Vec<FormField> = serde_json::from_value(json!([
            { "name": "a", "type": "choice" },
            { "name": "a", "type": "text", "options": ["x"], "default": 1 },
            { "name": "b", "type": "choice", "options": ["x", "x", " "], "default": "y" },
        ]))
        .expect("fields");
        let mut found = Vec::new();
        faults(&form, "blocks.ask.form", &mut found);
        let paths: Vec<&str> = found.iter().map(|fault| fault.path.as_str()).collect();
        let expected = ["0.options", "1.name", "1.options", "1.default", "2.options.1", "2.options.2", "2.default"];
        assert_eq!(paths, expected.map(|key| format!("blocks.ask.form.{key}")));
    }
}
