//! Runs see nothing of one another, of the network or of the host, and leave nothing behind.

use std::fs;

use serde_json::{Value, json};

use crate::executor::{Executor, LENIENT, javascript, python, request};

#[tokio::test]
async fn two_runs_see_nothing_of_one_another() {
    let executor = Executor::start(LENIENT);
    let write =
        "import os, time\nopen('/tmp/secret', 'w').write('mine')\ntime.sleep(1)\nreturn sorted(os.listdir('/tmp'))";
    let look =
        "const fs = require('fs'); await new Promise((done) => setTimeout(done, 300)); return fs.readdirSync('/tmp')";
    let (writer, looker) = (request(vec![python(write)], Value::Null), request(vec![javascript(look)], Value::Null));

    let (written, looked) = tokio::join!(executor.run(&writer), executor.run(&looker));

    assert_eq!(crate::executor::ended(written.unwrap()).value(), &json!(["secret"]));
    assert_eq!(crate::executor::ended(looked.unwrap()).value(), &json!([]));
}

#[tokio::test]
async fn code_has_no_network_no_processes_no_host_files_and_no_environment() {
    let executor = Executor::start(LENIENT);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();

    let javascript = format!(
        "const tried = async (f) => {{ try {{ await f(); return 'worked' }} catch (e) {{ return e.code ?? e.message }} }};
         const net = require('net'), fs = require('fs'), cp = require('child_process');
         return {{
           connect: await tried(() => new Promise((y, n) => net.connect({port}, '127.0.0.1', y).on('error', n))),
           executor: await tried(() => new Promise((y, n) => net.connect({socket:?}, y).on('error', n))),
           fetch: await tried(() => fetch('http://127.0.0.1:{port}')),
           spawn: await tried(() => cp.execFileSync('/usr/bin/id')),
           shadow: await tried(() => fs.readFileSync('/etc/shadow')),
           config: await tried(() => fs.readFileSync('/etc/bulkhead/code-executor.toml')),
           write: await tried(() => fs.writeFileSync('/usr/x', '')),
           proc: await tried(() => fs.readdirSync('/proc')),
           environment: Object.keys(process.env), uid: process.getuid(),
         }}",
        socket = executor.directory.path().join("executor.sock"),
    );
    let value = executor.javascript(&javascript).await.value().clone();

    assert_eq!(value["connect"], "EPERM");
    assert_eq!(value["executor"], "EPERM");
    assert_eq!(value["fetch"], "no-capability");
    assert_eq!(value["spawn"], "EPERM");
    assert_eq!((value["shadow"].as_str(), value["config"].as_str()), (Some("ENOENT"), Some("ENOENT")));
    assert!(matches!(value["write"].as_str(), Some("EROFS" | "EACCES")), "{value}");
    assert_eq!(
        (value["proc"].as_str(), &value["environment"], &value["uid"]),
        (Some("ENOENT"), &json!([]), &json!(1000))
    );
}

#[tokio::test]
async fn code_holds_its_three_streams_and_the_channel_and_no_other_descriptor() {
    let executor = Executor::start(LENIENT);
    let source = "import os\nheld = []\nfor fd in range(128):\n  try:\n    os.fstat(fd)\n    held.append(fd)\n  except OSError: pass\nreturn held";

    assert_eq!(executor.python(source).await.value(), &json!([0, 1, 2, 3]));
}

#[tokio::test]
async fn an_attack_on_the_kernel_ends_the_run_with_that_as_its_cause() {
    let executor = Executor::start(LENIENT);
    let source = "import ctypes\nctypes.CDLL(None).syscall(272, 0x10000000)";

    assert_eq!(executor.python(source).await.kind(), "forbidden-system-call");
}

#[tokio::test]
async fn two_hundred_runs_leave_no_process_no_mount_and_no_descriptor() {
    // As few copies ready as there can be, so that their number does not change.
    let executor = Executor::start(&format!("{LENIENT}\nconcurrency = 2"));
    let pid = executor.process.id();
    executor.javascript("return 1").await;
    executor.python("return 1").await;
    // Until the daemon has tried each interpreter and every copy of a zygote that it keeps ready is there.
    let mut settled = (descendants(pid).len(), descriptors(pid), mounts(pid));
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let now = (descendants(pid).len(), descriptors(pid), mounts(pid));
        if now == settled {
            break;
        }
        settled = now;
    }

    for round in 0..200 {
        let ended =
            match round % 10 {
                0 => executor.javascript("setInterval(() => {}, 10); return 1").await,
                1 => executor.javascript("process.exit(3)").await,
                _ => executor
                    .python(
                        "import threading, time\nthreading.Thread(target=time.sleep, args=(100,)).start()\nreturn 1",
                    )
                    .await,
            };
        assert_eq!(ended.result.error.is_some(), round % 10 == 1, "{ended:?}");
    }

    let now = || (descendants(pid).len(), descriptors(pid), mounts(pid));
    for _ in 0..500 {
        let (processes, descriptors, mounts) = now();
        // The last connection may still be closing.
        if processes == settled.0 && descriptors <= settled.1 && mounts == settled.2 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{:?} processes and descriptors, {:?} before", (now().0, now().1), (settled.0, settled.1));
}

#[tokio::test]
async fn a_killed_daemon_takes_its_runs_along() {
    let mut executor = Executor::start(LENIENT);
    let long = request(vec![python("print('up')\nimport time\ntime.sleep(100)")], Value::Null);
    let mut response = executor.client.stream(http::Method::POST, "/v1/run", &long).await.unwrap();
    http_body_util::BodyExt::frame(&mut response).await.unwrap().unwrap();
    let tree = descendants(executor.process.id());
    assert!(tree.len() >= 3, "stage, PID 1 and program: {tree:?}");

    executor.process.kill().unwrap();
    executor.process.wait().unwrap();

    // A dead process that nobody has reaped yet has no arguments any more.
    let alive = |pid: &u32| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|text| !text.is_empty());
    let gone = || !tree.iter().any(alive);
    for _ in 0..200 {
        if gone() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("processes are left of {tree:?}");
}

fn descendants(pid: u32) -> Vec<u32> {
    let own: Vec<u32> = children(pid).split_whitespace().map(|child| child.parse().unwrap()).collect();
    own.iter().flat_map(|child| descendants(*child)).chain(own.iter().copied()).collect()
}

fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

fn mounts(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap()
}

fn children(pid: u32) -> String {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok()).collect()
}
