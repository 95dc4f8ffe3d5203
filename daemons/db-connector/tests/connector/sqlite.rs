//! SQLite: real files, in a directory that the configuration lists.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bulkhead_model::ResourceId;
use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::ResourceConfig;
use bulkhead_rpc::connector::{QueryRequest, QueryResult, Schema, SchemaRequest, TestRequest};
use bulkhead_rpc::export::{ExportEnd, ExportFormat};
use bulkhead_rpc::{Problem, RpcError};
use http::Method;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::kit::Service;
use crate::paging::page;

/// A service with a directory of its own, and a file in it.
struct Sqlite {
    service: Service,
    directory: tempfile::TempDir,
    resource: ResourceId,
}

impl Sqlite {
    async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let service = Service::with(json!({ "sqlite-directories": [directory.path()] })).await;
        let mut sqlite = Self { service, directory, resource: ResourceId::new() };
        sqlite
            .file("shop.db")
            .execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL, more)")
            .expect("made");
        sqlite.resource = sqlite.add("shop", sqlite.path("shop.db")).await;
        sqlite
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A connection of somebody else to a file, which is made if it is not there.
    fn file(&self, name: &str) -> Connection {
        Connection::open(self.path(name)).expect("a file")
    }

    async fn add(&self, name: &str, path: PathBuf) -> ResourceId {
        let config: ResourceConfig =
            serde_json::from_value(json!({ "kind": "sqlite", "path": path })).expect("a configuration");
        self.service.add_kind(name, &config, None).await
    }

    fn query(&self, statement: &str, parameters: Value) -> QueryRequest {
        let parameters = serde_json::from_value(parameters).expect("parameters");
        QueryRequest { resource: self.resource, parameters, ..self.service.query(statement) }
    }

    async fn read(&self, statement: &str, parameters: Value) -> Result<QueryResult, Problem> {
        self.service.run(&self.query(statement, parameters)).await
    }

    async fn write(&self, statement: &str, parameters: Value) -> Result<QueryResult, Problem> {
        self.service.run(&QueryRequest { mode: QueryMode::Write, ..self.query(statement, parameters) }).await
    }

    async fn rows(&self, statement: &str, parameters: Value) -> Vec<Value> {
        let result = self.read(statement, parameters).await.expect(statement);
        assert!(result.end, "the result is whole");
        result.rows.into_iter().map(Value::Object).collect()
    }
}

#[tokio::test]
async fn values_go_in_and_come_out_as_they_were() {
    let sqlite = Sqlite::start().await;
    let hostile = "it's \"x\"; DROP TABLE t -- \u{0} {{x}} é";
    let values = json!({ "id": i64::MAX, "name": hostile, "more": { "base64": "/wA=" } });
    let written =
        sqlite.write("INSERT INTO t VALUES ({{ id }}, {{ name }}, {{ more }})", values).await.expect("written");
    assert_eq!(written.affected, Some(1));
    let rows = sqlite.rows("SELECT * FROM t WHERE name = {{ name }}", json!({ "name": hostile })).await;
    assert_eq!(rows, [json!({ "id": "9223372036854775807", "name": hostile, "more": { "base64": "/wA=" } })]);
    let columns = sqlite.read("SELECT * FROM t", json!({})).await.expect("read").columns;
    let columns: Vec<_> = columns.iter().map(|column| column.type_name.as_str()).collect();
    assert_eq!(columns, ["INTEGER", "TEXT", "any"]);
    let others = "SELECT {{ a }} AS a, {{ b }} AS b, {{ c }} AS c, typeof({{ d }}) AS d, 1 AS a, CAST(x'ff' AS TEXT) AS bad, 9e999 AS inf";
    let others = sqlite.rows(others, json!({ "a": null, "b": true, "c": 1.5, "d": 1 })).await;
    assert_eq!(
        others,
        [
            json!({ "a": null, "b": 1, "c": 1.5, "d": "integer", "a_2": 1, "bad": { "base64": "/w==" }, "inf": "Infinity" })
        ]
    );
    let many: Vec<u32> = (0..100_000).collect();
    let list = "SELECT count(*) AS n FROM json_each({{ ids }}) WHERE value < 5 OR value IN (SELECT value FROM json_each({{ ids }}))";
    assert_eq!(sqlite.rows(list, json!({ "ids": many })).await, [json!({ "n": 100_000 })]);
    let wide: Vec<_> = (0..1600).map(|number| format!("{number} AS c{number}")).collect();
    let wide = sqlite.rows(&format!("SELECT {}", wide.join(", ")), json!({})).await;
    assert_eq!(wide[0]["c1599"], 1599);
    for (statement, values, code) in [
        ("SELECT '{{ a }}'", json!({ "a": 1 }), "statement-invalid"),
        ("SELECT [{{ a }}]", json!({ "a": 1 }), "statement-invalid"),
        ("SELECT {{ a }}", json!({}), "parameter-missing"),
        ("SELECT {{ a }}", json!({ "a": u64::MAX }), "parameter-type"),
        ("-- nothing", json!({}), "statement-unsupported"),
        ("SELEC 1", json!({}), "query-failed"),
        ("SELECT * FROM nowhere", json!({}), "query-failed"),
    ] {
        assert_eq!(sqlite.read(statement, values).await.expect_err(statement).code, code, "{statement}");
    }
}

