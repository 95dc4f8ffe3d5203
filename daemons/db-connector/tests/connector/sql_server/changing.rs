//! Changes of a table that were said without SQL.

use bulkhead_model::EnvironmentId;
use bulkhead_model::query::QueryMode;
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::{QueryRequest, QueryResult, Schema, SchemaRequest};
use http::Method;
use serde_json::{Value, json};

use super::Shop;
use super::tokens::{called, one, texts};

const FACTS: &[&[&str]] = &[
    &["column", "id", "int", "10,0", "1"],
    &["column", "price", "decimal", "10,2", "0"],
    &["column", "data", "varbinary", "0,0", "0"],
    &["key", "1", "id", "", ""],
];
const SCHEMA_NAMES: &[&str] = &["s", "t", "c", "d", "key", "required", "defaulted", "filled"];
const NAMES: &[&str] = &["what", "name", "told", "size", "counts"];

impl Shop {
    async fn change(&self, change: Value, parameters: Value) -> Result<QueryResult, Problem> {
        let change = serde_json::from_value(change).expect("a change");
        let query = self.query("", QueryMode::Write, parameters);
        self.service.run(&QueryRequest { change: Some(change), ..query }).await
    }

    /// What was asked but the words of the connector's own.
    fn asked(&self) -> Vec<String> {
        let is_own =
            |text: &String| text.starts_with("SET") || text.starts_with("RESET") || text.starts_with("DECLARE");
        self.server.take_texts().into_iter().filter(|text| !is_own(text)).collect()
    }
}

const COMMIT: &str = "WHILE @@TRANCOUNT > 1 COMMIT TRANSACTION; COMMIT TRANSACTION";

#[tokio::test]
async fn a_row_is_added_with_values_of_its_columns_types() {
    let shop = Shop::open().await;
    shop.server.say("sys.columns", texts(NAMES, FACTS));
    shop.server.say("INSERT INTO [items]", one("id", 7));
    let insert = json!({ "do": "insert", "table": "items", "values": { "price": "p", "data": "d" } });
    let result = shop.change(insert, json!({ "p": "1234567.89", "d": "AAH/" })).await.expect("added");
    assert_eq!((json!(result.rows), result.affected), (json!([{ "id": 7 }]), Some(1)));
    let expected = "INSERT INTO [items] ([data], [price]) OUTPUT inserted.* VALUES (@P1, @P2) | \
        @P1 varbinary(max),@P2 decimal(10,2) | 0001ff | 1234567.89";
    assert_eq!(shop.asked(), [expected, COMMIT]);
}

#[tokio::test]
async fn more_rows_than_may_change_are_none() {
    let shop = Shop::open().await;
    shop.server.say("sys.columns", texts(NAMES, FACTS));
    shop.server.say("UPDATE [items]", texts(&["n"], &[&["2"]]));
    let update = json!({ "do": "update", "table": "items", "values": { "price": "1" },
        "where": [{ "column": "id", "operator": "in", "value": "ids" }] });
    let problem = shop.change(update.clone(), json!({ "1": 1, "ids": [1, 2] })).await.expect_err("too many");
    assert_eq!(problem.code, "too-many-rows", "{}", problem.detail);
    shop.server.until("RESET").await;
    let asked = shop.asked();
    assert!(asked[0].contains("WHERE [id] IN (@P2, @P3)") && asked[1].contains("ROLLBACK"), "{asked:?}");
    let mut any = update;
    any["at-most"] = json!("any");
    assert_eq!(shop.change(any, json!({ "1": 1, "ids": [1, 2] })).await.expect("changed").affected, Some(2));
    assert_eq!(shop.asked()[1], COMMIT);
}

