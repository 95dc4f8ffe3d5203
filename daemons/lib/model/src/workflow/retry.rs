//! When a block that failed is tried again.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Fault;

/// Attempts after the first that a block may ask for.
const MAX_COUNT: u32 = 100;
/// The longest pause, in milliseconds: a day.
const MAX_DELAY_MS: u32 = 24 * 3600 * 1000;

/// How often and when a block that failed is tried again.
///
/// A block that may have changed something is tried again only if it is declared idempotent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Retry {
    /// Attempts after the first, 1 to 100.
    pub count: u32,
    /// Milliseconds before the second attempt.
    #[serde(default = "default_delay_ms")]
    pub delay_ms: u32,
    /// Each further pause is this many times the one before, 1 to 10.
    #[serde(default = "default_factor")]
    pub factor: f64,
    /// No pause is longer, in milliseconds.
    #[serde(default = "default_max_delay_ms")]
    pub max_delay_ms: u32,
    /// The kinds of errors that are worth another attempt (`query-failed`, `wall-time`, ...); all of them when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<String>,
}

fn default_delay_ms() -> u32 {
    1000
}

fn default_factor() -> f64 {
    2.0
}

fn default_max_delay_ms() -> u32 {
    60_000
}

impl Retry {
    /// Milliseconds to wait after `attempt` (the first is 1) failed with an error of `kind`; none if that was the last.
    pub fn delay_after(&self, attempt: u32, kind: &str) -> Option<u64> {
        let is_worth_it = self.on.is_empty() || self.on.iter().any(|wanted| wanted == kind);
        if attempt > self.count || !is_worth_it {
            return None;
        }
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let delay = f64::from(self.delay_ms) * self.factor.powi(exponent);
        Some(delay.min(f64::from(self.max_delay_ms)) as u64)
    }

    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        if !(1..=MAX_COUNT).contains(&self.count) {
            faults.push(Fault::new(format!("{path}.count"), format!("must be between 1 and {MAX_COUNT}")));
        }
        if !(1.0..=10.0).contains(&self.factor) {
            faults.push(Fault::new(format!("{path}.factor"), "must be between 1 and 10"));
        }
        for (key, value) in [("delay-ms", self.delay_ms), ("max-delay-ms", self.max_delay_ms)] {
            if value > MAX_DELAY_MS {
                faults.push(Fault::new(format!("{path}.{key}"), format!("must be at most {MAX_DELAY_MS}, a day")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry() -> Retry {
        Retry { count: 5, delay_ms: 100, factor: 2.0, max_delay_ms: 500, on: Vec::new() }
    }

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let delays: Vec<_> = (1..=6).map(|attempt| retry().delay_after(attempt, "thrown")).collect();
        assert_eq!(delays, [Some(100), Some(200), Some(400), Some(500), Some(500), None]);
    }

    #[test]
    fn only_the_named_kinds_are_tried_again() {
        let retry = Retry { on: vec!["wall-time".into()], ..retry() };
        assert_eq!(retry.delay_after(1, "wall-time"), Some(100));
        assert_eq!(retry.delay_after(1, "thrown"), None);
    }
}
