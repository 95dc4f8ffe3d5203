//! First steps: a run that was just accepted is begun here and now, and not by way of Temporal.
//!
//! The entry of its start in the outbox guards a run until it has ended or Temporal drives it. A worker claims the entry under a lease,
//! makes the run's first step, and marks the entry. Most runs end with that step: Temporal never hears of them.
//!
//! | the first step | then |
//! |---|---|
//! | has ended the run | nothing: the run's end has marked the entry, in the same commit |
//! | pauses the run, or has taken its second | Temporal goes on, the entry is marked |
//! | failed: a service or the database does not answer | the same: Temporal tries it again for as long as it takes |
//! | was not brought to its end, since the worker died | the lease ends; whoever claims the entry next gives the run to Temporal |
//!
//! Two workers may make the same step at the same time, when one of them was cut off for longer than its lease. That is what the journal
//! is for: see [ADR 15](../../../docs/adr/0015-first-steps.md).

#[cfg(test)]
mod model;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bulkhead_model::RunId;
use bulkhead_store::outbox::Claim;
use bulkhead_store::{Database, StoreError};
use bulkhead_temporal_engine::{Advance, Engine, Progress, StepError};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::interpreter::{Interpreter, Loaded};
use crate::metrics::Metrics;
use crate::starter::{Announced, POLL, hear, is_start};

/// How long a claim is held; another worker goes on with the runs of one that died after this.
const LEASE: Duration = Duration::from_secs(10);
/// Between two renewals.
const RENEW: Duration = Duration::from_secs(3);
/// First steps at the same time. The rest waits in the outbox.
const AT_ONCE: usize = 64;
/// One that takes longer does not count any more, so that long blocks hold up no short ones; up to [`MOST`] of them.
const LONG: Duration = Duration::from_secs(2);
/// First steps at the same time, the long ones counted.
const MOST: usize = 512;
/// One that takes longer still is given to Temporal: the longest block, and room for the rest.
const STEP_TIMEOUT: Duration = Duration::from_secs(600);
/// How long Temporal has to take a run over, before the entry is left to the next look.
const HAND_OVER: Duration = Duration::from_secs(5);
/// How long a cancel has to be stored.
const CANCEL: Duration = Duration::from_secs(5);

/// How long a run that is held may wait although there is room: nothing tells when a run ends elsewhere.
const LET_IN_EVERY: Duration = Duration::from_millis(250);
/// Looks at what is held come this far apart at least, however many runs end.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Runs that are loaded while they are claimed, where a worker has nothing else to do. Another worker may win the claim, so it is not done
/// where there is much to do.
const AHEAD: usize = 4;

/// A run on its way here.
type Ahead = AbortOnDropHandle<Loaded>;

/// What becomes of a run after a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Its first step is made.
    Step,
    /// Temporal takes it over.
    HandOver,
    /// It has ended, and its entry is marked with that.
    Rest,
}

impl Then {
    /// For a claim: one that another worker has held already may be what that worker died of, and Temporal is the one with patience.
    pub(crate) fn of_claim(is_first: bool) -> Self {
        if is_first { Self::Step } else { Self::HandOver }
    }

    /// For the first step.
    pub(crate) fn of_step(step: &Result<Progress, StepError>) -> Self {
        match step {
            Ok(Progress::Finished) => Self::Rest,
            Ok(Progress::Continue | Progress::Wait(_)) | Err(_) => Self::HandOver,
        }
    }
}

/// Why a step is given up.
#[derive(Debug)]
enum Interrupt {
    /// A person wants the run cancelled.
    Cancel,
    /// The claim is somebody else's now.
    Lost,
}

/// Makes first steps. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct FirstSteps {
    database: Database,
    engine: Engine,
    interpreter: Arc<Interpreter>,
    metrics: Metrics,
    /// This process among the holders of claims.
    own: Uuid,
    /// The steps under way here.
    open: Arc<Mutex<HashMap<RunId, Open>>>,
}

#[derive(Debug)]
struct Open {
    entry: i64,
    since: Instant,
    interrupt: oneshot::Sender<Interrupt>,
}

/// When to look whether runs that are held may be let in.
#[derive(Debug, Default)]
struct Gate {
    looked_at: Option<Instant>,
    /// Whether some were held at the last look: each run that ends may make room.
    is_in_use: bool,
    /// Whether something was held since.
    has_news: bool,
}

impl Gate {
    fn is_to_be_looked_at(&self) -> bool {
        let pause = if self.is_in_use { BETWEEN_LOOKS } else { POLL };
        self.has_news || self.looked_at.is_none_or(|at| at.elapsed() >= pause)
    }

