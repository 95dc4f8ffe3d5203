//! Functions of a workflow: code and statements with parameters that its code blocks call as `functions.<name>`.
//!
//! They travel with the code that calls them and run in its process; what they call counts as called by that code.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Language, MAX_SOURCE_BYTES, WorkflowDocument, mentions};
use crate::query::ResourceQuery;
use crate::{Fault, Name};

/// Functions that one workflow may have.
pub const MAX_FUNCTIONS: usize = 50;
/// Parameters that one function may have.
const MAX_PARAMETERS: usize = 20;
/// Bytes of the sources of all functions together: they travel with the code that calls them.
const MAX_SOURCES_BYTES: usize = 512 * 1024;
/// What code calls them by.
pub(super) const FUNCTIONS: &str = "functions";
/// Names that code in a function has already.
const BOUND: [&str; 3] = [FUNCTIONS, "inputs", "require"];

/// One function. It sees its parameters, and nothing of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[allow(clippy::large_enum_variant, reason = "a document has few of them")]
pub enum Function {
    /// Runs code, called from blocks of its language alone; its value is what the code returns.
    Code(CodeFunction),
    /// Runs a statement, called from any language; its value is `{rows, columns, ...}`.
    Query(QueryFunction),
}

/// A function in a language of code blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CodeFunction {
    /// The names under which the source sees what it is called with, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Name>,
    /// The language.
    pub language: Language,
    /// The source: a function's body, `return` gives the value.
    pub source: String,
}

/// A function that runs a statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct QueryFunction {
    /// The names that the statement binds as `{{ name }}`, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Name>,
    /// The statement and where it runs.
    #[serde(flatten)]
    pub query: ResourceQuery,
}

impl Function {
    /// The names of what it is called with.
    pub fn parameters(&self) -> &[Name] {
        match self {
            Self::Code(function) => &function.parameters,
            Self::Query(function) => &function.parameters,
        }
    }

    /// Its statement, if it is one.
    pub fn query(&self) -> Option<&ResourceQuery> {
        match self {
            Self::Code(_) => None,
            Self::Query(function) => Some(&function.query),
        }
    }

    fn source(&self) -> &str {
        match self {
            Self::Code(function) => &function.source,
            Self::Query(_) => "",
        }
    }

    fn is_known_to(&self, language: Language) -> bool {
        match self {
            Self::Code(function) => function.language == language,
            Self::Query(_) => true,
        }
    }
}

impl WorkflowDocument {
    /// The query that code of the workflow means by a name: one of its queries, or a function that is one.
    pub fn query_named(&self, name: &str) -> Option<&ResourceQuery> {
        self.queries.get(name).or_else(|| self.functions.get(name)?.query())
    }

    /// The queries that its code may run.
    pub fn queries_of_code(&self) -> impl Iterator<Item = &ResourceQuery> {
        self.queries.values().chain(self.functions.values().filter_map(Function::query))
    }

    /// The functions that a source may call, and those that they may call. Where it is not plain which ones a source means (it takes
    /// them by a computed name), all that its language knows.
    pub fn functions_of(&self, language: Language, source: &str) -> BTreeMap<&Name, &Function> {
        let (mut found, mut pending) = (BTreeMap::new(), vec![source]);
        while let Some(source) = pending.pop() {
            if !mentions(source, FUNCTIONS) {
                continue;
            }
            let takes_any = takes_any(source);
            let is_meant = |name: &Name| takes_any || mentions(source, name.as_str());
            // More than that are no document that can be saved.
            let functions = self.functions.iter().take(MAX_FUNCTIONS);
            let known = functions.filter(|(_, function)| function.is_known_to(language));
            for (name, function) in known.filter(|(name, _)| is_meant(name)) {
                if found.insert(name, function).is_none() {
                    pending.push(function.source());
                }
            }
        }
        found
    }
}

/// Whether `functions` stands in a source without a name after it, as in `functions[name]`.
fn takes_any(source: &str) -> bool {
    source.match_indices(FUNCTIONS).any(|(at, _)| {
        let rest = source[at + FUNCTIONS.len()..].trim_start();
        let member = rest.strip_prefix("?.").or_else(|| rest.strip_prefix('.')).map(str::trim_start);
        !member.is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
    })
}

pub(super) fn faults(document: &WorkflowDocument, faults: &mut Vec<Fault>) {
    let functions = &document.functions;
    if functions.len() > MAX_FUNCTIONS {
        faults.push(Fault::new("functions", format!("{} functions; the most is {MAX_FUNCTIONS}", functions.len())));
        return;
    }
    let bytes: usize = functions.values().map(|function| function.source().len()).sum();
    if bytes > MAX_SOURCES_BYTES {
        let message = format!("the sources take {bytes} bytes together; the most is {MAX_SOURCES_BYTES}");
        faults.push(Fault::new("functions", message));
    }
    for (name, function) in functions {
        let path = format!("functions.{name}");
        if BOUND.contains(&name.as_str()) {
            faults.push(Fault::new(&path, format!("`{name}` is a word that code has already: choose another name")));
        }
        if document.queries.contains_key(name) {
            faults.push(Fault::new(&path, "a query has this name already: choose another"));
        }
        parameters(function.parameters(), &path, faults);
        match function {
            Function::Code(code) if code.source.len() > MAX_SOURCE_BYTES => {
                faults.push(Fault::new(format!("{path}.source"), format!("is longer than {MAX_SOURCE_BYTES} bytes")));
            }
            Function::Code(_) => {}
            Function::Query(function) => statement(function, &path, faults),
        }
    }
}

