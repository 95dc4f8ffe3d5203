//! ClickHouse, at the level of its protocol: no current server can be had for the tests. What the server says here is written after the
//! engine of version 26.9.

mod server;

use std::iter;
use std::time::Duration;

use bulkhead_model::ResourceId;
use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::ResourceConfig;
use bulkhead_rpc::connector::{QueryRequest, Schema, SchemaRequest};
use bulkhead_rpc::export::{ExportEnd, ExportFormat};
use http::Method;
use serde_json::{Value, json};

use self::server::{After, Asked, Recorded, Told};
use crate::conformance::{Read, Subject, conforms, loses_answers};
use crate::kit::Service;
use crate::paging::page;

/// Types as the engine writes them, a row for all.
const TYPES: &[u8] = b"[\"i8\", \"i64\", \"u64\", \"i128\", \"f\", \"n\", \"inf\", \"d\", \"dd\", \"b\", \"s\", \"nn\", \"dt\", \"dtt\", \"d64\", \"uu\", \"a\", \"t\", \"nt\", \"m\", \"en\", \"ip\", \"bin\", \"j\"]\n[\"Int8\", \"Int64\", \"UInt64\", \"Int128\", \"Float64\", \"Float64\", \"Float64\", \"Decimal(18, 2)\", \"Decimal(38, 2)\", \"Bool\", \"String\", \"Nullable(Nothing)\", \"Date\", \"DateTime('Europe/Berlin')\", \"DateTime64(6, 'UTC')\", \"UUID\", \"Array(Int64)\", \"Tuple(UInt8, String)\", \"Tuple(a Int8, b Int64)\", \"Map(String, UInt64)\", \"Enum8('a' = 1)\", \"IPv4\", \"String\", \"JSON\"]\n[-1, \"5\", \"18446744073709551615\", \"170141183460469231731687303715884105727\", 1.5, \"nan\", \"-inf\", \"1.1\", \"12345678901234567890.12\", true, \"\xc3\xa9\\\"\\n/\", null, \"2024-02-29\", \"2024-02-29T11:00:00Z\", \"2024-02-29T12:00:00.123456Z\", \"61f0c404-5cb3-11e7-907b-a6006ad3dba0\", [\"1\",\"9007199254740993\"], [1,\"x\"], {\"a\":1,\"b\":\"2\"}, {\"k\":\"3\"}, \"a\", \"127.0.0.1\", \"\xff\\u0000\", {\"a\":\"1\"}]\n";
const ONE: &[u8] = b"[\"1\"]\n[\"UInt8\"]\n[1]\n";
const WRONG_PASSWORD: &str = "Code: 516. DB::Exception: default: Authentication failed: password is incorrect, or there is no user with such \
     name. (AUTHENTICATION_FAILED) (version 26.9.2.1)\n";
const SYNTAX: &str = "Code: 62. DB::Exception: Syntax error: failed at position 7 (1): 1. Expected one of: token sequence, Dot. (SYNTAX_ERROR) \
     (version 26.9.2.1)\n";
const READONLY: &str =
    "Code: 164. DB::Exception: default: Cannot execute query in readonly mode. (READONLY) (version 26.9.2.1)\n";
const THROWN: &str = "Code: 395. DB::Exception: Value passed to 'throwIf' function is non-zero: while executing 'FUNCTION throwIf'. \
     (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO) (version 26.9.2.1)\n";
const COLUMNS: &[u8] = b"[\"database\", \"table\", \"name\", \"type\"]\n[\"String\", \"String\", \"String\", \"String\"]\n[\"default\", \"t\", \"a\", \"Int64\"]\n[\"default\", \"t\", \"b\", \"Nullable(String)\"]\n[\"other\", \"t\", \"c\", \"Date\"]\n";

fn config(server: &Recorded) -> Value {
    json!({ "kind": "clickhouse", "host": "127.0.0.1", "port": server.port, "tls": "disabled" })
}

