//! The demo's shapes over a database that others wrote: Chinook, a music shop.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::api::{self, same};
use crate::guest::Guest;

/// Loads Chinook into a schema of the built-in database, on the first call.
fn load(guest: &Guest) -> Result<()> {
    if guest.sql("bulkhead_tables", "select to_regclass('chinook.track') is not null")? == "t" {
        return Ok(());
    }
    let path = guest.samples.as_ref().context("BULKHEAD_TEST_SAMPLES")?.join("chinook_postgres.sql");
    let script = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    // The script makes a database of its own; here its tables go into a schema.
    let of_a_database =
        |line: &&str| ["DROP DATABASE", "CREATE DATABASE", "\\c "].iter().any(|start| line.starts_with(start));
    let tables: Vec<&str> = script.lines().filter(|line| !of_a_database(line)).collect();
    let role = "\"bulkhead-tables\"";
    let script = format!(
        "begin;\ncreate schema chinook authorization {role};\nset search_path = chinook;\n{}\n
         grant select on all tables in schema chinook to {role};\ncommit;\n",
        tables.join("\n")
    );
    guest.sql("bulkhead_tables", &script).map(drop)
}

/// A search box bound into a WHERE, as the demo's app has it.
pub(crate) fn an_apps_query_is_what_sql_says(guest: &Guest) -> Result<()> {
    load(guest)?;
    let document = json!({
        "format": 1, "title": "Music", "home-page": "tracks",
        "pages": { "tracks": {
            "title": "Tracks",
            "components": {
                "search": { "type": "text-input", "properties": { "label": "Search" } },
                "trackTable": { "type": "table", "properties": { "data": "{{ listTracks.rows }}" } },
            },
            "layout": {
                "search": { "column": 0, "row": 0, "width": 10, "height": 2 },
                "trackTable": { "column": 0, "row": 2, "width": 24, "height": 10 },
            },
        } },
        "queries": { "listTracks": {
            "resource": "tables",
            "statement": "select t.track_id, t.name, a.title as album from chinook.track t join chinook.album a using (album_id)
                          where t.name ilike '%' || {{ search.value ?? '' }} || '%' order by t.track_id",
        } },
    });
    api::release(guest, "apps", "vm-music", &document)?;

    let viewer = api::viewer_of(guest, "vm-music")?;

    // A quote in the search is data, not SQL.
    let parameters = json!({ "parameters": { "search.value ?? ''": "d'" }, "version": "released" });
    let found = viewer.call(guest, "POST", "/apps/vm-music/queries/listTracks/run", &parameters)?;

    let wanted = guest.sql(
        "bulkhead_tables",
        "select json_agg(track_id order by track_id) from chinook.track join chinook.album using (album_id)
         where name ilike '%d''%'",
    )?;
    let wanted: Value = serde_json::from_str(&wanted).context("psql's JSON")?;
    let rows = found["rows"].as_array().with_context(|| format!("no rows: {found}"))?;
    ensure!(!rows.is_empty(), "no track matches");
    let ids: Value = rows.iter().map(|row| row["track_id"].clone()).collect();
    ensure!(same(&ids, &wanted), "the app found {ids}, SQL says {wanted}");
    Ok(())
}

/// SQL, then Python, then a response, as the demo's workflow has it.
pub(crate) fn a_workflow_is_what_sql_says(guest: &Guest) -> Result<()> {
    load(guest)?;
    let document = json!({
        "format": 1, "title": "Sales by country", "start": "load",
        "blocks": {
            "load": {
                "type": "query", "resource": "tables",
                "statement": "select billing_country as country, total::float8 as total from chinook.invoice
                              where extract(year from invoice_date) = {{ trigger.body.year }}::int",
            },
            "add": {
                "type": "code", "language": "python",
                "source": "sums = {}\nfor row in load['rows']:\n    sums[row['country']] = sums.get(row['country'], 0) + row['total']\nreturn sums",
            },
            "answer": { "type": "response", "body": "add" },
        },
        "edges": [{ "from": "load", "to": "add" }, { "from": "add", "to": "answer" }],
    });
    api::release(guest, "workflows", "vm-sales", &document)?;
    let year = guest.sql("bulkhead_tables", "select max(extract(year from invoice_date))::int from chinook.invoice")?;
    let year: i32 = year.parse().context("a year")?;

    let run = api::start_run(guest, "vm-sales", &json!({ "year": year }))?;
    let detail = api::finished_run(guest, &run, Duration::from_secs(60))?;

    let wanted = guest.sql(
        "bulkhead_tables",
        &format!(
            "select json_object_agg(country, total) from (select billing_country as country, sum(total) as total
             from chinook.invoice where extract(year from invoice_date) = {year} group by 1) as sums"
        ),
    )?;
    let wanted: Value = serde_json::from_str(&wanted).context("psql's JSON")?;
    ensure!(detail["run"]["status"] == "succeeded", "the run ended so: {}", detail["run"]);
    let found = &detail["response"]["body"];
    ensure!(same(found, &wanted), "the run answered {found}, SQL says {wanted}");
    Ok(())
}
