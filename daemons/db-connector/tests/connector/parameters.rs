//! Values at the places of `{{ }}`.

use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::{QueryRequest, QueryResult};
use serde_json::{Value, json};

use crate::kit::Service;

async fn bind(service: &Service, statement: &str, values: &[(&str, Value)]) -> Result<QueryResult, Problem> {
    let parameters = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    service.run(&QueryRequest { parameters, ..service.query(statement) }).await
}

#[tokio::test]
async fn every_type_takes_its_natural_value_and_gives_it_back() {
    let service = Service::start().await;
    service.write("create type mood as enum ('glad', 'sad')").await.expect("made");
    service.write("create domain positive as int check (value > 0)").await.expect("made");
    let cases = [
        ("int2", json!(-5), json!(-5)),
        ("int4", json!(7), json!(7)),
        ("int4", json!(7.0), json!(7)),
        ("int8", json!(9_007_199_254_740_992_i64), json!(9_007_199_254_740_992_i64)),
        ("int8", json!("9007199254740993"), json!("9007199254740993")),
        ("float8", json!(1.5), json!(1.5)),
        ("float8", json!("NaN"), json!("NaN")),
        ("numeric", json!(12.34), json!(12.34)),
        ("numeric", json!("123456789012345678.90"), json!("123456789012345678.90")),
        ("text", json!("it's -- $$ {{x}} \\ \"\u{1F600}"), json!("it's -- $$ {{x}} \\ \"\u{1F600}")),
        ("text", json!(5), json!("5")),
        ("bool", json!(true), json!(true)),
        ("uuid", json!("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), json!("6ba7b810-9dad-11d1-80b4-00c04fd430c8")),
        ("date", json!("2026-02-28"), json!("2026-02-28")),
        ("time", json!("12:34:56.5"), json!("12:34:56.5")),
        ("timestamp", json!("2026-02-28T12:00:00"), json!("2026-02-28T12:00:00")),
        ("timestamptz", json!("2026-02-28T12:00:00+02:00"), json!("2026-02-28T10:00:00Z")),
        ("interval", json!("P1DT2H"), json!("P1DT7200S")),
        ("json", json!({ "a": [1, null] }), json!({ "a": [1, null] })),
        ("jsonb", json!([1, "x"]), json!([1, "x"])),
        ("jsonb", json!("x"), json!("x")),
        ("bytea", json!("AAH/"), json!("AAH/")),
        ("bytea", json!("\\x0001ff"), json!("AAH/")),
        ("int4[]", json!([1, null, 3]), json!([1, null, 3])),
        ("text[]", json!(["a,b", "{\"", "", null]), json!(["a,b", "{\"", "", null])),
        ("int4[]", json!([[1, 2], [3, 4]]), json!([[1, 2], [3, 4]])),
        ("int4[]", json!([]), json!([])),
        ("mood", json!("sad"), json!("sad")),
        ("positive", json!(3), json!(3)),
        ("inet", json!("10.0.0.0/8"), json!("10.0.0.0/8")),
        ("text", json!(null), json!(null)),
    ];
    for (ty, value, expected) in cases {
        let result = bind(&service, &format!("select {{{{ v }}}}::{ty} as v"), &[("v", value.clone())]).await;
        let result = result.unwrap_or_else(|problem| panic!("{ty} {value}: {problem:?}"));
        assert_eq!(result.rows[0]["v"], expected, "{ty} {value}");
    }
    let some = "select g from generate_series(1, 9) g where g = any({{ ids }})";
    assert_eq!(bind(&service, some, &[("ids", json!([2, 4]))]).await.expect("runs").row_count, 2);
}

#[tokio::test]
async fn a_value_is_never_part_of_the_statement() {
    let service = Service::start().await;
    service.write("create table t (name text)").await.expect("made");
    service.write("insert into t values ('a')").await.expect("written");
    for hostile in ["' or '1'='1", "a'; drop table t; --", "\\'; --", "$$", "a\u{2019}", "%"] {
        let result = bind(&service, "select * from t where name = {{ n }}", &[("n", json!(hostile))]).await;
        assert_eq!(result.expect("runs").row_count, 0, "{hostile}");
    }
    assert_eq!(service.rows("select count(*) from t").await, [json!({ "count": 1 })]);
}

#[tokio::test]
async fn a_value_that_does_not_fit_names_its_expression() {
    let service = Service::start().await;
    let statement = "select {{ first.value }}::text, {{ second.value }}::int as n";
    let second = |value: Value| [("first.value", json!("x")), ("second.value", value)];
    let problem = bind(&service, statement, &second(json!("abc"))).await.expect_err("refused");
    assert_eq!((problem.status, problem.code.as_str()), (422, "parameter-type"));
    assert!(problem.detail.contains("second.value") && problem.detail.contains("int4"), "{}", problem.detail);
    let problem = bind(&service, statement, &second(json!({ "a": 1 }))).await.expect_err("refused");
    assert_eq!(problem.detail, "parameter `second.value` is an object, and the statement wants int4 there");
    let problem = bind(&service, statement, &second(json!(1e12))).await.expect_err("refused");
    assert_eq!(problem.code, "parameter-type");
    let problem = bind(&service, statement, &[("first.value", json!("x"))]).await.expect_err("refused");
    assert_eq!((problem.status, problem.code.as_str()), (422, "parameter-missing"));
    assert!(problem.detail.contains("second.value"), "{}", problem.detail);
    let problem = bind(&service, "select {{ a }}::text", &[("a", json!("x\0y"))]).await.expect_err("refused");
    assert!(problem.detail.contains("NUL"), "{}", problem.detail);
    let problem = bind(&service, "select {{ a }}::bytea", &[("a", json!("not base64!"))]).await.expect_err("refused");
    assert!(problem.detail.contains("base64"), "{}", problem.detail);
    // The connection is none the worse.
    assert_eq!(service.rows("select 1 as one").await, [json!({ "one": 1 })]);
}
