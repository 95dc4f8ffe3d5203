//! Q3: a million rows as CSV and as JSON, from PostgreSQL to the client, beside psql's `\copy` of the same statement.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bulkhead_bench::process::ProcessGroup;
use bulkhead_bench::report::Report;
use http::Method;
use serde_json::json;

use super::{Bench, OURS};
use crate::http_client::HttpClient;

const ROWS: usize = 1_000_000;
/// Between two looks at the memory.
const LOOK: Duration = Duration::from_millis(50);
const FLOOR: &str = "psql \\copy";

fn statement() -> String {
    format!(
        "select g as id, 'Customer number ' || g as name, 'customer' || g || '@example.test' as email, \
         (g * 37 % 100000)::numeric / 100 as total, g % 2 = 0 as active from generate_series(1, {ROWS}) g"
    )
}

pub(super) async fn a_million_rows(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    let query = json!({ "resource": "tables", "statement": statement(), "run": "manual" });
    let document = json!({
        "format": 1, "title": "Export", "home-page": "home", "pages": { "home": {} }, "queries": { "all": query },
    });
    bench.product.release("apps", "export", &document).await?;
    let (floor_s, floor_mib) = copied(&bench.arguments.database)?;
    let client = HttpClient::new();
    // The names of the columns are a line of CSV, the brackets two of JSON.
    for (format, wanted) in [("csv", ROWS + 1), ("json", ROWS + 2)] {
        let path = format!("/apps/export/queries/all/export?format={format}");
        let call = bench.product.call(Method::POST, &path, &json!({ "version": "released" }));
        let mut memory = Memory::of(OURS);
        let began = Instant::now();
        let lines = client.lines(&call, || memory.look()).await?;
        let seconds = began.elapsed().as_secs_f64();
        ensure!(lines == wanted, "the export has {lines} lines, not {wanted}");
        report.add("Q3", &format!("{format}_s"), seconds, floor_s, FLOOR);
        report.add("Q3", &format!("{format}_extra_mib"), memory.extra_mib(), floor_mib, FLOOR);
    }
    Ok(())
}

/// The floor: seconds and memory of a client that copies the same rows.
fn copied(database: &str) -> Result<(f64, f64)> {
    let copy = format!("\\copy ({}) to stdout with (format csv, header)", statement());
    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", "--dbname", database, "--command", &copy]).stdout(Stdio::null());
    let began = Instant::now();
    let mut psql = psql.spawn().context("psql runs")?;
    let group = ProcessGroup::Tree(psql.id());
    let mut most_mib = 0.0_f64;
    let status = loop {
        if let Some(status) = psql.try_wait()? {
            break status;
        }
        most_mib = most_mib.max(group.rss_mib());
        std::thread::sleep(LOOK);
    };
    ensure!(status.success(), "psql ended with {status}");
    Ok((began.elapsed().as_secs_f64(), most_mib))
}

/// The most memory that a group of processes has had.
struct Memory {
    group: ProcessGroup,
    idle_mib: f64,
    most_mib: f64,
    looked: Instant,
}

impl Memory {
    fn of(group: ProcessGroup) -> Self {
        let idle_mib = group.rss_mib();
        Self { group, idle_mib, most_mib: idle_mib, looked: Instant::now() }
    }

    fn look(&mut self) {
        if self.looked.elapsed() >= LOOK {
            self.looked = Instant::now();
            self.most_mib = self.most_mib.max(self.group.rss_mib());
        }
    }

    fn extra_mib(&self) -> f64 {
        self.most_mib - self.idle_mib
    }
}
