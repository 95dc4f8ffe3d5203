//! A resource that hangs or is dead holds up its own queries and nobody else's.

use std::time::{Duration, Instant};

use bulkhead_rpc::connector::QueryRequest;
use futures_util::future::join_all;
use serde_json::json;
use tokio::net::TcpListener;

use crate::kit::Service;

#[tokio::test]
async fn a_resource_that_hangs_does_not_slow_another() {
    let service = Service::with(json!({
        "allow-networks": ["127.0.0.0/8"], "max-connections-per-resource": 4, "connection-wait-ms": 1500, "connect-timeout-ms": 10_000,
    }))
    .await;
    // It takes connections and never says a word.
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let mut config = service.config("anyone");
    config.port = silent.local_addr().expect("an address").port();
    let resource = service.add("silent", config, "x", false).await;
    let hanging = QueryRequest { resource, ..service.query("select 1") };
    let usual = slowest(&service).await;

    let began = Instant::now();
    let waiting = join_all((0..54).map(|_| service.run(&hanging)));
    let measured = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let text = service.metrics().await;
        for line in [
            "bulkhead_connector_connections{resource=\"silent\",environment=\"production\",state=\"in_use\"} 4",
            "bulkhead_connector_connections{resource=\"silent\",environment=\"production\",state=\"waiting\"} 50",
            "bulkhead_connector_in_flight{resource=\"silent\",environment=\"production\"} 54",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        let mut all = Vec::new();
        while began.elapsed() < Duration::from_millis(1300) {
            all.push(slowest(&service).await);
        }
        all.sort();
        all[all.len() / 2]
    };
    // Those that wait are told after the time that they may wait, and those that connect when that takes too long.
    let told = async {
        tokio::time::timeout(Duration::from_millis(2500), waiting).await.expect_err("four still connect");
    };
    let (meanwhile, ()) = tokio::join!(measured, told);
    assert!(meanwhile < usual.max(Duration::from_millis(100)) * 5, "{usual:?} became {meanwhile:?}");
    let text = service.metrics().await;
    let busy =
        "bulkhead_connector_queries_total{resource=\"silent\",environment=\"production\",code=\"resource-busy\"} 50";
    assert!(text.contains(busy), "{text}");
    assert!(
        text.contains(
            "bulkhead_connector_connection_wait_seconds_count{resource=\"silent\",environment=\"production\"} 54"
        ),
        "{text}"
    );
}

/// How long the slowest of some queries takes.
async fn slowest(service: &Service) -> Duration {
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let began = Instant::now();
        service.rows("select 1 as one").await;
        slowest = slowest.max(began.elapsed());
    }
    slowest
}

#[tokio::test]
async fn a_connection_is_counted_where_it_is() {
    let service = Service::start().await;
    service.rows("select 1 as one").await;
    let connections = |state: &str, count: i64| {
        format!(
            "bulkhead_connector_connections{{resource=\"data\",environment=\"production\",state=\"{state}\"}} {count}"
        )
    };
    // It is cleaned after the answer is out.
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let text = service.metrics().await;
        if text.contains(&connections("idle", 1)) && text.contains(&connections("in_use", 0)) {
            break;
        }
        assert!(Instant::now() < end, "{text}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let slow = service.query("select pg_sleep(0.6)");
    let (_, text) = tokio::join!(service.run(&slow), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        service.metrics().await
    });
    assert!(text.contains(&connections("idle", 0)) && text.contains(&connections("in_use", 1)), "{text}");
    assert!(text.contains("bulkhead_connector_in_flight{resource=\"data\",environment=\"production\"} 1"), "{text}");
    assert_eq!(service.problem("select nothing").await.code, "query-failed");
    let text = service.metrics().await;
    assert!(
        text.contains(
            "bulkhead_connector_queries_total{resource=\"data\",environment=\"production\",code=\"query-failed\"} 1"
        ),
        "{text}"
    );
    assert!(text.contains("bulkhead_connector_in_flight{resource=\"data\",environment=\"production\"} 0"), "{text}");
    assert!(
        text.contains("bulkhead_connector_query_seconds_count{resource=\"data\",environment=\"production\"} 3"),
        "{text}"
    );
}
