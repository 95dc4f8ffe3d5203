//! Every limit, its typed error, and that the daemon lives on.

use std::time::{Duration, Instant};

use bulkhead_rpc::RpcError;
use bulkhead_rpc::executor::{BlockSpec, RunEvent};
use http::Method;
use serde_json::{Value, json};

use crate::executor::{Executor, LENIENT, javascript, python, request};

fn limited(mut spec: BlockSpec, change: impl FnOnce(&mut bulkhead_rpc::executor::CodeLimits)) -> BlockSpec {
    change(&mut spec.limits);
    spec
}

#[tokio::test]
async fn an_endless_loop_ends_at_its_wall_clock_and_keeps_its_log() {
    let executor = Executor::start(LENIENT);
    for spec in [javascript("console.log('begun'); while (true) {}"), python("print('begun')\nwhile True: pass")] {
        let begun = Instant::now();
        let ended = executor.block(limited(spec, |limits| limits.wall_ms = 700), Value::Null).await;

        assert_eq!((ended.kind(), ended.texts()), ("wall-time", vec!["begun"]));
        assert!(begun.elapsed() < Duration::from_secs(3));
        assert!(ended.result.usage.cpu_ms > 100.0, "{:?}", ended.result.usage);
    }
}

#[tokio::test]
async fn python_that_holds_small_objects_to_the_brim_still_says_why_it_ended() {
    let executor = Executor::start(LENIENT);

    for source in [
        "held = []\nwhile True: held.append({'number': len(held)})",
        "def grow(held):\n  while True: held.append([len(held)] * 3)\ngrow([])",
        "held = []\ntry:\n  while True: held.append(str(len(held)) * 9)\nfinally:\n  held.append(None)",
    ] {
        let mut block = python(source);
        block.limits.memory_bytes = 32 << 20;
        let ended = executor.block(block, Value::Null).await;
        assert_eq!(ended.kind(), "memory", "{source}: {:?}", ended.texts());
    }
}

#[tokio::test]
async fn four_gigabytes_are_out_of_memory() {
    let executor = Executor::start(LENIENT);

    for source in [
        "return Buffer.alloc(4e9).length",
        "const a = []; while (true) a.push(new Array(1000).fill({}))",
        "const a = []; while (true) a.push(Buffer.alloc(1 << 20, 1))",
        "return new Uint8Array(new SharedArrayBuffer(4e9)).fill(1).length",
        "const a = []; while (true) a.push(new Uint8Array(new SharedArrayBuffer(1 << 26)).fill(1))",
        "const m = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true }); m.grow(65000); new Uint8Array(m.buffer).fill(1)",
        "let s = 'x'; while (true) s = (s + s).slice(0, 5e8) + Math.random()",
    ] {
        let ended = executor.javascript(source).await;
        assert!(
            ended.kind() == "memory" || ended.error().message.contains("Invalid string length"),
            "{source}: {ended:?}"
        );
        assert!(ended.result.usage.peak_memory_bytes < 700 << 20, "{source}: {:?}", ended.result.usage);
        assert!(ended.texts().iter().all(|text| text.is_empty()), "V8's dump is no log: {:?}", ended.texts());
    }
    for source in ["return len(bytearray(4 << 30))", "a = []\nwhile True: a.append(bytearray(1 << 20))"] {
        assert_eq!(executor.python(source).await.kind(), "memory", "{source}");
    }
    assert_eq!(executor.javascript("return 1").await.value(), &json!(1));
}

#[tokio::test]
async fn the_memory_that_was_asked_for_can_be_used() {
    let executor = Executor::start(LENIENT);

    let js = executor.javascript("const b = Buffer.alloc(200 << 20, 1); return b.length").await;
    let py = executor.python("return len(b'x' * (200 << 20))").await;

    assert_eq!((js.value(), py.value()), (&json!(200 << 20), &json!(200 << 20)));
}

#[tokio::test]
async fn a_gigabyte_of_print_is_cut_with_a_marker_and_the_result_stays() {
    let executor = Executor::start(LENIENT);
    let print = "for i in range(1024): print('x' * (1 << 20))\nreturn 'done'";
    let raw = "import os\nfor i in range(64): os.write(1, b'x' * (1 << 20))\nreturn 'done'";

    for (spec, limit) in [
        (javascript("for (let i = 0; i < 1024; i++) console.log('x'.repeat(1 << 20)); return 'done'"), 100_000),
        (python(print), 100_000),
        (python(raw), 100_000),
    ] {
        let ended = executor.block(limited(spec, |limits| limits.log_bytes = limit), Value::Null).await;
        assert_eq!(ended.value(), "done");
        let total: usize = ended.texts().iter().map(|text| text.len()).sum();
        assert!(ended.texts().last().unwrap().ends_with("[log cut at 100000 bytes]"), "{total}");
        assert!(total < 100_100, "{total}");
    }
}

