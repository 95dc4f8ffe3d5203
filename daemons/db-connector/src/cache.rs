//! Results of reads that may be given again, in memory.
//!
//! A result is found by all that decides it: the resource, in its environment and at its revision, what it is asked, every value and the limits. Values that tell
//! who asks are among them, so nobody is given what was read for somebody else. Results that failed or were cut are never kept.

mod held;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use bulkhead_model::query::{MAX_CACHE_SECONDS, QueryMode};
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::QueryRequest;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use uuid::Uuid;

use crate::answer::Answer;
use crate::error::QueryError;
use crate::memory;
use crate::metrics::Metrics;
use held::Held;

/// A result takes at most this part of the memory.
const PART_OF_ALL: usize = 8;

/// What decides a result, in short.
pub(crate) type Key = [u8; 32];

/// A result that is whole.
#[derive(Clone)]
struct Kept {
    body: Bytes,
    read_at: Instant,
}

/// What became of a read that others wait for.
#[derive(Clone)]
enum Shared {
    Kept(Kept),
    Failed(Problem),
    /// Each has to ask by itself: it is too large to be kept, or was cut.
    Apart,
}

/// The results, and the reads that are under way.
pub(crate) struct Cache {
    state: Mutex<State>,
    max_result_bytes: usize,
    metrics: Metrics,
}

struct State {
    held: Held,
    under_way: HashMap<Key, watch::Receiver<Option<Shared>>>,
}

enum Found {
    Kept(Kept),
    UnderWay(watch::Receiver<Option<Shared>>),
    Nothing(watch::Sender<Option<Shared>>),
}

/// What decides the result of a request: `account` is the one that a resource is asked as, where it is asked as one.
pub(crate) fn key(request: &QueryRequest, revision: i64, account: Option<Uuid>) -> Key {
    let QueryRequest {
        resource,
        environment,
        asked_by,
        before,
        statement,
        // It is a part of the statement by now.
        pages: _,
        change,
        operation,
        parameters,
        limits,
        mode: _,
        cache_seconds: _,
    } = request;
    let asked = json!([before, statement, change, operation, parameters, limits]);
    let all = json!([resource, environment, revision, account, asked_by, asked]);
    Sha256::digest(all.to_string().as_bytes()).into()
}

impl Cache {
    pub(crate) fn new(max_bytes: usize, metrics: Metrics) -> Self {
        let state = State { held: Held::new(max_bytes), under_way: HashMap::new() };
        Self { state: Mutex::new(state), max_result_bytes: max_bytes / PART_OF_ALL, metrics }
    }

    /// For how long the result of a request may be given again; nothing where it must not be.
    pub(crate) fn lifetime(&self, request: &QueryRequest) -> Option<Duration> {
        let is_read = request.mode == QueryMode::Read && request.change.is_none();
        let may_be_kept = self.max_result_bytes > 0 && is_read && request.cache_seconds > 0;
        may_be_kept.then(|| Duration::from_secs(request.cache_seconds.min(MAX_CACHE_SECONDS).into()))
    }

    /// Forgets what may not be given to anybody any more.
    pub(crate) fn forget_old(&self) {
        let bytes = {
            let mut state = self.state();
            state.held.forget_old(Instant::now());
            state.held.bytes()
        };
        self.metrics.cache_bytes(bytes);
    }

    /// The result of `run`, or one that is not older than `lifetime`. Of those who ask the same at once, one runs.
    pub(crate) async fn get_or_run(
        &self,
        key: Key,
        lifetime: Duration,
        run: impl Fn() -> BoxFuture<'static, Result<Answer, QueryError>>,
    ) -> Result<Body, QueryError> {
        loop {
            match self.find(&key, lifetime) {
                Found::Kept(kept) => {
                    self.metrics.count_cache("hit");
                    return Ok(kept.again());
                }
                Found::UnderWay(mut receiver) => {
                    // Whoever ran it may have gone away; then the next one runs it.
                    let Ok(outcome) = receiver.wait_for(Option::is_some).await.map(|outcome| outcome.clone()) else {
                        continue;
                    };
                    self.metrics.count_cache("joined");
                    match outcome {
                        Some(Shared::Kept(kept)) => return Ok(kept.again()),
                        Some(Shared::Failed(problem)) => return Err(QueryError::Shared(Box::new(problem))),
                        Some(Shared::Apart) | None => return run().await.map(Answer::into_body),
                    }
                }
                Found::Nothing(sender) => {
                    self.metrics.count_cache("miss");
                    let flight = Flight { cache: self, key, sender };
                    let (shared, outcome) = self.read(run().await).await;
                    flight.end(shared, lifetime);
                    return outcome;
                }
            }
        }
    }

