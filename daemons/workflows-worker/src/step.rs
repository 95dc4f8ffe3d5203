//! One step of a run: as much as can be done now and within the budget.
//!
//! A step walks the pinned release from its start. What the journal knows is passed by; the rest is run. It keeps nothing: the next
//! step, here or on another worker, finds its way from the journal.
//!
//! | what | when it is stored |
//! |---|---|
//! | results of code and expressions | with the next commit, in any case before something that depends on them has an effect |
//! | what a query, a request, an approval, an awaited event came to | by workflows-backend, before it answers |
//! | the run's answer | with the block that gave it |
//! | the run's end | with its last block |

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bulkhead_model::environment;
use bulkhead_model::run::{BlockStatus, Choice, Iteration, RunError, RunStatus, Usage};
use bulkhead_model::workflow::{Block, Graph, Port, UnknownOutcome, WaitBlock, WaitFor};
use bulkhead_model::{Name, RunId};
use bulkhead_rpc::RpcClient;
use bulkhead_rpc::backend::{
    ActionValues, BlockAction, BlockOutcome, BlockPlace, FinishRequest, RunState, Standing, WaitingFor,
};
use bulkhead_rpc::executor::{BlockResult, BlockSpec, RunRequest, Work};
use bulkhead_temporal_engine::{Progress, StepError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use serde_json::{Value, json};

use crate::blocks::{self, action_values, may_have_effects, may_repeat, sources, wait_until, work};
use crate::env::Env;
use crate::executor::{self, ExecuteError, Executed, now_ms};
use crate::flow::{Flow, Pause, Settled};
use crate::interpreter::step_error;
use crate::known::{Entry, Known};
use crate::metrics::Metrics;
use crate::plain;

/// A step ends after this long, between two blocks, so that Temporal hears of progress.
const BUDGET: Duration = Duration::from_secs(1);
/// But it goes on for so many times as long as it took to load what is known of its run: a run with much to know would do little else.
const WORK_FOR_LOADING: u32 = 4;
/// Blocks in one request to code-executor at most.
const MAX_CHAIN: usize = 20;
/// What the blocks of a chain may take together: well below what Temporal gives a step.
const MAX_CHAIN_WALL: Duration = Duration::from_secs(300);
/// A block that takes longer is shown as running.
const SHOWN_AFTER: Duration = Duration::from_millis(300);
/// However long a run waits, it looks this often whether it is still there and whether what it waits for has come: a run that was deleted
/// would wait in Temporal for ever otherwise.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(24 * 3600);
/// Reports that wait for the next commit at most.
const MAX_UNSENT: usize = 200;

/// A step under way.
pub(crate) struct Step<'a> {
    pub(crate) backend: &'a RpcClient,
    pub(crate) executor: &'a RpcClient,
    pub(crate) metrics: &'a Metrics,
    pub(crate) state: &'a RunState,
    pub(crate) graph: Graph<'a>,
    pub(crate) known: Known,
    started: Instant,
    budget: Duration,
    /// Held over a commit: who finds nothing to send must not go on before it is made.
    pub(crate) sending: tokio::sync::Mutex<()>,
}

impl<'a> Step<'a> {
    pub(crate) fn new(
        backend: &'a RpcClient,
        executor: &'a RpcClient,
        metrics: &'a Metrics,
        state: &'a RunState,
        loading: Duration,
    ) -> Self {
        let (graph, known) = (Graph::of(&state.document), Known::of(state));
        let sending = tokio::sync::Mutex::new(());
        let budget = BUDGET.max(loading * WORK_FOR_LOADING);
        Self { backend, executor, metrics, state, graph, known, started: Instant::now(), budget, sending }
    }

