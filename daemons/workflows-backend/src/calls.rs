//! Calls with effects: journalled before they are made, made once, found again by what they ask for.
//!
//! | the journal says | and here | answer |
//! |---|---|---|
//! | nothing | - | it is marked as started, durably, and made |
//! | started | under way in this process | the repeat waits for the same call |
//! | started | not under way | made again if declared idempotent, else "outcome unknown" |
//! | finished, failed | - | what is stored |
//!
//! A call goes on when whoever asked for it is gone: the effect belongs to the run, not to the request.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bulkhead_model::query::{QueryMode, ResourceQuery};
use bulkhead_model::run::RunError;
use bulkhead_model::{EnvironmentId, RunId};
use bulkhead_rpc::RpcClient;
use bulkhead_rpc::fetch::FetchRequest;
use bulkhead_store::block_calls::{CallEnd, CallKey, JournalledCall, OWN_CALL};
use bulkhead_store::journal::BlockPlace;
use bulkhead_store::{Database, StoreError};
use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;

use crate::metrics::Metrics;
use crate::places::{Place, Places, State};
use crate::sending::{Made, Making, PATIENCE, PAUSE};

/// Between two looks whether a write is new.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What came of a call.
pub(crate) type Outcome = Result<Value, RunError>;

/// Makes calls and remembers those under way.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    pub(crate) database: Database,
    pub(crate) connector: RpcClient,
    metrics: Metrics,
    places: Places,
    under_way: Arc<AtomicUsize>,
}

/// A call to make for a run.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The run, unless this is a single-block run from the editor, which is not journalled.
    pub(crate) run: Option<RunId>,
    pub(crate) place: BlockPlace,
    pub(crate) by: Caller,
    pub(crate) ask: Ask,
    pub(crate) idempotent: bool,
    /// The environment that it is made in.
    pub(crate) environment: EnvironmentId,
}

/// Who asks for a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller {
    /// A block that acts itself, once.
    Block,
    /// Code, in one of its executions.
    Code {
        execution: Uuid,
        /// Counts within the execution.
        call: u32,
        /// Whether it waits for each call before the next: its writes come in the same order, if in any.
        in_order: bool,
    },
}

/// What is asked of db-connector.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Query { query: ResourceQuery, parameters: BTreeMap<String, Value> },
    Fetch(FetchRequest),
}

impl Ask {
    /// Whether it may have an effect, which the journal then remembers.
    fn has_effect(&self) -> bool {
        match self {
            Self::Query { query, .. } => query.effect() == QueryMode::Write,
            Self::Fetch(request) => !request.is_safe(),
        }
    }

    /// What tells it from another.
    fn hash(&self) -> Vec<u8> {
        let mut hasher = Sha256::new();
        let mut add = |part: &str| {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        };
        match self {
            Self::Query { query, parameters } => {
                add(query.resource.as_str());
                add(&query.statement);
                query.statements.iter().for_each(|statement| add(statement));
                if let Some(change) = &query.change {
                    add(&serde_json::json!(change).to_string());
                }
                // Not what it stands for now: a release in between does not make it another call.
                if let Some(library) = &query.library {
                    add(&serde_json::json!(library).to_string());
                }
                if let Some(operation) = &query.operation {
                    add(&serde_json::json!(operation).to_string());
                }
                add(&serde_json::json!(parameters).to_string());
            }
            Self::Fetch(request) => add(&serde_json::json!(request).to_string()),
        }
        hasher.finalize().to_vec()
    }
}

impl Call {
    /// Whether making it twice is harmless.
    fn is_repeatable(&self) -> bool {
        let by_itself = matches!(&self.ask, Ask::Fetch(request) if request.is_idempotent());
        !self.ask.has_effect() || self.idempotent || by_itself
    }
}

impl Calls {
    pub(crate) fn new(database: Database, connector: RpcClient, metrics: Metrics) -> Self {
        Self { database, connector, metrics, places: Places::default(), under_way: Arc::default() }
    }