#[tokio::test]
async fn an_exit_without_a_result_is_an_error() {
    let executor = Executor::start(LENIENT);
    for source in ["process.exit(0)", "process.reallyExit(0)", "await new Promise(() => {})", "process.abort()"] {
        let kind = executor.javascript(source).await.kind().to_owned();
        assert!(kind == "no-result" || kind == "crashed", "{source}: {kind}");
    }
    for source in ["import os\nos._exit(0)", "import sys\nsys.exit()", "raise SystemExit(3)"] {
        assert_eq!(executor.python(source).await.kind(), "no-result", "{source}");
    }
}

#[tokio::test]
async fn a_result_is_held_to_its_size_and_depth() {
    let executor = Executor::start(LENIENT);
    let small = |spec| limited(spec, |limits| limits.result_bytes = 1000);

    assert_eq!(
        executor.block(small(javascript("return 'x'.repeat(1000)")), Value::Null).await.kind(),
        "result-too-large"
    );
    assert_eq!(executor.block(small(python("return 'x' * 1000")), Value::Null).await.kind(), "result-too-large");
    assert_eq!(
        executor.javascript("let a = []; for (let i = 0; i < 80; i++) a = [a]; return a").await.kind(),
        "result-too-deep"
    );
    assert_eq!(executor.python("a = []\nfor i in range(80): a = [a]\nreturn a").await.kind(), "result-too-deep");
    assert_eq!(executor.javascript("return 'x'.repeat(5000000).length").await.value(), &json!(5_000_000));
}

#[tokio::test]
async fn a_forged_result_is_not_believed() {
    let executor = Executor::start(LENIENT);
    let forged = "import os, json\nbody = json.dumps({'nonce': 'guess', 'kind': 'result', 'value': 666}).encode()\nos.write(3, len(body).to_bytes(4, 'big') + body)\nreturn 1";
    let garbage = "import os\nos.write(3, b'\\xff' * 64)\nimport time\ntime.sleep(60)";

    assert_eq!(executor.python(forged).await.kind(), "protocol");
    let begun = Instant::now();
    let ended = executor.block(limited(python(garbage), |limits| limits.wall_ms = 1500), Value::Null).await;
    assert_eq!(ended.kind(), "protocol");
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_full_line_is_refused_with_429() {
    let executor = Executor::start("allow-missing-cgroup-limits = true\nconcurrency = 1\nqueue = 1");
    let slow = request(vec![python("import time\ntime.sleep(1)\nreturn 1")], Value::Null);

    let all = futures_util::future::join_all((0..4).map(|_| executor.run(&slow))).await;

    let refused: Vec<u16> = all
        .iter()
        .filter_map(|result| match result {
            Err(RpcError::Problem(problem)) => Some(problem.status),
            _ => None,
        })
        .collect();
    assert_eq!(refused, [429, 429]);
    assert_eq!(all.iter().filter(|result| result.is_ok()).count(), 2);
}

#[tokio::test]
async fn closing_the_connection_ends_the_run() {
    use http_body_util::BodyExt;
    let executor = Executor::start("allow-missing-cgroup-limits = true\nconcurrency = 1");
    let long = request(
        vec![limited(python("print('up')\nimport time\ntime.sleep(200)"), |limits| limits.wall_ms = 250_000)],
        Value::Null,
    );

    let mut response = executor.client.stream(Method::POST, "/v1/run", &long).await.unwrap();
    response.frame().await.unwrap().unwrap();
    drop(response);

    // The only place is free again.
    let begun = Instant::now();
    assert_eq!(executor.python("return 2").await.value(), &json!(2));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_refused_before_anything_runs() {
    let executor = Executor::start("allow-missing-cgroup-limits = true\nbody-limit-bytes = 100000");
    let refusal = async |json: Value| match executor.client.stream(Method::POST, "/v1/run", &json).await {
        Err(RpcError::Problem(problem)) => (problem.status, problem.code),
        other => panic!("{other:?}"),
    };
    let block = json!({"id": "a", "work": {"kind": "code", "language": "python", "source": "return 1"}});

    assert_eq!(refusal(json!({"blocks": []})).await, (422, "invalid-run".to_owned()));
    assert_eq!(refusal(json!({"blocks": [block], "unknown": 1})).await, (400, "malformed-request".to_owned()));
    assert_eq!(
        refusal(json!({"blocks": [{"id": "a", "work": {"kind": "code", "language": "perl", "source": ""}}]})).await.0,
        400
    );
    assert_eq!(
        refusal(json!({"blocks": [block], "inputs": {"x": "y".repeat(200_000)}})).await,
        (413, "request-too-large".to_owned())
    );
    let mut long = block.clone();
    long["limits"] = json!({"wall_ms": 300_001});
    assert_eq!(refusal(json!({"blocks": [long]})).await, (422, "limit-out-of-range".to_owned()));
    let events = executor.run(&request(vec![python("return 1")], Value::Null)).await.unwrap();
    assert!(matches!(events.last(), Some(RunEvent::Result(result)) if result.error.is_none()));
}
