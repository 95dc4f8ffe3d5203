//! The block that asks people.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::form::{self, FormField};
use super::{Block, MAX_RUN_SECONDS, WorkflowDocument};
use crate::{Fault, Name, Slug};

/// People that one list names, and groups.
const MAX_NAMED: usize = 100;

/// A block that goes on when a person has decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ApprovalBlock {
    /// What is asked, with `{{ }}`.
    pub title: String,
    /// What there is to know, with `{{ }}`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The e-mail addresses of those who may decide; everyone who may edit the workflow when there are no groups either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
    /// Groups whose members may decide.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Slug>,
    /// What the person fills in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub form: Vec<FormField>,
    /// Seconds after which others may decide too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_after_s: Option<u32>,
    /// Who may decide too from then on.
    #[serde(default, skip_serializing_if = "Deciders::is_empty")]
    pub escalate_to: Deciders,
    /// Seconds until the deadline; without it the question stays open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_s: Option<u32>,
    /// What becomes of the question at the deadline.
    #[serde(default)]
    pub at_deadline: DeadlineOutcome,
}

/// Who may decide.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Deciders {
    /// E-mail addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
    /// Groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Slug>,
}

impl Deciders {
    /// Whether it names nobody.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty() && self.groups.is_empty()
    }
}

/// What becomes of a question that nobody has answered in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeadlineOutcome {
    /// It counts as rejected.
    #[default]
    Reject,
    /// It counts as approved.
    Approve,
    /// The block fails.
    Fail,
}

impl ApprovalBlock {
    /// Its faults, but for those of its texts.
    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        named(self.people.len(), &format!("{path}.people"), faults);
        named(self.groups.len(), &format!("{path}.groups"), faults);
        named(self.escalate_to.people.len(), &format!("{path}.escalate-to.people"), faults);
        named(self.escalate_to.groups.len(), &format!("{path}.escalate-to.groups"), faults);
        form::faults(&self.form, &format!("{path}.form"), faults);
        for (key, seconds) in [("deadline-s", self.deadline_s), ("escalate-after-s", self.escalate_after_s)] {
            if seconds.is_some_and(|seconds| !(1..=MAX_RUN_SECONDS).contains(&seconds)) {
                let message = format!("must be between 1 and {MAX_RUN_SECONDS}, a year");
                faults.push(Fault::new(format!("{path}.{key}"), message));
            }
        }
        match self.escalate_after_s {
            None if !self.escalate_to.is_empty() => {
                let message = "is missing: say after how many seconds those of escalate-to may decide too";
                faults.push(Fault::new(format!("{path}.escalate-after-s"), message));
            }
            Some(_) if self.escalate_to.is_empty() => {
                let message = "names nobody: add people or groups who may decide then, or remove escalate-after-s";
                faults.push(Fault::new(format!("{path}.escalate-to"), message));
            }
            Some(after) if self.deadline_s.is_some_and(|deadline| deadline <= after) => {
                let message = "is not before the deadline: nobody would have time to decide";
                faults.push(Fault::new(format!("{path}.escalate-after-s"), message));
            }
            _ => {}
        }
    }
}

fn named(count: usize, path: &str, faults: &mut Vec<Fault>) {
    if count > MAX_NAMED {
        faults.push(Fault::new(path, format!("has {count} entries and must have 0 to {MAX_NAMED}")));
    }
}

impl WorkflowDocument {
    /// The groups that its blocks name, each with its place.
    pub fn groups(&self) -> impl Iterator<Item = (String, &Slug)> {
        let approvals = self.blocks.iter().filter_map(|(name, block)| match block {
            Block::Approval(block) => Some((name, block)),
            _ => None,
        });
        let placed = |block: &Name, key: &'static str, number: usize| format!("blocks.{block}.{key}.{number}");
        approvals.flat_map(move |(name, block)| {
            let asked = block.groups.iter().enumerate().map(move |(at, group)| (placed(name, "groups", at), group));
            let later = block.escalate_to.groups.iter().enumerate();
            asked.chain(later.map(move |(at, group)| (placed(name, "escalate-to.groups", at), group)))
        })
    }
}
