//! The rows: what is measured, beside what.

mod code;
mod durable;
mod endurance;
mod exports;
mod queries;
mod stages;

use anyhow::{Result, bail};
use bulkhead_bench::process::ProcessGroup;
use bulkhead_bench::report::Report;
use serde_json::{Value, json};

use crate::Arguments;
use crate::peers::Installed;
use crate::product::Product;

/// The rows' names. Those that begin with E take many minutes, and are measured when they are named alone.
pub(crate) const NAMES: [&str; 10] = ["Q1", "Q2", "Q3", "C1", "W1", "W2s", "W2f", "W3", "E1", "E2"];

/// Bulkhead's own daemons; PostgreSQL and Temporal count for nobody.
pub(crate) const OURS: ProcessGroup = ProcessGroup::Named("bulkhead-");

/// What every row needs.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    pub(crate) arguments: &'a Arguments,
    pub(crate) product: Product,
}

impl Bench<'_> {
    /// Measures one row.
    pub(crate) async fn measure(&self, row: &str, report: &mut Report) -> Result<()> {
        match row {
            "Q1" => queries::one_row(self, report).await,
            "Q2" => queries::ten_thousand_rows(self, report).await,
            "Q3" => exports::a_million_rows(self, report).await,
            "C1" => code::one_block(self, report).await,
            "W1" => durable::chain(self, "W1", 10, report).await,
            "W2s" => durable::chain(self, "W2s", 40, report).await,
            "W2f" => durable::fan_out(self, "W2f", 40, report).await,
            "W3" => durable::chain(self, "W3", 1, report).await,
            "E1" => endurance::drain(self, report).await,
            "E2" => endurance::long_loop(self, report).await,
            other => bail!("there is no row {other}"),
        }
    }

    pub(crate) fn installed(&self) -> Installed {
        Installed(self.arguments.peers.clone())
    }
}

/// A workflow of `blocks` JavaScript blocks in a row between a webhook and its response. Each adds one to what the one
/// before gave, so an answer proves that all ran.
pub(crate) fn chain_document(blocks: usize) -> Value {
    let name = |index: usize| format!("step{index}");
    let mut map = serde_json::Map::new();
    let mut edges = Vec::new();
    for index in 1..=blocks {
        let before = if index == 1 { "trigger.body.n".to_owned() } else { name(index - 1) };
        map.insert(
            name(index),
            json!({ "type": "code", "language": "javascript", "source": format!("return {before} + 1") }),
        );
        let to = if index == blocks { "answer".to_owned() } else { name(index + 1) };
        edges.push(json!({ "from": name(index), "to": to }));
    }
    map.insert("answer".to_owned(), json!({ "type": "response", "body": format!("({{ n: {} }})", name(blocks)) }));
    json!({
        "format": 1, "title": format!("Bench {blocks}"), "start": name(1), "blocks": map, "edges": edges,
        "triggers": { "incoming": { "type": "webhook" } },
    })
}
