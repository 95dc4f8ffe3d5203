//! The body that a schema describes, with a binding for each member.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::name::{identifier, unique};
use crate::reference::{Document, reference};

/// How deep a body is told; what is deeper is one binding.
const MAX_DEPTH: usize = 8;
/// Members of one body at most.
const MAX_MEMBERS: usize = 300;
/// Problems of one operation at most.
const MAX_PROBLEMS: usize = 20;

/// What is known of one operation while it is read.
pub(crate) struct Reader<'a> {
    pub(crate) document: Document<'a>,
    pub(crate) problems: Vec<String>,
    /// Names of expressions that are taken.
    names: BTreeSet<String>,
    members: usize,
    /// References that lead to where the reader is.
    within: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(document: Document<'a>) -> Self {
        Self { document, problems: Vec::new(), names: BTreeSet::new(), members: 0, within: Vec::new() }
    }

    /// Notes what was left out, once.
    pub(crate) fn problem(&mut self, problem: String) {
        if self.problems.len() < MAX_PROBLEMS && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// `{{ name }}`, with a name that no other binding of the operation has.
    pub(crate) fn binding(&mut self, name: &str) -> String {
        format!("{{{{ {} }}}}", unique(&identifier(name), &mut self.names))
    }

    /// What a schema describes, resolved; a reference that leads nowhere is a problem, and describes nothing.
    pub(crate) fn schema(&mut self, schema: &'a Value) -> &'a Value {
        self.document.resolve(schema).unwrap_or_else(|problem| {
            self.problem(problem);
            &Value::Null
        })
    }

    /// A body, as its schema describes it.
    pub(crate) fn body(&mut self, schema: &'a Value, name: &str) -> Value {
        self.value(schema, name, MAX_DEPTH)
    }

    fn value(&mut self, schema: &'a Value, name: &str, depth: usize) -> Value {
        let refers_to = reference(schema);
        if let Some(refers_to) = refers_to {
            if self.within.contains(&refers_to) {
                self.problem(format!("{refers_to} holds itself: the inner one is one binding, `{name}`"));
                return Value::String(self.binding(name));
            }
            self.within.push(refers_to);
        }
        let value = self.described(schema, name, depth);
        if refers_to.is_some() {
            self.within.pop();
        }
        value
    }

    fn described(&mut self, schema: &'a Value, name: &str, depth: usize) -> Value {
        let schema = self.schema(schema);
        if let Some(fixed) = fixed(schema) {
            return fixed;
        }
        let mut properties = Vec::new();
        self.properties(schema, depth, &mut properties);
        if properties.is_empty() || depth == 0 {
            return Value::String(self.binding(name));
        }
        let mut object = Map::new();
        for (key, member) in properties {
            if object.contains_key(key) || self.is_read_only(member) {
                continue;
            }
            self.members += 1;
            if self.members > MAX_MEMBERS {
                self.problem(format!("the body has more than {MAX_MEMBERS} members: the others were left out"));
                break;
            }
            let value = self.value(member, key, depth - 1);
            object.insert(key.clone(), value);
        }
        Value::Object(object)
    }

    /// The members that a schema has: its own, those of all that it is made of, and of the first that it may be.
    fn properties(&mut self, schema: &'a Value, depth: usize, found: &mut Vec<(&'a String, &'a Value)>) {
        if depth == 0 {
            return;
        }
        found.extend(schema["properties"].as_object().into_iter().flatten().take(MAX_MEMBERS));
        let all = schema["allOf"].as_array().into_iter().flatten().take(MAX_MEMBERS);
        let first = ["oneOf", "anyOf"].into_iter().filter_map(|key| schema[key].get(0));
        for part in all.chain(first) {
            if found.len() > MAX_MEMBERS {
                return;
            }
            let part = self.schema(part);
            self.properties(part, depth - 1, found);
        }
    }

    fn is_read_only(&self, schema: &'a Value) -> bool {
        self.document.resolve(schema).is_ok_and(|schema| schema["readOnly"] == Value::Bool(true))
    }
}

/// The one value that a schema allows, or has by default: a plain one that holds no binding.
pub(crate) fn fixed(schema: &Value) -> Option<Value> {
    let only = schema["enum"].as_array().filter(|values| values.len() == 1).and_then(|values| values.first());
    let value = schema.get("const").or(only).or_else(|| schema.get("default"))?;
    let is_plain = match value {
        Value::String(text) => !text.contains("{{") && text.len() <= 1000,
        Value::Bool(_) | Value::Number(_) => true,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    };
    is_plain.then(|| value.clone())
}
