//! Blocks with bodies: loops, parallel paths, tries.
//!
//! A round of a loop that has ended is a row of the journal under the loop's own name: what ran in it need not be looked at again.

use std::sync::Arc;

use bulkhead_model::Name;
use bulkhead_model::run::{BlockStatus, RunError};
use bulkhead_model::workflow::{Block, ItemFailure, LoopBlock, LoopMode, ParallelBlock, Port, TryBlock};
use bulkhead_rpc::backend::{BlockOutcome, BlockPlace};
use bulkhead_rpc::executor::{CodeLimits, Work};
use bulkhead_temporal_engine::StepError;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::{Map, Value, json};

use crate::blocks::{EXPRESSION, is_true, items};
use crate::env::Env;
use crate::executor::now_ms;
use crate::flow::{Flow, Pause, Settled};
use crate::known::Entry;
use crate::step::{Link, Step, waiting};

/// The port of a round after which the loop ends.
const BREAK: &str = "break";
/// The largest list of results, in bytes of JSON.
const MAX_RESULTS_BYTES: usize = 5 * 1024 * 1024;

/// What a round came to in this step.
enum Round {
    Ended,
    /// After this one the loop ends: its condition holds, or the round failed and the loop is not to go on.
    Last,
    Paused(Pause),
    Stopped(Box<bulkhead_rpc::backend::FinishRequest>),
}

