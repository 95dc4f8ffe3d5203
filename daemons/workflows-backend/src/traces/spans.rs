//! A run as spans: one for the run, one for each block in each round.
//!
//! Ids are made from those of the run, so that a run which is sent twice is the same trace. There are ids, kinds, names, words for errors
//! and times in them, and nothing that a run has worked with: a message may quote a row.

use std::collections::HashSet;

use bulkhead_model::run::{BlockStatus, Iteration, RunStatus};
use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_model::{RunId, TraceParent};
use bulkhead_store::traces::{TracedBlock, TracedRun};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::otlp::{
    Event, FLAG_HAS_IS_REMOTE, FLAG_IS_REMOTE, FLAG_SAMPLED, KIND_INTERNAL, KIND_SERVER, KeyValue, Link, STATUS_ERROR,
    STATUS_OK, Span, Status, integer, number, text,
};

/// Attempts of one block that are told of.
const MAX_ATTEMPTS: usize = 32;
/// The longest word for an error.
const MAX_WORD_BYTES: usize = 64;

/// The spans of a run that has ended; `count` is how many blocks and rounds it has, of which `blocks` are some.
pub(super) fn spans(
    run: &TracedRun,
    blocks: &[TracedBlock],
    count: i64,
    document: Option<&WorkflowDocument>,
) -> Vec<Span> {
    let trace = trace_of(run.id, run.trace_parent);
    let own = run_span(run.id);
    let shown: HashSet<[u8; 8]> = blocks.iter().map(|one| block_span(run.id, &one.block, &one.iteration)).collect();
    let mut spans = vec![whole(run, &trace, own, count - shown.len() as i64)];
    spans.extend(blocks.iter().map(|one| {
        let cover = one.cover.as_ref().map(|(block, iteration)| block_span(run.id, block, iteration));
        let parent = cover.filter(|cover| shown.contains(cover)).unwrap_or(own);
        of_block(run, one, &trace, parent, document)
    }));
    spans
}

/// The trace of a run: its caller's, or one whose id is the run's own.
fn trace_of(run: RunId, parent: Option<TraceParent>) -> [u8; 16] {
    parent.map_or_else(|| *run.0.as_bytes(), |parent| parent.trace)
}

fn run_span(run: RunId) -> [u8; 8] {
    span_id(&[run.0.as_bytes()])
}

fn block_span(run: RunId, block: &str, iteration: &Iteration) -> [u8; 8] {
    span_id(&[run.0.as_bytes(), block.as_bytes(), iteration.to_string().as_bytes()])
}

fn span_id(parts: &[&[u8]]) -> [u8; 8] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut id = [0; 8];
    id.copy_from_slice(&hash.finalize()[..8]);
    // All zeros are no id.
    id[7] |= u8::from(id == [0; 8]);
    id
}

fn whole(run: &TracedRun, trace: &[u8], id: [u8; 8], dropped: i64) -> Span {
    let mut attributes = vec![
        text("bulkhead.run.id", run.id.to_string()),
        text("bulkhead.workflow.id", run.workflow.to_string()),
        text("bulkhead.workflow.slug", run.workflow_slug.clone()),
        integer("bulkhead.workflow.version", run.version.into()),
        text("bulkhead.run.status", run.status.as_str()),
    ];
    attributes.extend(run.trigger.as_deref().map(|kind| text("bulkhead.trigger.kind", word(kind))));
    attributes.extend(run.error.as_deref().map(|kind| text("error.type", word(kind))));
    if dropped > 0 {
        attributes.push(integer("bulkhead.spans.dropped", dropped));
    }
    let mut links = Vec::new();
    if let Some((parent, trace_parent, block, iteration)) = &run.parent {
        links.push(link(trace_of(*parent, *trace_parent), block_span(*parent, block, iteration), "parent"));
    }
    if let Some((earlier, trace_parent)) = run.from_run {
        links.push(link(trace_of(earlier, trace_parent), run_span(earlier), "earlier"));
    }
    let begun =
        run.started_at.map(|at| Event { time_unix_nano: nanos(at), name: "begun".to_owned(), attributes: vec![] });
    let remote = run.trace_parent.map_or(0, |_| FLAG_HAS_IS_REMOTE | FLAG_IS_REMOTE);
    let status = match run.status {
        RunStatus::Succeeded => Some(Status { code: STATUS_OK, message: String::new() }),
        RunStatus::Failed => Some(failed(run.error.as_deref())),
        _ => None,
    };
    Span {
        trace_id: trace.to_vec(),
        span_id: id.to_vec(),
        parent_span_id: run.trace_parent.map(|parent| parent.span.to_vec()).unwrap_or_default(),
        name: format!("workflow {}", run.workflow_slug),
        kind: if run.trigger.as_deref() == Some("webhook") { KIND_SERVER } else { KIND_INTERNAL },
        start_time_unix_nano: nanos(run.created_at),
        end_time_unix_nano: nanos(run.finished_at.max(run.created_at)),
        attributes,
        events: begun.into_iter().collect(),
        dropped_events_count: 0,
        links,
        status,
        flags: FLAG_SAMPLED | remote,
    }
}