    /// How many calls are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::SeqCst)
    }

    /// Whether this process can tell the calls of an execution from one another: it has to have seen them all.
    pub(crate) fn meet(&self, run: RunId, place: &BlockPlace, execution: Uuid, was_answered: bool) -> bool {
        self.places.of(run, place).meet(execution, was_answered)
    }

    /// Makes a call, or finds what became of it.
    pub(crate) async fn make(&self, call: Call) -> Result<Outcome, StoreError> {
        let is_repeatable = call.is_repeatable();
        let journalled = call.run.filter(|_| call.ask.has_effect());
        let hash = journalled.map(|_| call.ask.hash());
        // Before the journal says "started": from then on, not to know is to have an unknown outcome.
        let target = match self.target(call.ask, call.environment).await? {
            Ok(target) => target,
            Err(error) => return Ok(Err(error)),
        };
        let making = Making { target, is_repeatable, is_patient: call.run.is_some() };
        let (Some(run), Some(hash)) = (journalled, hash) else {
            // A read has no effect: a repeat reads again, and nothing needs to be journalled.
            self.metrics.count("made");
            return Ok(self.send_patiently(&making).await.outcome());
        };
        let (calls, counted) = (self.clone(), UnderWay::count(&self.under_way));
        let wanted = Wanted { run, place: call.place, by: call.by, hash };
        // To its end, whoever waits for it: an entry that is marked as started has to be made.
        let begun = tokio::spawn(async move { calls.begin(wanted, making, counted).await }).await;
        match begun.map_err(|error| not_told(error.into()))?? {
            Begun::Ended(outcome) => Ok(outcome),
            Begun::UnderWay(receiver) => wait(receiver).await,
        }
    }

    /// Finds a write in the journal, or has it made.
    async fn begin(&self, wanted: Wanted, making: Making, counted: UnderWay) -> Result<Begun, StoreError> {
        let place = self.places.of(wanted.run, &wanted.place);
        let may_be_another = matches!(wanted.by, Caller::Code { in_order: false, .. });
        let end = Instant::now() + if may_be_another { PATIENCE } else { Duration::ZERO };
        loop {
            let mut state = place.state.lock().await;
            if let Some((number, stands)) = self.look(&mut state, &wanted).await? {
                let begun = self.go_on(&mut state, (number, stands), wanted, making, (&place, counted)).await;
                drop(state);
                return begun;
            }
            drop(state);
            if Instant::now() >= end {
                return Ok(Begun::Ended(Err(call_changed())));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// The entry of a write, which may be a new one; none as long as it cannot be told which.
    async fn look(&self, state: &mut State, wanted: &Wanted) -> Result<Option<(i32, JournalledCall)>, StoreError> {
        let Wanted { run, place, by, hash } = wanted;
        let (execution, call) = match by {
            Caller::Block => return Ok(Some((OWN_CALL, self.mark(state, wanted, OWN_CALL).await?))),
            Caller::Code { execution, call, .. } => (*execution, *call),
        };
        if let Some(number) = state.asked(execution).entry(call) {
            return Ok(Some((number, self.mark(state, wanted, number).await?)));
        }
        let (number, times) = (state.asked(execution).count(), state.asked(execution).times(hash));
        let found = match self.mark(state, wanted, number).await? {
            JournalledCall::New => Some((number, JournalledCall::New)),
            _ => self.database.find_call(*run, place, hash, times).await?,
        };
        Ok(found.map(|(number, stands)| {
            state.asked(execution).is(call, number, hash);
            (number, state.sure(number, stands))
        }))
    }

    /// Marks an entry as started, or says where it stands.
    async fn mark(&self, state: &mut State, wanted: &Wanted, number: i32) -> Result<JournalledCall, StoreError> {
        let now = OffsetDateTime::now_utc();
        // As the database keeps it.
        let now = now.replace_microsecond(now.microsecond()).unwrap_or(now);
        match self.database.begin_call(wanted.key(number), &wanted.hash, now).await {
            Ok(stands) => Ok(state.sure(number, stands)),
            Err(error) => {
                state.is_unsure(number, now);
                Err(error)
            }
        }
    }

    /// What follows from where the entry of a write stands.
    async fn go_on(
        &self,
        state: &mut State,
        (number, stands): (i32, JournalledCall),
        wanted: Wanted,
        making: Making,
        (place, counted): (&Arc<Place>, UnderWay),
    ) -> Result<Begun, StoreError> {
        if let (JournalledCall::Started { .. }, Some(receiver)) = (&stands, state.under_way.get(&number)) {
            self.metrics.count("attached");
            return Ok(Begun::UnderWay(receiver.clone()));
        }
        let block = &wanted.place.block;
        let known = match stands {
            JournalledCall::Started { .. } if !making.is_repeatable => {
                self.database.end_call(wanted.key(number), CallEnd::Unknown).await?;
                self.metrics.count("unknown");
                Err(outcome_unknown(block))
            }
            JournalledCall::New | JournalledCall::Started { .. } => {
                self.metrics.count("made");
                let (sender, receiver) = watch::channel(None);
                state.under_way.insert(number, receiver.clone());
                let (calls, place) = (self.clone(), Arc::clone(place));
                tokio::spawn(async move {
                    let outcome = calls.journalled(&wanted, number, &making).await;
                    // Out of the map first: whoever comes now finds the journal's word.
                    place.state.lock().await.under_way.remove(&number);
                    calls.places.leave(wanted.run, &wanted.place, place);
                    match outcome {
                        Ok(outcome) => drop(sender.send(Some(outcome))),
                        // Dropping the sender tells those who wait that nothing is known: they are answered with an error
                        // and ask again.
                        Err(error) => tracing::error!(run.id = %wanted.run, "a call was not journalled: {error}"),
                    }
                    drop(counted);
                });
                return Ok(Begun::UnderWay(receiver));
            }
            JournalledCall::OutcomeUnknown => Err(outcome_unknown(block)),
            JournalledCall::AnotherRequest => Err(call_changed()),
            JournalledCall::Finished(value) => {
                self.metrics.count("stored");
                Ok(value)
            }
            JournalledCall::Failed(error) => {
                self.metrics.count("stored");
                Err(error)
            }
        };
        Ok(Begun::Ended(known))
    }

    /// Makes a write that the journal says is started.
    async fn journalled(&self, wanted: &Wanted, number: i32, making: &Making) -> Result<Outcome, StoreError> {
        let made = self.send_patiently(making).await;
        let has_effect = matches!(made, Made::Answered(_));
        if matches!(made, Made::Unknown(_)) && !making.is_repeatable {
            self.store_end(wanted.key(number), CallEnd::Unknown).await?;
            self.metrics.count("unknown");
            return Ok(Err(outcome_unknown(&wanted.place.block)));
        }
        let outcome = made.outcome();
        let end = match &outcome {
            Ok(value) => CallEnd::Finished(value),
            Err(error) if has_effect => CallEnd::Answered(error),
            Err(error) => CallEnd::Failed(error),
        };
        self.store_end(wanted.key(number), end).await?;
        Ok(outcome)
    }

    /// Journals the end of a call, however long the database is away: the effect has happened, and only this process knows.
    async fn store_end(&self, key: CallKey<'_>, end: CallEnd<'_>) -> Result<(), StoreError> {
        loop {
            match self.database.end_call(key, end).await {
                Err(StoreError::Unavailable { .. }) => tokio::time::sleep(PAUSE).await,
                stored => return stored,
            }
        }
    }
}

/// A write, as the journal knows it.
struct Wanted {
    run: RunId,
    place: BlockPlace,
    by: Caller,
    hash: Vec<u8>,
}

impl Wanted {
    fn key(&self, number: i32) -> CallKey<'_> {
        CallKey { run: self.run, place: &self.place, call: number }
    }
}

/// How a write begins.
enum Begun {
    Ended(Outcome),
    UnderWay(watch::Receiver<Option<Outcome>>),
}

/// A call that counts as under way as long as this is there.
struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn count(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(counter))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn wait(mut receiver: watch::Receiver<Option<Outcome>>) -> Result<Outcome, StoreError> {
    let gone = |_| not_told("the journal was not written".into());
    let outcome = receiver.wait_for(Option::is_some).await.map_err(gone)?.clone();
    outcome.ok_or_else(|| not_told("it has no end".into()))
}

fn not_told(source: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError::Unavailable { operation: "make a call", source }
}

fn call_changed() -> RunError {
    let message = "the code asked for something else than before the crash: calls that write must come with the same parameters each \
                   time the block runs. Take what changes, such as the time or a random number, from a block before it";
    RunError::new("call-changed", message)
}

fn outcome_unknown(block: &str) -> RunError {
    let message = format!(
        "a crash struck while `{block}` was writing, and nothing tells whether it took effect: check the data, then start the run again, \
         or declare the block idempotent if repeating it is harmless"
    );
    RunError::new("outcome-unknown", message)
}
