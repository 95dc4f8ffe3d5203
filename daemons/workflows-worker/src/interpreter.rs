//! Walking the pinned release of a run, from where the journal says it stands.
//!
//! Neighbouring blocks that need only code-executor travel in one request (a chain); a query block ends the chain, because its
//! effect is journalled by workflows-backend. Results are reported before anything that depends on them has an effect.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use bulkhead_model::run::{BlockStatus, RunError, RunResponse, RunStatus, Usage};
use bulkhead_model::workflow::{Block, Graph, Port};
use bulkhead_model::{Name, RunId};
use bulkhead_rpc::backend::{BlockOutcome, BlockReport, BlockReports, FinishRequest, QueryBlockRequest, RunState};
use bulkhead_rpc::executor::{BlockResult, BlockSpec, RunRequest};
use bulkhead_rpc::{RpcClient, RpcError};
use bulkhead_temporal_engine::{Advance, Progress, StepError, StepFuture};
use http::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::blocks::{EXPRESSION, has_bindings, shown_input, work};
use crate::executor::{self, ExecuteError, Executed};

/// A step ends after this long, between two blocks, so that Temporal hears of progress.
const BUDGET: Duration = Duration::from_secs(1);
/// Blocks in one request to code-executor at most.
const MAX_CHAIN: usize = 20;
/// What the blocks of a chain may take together: well below what Temporal gives a step.
const MAX_CHAIN_WALL: Duration = Duration::from_secs(300);
/// Bytes of results in one report, unless a single block has more.
const MAX_BATCH_BYTES: usize = 16 * 1024 * 1024;

/// The interpreter. It keeps nothing of a run between steps.
#[derive(Debug)]
pub(crate) struct Interpreter {
    backend: RpcClient,
    executor: RpcClient,
    /// Steps that this process may still make.
    steps_left: AtomicU64,
    worn_out: CancellationToken,
}

/// How a run goes on after a block.
enum After<'a> {
    Next(&'a Name),
    End,
    Failed(RunError),
}

impl Interpreter {
    /// One that is worn out after `steps`.
    pub(crate) fn new(backend: RpcClient, executor: RpcClient, steps: u64) -> Self {
        Self { backend, executor, steps_left: AtomicU64::new(steps), worn_out: CancellationToken::new() }
    }

    /// Cancelled when the process should be replaced: the SDK keeps some bytes of every step for ever.
    pub(crate) fn worn_out(&self) -> CancellationToken {
        self.worn_out.clone()
    }

    async fn step(&self, run: &str) -> Result<Progress, StepError> {
        let state: RunState = match self.backend.get(&format!("/v1/runs/{run}")).await {
            Ok(state) => state,
            // A run that PostgreSQL does not know is none of ours: whoever made it had only Temporal's word.
            Err(RpcError::Problem(problem)) if problem.status == 404 => {
                tracing::warn!(run.id = %run, "Temporal offered a run that is not in the database; it is dropped");
                return Ok(Progress::Finished);
            }
            Err(error) => return Err(step_error(&error)),
        };
        if state.status.is_final() {
            return Ok(Progress::Finished);
        }
        // From here on: a step that only loads, however long that takes, would be one without progress.
        let started = Instant::now();
        let mut walk = Walk::new(&state);
        while let Some(block) = walk.at.clone() {
            let after = match walk.outcome(&block).cloned() {
                Some(outcome) => {
                    self.answer(&walk, &block, &outcome).await?;
                    walk.after(&block, &outcome)
                }
                None if started.elapsed() > BUDGET => return Ok(Progress::Continue),
                None => self.run_from(&mut walk, &block).await?,
            };
            match after {
                After::Next(next) => walk.at = Some(next.clone()),
                After::End => walk.at = None,
                After::Failed(error) => {
                    if !walk.finished {
                        self.finish(state.run, &failed(&block, error)).await?;
                    }
                    return Ok(Progress::Finished);
                }
            }
        }
        if !walk.finished {
            self.finish(state.run, &SUCCEEDED).await?;
        }
        Ok(Progress::Finished)
    }

