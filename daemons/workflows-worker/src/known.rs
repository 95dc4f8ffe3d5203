//! What a step knows of its run: the journal, what was added to it and not sent yet, the variables.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bulkhead_model::Name;
use bulkhead_model::run::{BlockStatus, Choice, Iteration, RunResponse};
use bulkhead_rpc::backend::{BlockOutcome, BlockPlace, BlockReport, EndedRounds, JournalEntry, RunState};
use serde_json::Value;

/// The newest attempt of a block in a round.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) attempt: u32,
    pub(crate) outcome: BlockOutcome,
    pub(crate) started_at_ms: u64,
    pub(crate) finished_at_ms: u64,
    /// Whether a failed attempt had made calls that change something.
    pub(crate) wrote: bool,
    /// What a person has chosen, where its outcome is unknown.
    pub(crate) choice: Option<Choice>,
}

impl Entry {
    pub(crate) fn has_ended(&self) -> bool {
        self.outcome.status != BlockStatus::Running
    }
}

/// What is to be stored with the next commit.
#[derive(Default)]
pub(crate) struct Unsent {
    pub(crate) reports: Vec<BlockReport>,
    pub(crate) response: Option<RunResponse>,
}

/// All of it, shared by the walks of a step.
pub(crate) struct Known(Mutex<Inner>);

/// Rounds of a loop, one after the other, that came to the same.
struct Rounds {
    first: u32,
    last: u32,
    entry: Arc<Entry>,
}

struct Inner {
    entries: HashMap<Iteration, HashMap<Name, Arc<Entry>>>,
    /// Rounds that have nothing to tell but their end, in order, by their loop and the round that it is in.
    rounds: HashMap<(Name, Iteration), Vec<Rounds>>,
    variables: BTreeMap<Name, Value>,
    unsent: Unsent,
    is_answered: bool,
}

impl Known {
    pub(crate) fn of(state: &RunState) -> Self {
        let mut variables = state.document.variables.clone();
        variables.extend(state.variables.clone());
        let mut entries: HashMap<Iteration, HashMap<Name, Arc<Entry>>> = HashMap::new();
        for JournalEntry { place, outcome, started_at_ms, finished_at_ms, wrote, choice } in
            state.journal.iter().cloned()
        {
            let entry = Entry { attempt: place.attempt, outcome, started_at_ms, finished_at_ms, wrote, choice };
            entries.entry(place.iteration).or_default().insert(place.block, Arc::new(entry));
        }
        let mut rounds: HashMap<_, Vec<Rounds>> = HashMap::new();
        for EndedRounds { block, iteration, first, last, finished_at_ms } in state.rounds.iter().cloned() {
            let outcome = BlockOutcome::succeeded(Value::Null);
            let entry = Entry {
                attempt: 1,
                outcome,
                started_at_ms: finished_at_ms,
                finished_at_ms,
                wrote: false,
                choice: None,
            };
            rounds.entry((block, iteration)).or_default().push(Rounds { first, last, entry: Arc::new(entry) });
        }
        Self(Mutex::new(Inner { entries, rounds, variables, unsent: Unsent::default(), is_answered: false }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn entry(&self, block: &Name, iteration: &Iteration) -> Option<Arc<Entry>> {
        self.lock().entries.get(iteration)?.get(block).cloned()
    }

    /// A round of a loop that has ended.
    pub(crate) fn ended_round(&self, looped: &Name, around: &Iteration, index: u32) -> Option<Arc<Entry>> {
        let inner = self.lock();
        if let Some(entry) = inner.entries.get(&around.round(index)).and_then(|blocks| blocks.get(looped)) {
            return entry.has_ended().then(|| Arc::clone(entry));
        }
        let rounds = inner.rounds.get(&(looped.clone(), around.clone()))?;
        let before = rounds.partition_point(|rounds| rounds.first <= index).checked_sub(1)?;
        let found = &rounds[before];
        (index <= found.last).then(|| Arc::clone(&found.entry))
    }

    pub(crate) fn variables(&self) -> Value {
        let variables = &self.lock().variables;
        Value::Object(variables.iter().map(|(name, value)| (name.to_string(), value.clone())).collect())
    }

    /// Adds what a block came to, to be sent.
    pub(crate) fn add(&self, report: BlockReport) {
        let mut inner = self.lock();
        let entry = Entry {
            attempt: report.place.attempt,
            outcome: report.outcome.clone(),
            started_at_ms: report.started_at_ms,
            finished_at_ms: report.finished_at_ms,
            wrote: false,
            choice: None,
        };
        inner.variables.extend(report.variables.clone().unwrap_or_default());
        inner.keep(&report.place, entry);
        inner.unsent.reports.push(report);
    }

    /// Adds what a block came to that workflows-backend has stored already.
    pub(crate) fn keep(&self, place: &BlockPlace, entry: Entry) {
        self.lock().keep(place, entry);
    }

    /// What is known of these blocks in a round that has ended is not needed any more.
    pub(crate) fn forget(&self, round: &Iteration, is_over: impl Fn(&Name) -> bool) {
        if let Some(blocks) = self.lock().entries.get_mut(round) {
            blocks.retain(|block, _| !is_over(block));
        }
    }

    /// Whether one of these blocks has begun in a round.
    pub(crate) fn has_begun(&self, round: &Iteration, is_meant: impl Fn(&Name) -> bool) -> bool {
        self.lock().entries.get(round).is_some_and(|blocks| blocks.keys().any(is_meant))
    }

    /// Adds the run's answer. The first one of a step counts, as the first one of a run does.
    pub(crate) fn answer(&self, response: RunResponse) {
        let mut inner = self.lock();
        if !std::mem::replace(&mut inner.is_answered, true) {
            inner.unsent.response = Some(response);
        }
    }

    /// How many reports wait.
    pub(crate) fn unsent_reports(&self) -> usize {
        self.lock().unsent.reports.len()
    }

    pub(crate) fn take_unsent(&self) -> Unsent {
        std::mem::take(&mut self.lock().unsent)
    }

    /// What was taken and not stored: it comes before what was added since.
    pub(crate) fn put_back(&self, taken: Unsent) {
        let unsent = &mut self.lock().unsent;
        unsent.reports.splice(..0, taken.reports);
        unsent.response = taken.response.or(unsent.response.take());
    }

    /// A failed attempt has made calls that change something.
    pub(crate) fn has_written(&self, place: &BlockPlace) {
        if let Some(entry) =
            self.lock().entries.get_mut(&place.iteration).and_then(|blocks| blocks.get_mut(&place.block))
        {
            Arc::make_mut(entry).wrote = true;
        }
    }
}

impl Inner {
    fn keep(&mut self, place: &BlockPlace, entry: Entry) {
        self.entries.entry(place.iteration.clone()).or_default().insert(place.block.clone(), Arc::new(entry));
    }
}
