//! What a worker is told of a run.

use std::collections::{BTreeMap, BTreeSet};

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bulkhead_daemon_kit::Peer;
use bulkhead_model::run::{BlockStatus, RunError, RunStatus};
use bulkhead_model::workflow::{Block, Graph, WorkflowDocument};
use bulkhead_model::{Name, RunId};
use bulkhead_rpc::backend::{BlockOutcome, BlockPlace, EndedRounds, JournalEntry, RunState};
use bulkhead_store::block_ends::RunEnd;
use bulkhead_store::journal::{self, BlockRow, Earlier, PinnedRun};
use serde::Deserialize;

use crate::error::BackendError;
use crate::routes::{Backend, Shared, WORKER, millis, only};
use crate::token::Scope;

/// What a worker is told of a run at most: its client reads answers of 96 MiB.
const MAX_STATE_BYTES: usize = 64 * 1024 * 1024;
/// How long the token of a run is good: longer than any step.
const RUN_TOKEN_LIFETIME: time::Duration = time::Duration::hours(1);

/// How a worker asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateQuery {
    /// Whether nothing is changed by this, also where somebody else has the run: it is marked as running with what is stored of it next.
    #[serde(default)]
    quietly: bool,
}

pub(crate) async fn run_state(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Path(run): Path<RunId>,
    Query(how): Query<StateQuery>,
) -> Result<Response, BackendError> {
    only(&peer, WORKER)?;
    let database = &backend.database;
    let pinned = if how.quietly { database.pinned_run(run).await? } else { database.take_up_run(run).await? };
    if how.quietly && pinned.begins_at.is_some() {
        return Err(BackendError::NotQuietly);
    }
    // What nobody has marked as running has no journal: the mark comes before all that is stored of the run, or with it.
    let is_fresh = pinned.status == RunStatus::Queued;
    let mut journal = if is_fresh { Vec::new() } else { database.journal(run).await? };
    let has_loops = pinned.document.blocks.values().any(|block| matches!(block, Block::Loop(_)));
    let rounds = if is_fresh || !has_loops { Vec::new() } else { database.ended_rounds(run).await? };
    if let Some((block, from)) = &pinned.begins_at
        && journal.is_empty()
        && !pinned.status.is_final()
    {
        backend.take_over(run, &pinned, block, *from).await?;
        journal = database.journal(run).await?;
    }
    let named = &pinned.document.libraries;
    let libraries = backend.database.library_images(named).await?;
    if named.python.is_some() != libraries.python.is_some()
        || named.javascript.is_some() != libraries.javascript.is_some()
    {
        tracing::warn!(run.id = %run, "a set of libraries that the release names is gone: its code does not find them");
    }
    let variables = match pinned.document.variables.is_empty() {
        true => BTreeMap::new(),
        false => backend.database.run_variables(run).await?,
    };
    let journal = journal.into_iter().filter_map(journal_entry).collect();
    let state = RunState {
        run,
        workflow: pinned.workflow,
        version: pinned.version,
        document: pinned.document,
        trigger: pinned.trigger,
        status: pinned.status,
        is_paused: pinned.is_paused,
        journal,
        rounds: rounds.into_iter().filter_map(ended_rounds).collect(),
        variables,
        created_at_ms: millis(pinned.created_at),
        token: backend.key.sign(Scope::Run(run), RUN_TOKEN_LIFETIME),
        libraries,
        environment: pinned.environment_name,
    };
    let text = serde_json::to_vec(&state).map_err(|error| BackendError::State(error.to_string()))?;
    if text.len() <= MAX_STATE_BYTES || state.status.is_final() {
        return Ok(([(CONTENT_TYPE, "application/json")], text).into_response());
    }
    // No worker could take it, now or later.
    let message = format!(
        "the results that the run needs to go on take {} bytes, and the most is {MAX_STATE_BYTES}: return less, or leave results out of \
         loops (collect)",
        text.len()
    );
    let error = RunError::new("run-too-large", message);
    let end = RunEnd { status: RunStatus::Failed, error: Some(&error), result: None };
    backend.conclude(run, &[], None, end).await?;
    Err(BackendError::RunEnded)
}

/// None where the name is that of no block.
fn journal_entry(row: BlockRow) -> Option<JournalEntry> {
    let journal::BlockOutcome { status, result, port, error } = row.outcome;
    Some(JournalEntry {
        place: BlockPlace {
            block: row.place.block.try_into().ok()?,
            iteration: row.place.iteration,
            attempt: u32::try_from(row.place.attempt).ok()?,
        },
        outcome: BlockOutcome { status, result, port, error },
        started_at_ms: millis(row.started_at),
        finished_at_ms: row.finished_at.map(millis).unwrap_or_default(),
        wrote: row.wrote,
        choice: row.choice,
    })
}

/// None where the name is that of no block.
fn ended_rounds(rounds: journal::EndedRounds) -> Option<EndedRounds> {
    let journal::EndedRounds { block, iteration, first, last, finished_at } = rounds;
    Some(EndedRounds { block: block.try_into().ok()?, iteration, first, last, finished_at_ms: millis(finished_at) })
}

impl Backend {
    /// Lets a run begin at a block: what came before is taken from an earlier run.
    async fn take_over(
        &self,
        run: RunId,
        pinned: &PinnedRun,
        block: &str,
        from: Option<RunId>,
    ) -> Result<(), BackendError> {
        let Some(from) = from else {
            // Without it the run would make again what it was to begin after.
            let error = RunError::new(
                "run-gone",
                format!("the run that this one was to go on from, at block `{block}`, was deleted"),
            );
            let end = RunEnd { status: RunStatus::Failed, error: Some(&error), result: None };
            self.conclude(run, &[], None, end).await?;
            return Err(BackendError::RunEnded);
        };
        let earlier = self.database.journal(from).await?;
        let graph = Graph::of(&pinned.document);
        let began_at = earlier.iter().find(|row| row.place.block == block).map(|row| row.started_at);
        // Time alone does not tell: blocks that need no process end in the millisecond in which they began.
        let follows = all_from(&pinned.document, block);
        let came_before = |row: &&BlockRow| {
            row.place.iteration.0.is_empty()
                && row.outcome.status == BlockStatus::Succeeded
                && began_at.is_none_or(|at| row.started_at <= at)
                && pinned
                    .document
                    .blocks
                    .get_key_value(row.place.block.as_str())
                    .is_some_and(|(name, _)| !follows.contains(name.as_str()) && graph.owners(name).is_empty())
        };
        let blocks: Vec<&str> = earlier.iter().filter(came_before).map(|row| row.place.block.as_str()).collect();
        let sets = |name: &Name, block: &Block| matches!(block, Block::Set(_)) && !follows.contains(name.as_str());
        let setters = pinned.document.blocks.iter().filter(|(name, block)| sets(name, block));
        let setters: Vec<&str> = setters.map(|(name, _)| name.as_str()).collect();
        let earlier = Earlier { blocks: &blocks, setters: &setters, before: block };
        Ok(self.database.take_over(run, from, &earlier).await?)
    }
}

/// A block and all that edges lead to from it, bodies too.
fn all_from<'a>(document: &'a WorkflowDocument, block: &'a str) -> BTreeSet<&'a str> {
    let (mut found, mut pending) = (BTreeSet::new(), vec![block]);
    while let Some(at) = pending.pop() {
        if found.insert(at) {
            let edges = document.edges.iter().filter(|edge| edge.from.as_str() == at);
            pending.extend(edges.map(|edge| edge.to.as_str()));
        }
    }
    found
}