    /// Makes the step.
    pub(crate) async fn make(&self) -> Result<Progress, StepError> {
        let mut env = Env::default();
        env.bind("trigger", std::sync::Arc::new(self.state.trigger.clone()));
        env.bind("environment", std::sync::Arc::new(environment::visible(&self.state.environment)));
        let flow = self.walk(&self.state.document.start, &mut env).await?;
        let end = match flow {
            Flow::Ended(result) => {
                FinishRequest { status: RunStatus::Succeeded, error: None, result: (*result).clone() }
            }
            Flow::Failed(error) => {
                let first = self.state.document.on_error.as_ref();
                let handled = match first {
                    Some(first) => self.walk(first, &mut env.with_error(&error)).await?,
                    None => Flow::Ended(Default::default()),
                };
                match handled {
                    Flow::Paused(pause) => return self.pause(pause).await,
                    Flow::Stopped(end) => *end,
                    Flow::Ended(_) | Flow::Failed(_) => failed(error),
                }
            }
            Flow::Paused(pause) => return self.pause(pause).await,
            Flow::Stopped(end) => *end,
        };
        self.flush(Some(end)).await?;
        Ok(Progress::Finished)
    }

    async fn pause(&self, pause: Pause) -> Result<Progress, StepError> {
        self.flush(None).await?;
        let Pause::Wait(mut waiting) = pause else { return Ok(Progress::Continue) };
        if let Some(end) = self.run_deadline_ms() {
            waiting.until_ms = Some(waiting.until_ms.map_or(end, |until| until.min(end)));
        }
        let _: Value = self.call(&format!("/v1/runs/{}/wait", self.state.run), &waiting).await?;
        Ok(Progress::Wait(Some(patience(waiting.until_ms, now_ms()))))
    }