/// The answers of the recordings.
fn answer(asked: &Asked) -> Told {
    let refused = |status, code: &'static str, text: &str| Told::Whole(status, code, text.into());
    if asked.headers.get("x-clickhouse-key").map(String::as_str) != Some("s3cret") {
        return refused(403, "X-ClickHouse-Exception-Code: 516\r\n", WRONG_PASSWORD);
    }
    match asked.statement.as_str() {
        "SELECT types" => Told::Whole(200, "", TYPES.to_vec()),
        "SELEC 1" => refused(400, "X-ClickHouse-Exception-Code: 62\r\n", SYNTAX),
        text if text.contains("system.columns") => Told::Whole(200, "", COLUMNS.to_vec()),
        text if text.starts_with("INSERT") && asked.given.contains_key("readonly") => {
            refused(500, "X-ClickHouse-Exception-Code: 164\r\n", READONLY)
        }
        text if text.starts_with("INSERT") => {
            Told::Whole(200, "X-ClickHouse-Summary: {\"read_rows\":\"3\",\"written_rows\":\"3\"}\r\n", Vec::new())
        }
        text if text.starts_with("KILL") => Told::Whole(200, "", Vec::new()),
        "endless" => Told::Stream(Box::new(rows()), After::End),
        "silent" => Told::Stream(Box::new(rows().take(3)), After::Silence),
        "cut" => Told::Stream(Box::new(rows().take(5_000)), After::HangUp),
        "throws" => Told::Stream(
            Box::new(
                rows().take(5_000).chain([format!(
                    "\r\n__exception__\r\nabcdefghijklmnop\r\n{THROWN}\n140 abcdefghijklmnop\r\n__exception__\r\n"
                )
                .into_bytes()]),
            ),
            After::HangUp,
        ),
        _ => Told::Whole(200, "", ONE.to_vec()),
    }
}

/// Rows without end, behind their names and types.
fn rows() -> impl Iterator<Item = Vec<u8>> {
    let row = |number: u64| format!("[\"{number}\", \"{}\"]\n", "x".repeat(40)).into_bytes();
    iter::once(b"[\"n\", \"s\"]\n[\"UInt64\", \"String\"]\n".to_vec()).chain((0..).map(row))
}

struct Clickhouse {
    service: Service,
    server: Recorded,
    resource: ResourceId,
}

impl Clickhouse {
    async fn start() -> Self {
        let (service, server) = (Service::start().await, Recorded::start(answer).await);
        let config: ResourceConfig = serde_json::from_value(config(&server)).expect("a configuration");
        let resource = service.add_kind("events", &config, Some("s3cret")).await;
        Self { service, server, resource }
    }

    fn query(&self, statement: &str, parameters: Value) -> QueryRequest {
        let parameters = serde_json::from_value(parameters).expect("parameters");
        QueryRequest { resource: self.resource, parameters, ..self.service.query(statement) }
    }

    /// Waits until the query that this statement was is killed.
    async fn until_killed(&self, statement: &str) {
        let query = self.server.until(|asked| asked.statement == statement).await;
        let killed = format!("KILL QUERY WHERE query_id = '{}' ASYNC", query.given["query_id"]);
        let kill = self.server.until(|asked| asked.statement == killed).await;
        assert!(!kill.given.contains_key("readonly"));
    }
}

#[tokio::test]
async fn clickhouse_conforms() {
    let server = Recorded::start(answer).await;
    let subject = Subject {
        config: config(&server),
        secret: Some("s3cret"),
        read: Read::Statement("SELECT 1"),
        checks_secret: true,
        answers_on_connect: false,
    };
    conforms(&subject).await;
    loses_answers(&subject, &Read::Statement("INSERT INTO t VALUES (1)"), b"INSERT").await;
}

#[tokio::test]
async fn every_type_keeps_its_values() {
    let clickhouse = Clickhouse::start().await;
    let result = clickhouse.service.run(&clickhouse.query("SELECT types", json!({}))).await.expect("runs");
    assert_eq!(
        Value::Object(result.rows[0].clone()),
        json!({
            "i8": -1, "i64": 5, "u64": "18446744073709551615", "i128": "170141183460469231731687303715884105727", "f": 1.5,
            "n": "NaN", "inf": "-Infinity", "d": 1.1, "dd": "12345678901234567890.12", "b": true, "s": "é\"\n/", "nn": null,
            "dt": "2024-02-29", "dtt": "2024-02-29T11:00:00Z", "d64": "2024-02-29T12:00:00.123456Z",
            "uu": "61f0c404-5cb3-11e7-907b-a6006ad3dba0", "a": [1, "9007199254740993"], "t": [1, "x"],
            "nt": { "a": 1, "b": 2 }, "m": { "k": 3 }, "en": "a", "ip": "127.0.0.1", "bin": { "base64": "/wA=" }, "j": { "a": "1" }
        })
    );
    assert_eq!(result.columns[7].type_name, "Decimal(18, 2)");
    assert!(result.end && !result.truncated && result.affected.is_none());
}

