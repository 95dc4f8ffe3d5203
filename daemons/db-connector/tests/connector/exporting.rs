//! All rows of a query as a file, from PostgreSQL. Other kinds have a test of it among theirs.

use std::time::Duration;

use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::QueryRequest;
use bulkhead_rpc::export::{ExportEnd, ExportFormat, ExportRequest};
use bytes::Bytes;
use futures_util::SinkExt;
use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::kit::Service;
use crate::streaming::rss_mib;

fn lines(file: &str) -> usize {
    file.bytes().filter(|byte| *byte == b'\n').count()
}

fn code(problem: Option<Problem>) -> String {
    problem.map(|problem| problem.code).unwrap_or_default()
}

/// Every type that CSV can carry, with what is hard to write down.
const TYPES: &str = "select * from (values
    (1, 9223372036854775807, 12345678901234567890.12345678900000, 'NaN'::numeric, 1e300::float8, 0.1::float4, true, 'a,\"b\"'::text,
     timestamptz '2024-02-29 12:00:00.123456+02', timestamp '1999-12-31 23:59:59', date '0044-03-15 BC', time '24:00', uuid '123e4567-e89b-12d3-a456-426614174000',
     '{\"a\": [1, \"x,y\"]}'::jsonb, E'{\"b\":\n \"\\\\\"\"}'::json, interval '1 mon -2 days 00:00:03.5', inet '10.0.0.1/8'),
    (2, null, null, null, null, null, null, '', null, null, null, null, null, null, null, null, null),
    (3, -1, -0.10, 0, '-Infinity', 'NaN', false, E'line\r\nbreak\t\\é\u{1F980}', timestamptz 'infinity', timestamp '-infinity', null, '00:00:00.000001', null, '\"text\"', '[]', '0', '::1'))
    as every(id, big, price, odd, twice, single, flag, name, moment, at, day, clock, token, doc, kept, span, place)";

#[tokio::test]
async fn a_file_of_csv_reads_back_as_the_rows_that_it_was_made_of() {
    let service = Service::start().await;
    service.observer.batch_execute(&format!("create table every as {TYPES}; alter table every owner to \"bulkhead-tables\"; create table back (like every)")).await.expect("made");
    for format in [ExportFormat::Csv, ExportFormat::CsvForSpreadsheets] {
        let (file, end) = service.export(&service.query("select * from every"), format).await.expect("begun");
        assert_eq!(end, Some(ExportEnd { rows: 3, error: None }));
        let file = file.strip_prefix('\u{feff}').unwrap_or(&file).to_owned();
        assert!(file.starts_with("id,big,price,odd,"), "{file}");
        let copy = service.observer.copy_in("copy back from stdin with (format csv, header)").await.expect("begun");
        let mut copy = Box::pin(copy);
        copy.send(Bytes::from(file)).await.expect("sent");
        copy.as_mut().finish().await.expect("read back");
        let differ = "select count(*) from (select e::text from every e except all select b::text from back b) differ";
        let differ: i64 = service.observer.query_one(differ, &[]).await.expect("compared").get(0);
        assert_eq!(differ, 0, "rows that are not as they were, in {format:?}");
        service.observer.batch_execute("truncate back").await.expect("emptied");
    }
}

#[tokio::test]
async fn lists_and_lines_hold_the_rows_of_the_result() {
    let service = Service::start().await;
    let rows = service.rows(TYPES).await;
    let (list, end) = service.export(&service.query(TYPES), ExportFormat::Json).await.expect("begun");
    assert_eq!(end, Some(ExportEnd { rows: 3, error: None }));
    assert_eq!(serde_json::from_str::<Vec<Value>>(&list).expect("a list"), rows);
    let (text, _) = service.export(&service.query(TYPES), ExportFormat::Ndjson).await.expect("begun");
    let read: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(read, rows);
    let none = service.query("select 1 as one where false");
    for (format, file) in [(ExportFormat::Csv, "one\r\n"), (ExportFormat::Json, "[]\n"), (ExportFormat::Ndjson, "")] {
        assert_eq!(
            service.export(&none, format).await.expect("begun"),
            (file.to_owned(), Some(ExportEnd { rows: 0, error: None }))
        );
    }
}

