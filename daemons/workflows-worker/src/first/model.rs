//! An exhaustive search of what two workers, Temporal, and faults at any moment can do to one run with one call that must not happen
//! twice.
//!
//! What a worker decides is decided by [`Then`], as in the daemon. The rest (claims, the journal, Temporal's promise to step until the run
//! has ended) is modelled as it is documented. Every state that can be reached is looked at:
//!
//! - the effect of the call has happened once at most;
//! - a run that has not ended is guarded: its entry is in the outbox, or Temporal drives it; one that has ended is in the outbox no more;
//! - a run that a crash has taken back was acknowledged to nobody and has had no effect;
//! - from everywhere, without further faults, the run ends and leaves the outbox.

use std::collections::{HashMap, HashSet, VecDeque};

use bulkhead_temporal_engine::{Progress, StepError};

use super::Then;

/// Two workers, and a step that Temporal has given to one of them.
const ACTORS: usize = 3;
const TEMPORAL: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Actor {
    Idle,
    /// Has a claim, and decides.
    Claimed {
        is_first: bool,
    },
    /// Makes a step: reads the journal next.
    Reads,
    /// Asks for the call next, unless the journal had its result.
    Calls,
    /// Waits for the call that is under way.
    Attached,
    /// Stores the run's end next.
    Ends,
    /// Gives the run to Temporal next.
    HandsOver,
    /// Marks the entry next, since Temporal has the run.
    Marks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Call {
    Unknown,
    New,
    /// Journalled; whether workflows-backend still makes it.
    Started {
        is_alive: bool,
    },
    Finished,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct State {
    actors: [Actor; ACTORS],
    /// Who holds the claim, while its lease lasts.
    holder: Option<usize>,
    was_claimed: bool,
    is_sent: bool,
    is_driven: bool,
    /// Temporal has lost the run with its database, and the reconciler has not looked yet.
    is_lost: bool,
    /// Stored with the entry's mark, and durably.
    has_ended: bool,
    /// Whether the run survives a crash: its start was waited for, or something that was stored later.
    is_kept: bool,
    /// Somebody was told of the run.
    is_told: bool,
    /// A crash has taken the run back.
    is_gone: bool,
    call: Call,
    effects: u8,
}

/// Accepted for a caller who waits for the answer.
const START: State = State {
    actors: [Actor::Idle; ACTORS],
    holder: None,
    was_claimed: false,
    is_sent: false,
    is_driven: false,
    is_lost: false,
    has_ended: false,
    is_kept: false,
    is_told: false,
    is_gone: false,
    call: Call::New,
    effects: 0,
};

impl State {
    fn with(mut self, actor: usize, next: Actor) -> Self {
        self.actors[actor] = next;
        self
    }

    /// After a worker's decision.
    fn then(self, actor: usize, then: Then) -> Self {
        let next = match then {
            Then::Step => Actor::Reads,
            Then::HandOver => Actor::HandsOver,
            Then::Rest => Actor::Idle,
        };
        self.with(actor, next)
    }

    /// After a step: a worker's own is followed by its decision; one of Temporal's by Temporal.
    fn stepped(self, actor: usize, step: &Result<Progress, StepError>) -> Self {
        if actor != TEMPORAL {
            return self.then(actor, Then::of_step(step));
        }
        let has_ended = matches!(step, Ok(Progress::Finished));
        Self { is_driven: !has_ended, ..self.with(actor, Actor::Idle) }
    }

    /// What may happen next without a fault.
    fn steps(self) -> Vec<Self> {
        let mut next = Vec::new();
        if self.is_gone {
            // Nothing can be stored of it: whoever works for it gives up, and Temporal drops it.
            for number in (0..ACTORS).filter(|number| self.actors[*number] != Actor::Idle) {
                next.push(self.with(number, Actor::Idle));
            }
            next.push(Self { is_driven: false, is_lost: false, ..self });
            return next;
        }
        if !self.is_told {
            // The caller was accepted, or is told that the run goes on: both wait for the disk.
            next.push(Self { is_told: true, is_kept: true, ..self });
        }
        for (number, actor) in self.actors.into_iter().enumerate() {
            match actor {
                Actor::Idle if number == TEMPORAL && self.is_driven => next.push(self.with(number, Actor::Reads)),
                Actor::Idle if number != TEMPORAL && !self.is_sent && self.holder.is_none() => {
                    let claimed = Self { holder: Some(number), was_claimed: true, ..self };
                    next.push(claimed.with(number, Actor::Claimed { is_first: !self.was_claimed }));
                }
                Actor::Idle => {}
                Actor::Claimed { is_first } => {
                    next.push(self.then(number, Then::of_claim(is_first)));
                    if Then::of_claim(is_first) == Then::Step {
                        // The journal was read before the claim, and what has happened since is not seen.
                        next.push(self.with(number, Actor::Calls));
                    }
                }
                Actor::Reads if self.has_ended => next.push(self.stepped(number, &Ok(Progress::Finished))),
                Actor::Reads => {
                    next.push(self.with(number, Actor::Calls));
                    // The step takes its second, or a service does not answer: as often as not.
                    next.push(self.stepped(number, &Ok(Progress::Continue)));
                    next.push(self.stepped(number, &Err(StepError(String::new()))));
                }
                Actor::Calls => next.push(match self.call {
                    // Marked as started, which waits for the disk, and then made.
                    Call::New => {
                        let call = Call::Started { is_alive: true };
                        Self { call, effects: self.effects + 1, is_kept: true, ..self }.with(number, Actor::Attached)
                    }
                    Call::Started { is_alive: true } => self.with(number, Actor::Attached),
                    // Nobody makes it any more: it is not made again.
                    Call::Started { is_alive: false } => Self { call: Call::Unknown, ..self }.with(number, Actor::Ends),
                    Call::Finished | Call::Unknown => self.with(number, Actor::Ends),
                }),
                Actor::Attached => match self.call {
                    Call::Started { is_alive: true } => next.push(Self { call: Call::Finished, ..self }),
                    Call::Started { is_alive: false } => next.push(self.with(number, Actor::Calls)),
                    Call::New | Call::Finished | Call::Unknown => next.push(self.with(number, Actor::Ends)),
                },
                Actor::Ends => {
                    let ended = Self { has_ended: true, is_kept: true, is_sent: true, ..self };
                    next.push(ended.stepped(number, &Ok(Progress::Finished)));
                }
                Actor::HandsOver => {
                    // Temporal knows it already, or takes it; then a run that has ended is found to have.
                    next.push(Self { is_driven: true, ..self }.with(number, Actor::Marks));
                    // It does not answer: the entry stays.
                    next.push(self.with(number, Actor::Idle));
                }
                Actor::Marks => {
                    let holder = self.holder.filter(|holder| *holder != number);
                    next.push(Self { is_sent: true, holder, ..self }.with(number, Actor::Idle));
                }
            }
        }
        if self.is_lost {
            next.push(Self { is_lost: false, is_driven: !self.has_ended, ..self });
        }
        // The lease of a holder that does nothing for its claim ends.
        if let Some(holder) = self.holder
            && self.actors[holder] == Actor::Idle
        {
            next.push(Self { holder: None, ..self });
        }
        next
    }

    fn faults(self) -> Vec<Self> {
        let mut next = Vec::new();
        for (number, actor) in self.actors.into_iter().enumerate() {
            if actor != Actor::Idle {
                // Killed at this moment. Temporal gives its step to another worker.
                next.push(self.with(number, Actor::Idle));
            }
        }
        // Cut off, or slow, for longer than the lease.
        next.push(Self { holder: None, ..self });
        // workflows-backend is killed.
        if self.call == (Call::Started { is_alive: true }) {
            next.push(Self { call: Call::Started { is_alive: false }, ..self });
        }
        if self.is_driven {
            next.push(Self { is_driven: false, is_lost: true, ..self.with(TEMPORAL, Actor::Idle) });
        }
        // PostgreSQL is killed, and with it go claims and marks that were not on disk yet; or the whole run.
        let crashed =
            Self { holder: None, was_claimed: false, is_sent: self.has_ended, is_gone: !self.is_kept, ..self };
        next.push(crashed);
        // The power is cut: the same, and everybody is gone, with Temporal's newest run.
        let actors = [Actor::Idle; ACTORS];
        let call = match self.call {
            Call::Started { .. } => Call::Started { is_alive: false },
            call => call,
        };
        next.push(Self { actors, call, is_driven: false, ..crashed });
        next
    }

    fn is_guarded(self) -> bool {
        if self.has_ended { self.is_sent } else { !self.is_sent || self.is_driven || self.is_lost || self.is_gone }
    }

    /// Whether nobody misses a run that is gone.
    fn is_not_missed(self) -> bool {
        !self.is_gone || !self.is_told && !self.has_ended && self.effects == 0
    }
}

#[test]
fn no_fault_loses_a_run_or_doubles_its_effect() {
    let mut before: HashMap<State, Vec<State>> = HashMap::new();
    let (mut seen, mut pending) = (HashSet::from([START]), VecDeque::from([START]));
    while let Some(state) = pending.pop_front() {
        assert!(state.effects <= 1, "the effect has happened twice: {state:#?}");
        assert!(state.is_guarded(), "nobody goes on with the run, or somebody does after its end: {state:#?}");
        assert!(state.is_not_missed(), "a run is lost that somebody relies on: {state:#?}");
        for next in state.steps() {
            before.entry(next).or_default().push(state);
        }
        for next in state.steps().into_iter().chain(state.faults()) {
            if seen.insert(next) {
                pending.push_back(next);
            }
        }
    }
    // Whatever has happened: where the faults end, there is a way to the end.
    let is_idle = |state: &State| state.actors == [Actor::Idle; ACTORS] && !state.is_driven && !state.is_lost;
    let is_done = |state: &State| {
        if state.is_gone { is_idle(state) } else { state.has_ended && !state.is_driven && !state.is_lost }
    };
    let mut good: HashSet<State> = seen.iter().copied().filter(is_done).collect();
    let mut pending: Vec<State> = good.iter().copied().collect();
    while let Some(state) = pending.pop() {
        for earlier in before.get(&state).into_iter().flatten() {
            if good.insert(*earlier) {
                pending.push(*earlier);
            }
        }
    }
    assert_eq!(seen.difference(&good).next(), None, "from here the run never ends");
    assert!(seen.len() > 1000, "only {} states", seen.len());
}
