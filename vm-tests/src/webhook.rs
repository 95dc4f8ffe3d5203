//! The demo's workflow, through its webhook, from outside the machine.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::api::same;
use crate::guest::Guest;
use crate::http;

const SEGMENTS: &str = "
    select coalesce(json_agg(json_build_object('name', segment, 'invoices', invoices, 'revenue', revenue, 'unpaid', unpaid)
                             order by revenue desc), '[]')
    from (select c.segment, count(*) as invoices, sum(i.amount) as revenue,
                 coalesce(sum(i.amount) filter (where i.paid_on is null), 0) as unpaid
          from invoices i join customers c on c.id = i.customer_id
          where i.issued_on >= date '2026-03-01' and i.issued_on < date '2026-04-01'
          group by c.segment) as segments";

/// SQL -> Python -> JavaScript -> branch -> response gives what one statement gives.
pub(crate) fn the_answer_is_what_sql_says(guest: &Guest) -> Result<()> {
    let segments: Value = serde_json::from_str(&guest.sql("bulkhead_tables", SEGMENTS)?).context("psql's JSON")?;
    let revenues = segments.as_array().context("a list of segments")?.iter();
    let total: f64 = revenues.filter_map(|segment| segment["revenue"].as_f64()).sum();
    ensure!(total > 0.0, "the demo has no invoices in 2026-03");
    let rating = if total >= 100_000.0 { "strong" } else { "quiet" };
    let wanted = json!({ "month": "2026-03", "total": total, "segments": segments, "rating": rating });

    let answer = http::post(&guest.webhook, r#"{"month": "2026-03"}"#)?;

    ensure!(answer.status == 200, "it answered {}: {}", answer.status, answer.body);
    let found: Value = serde_json::from_str(&answer.body).context("the answer's JSON")?;
    ensure!(same(&found, &wanted), "it answered {found}, SQL says {wanted}");
    Ok(())
}

/// A wrong key is 401, a body that is no JSON 400; neither starts a run.
pub(crate) fn a_bad_call_is_refused(guest: &Guest) -> Result<()> {
    let runs = || guest.sql("bulkhead", "select count(*) from runs");
    let before = runs()?;
    let (address, _) = guest.webhook.split_once('?').context("the webhook's address has a key")?;

    let wrong_key = http::post(&format!("{address}?key=wrong"), "{}")?;
    let bad_json = http::post(&guest.webhook, "{\"month\": ")?;

    ensure!(wrong_key.status == 401, "a wrong key: {} {}", wrong_key.status, wrong_key.body);
    ensure!(bad_json.status == 400, "bad JSON: {} {}", bad_json.status, bad_json.body);
    ensure!(runs()? == before, "a refused call started a run");
    Ok(())
}
