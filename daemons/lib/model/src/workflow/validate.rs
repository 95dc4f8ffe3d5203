//! What must hold before a workflow is saved.

use std::collections::BTreeSet;

use super::function::{self, FUNCTIONS};
use super::{
    Block, Graph, HttpBlock, LoopBlock, MAX_BLOCKS, MAX_NESTING, MAX_RUN_SECONDS, MAX_SOURCE_BYTES, MAX_TRIGGERS, Port,
    Scope, WaitFor, WorkflowDocument,
};
use crate::binding::{Template, leading_identifier};
use crate::{Fault, Name};

/// Words that Bulkhead binds in workflows, so that no block can have them for a name.
const BOUND: [&str; 6] = ["error", FUNCTIONS, "index", "item", "run", "vars"];
/// The longest template or expression that is no code, in bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Bytes of the initial values of all variables together.
const MAX_VARIABLES_BYTES: usize = 256 * 1024;

/// Names that an expression may start with besides a block's.
const GLOBALS: &[&str] = &[
    "Array",
    "BigInt",
    "Boolean",
    "Date",
    "Infinity",
    "Intl",
    "JSON",
    "Map",
    "Math",
    "NaN",
    "Number",
    "Object",
    "RegExp",
    "Set",
    "String",
    "await",
    "decodeURIComponent",
    "environment",
    "encodeURIComponent",
    "false",
    "isFinite",
    "isNaN",
    "new",
    "null",
    "parseFloat",
    "parseInt",
    "structuredClone",
    "run",
    "secret",
    "trigger",
    "true",
    "typeof",
    "undefined",
    "vars",
    "void",
];

pub(super) fn faults(document: &WorkflowDocument) -> Vec<Fault> {
    let mut faults = Vec::new();
    if document.format != 1 {
        faults.push(Fault::new("format", "must be 1; a newer Bulkhead wrote this document"));
    }
    if document.title.trim().is_empty() || document.title.chars().count() > 120 {
        faults.push(Fault::new("title", "must have 1 to 120 characters"));
    }
    if document.blocks.len() > MAX_BLOCKS {
        faults.push(Fault::new("blocks", format!("{} blocks; the most is {MAX_BLOCKS}", document.blocks.len())));
        return faults;
    }
    if document.triggers.len() > MAX_TRIGGERS {
        faults
            .push(Fault::new("triggers", format!("{} triggers; the most is {MAX_TRIGGERS}", document.triggers.len())));
        return faults;
    }
    whole(document, &mut faults);
    edges(document, &mut faults);
    let graph = Graph::of(document);
    if let Some(block) = graph.on_cycle() {
        faults.push(Fault::new("edges", format!("block `{block}` leads back to itself: remove an edge of the cycle")));
        return faults;
    }
    for (block, (one, other)) in graph.strays() {
        let message = format!("is reached both from {} and from {}: end each body by itself", said(one), said(other));
        faults.push(Fault::new(format!("blocks.{block}"), message));
    }
    for (name, block) in &document.blocks {
        BlockCheck { document, graph: &graph, name, path: format!("blocks.{name}"), faults: &mut faults }.check(block);
    }
    faults
}

fn said(scope: &Scope<'_>) -> String {
    match scope {
        Scope::Run => "the start".to_owned(),
        Scope::OnError => "on-error".to_owned(),
        Scope::Body { owner, port } => format!("`{port}` of block `{owner}`"),
    }
}

