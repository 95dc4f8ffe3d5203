//! Looking for faults in an app's document.

use std::collections::BTreeMap;

use serde_json::Value;

use super::AppDocument;
use super::module::SELF;
use super::translation::FUNCTION;
use crate::binding::Template;
use crate::{Fault, Name};

/// Names that expressions read in every app.
const RESERVED: &[&str] = &["args", "event", "localStorage", "navigate", "notify", "state", "url", "utils"];

/// A document that is looked at, and what was found.
pub(super) struct Check<'a> {
    pub(super) document: &'a AppDocument,
    pub(super) faults: &'a mut Vec<Fault>,
    /// What has each name that expressions see: they are one space over the whole app.
    names: BTreeMap<&'a Name, String>,
}

impl<'a> Check<'a> {
    pub(super) fn new(document: &'a AppDocument, faults: &'a mut Vec<Fault>) -> Self {
        Self { document, faults, names: BTreeMap::new() }
    }

    pub(super) fn fault(&mut self, path: &str, message: impl Into<String>) {
        self.faults.push(Fault::new(path, message));
    }

    /// Takes a name for `what`, such as "a query".
    pub(super) fn name(&mut self, name: &'a Name, what: &str, path: &str) {
        if RESERVED.contains(&name.as_str()) {
            self.fault(path, format!("`{name}` is what every app has already: choose another name"));
        }
        if self.document.module.is_some() && name.as_str() == SELF {
            self.fault(path, format!("`{name}` is what every module has already: choose another name"));
        }
        if self.document.translations.is_some() && name.as_str() == FUNCTION {
            self.fault(path, format!("`{name}` reads the app's texts: choose another name"));
        }
        if let Some(other) = self.names.insert(name, what.to_owned()) {
            self.fault(path, format!("{other} already has this name"));
        }
    }
}

pub(super) fn check_template(text: &str, path: &str, faults: &mut Vec<Fault>) {
    if let Err(error) = Template::parse(text) {
        faults.push(Fault::new(path, error.to_string()));
    }
}

pub(super) fn check_value(value: &Value, path: &str, depth: usize, faults: &mut Vec<Fault>) {
    if depth > 16 {
        faults.push(Fault::new(path, "is nested deeper than 16 levels"));
        return;
    }
    match value {
        Value::String(text) => check_template(text, path, faults),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check_value(item, &format!("{path}.{index}"), depth + 1, faults);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                check_value(item, &format!("{path}.{key}"), depth + 1, faults);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
