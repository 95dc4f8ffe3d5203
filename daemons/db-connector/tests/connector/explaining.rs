//! How a query would be run, without running it unless that is wanted.

use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::ResourceConfig;
use bulkhead_rpc::connector::{ExplainRequest, Plan, QueryRequest};
use bulkhead_rpc::{Problem, RpcError};
use http::Method;
use serde_json::json;

use crate::kit::Service;

async fn explain(service: &Service, query: QueryRequest, analyze: bool) -> Result<Plan, Problem> {
    match service.client.call(Method::POST, "/v1/explain", &ExplainRequest { query, analyze }).await {
        Ok(plan) => Ok(plan),
        Err(RpcError::Problem(problem)) => Err(*problem),
        Err(other) => panic!("{other:?}"),
    }
}

async fn people() -> Service {
    let service = Service::start().await;
    service.write("create table people (id int primary key, name text)").await.expect("made");
    service.write("insert into people select g, 'person ' || g from generate_series(1, 1000) g").await.expect("filled");
    service.write("analyze people").await.expect("analyzed");
    service
}

#[tokio::test]
async fn a_plan_is_a_tree_with_costs() {
    let service = people().await;
    let mut query = service.query("select p.name from people p where p.id = {{ id }} order by p.name");
    query.parameters = [("id".to_owned(), json!(7))].into();
    let plan = explain(&service, query.clone(), false).await.expect("explained");
    let told: Vec<(u32, &str)> = plan.steps.iter().map(|step| (step.depth, step.title.as_str())).collect();
    assert_eq!(told, [(0, "Sort"), (1, "Index Scan using people_pkey on people p")]);
    assert_eq!(plan.steps[0].details, ["Sort Key: name"]);
    assert_eq!(plan.steps[1].details, ["Index Cond: (id = 7)"]);
    assert!(plan.steps[0].total_cost > plan.steps[1].total_cost && plan.steps[1].rows == 1.0, "{plan:?}");
    assert!(!plan.analyzed && plan.execution_ms.is_none() && plan.steps[1].actual_ms.is_none());

    let measured = explain(&service, query, true).await.expect("explained");
    assert!(measured.analyzed && measured.execution_ms.is_some() && measured.planning_ms.is_some());
    assert_eq!((measured.steps[1].actual_rows, measured.steps[1].loops), (Some(1.0), Some(1.0)));
}

#[tokio::test]
async fn explaining_changes_nothing() {
    let service = people().await;
    let write = |statement: &str| QueryRequest { mode: QueryMode::Write, ..service.query(statement) };
    let delete = explain(&service, write("delete from people where id > 10"), false).await.expect("explained");
    assert_eq!(delete.steps[0].title, "Delete on people");
    let measured = explain(&service, write("delete from people"), true).await.expect_err("refused");
    assert_eq!((measured.status, measured.code.as_str()), (422, "statement-unsupported"));
    assert!(measured.detail.contains("without ANALYZE"), "{}", measured.detail);
    for statement in [
        "delete from people",
        "with gone as (delete from people returning id) select * from gone",
        "(analyze) delete from people",
        "select 1; delete from people",
        "analyze delete from people",
    ] {
        let refused = explain(&service, service.query(statement), true).await.expect_err(statement);
        assert_eq!((refused.status, refused.code.as_str()), (422, "statement-unsupported"), "{statement}");
    }
    for statement in ["(analyze) delete from people", "vacuum", "create table u as select 1", "select 1; select 2"] {
        let refused = explain(&service, service.query(statement), false).await.expect_err(statement);
        assert_eq!(refused.status, 422, "{statement}");
    }
    // What a function does while it is measured is refused by the transaction.
    service
        .write("create function sneak() returns int language sql as 'delete from people returning id'")
        .await
        .expect("made");
    let sneaky = explain(&service, service.query("select sneak()"), true).await.expect_err("refused");
    assert_eq!(sneaky.sqlstate.as_deref(), Some("25006"));
    assert_eq!(service.rows("select count(*) from people").await, [json!({ "count": 1000 })]);
}

#[tokio::test]
async fn what_is_wrong_is_shown_where_it_was_written() {
    let service = people().await;
    let problem = explain(&service, service.query("select nmae from people"), false).await.expect_err("wrong");
    assert_eq!((problem.sqlstate.as_deref(), problem.position), (Some("42703"), Some(8)));
    let missing = explain(&service, service.query("select {{ a }}"), false).await.expect_err("refused");
    assert_eq!(missing.code, "parameter-missing");
    let config = json!({ "kind": "redis", "host": "127.0.0.1", "port": 1, "tls": "disabled" });
    let config: ResourceConfig = serde_json::from_value(config).expect("a configuration");
    let redis = service.add_kind("keys", &config, None).await;
    let command = service.operation(redis, json!({ "do": "command", "command": ["GET", "a"] }), json!({}));
    let unsupported = explain(&service, command, false).await.expect_err("refused");
    assert_eq!((unsupported.status, unsupported.code.as_str()), (422, "explain-unsupported"));
}