fn parameters(parameters: &[Name], path: &str, faults: &mut Vec<Fault>) {
    if parameters.len() > MAX_PARAMETERS {
        let message = format!("{} parameters; the most is {MAX_PARAMETERS}", parameters.len());
        faults.push(Fault::new(format!("{path}.parameters"), message));
    }
    let mut seen = BTreeSet::new();
    for (index, parameter) in parameters.iter().enumerate() {
        let place = || format!("{path}.parameters.{index}");
        if BOUND.contains(&parameter.as_str()) {
            faults.push(Fault::new(place(), format!("`{parameter}` is a word that code has already: choose another")));
        }
        if !seen.insert(parameter) {
            faults.push(Fault::new(place(), format!("`{parameter}` is there twice")));
        }
    }
}

/// Nobody evaluates expressions in the middle of code: what a statement binds are the values that it was called with.
fn statement(function: &QueryFunction, path: &str, faults: &mut Vec<Fault>) {
    faults.extend(function.query.validate(path));
    let is_unknown = |expression: &String| !function.parameters.iter().any(|one| one.as_str() == expression);
    let key = function.query.written_in();
    for expression in function.query.expressions().unwrap_or_default().into_iter().filter(is_unknown) {
        let message = format!(
            "{{{{ {expression} }}}} is no parameter of the function: a statement binds parameters as they are, so add one, and give it \
             the value where the function is called"
        );
        faults.push(Fault::new(format!("{path}.{key}"), message));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document(functions: Value) -> WorkflowDocument {
        let document = json!({
            "format": 1, "title": "Functions", "start": "only",
            "blocks": { "only": { "type": "code", "language": "python", "source": "" } },
            "queries": { "load": { "resource": "tables", "statement": "select 1" } },
            "functions": functions,
        });
        serde_json::from_value(document).expect("parses")
    }

    fn some() -> WorkflowDocument {
        document(json!({
            "lookup": { "type": "query", "parameters": ["id"], "resource": "tables", "statement": "select {{ id }}" },
            "gross": { "type": "code", "parameters": ["net"], "language": "javascript", "source": "return net * (await functions.rate())" },
            "rate": { "type": "code", "language": "javascript", "source": "return 1.19" },
            "initials": { "type": "code", "parameters": ["name"], "language": "python", "source": "return name[0]" },
        }))
    }

    #[test]
    fn sound_functions_have_no_faults() {
        assert_eq!(some().validate(), []);
    }

    #[test]
    fn code_is_given_the_functions_that_it_may_call_and_those_they_call() {
        let document = some();
        let names = |language, source: &str| {
            let found = document.functions_of(language, source);
            found.keys().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        for (language, source, found) in [
            (Language::Javascript, "return gross", ""),
            (Language::Javascript, "return await functions.gross({ net: 1 })", "gross rate"),
            (Language::Javascript, "const { lookup } = functions", "gross lookup rate"),
            (Language::Javascript, "functions[kind]({})", "gross lookup rate"),
            (Language::Javascript, "myfunctions[kind]({})", ""),
            (Language::Python, "functions.initials(name='a')", "initials"),
            (Language::Python, "functions.lookup(id=1)", "lookup"),
            (Language::Python, "functions.gross(net=1)", ""),
            (Language::Python, "getattr(functions, kind)()", "initials lookup"),
        ] {
            assert_eq!(names(language, source), found, "{source}");
        }
    }

    #[test]
    fn each_fault_has_its_place() {
        let code =
            |parameters: Value| json!({ "type": "code", "parameters": parameters, "language": "python", "source": "" });
        let query = |statement: &str| json!({ "type": "query", "parameters": ["id"], "resource": "tables", "statement": statement });
        for (function, fault) in [
            (code(json!(["a", "b", "a"])), "functions.f.parameters.2: `a` is there twice"),
            (code(json!(["functions"])), "functions.f.parameters.0: `functions` is a word"),
            (
                code(json!((0..21).map(|n| format!("p{n}")).collect::<Vec<_>>())),
                "functions.f.parameters: 21 parameters",
            ),
            (query("select {{ id.x }}"), "functions.f.statement: {{ id.x }} is no parameter"),
            (query("select '{{ id }}'"), "functions.f.statement: {{ id }} stands inside quotes"),
            (query(" "), "functions.f.statement: the statement is empty"),
        ] {
            let faults: Vec<String> =
                document(json!({ "f": function })).validate().iter().map(ToString::to_string).collect();
            assert!(faults.iter().any(|found| found.starts_with(fault)), "{fault}: {faults:?}");
        }
        let taken = document(json!({ "load": code(json!([])) })).validate();
        assert_eq!(taken[0].to_string(), "functions.load: a query has this name already: choose another");
        let source = "x".repeat(MAX_SOURCE_BYTES);
        let large: BTreeMap<String, Value> = (0..3)
            .map(|n| (format!("f{n}"), json!({ "type": "code", "language": "python", "source": source })))
            .collect();
        assert!(document(json!(large)).validate()[0].message.contains("together"));
        let many: BTreeMap<String, Value> = (0..51).map(|n| (format!("f{n}"), code(json!([])))).collect();
        assert_eq!(document(json!(many)).validate()[0].to_string(), "functions: 51 functions; the most is 50");
    }

    #[test]
    fn a_word_of_either_language_names_no_function() {
        let parsed = serde_json::from_value::<BTreeMap<Name, Function>>(json!({
            "return": { "type": "code", "language": "python", "source": "" },
        }));
        assert!(parsed.expect_err("refused").to_string().contains("reserved word"));
    }
}