fn of_block(
    run: &TracedRun,
    block: &TracedBlock,
    trace: &[u8],
    parent: [u8; 8],
    document: Option<&WorkflowDocument>,
) -> Span {
    let last = block.attempts.last();
    let mut attributes = vec![text("bulkhead.block", block.block.clone())];
    attributes.extend(kind(document, &block.block).map(|kind| text("bulkhead.block.kind", kind)));
    attributes.extend(last.map(|last| text("bulkhead.block.status", last.status.as_str())));
    attributes.extend(last.map(|last| integer("bulkhead.block.attempts", last.number.into())));
    if !block.iteration.0.is_empty() {
        attributes.push(text("bulkhead.block.iteration", block.iteration.to_string()));
    }
    attributes.extend(last.and_then(|last| last.error.as_deref()).map(|kind| text("error.type", word(kind))));
    let ended = block.attempts.iter().filter_map(|attempt| attempt.finished_at).max();
    // A run that was ended by force leaves blocks that have not ended.
    let ended = ended.unwrap_or(run.finished_at).max(block.started_at);
    let skipped = block.attempts.len().saturating_sub(MAX_ATTEMPTS);
    let events = block.attempts[skipped..].iter().filter(|_| block.attempts.len() > 1).map(|attempt| {
        let mut attributes: Vec<KeyValue> = vec![
            integer("bulkhead.attempt", attempt.number.into()),
            text("bulkhead.attempt.status", attempt.status.as_str()),
        ];
        attributes.extend(attempt.error.as_deref().map(|kind| text("error.type", word(kind))));
        Event { time_unix_nano: nanos(attempt.finished_at.unwrap_or(ended)), name: "attempt".to_owned(), attributes }
    });
    let events = events.collect();
    attributes.push(number("bulkhead.block.seconds", (ended - block.started_at).as_seconds_f64()));
    Span {
        trace_id: trace.to_vec(),
        span_id: block_span(run.id, &block.block, &block.iteration).to_vec(),
        parent_span_id: parent.to_vec(),
        name: block.block.clone(),
        kind: KIND_INTERNAL,
        start_time_unix_nano: nanos(block.started_at),
        end_time_unix_nano: nanos(ended),
        attributes,
        events,
        dropped_events_count: u32::try_from(skipped).unwrap_or(u32::MAX),
        links: Vec::new(),
        status: last.and_then(|last| match last.status {
            BlockStatus::Succeeded => Some(Status { code: STATUS_OK, message: String::new() }),
            BlockStatus::Failed | BlockStatus::OutcomeUnknown => Some(failed(last.error.as_deref())),
            BlockStatus::Running => None,
        }),
        flags: FLAG_SAMPLED,
    }
}

fn failed(error: Option<&str>) -> Status {
    Status { code: STATUS_ERROR, message: error.map(word).unwrap_or_default() }
}

fn link(trace: [u8; 16], span: [u8; 8], relation: &str) -> Link {
    let attributes = vec![text("bulkhead.link", relation)];
    Link { trace_id: trace.to_vec(), span_id: span.to_vec(), attributes }
}

/// The type of a block in its document.
fn kind(document: Option<&WorkflowDocument>, block: &str) -> Option<String> {
    let (_, block) = document?.blocks.iter().find(|(name, _)| name.as_str() == block)?;
    serde_json::to_value(block).ok()?["type"].as_str().map(str::to_owned)
}

/// A word as we make them; anything else might be data.
fn word(text: &str) -> String {
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if is_word && text.len() <= MAX_WORD_BYTES { text.to_owned() } else { "other".to_owned() }
}

fn nanos(at: OffsetDateTime) -> u64 {
    u64::try_from(at.unix_timestamp_nanos()).unwrap_or_default()
}
