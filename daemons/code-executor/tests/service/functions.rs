//! Functions of a workflow, called from its code.

use bulkhead_model::workflow::Language;
use bulkhead_rpc::backend::CallAsk;
use bulkhead_rpc::executor::{BlockSpec, CodeLimits, Work};
use serde_json::{Value, json};

use crate::backend::{run_with_token, serve_backend};
use crate::executor::{Executor, LENIENT};

fn calling(language: Language, source: &str, functions: &Value) -> BlockSpec {
    let functions = serde_json::from_value(functions.clone()).unwrap();
    let work = Work::Code { language, source: source.to_owned(), functions };
    BlockSpec::new("block", work, CodeLimits::default())
}

/// `double` is a query that the backend of these tests has.
fn javascript() -> Value {
    json!({
        "gross": { "kind": "code", "parameters": ["net", "rate"], "source": "const factor = 1 + rate;\nreturn net * factor" },
        "twice": { "kind": "code", "parameters": ["n"], "source": "const { rows } = await functions.double({ n });\nreturn rows[0].n" },
        "fails": { "kind": "code", "parameters": [], "source": "await null;\n\nthrow new RangeError('too far')" },
        "double": { "kind": "query", "parameters": ["n"] },
        "gone": { "kind": "query", "parameters": [] },
        "blind": { "kind": "code", "parameters": [], "source": "return [typeof inputs, typeof order]" },
    })
}

fn python() -> Value {
    json!({
        "gross": { "kind": "code", "parameters": ["net", "rate"], "source": "factor = 1 + rate\nreturn net * factor" },
        "twice": { "kind": "code", "parameters": ["n"], "source": "return functions.double(n=n)['rows'][0]['n']" },
        "round": { "kind": "code", "parameters": ["n"], "source": "return round(n, 1)" },
        "later": { "kind": "code", "parameters": [], "source": "import asyncio\nawait asyncio.sleep(0)\nreturn 'later'" },
        "fails": { "kind": "code", "parameters": [], "source": "\n\nraise IndexError('too far')" },
        "double": { "kind": "query", "parameters": ["n"] },
        "gone": { "kind": "query", "parameters": [] },
        "blind": { "kind": "code", "parameters": [], "source": "return ['inputs' in globals(), 'order' in globals()]" },
    })
}

#[tokio::test]
async fn functions_are_called_with_their_parameters_and_call_one_another() {
    let executor = Executor::start(LENIENT);
    let seen = serve_backend(&executor);

    let source = "return [await functions.gross({ net: 2, rate: 0.5 }), await functions.twice({ n: 4 }), (await query('double', { n: 1 })).rows[0].n]";
    let js = run_with_token(&executor, calling(Language::Javascript, source, &javascript())).await;
    let source = "return [functions.gross(net=2, rate=0.5), functions.twice(n=4), await functions.later(), functions.round(n=1.26)]";
    let py = run_with_token(&executor, calling(Language::Python, source, &python())).await;

    assert_eq!((js.value(), py.value()), (&json!([3, 8, 2]), &json!([3.0, 8, "later", 1.3])));
    let seen = seen.lock().unwrap();
    let asked = seen.iter().map(|(_, call)| match &call.ask {
        CallAsk::Query { query, parameters } => {
            (call.block.as_str(), call.call, query.as_str(), parameters["n"].clone())
        }
        CallAsk::Fetch { .. } => panic!("a request"),
    });
    // Those of functions are the block's own, in its order.
    let wanted = [("block", 0, "double", json!(4)), ("block", 1, "double", json!(1)), ("block", 0, "double", json!(4))];
    assert_eq!(asked.collect::<Vec<_>>(), wanted);
}

#[tokio::test]
async fn a_function_sees_nothing_of_the_block() {
    let executor = Executor::start(LENIENT);
    for (language, source, functions, found) in [
        (Language::Javascript, "return functions.blind()", javascript(), json!(["undefined", "undefined"])),
        (Language::Python, "return functions.blind()", python(), json!([false, false])),
    ] {
        let ended = executor.block(calling(language, source, &functions), json!({ "order": 1 })).await;
        assert_eq!(ended.value(), &found);
    }
}

