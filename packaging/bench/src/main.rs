//! `cargo xtask bench`: each row measures Bulkhead beside a floor or peer in the same run and prints the ratio.
//!
//! Machines are noisy, so only ratios, minima and processor time per operation are worth quoting. A peer that is not
//! installed fails its row: a row that was skipped would read as one that was won.

mod http_client;
mod load;
mod peers;
mod product;
mod rows;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use bulkhead_bench::report::Report;
use clap::Parser;

use crate::product::Product;

/// Measures a running Bulkhead that has the demo loaded.
#[derive(Debug, Parser)]
#[command(name = "bulkhead-bench", version)]
struct Arguments {
    /// Rows to measure; all but E1 and E2, which take many minutes, when none is named.
    #[arg(value_parser = rows::NAMES)]
    rows: Vec<String>,
    /// Address of the running product.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// A one-time administrator's link of it (`bulkheadctl user recover-admin`).
    #[arg(long)]
    admin_link: String,
    /// The database behind the built-in tables, for the floors: a libpq-style string.
    #[arg(long)]
    database: String,
    /// The `bulkheadctl` that runs the cold interpreter of row C1.
    #[arg(long, default_value = "/usr/bin/bulkheadctl")]
    bulkheadctl: PathBuf,
    /// Where `--install-peers` has put the peers.
    #[arg(long)]
    peers: PathBuf,
    /// The Temporal command line, for the stock server that rows W1 and W3 compare with.
    #[arg(long)]
    temporal: PathBuf,
    /// Figures that others have measured on the machine, for the same report; may be repeated.
    #[arg(long)]
    figures: Vec<PathBuf>,
    /// Seconds that each closed loop runs.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Also write an array of `{row, metric, ours, reference, reference_name, ratio}`.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let product = Product::open(&arguments.url, &arguments.admin_link).await.context("open the product")?;
    let bench = rows::Bench { arguments: &arguments, product };
    let wanted: Vec<&str> = if arguments.rows.is_empty() {
        rows::NAMES.into_iter().filter(|row| !row.starts_with('E')).collect()
    } else {
        arguments.rows.iter().map(String::as_str).collect()
    };
    let mut report = Report::default();
    for path in &arguments.figures {
        let figures = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        report.append(serde_json::from_slice(&figures)?);
    }
    let mut failed = Vec::new();
    for row in wanted {
        eprintln!("measuring {row} ...");
        if let Err(error) = bench.measure(row, &mut report).await {
            eprintln!("row {row} failed: {error:#}");
            failed.push(row);
        }
    }
    report.print();
    if let Some(path) = &arguments.json {
        report.write_json(path)?;
    }
    if !failed.is_empty() {
        bail!("rows that failed: {}", failed.join(", "));
    }
    Ok(())
}
