//! Changes of a table that are said without SQL, on MariaDB: what docs/table-changes.md promises.

use bulkhead_model::change::MAX_BULK_ROWS;
use serde_json::{Value, json};

use crate::maria::Shop;

/// A table with what makes identifiers and types hard.
async fn tables() -> Shop {
    let shop = Shop::open().await;
    for statement in [
        "create table notes (id bigint primary key auto_increment, `Odd `` name` text, at timestamp(3) null, price decimal(8,2), more json,
            raw blob, email varchar(50) unique)",
        "create table other (id int, n int, unique (id, n))",
        "create table old (id int primary key) engine = MyISAM",
    ] {
        shop.write(statement, json!({})).await.expect("made");
    }
    shop
}

#[tokio::test]
async fn rows_are_added_changed_and_removed() {
    let shop = tables().await;
    let hostile = "'); drop table notes; --\" ` ? \\' {{ x }}";
    let insert = json!({ "do": "insert", "schema": "shop", "table": "notes", "values": {
        "Odd ` name": "text", "at": "at", "price": "price", "more": "more", "raw": "raw" } });
    let values = json!({ "text": hostile, "at": "2026-01-02T03:04:05.120+01:00", "price": 1.5, "more": { "a": [1] }, "raw": "AAH/" });
    let added = shop.change(insert, values).await.expect("added");
    let expected = json!({ "id": 1, "Odd ` name": hostile, "at": "2026-01-02T02:04:05.12Z", "price": 1.50, "more": { "a": [1] },
        "raw": "AAH/", "email": null });
    assert_eq!((added.affected, json!(added.rows)), (Some(1), json!([expected])));
    // What a result shows can be given back.
    let again = json!({ "do": "update", "table": "notes", "values": { "at": "row.at", "raw": "row.raw", "more": "row.more" },
        "where": [{ "column": "id", "value": "row.id" }, { "column": "at", "value": "row.at" }] });
    let row = &added.rows[0];
    let values = json!({ "row.at": row["at"], "row.raw": row["raw"], "row.more": row["more"], "row.id": "1" });
    assert_eq!(shop.change(again, values).await.expect("changed").affected, Some(1));
    assert_eq!(shop.rows("select * from notes").await, json!([expected]));

    let update = json!({ "do": "update", "table": "notes", "values": { "price": "price" }, "where": [
        { "column": "id", "operator": "in", "value": "ids" }, { "column": "ODD ` NAME", "value": "text" }, { "column": "email", "operator": "is-null" }] });
    let mut values = json!({ "price": "2.25", "ids": [1, 2, "3"], "text": hostile });
    let changed = shop.change(update.clone(), values.clone()).await.expect("changed");
    assert_eq!((changed.affected, changed.row_count), (Some(1), 0));
    assert_eq!(shop.rows("select price from notes").await, json!([{ "price": 2.25 }]));
    values["ids"] = json!([]);
    assert_eq!(shop.change(update.clone(), values.clone()).await.expect("none").affected, Some(0));
    values["ids"] = json!(7);
    assert_eq!(shop.change(update, values).await.expect_err("refused").code, "parameter-type");

    let delete =
        json!({ "do": "delete", "table": "notes", "where": [{ "column": "price", "operator": ">", "value": "2" }] });
    assert_eq!(shop.change(delete, json!({ "2": 2 })).await.expect("removed").affected, Some(1));
    assert_eq!(shop.rows("select count(*) as n from notes").await, json!([{ "n": 0 }]));
}

#[tokio::test]
async fn more_rows_than_the_guard_allows_are_left_as_they_are() {
    let shop = tables().await;
    shop.write("insert into notes (price) select 1 from seq_1_to_5", json!({})).await.expect("written");
    let delete = |at_most: Value| json!({ "do": "delete", "table": "notes", "where": [{ "column": "price", "value": "price" }], "at-most": at_most });
    let values = json!({ "price": 1 });
    for guard in [1, 4] {
        let problem = shop.change(delete(json!(guard)), values.clone()).await.expect_err("refused");
        assert_eq!((problem.status, problem.code.as_str()), (422, "too-many-rows"));
        assert!(problem.detail.starts_with("5 rows fit"), "{}", problem.detail);
        assert_eq!(shop.rows("select count(*) as n from notes").await, json!([{ "n": 5 }]));
    }
    // Rows that are as they are to be count too.
    let update = json!({ "do": "update", "table": "notes", "values": { "price": "price" }, "where": [{ "column": "price", "value": "price" }] });
    assert_eq!(shop.change(update, values.clone()).await.expect_err("refused").code, "too-many-rows");
    assert_eq!(shop.change(delete(json!("any")), values.clone()).await.expect("removed").affected, Some(5));
    assert_eq!(shop.change(delete(json!(1)), values).await.expect("none").affected, Some(0));
    let old = json!({ "do": "delete", "table": "old", "where": [{ "column": "id", "value": "id" }] });
    let problem = shop.change(old, json!({ "id": 1 })).await.expect_err("refused");
    assert_eq!(problem.code, "statement-unsupported", "{}", problem.detail);
    assert!(problem.detail.contains("InnoDB"), "{}", problem.detail);
}

