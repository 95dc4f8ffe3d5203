//! Calls with effects: journalled before they are made, made once, found again by their key.
//!
//! | the journal says | and here | answer |
//! |---|---|---|
//! | nothing | - | it is marked as started, durably, and made |
//! | started | under way in this process | the repeat waits for the same call |
//! | started | not under way | made again if declared idempotent, else "outcome unknown" |
//! | finished, failed | - | what is stored |
//!
//! A call goes on when whoever asked for it is gone: the effect belongs to the run, not to the request.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_model::RunId;
use bulkhead_model::query::{QueryLimits, QueryMode, SqlQuery};
use bulkhead_model::run::{Iteration, RunError};
use bulkhead_rpc::connector::{QueryRequest, QueryResult};
use bulkhead_rpc::fetch::FetchRequest;
use bulkhead_rpc::{Problem, RpcClient, RpcError};
use bulkhead_store::journal::{BlockPlace, CallEnd, CallKey, JournalledCall};
use bulkhead_store::{Database, StoreError};
use http::Method;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::error::query_failed;
use crate::metrics::Metrics;

/// The largest result that a run keeps, in bytes of JSON.
const MAX_RESULT_BYTES: u32 = 5 * 1024 * 1024;
/// How long a call waits for a connector that is away or a resource that is busy: a restart takes a few seconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// What came of a call.
pub(crate) type Outcome = Result<Value, RunError>;

/// A call under way: its key in the journal, and the hash of what it asks for.
type Key = (RunId, String, Iteration, i32, u32, Vec<u8>);

/// Makes calls and remembers those under way.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    database: Database,
    connector: RpcClient,
    metrics: Metrics,
    under_way: Arc<Mutex<HashMap<Key, watch::Receiver<Option<Outcome>>>>>,
}

/// A call to make for a run.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The run, unless this is a single-block run from the editor, which is not journalled.
    pub(crate) run: Option<RunId>,
    pub(crate) place: BlockPlace,
    pub(crate) call: u32,
    pub(crate) ask: Ask,
    pub(crate) idempotent: bool,
}

