//! Runs are copies of an interpreter that has started once: what that must not change.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::attacks::Expect::{self, Errno, Killed, Prints};
use crate::attacks::{TABLE, program};
use crate::executor::{Executor, LENIENT, ended, javascript, python, request};

#[tokio::test]
async fn every_source_of_randomness_differs_from_run_to_run() {
    const RUNS: usize = 500;
    let executor = Executor::start(LENIENT);
    let in_javascript = "const crypto = require('crypto');
        return [Math.random(), Math.random(), crypto.randomUUID(), crypto.randomBytes(8).toString('hex'),
                crypto.randomInt(2 ** 47), crypto.webcrypto.getRandomValues(new Uint32Array(2)).join()].map(String)";
    let in_python = "import os, random, secrets, uuid, tempfile, ssl
return [str(random.random()), str(random.getrandbits(60)), secrets.token_hex(8), str(uuid.uuid4()), os.urandom(8).hex(),
        ssl.RAND_bytes(8).hex(), next(tempfile._get_candidate_names())]";
    let mut seen = BTreeSet::new();
    let mut drawn = 0;

    for _ in 0..RUNS {
        for spec in [javascript(in_javascript), python(in_python)] {
            let run = executor.block(spec, Value::Null).await;
            for value in run.value().as_array().unwrap() {
                drawn += 1;
                seen.insert(value.as_str().unwrap().to_owned());
            }
        }
    }

    assert_eq!((seen.len(), drawn), (drawn, RUNS * 13));
}

#[tokio::test]
async fn a_run_cannot_signal_its_zygote_or_another_run() {
    let executor = Executor::start(LENIENT);
    let long = request(vec![python("import time\ntime.sleep(1)\nreturn 'unharmed'")], Value::Null);
    let attack = python(
        "import os\nfor pid in (0, -1, 2):\n  try:\n    os.kill(pid, 9)\n  except OSError: pass\nreturn os.getpid()",
    );
    executor.python("return 1").await;
    let zygotes = zygotes(executor.process.id());

    let (long, attacked) = tokio::join!(executor.run(&long), executor.block(attack, Value::Null));

    assert_eq!(ended(long.unwrap()).value(), "unharmed");
    assert_eq!(attacked.value(), &json!(1), "a run is the first process of its namespace");
    assert_eq!(self::zygotes(executor.process.id()), zygotes);
}

#[tokio::test]
async fn a_killed_zygote_is_replaced_within_a_second() {
    let executor = Executor::start(LENIENT);
    for language in ["node", "python3"] {
        executor.javascript("return 1").await;
        executor.python("return 1").await;
        let victim = zygotes(executor.process.id()).into_iter().find(|(_, name)| name == language).unwrap().0;

        nix::sys::signal::kill(nix::unistd::Pid::from_raw(victim as i32), nix::sys::signal::Signal::SIGKILL).unwrap();
        let killed = Instant::now();
        // More than were ready, so that the last ones need a new zygote.
        for _ in 0..20 {
            assert_eq!(executor.javascript("return 1").await.value(), 1);
            assert_eq!(executor.python("return 1").await.value(), 1);
        }

        assert!(killed.elapsed() < Duration::from_secs(10), "{:?}", killed.elapsed());
        assert!(zygotes(executor.process.id()).iter().any(|(pid, name)| name == language && *pid != victim));
    }
}

#[tokio::test]
async fn a_timer_counts_from_its_own_start_and_not_from_the_zygotes() {
    let executor = Executor::start(LENIENT);
    executor.javascript("return 1").await;
    tokio::time::sleep(Duration::from_millis(500)).await;

    let source =
        "const from = Date.now(); await new Promise((done) => setTimeout(done, 200)); return Date.now() - from";
    let run = executor.javascript(source).await;

    let waited = run.value().as_u64().unwrap();
    assert!((195..2000).contains(&waited), "{waited} ms");
}

