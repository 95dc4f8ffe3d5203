//! What became of each node, for the person who imports.

use bulkhead_model::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Notes that one import makes at most: a file can be made to have a fault in every byte.
const MAX_NOTES: usize = 2_000;
/// The longest text of the file that a note repeats, in characters.
const MAX_QUOTE: usize = 160;

/// What became of one thing in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Note {
    /// The n8n node's name; none if it is about the whole workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The block that it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Name>,
    /// How much of it there is.
    pub level: Level,
    /// What there is to know or to do, as a sentence for a person.
    pub message: String,
}

/// How much of something was translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It does the same.
    Translated,
    /// It does nearly the same: the message says where it differs, or what to look at.
    Changed,
    /// It is not there: the message says what to do instead.
    Missing,
}

/// The notes of one import, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Report {
    notes: Vec<Note>,
}

impl Report {
    /// A note on the whole workflow.
    pub(crate) fn whole(&mut self, level: Level, message: impl Into<String>) {
        self.push(Note { node: None, block: None, level, message: message.into() });
    }

    /// A note on a node.
    pub(crate) fn node(&mut self, node: &str, block: Option<&Name>, level: Level, message: impl Into<String>) {
        let node = Some(quoted(node));
        self.push(Note { node, block: block.cloned(), level, message: message.into() });
    }

    fn push(&mut self, note: Note) {
        if self.notes.len() < MAX_NOTES && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Those of whole workflow first, then node by node as they came.
    pub(crate) fn into_notes(self) -> Vec<Note> {
        self.notes
    }
}

/// A text of the file, cut to what can be read in a message.
pub(crate) fn quoted(text: &str) -> String {
    let text = text.trim();
    if text.chars().count() <= MAX_QUOTE {
        return text.to_owned();
    }
    let cut: String = text.chars().take(MAX_QUOTE).collect();
    format!("{cut}...")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_there_once_and_not_without_end() {
        let mut report = Report::default();
        for _ in 0..3 {
            report.whole(Level::Changed, "same");
        }
        for number in 0..3_000 {
            report.node("n", None, Level::Missing, format!("{number}"));
        }
        assert_eq!(report.into_notes().len(), MAX_NOTES);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(quoted(&"é".repeat(161)), format!("{}...", "é".repeat(160)));
    }
}