/// What belongs to the workflow and to no block of it.
fn whole(document: &WorkflowDocument, faults: &mut Vec<Fault>) {
    for (path, block) in [("start", Some(&document.start)), ("on-error", document.on_error.as_ref())] {
        if let Some(block) = block.filter(|block| !document.blocks.contains_key(*block)) {
            faults.push(Fault::new(path, format!("there is no block `{block}`")));
        }
    }
    for (name, trigger) in &document.triggers {
        trigger.faults(&format!("triggers.{name}"), faults);
    }
    for (name, query) in &document.queries {
        let path = format!("queries.{name}");
        faults.extend(query.validate(&path));
        if document.blocks.contains_key(name) {
            faults.push(Fault::new(path, "a block has this name already"));
        }
    }
    function::faults(document, faults);
    let bytes: usize = document.variables.values().map(|value| value.to_string().len()).sum();
    if bytes > MAX_VARIABLES_BYTES {
        faults.push(Fault::new("variables", format!("take {bytes} bytes of JSON; the most is {MAX_VARIABLES_BYTES}")));
    }
    if let Some(seconds) = document.timeout_s {
        seconds_in_range(seconds, "timeout-s", faults);
    }
}

fn seconds_in_range(seconds: u32, path: &str, faults: &mut Vec<Fault>) {
    if seconds == 0 || seconds > MAX_RUN_SECONDS {
        faults.push(Fault::new(path, format!("must be between 1 and {MAX_RUN_SECONDS}, a year")));
    }
}

fn edges(document: &WorkflowDocument, faults: &mut Vec<Fault>) {
    let mut seen = BTreeSet::new();
    for (index, edge) in document.edges.iter().enumerate() {
        let path = format!("edges.{index}");
        for end in [&edge.from, &edge.to] {
            if !document.blocks.contains_key(end) {
                faults.push(Fault::new(&path, format!("there is no block `{end}`")));
            }
        }
        if let Some(block) = document.blocks.get(&edge.from) {
            let mut ways = block.ways();
            ways.extend(block.scopes().into_iter().map(Some));
            if !ways.contains(&edge.port) {
                faults.push(Fault::new(&path, no_such_way(&edge.from, edge.port.as_ref(), &ways)));
            }
        }
        if !seen.insert((&edge.from, &edge.port)) {
            faults.push(Fault::new(&path, format!("block `{}` already leads somewhere by this way", edge.from)));
        }
    }
}

fn no_such_way(from: &Name, port: Option<&Port>, ways: &[Option<Port>]) -> String {
    if ways.is_empty() {
        return format!("block `{from}` ends the run: nothing follows it");
    }
    let ports: Vec<String> = ways.iter().flatten().map(|port| format!("`{port}`")).collect();
    let ports = ports.join(", ");
    match port {
        None => format!("an edge out of block `{from}` needs a port: {ports}"),
        Some(port) if ways.contains(&None) => {
            format!("block `{from}` has no way out `{port}`: leave the port out, or use one of {ports}")
        }
        Some(port) => format!("block `{from}` has no way out `{port}`: use one of {ports}"),
    }
}

/// The checks of one block.
struct BlockCheck<'a> {
    document: &'a WorkflowDocument,
    graph: &'a Graph<'a>,
    name: &'a Name,
    path: String,
    faults: &'a mut Vec<Fault>,
}

