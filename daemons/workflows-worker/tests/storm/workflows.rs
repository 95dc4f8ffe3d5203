//! The workflows of a storm, and the effects that a run of each must have had when it has succeeded.
//!
//! An effect is known by `run/block/rounds/attempt/call`, as the journal knows a call; `own` is the call of a block that acts itself. Each
//! arrives outside under this name: as a row of the table `effects`, or as a request with the header `x-effect`.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::outside::{EFFECT, FAIL_FIRST};

/// The workflow that others run.
pub(crate) const CHILD: &str = "child";
/// Who answers questions.
pub(crate) const PERSON: &str = "ann@example.test";

/// Who is asked and never answers.
const NOBODY: &str = "bob@example.test";
/// The event that runs wait for, by their number.
pub(crate) const EVENT: &str = "paid";

/// A kind of workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Inserts,
    Javascript,
    Python,
    Http,
    Loops,
    Parallel,
    Wait,
    Parent,
    Retry,
    Long,
    Try,
    Approval,
    Escalated,
    Undecided,
    Event,
    Expired,
}

impl Kind {
    pub(crate) const ALL: [Self; 16] = [
        Self::Inserts,
        Self::Javascript,
        Self::Python,
        Self::Http,
        Self::Loops,
        Self::Parallel,
        Self::Wait,
        Self::Parent,
        Self::Retry,
        Self::Long,
        Self::Try,
        Self::Approval,
        Self::Escalated,
        Self::Undecided,
        Self::Event,
        Self::Expired,
    ];

    /// Its name in addresses.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::Inserts => "inserts",
            Self::Javascript => "javascript",
            Self::Python => "python",
            Self::Http => "http",
            Self::Loops => "loops",
            Self::Parallel => "parallel",
            Self::Wait => "wait",
            Self::Parent => "parent",
            Self::Retry => "retry",
            Self::Long => "long",
            Self::Try => "try",
            Self::Approval => "approval",
            Self::Escalated => "escalated",
            Self::Undecided => "undecided",
            Self::Event => "event",
            Self::Expired => "expired",
        }
    }

    /// Whether a run of it takes no longer than what it does: how long it took then says how long it was held up.
    pub(crate) fn is_prompt(self) -> bool {
        use Kind::{Approval, Escalated, Event, Expired, Long, Undecided, Wait};
        !matches!(self, Wait | Long | Approval | Escalated | Undecided | Event | Expired)
    }

    /// Its document; `outside` is the address of the server that counts requests.
    pub(crate) fn document(self, outside: &str) -> Value {
        let (blocks, edges) = match self {
            Self::Inserts => inserts(),
            Self::Javascript => single(javascript(outside)),
            Self::Python => single(python(outside, 0.2)),
            Self::Http => http(outside),
            Self::Loops => loops(),
            Self::Parallel => parallel(),
            Self::Wait => wait(),
            Self::Parent => parent(),
            Self::Retry => retry(outside),
            Self::Long => long(outside),
            Self::Try => tries(),
            Self::Approval => approval(&json!({ "people": [PERSON] })),
            Self::Escalated => {
                approval(&json!({ "people": [NOBODY], "escalate-after-s": 1, "escalate-to": { "people": [PERSON] } }))
            }
            Self::Undecided => approval(&json!({ "people": [NOBODY], "deadline-s": 2 })),
            Self::Event => event(&json!({ "name": EVENT, "key": "trigger.body.number" })),
            Self::Expired => event(&json!({ "name": "never", "timeout-s": 1, "at-timeout": "continue" })),
        };
        document(self.slug(), &blocks, &edges)
    }

    /// How many effects each block has in a run that has succeeded.
    pub(crate) fn effects(self, approve: bool) -> Vec<(&'static str, RangeInclusive<usize>)> {
        let once = |blocks: &[&'static str]| blocks.iter().map(|block| (*block, 1..=1)).collect();
        match self {
            Self::Inserts => once(&["first", "second", "third"]),
            Self::Javascript | Self::Python => vec![("only", 3..=3)],
            Self::Http => once(&["post", "again", "put"]),
            Self::Loops => vec![("row", 3..=3), ("cell", 6..=6)],
            Self::Parallel => once(&["left", "right", "after"]),
            Self::Wait | Self::Event | Self::Expired => once(&["before", "after"]),
            // The other run has its own.
            Self::Parent => once(&["after"]),
            // An answer that is lost is asked for again in the same attempt, and is a good one then.
            Self::Retry => vec![("statement", 1..=1), ("code", 1..=1), ("put", 1..=2)],
            Self::Long => vec![("code", 3..=3), ("statement", 1..=1)],
            Self::Try => once(&["risky", "rescue"]),
            Self::Approval | Self::Escalated => once(&["before", if approve { "yes" } else { "no" }]),
            Self::Undecided => once(&["before", "no"]),
        }
    }

    /// How many runs a run of it starts.
    pub(crate) fn children(self) -> usize {
        if self == Self::Parent { 2 } else { 0 }
    }
}