#[tokio::test]
async fn a_read_changes_nothing_and_nothing_leads_out_of_the_file() {
    let sqlite = Sqlite::start().await;
    let other = sqlite.path("other.db");
    sqlite.write("CREATE INDEX names ON t (name)", json!({})).await.expect("made");
    for statement in [
        "INSERT INTO t VALUES (1, 'a', 2)",
        "DELETE FROM t",
        "DROP TABLE t",
        "CREATE TEMP TABLE x (a)",
        "WITH x AS (SELECT 1) UPDATE t SET name = 'a'",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = wal",
        "REINDEX",
        "UPDATE sqlite_schema SET name = 'x'",
    ] {
        let problem = sqlite.read(statement, json!({})).await.expect_err(statement);
        assert_eq!(problem.code, "query-failed", "{statement}");
        let is_told = problem.detail.contains("mode to \"write\"") || problem.detail.contains("may not be modified");
        assert!(is_told, "{statement}: {}", problem.detail);
    }
    for statement in [
        &format!("ATTACH '{}' AS o", other.display()),
        &format!("VACUUM INTO '{}'", other.display()),
        "PRAGMA writable_schema = 1",
        "PRAGMA query_only = 0",
        "PRAGMA temp_store_directory = '/tmp'",
        "SELECT load_extension('x')",
        "SELECT fts3_tokenizer('simple')",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT a",
        "SELECT 1; SELECT 2",
        "INSERT INTO t VALUES (1, 'a', 2); DELETE FROM t",
        "SELECT 1; ATTACH ':memory:' AS o",
    ] {
        let read = sqlite.read(statement, json!({})).await.expect_err(statement);
        let write = sqlite.write(statement, json!({})).await.expect_err(statement);
        for problem in [read, write] {
            let codes = ["query-failed", "statement-unsupported"];
            assert!(codes.contains(&problem.code.as_str()), "{statement}: {} {}", problem.code, problem.detail);
        }
    }
    assert!(!other.exists() && sqlite.rows("SELECT * FROM t", json!({})).await.is_empty());
    assert_eq!(sqlite.rows("PRAGMA table_info(t)", json!({})).await.len(), 3);
    assert_eq!(sqlite.rows("SELECT 1 AS a -- one; statement;\n; ;", json!({})).await.len(), 1);
}