    /// Runs `block`, and as many after it as travel together.
    async fn run_from<'a>(&self, walk: &mut Walk<'a>, block: &Name) -> Result<After<'a>, StepError> {
        if let Block::Query(query) = &walk.state.document.blocks[block] {
            let parameters = if has_bindings(&query.query.statement) {
                match self.evaluate(walk, block).await? {
                    Ok(parameters) => parameters,
                    Err(error) => return Ok(After::Failed(error)),
                }
            } else {
                BTreeMap::new()
            };
            let path = format!("/v1/runs/{}/blocks/{block}/query", walk.state.run);
            let request = QueryBlockRequest { parameters };
            let outcome: BlockOutcome =
                self.backend.call(Method::POST, &path, &request).await.map_err(|error| step_error(&error))?;
            let after = walk.after(block, &outcome);
            walk.keep(block, outcome);
            return Ok(after);
        }
        let chain = walk.chain(block);
        let executed = self.execute(&walk.request(&chain)).await?;
        self.report(walk, executed).await?;
        // The journal now holds what ran; the walk goes through it as if it had been there before.
        Ok(After::Next(walk.known_name(block)))
    }

    /// The values of a query block's expressions. A failure is the block's own and is reported as such.
    async fn evaluate(
        &self,
        walk: &mut Walk<'_>,
        block: &Name,
    ) -> Result<Result<BTreeMap<String, Value>, RunError>, StepError> {
        let mut executed = self.execute(&walk.request(std::slice::from_ref(block))).await?;
        let Some(one) = executed.pop() else {
            return Err(StepError("bulkhead-code-executor ended a chain without a result".into()));
        };
        match (&one.result.error, &one.result.value) {
            (None, Value::Object(values)) => Ok(Ok(values.clone().into_iter().collect())),
            (Some(error), _) => {
                let error = error.clone();
                self.report(walk, vec![one]).await?;
                Ok(Err(error))
            }
            (None, _) => Err(StepError("bulkhead-code-executor gave no object of values".into())),
        }
    }

    /// Runs a chain on code-executor; at least one block of it has ended. A chain that it refuses for what it is (inputs too
    /// large, say) would be refused for ever: its first block has failed.
    async fn execute(&self, request: &RunRequest) -> Result<Vec<Executed>, StepError> {
        let refused = match executor::run(&self.executor, request).await {
            Ok(executed) if executed.is_empty() => {
                return Err(StepError("bulkhead-code-executor ended a chain without a result".into()));
            }
            Ok(executed) => return Ok(executed),
            Err(ExecuteError::Rpc(RpcError::Problem(problem))) if is_final(problem.status) => problem,
            Err(error) => return Err(execute_error(&error)),
        };
        let error = RunError::new(refused.code.clone(), refused.detail.clone());
        let block = request.blocks[0].id.clone();
        let result = BlockResult { block, value: Value::Null, error: Some(error), usage: Usage::default() };
        let now_ms = executor::now_ms();
        Ok(vec![Executed { result, logs: Vec::new(), started_at_ms: now_ms, finished_at_ms: now_ms }])
    }

    /// Stores what ran and, with it, what came of the run.
    async fn report(&self, walk: &mut Walk<'_>, executed: Vec<Executed>) -> Result<(), StepError> {
        let path = format!("/v1/runs/{}/blocks", walk.state.run);
        let reports = walk.reports(executed);
        let (mut response, mut finish) = (walk.response(&reports), walk.finish(&reports));
        let mut batches = batches(reports).into_iter().peekable();
        while let Some(blocks) = batches.next() {
            let last = batches.peek().is_none();
            let (response, finish) = if last { (response.take(), finish.take()) } else { (None, None) };
            let reports = BlockReports { blocks, response, finish };
            let _: Value = self.call(&path, &reports).await?;
            walk.answered |= reports.response.is_some();
            walk.finished |= reports.finish.is_some();
            for report in reports.blocks {
                walk.keep(&report.block, report.outcome);
            }
        }
        Ok(())
    }

    /// Answers the webhook's caller when the walk passes a response block. After a crash it may pass there again: the first
    /// answer counts.
    async fn answer(&self, walk: &Walk<'_>, block: &Name, outcome: &BlockOutcome) -> Result<(), StepError> {
        let Some(response) = walk.response_of(block, outcome).filter(|_| !walk.answered) else { return Ok(()) };
        let _: Value = self.call(&format!("/v1/runs/{}/response", walk.state.run), &response).await?;
        Ok(())
    }

    async fn finish(&self, run: RunId, end: &FinishRequest) -> Result<(), StepError> {
        let _: Value = self.call(&format!("/v1/runs/{run}/finish"), end).await?;
        Ok(())
    }

    async fn call<T: serde::Serialize>(&self, path: &str, body: &T) -> Result<Value, StepError> {
        self.backend.call(Method::POST, path, body).await.map_err(|error| step_error(&error))
    }
}

