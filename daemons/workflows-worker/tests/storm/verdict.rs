//! What the design promises, held against what is left of a storm. Each thing that it does not explain is a complaint.
//!
//! | promise | here |
//! |---|---|
//! | an acknowledged run is never lost, and ends | [`Judge::acknowledged`] |
//! | one key is one run | there, and while runs were started |
//! | a run fails for a cause that is its own, or says that an outcome is unknown | [`Judge::end`] |
//! | a run that has succeeded has done all that it is to do | [`Judge::complete`] |
//! | an effect happens once at most, once if the journal says so, never if it says that it failed | [`Judge::effect`] |
//! | what may be repeated is known by its key | [`Judge::repeated`] |
//! | the journal leaves nothing open | [`Judge::call`] |

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_model::RunId;
use bulkhead_model::run::RunStatus;

use crate::evidence::{Call, Counted, Evidence, Journalled, Place, RunRow};
use crate::load::{Told, name};
use crate::plan::Start;
use crate::workflows::is_idempotent;

/// The word of the journal, and the kind of error, for what nobody knows.
pub(crate) const UNKNOWN: &str = "outcome-unknown";

/// A complaint, and the run that it is about.
#[derive(Debug)]
pub(crate) struct Complaint {
    pub(crate) run: Option<RunId>,
    pub(crate) what: String,
}

/// Looks at everything.
pub(crate) fn judge(starts: &[Start], told: &Told, evidence: &Evidence) -> Vec<Complaint> {
    let starts = starts.iter().map(|start| (start.number, start)).collect();
    let mut judge = Judge { starts, told, evidence, complaints: Vec::new() };
    judge.complaints.extend(told.complaints.iter().map(|what| Complaint { run: None, what: what.clone() }));
    judge.acknowledged();
    for (run, row) in &evidence.runs {
        judge.end(*run, row);
    }
    for (call, row) in &evidence.calls {
        judge.call(call, row);
    }
    for (effect, counted) in &evidence.effects {
        judge.effect(effect, counted);
    }
    for (kind, run) in &evidence.unsent {
        judge.complain(*run, format!("the outbox keeps a word to {kind} it"));
    }
    judge.complaints
}

/// Whether a fault may make a call end so: nobody knows what became of it, or it did not get through to the other side, which is a
/// failure like any other.
fn is_explained(call: &Journalled) -> bool {
    const UNREACHABLE: [&str; 2] = ["resource-unreachable", "fetch-unreachable"];
    let is_unreachable = call.error.as_ref().is_some_and(|error| UNREACHABLE.contains(&error.kind.as_str()));
    call.status == UNKNOWN || call.status == "failed" && is_unreachable
}

struct Judge<'a> {
    starts: BTreeMap<usize, &'a Start>,
    told: &'a Told,
    evidence: &'a Evidence,
    complaints: Vec<Complaint>,
}

impl<'a> Judge<'a> {
    fn complain(&mut self, run: RunId, what: String) {
        self.complaints.push(Complaint { run: Some(run), what });
    }

    /// Every acknowledged run is there, under its key, and no other is.
    fn acknowledged(&mut self) {
        for (number, run) in &self.told.runs {
            let key = self.starts.get(number).map(|start| name(start));
            match self.evidence.runs.get(run) {
                None => self.complain(*run, format!("the run that {key:?} was acknowledged as is lost")),
                Some(row) if row.key != key => self.complain(*run, format!("it was acknowledged as {key:?}")),
                Some(_) => {}
            }
        }
        let acknowledged: BTreeSet<&RunId> = self.told.runs.values().collect();
        for (run, _) in self.evidence.runs.iter().filter(|(_, row)| row.parent.is_none()) {
            if !acknowledged.contains(run) {
                self.complain(*run, "nobody was told of it, although its start was tried until it was answered".into());
            }
        }
    }

    /// How a run ended.
    fn end(&mut self, run: RunId, row: &'a RunRow) {
        match row.status {
            RunStatus::Queued | RunStatus::Running | RunStatus::Waiting => {
                self.complain(run, format!("it has not ended: {:?}", row.status));
            }
            RunStatus::Succeeded => self.complete(run, row),
            RunStatus::Cancelled if self.was_cancelled(run) => {}
            RunStatus::Cancelled => self.complain(run, "it was cancelled, and nobody wanted that".into()),
            RunStatus::Failed if self.may_fail(run, row) => {}
            RunStatus::Failed => self.complain(run, format!("no fault explains why it failed: {:?}", row.error)),
        }
    }