#[tokio::test]
async fn an_upsert_adds_or_changes_the_row_that_is_meant() {
    let shop = tables().await;
    let upsert = |columns: [&str; 2], conflict: Value| {
        let values = json!({ columns[0]: "a", columns[1]: "b" });
        json!({ "do": "upsert", "table": "notes", "values": values, "conflict": conflict })
    };
    for price in [1, 2, 2] {
        let change = upsert(["id", "price"], json!(["id"]));
        let written = shop.change(change, json!({ "a": 7, "b": price })).await.expect("written");
        assert_eq!(
            (written.affected, &written.rows[0]["id"], &written.rows[0]["price"]),
            (Some(1), &json!(7), &json!(f64::from(price)))
        );
    }
    let by_email = upsert(["email", "price"], json!(["email"]));
    let written = shop.change(by_email.clone(), json!({ "a": "x@y", "b": 1 })).await.expect("written");
    assert_eq!(written.rows[0]["id"], json!(8));
    assert_eq!(shop.change(by_email, json!({ "a": "X@Y", "b": 3 })).await.expect("written").rows[0]["id"], json!(8));
    // The row is another's by its e-mail address: neither is changed.
    let stolen = upsert(["id", "email"], json!(["id"]));
    for id in [7, 9] {
        let problem = shop.change(stolen.clone(), json!({ "a": id, "b": "x@y" })).await.expect_err("refused");
        assert_eq!(problem.sqlstate.as_deref(), Some("23000"), "{}", problem.detail);
    }
    let by_price = upsert(["price", "email"], json!(["price"]));
    let problem = shop.change(by_price, json!({ "a": 1, "b": "z" })).await.expect_err("refused");
    assert!(problem.detail.contains("not those of a unique index"), "{}", problem.detail);
    let expected = json!([{ "id": 7, "price": 2.0, "email": null }, { "id": 8, "price": 3.0, "email": "X@Y" }]);
    let found = shop.rows("select id, price, email from notes order by id").await;
    assert_eq!(
        (found[0]["price"].as_f64(), found[0]["email"].clone(), found.as_array().map(Vec::len)),
        (Some(2.0), Value::Null, Some(2))
    );
    assert_eq!((found[1]["price"].as_f64(), found[1]["id"].clone()), (Some(3.0), expected[1]["id"].clone()));
    let pair = json!({ "do": "upsert", "table": "other", "values": { "id": "a", "n": "b" }, "conflict": ["n", "id"] });
    for _ in 0..2 {
        let written = shop.change(pair.clone(), json!({ "a": 1, "b": 2 })).await.expect("written");
        assert_eq!((written.affected, json!(written.rows)), (Some(1), json!([{ "id": 1, "n": 2 }])));
    }
}

