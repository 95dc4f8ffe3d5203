//! SQL Server, whose server cannot run here: against one that speaks its protocol.

mod changing;
mod server;
mod tokens;

use std::sync::Arc;

use bulkhead_model::ResourceId;
use bulkhead_model::query::QueryMode;
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::{QueryRequest, QueryResult};
use bulkhead_rpc::export::{ExportEnd, ExportFormat};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio_rustls::TlsAcceptor;

use self::server::{PASSWORD, Reply, Server};
use self::tokens::{INT, NVARCHAR, called, columns, done, error, notice, one, row, texts, utf16};
use crate::certificates::{Certified, certified};
use crate::conformance::{Read, Subject, conforms};
use crate::kit::Service;
use crate::paging::page;

/// A server with a resource for it.
struct Shop {
    service: Service,
    server: Server,
    resource: ResourceId,
}

fn settings(port: u16) -> Value {
    json!({ "kind": "sql-server", "host": "127.0.0.1", "port": port, "database": "shop", "user": "app", "tls": "disabled" })
}

impl Shop {
    async fn open() -> Self {
        let (service, server) = (Service::start().await, Server::start(None).await);
        let resource = service.add_any(settings(server.port), Some(PASSWORD)).await;
        server.say("select 1 as one", one("one", 1));
        Self { service, server, resource }
    }

    fn query(&self, statement: &str, mode: QueryMode, parameters: Value) -> QueryRequest {
        let parameters = serde_json::from_value(parameters).expect("parameters");
        QueryRequest { resource: self.resource, mode, parameters, ..self.service.query(statement) }
    }

    async fn read(&self, statement: &str, parameters: Value) -> Result<QueryResult, Problem> {
        self.service.run(&self.query(statement, QueryMode::Read, parameters)).await
    }

    async fn write(&self, statement: &str, parameters: Value) -> Result<QueryResult, Problem> {
        self.service.run(&self.query(statement, QueryMode::Write, parameters)).await
    }
}

/// What ends TLS with this certificate.
fn ends_tls(certified: &Certified) -> TlsAcceptor {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certified.certificate.der().clone()], key)
        .expect("a certificate");
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn it_conforms() {
    let server = Server::start(None).await;
    server.say("select 1 as one", one("one", 1));
    let config = settings(server.port);
    let subject = Subject {
        config,
        secret: Some(PASSWORD),
        read: Read::Statement("select 1 as one"),
        checks_secret: true,
        answers_on_connect: true,
    };
    conforms(&subject).await;
}

