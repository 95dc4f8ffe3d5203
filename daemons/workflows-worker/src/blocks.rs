//! What a block needs from code-executor: its code, or the expressions in it; and what it makes of the answer.

use std::collections::BTreeMap;

use bulkhead_model::run::{BlockStatus, RunError};
use bulkhead_model::workflow::{Block, HttpBlock, Port, StopStatus, SwitchBlock, WaitBlock, WaitFor, WorkflowDocument};
use bulkhead_rpc::backend::{ActionValues, BlockOutcome};
use bulkhead_rpc::executor::{CodeLimits, FunctionSpec, Work};
use bulkhead_rpc::fetch::FetchRequest;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::text::{fill, fill_address};

pub(crate) use bulkhead_model::workflow::OWN_EXPRESSION as EXPRESSION;

/// The kinds of failures of a request that the other side has answered, and so may have acted upon.
const ANSWERED: [&str; 4] = ["http-status", "fetch-broken", "fetch-redirected", "fetch-too-large"];
/// The header that stays the same however often a request is sent.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The work of a block for code-executor; none if it has nothing to evaluate.
pub(crate) fn work(document: &WorkflowDocument, block: &Block) -> Option<(Work, CodeLimits)> {
    let limits = CodeLimits::default();
    if let Block::Code(block) = block {
        let limits = CodeLimits { wall_ms: block.timeout_ms, ..limits };
        return Some((Work::code_of(document, block.language, block.source.clone()), limits));
    }
    let expressions = block.expressions();
    (!expressions.is_empty()).then_some((Work::Expressions { expressions }, limits))
}

/// The sources of a work, in which names are looked for. Its functions see nothing but their parameters.
pub(crate) fn sources(work: &Work) -> Vec<&str> {
    match work {
        Work::Code { source, .. } => vec![source],
        Work::Expressions { expressions } => expressions.values().map(String::as_str).collect(),
    }
}

/// Whether running this twice may show: it may call out of the sandbox. A word too many costs a commit, no more.
pub(crate) fn may_have_effects(work: &Work) -> bool {
    const WORDS: [&str; 7] = ["query", "fetch", "http", "requests", "import", "require", "eval"];
    let has_word = |source: &str| WORDS.iter().any(|word| source.contains(word));
    let of_functions = match work {
        Work::Code { functions, .. } => functions.values().any(|function| match function {
            FunctionSpec::Code { source, .. } => has_word(source),
            FunctionSpec::Query { .. } => true,
        }),
        Work::Expressions { .. } => false,
    };
    of_functions || sources(work).into_iter().any(has_word)
}

/// How a block ended whose work code-executor has done.
pub(crate) fn outcome(block: &Block, value: Value) -> BlockOutcome {
    let left_by = |port: Port, result: Value| BlockOutcome { port: Some(port), ..BlockOutcome::succeeded(result) };
    match block {
        Block::Branch(_) => {
            let truth = is_true(&value[EXPRESSION]);
            left_by(Port::known(if truth { Port::TRUE } else { Port::FALSE }), json!(truth))
        }
        Block::Switch(block) => {
            let port = case(block, &value);
            left_by(port.clone(), json!(port.as_str()))
        }
        Block::Filter(_) => BlockOutcome::succeeded(value[EXPRESSION].clone()),
        Block::Response(block) => {
            let values = map(&value);
            let headers: BTreeMap<&String, String> =
                block.headers.iter().map(|(name, text)| (name, fill(text, &values))).collect();
            let mut result = json!({ "status": block.status, "body": value[EXPRESSION] });
            if !headers.is_empty() {
                result["headers"] = json!(headers);
            }
            BlockOutcome::succeeded(result)
        }
        Block::Stop(block) => {
            let status = if block.status == StopStatus::Failed { "failed" } else { "succeeded" };
            BlockOutcome::succeeded(json!({ "status": status, "message": fill(&block.message, &map(&value)) }))
        }
        _ => BlockOutcome::succeeded(value),
    }
}