    /// Walks from `first` until there is nowhere to go.
    pub(crate) fn walk<'s>(&'s self, first: &'s Name, env: &'s mut Env) -> BoxFuture<'s, Result<Flow, StepError>> {
        async move {
            let (mut at, mut last) = (first, std::sync::Arc::new(Value::Null));
            loop {
                let Some((name, block)) = self.state.document.blocks.get_key_value(at) else {
                    let message = format!("the released version has no block `{at}`: release the workflow again");
                    return Ok(Flow::Failed(RunError::new("block-unknown", message)));
                };
                let outcome = match self.settle(name, block, env).await? {
                    Settled::Ended(outcome) => outcome,
                    Settled::Paused(pause) => return Ok(Flow::Paused(pause)),
                    Settled::Stopped(end) => return Ok(Flow::Stopped(end)),
                };
                let next = if outcome.status == BlockStatus::Succeeded {
                    if let Block::Stop(_) = block {
                        return Ok(Flow::Stopped(Box::new(stopped(name, &outcome.result))));
                    }
                    last = std::sync::Arc::new(outcome.result);
                    env.bind(name.as_str(), std::sync::Arc::clone(&last));
                    self.graph.next(name, outcome.port.as_ref())
                } else {
                    let error = error_of(name, &outcome);
                    // A request that was answered with an error has an answer.
                    env.bind(name.as_str(), std::sync::Arc::new(outcome.result));
                    let Some(next) = self.graph.next(name, Some(&Port::known(Port::ERROR))) else {
                        return Ok(Flow::Failed(error));
                    };
                    *env = env.with_error(&error);
                    Some(next)
                };
                let Some(next) = next else { return Ok(Flow::Ended(last)) };
                // Whoever waits for the answer does not wait for the rest of the run.
                if let Block::Response(_) = block {
                    self.flush(None).await?;
                }
                at = next;
            }
        }
        .boxed()
    }

    /// Brings a block to its end, attempts and all, as far as that can be done now.
    async fn settle(&self, name: &Name, block: &Block, env: &Env) -> Result<Settled, StepError> {
        loop {
            let mut known = self.known.entry(name, &env.iteration);
            if known.as_ref().is_some_and(|entry| entry.outcome.status == BlockStatus::Failed)
                && block.retry().is_some()
            {
                // Only the journal knows which calls a failed attempt had made.
                self.flush(None).await?;
                known = self.known.entry(name, &env.iteration);
            }
            let attempt = match known {
                Some(entry) if self.is_asked_about(name, &entry) => match entry.choice {
                    None => {
                        let (iteration, attempt) = (Some(env.iteration.clone()), Some(entry.attempt));
                        let (kind, block) = ("outcome-unknown".to_owned(), Some(name.clone()));
                        let asked = WaitingFor { kind, block, iteration, attempt, ..WaitingFor::default() };
                        return Ok(Settled::Paused(Pause::Wait(asked)));
                    }
                    Some(Choice::Retry) => entry.attempt + 1,
                    Some(Choice::Skip) => return Ok(Settled::Ended(BlockOutcome::succeeded(Value::Null))),
                    Some(Choice::Fail) => return Ok(Settled::Ended(entry.outcome.clone())),
                },
                Some(entry) if entry.has_ended() => match next_attempt_ms(block, &entry) {
                    None => {
                        self.answer(name, block, &entry.outcome);
                        return Ok(Settled::Ended(entry.outcome.clone()));
                    }
                    Some(due_ms) if due_ms > now_ms() => {
                        return Ok(Settled::Paused(waiting("retry", name, Some(due_ms))));
                    }
                    Some(_) => entry.attempt + 1,
                },
                Some(entry) => entry.attempt,
                None => 1,
            };
            if self.run_deadline_ms().is_some_and(|end| now_ms() >= end) {
                return Ok(Settled::Stopped(Box::new(self.out_of_time())));
            }
            if self.started.elapsed() > self.budget {
                return Ok(Settled::Paused(Pause::Budget));
            }
            let place = BlockPlace { block: name.clone(), iteration: env.iteration.clone(), attempt };
            match block {
                Block::Loop(looped) => return self.run_loop(&place, looped, env).await,
                Block::Parallel(parallel) => return self.run_parallel(&place, parallel, env).await,
                Block::Try(tried) => return self.run_try(&place, tried, env).await,
                Block::Wait(wait) if !matches!(wait.wait_for, WaitFor::Event(_)) => {
                    if let Some(pause) = self.wait(&place, block, wait, env).await? {
                        return Ok(Settled::Paused(pause));
                    }
                }
                Block::Query(_) | Block::Http(_) | Block::Approval(_) | Block::Workflow(_) | Block::Wait(_) => {
                    if let Some(pause) = self.act(&place, block, env).await? {
                        return Ok(Settled::Paused(pause));
                    }
                }
                _ => {
                    if !self.run_plain(&place, env) {
                        self.run_chain(&place, env).await?;
                    }
                    if self.known.unsent_reports() > MAX_UNSENT {
                        self.flush(None).await?;
                    }
                }
            }
        }
    }

    /// Whether a person is to say what becomes of a block: nothing tells what came of it, and its author has not said it either.
    fn is_asked_about(&self, name: &Name, entry: &Entry) -> bool {
        entry.outcome.status == BlockStatus::OutcomeUnknown
            && self.state.document.unknown_outcome == UnknownOutcome::Ask
            && self.graph.next(name, Some(&Port::known(Port::ERROR))).is_none()
    }

    fn run_deadline_ms(&self) -> Option<u64> {
        Some(self.state.created_at_ms + u64::from(self.state.document.timeout_s?) * 1000)
    }

    fn out_of_time(&self) -> FinishRequest {
        let seconds = self.state.document.timeout_s.unwrap_or_default();
        let message = format!("the run was not done after {seconds} seconds, the time limit of the workflow");
        failed(RunError::new("run-time-limit", message))
    }

    /// The values of a block's expressions, where they only choose and arrange values.
    fn plain_values(&self, work: &Work, env: &Env) -> Option<Value> {
        let Work::Expressions { expressions } = work else { return None };
        let variables = OnceCell::new();
        let known = |name: &str| match name {
            "vars" => Some(variables.get_or_init(|| self.known.variables())),
            name => env.get(name),
        };
        plain::values(expressions, &known).map(Value::Object)
    }

    /// Runs a block here, where that needs no sandbox.
    fn run_plain(&self, place: &BlockPlace, env: &Env) -> bool {
        let Some((name, block)) = self.state.document.blocks.get_key_value(&place.block) else { return false };
        if let Block::Code(_) = block {
            return false;
        }
        let Some(work) = work(&self.state.document, block) else { return false };
        let Some(value) = self.plain_values(&work.0, env) else { return false };
        let link = Link { name, block, work };
        let inputs = env.mentioned(&sources(&link.work.0));
        self.report_executed(place, &link, blocks::outcome(block, value), &inputs, Executed::at_once(name.as_str()));
        true
    }

    /// Runs a block and as many after it as travel together, on code-executor.
    async fn run_chain(&self, place: &BlockPlace, env: &Env) -> Result<(), StepError> {
        let chain = self.chain(place);
        if chain.is_empty() {
            // Nothing to evaluate: it is what its document says.
            if let Some(block) = self.state.document.blocks.get(&place.block) {
                self.report(place, blocks::outcome(block, Value::Null), Value::Null, now_ms());
            }
            return Ok(());
        }
        let (inputs, executed) = self.watched(place, self.execute(&chain, place, env)).await?;
        for (one, link) in executed.into_iter().zip(&chain) {
            let outcome = match &one.result.error {
                Some(error) => BlockOutcome::failed(error.clone()),
                None => blocks::outcome(link.block, one.result.value.clone()),
            };
            let attempt = link.attempt(place);
            let place = BlockPlace { block: link.name.clone(), attempt, ..place.clone() };
            self.report_executed(&place, link, outcome, &inputs, one);
        }
        Ok(())
    }

    /// The first block and those after it that need only code-executor: up to a branch, whose way is not known yet, or a
    /// response, whose caller waits.
    fn chain(&self, place: &BlockPlace) -> Vec<Link<'_>> {
        let blocks = &self.state.document.blocks;
        let mut chain: Vec<Link<'_>> = Vec::new();
        let (mut wall, mut at) = (Duration::ZERO, Some(&place.block));
        while let Some((name, block)) = at.and_then(|name| blocks.get_key_value(name))
            && let Some(work) = work(&self.state.document, block)
        {
            wall += Duration::from_millis(work.1.wall_ms.into());
            let is_first = chain.is_empty();
            let acts = matches!(
                block,
                Block::Query(_)
                    | Block::Http(_)
                    | Block::Approval(_)
                    | Block::Workflow(_)
                    | Block::Wait(_)
                    | Block::Loop(_)
            );
            // One that is known already, or is in a further attempt, goes by itself.
            let stands_alone = acts || wall > MAX_CHAIN_WALL || self.known.entry(name, &place.iteration).is_some();
            // What it makes of the results before it must be stored before it has an effect. Expressions that may need no sandbox are
            // looked at when those results are there.
            let may_be_plain = matches!(&work.0, Work::Expressions { expressions } if expressions.values().all(|text| plain::may_be(text)));
            if !is_first && (stands_alone || may_be_plain || may_have_effects(&work.0)) {
                break;
            }
            chain.push(Link { name, block, work });
            if chain.len() == MAX_CHAIN || !matches!(block, Block::Code(_)) {
                break;
            }
            at = self.graph.next(name, None);
        }
        chain
    }

    fn request(&self, chain: &[Link<'_>], place: &BlockPlace, env: &Env) -> RunRequest {
        let all: Vec<&str> = chain.iter().flat_map(|link| sources(&link.work.0)).collect();
        let mut inputs = env.mentioned(&all);
        let is_mentioned = |name: &str| all.iter().any(|source| bulkhead_model::workflow::mentions(source, name));
        if is_mentioned("vars") {
            inputs.insert("vars".to_owned(), self.known.variables());
        }
        let blocks = chain.iter().map(|link| {
            let (work, limits) = link.work.clone();
            let mut spec = BlockSpec::new(link.name.as_str(), work, limits);
            (spec.iteration, spec.attempt) = (place.iteration.clone(), link.attempt(place));
            if is_mentioned("run") {
                let about = json!({
                    "id": self.state.run, "version": self.state.version, "block": link.name, "iteration": place.iteration,
                    "attempt": spec.attempt, "key": key(self.state.run, link.name, &place.iteration),
                });
                spec.inputs = BTreeMap::from([("run".to_owned(), about)]);
            }
            spec
        });
        let blocks = blocks.collect();
        RunRequest {
            token: Some(self.state.token.clone()),
            draft: false,
            tenant: self.state.workflow.to_string(),
            libraries: self.state.libraries.clone(),
            inputs,
            blocks,
        }
    }

    /// Runs a chain on code-executor; gives what its blocks were given, and what came of them: of one at least. A chain that it refuses
    /// for what it is (inputs too large, say) would be refused for ever: its first block has failed.
    pub(crate) async fn execute(
        &self,
        chain: &[Link<'_>],
        place: &BlockPlace,
        env: &Env,
    ) -> Result<(BTreeMap<String, Value>, Vec<Executed>), StepError> {
        // What the code sees must not change once it has had an effect.
        if chain.iter().any(|link| may_have_effects(&link.work.0)) {
            self.flush(None).await?;
        }
        let request = self.request(chain, place, env);
        let executed = self.run_on_executor(&request).await?;
        Ok((request.inputs, executed))
    }

    /// Waits for what a block does. One that takes its time is shown as running meanwhile; not for blocks that keep something in
    /// that row.
    async fn watched<T>(
        &self,
        place: &BlockPlace,
        doing: impl Future<Output = Result<T, StepError>>,
    ) -> Result<T, StepError> {
        let mut doing = std::pin::pin!(doing);
        if let Ok(done) = tokio::time::timeout(SHOWN_AFTER, &mut doing).await {
            return done;
        }
        let is_known = self.known.entry(&place.block, &place.iteration).is_some_and(|one| one.attempt == place.attempt);
        if !is_known {
            self.report(place, BlockOutcome::running(Value::Null), Value::Null, now_ms());
            self.flush(None).await?;
        }
        doing.await
    }

    async fn run_on_executor(&self, request: &RunRequest) -> Result<Vec<Executed>, StepError> {
        let refused = match self.metrics.timed("code", executor::run(self.executor, request)).await {
            Ok(executed) if executed.is_empty() => {
                return Err(StepError("bulkhead-code-executor ended a chain without a result".into()));
            }
            Ok(executed) => return Ok(executed),
            Err(ExecuteError::Rpc(bulkhead_rpc::RpcError::Problem(problem))) if is_final(problem.status) => problem,
            Err(error) => return Err(step_error(&error)),
        };
        let error = RunError::new(refused.code.clone(), refused.detail.clone());
        let block = request.blocks[0].id.clone();
        let result = BlockResult { block, value: Value::Null, error: Some(error), usage: Usage::default() };
        let now_ms = now_ms();
        let (started_at_ms, finished_at_ms) = (now_ms, now_ms);
        Ok(vec![Executed { result, logs: Vec::new(), started_at_ms, finished_at_ms }])
    }

    /// The value of a block's expressions; none where it has none. A failure is the block's own and is reported as such.
    pub(crate) async fn evaluate(
        &self,
        place: &BlockPlace,
        block: &Block,
        env: &Env,
    ) -> Result<Result<Value, RunError>, StepError> {
        let Some(work) = work(&self.state.document, block) else { return Ok(Ok(Value::Null)) };
        if let Some(value) = self.plain_values(&work.0, env) {
            return Ok(Ok(value));
        }
        let chain = [Link { name: &place.block, block, work }];
        let (inputs, mut executed) = self.execute(&chain, place, env).await?;
        let Some(one) = executed.pop() else {
            return Err(StepError("bulkhead-code-executor ended a chain without a result".into()));
        };
        if let Some(error) = one.result.error.clone() {
            self.report_executed(place, &chain[0], BlockOutcome::failed(error.clone()), &inputs, one);
            return Ok(Err(error));
        }
        Ok(Ok(one.result.value))
    }

    /// Has workflows-backend do what the block does. Gives a pause where that takes its time.
    async fn act(&self, place: &BlockPlace, block: &Block, env: &Env) -> Result<Option<Pause>, StepError> {
        // What is under way on the other side was asked for with its values; a look at it needs none.
        let goes_on = matches!(block, Block::Approval(_) | Block::Workflow(_) | Block::Wait(_));
        let before = self.known.entry(&place.block, &place.iteration).filter(|entry| goes_on && !entry.has_ended());
        let value = match before {
            Some(_) => Value::Null,
            None => match self.evaluate(place, block, env).await? {
                Ok(value) => value,
                Err(_) => return Ok(None),
            },
        };
        let key = key(self.state.run, &place.block, &place.iteration);
        let Some(values) = action_values(block, &value, &key) else { return Ok(None) };
        let kind = match values {
            ActionValues::Approval { .. } => "approval",
            ActionValues::Event { .. } => "event",
            _ => "workflow",
        };
        self.flush(None).await?;
        let started_at_ms = before.as_ref().map_or_else(now_ms, |entry| entry.started_at_ms);
        let path = format!("/v1/runs/{}/blocks/{}", self.state.run, place.block);
        let iteration = place.iteration.clone();
        let action = BlockAction { iteration, attempt: place.attempt, cover: self.cover(place), values };
        let call = self.metrics.timed("act", self.call(&path, &action));
        let outcome: BlockOutcome = if goes_on { call.await? } else { self.watched(place, call).await? };
        let is_under_way = outcome.status == BlockStatus::Running;
        // The first word counts: that is when the deadline was set.
        let standing = before.map_or_else(|| outcome.result.clone(), |entry| entry.outcome.result.clone());
        let finished_at_ms = if is_under_way { 0 } else { now_ms() };
        let attempt = place.attempt;
        self.known.keep(place, Entry { attempt, outcome, started_at_ms, finished_at_ms, wrote: false, choice: None });
        if !is_under_way {
            return Ok(None);
        }
        let Standing { until_ms, event, escalates_ms, .. } = serde_json::from_value(standing).unwrap_or_default();
        let (kind, block) = (kind.to_owned(), Some(place.block.clone()));
        let asked = WaitingFor { kind, block, until_ms, event, escalates_ms, ..WaitingFor::default() };
        Ok(Some(Pause::Wait(asked)))
    }

    async fn wait(
        &self,
        place: &BlockPlace,
        block: &Block,
        wait: &WaitBlock,
        env: &Env,
    ) -> Result<Option<Pause>, StepError> {
        let (until_ms, started_at_ms) = match self.known.entry(&place.block, &place.iteration) {
            Some(entry) => (entry.outcome.result["until_ms"].as_u64().unwrap_or_default(), entry.started_at_ms),
            None => {
                let Ok(value) = self.evaluate(place, block, env).await? else { return Ok(None) };
                let now_ms = now_ms();
                match wait_until(&wait.wait_for, &value, now_ms) {
                    Ok(until_ms) => {
                        let standing = BlockOutcome::running(json!({ "until_ms": until_ms }));
                        self.report(place, standing, Value::Null, now_ms);
                        (until_ms, now_ms)
                    }
                    Err(error) => {
                        self.report(place, BlockOutcome::failed(error), Value::Null, now_ms);
                        return Ok(None);
                    }
                }
            }
        };
        if now_ms() < until_ms {
            return Ok(Some(waiting("wait", &place.block, Some(until_ms))));
        }
        self.report(place, BlockOutcome::succeeded(Value::Null), json!({ "until_ms": until_ms }), started_at_ms);
        Ok(None)
    }

    pub(crate) async fn call<T: serde::Serialize, A: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        body: &T,
    ) -> Result<A, StepError> {
        self.backend.call(Method::POST, path, body).await.map_err(|error| step_error(&error))
    }
}