    /// A person wanted it, or the run that waits for it ended.
    fn was_cancelled(&self, run: RunId) -> bool {
        let parent = self.evidence.runs.get(&run).and_then(|row| row.parent);
        let has_ended = |parent: RunId| self.evidence.runs.get(&parent).is_some_and(|row| row.status.is_final());
        self.told.cancelled.contains(&run) || parent.is_some_and(has_ended)
    }

    /// A run fails in a block of which a call failed for a reason that a fault explains; or the run that it waits for did.
    fn may_fail(&self, run: RunId, row: &RunRow) -> bool {
        let Some(error) = &row.error else { return false };
        if error.kind == "workflow-failed" {
            return self.evidence.children_of(run).any(|child| child.status == RunStatus::Failed);
        }
        let in_block = |(call, _): &(&Call, &Journalled)| Some(&call.place.block) == error.block.as_ref();
        self.evidence.calls_of(run).filter(in_block).any(|(_, call)| is_explained(call))
    }

    fn has_unknown(&self, run: RunId) -> bool {
        self.evidence.calls_of(run).any(|(_, row)| row.status == UNKNOWN)
    }

    /// A run that has succeeded has done everything, unless one of its workflow's paths is for what is unknown.
    fn complete(&mut self, run: RunId, row: &'a RunRow) {
        for (place, block) in self.evidence.blocks_of(run) {
            if block.status == "running" {
                self.complain(run, format!("it has succeeded, and {place} is still running"));
            }
        }
        let number = row.key.as_ref().and_then(|key| key.rsplit('-').next()?.parse::<usize>().ok());
        let Some(start) = number.and_then(|number| self.starts.get(&number).copied()) else {
            let done = self.distinct(run, "work");
            if done != 1 {
                self.complain(run, format!("it has succeeded, and `work` has had {done} effects"));
            }
            return;
        };
        if self.has_unknown(run) {
            return;
        }
        for (block, wanted) in start.kind.effects(start.approve) {
            let done = self.distinct(run, block);
            if !wanted.contains(&done) {
                self.complain(run, format!("it has succeeded, and `{block}` has had {done} of {wanted:?} effects"));
            }
        }
        let children = self.evidence.children_of(run).count();
        if children != start.kind.children() {
            self.complain(run, format!("it has succeeded, and has started {children} runs"));
        }
    }

    fn distinct(&self, run: RunId, block: &str) -> usize {
        self.evidence.effects.keys().filter(|effect| effect.place.run == run && effect.place.block == block).count()
    }

    /// An effect that was counted outside.
    fn effect(&mut self, effect: &Call, counted: &Counted) {
        let (run, times) = (effect.place.run, counted.times);
        let Some(row) = self.evidence.runs.get(&run) else {
            return self.complain(run, format!("{effect} happened for a run that is lost"));
        };
        let Some(call) = self.evidence.calls.get(effect) else {
            return self.complain(run, format!("{effect} happened {times} times, and the journal has no such call"));
        };
        if is_idempotent(&row.slug, &effect.place.block) {
            return self.repeated(effect, counted);
        }
        if times > 1 {
            self.complain(run, format!("{effect} happened {times} times"));
        }
        if call.status == "failed" {
            self.complain(run, format!("{effect} happened, and the journal says that it failed without an effect"));
        }
        // No workflow here fails after an effect in a way that it may be tried again.
        let next = Place { attempt: effect.place.attempt + 1, ..effect.place.clone() };
        if self.evidence.blocks.contains_key(&next) {
            self.complain(run, format!("{effect} happened, and the block was tried again after that"));
        }
    }

    /// An effect that may happen again comes with the key by which it can be told.
    fn repeated(&mut self, effect: &Call, counted: &Counted) {
        let Place { run, block, iteration, .. } = &effect.place;
        let round = if iteration.is_empty() { String::new() } else { format!("-{iteration}") };
        let key = Some(format!("{run}-{block}{round}"));
        if counted.keys != BTreeSet::from([key]) {
            self.complain(*run, format!("{effect} came with the keys {:?}", counted.keys));
        }
    }