impl Advance for Interpreter {
    fn advance<'a>(&'a self, run: &'a str) -> StepFuture<'a, Progress> {
        // Steps still come in while the worker drains, hence "at most one left".
        if self.steps_left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok_and(|left| left <= 1) {
            tracing::info!("this worker has made its steps and ends; systemd starts it anew");
            self.worn_out.cancel();
        }
        Box::pin(self.step(run))
    }

    fn cancelled<'a>(&'a self, run: &'a str) -> StepFuture<'a, ()> {
        Box::pin(async move {
            let run: RunId = run.parse().map_err(|_| StepError(format!("`{run}` is no id of a run")))?;
            let error = RunError::new("cancelled", "a person cancelled the run");
            self.finish(run, &FinishRequest { status: RunStatus::Cancelled, error: Some(error) }).await
        })
    }
}

/// Where a step stands in its run.
struct Walk<'a> {
    state: &'a RunState,
    graph: Graph<'a>,
    at: Option<Name>,
    previous: Option<Name>,
    outcomes: BTreeMap<Name, BlockOutcome>,
    /// The answer, or the end, is stored already, together with the blocks that led to it.
    answered: bool,
    finished: bool,
}

impl<'a> Walk<'a> {
    fn new(state: &'a RunState) -> Self {
        let graph = Graph::of(&state.document);
        let (at, outcomes) = (Some(state.document.start.clone()), state.finished.clone());
        Self { graph, at, previous: None, outcomes, answered: false, finished: false, state }
    }

    fn outcome(&self, block: &Name) -> Option<&BlockOutcome> {
        self.outcomes.get(block)
    }

    fn keep(&mut self, block: &Name, outcome: BlockOutcome) {
        self.outcomes.insert(block.clone(), outcome);
    }

    /// The release's own copy of a name that is in it.
    fn known_name(&self, block: &Name) -> &'a Name {
        self.state.document.blocks.get_key_value(block).map_or(&self.state.document.start, |(name, _)| name)
    }

    fn after(&self, block: &Name, outcome: &BlockOutcome) -> After<'a> {
        match outcome.status {
            BlockStatus::Succeeded => match self.graph.next(block, outcome.port) {
                Some(next) => After::Next(next),
                None => After::End,
            },
            BlockStatus::Running | BlockStatus::Failed | BlockStatus::OutcomeUnknown => {
                let unknown = || RunError::new("failed", format!("block `{block}` failed without saying why"));
                After::Failed(outcome.error.clone().unwrap_or_else(unknown))
            }
        }
    }

    /// The answer that a block gives, if it is a response.
    fn response_of(&self, block: &Name, outcome: &BlockOutcome) -> Option<RunResponse> {
        match (self.state.document.blocks.get(block)?, outcome.status) {
            (Block::Response(block), BlockStatus::Succeeded) => {
                Some(RunResponse { status: block.status, body: outcome.result["body"].clone() })
            }
            _ => None,
        }
    }

    /// The answer that one of these gives.
    fn response(&self, reports: &[BlockReport]) -> Option<RunResponse> {
        reports.iter().find_map(|report| self.response_of(&report.block, &report.outcome))
    }

    /// How the run ends with the last of these, if it does.
    fn finish(&self, reports: &[BlockReport]) -> Option<FinishRequest> {
        let last = reports.last()?;
        match self.after(&last.block, &last.outcome) {
            After::Next(_) => None,
            After::End => Some(SUCCEEDED),
            After::Failed(error) => Some(failed(&last.block, error)),
        }
    }

    /// `block` and the ones after it that need only code-executor: up to a branch, whose way is not known yet, or a response,
    /// whose caller waits.
    fn chain(&self, block: &Name) -> Vec<Name> {
        let blocks = &self.state.document.blocks;
        let mut chain = vec![block.clone()];
        let mut wall = wall_time(&blocks[block]);
        let mut last = block;
        while chain.len() < MAX_CHAIN && matches!(blocks[last], Block::Code(_)) {
            let Some(next) = self.graph.next(last, None) else { break };
            wall += wall_time(&blocks[next]);
            if matches!(blocks[next], Block::Query(_)) || wall > MAX_CHAIN_WALL {
                break;
            }
            chain.push(next.clone());
            last = next;
        }
        chain
    }

    fn request(&self, chain: &[Name]) -> RunRequest {
        let mut inputs: BTreeMap<String, Value> =
            self.outcomes.iter().map(|(name, outcome)| (name.to_string(), outcome.result.clone())).collect();
        inputs.insert("trigger".to_owned(), self.state.trigger.clone());
        let blocks = chain.iter().map(|name| {
            let (work, limits) = work(&self.state.document.blocks[name]);
            BlockSpec { id: name.to_string(), work, limits }
        });
        RunRequest {
            token: Some(self.state.token.clone()),
            tenant: self.state.workflow.to_string(),
            libraries: self.state.libraries.clone(),
            inputs,
            blocks: blocks.collect(),
        }
    }

    /// The reports of what ran.
    fn reports(&mut self, executed: Vec<Executed>) -> Vec<BlockReport> {
        let mut reports: Vec<BlockReport> = Vec::new();
        for one in executed {
            let Ok(name) = one.result.block.parse::<Name>() else { continue };
            let Some(block) = self.state.document.blocks.get(&name) else { continue };
            let outcome = outcome_of(block, &one);
            let input = match reports.last() {
                Some(before) => shown_input(Some((before.block.as_str(), &before.outcome.result)), &self.state.trigger),
                None => {
                    let previous =
                        self.previous.as_ref().and_then(|name| Some((name.as_str(), &self.outcomes.get(name)?.result)));
                    shown_input(previous, &self.state.trigger)
                }
            };
            reports.push(BlockReport {
                block: name,
                outcome,
                input,
                started_at_ms: one.started_at_ms,
                finished_at_ms: one.finished_at_ms,
                usage: one.result.usage,
                logs: one.logs,
            });
        }
        self.previous = reports.last().map(|report| report.block.clone());
        reports
    }
}