#[tokio::test]
async fn values_travel_as_the_servers_own_parameters() {
    let clickhouse = Clickhouse::start().await;
    let hostile = "it's \\ {{x}} {p2:String} ?&param_p2=1\t\r\n\u{0}";
    let statement = "SELECT {{ a }} WHERE x IN {{ b }} OR y = {{ c }}";
    let values = json!({ "a": hostile, "b": [1, 2], "c": null });
    clickhouse.service.run(&clickhouse.query(statement, values)).await.expect("runs");
    let asked = clickhouse.server.asked().pop().expect("asked");
    assert_eq!(asked.statement, "SELECT  {p1:String}  WHERE x IN  {p2:Array(Int64)}  OR y =  {p3:Nullable(Nothing)} ");
    let escaped = "it's \\\\ {{x}} {p2:String} ?&param_p2=1\\t\\r\\n\\0";
    assert_eq!(
        (asked.given["param_p1"].as_str(), asked.given["param_p2"].as_str(), asked.given["param_p3"].as_str()),
        (escaped, "[1,2]", "\\N")
    );
    for (key, value) in
        [("readonly", "1"), ("max_execution_time", "10"), ("output_format_json_quote_64bit_integers", "1")]
    {
        assert_eq!(asked.given[key], value, "{key}");
    }
    assert!(!format!("{:?}", asked.given).contains("s3cret"), "a password in an address would be in logs");

    // Ones that no address would hold.
    let long = "y\r\n--x".repeat(400_000);
    clickhouse.service.run(&clickhouse.query("SELECT {{ a }}", json!({ "a": long }))).await.expect("runs");
    let asked = clickhouse.server.asked().pop().expect("asked");
    assert_eq!((asked.statement.as_str(), asked.given["param_p1"].len()), ("SELECT  {p1:String} ", 400_000 * 8));
    let many: Vec<u32> = (0..100_000).collect();
    clickhouse.service.run(&clickhouse.query("SELECT {{ a }}", json!({ "a": many }))).await.expect("runs");

    for (statement, code) in [
        ("SELECT '{{ a }}'", "statement-invalid"),
        ("SELECT {{ missing }}", "parameter-missing"),
        ("SELECT {{ o }}", "parameter-type"),
    ] {
        let request = clickhouse.query(statement, json!({ "a": 1, "o": {} }));
        assert_eq!(clickhouse.service.run(&request).await.expect_err(statement).code, code);
    }
}

#[tokio::test]
async fn errors_have_the_servers_code_and_what_to_do() {
    let clickhouse = Clickhouse::start().await;
    let problem = async |statement: &str| {
        clickhouse.service.run(&clickhouse.query(statement, json!({}))).await.expect_err(statement)
    };
    let syntax = problem("SELEC 1").await;
    assert_eq!((syntax.code.as_str(), syntax.sqlstate.as_deref()), ("query-failed", Some("62")));
    assert!(syntax.detail.starts_with("Syntax error") && !syntax.detail.contains("version"), "{}", syntax.detail);
    let refused = problem("INSERT INTO t VALUES (1)").await;
    assert!(refused.detail.contains("mode to \"write\""), "{}", refused.detail);
    let insert = clickhouse.query("INSERT INTO t VALUES (1)", json!({}));
    let insert = QueryRequest { mode: QueryMode::Write, ..insert };
    assert_eq!(clickhouse.service.run(&insert).await.expect("written").affected, Some(3));
    let asked = clickhouse.server.asked().pop().expect("asked");
    assert_eq!(asked.given["wait_end_of_query"], "1");
}

#[tokio::test]
async fn rows_beyond_the_cap_are_not_made() {
    let clickhouse = Clickhouse::start().await;
    let mut request = clickhouse.query("endless", json!({}));
    request.limits.max_rows = 7;
    let result = clickhouse.service.run(&request).await.expect("runs");
    assert!(result.truncated && result.row_count == 7 && result.rows[6]["n"] == 6);
    clickhouse.until_killed("endless").await;
    let mut large = clickhouse.query("endless", json!({}));
    large.limits.max_rows = 50_000;
    let result = clickhouse.service.run(&large).await.expect("runs");
    assert!(result.end && result.truncated && result.rows.len() == 50_000);
    large.limits.max_bytes = 20_000;
    assert_eq!(clickhouse.service.run(&large).await.expect_err("refused").code, "result-too-large");
}

