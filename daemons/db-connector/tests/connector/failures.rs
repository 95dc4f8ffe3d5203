//! Resources that cannot be used: each failure names its fix.

use bulkhead_model::ResourceId;
use bulkhead_model::resource::ResourceConfig;
use bulkhead_rpc::connector::{Schema, SchemaRequest, TestRequest};
use bulkhead_rpc::{Problem, RpcError};
use http::Method;
use serde_json::{Value, json};

use crate::kit::Service;

async fn problem_of(service: &Service, resource: ResourceId) -> Problem {
    let mut query = service.query("select 1");
    query.resource = resource;
    service.run(&query).await.expect_err("refused")
}

#[tokio::test]
async fn a_host_that_is_not_there_is_named() {
    let service = Service::start().await;
    let closed =
        std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr().expect("an address").port();
    let mut config = service.config("anyone");
    config.port = closed;
    let refused = problem_of(&service, service.add("closed", config.clone(), "x", false).await).await;
    assert_eq!((refused.status, refused.code.as_str()), (502, "resource-unreachable"));
    assert!(refused.detail.contains("`closed`") && refused.detail.contains(&closed.to_string()), "{}", refused.detail);
    config.host = "no-such-host.invalid".to_owned();
    let unknown = problem_of(&service, service.add("unknown", config, "x", false).await).await;
    assert_eq!(unknown.status, 502);
    assert!(unknown.detail.contains("no-such-host.invalid"), "{}", unknown.detail);
}

#[tokio::test]
async fn a_database_or_role_that_is_not_there_is_named() {
    let service = Service::start().await;
    let mut config = service.config("postgres");
    config.database = "no_such_database".to_owned();
    let problem = problem_of(&service, service.add("lost", config, "x", false).await).await;
    assert_eq!((problem.status, problem.code.as_str()), (502, "resource-log-in"));
    assert!(problem.detail.contains("`lost`") && problem.detail.contains("no_such_database"), "{}", problem.detail);
}

#[tokio::test]
async fn loopback_is_for_the_built_in_resource_alone() {
    let service = Service::with(json!({})).await;
    let own = service.config("bulkhead-tables");
    let mut spellings = vec![service.resource];
    for (index, host) in
        ["localhost", "127.1", "0x7f000001", "2130706433", "0.0.0.0", "::1", "::ffff:127.0.0.1"].iter().enumerate()
    {
        let config = bulkhead_model::resource::PostgresqlConfig { host: (*host).to_owned(), ..own.clone() };
        spellings.push(service.add(&format!("spelling-{index}"), config, "x", false).await);
    }
    for id in spellings {
        let problem = problem_of(&service, id).await;
        assert!(
            ["resource-host-refused", "resource-unreachable"].contains(&problem.code.as_str()),
            "{}: {}",
            problem.code,
            problem.detail
        );
        if problem.code == "resource-host-refused" {
            assert!(problem.status == 422 && problem.detail.contains("allow-networks"), "{}", problem.detail);
        }
    }
    let mut query = service.query("select 1 as one");
    query.resource = service.add("built-in", own, "any", true).await;
    assert_eq!(service.run(&query).await.expect("allowed").row_count, 1);
}

#[tokio::test]
async fn a_secret_of_another_row_does_not_open() {
    let service = Service::start().await;
    let (id, other) = (ResourceId::new(), ResourceId::new());
    let config = ResourceConfig::Postgresql(service.config("postgres"));
    let sealed = service.sealed(other, "canary-secret");
    service.store.create_resource(id, "swapped", &config, Some(&sealed), false).await.expect("saved");
    let problem = problem_of(&service, id).await;
    assert_eq!((problem.status, problem.code.as_str()), (422, "resource-secret"));
    assert!(!problem.detail.contains("canary"), "{}", problem.detail);
    assert_eq!(problem_of(&service, ResourceId::new()).await.code, "resource-unknown");
}

#[tokio::test]
async fn settings_are_tried_before_they_are_saved() {
    let service = Service::start().await;
    let test = |config, secret: Option<String>, resource| {
        let request = TestRequest {
            config: ResourceConfig::Postgresql(config),
            secret,
            resource,
            environment: Default::default(),
            asked_by: None,
        };
        let client = service.client.clone();
        async move {
            match client.call::<_, Value>(Method::POST, "/v1/test", &request).await {
                Ok(_) => Ok(()),
                Err(RpcError::Problem(problem)) => Err(*problem),
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    let (id, good) = (ResourceId::new(), service.config("bulkhead-tables"));
    test(good.clone(), Some(service.sealed(id, "any")), id).await.expect("works");
    // The stored secret goes where it was entered for, and nowhere else.
    test(good.clone(), None, service.resource).await.expect("works");
    let mut elsewhere = good;
    elsewhere.host = "localhost".to_owned();
    let problem = test(elsewhere, None, service.resource).await.expect_err("refused");
    assert_eq!(problem.code, "resource-secret");
}

#[tokio::test]
async fn the_schema_shows_what_the_role_sees() {
    let service = Service::start().await;
    service.write("create table customers (id serial primary key, name varchar(50), since date not null, year int generated always as (1) stored)").await.expect("made");
    service.write("create view names as select name from customers").await.expect("made");
    let request = SchemaRequest { resource: service.resource, environment: Default::default(), asked_by: None };
    let schema: Schema = service.client.call(Method::POST, "/v1/schema", &request).await.expect("told");
    let told = serde_json::to_value(schema).expect("JSON");
    let expected = json!({ "tables": [
        { "schema": "public", "name": "customers", "columns":
            [{ "name": "id", "type": "integer" }, { "name": "name", "type": "character varying(50)" },
             { "name": "since", "type": "date" }, { "name": "year", "type": "integer" }],
          "key": ["id"], "required": ["since"], "filled": ["id", "year"] },
        { "schema": "public", "name": "names", "columns": [{ "name": "name", "type": "character varying(50)" }] },
    ]});
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_changed_resource_counts_from_the_next_query_on() {
    let service = Service::start().await;
    let name = |user: &str| json!({ "current_user": user });
    assert_eq!(service.rows("select current_user").await, [name("bulkhead-tables")]);
    let config = ResourceConfig::Postgresql(service.config("postgres"));
    service.store.update_resource((service.resource, 1), &config, None).await.expect("changed");
    assert_eq!(service.rows("select current_user").await, [name("postgres")]);
    service.store.delete_resource(service.resource).await.expect("deleted");
    assert_eq!(service.problem("select 1").await.status, 404);
}

#[tokio::test]
async fn statements_that_are_none_are_refused_with_words() {
    let service = Service::start().await;
    for (statement, word) in [("", "empty"), ("select '{{ a }}'", "quotes"), ("select {{ a", "}}")] {
        let problem = service.problem(statement).await;
        assert_eq!((problem.status, problem.code.as_str()), (422, "statement-invalid"), "{statement}");
        assert!(problem.detail.contains(word), "{}", problem.detail);
    }
}
