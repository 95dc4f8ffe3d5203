//! How often something may fail: wrong passwords, wrong webhook keys.
//!
//! The memory is a fixed table of counters, so that a flood of made-up names costs nothing. Two keys may share a counter;
//! a keyed hash keeps an attacker from choosing with whom.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::http_error::ApiError;

const SLOTS: usize = 4096;
const WINDOW: Duration = Duration::from_secs(60);

/// Counters of failures per key and minute.
#[derive(Debug)]
pub(crate) struct Attempts {
    limit: u32,
    hasher: RandomState,
    slots: Mutex<Vec<Slot>>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    since: Instant,
    count: u32,
}

impl Attempts {
    /// At most `limit` failures a minute.
    pub(crate) fn new(limit: u32) -> Self {
        let empty = Slot { since: Instant::now(), count: 0 };
        Self { limit, hasher: RandomState::new(), slots: Mutex::new(vec![empty; SLOTS]) }
    }

    /// Counts an attempt before it is made, so that many at once cannot slip through together.
    pub(crate) fn begin(&self, key: impl Hash) -> Result<(), ApiError> {
        let now = Instant::now();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = &mut slots[self.index(key)];
        let age = now.duration_since(slot.since);
        if age >= WINDOW {
            *slot = Slot { since: now, count: 0 };
        } else if slot.count >= self.limit {
            return Err(ApiError::TooManyAttempts { retry_after_s: (WINDOW - age).as_secs() + 1 });
        }
        slot.count += 1;
        Ok(())
    }

    /// Takes an attempt back: it was no failure.
    pub(crate) fn succeeded(&self, key: impl Hash) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = &mut slots[self.index(key)];
        slot.count = slot.count.saturating_sub(1);
    }

    fn index(&self, key: impl Hash) -> usize {
        let hash = self.hasher.hash_one(key);
        usize::try_from(hash % SLOTS as u64).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_per_key_and_success_does_not_count() {
        let attempts = Attempts::new(2);
        for _ in 0..10 {
            attempts.begin("good").expect("not limited");
            attempts.succeeded("good");
        }
        attempts.begin("bad").expect("first");
        attempts.begin("bad").expect("second");
        let error = attempts.begin("bad").expect_err("third");
        assert!(matches!(error, ApiError::TooManyAttempts { retry_after_s: 1..=61 }));
    }
}