#[tokio::test]
async fn a_query_that_is_left_is_killed() {
    let clickhouse = Clickhouse::start().await;
    let mut request = clickhouse.query("silent", json!({}));
    request.limits.timeout_ms = 300;
    assert_eq!(clickhouse.service.run(&request).await.expect_err("late").code, "query-timeout");
    clickhouse.until_killed("silent").await;

    let clickhouse = Clickhouse::start().await;
    let request = QueryRequest { mode: QueryMode::Write, ..clickhouse.query("silent", json!({})) };
    let left = tokio::time::timeout(Duration::from_millis(300), clickhouse.service.run(&request)).await;
    assert!(left.is_err(), "it never answers");
    clickhouse.until_killed("silent").await;
    let mut late = request;
    late.limits.timeout_ms = 300;
    assert_eq!(clickhouse.service.run(&late).await.expect_err("late").code, "outcome-unknown");
}

#[tokio::test]
async fn what_fails_within_the_rows_is_told_behind_them() {
    let clickhouse = Clickhouse::start().await;
    let thrown = clickhouse.service.run(&clickhouse.query("throws", json!({}))).await.expect("begun");
    let error = thrown.error.expect("told");
    assert!(!thrown.end && thrown.row_count == 4_999);
    assert_eq!((error.code.as_str(), error.sqlstate.as_deref()), ("query-failed", Some("395")));
    let cut = clickhouse.service.run(&clickhouse.query("cut", json!({}))).await.expect("begun");
    assert_eq!(cut.error.expect("told").code, "resource-lost");
    // The connection that broke serves nobody else.
    clickhouse.service.run(&clickhouse.query("SELECT 1", json!({}))).await.expect("runs");
}

#[tokio::test]
async fn the_schema_has_every_table_the_user_sees() {
    let clickhouse = Clickhouse::start().await;
    let request = SchemaRequest { resource: clickhouse.resource, environment: Default::default(), asked_by: None };
    let schema: Schema = clickhouse.service.client.call(Method::POST, "/v1/schema", &request).await.expect("told");
    let tables: Vec<_> = schema.tables.iter().map(|table| (table.schema.as_str(), table.columns.len())).collect();
    assert_eq!(tables, [("default", 2), ("other", 1)]);
    assert_eq!(schema.tables[0].columns[1].type_name, "Nullable(String)");
}

#[tokio::test]
async fn all_rows_are_exported_or_it_is_told_why_not() {
    let clickhouse = Clickhouse::start().await;
    let export = async |statement: &str, format| {
        let query = clickhouse.query(statement, json!({}));
        clickhouse.service.export(&query, format).await.expect("begun")
    };
    let (file, end) = export("SELECT types", ExportFormat::Csv).await;
    assert_eq!(end, Some(ExportEnd { rows: 1, error: None }));
    let (head, row) = file.split_once("\r\n").expect("two lines");
    assert!(head.starts_with("i8,i64,u64,i128,f,n,inf,"), "{head}");
    let row_begins = "-1,5,18446744073709551615,170141183460469231731687303715884105727,1.5,NaN,-Infinity,1.1,12345678901234567890.12,true,\"é\"\"\n/\",,2024-02-29,";
    assert!(row.starts_with(row_begins), "{row}");
    for (statement, code) in [("cut", "resource-lost"), ("throws", "query-failed")] {
        let (file, end) = export(statement, ExportFormat::Ndjson).await;
        let end = end.expect("an end");
        assert_eq!((end.error.map(|problem| problem.code), end.rows), (Some(code.to_owned()), 4999), "{statement}");
        assert_eq!(file.lines().count(), 4999);
    }
}

#[tokio::test]
async fn pages_are_cut_by_its_parameters() {
    let clickhouse = Clickhouse::start().await;
    let query = clickhouse.query("SELECT 'it\\'s' FROM t ORDER BY a", json!({}));
    clickhouse.service.run(&page(query, json!(20), json!(40))).await.expect("runs");
    let asked = clickhouse.server.until(|asked| asked.statement.contains("FROM t")).await;
    assert!(asked.statement.ends_with("ORDER BY a\nLIMIT  {p1:Int64}  OFFSET  {p2:Int64} "), "{}", asked.statement);
    assert_eq!((asked.given["param_p1"].as_str(), asked.given["param_p2"].as_str()), ("20", "40"));
}
