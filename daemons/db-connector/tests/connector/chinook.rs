//! Chinook, a music shop, on PostgreSQL and MariaDB: the queries of an app over it run unchanged on both. Its scripts are not part of the
//! repository: `cargo xtask test --samples DIRECTORY` says where they are, and without it there is nothing to run.

#![allow(clippy::disallowed_methods, reason = "tests are told by the environment where the samples are")]

use std::path::PathBuf;

use bulkhead_model::ResourceId;
use bulkhead_model::query::ResourceQuery;
use bulkhead_rpc::connector::{QueryRequest, QueryResult};
use serde_json::{Value, json};

use crate::kit::Service;
use crate::maria::Shop;

/// The queries of an app, as its document has them, each with the values of one run.
fn queries() -> Vec<(Value, Value)> {
    let query = |statement: &str| json!({ "resource": "music", "statement": statement });
    let change = |change: Value| json!({ "resource": "music", "change": change });
    vec![
        (
            query(
                "select t.track_id, t.name, a.title as album from track t join album a using (album_id)
                 where lower(t.name) like '%' || {{ search.value.toLowerCase() }} || '%' order by t.track_id limit 50",
            ),
            json!({ "search.value.toLowerCase()": "d'" }),
        ),
        (
            query(
                "select g.name as genre, count(*) as tracks, sum(l.quantity) as sold, sum(l.unit_price * l.quantity) as revenue
                 from invoice_line l join track t on t.track_id = l.track_id join genre g on g.genre_id = t.genre_id
                 group by g.name having count(*) > {{ least.value }} order by revenue desc, genre",
            ),
            json!({ "least.value": 5 }),
        ),
        (
            query(
                "with spent as (select customer_id, sum(total) as total from invoice group by customer_id)
                 select c.customer_id, c.first_name || ' ' || c.last_name as customer, c.company, s.total,
                        rank() over (order by s.total desc, c.customer_id) as place
                 from customer c join spent s on s.customer_id = c.customer_id order by place limit 10",
            ),
            json!({}),
        ),
        (
            query(
                "select invoice_id, invoice_date, total from invoice
                 where invoice_date >= {{ from.value }} and invoice_date < {{ to.value }} and total > {{ most.value }} order by invoice_id",
            ),
            json!({ "from.value": "2021-06-01", "to.value": "2021-09-01T00:00:00", "most.value": 1.98 }),
        ),
        (
            query(
                "select e.first_name as employee, m.first_name as boss, count(c.customer_id) as customers from employee e
                 left join employee m on m.employee_id = e.reports_to left join customer c on c.support_rep_id = e.employee_id
                 group by e.employee_id, e.first_name, m.first_name order by e.employee_id",
            ),
            json!({}),
        ),
        (
            change(json!({ "do": "insert", "table": "artist", "values": { "artist_id": "id", "name": "name.value" } })),
            json!({ "id": 9001, "name.value": "Sigur Rós 'live'" }),
        ),
        (
            change(json!({ "do": "bulk-upsert", "table": "album", "rows": "albums", "columns": ["album_id", "title", "artist_id"],
                "conflict": ["album_id"] })),
            json!({ "albums": [{ "album_id": 1, "title": "Renamed", "artist_id": 1 }, { "album_id": 9001, "title": "Ágætis byrjun", "artist_id": 9001 }] }),
        ),
        (
            change(json!({ "do": "upsert", "table": "playlist", "values": { "playlist_id": "1", "name": "name.value" }, "conflict": ["playlist_id"] })),
            json!({ "1": 1, "name.value": "Everything" }),
        ),
        (
            change(json!({ "do": "update", "table": "customer", "values": { "email": "email.value" },
                "where": [{ "column": "customer_id", "operator": "in", "value": "chosen" }], "at-most": 3 })),
            json!({ "email.value": "new@example.org", "chosen": [1, 2, 3] }),
        ),
        (
            change(json!({ "do": "delete", "table": "invoice_line", "where": [{ "column": "invoice_id", "value": "invoice" }], "at-most": "any" })),
            json!({ "invoice": 1 }),
        ),
        (
            query(
                "select a.album_id, a.title, r.name from album a join artist r on r.artist_id = a.artist_id
                 where a.album_id = {{ one }} or r.name = {{ name }} order by a.album_id",
            ),
            json!({ "one": 1, "name": "Sigur Rós 'live'" }),
        ),
        (
            query(
                "select count(*) as line_count, (select count(*) from customer where email = {{ email }}) as customers,
                        (select name from playlist where playlist_id = 1) as playlist from invoice_line",
            ),
            json!({ "email": "new@example.org" }),
        ),
    ]
}