#[tokio::test]
async fn only_files_below_listed_directories_are_opened() {
    let sqlite = Sqlite::start().await;
    let elsewhere = tempfile::tempdir().expect("a directory");
    let outside = elsewhere.path().join("secret.db");
    Connection::open(&outside).and_then(|file| file.execute_batch("CREATE TABLE t (a)")).expect("made");
    symlink(&outside, sqlite.path("link.db")).expect("a link");
    symlink(elsewhere.path(), sqlite.path("way")).expect("a link");
    std::fs::create_dir(sqlite.path("folder")).expect("a folder");
    std::fs::write(sqlite.path("text.db"), "this is no database, only a text that is long enough to be read as one")
        .expect("written");
    let sibling = PathBuf::from(format!("{}-more/a.db", sqlite.directory.path().display()));
    for (name, path, code) in [
        ("outside", outside, "resource-file-refused"),
        ("link", sqlite.path("link.db"), "resource-file-refused"),
        ("way", sqlite.path("way/secret.db"), "resource-file-refused"),
        ("sibling", sibling, "resource-file-refused"),
        ("passwd", "/etc/passwd".into(), "resource-file-refused"),
        ("folder", sqlite.path("folder"), "resource-unreachable"),
        ("absent", sqlite.path("absent.db"), "resource-unreachable"),
        ("text", sqlite.path("text.db"), "resource-unreachable"),
    ] {
        let resource = sqlite.add(name, path.clone()).await;
        for mode in [QueryMode::Read, QueryMode::Write] {
            let request = QueryRequest { resource, mode, ..sqlite.query("SELECT 1", json!({})) };
            let problem = sqlite.service.run(&request).await.expect_err(name);
            assert_eq!(problem.code, code, "{name}: {}", problem.detail);
            assert!(problem.detail.contains(name), "{}", problem.detail);
        }
        let config = serde_json::from_value(json!({ "kind": "sqlite", "path": path })).expect("a configuration");
        let test = TestRequest { config, secret: None, resource, environment: Default::default(), asked_by: None };
        match sqlite.service.client.call::<_, Value>(Method::POST, "/v1/test", &test).await {
            Err(RpcError::Problem(problem)) => assert_eq!(problem.code, code, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(!sqlite.path("absent.db").exists(), "no file is made");
    // Where nothing is listed, nothing is opened.
    let closed = Service::start().await;
    let config: ResourceConfig =
        serde_json::from_value(json!({ "kind": "sqlite", "path": sqlite.path("shop.db") })).expect("a configuration");
    let resource = closed.add_kind("closed", &config, None).await;
    let request = QueryRequest { resource, ..closed.query("SELECT 1") };
    assert_eq!(closed.run(&request).await.expect_err("refused").code, "resource-file-refused");
}

#[tokio::test]
async fn a_write_is_made_whole_or_not_at_all() {
    let sqlite = Sqlite::start().await;
    let rows = "INSERT INTO t (name) SELECT value FROM json_each({{ names }}) RETURNING id, name";
    let made = sqlite.write(rows, json!({ "names": ["a", "b"] })).await.expect("written");
    assert_eq!((made.affected, made.rows[1]["name"].as_str()), (Some(2), Some("b")));
    let broken = sqlite.write(rows, json!({ "names": ["c", null] })).await.expect_err("refused");
    assert!(broken.detail.contains("NOT NULL constraint"), "{}", broken.detail);
    assert_eq!(broken.sqlstate.as_deref(), Some("1299"));
    let mut capped = QueryRequest { mode: QueryMode::Write, ..sqlite.query(rows, json!({ "names": ["d", "e", "f"] })) };
    capped.limits.max_rows = 1;
    let capped = sqlite.service.run(&capped).await.expect("written");
    assert!(capped.truncated && capped.row_count == 1 && capped.affected == Some(3));
    let mut large =
        QueryRequest { mode: QueryMode::Write, ..sqlite.query(rows, json!({ "names": ["x".repeat(9000)] })) };
    large.limits.max_bytes = 1000;
    assert_eq!(sqlite.service.run(&large).await.expect_err("refused").code, "result-too-large");
    assert_eq!(sqlite.rows("SELECT count(*) AS n FROM t", json!({})).await, [json!({ "n": 5 })]);
    assert_eq!(
        sqlite.write("UPDATE t SET more = 1 WHERE id > {{ id }}", json!({ "id": 2 })).await.expect("written").affected,
        Some(3)
    );
}

/// A query that would run for ever.
const ENDLESS: &str = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";

#[tokio::test]
async fn a_query_that_takes_too_long_or_is_left_is_stopped() {
    let sqlite = Sqlite::start().await;
    let mut late = sqlite.query(ENDLESS, json!({}));
    late.limits.timeout_ms = 300;
    let started = Instant::now();
    assert_eq!(sqlite.service.run(&late).await.expect_err("late").code, "query-timeout");
    assert!(started.elapsed() < Duration::from_secs(3));
    let mut write = late.clone();
    write.mode = QueryMode::Write;
    write.statement = format!("INSERT INTO t (name) {ENDLESS}");
    assert_eq!(sqlite.service.run(&write).await.expect_err("late").code, "query-timeout");
    assert!(sqlite.rows("SELECT * FROM t", json!({})).await.is_empty());

    // More than a file's threads, each left: none of them goes on.
    let mut left = sqlite.query(ENDLESS, json!({}));
    left.limits.timeout_ms = 60_000;
    let all = (0..12).map(|_| tokio::time::timeout(Duration::from_millis(300), sqlite.service.run(&left)));
    assert!(futures_util::future::join_all(all).await.iter().all(Result::is_err));
    let started = Instant::now();
    assert_eq!(sqlite.rows("SELECT 1 AS a", json!({})).await.len(), 1);
    assert!(started.elapsed() < Duration::from_secs(3), "a thread was free again at once");
}

#[tokio::test]
async fn a_file_that_is_locked_slows_no_other() {
    let sqlite = Sqlite::start().await;
    sqlite.file("quick.db").execute_batch("CREATE TABLE q (a)").expect("made");
    let quick = sqlite.add("quick", sqlite.path("quick.db")).await;
    let other = sqlite.file("shop.db");
    other.execute_batch("BEGIN EXCLUSIVE").expect("locked");
    let mut waiting = QueryRequest { mode: QueryMode::Write, ..sqlite.query("DELETE FROM t", json!({})) };
    waiting.limits.timeout_ms = 1_000;
    let blocked = futures_util::future::join_all((0..8).map(|_| sqlite.service.run(&waiting)));
    let meanwhile = async {
        let started = Instant::now();
        for _ in 0..20 {
            let request = QueryRequest { resource: quick, ..sqlite.query("SELECT * FROM q", json!({})) };
            sqlite.service.run(&request).await.expect("runs");
        }
        started.elapsed()
    };
    let (blocked, meanwhile) = tokio::join!(blocked, meanwhile);
    assert!(meanwhile < Duration::from_millis(900), "{meanwhile:?}");
    for problem in blocked {
        let problem = problem.expect_err("locked");
        assert!(problem.detail.contains("locked"), "{}: {}", problem.code, problem.detail);
    }
    other.execute_batch("ROLLBACK").expect("unlocked");
    sqlite.write("DELETE FROM t", json!({})).await.expect("runs");
}

#[tokio::test]
async fn many_rows_are_handed_on_as_they_come() {
    let sqlite = Sqlite::start().await;
    let rows =
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x, 'some text of a row' AS s FROM n";
    let mut request = sqlite.query(rows, json!({}));
    request.limits.max_rows = 100_000;
    let result = sqlite.service.run(&request).await.expect("runs");
    assert!(result.end && result.truncated && result.rows.len() == 100_000 && result.rows[99_999]["x"] == 100_000);
    request.limits.max_bytes = 300_000;
    let error = sqlite.service.run(&request).await.expect("begun").error.expect("told");
    assert_eq!(error.code, "result-too-large");
    let huge = sqlite.read("SELECT zeroblob(1000000000)", json!({})).await.expect_err("refused");
    assert_eq!(huge.code, "query-failed", "{}", huge.detail);
}

#[tokio::test]
async fn the_schema_has_tables_and_views() {
    let sqlite = Sqlite::start().await;
    sqlite
        .file("shop.db")
        .execute_batch("CREATE VIEW v AS SELECT id FROM t; CREATE INDEX i ON t (name)")
        .expect("made");
    let request = SchemaRequest { resource: sqlite.resource, environment: Default::default(), asked_by: None };
    let schema: Schema = sqlite.service.client.call(Method::POST, "/v1/schema", &request).await.expect("told");
    let tables: Vec<_> = schema.tables.iter().map(|table| (table.name.as_str(), table.columns.len())).collect();
    assert_eq!(tables, [("t", 3), ("v", 1)]);
    assert_eq!(schema.tables[0].columns[1].type_name, "TEXT");
    assert_eq!((&schema.tables[0].key, &schema.tables[0].filled), (&vec!["id".to_owned()], &vec!["id".to_owned()]));
}

#[tokio::test]
async fn all_rows_are_exported() {
    let sqlite = Sqlite::start().await;
    let numbers = "with recursive n(id) as (select 1 union all select id + 1 from n where id < 200000)";
    let query = sqlite.query(&format!("{numbers} select id, 'name ' || id as name, x'00ff' as raw from n"), json!({}));
    let (file, end) = sqlite.service.export(&query, ExportFormat::Csv).await.expect("begun");
    assert_eq!(end, Some(ExportEnd { rows: 200_000, error: None }));
    assert_eq!(file.lines().count(), 200_001);
    assert!(file.ends_with("200000,name 200000,\"{\"\"base64\"\":\"\"AP8=\"\"}\"\r\n"));
    let fails =
        sqlite.query(&format!("{numbers} select case when id = 100000 then json('no') else id end from n"), json!({}));
    let end = sqlite.service.export(&fails, ExportFormat::Json).await.expect("begun").1.expect("an end");
    assert_eq!((end.rows, end.error.map(|problem| problem.code)), (99_999, Some("query-failed".to_owned())));
}

#[tokio::test]
async fn pages_are_cut_by_the_file() {
    let sqlite = Sqlite::start().await;
    let numbers = "with recursive n(id) as (select 1 union all select id + 1 from n where id < 95) select id from n order by id desc";
    let result = sqlite.service.run(&page(sqlite.query(numbers, json!({})), json!(3), json!(90))).await.expect("runs");
    assert_eq!(json!(result.rows), json!([{ "id": 5 }, { "id": 4 }, { "id": 3 }]));
}
