//! Pages of a query's rows, cut by the database.

use bulkhead_model::sql::pages::CutPages;
use bulkhead_rpc::connector::QueryRequest;
use bulkhead_rpc::export::ExportFormat;
use serde_json::{Value, json};

use crate::kit::Service;
use crate::maria::Shop;

/// The same query for a page, with the values of its expressions.
pub(crate) fn page(query: QueryRequest, size: Value, offset: Value) -> QueryRequest {
    let pages = CutPages { size: "table.pageSize".to_owned(), offset: "table.offset".to_owned() };
    let mut parameters = query.parameters;
    parameters.insert("table.pageSize".to_owned(), size);
    parameters.insert("table.offset".to_owned(), offset);
    QueryRequest { pages: Some(Box::new(pages)), parameters, ..query }
}

fn ids(rows: Vec<serde_json::Map<String, Value>>) -> Vec<Value> {
    rows.into_iter().map(|mut row| row.remove("id").expect("an id")).collect()
}

#[tokio::test]
async fn postgresql_cuts_pages_and_an_export_has_them_all() {
    let service = Service::start().await;
    let mut query = service.query(
        "with n as (select g as id, 'limit ' || g as id_2 from generate_series(1, 95) g limit 1000)
            select id, id_2 as id from n where id > {{ least }} order by n.id desc; -- for all",
    );
    query.parameters.insert("least".to_owned(), json!(5));
    for (offset, first, count) in [(0, 95, 20), (20, 75, 20), (80, 15, 10), (90, 0, 0)] {
        let result = service.run(&page(query.clone(), json!(20), json!(offset))).await.expect("runs");
        assert_eq!(result.rows.len(), count, "{offset}");
        assert!(result.end && !result.truncated);
        assert_eq!(ids(result.rows).first().cloned().unwrap_or(json!(0)), json!(first), "{offset}");
    }
    let (file, end) = service.export(&page(query, json!(20), json!(0)), ExportFormat::Ndjson).await.expect("begun");
    assert_eq!((file.lines().count(), end.expect("an end").rows), (90, 90));
}

#[tokio::test]
async fn what_cannot_be_cut_is_told() {
    let service = Service::start().await;
    for (statement, word) in
        [("show all", "SELECT"), ("select 1 as id limit 1", "limit"), ("select 1 as id", "ORDER BY")]
    {
        let problem = service.run(&page(service.query(statement), json!(1), json!(0))).await.expect_err("refused");
        assert_eq!((problem.status, problem.code.as_str()), (422, "pages-unsupported"), "{statement}");
        assert!(problem.detail.contains(word), "{}", problem.detail);
    }
    let sound = "select oops as id order by 1";
    for size in [json!(-1), json!("x"), json!(null)] {
        let query = service.query("select generate_series(1, 3) as id order by 1");
        let outcome = service.run(&page(query, size.clone(), json!(0))).await;
        // No limit is what SQL understands by null; the query's own cap holds all the same.
        assert_eq!(outcome.is_ok(), size.is_null(), "{size}: {:?}", outcome.map_err(|problem| problem.detail));
    }
    let problem = service.run(&page(service.query(sound), json!(1), json!(0))).await.expect_err("refused");
    assert_eq!(
        (problem.code.as_str(), problem.position),
        ("query-failed", Some(8)),
        "its place is one of the statement"
    );
    let rest = service.add_any(json!({ "kind": "rest", "url": "http://127.0.0.1:1/" }), None).await;
    let ask = service.operation(rest, json!({ "do": "request", "method": "GET", "path": "/x" }), json!({}));
    assert_eq!(service.run(&page(ask, json!(1), json!(0))).await.expect_err("refused").code, "pages-unsupported");
}

#[tokio::test]
async fn mysql_keeps_the_order_of_the_statement() {
    let shop = Shop::open().await;
    let query = shop.query(
        "select seq as id, 'a' as id from seq_1_to_95 where seq > {{ least }} order by seq desc",
        json!({ "least": 5 }),
    );
    let result = shop.service.run(&page(query, json!(20), json!(20))).await.expect("runs");
    let wanted: Vec<Value> = (56..=75).rev().map(|id| json!(id)).collect();
    assert_eq!(ids(result.rows), wanted);
}
