//! MySQL and MariaDB: what a query reads and writes. The server is a MariaDB.

use std::time::Duration;

use bulkhead_model::query::QueryLimits;
use bulkhead_rpc::connector::{QueryRequest, Schema, SchemaRequest};
use bulkhead_rpc::export::{ExportEnd, ExportFormat, ExportRequest};
use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::conformance::{Read, Subject, conforms};
use crate::maria::{Maria, PASSWORD, Shop};
use crate::streaming::rss_mib;

#[tokio::test]
async fn mysql_conforms() {
    let maria = Maria::with(false);
    conforms(&Subject {
        config: maria.config(json!({})),
        secret: Some(PASSWORD),
        read: Read::Statement("select 1 as one"),
        checks_secret: true,
        answers_on_connect: true,
    })
    .await;
}

#[tokio::test]
async fn values_of_all_types_keep_what_they_are() {
    let shop = Shop::open().await;
    shop.write(
        "create table every (id int primary key, tiny tinyint, flag boolean, small smallint unsigned, medium mediumint, big bigint,
            huge bigint unsigned, price decimal(30, 10), few decimal(6, 2), filled decimal(8,2) zerofill, single float, twice double,
            day date, at datetime(6), moment timestamp(3) null, span time(3), y year, flags bit(10), raw varbinary(10), lots blob,
            name varchar(50), body text, kind enum('a', 'b'), some set('x', 'y'), doc json, place point, token uuid)",
        json!({}),
    )
    .await
    .expect("made");
    let row = "insert into every values (1, -7, true, 65535, -8388608, -9223372036854775808, 18446744073709551615,
        12345678901234567890.0123456789, 12.50, 7.5, 0.1, 1e300, '2026-01-02', '2026-01-02 03:04:05.120000', '2026-01-02 03:04:05.5',
        '-101:02:03.5', 2026, b'0101', x'00ff', x'0001ff', 'it''s \\\\ é \u{1F980}', 'a\\nb', 'b', 'x,y', '{\"a\": [1, null]}',
        point(1, 2), '123e4567-e89b-12d3-a456-426614174000')";
    assert_eq!(shop.write(row, json!({})).await.expect("written").affected, Some(1));
    let result = shop.read("select * from every", json!({})).await.expect("read");
    let expected = json!({
        "id": 1, "tiny": -7, "flag": 1, "small": 65535, "medium": -8_388_608, "big": "-9223372036854775808",
        "huge": "18446744073709551615", "price": "12345678901234567890.0123456789", "few": 12.50, "filled": "000007.50",
        "single": 0.1, "twice": 1e300, "day": "2026-01-02", "at": "2026-01-02T03:04:05.12", "moment": "2026-01-02T03:04:05.5Z",
        "span": "-101:02:03.5", "y": 2026, "flags": "0000000101", "raw": "AP8=", "lots": "AAH/",
        "name": "it's \\ é \u{1F980}", "body": "a\nb", "kind": "b", "some": "x,y", "doc": { "a": [1, null] },
        "place": result.rows[0]["place"], "token": "123e4567-e89b-12d3-a456-426614174000",
    });
    assert_eq!(json!(result.rows[0]), expected);
    let type_of = |name: &str| {
        result
            .columns
            .iter()
            .find(|column| column.name == name)
            .map(|column| column.type_name.clone())
            .expect("a column")
    };
    for (name, wanted) in [
        ("huge", "bigint unsigned"),
        ("price", "decimal"),
        ("lots", "blob"),
        ("kind", "enum"),
        ("doc", "json"),
        ("place", "point"),
        ("token", "uuid"),
    ] {
        assert_eq!(type_of(name), wanted, "{name}");
    }
    let nulls = shop.rows("select null as a, cast(null as date) as b, '0000-00-00' + interval 0 day as c").await;
    assert_eq!(nulls, json!([{ "a": null, "b": null, "c": null }]));
    let twice = shop.rows("select 1 as a, 2 as a, 'x' || 'y' as joined, 3.0 as three").await;
    assert_eq!(twice, json!([{ "a": 1, "a_2": 2, "joined": "xy", "three": 3.0 }]));
    let empty = shop.read("select id, name from every where id = 2", json!({})).await.expect("read");
    assert_eq!((empty.columns.len(), empty.row_count), (2, 0));
}