/// What is asked of db-connector.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Query { query: SqlQuery, parameters: BTreeMap<String, Value> },
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
                if let Some(change) = &query.change {
                    add(&serde_json::json!(change).to_string());
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
        Self { database, connector, metrics, under_way: Arc::default() }
    }

    /// How many calls are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Makes a call, or finds what became of it.
    pub(crate) async fn make(&self, call: Call) -> Result<Outcome, StoreError> {
        let Some(run) = call.run.filter(|_| call.ask.has_effect()) else {
            // A read has no effect: a repeat reads again, and nothing needs to be journalled.
            self.metrics.count("made");
            return self.unjournalled(&call).await;
        };
        let hash = call.ask.hash();
        let BlockPlace { block, iteration, attempt } = call.place.clone();
        let key = (run, block, iteration, attempt, call.call, hash.clone());
        // Held over the look-up alone: two repeats at once must not both become the one that makes the call.
        let (receiver, starter) = {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            match under_way.get(&key) {
                Some(receiver) => (receiver.clone(), None),
                None => {
                    let (sender, receiver) = watch::channel(None);
                    under_way.insert(key.clone(), receiver.clone());
                    (receiver, Some(sender))
                }
            }
        };
        match starter {
            None => self.metrics.count("attached"),
            Some(sender) => {
                let calls = self.clone();
                tokio::spawn(async move {
                    let outcome = calls.journalled(run, &call, &hash).await;
                    // Out of the map first: whoever comes now finds the journal's word.
                    calls.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
                    match outcome {
                        Ok(outcome) => drop(sender.send(Some(outcome))),
                        // Dropping the sender tells those who wait that nothing is known: they are answered with an error
                        // and ask again.
                        Err(error) => tracing::error!(run.id = %run, "a call was not journalled: {error}"),
                    }
                });
            }
        }
        wait(receiver).await
    }

    /// A write: under the journal.
    async fn journalled(&self, run: RunId, call: &Call, hash: &[u8]) -> Result<Outcome, StoreError> {
        // Before the journal says "started": from then on, not to know is to have an unknown outcome.
        let target = match self.target(call).await? {
            Ok(target) => target,
            Err(error) => return Ok(Err(error)),
        };
        let key = CallKey { run, place: &call.place, call: i32::try_from(call.call).unwrap_or(i32::MAX) };
        match self.database.begin_call(key, hash).await? {
            JournalledCall::New => self.metrics.count("made"),
            JournalledCall::Started if call.is_repeatable() => self.metrics.count("made"),
            JournalledCall::Started => {
                self.database.end_call(key, CallEnd::Unknown).await?;
                self.metrics.count("unknown");
                return Ok(Err(outcome_unknown(&call.place.block)));
            }
            JournalledCall::OutcomeUnknown => return Ok(Err(outcome_unknown(&call.place.block))),
            JournalledCall::Finished(value) => {
                self.metrics.count("stored");
                return Ok(Ok(value));
            }
            JournalledCall::Failed(error) => {
                self.metrics.count("stored");
                return Ok(Err(error));
            }
            JournalledCall::AnotherRequest => {
                let message = "the code asked for something else than before the crash: calls that write must come in the same order \
                               with the same parameters each time the block runs";
                return Ok(Err(RunError::new("call-changed", message)));
            }
        }
        let made = self.send_patiently(&target, call).await;
        let has_effect = matches!(made, Made::Answered(_));
        let outcome = match made {
            Made::Unknown(_) if !call.is_repeatable() => {
                self.store_end(key, CallEnd::Unknown).await?;
                self.metrics.count("unknown");
                return Ok(Err(outcome_unknown(&call.place.block)));
            }
            Made::Known(outcome) => outcome,
            Made::NotYet(error) | Made::Unknown(error) | Made::Answered(error) => Err(error),
        };
        let end = match &outcome {
            Ok(value) => CallEnd::Finished(value),
            Err(error) if has_effect => CallEnd::Answered(error),
            Err(error) => CallEnd::Failed(error),
        };
        self.store_end(key, end).await?;
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

    async fn unjournalled(&self, call: &Call) -> Result<Outcome, StoreError> {
        let target = match self.target(call).await? {
            Ok(target) => target,
            Err(error) => return Ok(Err(error)),
        };
        Ok(match self.send_patiently(&target, call).await {
            Made::Known(outcome) => outcome,
            Made::NotYet(error) | Made::Unknown(error) | Made::Answered(error) => Err(error),
        })
    }

    /// The request to db-connector, as far as it can be made.
    async fn target<'a>(&self, call: &'a Call) -> Result<Result<Target<'a>, RunError>, StoreError> {
        let (query, parameters) = match &call.ask {
            Ask::Fetch(request) => return Ok(Ok(Target::Fetch(request))),
            Ask::Query { query, parameters } => (query, parameters),
        };
        let name = query.resource.as_str();
        let Some(resource) = self.database.resource_id(name).await? else {
            let message = format!("there is no resource `{name}`: create it, or choose another in the query");
            return Ok(Err(RunError::new("resource-unknown", message)));
        };
        let limits = query.limits;
        let mut request = QueryRequest::of(resource, query, parameters.clone());
        // The connector's own cap, since it undoes a write whose result is too large.
        request.limits = QueryLimits { max_bytes: limits.max_bytes.min(MAX_RESULT_BYTES), ..limits };
        Ok(Ok(Target::Query(request)))
    }

    /// Sends a call again while that is harmless and it may help. A person at the editor is told at once instead.
    async fn send_patiently(&self, target: &Target<'_>, call: &Call) -> Made {
        let end = Instant::now() + PATIENCE;
        loop {
            let made = self.send(target).await;
            let harmless = match &made {
                Made::Known(_) | Made::Answered(_) => false,
                Made::NotYet(_) => true,
                Made::Unknown(_) => call.is_repeatable(),
            };
            if !harmless || call.run.is_none() || Instant::now() >= end {
                return made;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn send(&self, target: &Target<'_>) -> Made {
        let answer = match target {
            Target::Query(request) => self.connector.call(Method::POST, "/v1/query", request).await.map(whole),
            Target::Fetch(request) => {
                let answer: Result<Value, RpcError> = self.connector.call(Method::POST, "/v1/fetch", request).await;
                answer.map(|answer| Made::Known(Ok(answer)))
            }
        };
        match answer {
            Ok(made) => made,
            Err(RpcError::Problem(problem)) => refused(&problem),
            Err(error @ (RpcError::Unreachable { .. } | RpcError::Protocol { .. })) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::warn!("a call got no answer: {error}: {cause}");
                let message = "bulkhead-db-connector does not answer; the run can be started again when it does";
                let failed = RunError::new("connector-unavailable", message);
                if error.is_unsent() { Made::NotYet(failed) } else { Made::Unknown(failed) }
            }
        }
    }
}

/// What db-connector is sent.
enum Target<'a> {
    Query(QueryRequest),
    Fetch(&'a FetchRequest),
}

/// What is known of a call after it was sent.
enum Made {
    Known(Outcome),
    /// It took effect, and there is no result.
    Answered(RunError),
    /// It did not get as far as the resource; it may later.
    NotYet(RunError),
    /// The connection broke before an answer: it may or may not have taken effect.
    Unknown(RunError),
}

/// What a refusal says about the effect.
fn refused(problem: &Problem) -> Made {
    let mut error = query_failed(problem);
    match problem.code.as_str() {
        // `resource-lost` is said only where nothing was changed.
        "database-unavailable" | "resource-busy" | "resource-lost" => Made::NotYet(error),
        // The connection broke under the commit.
        "outcome-unknown" | "fetch-broken" => Made::Unknown(error),
        "fetch-redirected" | "fetch-too-large" => Made::Answered(error),
        "result-too-large" => {
            error.message = format!(
                "the result is larger than the query's max-bytes or the {MAX_RESULT_BYTES} bytes that a run keeps: select fewer rows or columns"
            );
            Made::Known(Err(error))
        }
        _ => Made::Known(Err(error)),
    }
}

/// A result, which is one only if it came whole.
fn whole(result: QueryResult) -> Made {
    if let Some(problem) = &result.error {
        return refused(problem);
    }
    if !result.end {
        return Made::Unknown(RunError::new("result-cut", "the result broke off; the run can be started again"));
    }
    Made::Known(Ok(serde_json::json!({
        "rows": result.rows, "columns": result.columns, "row_count": result.row_count, "affected": result.affected,
        "truncated": result.truncated,
    })))
}

async fn wait(mut receiver: watch::Receiver<Option<Outcome>>) -> Result<Outcome, StoreError> {
    let operation = "make a call";
    let gone = |_| StoreError::Unavailable { operation, source: "the journal was not written".into() };
    let outcome = receiver.wait_for(Option::is_some).await.map_err(gone)?.clone();
    outcome.ok_or(StoreError::NotFound { operation })
}

fn outcome_unknown(block: &str) -> RunError {
    let message = format!(
        "a crash struck while `{block}` was writing, and nothing tells whether it took effect: check the data, then start the run again, \
         or declare the block idempotent if repeating it is harmless"
    );
    RunError::new("outcome-unknown", message)
}