#[tokio::test]
async fn many_rows_are_written_or_none_is() {
    let shop = tables().await;
    let columns = json!(["id", "Odd ` name", "at", "more", "raw"]);
    let upsert =
        json!({ "do": "bulk-upsert", "table": "notes", "rows": "rows", "columns": columns, "conflict": ["id"] });
    let row = |id: usize| json!({ "id": id, "Odd ` name": "it's", "at": "2026-01-02T03:04:05Z", "more": { "n": id }, "raw": "AAH/", "email": "else" });
    let rows: Vec<Value> = (1..=MAX_BULK_ROWS).map(row).collect();
    let written = shop.change(upsert.clone(), json!({ "rows": rows })).await.expect("written");
    assert_eq!((written.affected, written.row_count), (Some(MAX_BULK_ROWS as u64), 0));
    let again = shop.change(upsert.clone(), json!({ "rows": rows[..10] })).await.expect("written");
    assert_eq!(again.affected, Some(10));
    let found = "select count(*) as n, max(json_value(more, '$.n') + 0) as most, min(at) as at, max(email) as email, max(hex(raw)) as raw from notes";
    let expected = json!([{ "n": MAX_BULK_ROWS, "most": MAX_BULK_ROWS as f64, "at": "2026-01-02T03:04:05Z", "email": null, "raw": "0001FF" }]);
    let rows_found = shop.rows(found).await;
    assert_eq!(
        (&rows_found[0]["n"], &rows_found[0]["at"], &rows_found[0]["raw"]),
        (&expected[0]["n"], &expected[0]["at"], &expected[0]["raw"])
    );
    assert_eq!((rows_found[0]["most"].as_f64(), &rows_found[0]["email"]), (Some(MAX_BULK_ROWS as f64), &Value::Null));
    let none = shop.change(upsert.clone(), json!({ "rows": [] })).await.expect("nothing to do");
    assert_eq!(none.affected, Some(0));

    let mut missing = row(3);
    missing.as_object_mut().expect("an object").remove("at");
    let mut last_unreadable: Vec<Value> = (20_000..20_900).map(row).collect();
    last_unreadable[899]["at"] = json!("never");
    let mut no_bytes = row(30_000);
    no_bytes["raw"] = json!("not base64!");
    for (rows, code, detail) in [
        (json!({ "a": 1 }), "rows-invalid", "the rows of `rows`: it must be a list of objects"),
        (json!([row(1), missing]), "rows-invalid", "row 1 (from 0) has no `at`"),
        (json!(vec![Value::Null; MAX_BULK_ROWS + 1]), "rows-invalid", "at most 10000 are written at once"),
        (json!([row(1), row(1)]), "query-failed", "two of the rows are the same"),
        (json!(last_unreadable), "query-failed", "Incorrect datetime value"),
        (json!([row(29_999), no_bytes]), "parameter-type", "must be bytes"),
    ] {
        let problem = shop.change(upsert.clone(), json!({ "rows": rows })).await.expect_err("refused");
        assert_eq!(problem.code, code, "{}", problem.detail);
        assert!(problem.detail.contains(detail), "{}", problem.detail);
    }
    assert_eq!(shop.rows("select count(*) as n from notes").await, json!([{ "n": MAX_BULK_ROWS }]));
    let by_email = json!({ "do": "bulk-upsert", "table": "notes", "rows": "rows", "columns": ["id", "email"], "conflict": ["id"] });
    let rows = json!([{ "id": 1, "email": "a" }, { "id": 2, "email": "b" }]);
    assert_eq!(shop.change(by_email.clone(), json!({ "rows": rows })).await.expect("written").affected, Some(2));
    let stolen = json!([{ "id": 40_000, "email": "c" }, { "id": 40_001, "email": "b" }]);
    let problem = shop.change(by_email, json!({ "rows": stolen })).await.expect_err("refused");
    assert!(problem.detail.contains("the same in another unique index"), "{}", problem.detail);
    assert_eq!(
        shop.rows("select count(*) as n from notes where id >= 40000 or email = 'c'").await,
        json!([{ "n": 0 }])
    );
}

#[tokio::test]
async fn a_name_that_is_not_there_is_told_with_those_that_are() {
    let shop = tables().await;
    for (table, column, detail) in [
        ("note", "id", "there is no table `note`: the nearest are `notes`, "),
        ("notes", "prize", "table `notes` has no column `prize`: the nearest are `price`, "),
        ("x`; drop table notes", "id", "there is no table `x`; drop table notes`"),
    ] {
        let delete = json!({ "do": "delete", "table": table, "where": [{ "column": column, "value": "v" }] });
        let problem = shop.change(delete, json!({ "v": "1" })).await.expect_err("refused");
        assert_eq!(problem.code, "query-failed");
        assert!(problem.detail.starts_with(detail), "{}", problem.detail);
    }
    let in_schema = json!({ "do": "insert", "schema": "crm", "table": "notes", "values": { "id": "v" } });
    let problem = shop.change(in_schema, json!({ "v": 1 })).await.expect_err("refused");
    assert!(problem.detail.starts_with("there is no table `crm.notes`"), "{}", problem.detail);
    let missing = json!({ "do": "insert", "table": "notes", "values": { "id": "form.id" } });
    assert_eq!(shop.change(missing, json!({})).await.expect_err("refused").code, "parameter-missing");
}

#[tokio::test]
async fn a_row_without_a_key_is_added_and_not_read() {
    let shop = tables().await;
    shop.write("create table keyless (a int)", json!({})).await.expect("made");
    let insert = json!({ "do": "insert", "table": "keyless", "values": { "a": "v" } });
    let added = shop.change(insert, json!({ "v": 1 })).await.expect("added");
    assert_eq!((added.affected, added.row_count, added.end), (Some(1), 0, true));
}