    fn find(&self, key: &Key, lifetime: Duration) -> Found {
        let mut state = self.state();
        if let Some(kept) = state.held.get(key, lifetime, Instant::now()) {
            return Found::Kept(kept);
        }
        if let Some(receiver) = state.under_way.get(key) {
            return Found::UnderWay(receiver.clone());
        }
        let (sender, receiver) = watch::channel(None);
        state.under_way.insert(*key, receiver);
        Found::Nothing(sender)
    }

    /// Reads an answer whole, as far as it may be kept.
    async fn read(&self, answer: Result<Answer, QueryError>) -> (Shared, Result<Body, QueryError>) {
        let read_at = Instant::now();
        let body = match answer {
            Err(error) => return (Shared::Failed(error.problem()), Err(error)),
            Ok(Answer::Whole(body)) => body,
            Ok(Answer::Pieces(pieces)) => match gather(pieces, self.max_result_bytes).await {
                Ok(body) => body,
                Err(rest) => return (Shared::Apart, Ok(rest)),
            },
        };
        (shared(&body, read_at, self.max_result_bytes), Ok(Body::from(body)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A read that is under way. Dropped without an end, it leaves those who wait to themselves.
struct Flight<'a> {
    cache: &'a Cache,
    key: Key,
    sender: watch::Sender<Option<Shared>>,
}

impl Flight<'_> {
    fn end(self, shared: Shared, lifetime: Duration) {
        if let Shared::Kept(kept) = &shared {
            let bytes = {
                let mut state = self.cache.state();
                state.held.insert(self.key, kept.clone(), lifetime);
                state.held.bytes()
            };
            self.cache.metrics.cache_bytes(bytes);
        }
        // Nobody may wait.
        let _ = self.sender.send(Some(shared));
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.cache.state().under_way.remove(&self.key);
    }
}

impl Kept {
    /// The result with its age.
    fn again(&self) -> Body {
        let Self { body, read_at } = self;
        let age_ms = read_at.elapsed().as_millis();
        // The last character closes the object.
        let most = body.slice(..body.len().saturating_sub(1));
        let rest = Bytes::from(format!(",\"cached\":true,\"age_ms\":{age_ms}}}"));
        Body::from_stream(stream::iter([Ok::<_, std::convert::Infallible>(most), Ok(rest)]))
    }
}

/// What others may have of a whole body.
fn shared(body: &Bytes, read_at: Instant, max_bytes: usize) -> Shared {
    #[derive(Deserialize)]
    struct End {
        #[serde(default)]
        truncated: bool,
        #[serde(default)]
        end: bool,
        #[serde(default)]
        error: Option<Problem>,
    }
    match serde_json::from_slice(body) {
        Ok(End { error: Some(problem), .. }) => Shared::Failed(problem),
        Ok(End { truncated: false, end: true, error: None }) if body.len() <= max_bytes => {
            Shared::Kept(Kept { body: body.clone(), read_at })
        }
        _ => Shared::Apart,
    }
}

/// All pieces as one; as they come, where they are more than `most` bytes.
async fn gather(mut pieces: mpsc::Receiver<Bytes>, most: usize) -> Result<Bytes, Body> {
    let mut begun = Vec::new();
    let mut bytes = 0;
    while let Some(piece) = pieces.recv().await {
        bytes += piece.len();
        begun.push(piece);
        // Where there is no room to gather them, they are not kept.
        if bytes > most || memory::room(bytes, most).await.is_err() {
            let all = stream::iter(begun).chain(ReceiverStream::new(pieces));
            return Err(Body::from_stream(all.map(Ok::<_, std::convert::Infallible>)));
        }
    }
    Ok(begun.concat().into())
}
