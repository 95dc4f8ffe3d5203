//! What code can do: values, logs, errors with the user's own lines, chains and expressions.

use std::collections::BTreeMap;

use bulkhead_model::run::LogLevel;
use bulkhead_rpc::executor::{BlockSpec, CodeLimits, RunEvent, Work};
use serde_json::{Value, json};

use crate::executor::{Executor, LENIENT, ended, javascript, python, request};

#[tokio::test]
async fn inputs_are_variables_and_what_is_returned_is_the_result() {
    let executor = Executor::start(LENIENT);
    let inputs = json!({"orders": [{"total": 5}, {"total": 7}], "class": "gold", "name": "Ærø"});

    let js = executor
        .block(javascript("const sum = orders.reduce((s, o) => s + o.total, 0); return { sum, name, level: inputs.class, nothing: undefined }"), inputs.clone())
        .await;
    let py = executor
        .block(python("orders = [o['total'] for o in orders]\nreturn {'sum': sum(orders), 'name': name, 'level': inputs['class']}"), inputs)
        .await;

    let expected = json!({"sum": 12, "name": "Ærø", "level": "gold"});
    assert_eq!((js.value(), py.value()), (&expected, &expected));
    assert!(js.result.usage.cpu_ms > 0.0 && js.result.usage.peak_memory_bytes > 0, "{:?}", js.result.usage);
}

#[tokio::test]
async fn code_may_wait_at_its_top_level() {
    let executor = Executor::start(LENIENT);

    let js = executor.javascript("await new Promise((done) => setTimeout(done, 20)); const major = Number(process.versions.node.split('.')[0]); const { gzipSync } = major < 20 ? require('zlib') : await import('node:zlib'); return gzipSync('x').length > 0").await;
    let py = executor.python("import asyncio\nawait asyncio.sleep(0.02)\nreturn [x async for x in (i async for i in numbers())] if False else 'waited'\nasync def numbers():\n  yield 1").await;

    assert_eq!((js.value(), py.value()), (&json!(true), &json!("waited")));
}

#[tokio::test]
async fn nothing_returned_is_null() {
    let executor = Executor::start(LENIENT);

    assert_eq!(executor.javascript("").await.value(), &Value::Null);
    assert_eq!(executor.python("").await.value(), &Value::Null);
    assert_eq!(executor.python("# a comment").await.value(), &Value::Null);
}