fn case(block: &SwitchBlock, values: &Value) -> Port {
    let mut cases = block.cases.iter().enumerate();
    let holds = cases.find(|(number, _)| is_true(&values[number.to_string()]));
    holds.map_or_else(|| Port::known(Port::ELSE), |(_, case)| case.port.clone())
}

/// What a block acts with, once its expressions have values.
pub(crate) fn action_values(block: &Block, value: &Value, key: &str) -> Option<ActionValues> {
    let values = map(value);
    Some(match block {
        Block::Query(_) => ActionValues::Query { parameters: values },
        Block::Http(block) => ActionValues::Http { request: request(block, &values, key) },
        Block::Approval(block) => ActionValues::Approval {
            title: fill(&block.title, &values),
            description: fill(&block.description, &values),
        },
        Block::Wait(WaitBlock { wait_for: WaitFor::Event(_) }) => {
            ActionValues::Event { key: values.get(EXPRESSION).cloned().unwrap_or_default() }
        }
        Block::Workflow(_) => ActionValues::Workflow { input: values.get(EXPRESSION).cloned().unwrap_or_default() },
        _ => return None,
    })
}

fn request(block: &HttpBlock, values: &BTreeMap<String, Value>, key: &str) -> FetchRequest {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    let mut headers: Vec<(String, String)> =
        block.headers.iter().map(|(name, text)| (name.clone(), fill(text, values))).collect();
    let has =
        |headers: &[(String, String)], name: &str| headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    let body = values.get(EXPRESSION).map(|body| {
        let (kind, text) = match body {
            Value::String(text) => ("text/plain; charset=utf-8", text.clone()),
            body => ("application/json", body.to_string()),
        };
        if !has(&headers, "content-type") {
            headers.push(("Content-Type".to_owned(), kind.to_owned()));
        }
        STANDARD.encode(text)
    });
    let url = fill_address(&block.url, values);
    let mut request = FetchRequest { url, method: block.method.clone(), headers, body, redirect: Default::default() };
    if !request.is_safe() && !has(&request.headers, IDEMPOTENCY_KEY) {
        request.headers.push((IDEMPOTENCY_KEY.to_owned(), key.to_owned()));
    }
    request
}

