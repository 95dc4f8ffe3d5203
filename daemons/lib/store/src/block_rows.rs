//! The rows of blocks as a statement takes them: a table of parameters, and the clause that stores it.

use std::collections::HashMap;

use bulkhead_model::run::BlockStatus;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;

use crate::StoreError;
use crate::block_ends::BlockEnd;
use crate::journal::{BlockPlace, rounds};
use crate::payload::Payload;

/// The types of a row's columns, as arrays, in the order of [`BlockRows::values`].
const TYPES: [&str; 17] = [
    "text",
    "text",
    "integer",
    "text",
    "text",
    "bytea",
    "text",
    "bytea",
    "text",
    "text",
    "float8",
    "float8",
    "bigint",
    "timestamptz",
    "timestamptz",
    "text",
    "smallint",
];

/// The clause `stored`: the keys of the rows that are new, or go on from "running". What is stored already stays as it is. Its parameters
/// are the run, which is $1, and the columns from this number on.
pub(crate) fn stored(first: usize) -> String {
    let columns: Vec<String> = TYPES.iter().zip(first..).map(|(name, number)| format!("${number}::{name}[]")).collect();
    format!(
        "stored AS (
        INSERT INTO block_runs (run_id, block, iteration, attempt, status, input_json, input_packed, result_json, result_packed,
            port, error, wall_ms, cpu_ms, peak_memory_bytes, started_at, finished_at, cover_block, cover_depth)
        SELECT $1, block, iteration::integer[], attempt, status, input_json, input_packed, result_json, result_packed,
            port, error::json, wall_ms, cpu_ms, peak, started_at, finished_at, cover_block, cover_depth
        FROM unnest({}) AS ended (block, iteration, attempt, status, input_json, input_packed, result_json, result_packed, port, error,
            wall_ms, cpu_ms, peak, started_at, finished_at, cover_block, cover_depth)
        ON CONFLICT (run_id, block, iteration, attempt) DO UPDATE SET status = excluded.status,
            input_json = CASE WHEN block_runs.input_json = 'null' THEN excluded.input_json ELSE block_runs.input_json END,
            input_packed = CASE WHEN block_runs.input_json = 'null' THEN excluded.input_packed ELSE block_runs.input_packed END,
            result_json = excluded.result_json, result_packed = excluded.result_packed, port = excluded.port, error = excluded.error,
            wall_ms = excluded.wall_ms, cpu_ms = excluded.cpu_ms, peak_memory_bytes = excluded.peak_memory_bytes,
            finished_at = excluded.finished_at
        WHERE block_runs.status = 'running' AND excluded.status <> 'running'
        RETURNING block, iteration, attempt)",
        columns.join(", ")
    )
}

/// Makes a statement with that clause fail, with `invalid_text_representation`, unless all of its rows were stored.
pub(crate) fn all_stored(first: usize) -> String {
    format!(
        "CASE WHEN (SELECT count(*) FROM stored) = cardinality(${first}) THEN 0
            ELSE ((SELECT count(*) FROM stored) || ' of the blocks are news')::integer END"
    )
}

/// A row's key within its run.
pub(crate) type Key = (String, Vec<i32>, i32);

pub(crate) fn key(place: &BlockPlace) -> Key {
    (place.block.clone(), rounds(&place.iteration), place.attempt)
}

/// What a row is made from.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    end: &'a BlockEnd<'a>,
    /// As it was when the block began: what is told of it later changes nothing of these.
    input: &'a Value,
    started_at: OffsetDateTime,
    cover: Option<(&'a str, i16)>,
}

impl<'a> From<&'a BlockEnd<'a>> for Row<'a> {
    fn from(end: &'a BlockEnd<'a>) -> Self {
        Self { end, input: end.input, started_at: end.started_at, cover: end.cover }
    }
}

impl<'a> Row<'a> {
    /// What a row is that this end finds as it is.
    fn then(self, end: &'a BlockEnd<'a>) -> Self {
        let input = if self.input.is_null() { end.input } else { self.input };
        Self { end, input, ..self }
    }
}