/// The limits of a query are those of its results.
#[tokio::test]
async fn a_million_rows_leave_in_flat_memory() {
    let service = Service::start().await;
    service.rows("select 1").await;
    let limits = QueryLimits { max_rows: 10, max_bytes: 100_000, timeout_ms: 1 };
    let query = QueryRequest {
        limits,
        ..service.query("select generate_series(1, 1000000) as id, 'a name of some length' as name, 12.50 as price")
    };
    for format in [ExportFormat::Csv, ExportFormat::Json] {
        let before = rss_mib();
        let request = ExportRequest { query: query.clone(), format };
        let mut body = service.client.stream(Method::POST, "/v1/export", &request).await.expect("begun").into_body();
        let (mut rows, mut most, mut end) = (0, 0, None);
        while let Some(frame) = body.frame().await {
            match frame.expect("whole").into_data() {
                Ok(data) => rows += data.iter().filter(|byte| **byte == b'\n').count(),
                Err(frame) => end = frame.trailers_ref().and_then(ExportEnd::from_trailers),
            }
            most = most.max(rss_mib());
        }
        assert_eq!(end, Some(ExportEnd { rows: 1_000_000, error: None }));
        assert_eq!(rows, if format == ExportFormat::Csv { 1_000_001 } else { 1_000_002 });
        assert!(most <= before + 64, "{before} MiB grew to {most} MiB");
    }
}

#[tokio::test]
async fn more_rows_than_an_administrator_allows_are_told() {
    let service = Service::with(json!({ "allow-networks": ["127.0.0.0/8"], "export-rows": 5000 })).await;
    let many = service
        .query("select g as id, repeat('x', 100) as x from generate_series(1, 1000000) g, pg_sleep(0) as capped");
    let (file, end) = service.export(&many, ExportFormat::Json).await.expect("begun");
    let end = end.expect("an end");
    assert_eq!((end.rows, code(end.error.clone())), (5000, "export-too-long".to_owned()));
    let detail = end.error.expect("an error").detail;
    assert!(detail.contains("5000 rows") && detail.contains("export-rows"), "{detail}");
    assert!(serde_json::from_str::<Value>(&file).is_err(), "the list is not closed");
    service.until_running("%capped%", 0).await;
    let exact = service.query("select generate_series(1, 5000) as id");
    let (file, end) = service.export(&exact, ExportFormat::Csv).await.expect("begun");
    assert_eq!((lines(&file), end), (5001, Some(ExportEnd { rows: 5000, error: None })));
    // So short a cap that nothing has left yet: the answer itself is the error.
    let service = Service::with(json!({ "allow-networks": ["127.0.0.0/8"], "export-rows": 2 })).await;
    let problem =
        service.export(&service.query("select generate_series(1, 3)"), ExportFormat::Csv).await.expect_err("refused");
    assert_eq!((problem.status, problem.code.as_str()), (422, "export-too-long"));
}

#[tokio::test]
async fn what_fails_among_the_rows_is_told_behind_them() {
    let service = Service::start().await;
    let fails = service.query("select g, 1 / (60000 - g) as x from generate_series(1, 100000) g");
    let (file, end) = service.export(&fails, ExportFormat::Ndjson).await.expect("begun");
    let end = end.expect("an end");
    assert_eq!((end.rows as usize, code(end.error)), (lines(&file), "query-failed".to_owned()));
    assert_eq!(end.rows, 59_999);
    // Before the first row it is an error as that of a run.
    let wrong = service.export(&service.query("select nothing"), ExportFormat::Csv).await.expect_err("refused");
    assert_eq!((wrong.code.as_str(), wrong.position), ("query-failed", Some(8)));
    // A server that is gone.
    let slow =
        service.query("select pg_sleep(0.001), repeat('x', 1000) as x, 'cut off' as y from generate_series(1, 100000)");
    let export = service.export(&slow, ExportFormat::Csv);
    let strike = async {
        service.until_running("%cut off%", 1).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let kill = "select pg_terminate_backend(pid) from pg_stat_activity where query like '%cut off%' and pid <> pg_backend_pid()";
        service.observer.query(kill, &[]).await.expect("struck");
    };
    let (told, ()) = tokio::join!(export, strike);
    assert_eq!(code(told.expect("begun").1.expect("an end").error), "resource-lost");
}

