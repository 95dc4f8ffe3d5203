//! A real daemon, started the way systemd starts one.

mod child;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use child::{Unit, by_hand};
use nix::sys::signal::Signal;
use nix::unistd::{Uid, User};

#[test]
fn started_by_hand_it_says_how_to_start_it() {
    let output = by_hand(&["--config", "/no/such/small.toml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("systemctl start bulkhead-small.socket"), "{said}");
    assert!(said.contains("cargo xtask dev"), "{said}");
}

#[test]
fn check_config_names_file_and_key() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("small.toml");
    let path = file.to_str().expect("UTF-8");
    let check = |text: &str| {
        std::fs::write(&file, text).expect("written");
        let output = by_hand(&["--config", path, "--check-config"]);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    };
    assert_eq!(check("warm-up-ms = 1"), (Some(0), format!("{path}: ok\n")));
    for (text, key) in
        [("warm-upp-ms = 1", "warm-upp-ms"), ("warm-up-ms = 60001", "warm-up-ms"), ("peers = 3", "peers")]
    {
        let (code, said) = check(text);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(path) && said.contains(key), "{said}");
    }
}

#[test]
fn it_is_ready_when_it_says_so_and_not_before() {
    let unit = Unit::new("warm-up-ms = 700");
    let started = Instant::now();
    let daemon = unit.start();
    unit.wait_for("STATUS=warm-up: it has just started");
    let before = unit.get("control", "/readyz");
    assert_eq!(before.status, 503, "{before:?}");
    assert!(before.body.contains(r#""reason":"it has just started""#), "{before:?}");
    assert_eq!(unit.get("control", "/healthz").status, 200);
    unit.wait_for("READY=1");
    assert!(started.elapsed() >= Duration::from_millis(700));
    assert_eq!(unit.get("control", "/readyz").status, 200);
    unit.get("rpc", "/degrade");
    let degraded = unit.get("control", "/readyz");
    assert!(degraded.status == 200 && degraded.body.contains(r#""status":"degraded""#), "{degraded:?}");
    let metrics = unit.get("control", "/metrics");
    assert!(metrics.status == 200 && metrics.body.ends_with("# EOF\n"), "{metrics:?}");
    daemon.signal(Signal::SIGTERM);
    unit.wait_for("STOPPING=1");
    assert_eq!(daemon.wait(), Some(0));
}

#[test]
fn a_running_request_ends_well_after_sigterm() {
    let unit = Unit::new("");
    let daemon = unit.start_ready();
    let mut connection = unit.connect("rpc");
    std::thread::scope(|scope| {
        let request = scope.spawn(|| connection.get("/slow?ms=1500", &[]));
        std::thread::sleep(Duration::from_millis(300));
        daemon.signal(Signal::SIGTERM);
        let answer = request.join().expect("joined").expect("an answer");
        assert_eq!((answer.status, answer.body.as_str()), (200, "done"));
        assert!(answer.head.contains("connection: close"), "{answer:?}");
    });
    assert_eq!(daemon.wait(), Some(0));
}

#[test]
fn a_request_longer_than_the_drain_is_cut_off() {
    let unit = Unit::new("drain-timeout-s = 1");
    let daemon = unit.start_ready();
    let mut connection = unit.connect("rpc");
    std::thread::scope(|scope| {
        let request = scope.spawn(|| connection.get("/slow?ms=60000", &[]));
        std::thread::sleep(Duration::from_millis(300));
        let stopped = Instant::now();
        daemon.signal(Signal::SIGTERM);
        assert!(request.join().expect("joined").is_err(), "cut off");
        assert!(stopped.elapsed() < Duration::from_secs(5));
    });
    assert_eq!(daemon.wait(), Some(0));
}

#[test]
fn restarts_under_load_fail_no_request() {
    let unit = Unit::new("");
    let mut daemon = unit.start_ready();
    let (ending, answered) = (AtomicBool::new(false), AtomicU32::new(0));
    let last = std::thread::scope(|scope| {
        for worker in 0..6 {
            let (unit, ending, answered) = (&unit, &ending, &answered);
            scope.spawn(move || {
                while !ending.load(Ordering::Relaxed) {
                    let mut connection = unit.connect("rpc");
                    // Half of the clients keep their connection, half take a new one for each request.
                    while connection.open && !ending.load(Ordering::Relaxed) {
                        let answer = connection.get("/slow?ms=5", &[]).expect("no request fails");
                        assert_eq!(answer.body, "done");
                        answered.fetch_add(1, Ordering::Relaxed);
                        connection.open &= worker % 2 == 0;
                    }
                }
            });
        }
        for _ in 0..5 {
            std::thread::sleep(Duration::from_millis(300));
            daemon.signal(Signal::SIGTERM);
            assert_eq!(daemon.wait(), Some(0));
            daemon = unit.start_ready();
        }
        ending.store(true, Ordering::Relaxed);
        // Alive until the clients have ended.
        daemon
    });
    drop(last);
    assert!(answered.load(Ordering::Relaxed) > 500, "{answered:?}");
}

#[test]
fn the_watchdog_hears_a_working_runtime_and_not_a_wedged_one() {
    let mut unit = Unit::new("");
    unit.watchdog = Some(Duration::from_millis(400));
    let _daemon = unit.start_ready();
    let pings = |told: Vec<String>| told.iter().filter(|state| *state == "WATCHDOG=1").count();
    assert!((3..=8).contains(&pings(unit.told_during(Duration::from_secs(1)))), "about each 200 ms");
    let mut connection = unit.connect("rpc");
    std::thread::scope(|scope| {
        let wedged = scope.spawn(|| connection.get("/wedge?ms=1500", &[]));
        std::thread::sleep(Duration::from_millis(300));
        unit.told_during(Duration::from_millis(50));
        assert_eq!(pings(unit.told_during(Duration::from_millis(800))), 0, "wedged");
        assert_eq!(wedged.join().expect("joined").expect("an answer").status, 200);
    });
    unit.wait_for("WATCHDOG=1");
}

#[test]
fn a_panic_costs_one_request_and_not_the_daemon() {
    let unit = Unit::new("");
    let _daemon = unit.start_ready();
    assert!(unit.connect("rpc").get("/panic", &[]).is_err());
    assert_eq!(unit.get("rpc", "/").status, 200);
}

#[test]
fn a_request_keeps_the_id_that_another_daemon_gave_it() {
    let unit = Unit::new("");
    let _daemon = unit.start_ready();
    let answer = unit.connect("rpc").get("/", &["x-request-id: 0123456789abcdef"]).expect("an answer");
    assert_eq!(answer.body, "0123456789abcdef");
    assert!(answer.head.contains("x-request-id: 0123456789abcdef"), "{answer:?}");
    let answer = unit.connect("rpc").get("/", &["x-request-id: a b"]).expect("an answer");
    assert_eq!(answer.body.len(), 18, "an ill-formed id is replaced: {answer:?}");
}

#[test]
fn sighup_reaches_the_reload_hook() {
    let unit = Unit::new("");
    let daemon = unit.start_ready();
    assert_eq!(unit.get("rpc", "/reloads").body, "0");
    daemon.signal(Signal::SIGHUP);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(unit.get("rpc", "/reloads").body, "1");
}

#[test]
fn a_peer_that_is_not_named_is_refused() {
    assert!(Uid::effective().is_root(), "this test needs two users: run it as root (cargo xtask test does)");
    let nobody = User::from_name("nobody").expect("looked up").expect("exists").uid.as_raw();
    // The daemon runs as nobody; root connects.
    for (peers, admitted) in [("[]", false), (r#"["daemon"]"#, false), (r#"["root"]"#, true)] {
        let mut unit = Unit::new(&format!("peers = {peers}"));
        unit.user = Some(nobody);
        unit.open_to_all();
        let _daemon = unit.start_ready();
        let answer = unit.connect("rpc").get("/peer", &[]);
        assert_eq!(answer.is_ok(), admitted, "{peers}: {answer:?}");
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.body == "0"));
    }
}