/// The blocks that may be repeated: their effects may arrive more than once, under one key.
pub(crate) fn is_idempotent(slug: &str, block: &str) -> bool {
    matches!((slug, block), ("http", "again" | "put") | ("retry", "put"))
}

/// The document of [`CHILD`].
pub(crate) fn child() -> Value {
    document(CHILD, &json!({ "work": insert(0.1) }), &json!([]))
}

fn document(title: &str, blocks: &Value, edges: &Value) -> Value {
    // `start` is the first block of the first edge, or the only one.
    let first = blocks.as_object().and_then(|blocks| blocks.keys().next().cloned()).unwrap_or_default();
    let start = edges[0]["from"].as_str().map_or(first, str::to_owned);
    json!({
        "format": 1, "title": title, "start": start, "blocks": blocks, "edges": edges, "unknown-outcome": "fail",
        "queries": { "mark": write(&insertion("effect", 0.05, "")) },
    })
}

/// The expression that names the effect of a block.
const OWN: &str = "[run.id, run.block, run.iteration.join('.'), run.attempt, 'own'].join('/')";

/// A statement that takes its time, so that it can be struck in, and has the effect that an expression names.
fn insertion(effect: &str, seconds: f64, condition: &str) -> String {
    format!(
        "WITH pause AS MATERIALIZED (SELECT pg_sleep({seconds})) INSERT INTO effects SELECT {{{{ {effect} }}}} FROM pause {condition}"
    )
}

fn write(statement: &str) -> Value {
    json!({ "resource": "tables", "mode": "write", "statement": statement })
}

fn query(statement: &str) -> Value {
    let mut block = write(statement);
    block["type"] = json!("query");
    block
}

fn insert(seconds: f64) -> Value {
    query(&insertion(OWN, seconds, ""))
}

fn code(language: &str, source: &str) -> Value {
    json!({ "type": "code", "language": language, "source": source, "timeout-ms": 120_000 })
}

/// A request that changes something.
fn request(method: &str, outside: &str) -> Value {
    json!({
        "type": "http", "method": method, "url": format!("http://{outside}/effect"), "body": "({ number: trigger.body.number })",
        "headers": { EFFECT: format!("{{{{ {OWN} }}}}") },
    })
}

/// One block after the other.
fn chain(names: &[&str]) -> Value {
    names.windows(2).map(|pair| json!({ "from": pair[0], "to": pair[1] })).collect()
}

fn single(block: Value) -> (Value, Value) {
    (json!({ "only": block }), json!([]))
}

fn inserts() -> (Value, Value) {
    let think = code("javascript", "return first.affected");
    let blocks = json!({ "first": insert(0.05), "think": think, "second": insert(0.05), "third": insert(0.05) });
    (blocks, chain(&["first", "think", "second", "third"]))
}

/// A statement, a request and a statement.
fn javascript(outside: &str) -> Value {
    let source = format!(
        "const effect = (call) => [run.id, run.block, run.iteration.join('.'), run.attempt, call].join('/');
await query('mark', {{ effect: effect(0) }});
await fetch('http://{outside}/effect', {{ method: 'POST', headers: {{ '{EFFECT}': effect(1) }}, body: 'x' }});
await query('mark', {{ effect: effect(2) }});"
    );
    code("javascript", &source)
}

/// The same, with a pause.
fn python(outside: &str, pause_s: f64) -> Value {
    let source = format!(
        "import time
import requests
rounds = '.'.join(str(number) for number in run['iteration'])
effect = lambda call: '/'.join([run['id'], run['block'], rounds, str(run['attempt']), str(call)])
query('mark', {{'effect': effect(0)}})
time.sleep({pause_s})
requests.post('http://{outside}/effect', headers={{'{EFFECT}': effect(1)}}, data='x')
query('mark', {{'effect': effect(2)}})"
    );
    code("python", &source)
}