#[tokio::test]
async fn the_password_is_shown_to_nobody_but_a_server_that_is_verified() {
    let service = Service::start().await;
    let good = certified();
    let server = Server::start(Some(ends_tls(&good))).await;
    server.say("select 1 as one", one("one", 1));
    let ask = async |changes: Value| {
        let mut config = settings(server.port);
        config.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        let resource = service.add_any(config, Some(PASSWORD)).await;
        service.run(&QueryRequest { resource, ..service.query("select 1 as one") }).await
    };
    let verified = json!({ "host": "localhost", "tls": "verify-full", "ca-certificate": good.authority });
    assert_eq!(json!(ask(verified).await.expect("works").rows), json!([{ "one": 1 }]));
    for changes in [
        json!({ "host": "127.0.0.1", "tls": "verify-full", "ca-certificate": good.authority }),
        json!({ "host": "localhost", "tls": "verify-full", "ca-certificate": certified().authority }),
        json!({ "tls": "disabled" }),
    ] {
        let problem = ask(changes.clone()).await.expect_err("refused");
        assert_eq!((problem.status, problem.code.as_str()), (502, "resource-tls"), "{changes}: {}", problem.detail);
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_told() {
    let shop = Shop::open().await;
    let mut config = settings(shop.server.port);
    config["database"] = json!("other");
    let resource = shop.service.add_any(config, Some(PASSWORD)).await;
    let problem =
        shop.service.run(&QueryRequest { resource, ..shop.service.query("select 1") }).await.expect_err("none");
    assert_eq!((problem.status, problem.code.as_str()), (502, "resource-log-in"), "{}", problem.detail);
    assert!(problem.detail.contains("Cannot open database \"other\""), "{}", problem.detail);
}

#[tokio::test]
async fn values_come_back_without_loss() {
    let shop = Shop::open().await;
    let decimal: &[u8] = &[0x6A, 17, 38, 2];
    let answer = [
        notice("Changed database context."),
        columns(&[
            ("a", INT),
            ("a", &[0x7F]),
            ("d", decimal),
            ("m", &[0x6E, 8]),
            ("t", NVARCHAR),
            ("big", &[0xE7, 0xFF, 0xFF, 9, 4, 0, 0, 0]),
            ("v", &[0xA7, 10, 0, 9, 4, 0xD0, 0, 0x34]),
            ("b", &[0x68, 1]),
            ("x", &[0xA5, 10, 0]),
            ("when", &[0x2B, 7]),
        ]),
        row(&[
            &[4, 1, 0, 0, 0],
            &9_007_199_254_740_993_i64.to_le_bytes(),
            &[5, 0, 0x39, 0x30, 0, 0],
            &[8, 0, 0, 0, 0, 0x10, 0x27, 0, 0],
            &[2, 0, b'x', 0],
            &[6, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0x3D, 0xD8, 4, 0, 0, 0, 0, 0xDE, b'!', 0, 0, 0, 0, 0],
            &[2, 0, b'c', 0xE9],
            &[1, 1],
            &[1, 0, 0xFF],
            &[10, 0, 0, 0, 0, 0, 1, 0, 0, 120, 0],
        ]),
        // All but the first are null.
        [&[0xD2, 0xFE, 0x03][..], &[4, 2, 0, 0, 0]].concat(),
        called(0xC1, 2),
        // What follows the first result is passed by.
    ];
    shop.server.say("from everything", answer.concat());
    let result = shop.read("select * from everything", json!({})).await.expect("runs");
    let nothing = Value::Null;
    assert_eq!(
        json!(result.rows),
        json!([
            { "a": 1, "a_2": "9007199254740993", "d": -123.45, "m": 1.0000, "t": "x", "big": "😀!", "v": "cé", "b": true,
              "x": "/w==", "when": "0001-01-02T02:00:00+02:00" },
            { "a": 2, "a_2": nothing, "d": nothing, "m": nothing, "t": nothing, "big": nothing, "v": nothing, "b": nothing,
              "x": nothing, "when": nothing },
        ])
    );
    let types: Vec<&str> = result.columns.iter().map(|column| column.type_name.as_str()).collect();
    assert_eq!(types[..4], ["int", "bigint", "decimal", "money"]);
    let second = [texts(&["a"], &[&["1"]]), texts(&["b"], &[&["2"], &["3"]])].concat();
    // The first end of a call is not the last.
    let first_end = second.windows(3).position(|part| part == [0xFE, 0, 0]).expect("an end");
    let mut second = second;
    second[first_end + 1] = 1;
    shop.server.say("exec both", second);
    let result = shop.write("exec both", json!({})).await.expect("runs");
    assert_eq!(json!(result.rows), json!([{ "a": "1" }]));
    shop.server.say("from odd", [columns(&[("j", &[0xF4])]), called(0xC1, 0)].concat());
    let problem = shop.read("select * from odd", json!({})).await.expect_err("unknown");
    assert_eq!(problem.code, "statement-unsupported", "{}", problem.detail);
    assert!(shop.read("select 1 as one", json!({})).await.is_ok(), "another connection serves");
}

#[tokio::test]
async fn bindings_are_parameters_and_a_read_is_rolled_back() {
    let shop = Shop::open().await;
    shop.server.say("from t where", [tokens::transaction(8), one("n", 1)].concat());
    let statement = "select n from t where a = {{ a }} and b = {{b}} and c in ({{c}},{{d}},{{e}},{{f}})";
    let parameters = json!({ "a": 7, "b": "it's; drop", "c": null, "d": -1.25, "e": true, "f": [1] });
    for _ in 0..2 {
        shop.read(statement, parameters.clone()).await.expect("runs");
        shop.server.until("ROLLBACK").await;
        let texts = shop.server.take_texts();
        let asked = texts.iter().find(|text| text.contains("from t")).expect("asked");
        let expected = "select n from t where a =  @P1  and b =  @P2  and c in ( @P3 , @P4 , @P5 , @P6 ) | \
            @P1 bigint,@P2 nvarchar(4000),@P3 nvarchar(4000),@P4 decimal(3,2),@P5 bit,@P6 nvarchar(4000) | \
            7 | it's; drop | null | -125e-2 | bit 1 | [1]";
        assert_eq!(asked, expected);
    }
    // The second may begin before the first is told that its transaction is rolled back.
    assert!(shop.server.connections() <= 2, "connections serve again");
    let many: Vec<String> = (0..2099).map(|at| format!("{{{{ p{at} }}}}")).collect();
    let values: serde_json::Map<String, Value> = (0..2099).map(|at| (format!("p{at}"), json!(at))).collect();
    let problem = shop.read(&format!("select {}", many.join(",")), Value::Object(values)).await.expect_err("too many");
    assert_eq!(problem.code, "statement-unsupported", "{}", problem.detail);
    let problem = shop.read("select 1 as one delete from t", json!({})).await.expect_err("refused");
    assert_eq!(problem.code, "statement-unsupported", "{}", problem.detail);
    let long = format!("select 1 as one -- {}", "x".repeat(7_000_000));
    assert!(shop.read(&long, json!({})).await.is_ok(), "a long statement");
}

#[tokio::test]
async fn a_write_is_a_transaction_and_the_session_begins_anew() {
    let shop = Shop::open().await;
    shop.server.say("insert into t", called(0xC3, 3));
    let result = shop.write("insert into t values (1), (2), (3)", json!({})).await.expect("written");
    assert_eq!((result.affected, result.rows.len()), (Some(3), 0));
    shop.server.until("RESET").await;
    let texts = shop.server.take_texts();
    let words: Vec<&str> = texts.iter().map(|text| text.split([';', ' ']).next().unwrap_or_default()).collect();
    assert_eq!(words, ["SET", "SET", "insert", "WHILE", "RESET"], "{texts:?}");
    let failed = [error(2627, 14, "Violation of PRIMARY KEY constraint."), tokens::transaction(10), done(2, 0, 0)];
    shop.server.say("insert into t", failed.concat());
    let problem = shop.write("insert into t values (1)", json!({})).await.expect_err("there already");
    assert_eq!((problem.code.as_str(), problem.sqlstate.as_deref()), ("query-failed", Some("23000")));
    shop.server.until("RESET").await;
    assert!(!shop.server.take_texts().iter().any(|text| text.contains("COMMIT")), "nothing is committed");
}

#[tokio::test]
async fn a_list_is_one_transaction() {
    let shop = Shop::open().await;
    shop.server.say("update a", called(0xC5, 1));
    shop.server.say("select b", texts(&["b"], &[&["1"], &["2"]]));
    shop.server.say("delete from c", called(0xC4, 2));
    let mut list = shop.query("delete from c", QueryMode::Write, json!({ "x": 1 }));
    list.before = vec!["update a set b = {{ x }}".to_owned(), "select b from a".to_owned()];
    let result = shop.service.run(&list).await.expect("written");
    assert_eq!((result.affected, result.rows.len()), (Some(2), 0));
    let commits = shop.server.take_texts().iter().filter(|text| text.contains("COMMIT")).count();
    assert_eq!(commits, 1);
    shop.server.say("select b", [error(207, 16, "Invalid column name 'b'."), done(2, 0, 0)].concat());
    let problem = shop.service.run(&list).await.expect_err("no column");
    assert!(problem.detail.starts_with("statement 2 of 3"), "{}", problem.detail);
    assert!(!shop.server.take_texts().iter().any(|text| text.contains("COMMIT") || text.contains("delete from c")));
}

#[tokio::test]
async fn what_is_left_before_its_end_is_stopped_and_its_connection_serves_again() {
    let shop = Shop::open().await;
    let beginning = columns(&[("n", INT)]);
    let one_row = row(&[&[4, 1, 0, 0, 0]]);
    shop.server.on("from slow", Reply::Stall(Vec::new()));
    let mut slow = shop.query("select n from slow", QueryMode::Read, json!({}));
    slow.limits.timeout_ms = 100;
    assert_eq!(shop.service.run(&slow).await.expect_err("late").code, "query-timeout");
    shop.server.until("ATTENTION").await;
    shop.server.take_texts();
    // A row cut in its middle, and then nothing.
    shop.server.on("from half", Reply::Stall([&beginning[..], &one_row[..3]].concat()));
    let half = QueryRequest { limits: slow.limits, ..shop.query("select n from half", QueryMode::Read, json!({})) };
    assert_eq!(shop.service.run(&half).await.expect_err("late").code, "query-timeout");
    shop.server.until("ATTENTION").await;
    shop.server.take_texts();
    shop.server.on("from endless", Reply::Repeat(beginning, one_row));
    let mut endless = shop.query("select n from endless", QueryMode::Read, json!({}));
    endless.limits.max_rows = 2;
    let result = shop.service.run(&endless).await.expect("cut");
    assert_eq!((result.rows.len(), result.truncated), (2, true));
    shop.server.until("ATTENTION").await;
    shop.server.take_texts();
    // The caller goes.
    let (client, request) = (shop.service.client.clone(), shop.query("select n from slow", QueryMode::Read, json!({})));
    let call = tokio::spawn(async move { client.call::<_, Value>(http::Method::POST, "/v1/query", &request).await });
    shop.server.until("from slow").await;
    call.abort();
    shop.server.until("ATTENTION").await;
    let mut tries = 0;
    while shop.read("select 1 as one", json!({})).await.is_err() {
        tries += 1;
        assert!(tries < 10);
    }
    assert!(shop.server.connections() <= 3, "connections serve again");
    let mut write = shop.query("insert into slow values (1)", QueryMode::Write, json!({}));
    shop.server.on("into slow", Reply::Stall(Vec::new()));
    write.limits.timeout_ms = 100;
    assert_eq!(shop.service.run(&write).await.expect_err("late").code, "query-timeout");
    write.statement = "exec p -- into slow".to_owned();
    assert_eq!(shop.service.run(&write).await.expect_err("late").code, "outcome-unknown");
}

#[tokio::test]
async fn a_server_that_goes_is_told_and_no_write_is_repeated() {
    let shop = Shop::open().await;
    let cut = Reply::Break([columns(&[("n", INT)]), row(&[&[4, 1, 0, 0, 0]])].concat());
    shop.server.on("breaks", cut);
    let count = |texts: &[String], word: &str| texts.iter().filter(|text| text.contains(word)).count();
    for (statement, mode, code) in [
        ("select n from breaks", QueryMode::Read, "resource-lost"),
        ("insert into breaks output inserted.n values (1)", QueryMode::Write, "resource-lost"),
        ("exec breaks", QueryMode::Write, "outcome-unknown"),
    ] {
        shop.server.take_texts();
        let problem = shop.service.run(&shop.query(statement, mode, json!({}))).await.expect_err("lost");
        assert_eq!(problem.code, code, "{statement}: {}", problem.detail);
        assert_eq!(count(&shop.server.take_texts(), "breaks"), 1, "{statement} is asked once");
    }
    shop.server.on("COMMIT", Reply::Break(Vec::new()));
    shop.server.say("insert into t", called(0xC3, 1));
    let problem = shop.write("insert into t values (1)", json!({})).await.expect_err("unknown");
    assert_eq!((problem.status, problem.code.as_str()), (502, "outcome-unknown"), "{}", problem.detail);
    assert_eq!(count(&shop.server.take_texts(), "insert"), 1);
}

#[tokio::test]
async fn a_connection_that_died_while_nobody_used_it_is_not_missed() {
    let shop = Shop::open().await;
    for mode in [QueryMode::Read, QueryMode::Write] {
        assert!(shop.read("select 1 as one", json!({})).await.is_ok());
        // It breaks with the first thing that it is asked next, once.
        let word = if mode == QueryMode::Read { "select 1 as one" } else { "BEGIN TRANSACTION" };
        shop.server.once(word, Reply::Break(Vec::new()));
        shop.server.say("insert into t", called(0xC3, 1));
        let statement = if mode == QueryMode::Read { "select 1 as one" } else { "insert into t values (1)" };
        let result = shop.service.run(&shop.query(statement, mode, json!({}))).await;
        assert!(result.is_ok(), "{mode:?}: {:?}", result.map_err(|problem| problem.detail));
    }
}

#[tokio::test]
async fn rows_beyond_the_cap_are_not_held() {
    let shop = Shop::open().await;
    let long = utf16(&"x".repeat(3000));
    let mut value = vec![0x40, 0x42, 0x0F, 0, 0, 0, 0, 0];
    value.extend_from_slice(&u32::try_from(long.len()).expect("fits").to_le_bytes());
    value.extend_from_slice(&long);
    let beginning = [columns(&[("x", &[0xE7, 0xFF, 0xFF, 9, 4, 0, 0, 0])]), row(&[&value])].concat();
    let again = [&u32::try_from(long.len()).expect("fits").to_le_bytes()[..], &long].concat();
    shop.server.on("from huge", Reply::Repeat(beginning, again));
    let mut huge = shop.query("select x from huge", QueryMode::Read, json!({}));
    huge.limits.max_bytes = 4096;
    let problem = shop.service.run(&huge).await.expect_err("too large");
    assert_eq!(problem.code, "result-too-large", "{}", problem.detail);
}

#[tokio::test]
async fn all_rows_are_exported_or_it_is_told_why_not() {
    let shop = Shop::open().await;
    let rows = row(&[&[4, 1, 0, 0, 0]]).repeat(9000);
    shop.server.say("from many", [columns(&[("n", INT)]), rows.clone(), called(0xC1, 9000)].concat());
    let export = async |statement: &str| {
        let query = shop.query(statement, QueryMode::Read, json!({}));
        shop.service.export(&query, ExportFormat::Ndjson).await.expect("begun")
    };
    let (file, end) = export("select n from many").await;
    assert_eq!(end, Some(ExportEnd { rows: 9000, error: None }));
    assert_eq!(file, "{\"n\":1}\n".repeat(9000));
    shop.server.on("from half", Reply::Break([columns(&[("n", INT)]), rows].concat()));
    let (file, end) = export("select n from half").await;
    let end = end.expect("an end");
    assert_eq!((end.rows, end.error.map(|problem| problem.code)), (9000, Some("resource-lost".to_owned())));
    assert_eq!(file.lines().count(), 9000);
}

#[tokio::test]
async fn pages_are_cut_in_its_own_words() {
    let shop = Shop::open().await;
    shop.server.say("from many", one("n", 1));
    shop.server.take_texts();
    let query = shop.query("select n from many order by n", QueryMode::Read, json!({}));
    shop.service.run(&page(query, json!(20), json!(40))).await.expect("runs");
    let texts = shop.server.take_texts();
    let asked = texts.iter().find(|text| text.contains("from many")).expect("asked");
    assert!(asked.contains("order by n\nOFFSET  @P1  ROWS FETCH NEXT  @P2  ROWS ONLY"), "{asked}");
}
