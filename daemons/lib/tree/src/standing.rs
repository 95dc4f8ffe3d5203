//! How a document here and the one in the repository stand to each other.

use serde::{Deserialize, Serialize};

/// What became of a document since both sides had the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Both have the same, or neither has it.
    Same,
    /// It was changed here.
    ChangedHere,
    /// It was changed in the repository.
    ChangedThere,
    /// It is here and was never there.
    OnlyHere,
    /// It is there and was never here.
    OnlyThere,
    /// It was deleted here.
    DeletedHere,
    /// It was deleted there. A pull deletes nothing.
    DeletedThere,
    /// It was changed on both sides: a person chooses.
    Conflict,
}

impl Standing {
    /// By the fingerprints of what is here, of what both sides had last, and of what the repository has.
    pub fn of(here: Option<&str>, base: Option<&str>, there: Option<&str>) -> Self {
        match (here, base, there) {
            _ if here == there => Self::Same,
            (Some(_), None, None) => Self::OnlyHere,
            (_, Some(_), None) => Self::DeletedThere,
            (None, None, Some(_)) => Self::OnlyThere,
            (None, _, _) if base == there => Self::DeletedHere,
            _ if base == there => Self::ChangedHere,
            _ if base == here => Self::ChangedThere,
            _ => Self::Conflict,
        }
    }

    /// Whether a commit may take what is here: nothing that it would overwrite is unseen.
    pub fn may_be_committed(self) -> bool {
        matches!(self, Self::ChangedHere | Self::OnlyHere | Self::DeletedHere | Self::DeletedThere)
    }

    /// Whether a pull takes what is there without asking.
    pub fn is_taken_by_a_pull(self) -> bool {
        matches!(self, Self::ChangedThere | Self::OnlyThere)
    }
}

#[cfg(test)]
mod tests {
    use super::Standing::*;
    use super::*;

    #[test]
    fn each_combination_has_its_standing() {
        let (a, b, c) = (Some("a"), Some("b"), Some("c"));
        for (here, base, there, standing) in [
            (None, None, None, Same),
            (a, a, a, Same),
            (a, b, a, Same),
            (a, None, a, Same),
            (None, a, None, Same),
            (a, None, None, OnlyHere),
            (None, None, a, OnlyThere),
            (b, a, a, ChangedHere),
            (a, a, b, ChangedThere),
            (None, a, a, DeletedHere),
            (a, a, None, DeletedThere),
            (b, a, None, DeletedThere),
            (b, a, c, Conflict),
            (a, None, b, Conflict),
            (None, a, b, Conflict),
        ] {
            assert_eq!(Standing::of(here, base, there), standing, "{here:?} {base:?} {there:?}");
        }
    }
}