#[tokio::test]
async fn an_export_that_takes_too_long_or_is_left_is_stopped_on_the_server() {
    let service = Service::with(json!({ "allow-networks": ["127.0.0.0/8"], "export-timeout-s": 1 })).await;
    let slow = service
        .query("select pg_sleep(0.001), repeat('x', 1000) as x, 'late one' as y from generate_series(1, 100000)");
    let end = service.export(&slow, ExportFormat::Csv).await.expect("begun").1.expect("an end");
    assert_eq!(code(end.error), "export-timeout");
    service.until_running("%late one%", 0).await;
    let service = Service::start().await;
    let request = ExportRequest { query: slow, format: ExportFormat::Csv };
    let request = ExportRequest { query: QueryRequest { resource: service.resource, ..request.query }, ..request };
    let mut body = service.client.stream(Method::POST, "/v1/export", &request).await.expect("begun").into_body();
    body.frame().await.expect("a frame").expect("read");
    service.until_running("%late one%", 1).await;
    drop(body);
    service.until_running("%late one%", 0).await;
}

#[tokio::test]
async fn only_reads_are_exported_and_only_where_that_is_on() {
    let service = Service::start().await;
    let write = QueryRequest { mode: QueryMode::Write, ..service.query("select 1") };
    let list = QueryRequest { before: vec!["select 1".to_owned()], ..service.query("select 1") };
    for query in [write, list] {
        let problem = service.export(&query, ExportFormat::Csv).await.expect_err("refused");
        assert_eq!((problem.status, problem.code.as_str()), (422, "export-writes"));
    }
    let hidden =
        service.export(&service.query("delete from t returning 1"), ExportFormat::Csv).await.expect_err("refused");
    assert_eq!(hidden.code, "statement-unsupported");
    let rest = service.add_any(json!({ "kind": "rest", "url": "http://127.0.0.1:1/" }), None).await;
    let ask = service.operation(rest, json!({ "do": "request", "method": "GET", "path": "/x" }), json!({}));
    let problem = service.export(&ask, ExportFormat::Json).await.expect_err("refused");
    assert_eq!((problem.status, problem.code.as_str()), (422, "export-unsupported"));
    let off = Service::with(json!({ "allow-networks": ["127.0.0.0/8"], "export-rows": 0 })).await;
    let problem = off.export(&off.query("select 1"), ExportFormat::Csv).await.expect_err("refused");
    assert_eq!((problem.status, problem.code.as_str()), (403, "export-off"));
}

#[tokio::test]
async fn so_many_exports_at_once_and_no_more() {
    let service =
        Service::with(json!({ "allow-networks": ["127.0.0.0/8"], "max-exports": 1, "connection-wait-ms": 100 })).await;
    let request =
        ExportRequest { query: service.query("select pg_sleep(60), 'holds it' as x"), format: ExportFormat::Csv };
    let client = service.client.clone();
    let first = tokio::spawn(async move { client.stream(Method::POST, "/v1/export", &request).await.map(drop) });
    service.until_running("%holds it%", 1).await;
    let problem = service.export(&service.query("select 1"), ExportFormat::Csv).await.expect_err("refused");
    assert_eq!((problem.status, problem.code.as_str()), (503, "exports-busy"));
    // A query is not held up by it.
    service.rows("select 1").await;
    first.abort();
    service.until_running("%holds it%", 0).await;
    service.export(&service.query("select 1"), ExportFormat::Csv).await.expect("there is room again");
}