/// A block of a chain.
pub(crate) struct Link<'a> {
    pub(crate) name: &'a Name,
    pub(crate) block: &'a Block,
    pub(crate) work: (bulkhead_rpc::executor::Work, bulkhead_rpc::executor::CodeLimits),
}

impl Link<'_> {
    /// Its attempt in a chain that begins at `first`: what comes after the first block has not run yet.
    fn attempt(&self, first: &BlockPlace) -> u32 {
        if *self.name == first.block { first.attempt } else { 1 }
    }
}

pub(crate) fn waiting(kind: &str, block: &Name, until_ms: Option<u64>) -> Pause {
    Pause::Wait(WaitingFor { kind: kind.to_owned(), block: Some(block.clone()), until_ms, ..WaitingFor::default() })
}

/// When a failed attempt is followed by another, in milliseconds since the epoch.
fn next_attempt_ms(block: &Block, entry: &Entry) -> Option<u64> {
    let error = entry.outcome.error.as_ref()?;
    let delay = block.retry()?.delay_after(entry.attempt, &error.kind)?;
    may_repeat(block, &entry.outcome, entry.wrote).then(|| entry.finished_at_ms + delay)
}

/// What stays the same however often a block is run in a round.
fn key(run: RunId, block: &Name, iteration: &Iteration) -> String {
    let round = if iteration.0.is_empty() { String::new() } else { format!("-{iteration}") };
    format!("{run}-{block}{round}")
}