#[tokio::test]
async fn log_lines_come_in_order_with_level_and_time() {
    let executor = Executor::start(LENIENT);

    let js = executor.javascript("console.log('a', { b: 1 }); console.warn('w'); console.error('e'); console.debug('d'); process.stdout.write('raw\\n'); log('l', 2)").await;
    let py = executor.python("import sys, os\nprint('a', {'b': 1})\nprint('e', file=sys.stderr)\nprint('x', end='')\nprint('y')\nlog('l', 2)\nprint('open', end='')").await;

    let levels = |ended: &crate::executor::Ended| ended.logs.iter().map(|line| line.level).collect::<Vec<_>>();
    use LogLevel::{Debug, Error, Info, Warn};
    assert_eq!(js.texts(), ["a { b: 1 }", "w", "e", "d", "raw", "l 2"]);
    assert_eq!(levels(&js), [Info, Warn, Error, Debug, Info, Info]);
    assert_eq!(py.texts(), ["a {'b': 1}", "e", "xy", "l 2", "open"]);
    assert_eq!(levels(&py), [Info, Error, Info, Info, Info]);
    assert_eq!(js.logs.iter().map(|line| line.seq).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert!(js.logs.iter().all(|line| line.time_ms > 1_700_000_000_000));
}

#[tokio::test]
async fn log_lines_arrive_while_the_code_runs() {
    use http_body_util::BodyExt;
    let executor = Executor::start(LENIENT);
    let request = request(vec![python("import time\nprint('first')\ntime.sleep(5)")], Value::Null);
    let begun = std::time::Instant::now();

    let mut response = executor.client.stream(http::Method::POST, "/v1/run", &request).await.unwrap();
    let first = response.frame().await.unwrap().unwrap().into_data().unwrap();

    assert!(String::from_utf8_lossy(&first).contains("first"));
    assert!(begun.elapsed() < std::time::Duration::from_secs(3));
}

#[tokio::test]
async fn an_error_is_at_the_users_own_line_and_column() {
    let executor = Executor::start(LENIENT);
    // Source, kind, start of the message, line, column.
    let javascript_cases = [
        ("const a = 1;\n\n  throw new TypeError('bad ' + a)", "thrown", "TypeError: bad 1", 3, Some(9)),
        ("function f() {\n  return null.x;\n}\nf();", "thrown", "TypeError: Cannot read", 2, Some(15)),
        ("await Promise.resolve();\nmissing()", "thrown", "ReferenceError: missing is not defined", 2, Some(1)),
        ("const a = 1;\nlet b = {;\n", "syntax", "SyntaxError: Unexpected token ';'", 2, Some(10)),
        ("if (true) {\n  log(1)", "syntax", "SyntaxError", 2, None),
        (
            "setTimeout(() => {\n  throw new Error('later')\n}, 1);\nawait new Promise(() => {})",
            "thrown",
            "later",
            2,
            Some(9),
        ),
    ];
    for (source, kind, message, line, column) in javascript_cases {
        let error = executor.javascript(source).await.error().clone();
        assert_eq!((error.kind.as_str(), error.line), (kind, Some(line)), "{source}: {error:?}");
        assert!(error.message.starts_with(message), "{error:?}");
        assert!(column.is_none() || error.column == column, "{source}: {error:?}");
    }
    let python_cases = [
        ("a = 1\n\ndef f():\n  return 1 / 0\nf()", "thrown", "ZeroDivisionError: division by zero", 4),
        ("a = 1\nif a\n  pass", "syntax", "SyntaxError: expected ':'", 2),
        ("x = '''\ntwo\n'''\nraise ValueError('no')", "thrown", "ValueError: no", 4),
        ("import json\njson.loads('{')", "thrown", "JSONDecodeError: Expecting", 2),
        ("yesterday", "thrown", "NameError: name 'yesterday' is not defined", 1),
    ];
    for (source, kind, message, line) in python_cases {
        let error = executor.python(source).await.error().clone();
        assert_eq!((error.kind.as_str(), error.line), (kind, Some(line)), "{source}: {error:?}");
        assert!(error.message.starts_with(message), "{error:?}");
    }
}

#[tokio::test]
async fn a_stack_shows_the_users_frames_alone() {
    let executor = Executor::start(LENIENT);

    let js = executor
        .javascript("function inner() { throw new Error('x') }\nfunction outer() {\n  inner() }\nouter()")
        .await;
    let py = executor.python("import json\ndef inner():\n    json.loads('{')\ninner()").await;

    assert_eq!(js.error().stack.as_deref(), Some("at inner (block.js:1:26)\nat outer (block.js:3:3)\nat block.js:4:1"));
    let stack = py.error().stack.clone().unwrap();
    assert!(stack.contains("\"block.py\", line 3, in inner") && stack.contains("json.loads('{')"), "{stack}");
    assert!(!stack.contains("decoder.py") && !stack.contains("/run/bulkhead"), "{stack}");
}

#[tokio::test]
async fn what_has_no_json_is_a_typed_error() {
    let executor = Executor::start(LENIENT);

    for source in ["return 10n", "const c = {}; c.c = c; return c"] {
        assert_eq!(executor.javascript(source).await.kind(), "result-not-json", "{source}");
    }
    for source in ["return {1, 2}", "return float('nan')", "a = []\na.append(a)\nreturn a", "return b'x'"] {
        assert_eq!(executor.python(source).await.kind(), "result-not-json", "{source}");
    }
    assert_eq!(
        executor.javascript("return [new Date(0), NaN]").await.value(),
        &json!(["1970-01-01T00:00:00.000Z", null])
    );
    let py = executor
        .python("import datetime, decimal\nreturn [datetime.date(2026, 1, 2), decimal.Decimal('1.10'), (1, 2)]")
        .await;
    assert_eq!(py.value(), &json!(["2026-01-02", "1.10", [1, 2]]));
}

#[tokio::test]
async fn text_that_is_no_unicode_breaks_nothing() {
    let executor = Executor::start(LENIENT);

    for source in ["throw new Error('a\\ud800b')", "console.log('a\\ud800b'); throw 'x'"] {
        assert_eq!(executor.javascript(source).await.kind(), "thrown", "{source}");
    }
    for source in ["raise ValueError('a\\ud800b')", "print('a\\ud800b')\nraise ValueError()"] {
        assert_eq!(executor.python(source).await.kind(), "thrown", "{source}");
    }
    assert_eq!(executor.javascript("return 'a\\ud800b'").await.kind(), "result-not-json");
    assert_eq!(executor.python("return 'a\\ud800b'").await.kind(), "result-not-json");
    assert_eq!(executor.javascript("return 'é😀\\\\ud800'").await.value(), "é😀\\ud800");
    assert_eq!(executor.python("return 'é😀\\\\ud800'").await.value(), "é😀\\ud800");
}

#[tokio::test]
async fn an_error_that_cannot_be_described_is_an_error_still() {
    let executor = Executor::start(LENIENT);
    let js = "throw Object.defineProperty(new Error(), 'message', { get() { throw 1 } })";
    let py = "class E(Exception):\n  def __str__(self): raise SystemExit(7)\nraise E()";

    for ended in [executor.javascript(js).await, executor.python(py).await] {
        assert_eq!(ended.kind(), "thrown");
        assert!(ended.error().message.contains("cannot be described"), "{ended:?}");
    }
}

#[tokio::test]
async fn an_endless_message_is_cut() {
    let executor = Executor::start(LENIENT);

    for ended in [
        executor.javascript("throw new Error('x'.repeat(1e8))").await,
        executor.javascript("Error.stackTraceLimit = Infinity; const f = (n) => { if (n === 0) throw new Error('x'); f(n - 1) }; f(5000)").await,
        executor.python("raise ValueError('x' * 100_000_000)").await,
        executor.python("def f(n):\n  if n == 0: raise ValueError('x')\n  f(n - 1)\nf(900)").await,
    ] {
        let error = ended.error();
        assert_eq!(error.kind, "thrown");
        assert!(error.message.len() < 20_000 && error.stack.as_ref().is_none_or(|stack| stack.len() < 20_000));
    }
}

fn expressions(id: &str, entries: &[(&str, &str)]) -> BlockSpec {
    let expressions: BTreeMap<String, String> =
        entries.iter().map(|(key, text)| ((*key).into(), (*text).into())).collect();
    BlockSpec::new(id, Work::Expressions { expressions }, CodeLimits::default())
}

#[tokio::test]
async fn expressions_are_evaluated_together_and_a_wrong_one_is_named() {
    let executor = Executor::start(LENIENT);
    let inputs = json!({"orders": {"rows": [{"total": 5}]}});

    let good = executor
        .block(
            expressions(
                "values",
                &[
                    ("amount", "orders.rows[0].total * 2"),
                    ("large", "orders.rows.length > 1"),
                    ("whole", "orders"),
                    ("none", "orders.nothing"),
                ],
            ),
            inputs.clone(),
        )
        .await;
    let thrown = executor.block(expressions("values", &[("a", "1"), ("b", "nope.rows")]), inputs.clone()).await;
    let syntax = executor.block(expressions("values", &[("b", "orders.rows[")]), inputs).await;

    assert_eq!(good.value(), &json!({"amount": 10, "large": false, "whole": {"rows": [{"total": 5}]}, "none": null}));
    assert_eq!(thrown.error().message, "{{ nope.rows }}: ReferenceError: nope is not defined");
    assert_eq!((thrown.kind(), thrown.error().line), ("thrown", Some(1)));
    assert_eq!(syntax.kind(), "syntax");
}

#[tokio::test]
async fn a_chain_hands_results_on_and_stops_at_the_first_failure() {
    let executor = Executor::start(LENIENT);
    let named = |id: &str, mut spec: BlockSpec| {
        spec.id = id.to_owned();
        spec
    };
    let blocks = vec![
        named("first", javascript("log('one'); return { n: 2 }")),
        named("second", python("return first['n'] * 21")),
        expressions("third", &[("same", "second === 42")]),
        named("fourth", javascript("throw new Error('stop')")),
        named("fifth", javascript("return 'never'")),
    ];

    let events = executor.run(&request(blocks, Value::Null)).await.unwrap();

    let results: Vec<(String, Value, bool)> = events
        .iter()
        .filter_map(|event| match event {
            RunEvent::Result(result) => Some((result.block.clone(), result.value.clone(), result.error.is_some())),
            RunEvent::Log(_) => None,
        })
        .collect();
    assert_eq!(
        results,
        [
            ("first".to_owned(), json!({"n": 2}), false),
            ("second".to_owned(), json!(42), false),
            ("third".to_owned(), json!({"same": true}), false),
            ("fourth".to_owned(), Value::Null, true),
        ]
    );
}

#[tokio::test]
async fn a_broken_prototype_breaks_only_its_own_run() {
    let executor = Executor::start(LENIENT);

    let polluted = executor
        .block(
            javascript("Object.prototype.polluted = 1; return JSON.parse('{\"__proto__\": {\"x\": 1}}')"),
            json!({"__proto__": {"y": 2}}),
        )
        .await;
    let next =
        executor.javascript("return [({}).polluted === undefined, ({}).x === undefined, ({}).y === undefined]").await;

    assert_eq!(polluted.value(), &json!({"__proto__": {"x": 1}}));
    assert_eq!(next.value(), &json!([true, true, true]));
    ended(executor.run(&request(vec![python("return 1")], Value::Null)).await.unwrap());
}