    /// How long to listen until the next look.
    fn pause(&self) -> Duration {
        if self.is_in_use { LET_IN_EVERY } else { POLL }
    }
}

/// Takes a step out of those under way when it ends, a panic included: its claim is not held any longer.
struct UnderWay<'a> {
    of: &'a FirstSteps,
    run: RunId,
    since: Instant,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut open = self.of.open();
        // The run may have been claimed again after this step was given up.
        if open.get(&self.run).is_some_and(|one| one.since == self.since) {
            open.remove(&self.run);
        }
    }
}

impl FirstSteps {
    pub(crate) fn new(database: Database, engine: Engine, interpreter: Arc<Interpreter>, metrics: Metrics) -> Self {
        Self { database, engine, interpreter, metrics, own: Uuid::now_v7(), open: Arc::default() }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<RunId, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims and steps until `stop`, and then brings to their end what was begun.
    pub(crate) async fn run(&self, mut announced: Announced, stop: CancellationToken) {
        let mut steps: JoinSet<Option<i64>> = JoinSet::new();
        let mut renewal = tokio::time::interval(RENEW);
        let mut renewed = Instant::now();
        let (mut may_be_more, mut gate) = (true, Gate::default());
        let mut ahead = HashMap::new();
        loop {
            if let Some(ready) = self.let_in(&mut gate, stop.is_cancelled()).await {
                may_be_more |= ready;
            }
            let free = self.free(steps.len());
            if may_be_more && free > 0 && !stop.is_cancelled() {
                match self.database.claim_starts(self.own, LEASE, free as i64).await {
                    Ok(claims) => {
                        may_be_more = claims.len() == free;
                        for claim in claims {
                            self.begin(claim, ahead.remove(&claim.run), &mut steps);
                        }
                    }
                    Err(error) => {
                        tracing::warn!("no run was taken from the outbox; all stay in it: {error}");
                        may_be_more = false;
                    }
                }
            }
            // What another worker has claimed, or nobody yet: it is loaded when it is.
            ahead.clear();
            if stop.is_cancelled() && steps.is_empty() {
                return;
            }
            tokio::select! {
                Some(ended) = steps.join_next(), if !steps.is_empty() => {
                    let mut marked: Vec<i64> = ended.ok().flatten().into_iter().collect();
                    while let Some(ended) = steps.try_join_next() {
                        marked.extend(ended.ok().flatten());
                    }
                    self.mark(&marked).await;
                }
                heard = hear(&mut announced, gate.pause(), is_start), if !may_be_more && !stop.is_cancelled() => {
                    gate.has_news |= heard.was_held;
                    may_be_more = true;
                    if steps.is_empty() {
                        ahead.extend(heard.starts.into_iter().take(AHEAD).map(|run| (run, self.load_ahead(run))));
                    }
                }
                _ = renewal.tick() => self.renew(&mut renewed).await,
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
        }
    }

    /// Lets in what is held, where it is time for that; gives whether something may be claimed for it.
    async fn let_in(&self, gate: &mut Gate, is_stopping: bool) -> Option<bool> {
        if is_stopping || !gate.is_to_be_looked_at() {
            return None;
        }
        (gate.looked_at, gate.has_news) = (Some(Instant::now()), false);
        match self.database.let_in().await {
            Ok((count, is_in_use)) => {
                gate.is_in_use = is_in_use;
                Some(count > 0)
            }
            Err(error) => {
                tracing::warn!("no run was let in; all that are held stay so: {error}");
                None
            }
        }
    }

    /// How many steps may be begun while so many are under way.
    fn free(&self, under_way: usize) -> usize {
        let short = self.open().values().filter(|open| open.since.elapsed() < LONG).count();
        AT_ONCE.saturating_sub(short).min(MOST.saturating_sub(under_way))
    }

    /// Looks at a run while its start is being claimed.
    fn load_ahead(&self, run: RunId) -> Ahead {
        let interpreter = Arc::clone(&self.interpreter);
        AbortOnDropHandle::new(tokio::spawn(async move { interpreter.load_quietly(&run.to_string()).await }))
    }

    fn begin(&self, claim: Claim, ahead: Option<Ahead>, steps: &mut JoinSet<Option<i64>>) {
        let (interrupt, interrupted) = oneshot::channel();
        let (this, since) = (self.clone(), Instant::now());
        self.open().insert(claim.run, Open { entry: claim.entry, since, interrupt });
        steps.spawn(async move {
            let _under_way = UnderWay { of: &this, run: claim.run, since };
            this.take_up(claim, ahead, interrupted).await
        });
    }

    /// Does what a claim is for; gives the entry if it is to be marked: Temporal has the run.
    async fn take_up(
        &self,
        claim: Claim,
        ahead: Option<Ahead>,
        interrupted: oneshot::Receiver<Interrupt>,
    ) -> Option<i64> {
        let run = claim.run.to_string();
        let mut then = Then::of_claim(claim.is_first);
        if then == Then::Step {
            then = tokio::select! {
                step = tokio::time::timeout(STEP_TIMEOUT, self.metrics.timed("step", self.first_step(&run, ahead))) => {
                    let step = step.unwrap_or_else(|_| Err(StepError("a service does not answer".into())));
                    if let Err(error) = &step {
                        tracing::warn!(run.id = %run, "the first step failed, and Temporal goes on: {error}");
                    }
                    Then::of_step(&step)
                }
                // Dropping the step ends the code that it waits for.
                why = interrupted => match why {
                    Ok(Interrupt::Cancel) => {
                        self.store_cancel(claim.run).await;
                        return None;
                    }
                    Ok(Interrupt::Lost) | Err(_) => {
                        tracing::warn!(run.id = %run, "this worker was cut off for so long that another one has its run");
                        return None;
                    }
                },
            };
        }
        if then == Then::Rest {
            self.metrics.finished_at_once();
            return None;
        }
        match tokio::time::timeout(HAND_OVER, self.engine.start(&run)).await {
            Ok(Ok(())) => {
                self.metrics.handed_over();
                return Some(claim.entry);
            }
            Ok(Err(error)) => {
                tracing::debug!(run.id = %run, "Temporal did not take a run; it stays in the outbox: {error}")
            }
            Err(_) => tracing::debug!(run.id = %run, "Temporal does not answer; the run stays in the outbox"),
        }
        None
    }

    async fn first_step(&self, run: &str, ahead: Option<Ahead>) -> Result<Progress, StepError> {
        let ahead = match ahead {
            Some(ahead) => ahead.await.ok(),
            None => None,
        };
        self.interpreter.first_step(run, ahead).await
    }

    /// Ends a run as cancelled, its start with it; false if that has to be tried again.
    async fn store_cancel(&self, run: RunId) -> bool {
        let run = run.to_string();
        match tokio::time::timeout(CANCEL, self.interpreter.cancelled(&run)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(run.id = %run, "a cancel was not stored and is tried again: {error}");
                false
            }
            Err(_) => false,
        }
    }

    /// Cancels a run whose start was not sent; false where another worker has it.
    pub(crate) async fn cancel(&self, run: RunId) -> Result<bool, StoreError> {
        if let Some(open) = self.open().remove(&run) {
            // One that is gone has ended: the next look at the word tells.
            let _ = open.interrupt.send(Interrupt::Cancel);
            return Ok(false);
        }
        let Some(_claim) = self.database.claim_start_of(run, self.own, LEASE).await? else { return Ok(false) };
        Ok(self.store_cancel(run).await)
    }

    async fn mark(&self, entries: &[i64]) {
        if entries.is_empty() {
            return;
        }
        match self.database.mark_sent(entries).await {
            Ok(()) => self.metrics.sent(entries.len()),
            // Whoever claims them next finds their runs ended, or with Temporal.
            Err(error) => {
                tracing::warn!("{} runs stay in the outbox although they are on their way: {error}", entries.len())
            }
        }
    }

    /// Holds the claims of what is under way for longer, and gives up what is not ours any more.
    async fn renew(&self, renewed: &mut Instant) {
        let entries: Vec<i64> = self.open().values().map(|open| open.entry).collect();
        let began = Instant::now();
        if entries.is_empty() {
            *renewed = began;
            return;
        }
        let own = match self.database.renew_claims(self.own, &entries, LEASE).await {
            Ok(own) => {
                *renewed = began;
                own
            }
            Err(error) if renewed.elapsed() < LEASE => {
                tracing::warn!("claims were not renewed: {error}");
                return;
            }
            Err(_) => Vec::new(),
        };
        let mut open = self.open();
        let lost: Vec<RunId> = open
            .iter()
            .filter(|(_, one)| entries.contains(&one.entry) && !own.contains(&one.entry))
            .map(|(run, _)| *run)
            .collect();
        for run in lost {
            if let Some(one) = open.remove(&run) {
                let _ = one.interrupt.send(Interrupt::Lost);
            }
        }
    }
}
