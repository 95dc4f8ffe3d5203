//! What a write does: all of it, once, or nothing.

use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_rpc::connector::QueryRequest;
use serde_json::json;

use crate::kit::Service;

#[tokio::test]
async fn a_write_tells_what_it_changed() {
    let service = Service::start().await;
    service.write("create table t (id int primary key, name text)").await.expect("made");
    let added = service.write("insert into t select g, 'n' || g from generate_series(1, 5) g").await.expect("written");
    assert_eq!((added.affected, added.row_count, added.end), (Some(5), 0, true));
    let changed = service.write("update t set name = 'x' where id > 3 returning id, name").await.expect("written");
    assert_eq!((changed.affected, changed.row_count), (Some(2), 2));
    assert_eq!(json!(changed.rows[0]), json!({ "id": 4, "name": "x" }));
    let read = service.write("select * from t").await.expect("read");
    assert_eq!((read.affected, read.row_count), (None, 5));
    assert_eq!(service.run(&service.query("select * from t")).await.expect("read").affected, None);
}

#[tokio::test]
async fn a_write_whose_returned_rows_are_cut_is_made_all_the_same() {
    let service = Service::start().await;
    service.write("create table t (id int)").await.expect("made");
    let limits = QueryLimits { max_rows: 2, ..QueryLimits::default() };
    let insert = "insert into t select generate_series(1, 1000) returning id";
    let request = QueryRequest { mode: QueryMode::Write, limits, ..service.query(insert) };
    let written = service.run(&request).await.expect("written");
    assert_eq!((written.row_count, written.truncated, written.affected), (2, true, Some(1000)));
    assert_eq!(service.rows("select count(*) from t").await, [json!({ "count": 1000 })]);
}

#[tokio::test]
async fn a_write_that_fails_changes_nothing() {
    let service = Service::start().await;
    service.write("create table t (id int primary key deferrable initially deferred, odd point)").await.expect("made");
    // At the end of the statement, at the commit, at the byte cap, and before it runs: a column that cannot be shown.
    let deferred = service.write("insert into t (id) values (1), (1)").await.expect_err("refused at the commit");
    assert_eq!((deferred.status, deferred.sqlstate.as_deref()), (422, Some("23505")));
    service.write("insert into t (id) select 10 / (5 - g) from generate_series(1, 5) g").await.expect_err("refused");
    let limits = QueryLimits { max_bytes: 1000, ..QueryLimits::default() };
    let insert = "insert into t (id) select generate_series(1, 10000) returning id";
    let request = QueryRequest { mode: QueryMode::Write, limits, ..service.query(insert) };
    assert_eq!(service.run(&request).await.expect_err("too large").code, "result-too-large");
    let odd = service.write("insert into t (id) values (7) returning odd").await.expect_err("no JSON form");
    assert_eq!(odd.code, "column-type");
    assert!(odd.detail.contains("odd::text"), "{}", odd.detail);
    assert_eq!(service.rows("select count(*) from t").await, [json!({ "count": 0 })]);
}