impl BlockCheck<'_> {
    fn check(&mut self, block: &Block) {
        if BOUND.contains(&self.name.as_str()) {
            self.fault("", "is a word that workflows bind themselves: choose another name");
        }
        if self.graph.scope(self.name).is_none() {
            self.fault("", "no edge leads here from the start: connect or delete it");
        }
        if self.graph.owners(self.name).len() > MAX_NESTING {
            self.fault(
                "",
                &format!(
                    "is nested more than {MAX_NESTING} bodies deep: move the inner ones to a workflow of their own"
                ),
            );
        }
        for port in block.scopes() {
            if self.graph.next(self.name, Some(&port)).is_none() && port.as_str() != Port::CATCH {
                self.fault("", &format!("has nothing to run: connect a block to its way out `{port}`"));
            }
        }
        if let Some(retry) = block.retry() {
            retry.faults(&format!("{}.retry", self.path), self.faults);
        }
        self.kind(block);
    }

    fn kind(&mut self, block: &Block) {
        match block {
            Block::Query(block) => {
                self.faults.extend(block.query.validate(&self.path));
                let key = block.query.written_in();
                for expression in block.query.expressions().unwrap_or_default() {
                    self.reference(&expression, key, false);
                }
            }
            Block::Code(block) => {
                if block.source.len() > MAX_SOURCE_BYTES {
                    self.fault("source", &format!("is longer than {MAX_SOURCE_BYTES} bytes"));
                }
                if block.timeout_ms == 0 || block.timeout_ms > 300_000 {
                    self.fault("timeout-ms", "must be between 1 and 300000");
                }
            }
            Block::Http(block) => self.http(block),
            Block::Branch(block) => self.expression(&block.condition, "condition"),
            Block::Switch(block) => {
                self.count(block.cases.len(), 1..=50, "cases");
                self.ports(block.cases.iter().map(|case| &case.port), "cases");
                for (number, case) in block.cases.iter().enumerate() {
                    self.expression(&case.when, &format!("cases.{number}.when"));
                }
            }
            Block::Loop(block) => self.looped(block),
            Block::Parallel(block) => {
                self.count(block.branches.len(), 2..=20, "branches");
                self.ports(block.branches.iter(), "branches");
            }
            Block::Try(_) => {}
            Block::Filter(block) => {
                self.expression(&block.over, "over");
                self.expression_with_item(&block.keep, "where");
            }
            Block::Set(block) => {
                self.count(block.values.len(), 1..=50, "values");
                for (variable, value) in &block.values {
                    let key = format!("values.{variable}");
                    if !self.document.variables.contains_key(variable) {
                        self.fault(&key, "there is no such variable: add it to the workflow's variables");
                    }
                    self.expression(value, &key);
                }
            }
            Block::Wait(block) => match &block.wait_for {
                WaitFor::Seconds(seconds) => self.expression(seconds, "for.seconds"),
                WaitFor::Until(time) => self.expression(time, "for.until"),
                WaitFor::Event(event) => {
                    self.optional_expression(&event.key, "for.event.key");
                    event.faults(&format!("{}.for.event", self.path), self.faults);
                }
            },
            Block::Approval(block) => {
                if block.title.trim().is_empty() {
                    self.fault("title", "is empty: say what is asked");
                }
                self.template(&block.title, "title");
                self.template(&block.description, "description");
                block.faults(&self.path, self.faults);
            }
            Block::Workflow(block) => self.optional_expression(&block.input, "input"),
            Block::Response(block) => {
                self.expression(&block.body, "body");
                self.headers(&block.headers);
                if !(200..=599).contains(&block.status) {
                    self.fault("status", "must be between 200 and 599");
                }
            }
            Block::Stop(block) => self.template(&block.message, "message"),
        }
    }

    fn http(&mut self, block: &HttpBlock) {
        if !["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"].contains(&block.method.as_str()) {
            self.fault("method", "must be GET, HEAD, OPTIONS, POST, PUT, PATCH or DELETE");
        }
        let begins_well = ["http://", "https://", "{{"].iter().any(|start| block.url.trim_start().starts_with(start));
        if !begins_well {
            self.fault("url", "must begin with https:// or http://");
        }
        self.template(&block.url, "url");
        self.headers(&block.headers);
        self.optional_expression(&block.body, "body");
    }

    fn headers(&mut self, headers: &std::collections::BTreeMap<String, String>) {
        self.count(headers.len(), 0..=50, "headers");
        for (name, value) in headers {
            let key = format!("headers.{name}");
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if name.is_empty() || !name.chars().all(is_token) {
                self.fault(&key, "is not the name of a header");
            }
            self.template(value, &key);
        }
    }

    fn looped(&mut self, block: &LoopBlock) {
        self.expression(&block.over, "over");
        if let Some(until) = &block.until {
            self.after_body(until, "until");
        }
        if !(1..=50).contains(&block.at_once) {
            self.fault("at-once", "must be between 1 and 50");
        }
        if block.delay_ms > 24 * 3600 * 1000 {
            self.fault("delay-ms", "must be at most 86400000, a day");
        }
        if let Some(seconds) = block.timeout_s {
            seconds_in_range(seconds, &format!("{}.timeout-s", self.path), self.faults);
        }
    }

    fn count(&mut self, count: usize, range: std::ops::RangeInclusive<usize>, key: &str) {
        if !range.contains(&count) {
            self.fault(key, &format!("has {count} entries and must have {} to {}", range.start(), range.end()));
        }
    }

    fn ports<'p>(&mut self, ports: impl Iterator<Item = &'p Port>, key: &str) {
        let mut seen = BTreeSet::new();
        for (number, port) in ports.enumerate() {
            if [Port::ERROR, Port::ELSE].contains(&port.as_str()) {
                self.fault(&format!("{key}.{number}"), &format!("`{port}` is a way out already: choose another name"));
            }
            if !seen.insert(port) {
                self.fault(&format!("{key}.{number}"), &format!("`{port}` is there twice"));
            }
        }
    }

    fn template(&mut self, text: &str, key: &str) {
        if text.len() > MAX_TEXT_BYTES {
            return self.fault(key, &format!("is longer than {MAX_TEXT_BYTES} bytes"));
        }
        match Template::parse(text) {
            Ok(template) => self.references(&template, key),
            Err(error) => self.fault(key, &error.to_string()),
        }
    }

    fn references(&mut self, template: &Template<'_>, key: &str) {
        for expression in template.expressions() {
            self.reference(expression, key, false);
        }
    }

    fn optional_expression(&mut self, source: &str, key: &str) {
        if !source.trim().is_empty() {
            self.expression(source, key);
        }
    }

    fn expression(&mut self, source: &str, key: &str) {
        if self.is_sound(source, key) {
            self.reference(source.trim(), key, false);
        }
    }

    fn expression_with_item(&mut self, source: &str, key: &str) {
        if self.is_sound(source, key) {
            self.reference(source.trim(), key, true);
        }
    }

    /// An expression that is looked at after a loop's body and sees the blocks of it.
    fn after_body(&mut self, source: &str, key: &str) {
        let body = Scope::Body { owner: self.name, port: Port::known(Port::EACH) };
        let is_in_body = leading_identifier(source.trim()).is_some_and(|identifier| {
            self.document
                .blocks
                .get_key_value(identifier)
                .is_some_and(|(name, _)| self.graph.scope(name) == Some(&body))
        });
        if !is_in_body {
            self.expression_with_item(source, key);
        } else {
            self.is_sound(source, key);
        }
    }

    fn is_sound(&mut self, source: &str, key: &str) -> bool {
        if source.trim().is_empty() {
            self.fault(key, "is empty: write a JavaScript expression");
        } else if source.len() > MAX_SOURCE_BYTES {
            self.fault(key, &format!("is longer than {MAX_SOURCE_BYTES} bytes"));
        } else {
            return true;
        }
        false
    }

    /// A name that an expression starts with must be bound when it runs.
    fn reference(&mut self, source: &str, key: &str, sees_item: bool) {
        let Some(identifier) = leading_identifier(source) else { return };
        if GLOBALS.contains(&identifier) {
            return;
        }
        let visible = self.graph.visible(self.name);
        let is_bound = match identifier {
            "item" | "index" => visible.item || sees_item,
            "error" => visible.error,
            other => visible.blocks.iter().any(|name| name.as_str() == other),
        };
        if !is_bound {
            self.fault(key, &unbound(identifier));
        }
    }

    fn fault(&mut self, key: &str, message: &str) {
        let path = if key.is_empty() { self.path.clone() } else { format!("{}.{key}", self.path) };
        self.faults.push(Fault::new(path, message));
    }
}