#[tokio::test]
async fn an_app_over_chinook_runs_unchanged_on_both() {
    let Some(samples) = std::env::var_os("BULKHEAD_TEST_SAMPLES").map(PathBuf::from) else { return };
    let script = |name: &str| std::fs::read_to_string(samples.join(name)).expect("a sample");
    let mut shop = Shop::open().await;
    load_postgresql(&shop.service, &script("chinook_postgres.sql")).await;
    load_mariadb(&mut shop, &script("chinook_mysql.sql"));
    for (document, values) in queries() {
        let query: ResourceQuery = serde_json::from_value(document).expect("a query");
        assert_eq!(query.validate("query"), []);
        let here = run(&shop.service, shop.service.resource, &query, &values).await;
        let there = run(&shop.service, shop.resource, &query, &values).await;
        let name = |result: &QueryResult| result.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        assert_eq!(name(&here), name(&there), "{}", query.statement);
        assert_eq!((here.row_count, here.affected), (there.row_count, there.affected), "{}", query.statement);
        assert!(here.row_count > 0 || here.affected.is_some_and(|rows| rows > 0), "{}: nothing found", query.statement);
        for (one, other) in here.rows.iter().zip(&there.rows) {
            for (column, value) in one {
                assert!(is_same(value, &other[column]), "{column}: {value} and {}", other[column]);
            }
        }
    }
}

/// The same values; a decimal number has as many places behind its point as its database likes.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().is_some_and(|number| other.as_f64() == Some(number))
}

async fn run(service: &Service, resource: ResourceId, query: &ResourceQuery, values: &Value) -> QueryResult {
    let values = serde_json::from_value(values.clone()).expect("values");
    let result = service.run(&QueryRequest::of((resource, Default::default()), query, values)).await;
    result.unwrap_or_else(|problem| panic!("{}: {}", query.statement, problem.detail))
}

/// The script makes a database of its own; here its tables go into the one that is there.
async fn load_postgresql(service: &Service, script: &str) {
    let of_a_database =
        |line: &&str| ["DROP DATABASE", "CREATE DATABASE", "\\c "].iter().any(|start| line.starts_with(start));
    let tables: Vec<&str> = script.lines().filter(|line| !of_a_database(line)).collect();
    let owner = "SET SESSION AUTHORIZATION \"bulkhead-tables\";";
    let script = format!("{owner}\n{}\nRESET SESSION AUTHORIZATION;", tables.join("\n"));
    service.observer.batch_execute(&script).await.expect("loaded");
}

/// The script for MySQL writes the names of the other one as `TrackId`.
fn load_mariadb(shop: &mut Shop, script: &str) {
    let of_a_database =
        |line: &&str| ["DROP DATABASE", "CREATE DATABASE", "USE "].iter().any(|start| line.starts_with(start));
    let tables: Vec<String> = script.lines().filter(|line| !of_a_database(line)).map(snake_case_names).collect();
    shop.maria.load("shop", &tables.join("\n"));
}

/// `TrackId` in back quotes as track_id.
fn snake_case_names(line: &str) -> String {
    let pieces = line.split('`').enumerate().map(|(index, piece)| {
        if index % 2 == 0 {
            return piece.to_owned();
        }
        let mut name = String::from("`");
        for (at, letter) in piece.char_indices() {
            if letter.is_uppercase() && at > 0 && piece[..at].ends_with(|before: char| before.is_lowercase()) {
                name.push('_');
            }
            name.extend(letter.to_lowercase());
        }
        name.push('`');
        name
    });
    pieces.collect()
}