#[tokio::test]
async fn parameters_are_values_whatever_they_hold() {
    let shop = Shop::open().await;
    shop.write("create table t (id bigint primary key, name text, n decimal(20, 4))", json!({})).await.expect("made");
    let hostile = "'); drop table t; -- \\' \" ` ? {{ x }} \0 é";
    let insert = "insert into t values ({{ id }}, {{ name }}, {{ n }})";
    for (id, n) in [(json!("9007199254740992"), json!(1.5)), (json!("9007199254740993"), json!("1234567890123.4567"))] {
        shop.write(insert, json!({ "id": id, "name": hostile, "n": n })).await.expect("written");
    }
    let found = shop.read(
        "select * from t where id = {{ id }} and name = {{ name }}",
        json!({ "id": "9007199254740993", "name": hostile }),
    );
    let expected = json!([{ "id": "9007199254740993", "name": hostile, "n": "1234567890123.4567" }]);
    assert_eq!(json!(found.await.expect("read").rows), expected);
    let like = shop.read(
        "select id from t where name like '%' || {{ part }} || '%' limit {{ most }}",
        json!({ "part": "drop", "most": 1.0 }),
    );
    assert_eq!(like.await.expect("read").row_count, 1);
    // The same statement on the same connection, with other types.
    for (value, expected) in
        [(json!(1), json!(1)), (json!("a"), json!("a")), (json!(null), json!(null)), (json!(true), json!(1))]
    {
        let result = shop.read("select {{ v }} as v", json!({ "v": value })).await.expect("read");
        assert_eq!(result.rows[0]["v"], expected);
    }
    let missing = shop.read("select {{ a.b }}", json!({})).await.expect_err("refused");
    assert_eq!((missing.status, missing.code.as_str()), (422, "parameter-missing"));
    let own = shop.read("select ? as a", json!({})).await.expect_err("refused");
    assert_eq!(own.code, "statement-unsupported", "{}", own.detail);
    let inside = shop.read("select '\\'{{ a }}'", json!({ "a": 1 })).await.expect_err("refused");
    assert_eq!(inside.code, "statement-invalid", "{}", inside.detail);
    let many = format!("select {}", vec!["{{ a }}"; 70_000].join(","));
    let refused = shop.read(&many, json!({ "a": 1 })).await.expect_err("refused");
    assert_eq!(refused.code, "query-failed", "{}", refused.detail);
    let long = "x".repeat(7 * 1024 * 1024);
    let result = shop.read("select length({{ v }}) as bytes", json!({ "v": long })).await.expect("read");
    assert_eq!(result.rows[0]["bytes"], json!(7 * 1024 * 1024));
}

#[tokio::test]
async fn a_read_changes_nothing() {
    let shop = Shop::open().await;
    for statement in [
        "create table t (id int primary key)",
        "create sequence s",
        "create function f() returns int modifies sql data begin insert into t values (9); return 1; end",
        "create procedure p() begin commit; insert into t values (8); end",
    ] {
        shop.write(statement, json!({})).await.expect(statement);
    }
    for (statement, code) in [
        ("insert into t values (1)", "statement-unsupported"),
        ("create table u (id int)", "statement-unsupported"),
        ("call p()", "statement-unsupported"),
        ("analyze insert into t values (1)", "statement-unsupported"),
        ("commit", "statement-unsupported"),
        ("select 1 into outfile '/tmp/bulkhead-never'", "statement-unsupported"),
        ("select /*! 1, */ 2", "statement-unsupported"),
        ("select f()", "query-failed"),
        ("select nextval(s)", "query-failed"),
        ("select 1; delete from t", "query-failed"),
    ] {
        let problem = shop.read(statement, json!({})).await.expect_err(statement);
        assert_eq!(problem.code, code, "{statement}: {}", problem.detail);
    }
    let refused = shop.read("select f()", json!({})).await.expect_err("refused");
    assert_eq!(refused.sqlstate.as_deref(), Some("25006"), "{}", refused.detail);
    assert!(refused.detail.contains("mode to \"write\""), "{}", refused.detail);
    assert_eq!(shop.rows("select count(*) as n from t").await, json!([{ "n": 0 }]));
    // Nothing of one read's session is there for the next, nor of a write's.
    shop.read("select @a := 5 as a", json!({})).await.expect("read");
    for _ in 0..4 {
        assert_eq!(shop.rows("select @a as a").await, json!([{ "a": null }]));
    }
    shop.read("select get_lock('x', 0) as got", json!({})).await.expect("read");
    shop.write("create temporary table temporary_one (id int)", json!({})).await.expect("made");
    for _ in 0..4 {
        assert_eq!(shop.rows("select is_free_lock('x') as free").await, json!([{ "free": 1 }]));
        shop.read("select * from temporary_one", json!({})).await.expect_err("gone");
    }
}

