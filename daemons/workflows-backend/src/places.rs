//! Which entry of the journal a write from code is.
//!
//! Code that runs again asks for its writes again. Where it asks for several at a time, they may come in another order, with more or fewer
//! reads between them. So an entry is found by what is asked for: the second time that an execution asks for the same is the second entry
//! of that. What the journal does not know is new only once the execution has asked for all that it does know, and is numbered by how many
//! that are; until then it may be one of those with other values, and has to wait.
//!
//! State: what the executions of the last minutes have asked for. One that this process has not seen from its beginning is not answered.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_model::RunId;
use bulkhead_model::run::Iteration;
use bulkhead_store::block_calls::JournalledCall;
use bulkhead_store::journal::BlockPlace;
use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;

use crate::calls::Outcome;

/// How long nothing may come of code that still runs: longer than any may.
const KEEP: Duration = Duration::from_secs(400);
/// Between two looks for what need not be kept.
const SWEEP_EVERY: Duration = Duration::from_secs(20);

/// The places whose code has called lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    places: HashMap<(RunId, String, Iteration, i32), Arc<Place>>,
    swept: Option<Instant>,
}

/// A block in its round and attempt.
#[derive(Debug)]
pub(crate) struct Place {
    known: Mutex<Known>,
    /// Held while an entry is looked for and made: what is asked for at the same time is told apart.
    pub(crate) state: tokio::sync::Mutex<State>,
}

#[derive(Debug)]
struct Known {
    used: Instant,
    /// The executions whose first calls came to this process.
    executions: HashSet<Uuid>,
}

/// What is known of the entries of a place.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Those that are being made by this process.
    pub(crate) under_way: HashMap<i32, watch::Receiver<Option<Outcome>>>,
    asked: HashMap<Uuid, Asked>,
    /// When those were tried to be marked as started of which it is not known whether that was stored. They were not made.
    unsure: HashMap<i32, Vec<OffsetDateTime>>,
}

/// What an execution has asked for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The entry of each of its calls.
    entries: HashMap<u32, i32>,
    /// How often it has asked for the same.
    times: HashMap<Vec<u8>, i64>,
}

impl Places {
    /// A place, from now on known for a while.
    pub(crate) fn of(&self, run: RunId, place: &BlockPlace) -> Arc<Place> {
        let mut held = lock(&self.0);
        if held.swept.is_none_or(|swept| swept.elapsed() > SWEEP_EVERY) {
            held.swept = Some(Instant::now());
            // Whoever makes a call of it has it too.
            held.places.retain(|_, place| Arc::strong_count(place) > 1 || lock(&place.known).used.elapsed() < KEEP);
        }
        let BlockPlace { block, iteration, attempt } = place.clone();
        let place = held.places.entry((run, block, iteration, attempt)).or_insert_with(|| {
            let known = Mutex::new(Known { used: Instant::now(), executions: HashSet::new() });
            Arc::new(Place { known, state: tokio::sync::Mutex::default() })
        });
        lock(&place.known).used = Instant::now();
        Arc::clone(place)
    }

    /// Forgets a place that has no code, once nobody else has to do with it.
    pub(crate) fn leave(&self, run: RunId, place: &BlockPlace, own: Arc<Place>) {
        let mut held = lock(&self.0);
        let is_last = Arc::strong_count(&own) <= 2;
        let is_unsure = own.state.try_lock().is_ok_and(|state| !state.unsure.is_empty());
        if is_last && !is_unsure && lock(&own.known).executions.is_empty() {
            let BlockPlace { block, iteration, attempt } = place.clone();
            held.places.remove(&(run, block, iteration, attempt));
        }
    }
}

impl Place {
    /// Whether all that an execution has asked for is known here: one that was answered before has to be.
    pub(crate) fn meet(&self, execution: Uuid, was_answered: bool) -> bool {
        let mut known = lock(&self.known);
        if !was_answered {
            known.executions.insert(execution);
        }
        known.executions.contains(&execution)
    }
}

impl State {
    /// What an execution has asked for so far.
    pub(crate) fn asked(&mut self, execution: Uuid) -> &mut Asked {
        self.asked.entry(execution).or_default()
    }

    /// An entry could not be marked as started, as far as is known.
    pub(crate) fn is_unsure(&mut self, number: i32, at: OffsetDateTime) {
        self.unsure.entry(number).or_default().push(at);
    }

    /// How an entry stands, where it was this process that has marked it as started.
    pub(crate) fn sure(&mut self, number: i32, stands: JournalledCall) -> JournalledCall {
        match stands {
            JournalledCall::Started { at } if self.unsure.get(&number).is_some_and(|tries| tries.contains(&at)) => {
                self.unsure.remove(&number);
                JournalledCall::New
            }
            stands => stands,
        }
    }
}

impl Asked {
    /// The entry of a call that came before.
    pub(crate) fn entry(&self, call: u32) -> Option<i32> {
        self.entries.get(&call).copied()
    }

    /// How many entries are its own.
    pub(crate) fn count(&self) -> i32 {
        i32::try_from(self.entries.len()).unwrap_or(i32::MAX)
    }

    /// How often it has asked for the same.
    pub(crate) fn times(&self, hash: &[u8]) -> i64 {
        self.times.get(hash).copied().unwrap_or_default()
    }

    /// A call of it is this entry.
    pub(crate) fn is(&mut self, call: u32, number: i32, hash: &[u8]) {
        if self.entries.insert(call, number).is_none() {
            *self.times.entry(hash.to_vec()).or_default() += 1;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
