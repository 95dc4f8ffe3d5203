//! The query library: queries that apps and workflows share, and how they are referred to.
//!
//! A query of the library binds its parameters by name, `{{ customer }}`, and what every query knows of where and for whom it runs. Who
//! refers to it says which release is meant and gives an expression for each parameter. Its resource and its mode stand with the
//! reference, too: what a reader or a guard is told there stays true, or the query is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use thiserror::Error;
use utoipa::ToSchema;

use crate::query::{QueryMode, ResourceQuery};
use crate::{Fault, Name, Slug};

/// Parameters of one query at most.
pub const MAX_PARAMETERS: usize = 50;
/// The longest expression of an argument, in bytes.
const MAX_ARGUMENT_BYTES: usize = 10_000;
/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 2000;
/// The largest default value, in bytes of JSON.
const MAX_DEFAULT_BYTES: usize = 16 * 1024;

/// A reference to a query of the library, in the place of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LibraryUse {
    /// The query's name in the library.
    pub query: Slug,
    /// The release that is meant; the latest one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// An expression for each parameter that is not to have its default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arguments: BTreeMap<Name, String>,
}

/// A query of the library, as saved and released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LibraryQuery {
    /// Version of this format: 1.
    pub format: u32,
    /// Shown in lists.
    pub title: String,
    /// What it is for, and what to know before using it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What is asked. Its `{{ }}` are names of parameters, `current_user.*` or `environment.name`.
    pub query: ResourceQuery,
    /// What whoever refers to it gives a value for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<Name, LibraryParameter>,
}

/// A parameter of a query of the library.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LibraryParameter {
    /// What it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its value where none is given, null too; one without has to be given.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub default: Option<Value>,
    /// Whether its values never appear in the audit trail.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// A member that is there, be it null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Why a reference and the query that it refers to do not fit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LibraryError {
    /// The resource is another one.
    #[error(
        "`{query}` of the library asks the resource `{found}`, and here stands `{expected}`: choose the query again"
    )]
    Resource {
        /// The query.
        query: Slug,
        /// What the reference says.
        expected: Slug,
        /// What the query says.
        found: Slug,
    },
    /// One changes something and the other says that nothing is changed, or the other way round.
    #[error("`{query}` of the library {does}, and here stands the opposite: choose the query again")]
    Mode {
        /// The query.
        query: Slug,
        /// `writes` or `only reads`.
        does: &'static str,
    },
    /// An argument for nothing.
    #[error("`{query}` of the library has no parameter `{parameter}`: remove the argument")]
    NoParameter {
        /// The query.
        query: Slug,
        /// The argument.
        parameter: Name,
    },
    /// No argument, and no default.
    #[error("`{query}` of the library needs a value for `{parameter}`: give it an argument")]
    NoArgument {
        /// The query.
        query: Slug,
        /// The parameter.
        parameter: Name,
    },
    /// It is for people, and a workflow is none.
    #[error(
        "`{query}` of the library reads {{{{ {expression} }}}}, which a workflow does not have: make it a parameter there"
    )]
    NoUser {
        /// The query.
        query: Slug,
        /// The expression.
        expression: String,
    },
}

/// Who refers to a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsedBy {
    /// An app: a person runs it.
    App,
    /// A workflow: nobody does.
    Workflow,
}

/// Whether an expression is one that the server binds itself.
fn is_bound(expression: &str) -> bool {
    expression == "environment.name" || is_of_user(expression)
}

fn is_of_user(expression: &str) -> bool {
    let of = expression.strip_prefix("current_user.");
    of.is_some_and(|member| ["id", "email", "name", "is_admin"].contains(&member))
}

impl LibraryUse {
    pub(crate) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        if self.version.is_some_and(|version| version < 1) {
            faults.push(Fault::new(format!("{path}.version"), "counts from 1; leave it out for the latest release"));
        }
        if self.arguments.len() > MAX_PARAMETERS {
            let message = format!("{} arguments; the most is {MAX_PARAMETERS}", self.arguments.len());
            faults.push(Fault::new(format!("{path}.arguments"), message));
        }
        for (name, expression) in &self.arguments {
            let path = format!("{path}.arguments.{name}");
            if expression.trim().is_empty() {
                faults.push(Fault::new(path, "is empty: write an expression, or remove the argument"));
            } else if expression.len() > MAX_ARGUMENT_BYTES {
                let message = format!("is {} bytes long; the most is {MAX_ARGUMENT_BYTES}", expression.len());
                faults.push(Fault::new(path, message));
            }
        }
    }

    /// The expressions whose values it needs, each once.
    pub fn expressions(&self) -> BTreeSet<String> {
        self.arguments.values().map(|expression| expression.trim().to_owned()).collect()
    }
}

