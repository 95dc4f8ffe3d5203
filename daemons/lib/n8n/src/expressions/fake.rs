//! What expressions ask for, for tests of what they become.

use super::{Items, Pick};

/// Names as a block in the body of a loop sees them; the item at hand is as given, and stands in the list `load`.
pub(crate) struct Fake(pub(crate) &'static str);

impl Items for Fake {
    fn json(&self) -> String {
        self.0.to_owned()
    }

    fn all(&self) -> String {
        "load".to_owned()
    }

    fn index(&self) -> String {
        "index".to_owned()
    }

    fn node(&self, name: &str, pick: Pick) -> Result<String, String> {
        if name == "gone" {
            return Err("there is no node `gone`".to_owned());
        }
        let block: String = name.to_ascii_lowercase().replace(' ', "_");
        Ok(match pick {
            Pick::Item => format!("{block}[index]"),
            Pick::First => format!("{block}[0]"),
            Pick::Last => format!("{block}.at(-1)"),
            Pick::All => block,
            Pick::Ran => format!("(typeof {block} !== 'undefined')"),
        })
    }

    fn title(&self) -> &str {
        "The \"title\""
    }

    fn id(&self) -> Option<&str> {
        Some("w1")
    }

    fn previous(&self) -> Option<String> {
        Some("Load".to_owned())
    }

    fn variable(&self, name: &str) -> Option<String> {
        Some(format!("vars.{name}"))
    }

    fn may_grow(&self, _: usize) -> bool {
        true
    }
}