fn unbound(identifier: &str) -> String {
    match identifier {
        "item" | "index" => format!("`{identifier}` is known in the body of a loop alone"),
        "error" => "`error` is known where a failure leads alone: after `error`, in `catch` and in on-error".to_owned(),
        FUNCTIONS => "functions are called from code alone: call it in a code block before this one".to_owned(),
        other => format!("`{other}` is not a block that runs before this one, nor `trigger`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults_of(change: impl FnOnce(&mut serde_json::Value)) -> Vec<String> {
        let mut document = json!({
            "format": 1, "title": "Revenue", "start": "load",
            "triggers": {"incoming": {"type": "webhook"}},
            "blocks": {
                "load": {"type": "query", "resource": "tables", "statement": "select {{ trigger.body.month }}"},
                "large": {"type": "branch", "condition": "load.rows.length > 1"},
                "answer": {"type": "response", "body": "load.rows"},
            },
            "edges": [{"from": "load", "to": "large"}, {"from": "large", "port": "true", "to": "answer"}],
        });
        change(&mut document);
        let document: WorkflowDocument = serde_json::from_value(document).expect("parses");
        document.validate().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_sound_workflow_has_no_faults() {
        assert_eq!(faults_of(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn a_cycle_is_refused() {
        let faults = faults_of(|d| {
            let edges = d["edges"].as_array_mut().expect("edges");
            edges.push(json!({"from": "answer", "to": "load"}));
        });
        assert_eq!(faults[0], "edges: block `answer` leads back to itself: remove an edge of the cycle");
    }

    #[test]
    fn a_reference_to_an_unknown_or_later_block_is_refused() {
        let unknown = faults_of(|d| d["blocks"]["answer"]["body"] = json!("nosuch.rows"));
        assert_eq!(unknown, ["blocks.answer.body: `nosuch` is not a block that runs before this one, nor `trigger`"]);
        let later = faults_of(|d| d["blocks"]["load"]["statement"] = json!("select {{ large.x }}"));
        assert_eq!(later.len(), 1);
    }

    #[test]
    fn edges_must_fit_their_blocks() {
        assert_eq!(faults_of(|d| d["edges"][0]["to"] = json!("gone"))[0], "edges.0: there is no block `gone`");
        assert!(faults_of(|d| d["edges"][0]["port"] = json!("true"))[0].contains("has no way out `true`"));
        assert!(faults_of(|d| d["edges"][1] = json!({"from": "large", "to": "answer"}))[0].contains("needs a port"));
    }

    #[test]
    fn an_unconnected_block_is_named() {
        let faults = faults_of(|d| d["blocks"]["lost"] = json!({"type": "code", "language": "python", "source": ""}));
        assert_eq!(faults, ["blocks.lost: no edge leads here from the start: connect or delete it"]);
    }

    /// The faults of a loop over `trigger.body` whose body is `inner`, with what follows as given.
    fn faults_of_loop(change: impl FnOnce(&mut serde_json::Value)) -> Vec<String> {
        let mut document = json!({
            "format": 1, "title": "Loop", "start": "each",
            "blocks": {
                "each": { "type": "loop", "over": "trigger.body", "until": "inner.done" },
                "inner": { "type": "branch", "condition": "item > index" },
                "after": { "type": "response", "body": "each.length" },
            },
            "edges": [{ "from": "each", "port": "each", "to": "inner" }, { "from": "each", "to": "after" }],
        });
        change(&mut document);
        let document: WorkflowDocument = serde_json::from_value(document).expect("parses");
        document.validate().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_a_loop_binds_is_known_in_its_body_alone() {
        assert_eq!(faults_of_loop(|_| {}), Vec::<String>::new());
        let outside = faults_of_loop(|d| d["blocks"]["after"]["body"] = json!("item"));
        assert_eq!(outside, ["blocks.after.body: `item` is known in the body of a loop alone"]);
        let inside = faults_of_loop(|d| d["blocks"]["after"]["body"] = json!("inner"));
        assert_eq!(inside, ["blocks.after.body: `inner` is not a block that runs before this one, nor `trigger`"]);
        let no_error = faults_of_loop(|d| d["blocks"]["inner"]["condition"] = json!("error.kind"));
        assert!(no_error[0].contains("where a failure leads alone"), "{no_error:?}");
    }

    #[test]
    fn a_body_is_not_empty_and_does_not_lead_out() {
        let empty = faults_of_loop(|d| {
            d["edges"].as_array_mut().expect("edges").remove(0);
        });
        assert!(
            empty.contains(&"blocks.each: has nothing to run: connect a block to its way out `each`".to_owned()),
            "{empty:?}"
        );
        let leads_out = faults_of_loop(|d| {
            let edges = d["edges"].as_array_mut().expect("edges");
            edges.push(json!({ "from": "inner", "port": "true", "to": "after" }));
        });
        assert!(leads_out[0].starts_with("blocks.after: is reached both from"), "{leads_out:?}");
    }

    #[test]
    fn each_fault_has_its_place() {
        let cases = [
            (json!({ "type": "http", "url": "ftp://x", "method": "get" }), "blocks.only.method: must be GET"),
            (json!({ "type": "http", "url": "{{ nosuch }}" }), "blocks.only.url: `nosuch` is not a block"),
            (
                json!({ "type": "http", "url": "https://x", "headers": { "a b": "" } }),
                "blocks.only.headers.a b: is not the name",
            ),
            (json!({ "type": "switch", "cases": [] }), "blocks.only.cases: has 0 entries"),
            (
                json!({ "type": "switch", "cases": [{ "port": "error", "when": "true" }] }),
                "blocks.only.cases.0: `error` is a way",
            ),
            (json!({ "type": "parallel", "branches": ["a", "a"] }), "blocks.only.branches.1: `a` is there twice"),
            (
                json!({ "type": "set", "values": { "total": "1" } }),
                "blocks.only.values.total: there is no such variable",
            ),
            (json!({ "type": "wait", "for": { "seconds": " " } }), "blocks.only.for.seconds: is empty"),
            (
                json!({ "type": "wait", "for": { "event": { "name": "paid", "key": "nosuch.id" } } }),
                "blocks.only.for.event.key: `nosuch` is not a block",
            ),
            (
                json!({ "type": "wait", "for": { "event": { "name": "paid", "timeout-s": 0 } } }),
                "blocks.only.for.event.timeout-s: is 0 and must be",
            ),
            (json!({ "type": "approval", "title": "" }), "blocks.only.title: is empty"),
            (
                json!({ "type": "approval", "title": "?", "escalate-after-s": 60 }),
                "blocks.only.escalate-to: names nobody",
            ),
            (
                json!({ "type": "approval", "title": "?", "escalate-to": { "groups": ["leads"] } }),
                "blocks.only.escalate-after-s: is missing",
            ),
            (
                json!({ "type": "approval", "title": "?", "escalate-after-s": 60, "deadline-s": 60,
                    "escalate-to": { "groups": ["leads"] } }),
                "blocks.only.escalate-after-s: is not before the deadline",
            ),
            (
                json!({ "type": "approval", "title": "?", "form": [{ "name": "why", "type": "choice" }] }),
                "blocks.only.form.0.options: has 0 options",
            ),
            (json!({ "type": "stop", "message": "{{ x" }), "blocks.only.message: the binding that opens"),
            (
                json!({ "type": "code", "language": "python", "source": "", "retry": { "count": 0 } }),
                "blocks.only.retry.count: must be between 1 and 100",
            ),
        ];
        for (block, fault) in cases {
            let document = json!({ "format": 1, "title": "One", "start": "only", "blocks": { "only": block } });
            let document: WorkflowDocument = serde_json::from_value(document).expect("parses");
            let faults: Vec<String> = document.validate().iter().map(ToString::to_string).collect();
            assert!(faults.iter().any(|found| found.starts_with(fault)), "{fault}: {faults:?}");
        }
    }

    #[test]
    fn a_word_that_workflows_bind_names_no_block() {
        let document = json!({ "format": 1, "title": "One", "start": "item",
            "blocks": { "item": { "type": "code", "language": "python", "source": "" } } });
        let document: WorkflowDocument = serde_json::from_value(document).expect("parses");
        assert!(document.validate()[0].message.contains("choose another name"));
    }
}
