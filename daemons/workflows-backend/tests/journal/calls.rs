//! Code that runs again, whose writes come in another order or are others than before.

use std::time::{Duration, Instant};

use bulkhead_rpc::backend::CALLS_FORGOTTEN;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::{Code, add_resource, code, port, world};

#[tokio::test(flavor = "multi_thread")]
async fn parallel_writes_that_change_places_after_a_crash_are_made_once_each() {
    let world = world().await;
    let token = world.token().await;
    let before = Code::default();
    before.call(&world, &token, "read", 0).await.unwrap();
    let first = before.at(1).call(&world, &token, "slow", 1).await.unwrap();
    // The crash came before the second write. Now that one is asked for first, with another number of reads before it.
    let after = Code::default();
    let (second, again) = tokio::join!(after.call(&world, &token, "slow", 2), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(world.effects().await, 1, "what is not known may be one that is known, with other values");
        after.at(1).call(&world, &token, "read", 0).await.unwrap();
        after.at(2).call(&world, &token, "slow", 1).await.unwrap()
    });
    assert_eq!((&again, &second.unwrap()["rows"]), (&first, &json!([{ "n": 2 }])));
    let sum = world.tables.query_one("SELECT count(*), sum(n) FROM effects", &[]).await.unwrap();
    assert_eq!((sum.get::<_, i64>(0), sum.get::<_, i64>(1)), (2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_come_or_stay_away_do_not_make_a_write_another() {
    let world = world().await;
    let token = world.token().await;
    let before = Code { in_order: true, ..Code::default() };
    for (call, query) in [(0, "read"), (1, "slow"), (2, "read"), (3, "slow")] {
        before.at(call).call(&world, &token, query, 1).await.unwrap();
    }
    let after = Code { in_order: true, ..Code::default() };
    for (call, query) in [(0, "slow"), (1, "read"), (2, "read"), (3, "slow"), (4, "slow")] {
        after.at(call).call(&world, &token, query, 1).await.unwrap();
    }
    assert_eq!(world.effects().await, 3, "the same write, wanted twice before the crash and three times after it");
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_are_the_same_at_the_same_time_are_as_many_as_are_asked_for() {
    let world = world().await;
    let token = world.token().await;
    for _ in 0..2 {
        let execution = Code::default();
        let make = |call: u32| Code { call, ..execution }.call(&world, &token, "slow", 7);
        let made = tokio::join!(make(0), make(1), make(2));
        for made in [made.0, made.1, made.2] {
            assert_eq!(made.unwrap()["affected"], 1);
        }
        assert_eq!(world.effects().await, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_this_process_has_not_seen_from_its_beginning_has_to_run_again() {
    let world = world().await;
    let token = world.token().await;
    let unknown = Code::default().at(3);
    assert_eq!(code(unknown.call(&world, &token, "slow", 1).await), CALLS_FORGOTTEN);
    // What is answered with a failure is answered.
    let known = Code::default();
    assert_eq!(code(known.call(&world, &token, "other", 1).await), "query-unknown");
    known.at(1).call(&world, &token, "slow", 1).await.unwrap();
    assert_eq!(world.effects().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_waits_for_a_resource_that_takes_no_connection_and_not_for_long() {
    let world = world().await;
    let token = world.token().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (own, to) = (listener.local_addr().unwrap().port(), port(&world.databases.1));
    add_resource(&world.api, "flaky", own, &world.databases.1, &world.seal).await;
    let refusing = tokio::spawn(async move {
        // Each is closed before the statement can be sent.
        for _ in 0..3 {
            drop(listener.accept().await.unwrap());
        }
        let (mut near, _) = listener.accept().await.unwrap();
        drop(listener);
        let mut far = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    });
    world.call(&token, "flaky", 0).await.unwrap();
    assert_eq!(world.effects().await, 1);
    // Now nobody listens there.
    refusing.abort();
    let begun = Instant::now();
    let code_of_second = Code { in_order: true, ..Code::default() };
    code_of_second.call(&world, &token, "flaky", 0).await.unwrap();
    let third = code_of_second.at(1).call(&world, &token, "flaky", 0).await;
    assert_eq!(code(third), "resource-unreachable");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(world.effects().await, 1);
}
