//! Whether a daemon can do its job, as named conditions: `/readyz` on the control socket, one line in `systemctl status`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "reason", rename_all = "kebab-case")]
enum Condition {
    Ready,
    Degraded(String),
    NotReady(String),
}

/// All conditions of a daemon. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    conditions: Arc<Mutex<BTreeMap<&'static str, Condition>>>,
}

/// The answer of `/readyz`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    /// `ready`, `degraded` or `not-ready`: the worst of the conditions.
    pub(crate) status: &'static str,
    conditions: BTreeMap<&'static str, Condition>,
}

impl Readiness {
    /// `condition` holds.
    pub fn ready(&self, condition: &'static str) {
        self.set(condition, Condition::Ready);
    }

    /// The daemon works, with less than it should have.
    pub fn degraded(&self, condition: &'static str, reason: impl Into<String>) {
        self.set(condition, Condition::Degraded(reason.into()));
    }

    /// The daemon cannot do its job; `reason` names the fix.
    pub fn not_ready(&self, condition: &'static str, reason: impl Into<String>) {
        self.set(condition, Condition::NotReady(reason.into()));
    }

    fn set(&self, name: &'static str, condition: Condition) {
        let mut conditions = self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        if conditions.get(name) == Some(&condition) {
            return;
        }
        match &condition {
            Condition::Ready => tracing::info!("{name}: ready"),
            Condition::Degraded(reason) => tracing::warn!("{name}: degraded: {reason}"),
            Condition::NotReady(reason) => tracing::warn!("{name}: not ready: {reason}"),
        }
        conditions.insert(name, condition);
        drop(conditions);
        crate::daemon::notify(&[sd_notify::NotifyState::Status(&self.status_line())]);
    }

    /// Whether the daemon can do its job, if with less than it should have.
    pub fn is_ready(&self) -> bool {
        self.summary().status != "not-ready"
    }

    pub(crate) fn summary(&self) -> Summary {
        let conditions = self.conditions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let any = |wanted: fn(&Condition) -> bool| conditions.values().any(wanted);
        let status = if any(|condition| matches!(condition, Condition::NotReady(_))) {
            "not-ready"
        } else if any(|condition| matches!(condition, Condition::Degraded(_))) {
            "degraded"
        } else {
            "ready"
        };
        Summary { status, conditions }
    }

    /// What is wrong, in one line.
    fn status_line(&self) -> String {
        let summary = self.summary();
        let reasons = summary.conditions.iter().filter_map(|(name, condition)| match condition {
            Condition::Ready => None,
            Condition::Degraded(reason) | Condition::NotReady(reason) => Some(format!("{name}: {reason}")),
        });
        let reasons: Vec<_> = reasons.collect();
        if reasons.is_empty() { "Ready".to_owned() } else { reasons.join("; ").replace('\n', " ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_condition_decides() {
        let readiness = Readiness::default();
        assert_eq!(readiness.summary().status, "ready");
        readiness.degraded("limits", "no cgroup v2");
        readiness.ready("database");
        assert_eq!(readiness.summary().status, "degraded");
        readiness.not_ready("database", "is down");
        assert_eq!(readiness.summary().status, "not-ready");
        assert_eq!(readiness.status_line(), "database: is down; limits: no cgroup v2");
        readiness.ready("database");
        assert_eq!(readiness.summary().status, "degraded");
    }
}
