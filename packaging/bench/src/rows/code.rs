//! C1: one code block in the sandbox, beside the same sandbox around a cold interpreter.
//!
//! nsjail has no package on the supported systems, so the reference is `bulkheadctl sandbox run`: the same isolation around an
//! interpreter that starts from nothing for each run.

use anyhow::Result;
use bulkhead_bench::report::Report;
use bulkhead_bench::sample;
use http::Method;
use serde_json::json;

use super::{Bench, OURS};
use crate::load;

pub(super) async fn one_block(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    for (language, source, cold) in [
        ("javascript", "return [1, 2, 3].map(n => n * 2)", ["/usr/bin/node", "-e", "[1, 2, 3].map(n => n * 2)"]),
        ("python", "return [n * 2 for n in [1, 2, 3]]", ["/usr/bin/python3", "-c", "[n * 2 for n in [1, 2, 3]]"]),
    ] {
        let slug = format!("bench-{language}");
        let document = json!({
            "format": 1, "title": slug, "start": "step",
            "blocks": { "step": { "type": "code", "language": language, "source": source } },
        });
        bench.product.release("workflows", &slug, &document).await?;
        let call =
            bench.product.call(Method::POST, &format!("/workflows/{slug}/blocks/step/run"), &json!({ "inputs": {} }));
        let alone = load::http(&call, 1, bench.arguments.seconds, &OURS).await?;
        let loaded = load::http(&call, 8, bench.arguments.seconds, &OURS).await?;
        let mut arguments = vec!["sandbox", "run", "--"];
        arguments.extend(cold);
        let reference = sample::command(&bench.arguments.bulkheadctl, &arguments, 50).await?;
        let name = format!("cold {language} in the same sandbox");
        report.add_latency("C1", &alone, &reference, &name);
        report.add("C1", "ops_per_s", loaded.per_second, reference.per_second, &name);
        report.add("C1", "cpu_ms_per_op", loaded.cpu_ms, reference.cpu_ms, &name);
    }
    Ok(())
}
