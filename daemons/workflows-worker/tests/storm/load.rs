//! What people and other systems do meanwhile: start runs as api does, some twice, cancel a few, answer questions, send events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_model::{EnvironmentId, RunId};
use bulkhead_store::StoreError;
use bulkhead_store::approvals::Verdict;
use bulkhead_store::events::{NewEvent, Sent};
use bulkhead_store::runs::NewRun;
use bulkhead_store::test_support::record;
use serde_json::json;
use tokio::task::JoinSet;

use crate::plan::{Repeat, Start};
use crate::workflows::{EVENT, Kind};
use crate::world::World;

/// How long api waits for an answer of the database before it gives up a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(200);
/// Between two looks for questions.
const LOOK: Duration = Duration::from_millis(500);

/// What they were told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// The runs that were acknowledged, by what they were planned as.
    pub(crate) runs: BTreeMap<usize, RunId>,
    /// Those whose cancel was.
    pub(crate) cancelled: BTreeSet<RunId>,
    /// Starts that failed in a way that tells nothing.
    pub(crate) unsure: usize,
    /// What must not be.
    pub(crate) complaints: Vec<String>,
}

/// The source of it. Clones share what they were told.
#[derive(Clone)]
pub(crate) struct Load {
    world: Arc<World>,
    told: Arc<Mutex<Told>>,
}

impl Load {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        Self { world: Arc::clone(world), told: Arc::default() }
    }

    pub(crate) fn told(&self) -> Told {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, note: impl FnOnce(&mut Told)) {
        note(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Starts all runs at their time; comes back when each was acknowledged, and cancelled if that was planned.
    pub(crate) async fn start_all(&self, starts: Vec<Start>, begun: Instant) {
        let mut under_way = JoinSet::new();
        for start in starts {
            let this = self.clone();
            under_way.spawn(async move {
                tokio::time::sleep((begun + start.at).saturating_duration_since(Instant::now())).await;
                this.start_one(&start).await;
            });
        }
        under_way.join_all().await;
    }

    async fn start_one(&self, start: &Start) {
        let (run, created) = match start.repeat {
            Repeat::Twin => {
                let (one, other) = tokio::join!(self.acknowledged(start), self.acknowledged(start));
                self.expect_same(start, one.0, other.0);
                one
            }
            Repeat::Never | Repeat::Later(_) => self.acknowledged(start).await,
        };
        self.note(|told| _ = told.runs.insert(start.number, run));
        if start.repeat == Repeat::Never && created == Some(false) {
            let complaint = format!("the start of {} was answered with a run that it did not make: {run}", name(start));
            self.note(|told| told.complaints.push(complaint));
        }
        let again = async {
            if let Repeat::Later(pause) = start.repeat {
                tokio::time::sleep(pause).await;
                self.expect_same(start, run, self.acknowledged(start).await.0);
            }
        };
        let cancel = async {
            if let Some(pause) = start.cancel_after {
                tokio::time::sleep(pause).await;
                self.cancel(run).await;
            }
        };
        let event = async {
            if start.kind == Kind::Event {
                tokio::time::sleep(start.event_after).await;
                // Twice at the same time, where the start is: one key is one event.
                let is_twin = start.repeat == Repeat::Twin;
                tokio::join!(self.send_event(start), async {
                    if is_twin {
                        self.send_event(start).await;
                    }
                });
            }
        };
        tokio::join!(again, cancel, event);
    }

    /// Sends the event that a run waits for, as often as it takes.
    async fn send_event(&self, start: &Start) {
        let (number, body, key) = (start.number.to_string(), json!({ "number": start.number }), name(start));
        let new = NewEvent {
            workflow: self.world.workflows[&start.kind],
            name: EVENT,
            key: &number,
            body: &body,
            idempotency_key: Some(&key),
            record: &record(),
        };
        loop {
            match tokio::time::timeout(PATIENCE, self.world.api.send_event(&new)).await {
                Ok(Ok(Sent::Stored { .. } | Sent::Known { .. })) => return,
                Ok(Ok(Sent::Full)) => {
                    return self.note(|told| told.complaints.push(format!("the event {key} was refused")));
                }
                Ok(Err(_)) | Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Starts a run as often as it takes; every other one as for a caller who waits for the answer, who is told of it when it is kept.
    /// Gives whether this made it, where the first try tells.
    async fn acknowledged(&self, start: &Start) -> (RunId, Option<bool>) {
        let trigger = json!({ "kind": "webhook", "name": "storm", "body": { "number": start.number } });
        let (key, record) = (name(start), record());
        let new = NewRun {
            workflow: self.world.workflows[&start.kind],
            version: 1,
            environment: EnvironmentId::DEFAULT,
            trigger: &trigger,
            started_by: None,
            idempotency_key: Some(&key),
            begins_at: None,
            trace_parent: None,
            record: &record,
        };
        let mut tries = 0;
        loop {
            match tokio::time::timeout(PATIENCE, self.begin(start, &new)).await {
                Ok(Ok((run, created))) => return (run, (tries == 0).then_some(created)),
                Ok(Err(_)) | Err(_) => self.note(|told| told.unsure += 1),
            }
            tries += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn begin(&self, start: &Start, new: &NewRun<'_>) -> Result<(RunId, bool), StoreError> {
        if start.number.is_multiple_of(2) {
            return self.world.api.start_run(new).await;
        }
        let begun = self.world.api.start_run_for_answer(RunId::new(), new).await?;
        self.world.api.settle_run(begun.0).await?;
        Ok(begun)
    }

    fn expect_same(&self, start: &Start, one: RunId, other: RunId) {
        if one != other {
            let complaint = format!("the key {} stands for two runs: {one} and {other}", name(start));
            self.note(|told| told.complaints.push(complaint));
        }
    }

    async fn cancel(&self, run: RunId) {
        // From the first try on: one that fails may have been stored.
        self.note(|told| _ = told.cancelled.insert(run));
        while !matches!(tokio::time::timeout(PATIENCE, self.world.api.request_cancel(run)).await, Ok(Ok(()))) {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Answers questions as planned, for ever.
    pub(crate) async fn answer_questions(&self, answers: BTreeMap<usize, bool>) {
        let (api, person) = (&self.world.api, self.world.person);
        loop {
            let open = tokio::time::timeout(PATIENCE, api.open_approvals(person, false, 1000)).await;
            for question in open.ok().and_then(Result::ok).unwrap_or_default() {
                let planned = question.title.parse().ok().and_then(|number: usize| answers.get(&number));
                let verdict = Verdict { approved: planned == Some(&true), ..Verdict::default() };
                let decided = api.decide(question.id, (person, false), &verdict);
                match tokio::time::timeout(PATIENCE, decided).await {
                    // Decided by a try that seemed to fail, or the run has ended.
                    Ok(Ok(_) | Err(StoreError::NotFound { .. })) => {}
                    Ok(Err(_)) | Err(_) => break,
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// The idempotency key of a run.
pub(crate) fn name(start: &Start) -> String {
    format!("{}-{}", start.kind.slug(), start.number)
}
