//! What a step tells workflows-backend: what blocks came to, the run's answer and its end.

use std::collections::BTreeMap;

use bulkhead_model::Name;
use bulkhead_model::run::{BlockStatus, RunResponse, Usage};
use bulkhead_model::workflow::Block;
use bulkhead_rpc::backend::{BlockOutcome, BlockPlace, BlockReport, BlockReports, Cover, FinishRequest, Stored};
use bulkhead_temporal_engine::StepError;
use serde_json::Value;

use crate::blocks::sources;
use crate::env::shown;
use crate::executor::{Executed, now_ms};
use crate::known::{Known, Unsent};
use crate::step::{Link, Step};

/// Bytes of results in one request, unless a single block has more.
const MAX_BATCH_BYTES: usize = 16 * 1024 * 1024;

impl Step<'_> {
    pub(crate) fn report_executed(
        &self,
        place: &BlockPlace,
        link: &Link<'_>,
        outcome: BlockOutcome,
        inputs: &BTreeMap<String, Value>,
        one: Executed,
    ) {
        let variables = match (link.block, outcome.status) {
            (Block::Set(_), BlockStatus::Succeeded) => serde_json::from_value(outcome.result.clone()).ok(),
            _ => None,
        };
        self.known.add(BlockReport {
            place: place.clone(),
            outcome,
            cover: self.cover(place),
            input: shown(inputs, &sources(&link.work.0)),
            started_at_ms: one.started_at_ms,
            finished_at_ms: one.finished_at_ms,
            usage: one.result.usage,
            logs: one.logs,
            variables,
        });
    }

    /// Reports what a block came to by itself.
    pub(crate) fn report(&self, place: &BlockPlace, outcome: BlockOutcome, input: Value, started_at_ms: u64) {
        let has_ended = outcome.status != BlockStatus::Running;
        let finished_at_ms = if has_ended { now_ms() } else { 0 };
        let wall_ms = finished_at_ms.saturating_sub(started_at_ms) as f64;
        self.known.add(BlockReport {
            place: place.clone(),
            outcome,
            cover: self.cover(place),
            input,
            started_at_ms,
            finished_at_ms,
            usage: Usage { wall_ms, ..Usage::default() },
            logs: Vec::new(),
            variables: None,
        });
    }

    /// The row that covers that of a block, or of a round.
    pub(crate) fn cover(&self, place: &BlockPlace) -> Option<Cover> {
        let loops = self.graph.owners(&place.block).into_iter().filter(|owner| self.is_loop(owner)).count();
        let depth = |depth: usize| u16::try_from(depth).unwrap_or(u16::MAX);
        if place.iteration.0.len() > loops {
            return Some(Cover { block: place.block.clone(), depth: depth(loops) });
        }
        let around = self.graph.loop_around(&place.block)?;
        Some(Cover { block: around.clone(), depth: depth(loops) })
    }

    fn is_loop(&self, name: &Name) -> bool {
        matches!(self.state.document.blocks.get(name), Some(Block::Loop(_)))
    }

    /// Answers the webhook's caller when the walk passes a response block. After a crash it may pass there again: the first
    /// answer counts.
    pub(crate) fn answer(&self, name: &Name, block: &Block, outcome: &BlockOutcome) {
        let (Block::Response(block), BlockStatus::Succeeded) = (block, outcome.status) else { return };
        let headers = serde_json::from_value(outcome.result["headers"].clone()).unwrap_or_default();
        tracing::trace!(block = %name, "the run answers");
        self.known.answer(RunResponse { status: block.status, headers, body: outcome.result["body"].clone() });
    }

    /// Stores what is not stored yet and, with the last of it, the run's end.
    pub(crate) async fn flush(&self, mut finish: Option<FinishRequest>) -> Result<(), StepError> {
        let _sending = self.sending.lock().await;
        let path = format!("/v1/runs/{}/blocks", self.state.run);
        let mut sending = Sending::of(&self.known);
        while sending.load(&mut finish) {
            let stored: Stored = self.metrics.timed("store", self.call(&path, &sending.request)).await?;
            let request = std::mem::take(&mut sending.request);
            for report in stored.wrote.into_iter().filter_map(|number| request.blocks.get(number)) {
                self.known.has_written(&report.place);
            }
        }
        Ok(())
    }
}

/// Reports on their way to workflows-backend. Those that were not stored when this is dropped, since the call failed or nobody waits for
/// it any more, are unsent again.
struct Sending<'a> {
    known: &'a Known,
    request: BlockReports,
    rest: Unsent,
}

impl<'a> Sending<'a> {
    fn of(known: &'a Known) -> Self {
        Self { known, request: BlockReports::default(), rest: known.take_unsent() }
    }

    /// Makes the next request: results and inputs of some megabytes at most, unless a single block has more. The last one takes the
    /// answer and the end with it. False when there is nothing to send.
    fn load(&mut self, finish: &mut Option<FinishRequest>) -> bool {
        let mut bytes = 0;
        let fits = |report: &&BlockReport| {
            let logs: usize = report.logs.iter().map(|line| line.text.len()).sum();
            bytes += report.outcome.result.to_string().len() + report.input.to_string().len() + logs;
            bytes <= MAX_BATCH_BYTES
        };
        let batch = self.rest.reports.iter().take_while(fits).count().max(1).min(self.rest.reports.len());
        self.request.blocks = self.rest.reports.drain(..batch).collect();
        if self.rest.reports.is_empty() {
            (self.request.response, self.request.finish) = (self.rest.response.take(), finish.take());
        }
        !self.request.blocks.is_empty() || self.request.response.is_some() || self.request.finish.is_some()
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        let mut reports = std::mem::take(&mut self.request.blocks);
        reports.append(&mut self.rest.reports);
        let response = self.request.response.take().or(self.rest.response.take());
        self.known.put_back(Unsent { reports, response });
    }
}
