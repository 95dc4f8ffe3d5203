//! What a write does: all of it, once, or nothing.

use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_model::resource::PostgresqlConfig;
use bulkhead_rpc::connector::QueryRequest;
use serde_json::json;

use crate::conformance::{Read, Subject, cutting, loses_answers};
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

#[tokio::test]
async fn statements_of_a_list_are_made_all_or_none() {
    let service = Service::with(json!({ "allow-networks": ["127.0.0.0/8"], "max-connections-per-resource": 1 })).await;
    service
        .write("create table accounts (id int primary key, amount int not null check (amount >= 0))")
        .await
        .expect("made");
    service.write("insert into accounts values (1, 10), (2, 0)").await.expect("filled");
    let transfer = |amount: i64, last: &str| QueryRequest {
        mode: QueryMode::Write,
        before: vec![
            "update accounts set amount = amount + {{ amount }} where id = 2".to_owned(),
            "create temporary table seen as select * from accounts".to_owned(),
        ],
        parameters: [("amount".to_owned(), json!(amount))].into(),
        ..service.query(last)
    };
    let take =
        "update accounts set amount = amount - {{ amount }} where id = 1 returning (select count(*) from seen) as seen";
    let made = service.run(&transfer(7, take)).await.expect("made");
    assert_eq!((made.affected, json!(made.rows)), (Some(1), json!([{ "seen": 2 }])));
    let amounts = async || service.rows("select array_agg(amount order by id) as amounts from accounts").await;
    assert_eq!(amounts().await, [json!({ "amounts": [3, 7] })]);

    // The last one fails: for what it does, for a parameter, because it cannot be prepared, and at its commit.
    let broke = service.run(&transfer(5, take)).await.expect_err("too much");
    assert_eq!((broke.code.as_str(), broke.sqlstate.as_deref()), ("query-failed", Some("23514")));
    assert!(broke.detail.starts_with("statement 3 of 3, and none was made: "), "{}", broke.detail);
    for (last, code) in [
        ("select {{ other }}::int", "parameter-missing"),
        ("select nothing", "query-failed"),
        ("commit", "statement-unsupported"),
    ] {
        assert_eq!(service.run(&transfer(1, last)).await.expect_err(last).code, code, "{last}");
    }
    let first = QueryRequest {
        before: vec!["select 1".into(), "delete from nowhere".into()],
        ..transfer(1, "delete from accounts")
    };
    let nowhere = service.run(&first).await.expect_err("not there");
    assert!(nowhere.detail.starts_with("statement 2 of 3"), "{}", nowhere.detail);
    let slow = QueryRequest {
        before: vec!["delete from accounts".into(), "select pg_sleep(5)".into()],
        limits: QueryLimits { timeout_ms: 200, ..QueryLimits::default() },
        ..transfer(1, "select 1")
    };
    assert_eq!(service.run(&slow).await.expect_err("late").code, "query-timeout");
    let read = QueryRequest { mode: QueryMode::Read, ..transfer(1, "select 1") };
    assert_eq!(service.run(&read).await.expect_err("no write").code, "statement-unsupported");
    assert_eq!(amounts().await, [json!({ "amounts": [3, 7] })]);
    // The one connection is clean.
    assert_eq!(service.rows("select to_regclass('pg_temp.seen') is null as gone").await, [json!({ "gone": true })]);
    let config = json!({ "kind": "redis", "host": "127.0.0.1", "port": 1, "tls": "disabled" });
    let redis = service.add_kind("keys", &serde_json::from_value(config).expect("a configuration"), None).await;
    let list = QueryRequest {
        before: vec!["x".into()],
        ..service.operation(redis, json!({ "do": "command", "command": ["SET", "a", "b"] }), json!({}))
    };
    assert_eq!(service.run(&list).await.expect_err("one at a time").code, "statements-unsupported");
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_of_unknown_outcome() {
    let service = Service::start().await;
    service.write("create table counted (id int)").await.expect("made");
    let subject = Subject {
        config: json!({
            "kind": "postgresql", "host": "127.0.0.1", "port": service.port, "database": service.data.name(),
            "user": "bulkhead-tables", "tls": "disabled",
        }),
        secret: Some("any"),
        read: Read::Statement("select 1 as one"),
        checks_secret: false,
        answers_on_connect: true,
    };
    loses_answers(&subject, &Read::Statement("insert into counted values (1)"), b"COMMIT").await;
    assert_eq!(
        service.rows("select count(*)::int as n from counted").await,
        [json!({ "n": 2 })],
        "each was made, once"
    );
    // What was not committed is undone, and may be asked again.
    let (port, _) = cutting(service.port, b"insert into counted").await;
    let config = PostgresqlConfig { port, ..service.config("bulkhead-tables") };
    let resource = service.add("early", config, "any", false).await;
    let insert = QueryRequest { resource, mode: QueryMode::Write, ..service.query("insert into counted values (3)") };
    assert_eq!(service.run(&insert).await.expect_err("lost").code, "resource-lost");
    assert_eq!(service.rows("select count(*)::int as n from counted").await, [json!({ "n": 2 })]);
}
