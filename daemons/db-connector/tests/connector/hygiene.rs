//! A pooled connection passes nothing on from one query to the next.

use serde_json::json;

use crate::kit::Service;

/// One connection, so that each query meets what the one before left.
async fn one_connection() -> Service {
    Service::with(json!({ "allow-networks": ["127.0.0.0/8"], "max-connections-per-resource": 1 })).await
}

#[tokio::test]
async fn settings_roles_locks_and_temporary_tables_do_not_stay() {
    let service = one_connection().await;
    let before = service.rows("select pg_backend_pid() as pid").await;
    service.rows("select set_config('search_path', 'pg_catalog', false)").await;
    service.rows("select pg_advisory_lock(42)").await;
    service
        .write("select set_config('application_name', 'mine', false), set_config('my.own', 'x', false)")
        .await
        .expect("runs");
    service.write("select set_config('role', 'pg_monitor', false)").await.expect_err("not a member");
    service.write("select pg_advisory_lock(43)").await.expect("runs");
    service.write("create temporary table left_behind (id int)").await.expect("made");
    service.write("do $$ begin set statement_timeout = 1; end $$").await.expect("runs");
    let state = service
        .rows(
            "select pg_backend_pid() as pid, current_setting('search_path') like '%public%' as path,
               current_setting('application_name') as name, current_setting('my.own', true) as own,
               current_setting('statement_timeout') as timeout, current_user = session_user as self,
               to_regclass('pg_temp.left_behind') is null as gone,
               (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks",
        )
        .await;
    let pid = before[0]["pid"].clone();
    // A setting of one's own reads as empty once it was reset.
    let expected = json!({ "pid": pid, "path": true, "name": "bulkhead", "own": "", "timeout": "10s", "self": true,
        "gone": true, "locks": 0 });
    assert_eq!(state, [expected]);
}

#[tokio::test]
async fn a_failed_statement_leaves_a_connection_that_works() {
    let service = one_connection().await;
    let before = service.rows("select pg_backend_pid() as pid").await;
    for wrong in ["select 1 / 0", "select nothing", "not sql", "insert into nowhere values (1)"] {
        service.problem(wrong).await;
        service.write(wrong).await.expect_err("wrong");
    }
    assert_eq!(service.rows("select pg_backend_pid() as pid").await, before);
}

#[tokio::test]
async fn a_prepared_statement_follows_a_change_of_its_table() {
    let service = one_connection().await;
    service.write("create table t (id int)").await.expect("made");
    service.write("insert into t values (1)").await.expect("written");
    assert_eq!(service.rows("select * from t").await, [json!({ "id": 1 })]);
    service.write("alter table t add column name text default 'x'").await.expect("changed");
    assert_eq!(service.rows("select * from t").await, [json!({ "id": 1, "name": "x" })]);
}

#[tokio::test]
async fn a_query_waits_for_a_connection_and_no_longer_than_it_may() {
    let service = Service::with(json!({
        "allow-networks": ["127.0.0.0/8"], "max-connections-per-resource": 1, "connection-wait-ms": 300,
    }))
    .await;
    let short = service.query("select pg_sleep(0.1)");
    let (first, second) = tokio::join!(service.run(&short), service.run(&short));
    assert!(first.is_ok() && second.is_ok());
    let long = service.query("select pg_sleep(1)");
    let (first, second) = tokio::join!(service.run(&long), service.run(&long));
    let busy = first.err().or(second.err()).expect("one waited too long");
    assert_eq!((busy.status, busy.code.as_str()), (503, "resource-busy"));
}