fn http(outside: &str) -> (Value, Value) {
    let mut again = request("POST", outside);
    again["idempotent"] = json!(true);
    let blocks = json!({ "post": request("POST", outside), "again": again, "put": request("PUT", outside) });
    (blocks, chain(&["post", "again", "put"]))
}

fn loops() -> (Value, Value) {
    let blocks = json!({
        "rows": { "type": "loop", "over": "[3, 5, 8]" }, "think": code("javascript", "return item * 2"), "row": insert(0.05),
        "grid": { "type": "loop", "over": "2" }, "cells": { "type": "loop", "over": "3", "mode": "parallel", "at-once": 2 },
        "cell": insert(0.05),
    });
    let edges = json!([
        { "from": "rows", "to": "grid" }, { "from": "rows", "port": "each", "to": "think" }, { "from": "think", "to": "row" },
        { "from": "grid", "port": "each", "to": "cells" }, { "from": "cells", "port": "each", "to": "cell" },
    ]);
    (blocks, edges)
}

fn parallel() -> (Value, Value) {
    let blocks = json!({
        "both": { "type": "parallel", "branches": ["one", "other"] },
        "left": insert(0.2), "right": insert(0.1), "after": insert(0.05),
    });
    let edges = json!([
        { "from": "both", "to": "after" }, { "from": "both", "port": "one", "to": "left" },
        { "from": "both", "port": "other", "to": "right" },
    ]);
    (blocks, edges)
}

fn wait() -> (Value, Value) {
    waiting(&json!({ "seconds": "1.5" }))
}

fn event(event: &Value) -> (Value, Value) {
    waiting(&json!({ "event": event }))
}

fn waiting(wait_for: &Value) -> (Value, Value) {
    let pause = json!({ "type": "wait", "for": wait_for });
    let blocks = json!({ "before": insert(0.05), "pause": pause, "after": insert(0.05) });
    (blocks, chain(&["before", "pause", "after"]))
}

fn parent() -> (Value, Value) {
    let run = |wait: bool| json!({ "type": "workflow", "workflow": CHILD, "input": "trigger.body", "wait": wait });
    let blocks = json!({ "wanted": run(true), "alone": run(false), "after": insert(0.05) });
    (blocks, chain(&["wanted", "alone", "after"]))
}

/// What fails in its first attempt and works in the next.
fn retry(outside: &str) -> (Value, Value) {
    let retry = json!({ "count": 2, "delay-ms": 300 });
    let statement = insertion(OWN, 0.05, "WHERE 1 / ({{ run.attempt }}::int - 1) > 0");
    let source = "if (run.attempt < 2) throw new Error('not yet');
await query('mark', { effect: [run.id, run.block, run.iteration.join('.'), run.attempt, 0].join('/') });";
    let mut blocks =
        json!({ "statement": query(&statement), "code": code("javascript", source), "put": request("PUT", outside) });
    blocks["put"]["headers"][FAIL_FIRST] = json!("yes");
    for block in ["statement", "code", "put"] {
        blocks[block]["retry"] = retry.clone();
    }
    (blocks, chain(&["statement", "code", "put"]))
}

fn long(outside: &str) -> (Value, Value) {
    (json!({ "code": python(outside, 3.0), "statement": insert(2.0) }), chain(&["code", "statement"]))
}

fn tries() -> (Value, Value) {
    let blocks = json!({
        "attempt": { "type": "try" }, "risky": insert(0.05), "fail": code("javascript", "throw new Error('on purpose')"),
        "rescue": insert(0.05), "end": code("javascript", "return 'rescued'"),
    });
    let edges = json!([
        { "from": "attempt", "to": "end" }, { "from": "attempt", "port": "try", "to": "risky" }, { "from": "risky", "to": "fail" },
        { "from": "attempt", "port": "catch", "to": "rescue" },
    ]);
    (blocks, edges)
}

fn approval(of: &Value) -> (Value, Value) {
    // The number is how the storm knows which answer is planned.
    let mut ask = json!({ "type": "approval", "title": "{{ trigger.body.number }}" });
    ask.as_object_mut().expect("an object").extend(of.as_object().expect("an object").clone());
    let blocks = json!({ "before": insert(0.05), "ask": ask, "yes": insert(0.05), "no": insert(0.05) });
    let edges = json!([
        { "from": "before", "to": "ask" }, { "from": "ask", "port": "approved", "to": "yes" },
        { "from": "ask", "port": "rejected", "to": "no" },
    ]);
    (blocks, edges)
}
