//! Q1 and Q2: HTTP -> PostgreSQL -> JSON, through session, permission, audit and the connector's process.

use std::time::Duration;

use anyhow::Result;
use bulkhead_bench::report::Report;
use http::Method;
use serde_json::json;

use super::{Bench, OURS};
use crate::http_client::Call;
use crate::load;
use crate::peers::{Peer, free_port};

/// Statements that the floor (`src/bin/floor.rs`) and the peer's script hold too.
const ONE_ROW: &str = "select id, name, email from customers where id = {{ id }}";
const MANY_ROWS: &str = "select g as id, 'Customer number ' || g as name, 'customer' || g || '@example.test' as email, \
                         (g * 37 % 100000)::float8 / 100 as total, g % 2 = 0 as active from generate_series(1, 10000) g";

pub(super) async fn one_row(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    compare(bench, report, "Q1", "one", &json!({ "id": 42 }), "/one?id=42").await
}

pub(super) async fn ten_thousand_rows(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    compare(bench, report, "Q2", "many", &json!({}), "/many").await
}

async fn compare(
    bench: &Bench<'_>,
    report: &mut Report,
    row: &str,
    query: &str,
    parameters: &serde_json::Value,
    path: &str,
) -> Result<()> {
    let document = json!({
        "format": 1, "title": "Bench", "home-page": "home", "pages": { "home": {} },
        "queries": {
            "one": { "resource": "tables", "statement": ONE_ROW, "run": "manual" },
            "many": { "resource": "tables", "statement": MANY_ROWS, "run": "manual" },
        },
    });
    bench.product.release("apps", "bench", &document).await?;
    let body = json!({ "parameters": parameters, "version": "released" });
    let ours = bench.product.call(Method::POST, &format!("/apps/bench/queries/{query}/run"), &body);
    let seconds = bench.arguments.seconds;
    let ours_alone = load::http(&ours, 1, seconds, &OURS).await?;
    let ours_loaded = load::http(&ours, 8, seconds, &OURS).await?;

    for (name, mut peer, port) in references(bench)? {
        let call = Call::get(format!("http://127.0.0.1:{port}{path}"));
        peer.wait_until_ok(&call, Duration::from_secs(20)).await?;
        let processes = peer.processes();
        let alone = load::http(&call, 1, seconds, &processes).await?;
        let loaded = load::http(&call, 8, seconds, &processes).await?;
        report.add_latency(row, &ours_alone, &alone, name);
        report.add_throughput(row, &ours_loaded, &loaded, name);
    }
    Ok(())
}

fn references(bench: &Bench<'_>) -> Result<Vec<(&'static str, Peer, u16)>> {
    let floor = std::env::current_exe()?.with_file_name("floor");
    let port = free_port()?;
    let database = ("BENCH_DATABASE", bench.arguments.database.clone());
    let floor = Peer::start("floor", &floor, &[&port.to_string()], std::slice::from_ref(&database))?;
    let node_port = free_port()?;
    let installed = bench.installed();
    let script = installed.script("node-postgres.mjs")?;
    let node = Peer::start("node-postgres", &installed.node(), &[&script, &node_port.to_string()], &[database])?;
    Ok(vec![("tokio-postgres + hyper", floor, port), ("node-postgres + http", node, node_port)])
}
