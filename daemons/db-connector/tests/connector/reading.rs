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
    assert_eq!(problem.code, "statement-unsupported");
}

#[tokio::test]
async fn what_would_outlive_the_transaction_of_a_read_is_refused_before_it_runs() {
    let service = superuser().await;
    service.write("create extension if not exists dblink").await.expect("there");
    service.write("create table t (id int)").await.expect("made");
    service.write("create sequence s").await.expect("made");
    let connection = format!("host=127.0.0.1 port={} dbname={} user=postgres", service.port, service.data.name());
    let file = std::env::temp_dir().join(format!("bulkhead-export-{}", service.port));
    let attempts = [
        format!("select dblink_exec('{connection}', 'insert into t values (1)')"),
        format!("select * from dblink('{connection}', 'insert into t values (1) returning id') as t(id int)"),
        "select pg_read_file('/etc/passwd')".to_owned(),
        "select lo_from_bytea(4711, 'x')".to_owned(),
        format!("select lo_export(4711, '{}')", file.display()),
        "select query_to_xml('select setval(''s'', 9)', true, true, '')".to_owned(),
        "select set_config('role', 'bulkhead-tables', false)".to_owned(),
        "select set_config('session_authorization', 'bulkhead-tables', true)".to_owned(),
        "select set_config('transaction_read_only', 'off', true)".to_owned(),
        "select set_config('default_transaction_read_only', 'off', false)".to_owned(),
        "select set_config(concat('transaction', '_read_only'), 'off', true)".to_owned(),
        "select pg_terminate_backend(pg_backend_pid())".to_owned(),
        "select setval('s', 9)".to_owned(),
        "select 1 as id into u".to_owned(),
        "create table u as select 1".to_owned(),
        "explain analyze insert into t values (1)".to_owned(),
        "select * from t for update".to_owned(),
        "set session authorization \"bulkhead-tables\"".to_owned(),
        "reset role".to_owned(),
        "copy t from program 'id'".to_owned(),
        "with x as (delete from t returning id) select count(*) from x".to_owned(),
        "select 1; select 2".to_owned(),
        "lock table t".to_owned(),
        "checkpoint".to_owned(),
    ];
    for attempt in &attempts {
        let problem = service.problem(attempt).await;
        assert_eq!((problem.status, problem.code.as_str()), (422, "statement-unsupported"), "{attempt}: {problem:?}");
    }
    assert_eq!(service.rows("select count(*) from t").await, [json!({ "count": 0 })]);
    assert_eq!(service.rows("select is_called from s").await, [json!({ "is_called": false })]);
    assert!(!file.exists());
}

#[tokio::test]
async fn a_function_cannot_open_the_transaction_of_a_read() {
    let service = superuser().await;
    service.write("create table t (id int)").await.expect("made");
    for (name, how) in [
        ("by_set", "set transaction read write"),
        ("by_setting", "perform set_config('transaction_read_only', 'off', true)"),
        ("by_setting_for_good", "perform set_config('transaction_read_only', 'off', false)"),
        ("by_default", "set default_transaction_read_only = off"),
        ("by_text", "execute 'set transaction_read_only = off'"),
        ("by_block", "begin set transaction read write; exception when others then null; end"),
        ("by_commit", "commit"),
        ("by_nothing", "null"),
    ] {
        let body = format!("begin {how}; insert into t values (1); return 1; end");
        service
            .write(&format!("create function {name}() returns int language plpgsql as $$ {body} $$"))
            .await
            .expect("made");
        for attempt in
            [format!("select {name}()"), format!("values ({name}())"), format!("explain analyze select {name}()")]
        {
            let problem = service.problem(&attempt).await;
            assert_eq!((problem.status, problem.code.as_str()), (422, "query-failed"), "{attempt}: {problem:?}");
        }
    }
    // A role that a function takes is left with the read.
    service
        .write("create function other() returns text language plpgsql as $$ begin perform set_config('role', 'bulkhead-tables', false); return current_user; end $$")
        .await
        .expect("made");
    assert_eq!(service.rows("select other() as name").await, [json!({ "name": "bulkhead-tables" })]);
    assert_eq!(service.rows("select current_user::text as name").await, [json!({ "name": "postgres" })]);
    assert_eq!(service.rows("select count(*) from t").await, [json!({ "count": 0 })]);
}

#[tokio::test]
async fn texts_are_read_as_the_server_reads_them() {
    let service = superuser().await;
    let database = service.data.name();
    service
        .observer
        .batch_execute(&format!("alter database {database} set standard_conforming_strings = off"))
        .await
        .expect("set");
    // As older servers read it, the text would end later and the rest be another.
    assert_eq!(service.rows(r"select 'a\' as text, 'b' as other").await, [json!({ "text": "a\\", "other": "b" })]);
    service.write("select 1").await.expect("runs");
    assert_eq!(service.rows(r"select 'a\' as text, 'b' as other").await, [json!({ "text": "a\\", "other": "b" })]);
}

/// One connection whose role may do anything, so that the read alone is what holds it back.
async fn superuser() -> Service {
    let settings = json!({ "allow-networks": ["127.0.0.0/8"], "max-connections-per-resource": 1 });
    let mut service = Service::with(settings).await;
    service.resource = service.add("all", service.config("postgres"), "any", false).await;
    service
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