const SUCCEEDED: FinishRequest = FinishRequest { status: RunStatus::Succeeded, error: None };

/// The end of a run at a block that failed.
fn failed(block: &Name, mut error: RunError) -> FinishRequest {
    error.block = Some(block.to_string());
    FinishRequest { status: RunStatus::Failed, error: Some(error) }
}

/// The longest that a block's code may take.
fn wall_time(block: &Block) -> Duration {
    Duration::from_millis(work(block).1.wall_ms.into())
}

/// Reports in as few requests as workflows-backend takes: each holds results and inputs of some megabytes at most.
fn batches(reports: Vec<BlockReport>) -> Vec<Vec<BlockReport>> {
    let mut batches: Vec<Vec<BlockReport>> = Vec::new();
    let mut size = MAX_BATCH_BYTES;
    for report in reports {
        let logs: usize = report.logs.iter().map(|line| line.text.len()).sum();
        let bytes = report.outcome.result.to_string().len() + report.input.to_string().len() + logs;
        size += bytes;
        match batches.last_mut() {
            Some(batch) if size <= MAX_BATCH_BYTES => batch.push(report),
            _ => {
                size = bytes;
                batches.push(vec![report]);
            }
        }
    }
    batches
}

/// Whether a refusal would be repeated for ever: it blames the request, and not that there is no place for it now.
fn is_final(status: u16) -> bool {
    (400..500).contains(&status) && status != 429
}

/// How a block ended that code-executor ran.
fn outcome_of(block: &Block, executed: &Executed) -> BlockOutcome {
    if let Some(error) = &executed.result.error {
        return BlockOutcome {
            status: BlockStatus::Failed,
            result: Value::Null,
            port: None,
            error: Some(error.clone()),
        };
    }
    let value = executed.result.value.clone();
    let succeeded = |result, port| BlockOutcome { status: BlockStatus::Succeeded, result, port, error: None };
    match block {
        Block::Branch(_) => {
            let truth = is_true(&value[EXPRESSION]);
            succeeded(json!(truth), Some(if truth { Port::True } else { Port::False }))
        }
        Block::Response(block) => succeeded(json!({ "status": block.status, "body": value[EXPRESSION] }), None),
        Block::Code(_) | Block::Query(_) => succeeded(value, None),
    }
}

/// JavaScript's truth of a JSON value.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

fn step_error(error: &RpcError) -> StepError {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    StepError(format!("{error}{cause}"))
}

fn execute_error(error: &ExecuteError) -> StepError {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    StepError(format!("{error}{cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_is_javascripts() {
        for (value, truth) in [
            (json!(null), false),
            (json!(0), false),
            (json!(""), false),
            (json!([]), true),
            (json!({}), true),
            (json!("0"), true),
        ] {
            assert_eq!(is_true(&value), truth, "{value}");
        }
    }
}