impl LibraryQuery {
    /// All faults, each with its place.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.format != 1 {
            faults.push(Fault::new("format", "must be 1; a newer Bulkhead wrote this document"));
        }
        if self.title.trim().is_empty() || self.title.chars().count() > 120 {
            faults.push(Fault::new("title", "must have 1 to 120 characters"));
        }
        if self.description.chars().count() > MAX_DESCRIPTION {
            faults.push(Fault::new("description", format!("must have at most {MAX_DESCRIPTION} characters")));
        }
        if self.query.library.is_some() {
            faults.push(Fault::new(
                "query.library",
                "a query of the library asks a resource itself: write what is asked",
            ));
            return faults;
        }
        faults.extend(self.query.validate("query"));
        if self.parameters.len() > MAX_PARAMETERS {
            let message = format!("{} parameters; the most is {MAX_PARAMETERS}", self.parameters.len());
            faults.push(Fault::new("parameters", message));
        }
        // What cannot be cut has a fault of its own.
        let Ok(expressions) = self.query.expressions() else { return faults };
        for expression in &expressions {
            if !is_bound(expression) && !self.parameters.contains_key(expression.as_str()) {
                let message = format!(
                    "{{{{ {expression} }}}} is no parameter: add it, or bind a parameter, current_user.id, .email, .name, .is_admin or environment.name alone"
                );
                faults.push(Fault::new(format!("query.{}", self.query.written_in()), message));
            }
        }
        for (name, parameter) in &self.parameters {
            if !expressions.contains(name.as_str()) {
                let message = format!("the query does not bind {{{{ {name} }}}}: remove the parameter, or bind it");
                faults.push(Fault::new(format!("parameters.{name}"), message));
            }
            let bytes = parameter.default.as_ref().map_or(0, |value| value.to_string().len());
            if bytes > MAX_DEFAULT_BYTES {
                let message = format!("is {bytes} bytes long; the most is {MAX_DEFAULT_BYTES}");
                faults.push(Fault::new(format!("parameters.{name}.default"), message));
            }
        }
        faults
    }

    /// Why a reference to it does not fit; `place` says where in the reference.
    pub fn misfits(&self, asked: &ResourceQuery, by: UsedBy) -> Vec<(&'static str, LibraryError)> {
        let Some(LibraryUse { query, arguments, .. }) = asked.library.as_deref() else { return Vec::new() };
        let query = || query.clone();
        let mut found = Vec::new();
        if asked.resource != self.query.resource {
            let (expected, found_there) = (asked.resource.clone(), self.query.resource.clone());
            found.push(("resource", LibraryError::Resource { query: query(), expected, found: found_there }));
        }
        if asked.effect() != self.query.effect() {
            let does = if self.query.effect() == QueryMode::Write { "writes" } else { "only reads" };
            found.push(("mode", LibraryError::Mode { query: query(), does }));
        }
        let unknown = arguments.keys().filter(|name| !self.parameters.contains_key(name.as_str()));
        found.extend(
            unknown.map(|name| {
                ("library.arguments", LibraryError::NoParameter { query: query(), parameter: name.clone() })
            }),
        );
        let needed = self.parameters.iter().filter(|(_, parameter)| parameter.default.is_none());
        let missing = needed.filter(|(name, _)| !arguments.contains_key(name.as_str()));
        found.extend(missing.map(|(name, _)| {
            ("library.arguments", LibraryError::NoArgument { query: query(), parameter: name.clone() })
        }));
        if by == UsedBy::Workflow {
            let expressions = self.query.expressions().unwrap_or_default();
            let of_user = expressions.into_iter().filter(|expression| is_of_user(expression));
            found.extend(
                of_user.map(|expression| ("library.query", LibraryError::NoUser { query: query(), expression })),
            );
        }
        found
    }

    /// The same as faults of the reference at `path`.
    pub fn faults_of_use(&self, asked: &ResourceQuery, by: UsedBy, path: &str) -> Vec<Fault> {
        let misfits = self.misfits(asked, by).into_iter();
        misfits.map(|(place, error)| Fault::new(format!("{path}.{place}"), error.to_string())).collect()
    }

    /// The values of its parameters, from those of a reference's expressions by their text.
    pub fn values(
        &self,
        asked: &ResourceQuery,
        by: UsedBy,
        given: &BTreeMap<String, Value>,
    ) -> Result<BTreeMap<String, Value>, LibraryError> {
        if let Some((_, error)) = self.misfits(asked, by).into_iter().next() {
            return Err(error);
        }
        let Some(LibraryUse { query, arguments, .. }) = asked.library.as_deref() else { return Ok(BTreeMap::new()) };
        let value = |(name, parameter): (&Name, &LibraryParameter)| {
            let argument = arguments.get(name).and_then(|expression| given.get(expression.trim()));
            let value = argument.or(parameter.default.as_ref().filter(|_| !arguments.contains_key(name)));
            let value =
                value.ok_or_else(|| LibraryError::NoArgument { query: query.clone(), parameter: name.clone() })?;
            Ok((name.to_string(), value.clone()))
        };
        self.parameters.iter().map(value).collect()
    }

    /// The expressions of a reference whose values the audit trail must not have.
    pub fn hidden<'a>(&'a self, asked: &'a ResourceQuery) -> impl Iterator<Item = &'a str> {
        let arguments = asked.library.iter().flat_map(|library| &library.arguments);
        let hidden = arguments.filter(|(name, _)| self.parameters.get(*name).is_some_and(|parameter| parameter.hidden));
        hidden.map(|(_, expression)| expression.trim())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn query(statement: &str, parameters: Value) -> LibraryQuery {
        let document = json!({
            "format": 1, "title": "Orders", "query": { "resource": "shop", "statement": statement }, "parameters": parameters,
        });
        serde_json::from_value(document).expect("a query")
    }

    fn asked(more: Value) -> ResourceQuery {
        let mut query = json!({ "resource": "shop" });
        query.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        serde_json::from_value(query).expect("a query")
    }

    fn paths(faults: Vec<Fault>) -> Vec<String> {
        faults.into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn a_query_binds_its_parameters_and_nothing_else() {
        let sound = query("select {{ id }}, {{ current_user.email }}, {{ environment.name }}", json!({ "id": {} }));
        assert_eq!(sound.validate(), []);
        let other = query("select {{ table1.id }}, {{ id + 1 }}", json!({ "id": {} }));
        assert_eq!(paths(other.validate()), ["query.statement", "query.statement", "parameters.id"]);
        let mut nested = sound;
        nested.query = asked(json!({ "library": { "query": "other" } }));
        assert_eq!(paths(nested.validate()), ["query.library"]);
    }

    #[test]
    fn a_reference_gives_what_has_no_default() {
        let library =
            query("select {{ id }}, {{ since }}", json!({ "id": { "hidden": true }, "since": { "default": null } }));
        let reference = asked(json!({ "library": { "query": "orders", "arguments": { "id": " table1.id " } } }));
        assert_eq!(reference.validate("q"), []);
        assert_eq!(reference.expressions(), Ok(BTreeSet::from(["table1.id".to_owned()])));
        let given = BTreeMap::from([("table1.id".to_owned(), json!(7))]);
        let values = library.values(&reference, UsedBy::App, &given).expect("values");
        assert_eq!(json!(values), json!({ "id": 7, "since": null }));
        assert_eq!(library.hidden(&reference).collect::<Vec<_>>(), ["table1.id"]);
        assert!(
            library.values(&reference, UsedBy::App, &BTreeMap::new()).is_err(),
            "an argument without a value has no default"
        );
    }

    #[test]
    fn what_does_not_fit_is_said_with_its_place() {
        let library = query("select {{ id }}, {{ current_user.id }}", json!({ "id": {} }));
        let reference =
            json!({ "resource": "crm", "mode": "write", "library": { "query": "orders", "arguments": { "ib": "1" } } });
        let reference = asked(reference);
        let faults = paths(library.faults_of_use(&reference, UsedBy::Workflow, "q"));
        assert_eq!(faults, ["q.resource", "q.mode", "q.library.arguments", "q.library.arguments", "q.library.query"]);
        let faults = paths(library.faults_of_use(&reference, UsedBy::App, "q"));
        assert_eq!(faults.len(), 4);
        let bad = asked(
            json!({ "statement": "select 1", "library": { "query": "o", "version": 0, "arguments": { "a": " " } } }),
        );
        assert_eq!(paths(bad.validate("q")), ["q.statement", "q.library.version", "q.library.arguments.a"]);
    }
}