    /// A call in the journal.
    fn call(&mut self, call: &Call, row: &Journalled) {
        let run = call.place.run;
        let times = self.evidence.times(call);
        let is_cancelled = self.evidence.runs.get(&run).is_some_and(|row| row.status == RunStatus::Cancelled);
        let block = self.evidence.blocks.get(&call.place).map(|block| block.status.as_str());
        match row.status.as_str() {
            "finished" if times == 0 => {
                self.complain(run, format!("{call} has finished by the journal, and never happened"));
            }
            // Nobody has waited for it.
            "started" | UNKNOWN if is_cancelled => {}
            "started" => self.complain(run, format!("the journal does not tell how {call} ended")),
            UNKNOWN if block == Some("succeeded") => {
                self.complain(run, format!("what became of {call} is unknown, and its block has succeeded"));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_model::run::RunError;

    use super::*;
    use crate::plan::Plan;

    /// A storm of one run of `inserts`, which went well.
    fn calm() -> (Vec<Start>, Told, Evidence, RunId) {
        let start = Plan::of(1, 60, 12).starts.into_iter().find(|start| start.kind.slug() == "inserts").expect("one");
        let run = RunId::new();
        let now = time::OffsetDateTime::UNIX_EPOCH;
        let row = RunRow {
            slug: "inserts".into(),
            key: Some(name(&start)),
            status: RunStatus::Succeeded,
            error: None,
            parent: None,
            created_at: now,
            finished_at: Some(now),
        };
        let told = Told { runs: BTreeMap::from([(start.number, run)]), ..Told::default() };
        let mut evidence = Evidence { runs: BTreeMap::from([(run, row)]), ..Evidence::default() };
        for block in ["first", "second", "third"] {
            let call = Call::named(&format!("{run}/{block}//1/own"));
            let stands = |status: &str| Journalled { status: status.into(), error: None };
            evidence.blocks.insert(call.place.clone(), stands("succeeded"));
            evidence.effects.insert(call.clone(), Counted { times: 1, ..Counted::default() });
            evidence.calls.insert(call, stands("finished"));
        }
        (vec![start], told, evidence, run)
    }

    /// What is said when one thing is otherwise.
    fn complaints(change: impl FnOnce(&mut Evidence, RunId, &Call)) -> Vec<String> {
        let (starts, told, mut evidence, run) = calm();
        let first = Call::named(&format!("{run}/first//1/own"));
        change(&mut evidence, run, &first);
        judge(&starts, &told, &evidence).into_iter().map(|complaint| complaint.what).collect()
    }

    #[test]
    fn a_calm_leaves_nothing_to_complain_about() {
        assert_eq!(complaints(|_, _, _| {}), Vec::<String>::new());
    }

    #[test]
    fn what_is_lost_stuck_doubled_or_made_up_is_seen() {
        let says = |said: Vec<String>, words: &str| assert!(said.iter().any(|what| what.contains(words)), "{said:?}");
        says(complaints(|evidence, run, _| drop(evidence.runs.remove(&run))), "is lost");
        let status = |status: RunStatus| {
            complaints(|evidence, run, _| evidence.runs.get_mut(&run).expect("there").status = status)
        };
        says(status(RunStatus::Waiting), "has not ended");
        says(status(RunStatus::Cancelled), "nobody wanted that");
        says(status(RunStatus::Failed), "no fault explains");
        says(
            complaints(|evidence, _, call| evidence.effects.get_mut(call).expect("there").times = 2),
            "happened 2 times",
        );
        says(complaints(|evidence, _, call| drop(evidence.effects.remove(call))), "never happened");
        says(complaints(|evidence, _, call| drop(evidence.calls.remove(call))), "no such call");
        let call = |status: &str| {
            complaints(|evidence, _, call| evidence.calls.get_mut(call).expect("there").status = status.into())
        };
        says(call("failed"), "failed without an effect");
        says(call("started"), "does not tell");
        says(call(UNKNOWN), "its block has succeeded");
        says(complaints(|evidence, run, _| evidence.unsent.push(("wake".into(), run))), "the outbox keeps");
    }

    #[test]
    fn an_unknown_outcome_explains_the_failure_of_its_block_and_no_other() {
        let failed_at = |block: &str| {
            complaints(|evidence, run, call| {
                evidence.calls.get_mut(call).expect("there").status = UNKNOWN.into();
                evidence.blocks.get_mut(&call.place).expect("there").status = UNKNOWN.into();
                let row = evidence.runs.get_mut(&run).expect("there");
                row.status = RunStatus::Failed;
                row.error = Some(RunError { block: Some(block.into()), ..RunError::new(UNKNOWN, "") });
            })
        };
        assert_eq!(failed_at("first"), Vec::<String>::new());
        assert_eq!(failed_at("second").len(), 1);
    }
}
