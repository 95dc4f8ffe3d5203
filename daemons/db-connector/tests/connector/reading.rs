//! What a read may do: nothing but read.

use bulkhead_model::query::QueryLimits;
use bulkhead_rpc::connector::QueryRequest;
use serde_json::json;

use crate::kit::Service;

#[tokio::test]
async fn a_read_cannot_change_anything() {
    let service = Service::start().await;
    service.write("create table t (id int)").await.expect("made");
    service
        .write("create function sneak() returns int language sql as 'insert into t values (1) returning id'")
        .await
        .expect("made");
    let attempts = [
        "insert into t values (1)",
        "with added as (insert into t values (1) returning id) select * from added",
        "select sneak()",
        "create table u (id int)",
        "truncate t",
        "select set_config('transaction_read_only', 'off', false), sneak()",
        "do $$ begin set transaction read write; insert into t values (1); end $$",
        "select 1; insert into t values (1)",
        "commit; insert into t values (1)",
        "set role postgres",
        "/* hidden */ copy t to program 'true'",
        "call whatever()",
    ];
    for attempt in attempts {
        let problem = service.problem(attempt).await;
        assert_eq!(problem.status, 422, "{attempt}: {problem:?}");
    }
    assert_eq!(service.rows("select count(*) from t").await, [json!({ "count": 0 })]);
    let problem = service.problem("insert into t values (1)").await;
    assert!(problem.detail.contains("mode to \"write\""), "{}", problem.detail);
    assert_eq!(problem.sqlstate.as_deref(), Some("25006"));
}

#[tokio::test]
async fn the_row_cap_cuts_and_says_so() {
    let service = Service::start().await;
    let limits = QueryLimits { max_rows: 3, ..QueryLimits::default() };
    let query = |statement| QueryRequest { limits, ..service.query(statement) };
    let exact = service.run(&query("select generate_series(1, 3)")).await.expect("runs");
    assert_eq!((exact.row_count, exact.truncated, exact.end), (3, false, true));
    // The server would go on for minutes: it is stopped.
    let endless = "select generate_series(1, 2000000000) as endless";
    let cut = service.run(&query(endless)).await.expect("runs");
    assert_eq!((cut.row_count, cut.truncated, cut.end), (3, true, true));
    service.until_running("%as endless%", 0).await;
    // The connection that was stopped serves again, unharmed.
    for _ in 0..20 {
        let cut = service.run(&query(endless)).await.expect("runs");
        assert!(cut.truncated);
        assert_eq!(service.rows("select 1 as one").await, [json!({ "one": 1 })]);
    }
}

#[tokio::test]
async fn the_byte_cap_is_an_error() {
    let service = Service::start().await;
    let limits = QueryLimits { max_bytes: 10_000, ..QueryLimits::default() };
    let small = QueryRequest { limits, ..service.query("select repeat('x', 1000) as x from generate_series(1, 5)") };
    assert!(service.run(&small).await.expect("fits").end);
    let large = QueryRequest { limits, ..service.query("select repeat('x', 1000) as x from generate_series(1, 50)") };
    let problem = service.run(&large).await.expect_err("too large");
    assert_eq!((problem.status, problem.code.as_str()), (422, "result-too-large"));
    // Found out after the first chunk is on its way: the body says so at its end.
    let limits = QueryLimits { max_bytes: 200_000, ..QueryLimits::default() };
    let larger =
        QueryRequest { limits, ..service.query("select repeat('x', 1000) as x from generate_series(1, 5000)") };
    let result = service.run(&larger).await.expect("begins");
    assert!(!result.end);
    assert_eq!(result.error.expect("said").code, "result-too-large");
}

#[tokio::test]
async fn a_slow_statement_is_cancelled_on_the_server() {
    let service = Service::start().await;
    let limits = QueryLimits { timeout_ms: 300, ..QueryLimits::default() };
    let slow = QueryRequest { limits, ..service.query("select pg_sleep(60), 'slow one' as name") };
    let problem = service.run(&slow).await.expect_err("too slow");
    assert_eq!((problem.status, problem.code.as_str()), (504, "query-timeout"));
    assert!(problem.detail.contains("300 ms"), "{}", problem.detail);
    service.until_running("%slow one%", 0).await;
    // The next statement has its own timeout again.
    assert_eq!(service.rows("select current_setting('statement_timeout') as t").await, [json!({ "t": "10s" })]);
}

#[tokio::test]
async fn an_error_shows_its_place_in_what_the_person_wrote() {
    let service = Service::start().await;
    service.write("create table t (id int, name text)").await.expect("made");
    let statement = "select 'é', {{ a }}::text, nmae from t where id = {{ b }}";
    let mut query = service.query(statement);
    query.parameters = [("a".to_owned(), json!("x")), ("b".to_owned(), json!(1))].into();
    let problem = service.run(&query).await.expect_err("wrong");
    assert_eq!((problem.status, problem.code.as_str()), (422, "query-failed"));
    assert_eq!(problem.sqlstate.as_deref(), Some("42703"));
    let position = problem.position.expect("a place") as usize;
    assert_eq!(statement.chars().skip(position - 1).take(4).collect::<String>(), "nmae");
    assert!(problem.detail.contains("Perhaps you meant to reference the column \"t.name\""), "{}", problem.detail);
}