/// When a wait is over, in milliseconds since the epoch.
pub(crate) fn wait_until(wait_for: &WaitFor, value: &Value, now_ms: u64) -> Result<u64, RunError> {
    let value = &value[EXPRESSION];
    let wrong = |wanted: &str| {
        let said: String = value.to_string().chars().take(100).collect();
        RunError::new("wait-unknown", format!("the wait needs {wanted}, and the expression gave {said}"))
    };
    match wait_for {
        WaitFor::Seconds(_) => {
            let seconds = value.as_f64().filter(|seconds| (0.0..=366.0 * 86400.0).contains(seconds));
            let seconds = seconds.ok_or_else(|| wrong("a number of seconds from 0 to a year"))?;
            Ok(now_ms + (seconds * 1e3) as u64)
        }
        WaitFor::Until(_) => {
            let moment = match value {
                Value::Number(millis) => millis.as_f64().map(|millis| millis.max(0.0) as u64),
                Value::String(text) => OffsetDateTime::parse(text, &Rfc3339)
                    .ok()
                    .map(|moment| u64::try_from(moment.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()),
                _ => None,
            };
            moment.ok_or_else(|| wrong("a point in time such as 2026-05-01T09:00:00Z"))
        }
        // workflows-backend knows when an event comes, and when it is too late for it.
        WaitFor::Event(_) => Ok(now_ms),
    }
}

/// What a loop goes over.
pub(crate) fn items(value: &Value) -> Result<Value, RunError> {
    /// Rounds of one loop at most.
    const MAX_ROUNDS: usize = 1_000_000;
    let too_many = |count: &dyn std::fmt::Display| {
        let message =
            format!("{count} rounds; a loop has {MAX_ROUNDS} at most: loop over pages, or in a workflow of their own");
        RunError::new("loop-too-long", message)
    };
    match &value[EXPRESSION] {
        Value::Array(items) if items.len() > MAX_ROUNDS => Err(too_many(&items.len())),
        Value::Array(items) => Ok(json!({ "items": items })),
        Value::Object(entries) => {
            let items: Vec<Value> = entries.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
            Ok(json!({ "items": items }))
        }
        Value::Number(count) => match count.as_f64() {
            Some(number) if number > MAX_ROUNDS as f64 => Err(too_many(count)),
            Some(number) if number >= 0.0 => Ok(json!({ "count": number as u64 })),
            _ => Err(RunError::new("loop-over", format!("a loop cannot have {count} rounds"))),
        },
        _ => Err(RunError::new(
            "loop-over",
            "a loop goes over a list, an object or a number of rounds: the expression gave none",
        )),
    }
}

/// Whether a failed attempt may be followed by another: it changed nothing, or that may happen again.
pub(crate) fn may_repeat(block: &Block, outcome: &BlockOutcome, wrote: bool) -> bool {
    let kind = outcome.error.as_ref().map(|error| error.kind.as_str()).unwrap_or_default();
    if outcome.status != BlockStatus::Failed {
        return false;
    }
    match block {
        Block::Http(http) => {
            let is_idempotent = !["POST", "PATCH"].contains(&http.method.as_str());
            http.idempotent || is_idempotent || !ANSWERED.contains(&kind)
        }
        _ => block.is_idempotent() || !wrote,
    }
}

fn map(value: &Value) -> BTreeMap<String, Value> {
    value.as_object().map(|values| values.clone().into_iter().collect()).unwrap_or_default()
}

/// JavaScript's truth of a JSON value.
pub(crate) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(value: Value) -> Block {
        serde_json::from_value(value).expect("a block")
    }

    #[test]
    fn truth_is_javascripts() {
        for (value, truth) in [
            (json!(null), false),
            (json!(0), false),
            (json!(""), false),
            (json!([]), true),
            (json!({}), true),
            (json!("0"), true),
        ] {
            assert_eq!(is_true(&value), truth, "{value}");
        }
    }

    #[test]
    fn a_switch_goes_the_way_of_the_first_case_that_holds() {
        let switch =
            block(json!({ "type": "switch", "cases": [{ "port": "a", "when": "x" }, { "port": "b", "when": "y" }] }));
        let port = |value: Value| outcome(&switch, value).port.expect("a port").to_string();
        assert_eq!(port(json!({ "0": false, "1": true })), "b");
        assert_eq!(port(json!({ "0": 1, "1": true })), "a");
        assert_eq!(port(json!({ "0": null, "1": "" })), "else");
    }

    #[test]
    fn a_loop_goes_over_lists_objects_and_numbers() {
        let of = |value: Value| items(&json!({ EXPRESSION: value }));
        assert_eq!(of(json!([1, 2])), Ok(json!({ "items": [1, 2] })));
        assert_eq!(of(json!({ "a": 1 })), Ok(json!({ "items": [{ "key": "a", "value": 1 }] })));
        assert_eq!(of(json!(3)), Ok(json!({ "count": 3 })));
        assert_eq!(of(json!(10_000_000)).expect_err("refused").kind, "loop-too-long");
        assert_eq!(of(json!("abc")).expect_err("refused").kind, "loop-over");
        assert_eq!(of(json!(-1)).expect_err("refused").kind, "loop-over");
    }

    #[test]
    fn a_wait_ends_at_a_point_in_time() {
        let until = |wait_for: WaitFor, value: Value| wait_until(&wait_for, &json!({ EXPRESSION: value }), 1000);
        assert_eq!(until(WaitFor::Seconds(String::new()), json!(1.5)), Ok(2500));
        assert_eq!(until(WaitFor::Until(String::new()), json!("1970-01-01T00:01:00Z")), Ok(60_000));
        assert_eq!(until(WaitFor::Until(String::new()), json!(7)), Ok(7));
        assert_eq!(until(WaitFor::Seconds(String::new()), json!("soon")).expect_err("refused").kind, "wait-unknown");
        assert_eq!(until(WaitFor::Seconds(String::new()), json!(-1)).expect_err("refused").kind, "wait-unknown");
    }

    #[test]
    fn a_request_that_changes_something_carries_a_key_that_stays() {
        let post =
            block(json!({ "type": "http", "method": "POST", "url": "https://a.test/{{ id }}", "body": "({ a: 1 })" }));
        let value = json!({ "id": "x y", EXPRESSION: { "a": 1 } });
        let Some(ActionValues::Http { request }) = action_values(&post, &value, "run-block") else {
            panic!("no request")
        };
        assert_eq!(request.url, "https://a.test/x%20y");
        let headers = [("Content-Type", "application/json"), (IDEMPOTENCY_KEY, "run-block")];
        assert_eq!(request.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let get = block(json!({ "type": "http", "url": "https://a.test" }));
        let Some(ActionValues::Http { request }) = action_values(&get, &Value::Null, "k") else { panic!("no request") };
        assert_eq!((request.headers, request.body), (Vec::new(), None));
    }

    #[test]
    fn a_wait_for_an_event_passes_its_key_on_as_it_is() {
        let key = |block: &Block, value: Value| match action_values(block, &value, "") {
            Some(ActionValues::Event { key }) => key,
            other => panic!("no event: {other:?}"),
        };
        let keyed =
            block(json!({ "type": "wait", "for": { "event": { "name": "paid", "key": "trigger.body.order" } } }));
        let document = WorkflowDocument::starter("Waits");
        assert_eq!(work(&document, &keyed).map(|(work, _)| sources(&work).len()), Some(1));
        assert_eq!(key(&keyed, json!({ EXPRESSION: 17 })), json!(17));
        let plain = block(json!({ "type": "wait", "for": { "event": { "name": "paid" } } }));
        assert!(work(&document, &plain).is_none(), "there is nothing to evaluate");
        assert_eq!(key(&plain, Value::Null), Value::Null);
        assert!(
            action_values(&block(json!({ "type": "wait", "for": { "seconds": "1" } })), &Value::Null, "").is_none()
        );
    }

    #[test]
    fn what_may_have_happened_is_repeated_only_if_that_is_harmless() {
        let failed = |kind: &str| BlockOutcome::failed(RunError::new(kind, ""));
        let post = block(json!({ "type": "http", "method": "POST", "url": "https://a.test" }));
        for kind in ANSWERED {
            assert!(!may_repeat(&post, &failed(kind), false), "{kind}");
        }
        assert!(may_repeat(&post, &failed("connector-unavailable"), false));
        let query =
            block(json!({ "type": "query", "resource": "shop", "mode": "write", "statement": "delete from orders" }));
        assert!(may_repeat(&query, &failed("query-failed"), false), "it was rolled back");
        assert!(!may_repeat(&query, &failed("query-failed"), true));
        let code = block(json!({ "type": "code", "language": "python", "source": "" }));
        assert!(may_repeat(&code, &failed("thrown"), false));
        assert!(!may_repeat(&code, &failed("thrown"), true));
        let idempotent = block(json!({ "type": "code", "language": "python", "source": "", "idempotent": true }));
        assert!(may_repeat(&idempotent, &failed("thrown"), true));
        let unknown = BlockOutcome { status: BlockStatus::OutcomeUnknown, ..failed("outcome-unknown") };
        assert!(!may_repeat(&idempotent, &unknown, false));
    }
}