/// Why a block failed, and which.
pub(crate) fn error_of(name: &Name, outcome: &BlockOutcome) -> RunError {
    let unknown = || RunError::new("failed", format!("block `{name}` failed without saying why"));
    let mut error = outcome.error.clone().unwrap_or_else(unknown);
    // A body's failure names the block in it already.
    error.block.get_or_insert_with(|| name.to_string());
    error
}

fn failed(error: RunError) -> FinishRequest {
    FinishRequest { status: RunStatus::Failed, error: Some(error), result: Value::Null }
}

fn stopped(name: &Name, result: &Value) -> FinishRequest {
    let message = result["message"].as_str().unwrap_or_default();
    if result["status"] != "failed" {
        return FinishRequest { status: RunStatus::Succeeded, error: None, result: json!(message) };
    }
    let message = if message.is_empty() { "the run was stopped by its workflow" } else { message };
    failed(RunError { block: Some(name.to_string()), ..RunError::new("stopped", message) })
}

/// Whether a refusal would be repeated for ever: it blames the request, and not that there is no place for it now.
fn is_final(status: u16) -> bool {
    (400..500).contains(&status) && status != 429
}

/// How long to leave a run that waits until then, or until it is woken where nothing is said.
fn patience(until_ms: Option<u64>, now_ms: u64) -> Duration {
    let left = until_ms.map_or(LOOK_EVERY, |until| Duration::from_millis(until.saturating_sub(now_ms).max(1)));
    left.min(LOOK_EVERY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_waits_is_looked_at_at_its_time_and_once_a_day() {
        assert_eq!(patience(Some(5_000), 2_000), Duration::from_secs(3));
        assert_eq!(patience(Some(1_000), 2_000), Duration::from_millis(1), "what is over is looked at now");
        assert_eq!(patience(Some(u64::MAX), 0), LOOK_EVERY);
        assert_eq!(patience(None, 2_000), LOOK_EVERY);
    }
}