/// A row for each block: one that has begun and ended since the last commit comes twice and is stored once, as one statement takes a
/// row once. None where more was told of a block than that.
pub(crate) fn one_row_each<'a>(ends: &'a [BlockEnd<'a>]) -> Option<Vec<Row<'a>>> {
    let mut rows: Vec<Row<'a>> = Vec::with_capacity(ends.len());
    let mut known: HashMap<Key, usize> = HashMap::with_capacity(ends.len());
    for end in ends {
        let Some(at) = known.insert(key(&end.place), rows.len()) else {
            rows.push(end.into());
            continue;
        };
        let is_running = |end: &BlockEnd<'_>| end.outcome.status == BlockStatus::Running;
        if !is_running(rows[at].end) || is_running(end) {
            return None;
        }
        rows[at] = rows[at].then(end);
        known.insert(key(&end.place), at);
    }
    Some(rows)
}

/// The parameters of [`stored`], but for the run.
pub(crate) struct BlockRows {
    blocks: Vec<String>,
    iterations: Vec<String>,
    attempts: Vec<i32>,
    statuses: Vec<&'static str>,
    inputs: Payloads,
    results: Payloads,
    ports: Vec<Option<String>>,
    errors: Vec<Option<String>>,
    walls_ms: Vec<f64>,
    cpus_ms: Vec<f64>,
    peaks: Vec<i64>,
    started: Vec<OffsetDateTime>,
    finished: Vec<Option<OffsetDateTime>>,
    covers: Vec<Option<String>>,
    depths: Vec<Option<i16>>,
}

/// The two columns of some payloads.
#[derive(Default)]
struct Payloads {
    json: Vec<Option<String>>,
    packed: Vec<Option<Vec<u8>>>,
}

impl Payloads {
    fn push(&mut self, payload: Payload) {
        self.json.push(payload.json);
        self.packed.push(payload.packed);
    }
}

impl BlockRows {
    pub(crate) fn of(operation: &'static str, rows: &[Row<'_>]) -> Result<Self, StoreError> {
        let (mut iterations, mut errors) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        let (mut inputs, mut results) = (Payloads::default(), Payloads::default());
        for Row { end, input, .. } in rows {
            let numbers: Vec<String> = rounds(&end.place.iteration).iter().map(i32::to_string).collect();
            iterations.push(format!("{{{}}}", numbers.join(",")));
            let error = end.outcome.error.as_ref().map(serde_json::to_string).transpose();
            errors.push(error.map_err(StoreError::damaged(operation))?);
            inputs.push(Payload::of(operation, input)?);
            results.push(Payload::of(operation, &end.outcome.result)?);
        }
        let peak = |end: &BlockEnd<'_>| i64::try_from(end.usage.peak_memory_bytes).unwrap_or(i64::MAX);
        Ok(Self {
            blocks: rows.iter().map(|row| row.end.place.block.clone()).collect(),
            iterations,
            attempts: rows.iter().map(|row| row.end.place.attempt).collect(),
            statuses: rows.iter().map(|row| row.end.outcome.status.as_str()).collect(),
            inputs,
            results,
            ports: rows.iter().map(|row| row.end.outcome.port.as_ref().map(|port| port.as_str().to_owned())).collect(),
            errors,
            walls_ms: rows.iter().map(|row| row.end.usage.wall_ms).collect(),
            cpus_ms: rows.iter().map(|row| row.end.usage.cpu_ms).collect(),
            peaks: rows.iter().map(|row| peak(row.end)).collect(),
            started: rows.iter().map(|row| row.started_at).collect(),
            finished: rows.iter().map(|row| row.end.finished_at).collect(),
            covers: rows.iter().map(|row| row.cover.map(|(block, _)| block.to_owned())).collect(),
            depths: rows.iter().map(|row| row.cover.map(|(_, depth)| depth)).collect(),
        })
    }

    /// Its columns.
    pub(crate) fn values(&self) -> [&(dyn ToSql + Sync); TYPES.len()] {
        [
            &self.blocks,
            &self.iterations,
            &self.attempts,
            &self.statuses,
            &self.inputs.json,
            &self.inputs.packed,
            &self.results.json,
            &self.results.packed,
            &self.ports,
            &self.errors,
            &self.walls_ms,
            &self.cpus_ms,
            &self.peaks,
            &self.started,
            &self.finished,
            &self.covers,
            &self.depths,
        ]
    }
}