#[tokio::test]
async fn an_error_names_the_function_and_its_line_and_has_the_place_of_the_call() {
    let executor = Executor::start(LENIENT);
    serve_backend(&executor);
    let syntax = json!({ "broken": { "kind": "code", "parameters": [], "source": "1\nif (" } });
    for (language, source, functions, kind, message) in [
        (
            Language::Javascript,
            "\nawait functions.fails()",
            javascript(),
            "thrown",
            "function `fails`, line 3: RangeError: too far",
        ),
        (Language::Python, "\nfunctions.fails()", python(), "thrown", "function `fails`, line 3: IndexError: too far"),
        (
            Language::Javascript,
            "\nawait functions.gone()",
            javascript(),
            "query-failed",
            "function `gone`: QueryError: there is no query",
        ),
        (
            Language::Python,
            "\nfunctions.gone()",
            python(),
            "query-failed",
            "function `gone`: QueryError: there is no query",
        ),
        (
            Language::Javascript,
            "\nawait functions.broken()",
            syntax.clone(),
            "syntax",
            "function `broken`, line 2: SyntaxError",
        ),
        (Language::Python, "\nfunctions.broken()", syntax, "syntax", "function `broken`, line 2: SyntaxError"),
    ] {
        let error = run_with_token(&executor, calling(language, source, &functions)).await.error().clone();
        assert_eq!(error.kind, kind, "{source}: {error:?}");
        assert!(error.message.starts_with(message), "{source}: {error:?}");
        if kind != "syntax" {
            assert_eq!(error.line, Some(2), "{source}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_function_that_does_not_compile_fails_who_calls_it_and_not_who_mentions_it() {
    let executor = Executor::start(LENIENT);
    for (language, sound, broken) in [
        (
            Language::Javascript,
            "// Not functions.broken().\nreturn [await functions.sound(), 'functions.broken()']",
            "await null;\nreturn functions.broken()",
        ),
        (
            Language::Python,
            "# Not functions.broken().\nreturn [functions.sound(), 'functions.broken()']",
            "x = 1\nreturn functions.broken()",
        ),
    ] {
        let functions = json!({
            "broken": { "kind": "code", "parameters": [], "source": "1\nif (" },
            "sound": { "kind": "code", "parameters": [], "source": "return 7" },
        });
        let mentions = executor.block(calling(language, sound, &functions), Value::Null).await;
        assert_eq!(mentions.value(), &json!([7, "functions.broken()"]));
        let calls = executor.block(calling(language, broken, &functions), Value::Null).await;
        let error = calls.error();
        assert_eq!(error.kind, "syntax", "{error:?}");
        assert!(error.message.starts_with("function `broken`, line 2: SyntaxError"), "{error:?}");
    }
}

#[tokio::test]
async fn a_wrong_call_says_what_is_right() {
    let executor = Executor::start(LENIENT);
    for (source, message) in [
        (
            "functions.gross(2, 0.5)",
            "TypeError: functions.gross takes its parameters by their names: functions.gross({ net, rate })",
        ),
        (
            "functions.gross({ net: 2 })",
            "TypeError: functions.gross needs `rate`, which is undefined; give null for nothing",
        ),
        ("functions.gross({ net: 2, rate: 1, tax: 1 })", "TypeError: functions.gross has no parameter `tax`"),
        ("functions.grosss({})", "TypeError: functions.grosss: the workflow has no such function for JavaScript"),
    ] {
        let ended = executor.block(calling(Language::Javascript, source, &javascript()), Value::Null).await;
        assert!(ended.error().message.starts_with(message), "{source}: {:?}", ended.error());
        assert_eq!(ended.error().line, Some(1), "{:?}", ended.error());
    }
    for (source, message) in [
        ("functions.gross(net=2)", "TypeError: gross() missing 1 required positional argument: 'rate'"),
        ("functions.double(m=2)", "TypeError: double() got an unexpected keyword argument 'm'"),
        ("functions.grosss()", "AttributeError: functions.grosss: the workflow has no such function for Python"),
    ] {
        let ended = executor.block(calling(Language::Python, source, &python()), Value::Null).await;
        assert!(ended.error().message.starts_with(message), "{source}: {:?}", ended.error());
    }
    // Of a zygote nothing is left over, and code without functions has none.
    let none = executor.javascript("return typeof functions").await;
    assert_eq!(none.value(), "undefined");
}