impl Step<'_> {
    pub(crate) async fn run_loop(
        &self,
        place: &BlockPlace,
        block: &LoopBlock,
        env: &Env,
    ) -> Result<Settled, StepError> {
        let (standing, started_at_ms) = match self.known.entry(&place.block, &place.iteration) {
            Some(entry) => (entry.outcome.result.clone(), entry.started_at_ms),
            None => match self.begin_loop(place, block, env).await? {
                Ok(begun) => begun,
                Err(outcome) => return Ok(Settled::Ended(outcome)),
            },
        };
        let end_ms = block.timeout_s.map(|seconds| started_at_ms + u64::from(seconds) * 1000);
        let rounds = Rounds { place, block, env, standing: &standing };
        let ended = if end_ms.is_some_and(|end| now_ms() >= end) {
            let message =
                format!("the loop was not done after {} seconds, its time limit", block.timeout_s.unwrap_or_default());
            BlockOutcome::failed(RunError::new("loop-time-limit", message))
        } else {
            match self.run_rounds(&rounds).await? {
                Round::Paused(pause) => {
                    let pause = match end_ms {
                        Some(end) => pause.or(waiting("wait", &place.block, Some(end))),
                        None => pause,
                    };
                    return Ok(Settled::Paused(pause));
                }
                Round::Stopped(end) => return Ok(Settled::Stopped(end)),
                Round::Ended | Round::Last => self.outcome_of_loop(&rounds),
            }
        };
        self.report(place, ended.clone(), json!({ "rounds": rounds.count() }), started_at_ms);
        Ok(Settled::Ended(ended))
    }

    /// Finds out what the loop goes over, and stores it: rounds to come must see the same.
    async fn begin_loop(
        &self,
        place: &BlockPlace,
        block: &LoopBlock,
        env: &Env,
    ) -> Result<Result<(Value, u64), BlockOutcome>, StepError> {
        let started_at_ms = now_ms();
        let value = match self.evaluate(place, &Block::Loop(block.clone()), env).await? {
            Ok(value) => value,
            Err(error) => return Ok(Err(BlockOutcome::failed(error))),
        };
        match items(&value) {
            Ok(standing) => {
                self.report(place, BlockOutcome::running(standing.clone()), Value::Null, started_at_ms);
                Ok(Ok((standing, started_at_ms)))
            }
            Err(error) => {
                let outcome = BlockOutcome::failed(error);
                self.report(place, outcome.clone(), Value::Null, started_at_ms);
                Ok(Err(outcome))
            }
        }
    }

    async fn run_rounds(&self, rounds: &Rounds<'_>) -> Result<Round, StepError> {
        let at_once = match rounds.block.mode {
            LoopMode::Sequential => 1,
            LoopMode::Parallel | LoopMode::Batch => rounds.block.at_once.max(1),
        };
        let count = rounds.count();
        if rounds.block.mode != LoopMode::Batch {
            return self.run_some(rounds, 0..count, at_once as usize).await;
        }
        let mut first = 0;
        while first < count {
            let batch = first..count.min(first + at_once);
            match self.run_some(rounds, batch.clone(), at_once as usize).await? {
                Round::Ended => {}
                other => return Ok(other),
            }
            first = batch.end;
            let ended = batch.filter_map(|index| Some(self.entry_of_round(rounds, index)?.finished_at_ms)).max();
            let due_ms = ended.unwrap_or_default() + u64::from(rounds.block.delay_ms);
            // A batch that is known to be followed by another was waited for already.
            let is_followed = first < count && self.entry_of_round(rounds, first).is_some();
            if first < count && !is_followed && now_ms() < due_ms {
                return Ok(Round::Paused(waiting("wait", &rounds.place.block, Some(due_ms))));
            }
        }
        Ok(Round::Ended)
    }

    /// Runs these rounds, `at_once` of them open at the same time, until one is the last. One that waits is open too. What has begun
    /// is brought to its end, whatever becomes of the loop.
    async fn run_some(
        &self,
        rounds: &Rounds<'_>,
        mut indexes: std::ops::Range<u32>,
        at_once: usize,
    ) -> Result<Round, StepError> {
        let mut under_way = FuturesUnordered::new();
        let (mut waiting, mut pause) = (0, None::<Pause>);
        let (mut is_over, mut is_last) = (false, false);
        loop {
            while !is_over
                && under_way.len() + waiting < at_once
                && let Some(index) = indexes.next()
            {
                match self.entry_of_round(rounds, index) {
                    // After the last one, only what had begun before that was known.
                    None if is_last && !self.has_begun(rounds, index) => {}
                    None => under_way.push(self.run_round(rounds, index)),
                    Some(entry) if !is_last && rounds.is_last(&entry.outcome) => {
                        is_last = true;
                        indexes.end = indexes.end.min(index.saturating_add(u32::try_from(at_once).unwrap_or(u32::MAX)));
                    }
                    Some(_) => {}
                }
            }
            let Some(round) = under_way.next().await else { break };
            match round? {
                Round::Ended => {}
                Round::Last => (is_over, is_last) = (true, true),
                Round::Paused(one) => {
                    waiting += 1;
                    is_over |= one == Pause::Budget;
                    pause = Some(pause.map_or(one.clone(), |pause| pause.or(one)));
                }
                stopped @ Round::Stopped(_) => return Ok(stopped),
            }
        }
        Ok(match pause {
            Some(pause) => Round::Paused(pause),
            None if is_last => Round::Last,
            None => Round::Ended,
        })
    }

    /// Whether a loop's body has a block, and no loop within does.
    fn is_in_body(&self, block: &Name, looped: &Name) -> bool {
        self.graph.loop_around(block) == Some(looped)
    }

    fn has_begun(&self, rounds: &Rounds<'_>, index: u32) -> bool {
        let round = rounds.place.iteration.round(index);
        self.known.has_begun(&round, |block| self.is_in_body(block, &rounds.place.block))
    }

    fn entry_of_round(&self, rounds: &Rounds<'_>, index: u32) -> Option<Arc<Entry>> {
        self.known.ended_round(&rounds.place.block, &rounds.place.iteration, index)
    }

    async fn run_round(&self, rounds: &Rounds<'_>, index: u32) -> Result<Round, StepError> {
        let started_at_ms = now_ms();
        let mut env = rounds.env.in_round(index, rounds.item(index));
        let first = self.graph.next(&rounds.place.block, Some(&Port::known(Port::EACH)));
        let flow = match first {
            Some(first) => self.walk(first, &mut env).await?,
            None => Flow::Ended(Arc::default()),
        };
        let outcome = match flow {
            Flow::Ended(result) => match self.is_enough(rounds, &env).await? {
                Ok(is_last) => {
                    let port = is_last.then(|| Port::known(BREAK));
                    let result = if rounds.block.collect { Value::clone(&result) } else { Value::Null };
                    BlockOutcome { port, ..BlockOutcome::succeeded(result) }
                }
                Err(error) => BlockOutcome::failed(error),
            },
            Flow::Failed(error) => BlockOutcome::failed(error),
            Flow::Paused(pause) => return Ok(Round::Paused(pause)),
            Flow::Stopped(end) => return Ok(Round::Stopped(end)),
        };
        let round = if rounds.is_last(&outcome) { Round::Last } else { Round::Ended };
        let place = BlockPlace { iteration: env.iteration.clone(), attempt: 1, ..rounds.place.clone() };
        self.report(&place, outcome, json!({ "index": index }), started_at_ms);
        // Another loop beside this one has rounds of the same numbers.
        self.known.forget(&place.iteration, |block| self.is_in_body(block, &place.block));
        Ok(round)
    }

    /// Whether the loop's condition holds after a round.
    async fn is_enough(&self, rounds: &Rounds<'_>, env: &Env) -> Result<Result<bool, RunError>, StepError> {
        let Some(until) = &rounds.block.until else { return Ok(Ok(false)) };
        let expressions = [(EXPRESSION.to_owned(), until.clone())].into();
        let work = (Work::Expressions { expressions }, CodeLimits::default());
        let block = Block::Loop(rounds.block.clone());
        let chain = [Link { name: &rounds.place.block, block: &block, work }];
        let (_, mut executed) = self.execute(&chain, rounds.place, env).await?;
        let Some(one) = executed.pop() else { return Ok(Ok(false)) };
        Ok(match one.result.error {
            Some(error) => Err(error),
            None => Ok(is_true(&one.result.value[EXPRESSION])),
        })
    }

    fn outcome_of_loop(&self, rounds: &Rounds<'_>) -> BlockOutcome {
        let (mut results, mut bytes, mut ended) = (Vec::new(), 0, 0_u32);
        for index in 0..rounds.count() {
            let Some(entry) = self.entry_of_round(rounds, index) else { continue };
            let outcome = &entry.outcome;
            ended += 1;
            let is_break = outcome.port.as_ref().is_some_and(|port| port.as_str() == BREAK);
            let result = match (&outcome.error, rounds.block.on_failure) {
                (Some(error), ItemFailure::Fail) => return BlockOutcome::failed(error.clone()),
                (Some(error), ItemFailure::Continue) => json!({ "error": error }),
                (None, _) => outcome.result.clone(),
            };
            if rounds.block.collect {
                bytes += result.to_string().len();
                if bytes > MAX_RESULTS_BYTES {
                    let message = format!(
                        "the results of the rounds take more than {MAX_RESULTS_BYTES} bytes: return less, or set collect to false"
                    );
                    return BlockOutcome::failed(RunError::new("result-too-large", message));
                }
                results.push(result);
            }
            if is_break {
                break;
            }
        }
        BlockOutcome::succeeded(if rounds.block.collect { Value::Array(results) } else { json!(ended) })
    }

    pub(crate) async fn run_parallel(
        &self,
        place: &BlockPlace,
        block: &ParallelBlock,
        env: &Env,
    ) -> Result<Settled, StepError> {
        let started_at_ms = self.begin(place);
        let bodies = block.branches.iter().map(|port| async move {
            let mut env = env.clone();
            match self.graph.next(&place.block, Some(port)) {
                Some(first) => self.walk(first, &mut env).await,
                None => Ok(Flow::Ended(Arc::default())),
            }
        });
        let flows = futures_util::future::try_join_all(bodies).await?;
        let (mut results, mut failure, mut pause) = (Map::new(), None, None::<Pause>);
        for (port, flow) in block.branches.iter().zip(flows) {
            match flow {
                Flow::Ended(result) => drop(results.insert(port.to_string(), Value::clone(&result))),
                Flow::Failed(error) => failure = failure.or(Some(error)),
                Flow::Paused(one) => pause = Some(pause.map_or(one.clone(), |pause| pause.or(one))),
                Flow::Stopped(end) => return Ok(Settled::Stopped(end)),
            }
        }
        if let Some(pause) = pause {
            return Ok(Settled::Paused(pause));
        }
        let ended = failure.map_or_else(|| BlockOutcome::succeeded(Value::Object(results)), BlockOutcome::failed);
        self.report(place, ended.clone(), Value::Null, started_at_ms);
        Ok(Settled::Ended(ended))
    }

    pub(crate) async fn run_try(&self, place: &BlockPlace, block: &TryBlock, env: &Env) -> Result<Settled, StepError> {
        let started_at_ms = self.begin(place);
        let first = |port: &'static str| -> Option<&Name> { self.graph.next(&place.block, Some(&Port::known(port))) };
        let mut tried = env.clone();
        let mut flow = match first(Port::TRY) {
            Some(first) => self.walk(first, &mut tried).await?,
            None => Flow::Ended(Arc::default()),
        };
        if let Flow::Failed(error) = &flow
            && (block.on.is_empty() || block.on.contains(&error.kind))
        {
            flow = match first(Port::CATCH) {
                // It sees what was tried, as far as that went.
                Some(first) => self.walk(first, &mut tried.with_error(error)).await?,
                None => Flow::Ended(Arc::new(json!({ "error": error }))),
            };
        }
        let ended = match flow {
            Flow::Ended(result) => BlockOutcome::succeeded(Value::clone(&result)),
            Flow::Failed(error) => BlockOutcome::failed(error),
            Flow::Paused(pause) => return Ok(Settled::Paused(pause)),
            Flow::Stopped(end) => return Ok(Settled::Stopped(end)),
        };
        self.report(place, ended.clone(), Value::Null, started_at_ms);
        Ok(Settled::Ended(ended))
    }

    /// Marks a block with bodies as begun, unless it is; gives when.
    fn begin(&self, place: &BlockPlace) -> u64 {
        if let Some(entry) = self.known.entry(&place.block, &place.iteration) {
            return entry.started_at_ms;
        }
        let now_ms = now_ms();
        self.report(place, BlockOutcome::running(Value::Null), Value::Null, now_ms);
        now_ms
    }
}

/// The rounds of one loop.
struct Rounds<'a> {
    place: &'a BlockPlace,
    block: &'a LoopBlock,
    env: &'a Env,
    /// `{items}` or `{count}`.
    standing: &'a Value,
}

impl Rounds<'_> {
    fn count(&self) -> u32 {
        let count = match &self.standing["items"] {
            Value::Array(items) => items.len() as u64,
            _ => self.standing["count"].as_u64().unwrap_or_default(),
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn item(&self, index: u32) -> Value {
        self.standing["items"].get(index as usize).cloned().unwrap_or_else(|| json!(index))
    }

    /// Whether no round begins after the one that came to this.
    fn is_last(&self, outcome: &BlockOutcome) -> bool {
        let has_failed = outcome.status != BlockStatus::Succeeded && self.block.on_failure == ItemFailure::Fail;
        has_failed || outcome.port.as_ref().is_some_and(|port| port.as_str() == BREAK)
    }
}
