//! The demo's script on a real PostgreSQL, and its statements on the demo's rows.

use std::io::Write;
use std::process::{Command, Stdio};

use bulkhead_model::app::AppDocument;
use bulkhead_model::sql::{Dialect, compile};
use bulkhead_model::workflow::{Block, WorkflowDocument};
use bulkhead_test_kit::TestDatabase;
use tokio_postgres::types::{IsNull, ToSql};

fn load(test: &TestDatabase) {
    let mut sql = Vec::new();
    bulkhead_demo::write_sql(&mut sql).expect("writes");
    let config = test.config();
    let host = match &config.get_hosts()[0] {
        tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
        tokio_postgres::config::Host::Tcp(name) => name.clone(),
    };
    let mut psql = Command::new("psql")
        .args([
            "--quiet",
            "--no-psqlrc",
            "--set=ON_ERROR_STOP=1",
            "--host",
            &host,
            "--port",
            &config.get_ports()[0].to_string(),
        ])
        .args(["--username", "postgres", "--dbname", test.name()])
        .stdin(Stdio::piped())
        .spawn()
        .expect("psql starts");
    psql.stdin.take().expect("a pipe").write_all(&sql).expect("reads");
    assert!(psql.wait().expect("ends").success());
}

#[tokio::test]
async fn the_app_and_the_workflow_run_on_the_demos_rows() {
    let test = TestDatabase::create().await;
    load(&test);
    load(&test);
    let client = test.connect().await;

    let app = bulkhead_demo::app();
    let statement =
        &app.queries.iter().find(|(name, _)| name.as_str() == "listCustomers").expect("a query").1.query.statement;
    let compiled = compile(statement, Dialect::Postgresql).expect("compiles");
    let rows = client.query(&compiled.text, &[&"gruber", &"gruber", &"gruber"]).await.expect("runs");
    assert!(rows.len() > 10, "{} customers match", rows.len());

    let change = &app.queries.get("updateEmail").expect("a query").query.change;
    let change = change.as_ref().expect("a change").compile().expect("compiles");
    let changed = client.execute(&change.text, &[&"new@example.org", &1_i32]).await.expect("runs");
    assert_eq!(changed, 1);

    let workflow = bulkhead_demo::workflow();
    let rows = run(&client, &workflow, "loadInvoices", &[&"2026-03"]).await;
    assert!(rows > 100, "{rows} invoices in March");

    let reminders = bulkhead_demo::reminders();
    assert_eq!(run(&client, &reminders, "overdue", &[&40_i64]).await, 40);
    for block in ["openTickets", "paidLate"] {
        assert_eq!(run(&client, &reminders, block, &[]).await, 1, "{block}");
    }
    let last_payment = reminders.query_named("lastPayment").expect("a function");
    let compiled = compile(&last_payment.statement, Dialect::Postgresql).expect("compiles");
    assert_eq!(client.query(&compiled.text, &[&"nobody"]).await.expect("runs").len(), 1);
}

/// A null of whatever type the statement asks for.
#[derive(Debug)]
struct Null;

impl ToSql for Null {
    fn to_sql(
        &self,
        _: &tokio_postgres::types::Type,
        _: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &tokio_postgres::types::Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

/// The templates that the studio offers: every query of each is one that these tables answer.
#[tokio::test]
async fn the_templates_run_on_the_demos_rows() {
    let test = TestDatabase::create().await;
    load(&test);
    let client = test.connect().await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../api/web/src/templates");
    let files = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    assert!(files.len() >= 6, "{} templates", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("reads");
        let app: AppDocument = serde_json::from_str(&text).expect("a document");
        assert_eq!(app.validate(), [], "{}", file.display());
        for (name, query) in &app.queries {
            let place = format!("{} {name}", file.display());
            let compiled = match &query.query.change {
                Some(change) => change.compile().expect(&place),
                None => compile(&query.query.statement, Dialect::Postgresql).expect(&place),
            };
            let statement = client.prepare(&compiled.text).await.unwrap_or_else(|error| panic!("{place}: {error:?}"));
            if query.query.change.is_none() {
                let nulls: Vec<&(dyn ToSql + Sync)> = statement.params().iter().map(|_| &Null as _).collect();
                client.query(&statement, &nulls).await.unwrap_or_else(|error| panic!("{place}: {error:?}"));
            }
        }
    }
}

/// Runs a query block's statement; gives the number of rows.
async fn run(
    client: &tokio_postgres::Client,
    workflow: &WorkflowDocument,
    block: &str,
    values: &[&(dyn ToSql + Sync)],
) -> usize {
    let Some(Block::Query(block)) = workflow.blocks.get(block) else { panic!("{block} is a query") };
    let compiled = compile(&block.query.statement, Dialect::Postgresql).expect("compiles");
    client.query(&compiled.text, values).await.expect("runs").len()
}
