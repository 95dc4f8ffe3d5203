//! When the daemon starts, when it refuses to, and how it goes.

use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::executor::{Executor, LENIENT, command, python, request};

/// What the daemon says when it ends by itself.
fn refusal(config: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command(directory.path(), &directory.path().join("executor.sock"), config);
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

#[test]
fn an_unknown_key_and_a_wrong_value_are_named() {
    assert!(refusal("nodejs = '/usr/bin/node'").contains("nodejs"));
    assert!(refusal("node = 'node'").contains("/usr/bin/node"));
    assert!(refusal("concurrency = 0").contains("concurrency"));
}

#[test]
fn missing_cgroup_limits_are_refused_unless_the_flag_is_set() {
    if std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        // This machine has cgroup v2, but what runs this test was not delegated one.
        assert!(refusal("").contains("Delegate=cpu memory pids"));
    } else {
        assert!(refusal("").contains("allow-missing-cgroup-limits"));
    }
}

#[test]
fn root_is_refused_without_a_user_to_run_code_as() {
    if nix::unistd::geteuid().is_root() {
        assert!(refusal("allow-missing-cgroup-limits = true\nrun-as-user = 'root'").contains("run-as-user"));
    }
}

#[test]
fn started_by_hand_it_says_how_to_start_it() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_bulkhead-code-executor")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("systemctl start bulkhead-code-executor.socket"), "{said}");
}

#[tokio::test]
async fn a_drain_lets_the_running_block_end() {
    let mut executor = Executor::start(LENIENT);
    let slow = request(vec![python("import time\ntime.sleep(1.5)\nreturn 'done'")], Value::Null);
    executor.python("return 1").await;
    let client = executor.client.clone();
    let running = tokio::spawn(async move {
        use http_body_util::BodyExt;
        let response = client.stream(http::Method::POST, "/v1/run", &slow).await.unwrap();
        response.into_body().collect().await.unwrap().to_bytes()
    });
    tokio::time::sleep(Duration::from_millis(500)).await;

    kill(Pid::from_raw(executor.process.id().cast_signed()), Signal::SIGTERM).unwrap();

    let body = running.await.unwrap();
    let result: Value = serde_json::from_slice(body.trim_ascii()).unwrap();
    assert_eq!(result["value"], json!("done"));
    let begun = Instant::now();
    while executor.process.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the daemon did not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_caller_that_was_busy_for_long_meets_no_closed_connection() {
    let executor = Executor::start(LENIENT);
    executor.python("return 1").await.value();

    // On the thread that would notice the other end's goodbye, and for longer than that waits for the next request.
    std::thread::sleep(Duration::from_millis(15_500));

    assert_eq!(executor.python("return 2").await.value(), 2);
}
