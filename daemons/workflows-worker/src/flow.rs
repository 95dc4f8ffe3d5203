//! How walks end, and why they pause.

use std::sync::Arc;

use bulkhead_model::run::RunError;
use bulkhead_rpc::backend::{BlockOutcome, FinishRequest, WaitingFor};
use serde_json::Value;

/// What a walk came to in this step.
#[derive(Debug)]
pub(crate) enum Flow {
    /// Its last block ended, with this result.
    Ended(Arc<Value>),
    /// A block failed, and no edge leads on from that.
    Failed(RunError),
    /// It goes on in a later step.
    Paused(Pause),
    /// The whole run ends here.
    Stopped(Box<FinishRequest>),
}

/// What settling one block came to in this step.
#[derive(Debug)]
pub(crate) enum Settled {
    Ended(BlockOutcome),
    Paused(Pause),
    Stopped(Box<FinishRequest>),
}

/// Until when a walk pauses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The step has taken its time: the next one goes on at once.
    Budget,
    /// Nothing is to be done until then, or until the run is woken.
    Wait(WaitingFor),
}

impl Pause {
    /// Of two walks that pause at the same time, the one that goes on first.
    pub(crate) fn or(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Budget, _) | (_, Self::Budget) => Self::Budget,
            (Self::Wait(one), Self::Wait(two)) => {
                let at = |waiting: &WaitingFor| waiting.until_ms.unwrap_or(u64::MAX);
                if at(two) < at(one) { other } else { self }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_that_goes_on_first_decides() {
        let wait =
            |until_ms: Option<u64>| Pause::Wait(WaitingFor { kind: "wait".into(), until_ms, ..WaitingFor::default() });
        assert_eq!(wait(Some(5)).or(wait(Some(3))), wait(Some(3)));
        assert_eq!(wait(None).or(wait(Some(3))), wait(Some(3)));
        assert_eq!(wait(Some(3)).or(Pause::Budget), Pause::Budget);
    }
}
