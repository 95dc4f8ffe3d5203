//! Results that are kept: for whom, for how long, and which never are.

use std::time::Duration;

use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_model::resource::ResourceConfig;
use bulkhead_rpc::connector::QueryRequest;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::Service;

/// A read that tells when it was made.
fn kept(service: &Service, statement: &str, parameters: Value) -> QueryRequest {
    let parameters = serde_json::from_value(parameters).expect("parameters");
    QueryRequest { parameters, cache_seconds: 60, ..service.query(statement) }
}

const WHEN: &str = "select clock_timestamp()::text as at, {{ current_user.id }}::text as who";

/// The first row, and whether it was kept.
async fn told(service: &Service, request: &QueryRequest) -> (Value, bool) {
    let result = service.run(request).await.expect("runs");
    assert!(result.end && result.age_ms.is_some() == result.cached, "{result:?}");
    (json!(result.rows[0]), result.cached)
}

#[tokio::test]
async fn who_asks_the_same_is_given_the_same_until_it_is_too_old() {
    let service = Service::start().await;
    let query = kept(&service, WHEN, json!({ "current_user.id": "ada" }));
    let (first, is_cached) = told(&service, &query).await;
    assert!(!is_cached);
    assert_eq!(told(&service, &query).await, (first.clone(), true));
    // Another person, other limits, another statement and a query without a cache are others.
    let bob = told(&service, &kept(&service, WHEN, json!({ "current_user.id": "bob" }))).await;
    assert_eq!((bob.0["who"].clone(), bob.1), (json!("bob"), false));
    let limits = QueryLimits { max_rows: 7, ..QueryLimits::default() };
    assert!(!told(&service, &QueryRequest { limits, ..query.clone() }).await.1);
    assert!(!told(&service, &kept(&service, &format!("{WHEN} "), json!({ "current_user.id": "ada" }))).await.1);
    let fresh = told(&service, &QueryRequest { cache_seconds: 0, ..query.clone() }).await;
    assert!(!fresh.1 && fresh.0 != first);
    // One that wants it newer reads it, and what it read is newer for all.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let (newer, is_cached) = told(&service, &QueryRequest { cache_seconds: 1, ..query.clone() }).await;
    assert!(!is_cached && newer != first);
    let again = service.run(&query).await.expect("runs");
    assert!(!again.cached || again.age_ms < Some(1100), "{again:?}");
}

#[tokio::test]
async fn a_changed_resource_gives_nothing_that_was_read_before() {
    let service = Service::start().await;
    let query = kept(&service, "select current_user::text as name", json!({}));
    assert_eq!(told(&service, &query).await, (json!({ "name": "bulkhead-tables" }), false));
    assert!(told(&service, &query).await.1);
    let config = ResourceConfig::Postgresql(service.config("postgres"));
    service.store.update_resource((service.resource, 1), &config, None).await.expect("changed");
    assert_eq!(told(&service, &query).await, (json!({ "name": "postgres" }), false));
    service.store.delete_resource(service.resource).await.expect("deleted");
    assert_eq!(service.run(&query).await.expect_err("gone").code, "resource-unknown");
}

#[tokio::test]
async fn those_who_ask_at_once_make_one_read() {
    let service = Service::start().await;
    let query =
        kept(&service, "select clock_timestamp()::text as at, 'all at once' as name from pg_sleep(0.7)", json!({}));
    let all = join_all((0..20).map(|_| service.run(&query)));
    let (results, ()) = tokio::join!(all, service.until_running("%'all at once'%", 1));
    let results: Vec<_> = results.into_iter().map(|result| result.expect("runs")).collect();
    assert_eq!(results.iter().filter(|result| !result.cached).count(), 1);
    assert!(results.iter().all(|result| result.rows == results[0].rows && result.end));
    // They fail together too, and the next one tries again.
    let failing = kept(&service, "select 1 / (random() * 0)::int as nothing from pg_sleep(0.5)", json!({}));
    let problems = join_all((0..5).map(|_| service.run(&failing))).await;
    assert!(
        problems
            .iter()
            .all(|result| result.as_ref().is_err_and(|problem| problem.sqlstate.as_deref() == Some("22012")))
    );
}

#[tokio::test]
async fn one_who_leaves_takes_nothing_from_those_who_wait() {
    let service = Service::start().await;
    let query = kept(&service, "select 'left alone' as name from pg_sleep(0.6)", json!({}));
    let leaver = tokio::time::timeout(Duration::from_millis(300), service.run(&query));
    let stayer = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        service.run(&query).await
    };
    let (left, stayed) = tokio::join!(leaver, stayer);
    assert!(left.is_err());
    assert_eq!(stayed.expect("runs").rows[0]["name"], "left alone");
}

#[tokio::test]
async fn what_is_cut_failed_large_or_a_write_is_never_kept() {
    let service = Service::with(json!({ "allow-networks": ["127.0.0.0/8"], "cache-bytes": 800_000 })).await;
    service.write("create table t (id int)").await.expect("made");
    let limits = QueryLimits { max_rows: 3, ..QueryLimits::default() };
    let cut = QueryRequest { limits, ..kept(&service, "select generate_series(1, 9) as id", json!({})) };
    // An eighth of all is the most.
    let large = kept(&service, "select g as id, repeat('x', 100) as x from generate_series(1, 5000) g", json!({}));
    let write =
        QueryRequest { mode: QueryMode::Write, ..kept(&service, "insert into t values (1) returning id", json!({})) };
    for _ in 0..2 {
        assert!(!service.run(&cut).await.expect("runs").cached);
        let result = service.run(&large).await.expect("runs");
        assert!((result.cached, result.row_count, result.end) == (false, 5000, true));
        assert!(!service.run(&write).await.expect("runs").cached);
    }
    assert_eq!(service.rows("select count(*) from t").await, [json!({ "count": 2 })]);
    let fails = kept(&service, "select id / 0 as id from t", json!({}));
    service.run(&fails).await.expect_err("fails");
    service.write("truncate t").await.expect("emptied");
    assert!(!service.run(&fails).await.expect("runs").cached);
    // A result of several pieces that fits is kept whole.
    let pieces = kept(&service, "select g as id, repeat('y', 100) as y from generate_series(1, 500) g", json!({}));
    let first = service.run(&pieces).await.expect("runs");
    let second = service.run(&pieces).await.expect("runs");
    assert!(!first.cached && second.cached && first.rows == second.rows && second.end);
    let text = service.metrics().await;
    assert!(text.contains("bulkhead_connector_cache_lookups_total{outcome=\"hit\"} 1\n"), "{text}");
}