#[tokio::test]
async fn a_write_is_made_whole_or_not_at_all() {
    let shop = Shop::open().await;
    shop.write("create table t (id int primary key auto_increment, n tinyint not null)", json!({}))
        .await
        .expect("made");
    assert_eq!(shop.write("insert into t (n) values (1), (2)", json!({})).await.expect("written").affected, Some(2));
    for (statement, sqlstate) in [
        ("insert into t (n) values (3), (null)", "23000"),
        ("insert into t (n) values (4), (1000)", "22003"),
        ("insert into t (id, n) values (7, 4), (1, 1)", "23000"),
        ("insert into t (n) values ('x')", "22007"),
    ] {
        let problem = shop.write(statement, json!({})).await.expect_err(statement);
        assert_eq!(problem.sqlstate.as_deref(), Some(sqlstate), "{statement}: {}", problem.detail);
    }
    assert_eq!(shop.rows("select count(*) as n from t").await, json!([{ "n": 2 }]));
    // The same rows are matched again.
    assert_eq!(shop.write("update t set n = n", json!({})).await.expect("written").affected, Some(2));
    let returned = shop.write("insert into t (n) values (5), (6) returning n", json!({})).await.expect("written");
    assert_eq!((json!(returned.rows), returned.affected), (json!([{ "n": 5 }, { "n": 6 }]), Some(2)));
    shop.write("create procedure two() begin select 1 as a; select 2 as b; delete from t; end", json!({}))
        .await
        .expect("made");
    let called = shop.write("call two()", json!({})).await.expect("called");
    assert_eq!(json!(called.rows), json!([{ "a": 1 }]));
    assert_eq!(shop.rows("select count(*) as n from t").await, json!([{ "n": 0 }]));
    let comment =
        shop.write("insert into t (n) values (1) # it's mine {{ \"x\" }}", json!({})).await.expect_err("refused");
    assert_eq!(comment.code, "statement-invalid");
}

#[tokio::test]
async fn rows_stream_within_their_limits() {
    let shop = Shop::open().await;
    let limited = |statement: &str, limits: QueryLimits| QueryRequest { limits, ..shop.query(statement, json!({})) };
    let all = limited("select seq, repeat('x', 200) as text from seq_1_to_100000", QueryLimits::MAX);
    let result = shop.service.run(&all).await.expect("read");
    assert_eq!((result.row_count, result.end, result.truncated), (100_000, true, false));
    assert_eq!(result.rows[99_999]["seq"], json!(100_000));
    for _ in 0..3 {
        let few = limited("select seq from seq_1_to_100000000", QueryLimits { max_rows: 10, ..QueryLimits::default() });
        let result = shop.service.run(&few).await.expect("read");
        assert_eq!((result.row_count, result.end, result.truncated), (10, true, true));
        assert_eq!(shop.rows("select 1 as one").await, json!([{ "one": 1 }]));
    }
    shop.until_running("select seq from%", 0).await;
    let large = limited(
        "select repeat('x', 100000) as a from seq_1_to_100",
        QueryLimits { max_bytes: 1_000_000, ..QueryLimits::default() },
    );
    let result = shop.service.run(&large).await.expect("begun");
    assert_eq!(result.error.expect("cut").code, "result-too-large");
    let cell =
        limited("select repeat('x', 9000000) as a", QueryLimits { max_bytes: 1_000_000, ..QueryLimits::default() });
    assert_eq!(shop.service.run(&cell).await.expect_err("too large").code, "result-too-large");
    let wide = format!("select {}", (0..1600).map(|n| format!("{n} as c{n}")).collect::<Vec<_>>().join(", "));
    assert_eq!(shop.read(&wide, json!({})).await.expect("read").columns.len(), 1600);
}

#[tokio::test]
async fn a_large_result_is_never_held_whole() {
    let shop = Shop::open().await;
    shop.rows("select 1 as one").await;
    let before = rss_mib();
    let large = shop.query("select seq as id, repeat('x', 500) as held_back from seq_1_to_100000", json!({}));
    let large = QueryRequest { limits: QueryLimits::MAX, ..large };
    let response = shop.service.client.stream(Method::POST, "/v1/query", &large).await.expect("answered");
    let mut body = response.into_body();
    body.frame().await.expect("a frame").expect("read");
    // A reader that waits holds back the database.
    tokio::time::sleep(Duration::from_millis(500)).await;
    shop.until_running("%held_back%", 1).await;
    let (mut bytes, mut most, mut last) = (0, rss_mib(), Vec::new());
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.expect("whole").into_data() {
            bytes += data.len();
            last = data.to_vec();
        }
        most = most.max(rss_mib());
    }
    assert!(bytes > 50_000_000, "{bytes} bytes");
    assert!(String::from_utf8_lossy(&last).ends_with("\"end\":true}"));
    assert!(most <= before + 32, "{before} MiB grew to {most} MiB");
}

