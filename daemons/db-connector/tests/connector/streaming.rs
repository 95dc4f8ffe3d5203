//! Large results, and readers that leave.

use std::time::Duration;

use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_rpc::connector::QueryRequest;
use http::Method;
use http_body_util::BodyExt;

use crate::kit::Service;

pub(crate) fn rss_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("readable");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("told");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") / 1024
}

/// 100,000 rows of half a kilobyte.
fn large(service: &Service) -> QueryRequest {
    let limits = QueryLimits { max_rows: 100_000, max_bytes: 64 * 1024 * 1024, ..QueryLimits::default() };
    QueryRequest { limits, ..service.query("select g as id, repeat('x', 500) as x from generate_series(1, 100000) g") }
}

#[tokio::test]
async fn a_large_result_is_never_held_whole() {
    let service = Service::start().await;
    service.rows("select 1").await;
    let before = rss_mib();
    let response = service.client.stream(Method::POST, "/v1/query", &large(&service)).await.expect("answered");
    let mut body = response.into_body();
    let (mut bytes, mut most, mut last) = (0, 0, Vec::new());
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.expect("whole").into_data() {
            bytes += data.len();
            last = data.to_vec();
        }
        most = most.max(rss_mib());
    }
    assert!(bytes > 50_000_000, "{bytes} bytes");
    assert!(String::from_utf8_lossy(&last).ends_with("\"end\":true}"));
    assert!(most <= before + 32, "{before} MiB grew to {most} MiB");
}

#[tokio::test]
async fn a_reader_that_stops_reading_holds_back_the_database() {
    let service = Service::start().await;
    service.rows("select 1").await;
    let before = rss_mib();
    let response = service.client.stream(Method::POST, "/v1/query", &large(&service)).await.expect("answered");
    let mut body = response.into_body();
    body.frame().await.expect("a frame").expect("read");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(rss_mib() <= before + 32, "{before} MiB grew to {} MiB", rss_mib());
    drop(body);
    service.until_running("%repeat('x', 500)%", 0).await;
}

#[tokio::test]
async fn a_reader_that_leaves_stops_the_statement_on_the_server() {
    let service = Service::start().await;
    // Before the first row, between rows, and in a write, which is undone.
    for (mode, statement) in [
        (QueryMode::Read, "select pg_sleep(60), 'left one' as name"),
        (
            QueryMode::Read,
            "select pg_sleep(0.001), repeat('x', 1000), 'left two' as name from generate_series(1, 100000)",
        ),
        (QueryMode::Write, "select pg_sleep(60), 'left three' as name"),
    ] {
        let request = QueryRequest { mode, ..service.query(statement) };
        let client = service.client.clone();
        let reading = tokio::spawn(async move {
            let mut body = client.stream(Method::POST, "/v1/query", &request).await.expect("answered").into_body();
            while body.frame().await.is_some() {}
        });
        service.until_running("%left %", 1).await;
        reading.abort();
        service.until_running("%left %", 0).await;
    }
}