#[tokio::test]
async fn two_runs_of_javascript_share_no_pipe_and_no_socket() {
    let executor = Executor::start(LENIENT);
    let source = "const fs = require('fs'); const held = [];
        for (let fd = 0; fd < 64; fd += 1) {
          try { const { ino, mode } = fs.fstatSync(fd); if ((mode & 0o170000) === 0o010000 || (mode & 0o170000) === 0o140000) held.push(ino); } catch {}
        }
        await new Promise((done) => setTimeout(done, 300)); return held";
    let run = request(vec![javascript(source)], Value::Null);

    let (one, other) = tokio::join!(executor.run(&run), executor.run(&run));

    let numbers = |run| -> BTreeSet<u64> { serde_json::from_value(ended(run).value().clone()).unwrap() };
    let (one, other) = (numbers(one.unwrap()), numbers(other.unwrap()));
    assert!(one.len() >= 5, "{one:?}");
    assert!(one.is_disjoint(&other), "{one:?} {other:?}");
}

#[tokio::test]
async fn what_a_zygote_needs_to_set_a_run_up_the_run_has_lost() {
    let executor = Executor::start(LENIENT);
    let source = "import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
calls = {'clone3': (435, 0, 88), 'prctl': (157, 28, 0), 'capset': (126, 0, 0), 'landlock': (444, 0, 0, 1), 'seccomp': (317, 1, 0, 0),
         'setsid': (112,), 'execve': (59, 0, 0, 0)}
answers = {}
for name, arguments in calls.items():
    assert libc.syscall(*arguments) == -1, name
    answers[name] = errno.errorcode[ctypes.get_errno()]
return answers";

    let answers = executor.python(source).await;

    let refused = json!({
        "clone3": "ENOSYS", "prctl": "EPERM", "capset": "EPERM", "landlock": "EPERM", "seccomp": "EPERM", "setsid": "EPERM",
        "execve": "EPERM"
    });
    assert_eq!(answers.value(), &refused);
    let mount = "import ctypes\nctypes.CDLL(None).syscall(165, 0, 0, 0, 0, 0)";
    assert_eq!(executor.python(mount).await.kind(), "forbidden-system-call");
}

/// What differs from the table in a block: it holds its channel too, and may execute nothing.
const IN_A_BLOCK: &[(&str, Expect)] =
    &[("find an inherited descriptor", Prints("[0, 1, 2, 3]")), ("execute from the scratch directory", Errno("EPERM"))];

#[tokio::test]
async fn every_attack_from_a_fork_ends_as_the_table_says() {
    let executor = Executor::start(LENIENT);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let facts = format!("HOST_PORT = {}", listener.local_addr().unwrap().port());
    let mut wrong = Vec::new();
    for (name, code, expect) in TABLE {
        let expect = IN_A_BLOCK.iter().find(|(row, _)| row == name).map_or(expect, |(_, expect)| expect);
        let run = executor.python(&program(&facts, code)).await;
        let printed = run.texts().join("\n");
        let held = match expect {
            Errno(names) => names.split('|').any(|name| printed == format!("errno {name}")),
            Killed => run.result.error.as_ref().is_some_and(|error| error.kind == "forbidden-system-call"),
            Prints(text) => run.result.error.is_none() && printed == *text,
        };
        if !held {
            wrong.push(format!("{name}: {:?}, printed {printed:?}", run.result.error));
        }
    }
    assert!(wrong.is_empty(), "{} attacks of {}:\n{}", wrong.len(), TABLE.len(), wrong.join("\n"));
}

#[tokio::test]
async fn an_interpreter_that_cannot_be_forked_is_started_for_each_run() {
    let executor = Executor::start(&format!("{LENIENT}\nzygotes = false"));

    assert_eq!(executor.javascript("return process.pid > 1").await.value(), true);
    assert_eq!(executor.python("return 6 * 7").await.value(), 42);
}

/// Process ids and names of the interpreters that serve forks.
fn zygotes(daemon: u32) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    let mut open = vec![daemon];
    while let Some(pid) = open.pop() {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let of_threads = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        for child in of_threads.chain([children]).flat_map(|text| numbers(&text)).collect::<BTreeSet<u32>>() {
            open.push(child);
            // Its runs have its arguments too; they are its siblings, each the first of a namespace.
            let arguments = fs::read_to_string(format!("/proc/{child}/cmdline")).unwrap_or_default();
            let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
            let in_namespaces = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
            if arguments.ends_with("zygote\0") && in_namespaces.split_whitespace().count() == 2 {
                let name = arguments.split('\0').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
                found.push((child, name.to_owned()));
            }
        }
    }
    found.sort();
    found
}

fn numbers(text: &str) -> Vec<u32> {
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}