#[tokio::test]
async fn prepared_statements_are_kept_let_go_and_follow_their_table() {
    let shop = Shop::open().await;
    shop.write("create table t (id int primary key)", json!({})).await.expect("made");
    shop.write("insert into t values (1)", json!({})).await.expect("written");
    for _ in 0..3 {
        assert_eq!(shop.rows("select * from t").await, json!([{ "id": 1 }]));
    }
    shop.write("alter table t add column name varchar(10) default 'x'", json!({})).await.expect("altered");
    assert_eq!(shop.rows("select * from t").await, json!([{ "id": 1, "name": "x" }]));
    for number in 0..250 {
        assert_eq!(shop.rows(&format!("select {number} as n")).await, json!([{ "n": number }]));
    }
    let held = "select cast(variable_value as unsigned) as held from information_schema.global_status where variable_name = 'Prepared_stmt_count'";
    let held = shop.rows(held).await[0]["held"].as_u64().expect("a number");
    let connections = "select count(*) as n from information_schema.processlist";
    let connections = shop.rows(connections).await[0]["n"].as_u64().expect("a number");
    assert!(held <= 100 * connections, "{held} are held by {connections} connections");
}

#[tokio::test]
async fn what_nobody_waits_for_is_stopped_on_the_server() {
    let shop = Shop::open().await;
    let mut slow = shop.query("select sleep(30) as slow_read", json!({}));
    slow.limits.timeout_ms = 300;
    let late = shop.service.run(&slow).await.expect_err("late");
    assert_eq!((late.status, late.code.as_str()), (504, "query-timeout"));
    shop.until_running("%slow_read%", 0).await;
    let (client, request) = (shop.service.client.clone(), shop.query("select sleep(30) as left_alone", json!({})));
    let call = tokio::spawn(async move { client.call::<_, Value>(Method::POST, "/v1/query", &request).await });
    shop.until_running("%left_alone%", 1).await;
    call.abort();
    shop.until_running("%left_alone%", 0).await;
    // One that has begun to answer, and whose reader does not read on.
    let stream = shop.query("select seq, 'not_read' as a from seq_1_to_100000000", json!({}));
    let stream = QueryRequest { limits: QueryLimits::MAX, ..stream };
    let (client, request) = (shop.service.client.clone(), stream);
    let call = tokio::spawn(async move { client.call::<_, Value>(Method::POST, "/v1/query", &request).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    call.abort();
    shop.until_running("%not_read%", 0).await;
}

#[tokio::test]
async fn the_schema_shows_what_the_account_sees() {
    let shop = Shop::open().await;
    shop.write(
        "create table customers (id int primary key auto_increment, name varchar(50) not null, tags json)",
        json!({}),
    )
    .await
    .expect("made");
    shop.write("create view names as select name from customers", json!({})).await.expect("made");
    let request = SchemaRequest { resource: shop.resource, environment: Default::default(), asked_by: None };
    let schema: Schema = shop.service.client.call(Method::POST, "/v1/schema", &request).await.expect("told");
    let expected = json!({ "tables": [
        { "schema": "shop", "name": "customers", "columns": [
            { "name": "id", "type": "int(11)" }, { "name": "name", "type": "varchar(50)" }, { "name": "tags", "type": "longtext" }],
          "key": ["id"], "required": ["name"], "filled": ["id"] },
        { "schema": "shop", "name": "names", "columns": [{ "name": "name", "type": "varchar(50)" }], "required": ["name"] },
    ]});
    assert_eq!(json!(schema), expected);
}

#[tokio::test]
async fn all_rows_are_exported_and_a_reader_that_leaves_stops_it() {
    let shop = Shop::open().await;
    let numbers =
        "select a.seq as id, 12345678901234567890.10 as price, 'it''s, \"so\"' as name from seq_1_to_300000 a";
    let before = rss_mib();
    let (file, end) = shop.service.export(&shop.query(numbers, json!({})), ExportFormat::Csv).await.expect("begun");
    assert_eq!(end, Some(ExportEnd { rows: 300_000, error: None }));
    assert!(file.ends_with("300000,12345678901234567890.10,\"it's, \"\"so\"\"\"\r\n"), "{}", &file[file.len() - 80..]);
    assert!(rss_mib() <= before + 64 + 3 * file.len() as u64 / 1024 / 1024, "the file is held here, and nothing else");
    let slow = shop.query("select a.seq, repeat('x', 1000), sleep(0.001), 'left' from seq_1_to_300000 a", json!({}));
    let request = ExportRequest { query: slow, format: ExportFormat::Ndjson };
    let mut body = shop.service.client.stream(Method::POST, "/v1/export", &request).await.expect("begun").into_body();
    body.frame().await.expect("a frame").expect("read");
    drop(body);
    shop.until_running("%left%", 0).await;
}