#[tokio::test]
async fn an_upsert_adds_what_is_not_there() {
    let shop = Shop::open().await;
    shop.server.say("sys.columns", texts(NAMES, FACTS));
    shop.server.say("UPDATE [items]", [super::columns(&[("id", super::INT)]), called(0xC5, 0)].concat());
    shop.server.say("INSERT INTO [items]", one("id", 7));
    let upsert =
        json!({ "do": "upsert", "table": "items", "values": { "id": "id", "price": "p" }, "conflict": ["id"] });
    let result = shop.change(upsert.clone(), json!({ "id": 7, "p": 1 })).await.expect("added");
    assert_eq!(json!(result.rows), json!([{ "id": 7 }]));
    let asked = shop.asked();
    assert!(
        asked[0].starts_with(
            "UPDATE [items] WITH (UPDLOCK, HOLDLOCK) SET [price] = @P1 OUTPUT inserted.* WHERE [id] = @P2"
        )
    );
    assert!(asked[1].starts_with("INSERT INTO [items]"), "{asked:?}");
    // A table with triggers tells no rows of its own: they are counted and read.
    let with_trigger = [FACTS, &[&["trigger", "", "", "", ""]]].concat();
    shop.server.say("sys.columns", texts(NAMES, &with_trigger));
    shop.server.say("UPDATE [items]", texts(&["n"], &[&["1"]]));
    shop.server.say("SELECT * FROM [items]", one("id", 7));
    let result = shop.change(upsert, json!({ "id": 7, "p": 1 })).await.expect("changed");
    assert_eq!(json!(result.rows), json!([{ "id": 7 }]));
    assert_eq!(shop.asked().len(), 3);
    let no_key = json!({ "do": "upsert", "table": "items", "values": { "price": "p" }, "conflict": ["price"] });
    assert!(shop.change(no_key, json!({ "p": 1 })).await.expect_err("no key").detail.contains("unique index"));
}

#[tokio::test]
async fn many_rows_are_written_in_parts() {
    let shop = Shop::open().await;
    shop.server.say("sys.columns", texts(NAMES, FACTS));
    shop.server.say("UPDATE kept", called(0xC5, 0));
    shop.server.say("INSERT INTO [items]", called(0xC3, 500));
    let rows: Vec<Value> = (0..1200).map(|id| json!({ "id": id, "price": "0.10" })).collect();
    let bulk = json!({ "do": "bulk-upsert", "table": "items", "rows": "rows", "columns": ["id", "price"], "conflict": ["id"] });
    let result = shop.change(bulk.clone(), json!({ "rows": rows })).await.expect("written");
    assert_eq!(result.affected, Some(1200));
    let asked = shop.asked();
    assert_eq!((asked.len(), asked.last().map(String::as_str)), (7, Some(COMMIT)), "three parts of two statements");
    let twice = json!([{ "id": 1, "price": 1 }, { "id": 1, "price": 2 }]);
    assert_eq!(shop.change(bulk, json!({ "rows": twice })).await.expect_err("twice").code, "query-failed");
}

#[tokio::test]
async fn names_that_are_not_there_are_told_with_the_nearest() {
    let shop = Shop::open().await;
    shop.server.say("INFORMATION_SCHEMA", texts(SCHEMA_NAMES, &[&["dbo", "items", "id", "int", "y", "", "", "y"]]));
    shop.server.say("sys.columns", texts(NAMES, &[]));
    let delete = json!({ "do": "delete", "table": "itmes", "where": [{ "column": "id", "value": "1" }] });
    let problem = shop.change(delete, json!({ "1": 1 })).await.expect_err("no table");
    assert!(problem.detail.contains("`items`"), "{}", problem.detail);
    shop.server.say("sys.columns", texts(NAMES, FACTS));
    let delete = json!({ "do": "delete", "table": "items", "where": [{ "column": "prise", "value": "1" }] });
    let problem = shop.change(delete, json!({ "1": 1 })).await.expect_err("no column");
    assert!(problem.detail.contains("`price`"), "{}", problem.detail);
}

#[tokio::test]
async fn a_schema_tells_keys_and_has_an_end() {
    let shop = Shop::open().await;
    let columns: &[&[&str]] = &[
        &["dbo", "items", "id", "int", "y", "", "", "y"],
        &["dbo", "items", "name", "nvarchar", "", "y", "", ""],
        &["dbo", "items", "price", "decimal", "", "", "y", ""],
    ];
    shop.server.say("INFORMATION_SCHEMA", texts(SCHEMA_NAMES, columns));
    let request = SchemaRequest { resource: shop.resource, environment: EnvironmentId::DEFAULT, asked_by: None };
    let read = async || shop.service.client.call::<_, Schema>(Method::POST, "/v1/schema", &request).await;
    let schema = read().await.expect("reads");
    let table = &schema.tables[0];
    assert_eq!((&*table.key, &*table.required), (&["id".to_owned()][..], &["name".to_owned()][..]));
    assert_eq!((&*table.defaulted, &*table.filled), (&["price".to_owned()][..], &["id".to_owned()][..]));
    // A server that tells without end: 40 MB.
    let name = "x".repeat(1000);
    let row: &[&str] = &["dbo", "items", &name, "int", "", "", "", ""];
    shop.server.say("INFORMATION_SCHEMA", texts(SCHEMA_NAMES, &vec![row; 20_000]));
    assert!(format!("{:?}", read().await.expect_err("too large")).contains("result-too-large"));
}
