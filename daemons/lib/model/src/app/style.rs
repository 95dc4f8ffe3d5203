//! What an app looks like beyond its theme: a style sheet, and the classes by which that finds components.

use super::check::Check;
use super::{AppDocument, Component};

/// The longest style sheet, in bytes.
pub const MAX_STYLE_BYTES: usize = 64 * 1024;
/// The most classes of one component.
const MAX_CLASSES: usize = 10;
/// Characters of a class.
const MAX_CLASS: usize = 63;

impl Check<'_> {
    /// What is in the style sheet is the browser's to read: it applies what touches the app alone, and says what it does not know.
    pub(super) fn style(&mut self, AppDocument { style, .. }: &AppDocument) {
        let length = style.as_ref().map_or(0, String::len);
        if length > MAX_STYLE_BYTES {
            self.fault("style", format!("is {length} bytes long; the most is {MAX_STYLE_BYTES}"));
        }
    }

    pub(super) fn class(&mut self, Component { class, .. }: &Component, path: &str) {
        let classes: Vec<&str> = class.iter().flat_map(|class| class.split_whitespace()).collect();
        let is_class = |name: &&str| {
            name.len() <= MAX_CLASS
                && name.starts_with(|first: char| first.is_ascii_alphabetic())
                && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '-' || char == '_')
        };
        if classes.len() > MAX_CLASSES || !classes.iter().all(is_class) {
            let message = format!(
                "must be at most {MAX_CLASSES} names with blanks between them, each of a letter, then letters, digits, `-` or `_`"
            );
            self.fault(&format!("{path}.class"), message);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn faults(style: &str, class: &str) -> Vec<String> {
        let page = json!({
            "components": { "a": { "type": "text", "class": class } },
            "layout": { "a": { "column": 0, "row": 0, "width": 4, "height": 1 } },
        });
        let document: Value =
            json!({ "format": 1, "title": "App", "home-page": "home", "style": style, "pages": { "home": page } });
        let document: AppDocument = serde_json::from_value(document).expect("a document");
        document.validate().into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn classes_are_plain_names() {
        assert_eq!(faults(".urgent { color: red }", " urgent  big-one "), [""; 0]);
        assert_eq!(faults(&"x".repeat(MAX_STYLE_BYTES + 1), ""), ["style"]);
        for class in ["1a", "a.b", "-x", "a\"b", &"a ".repeat(11), &"a".repeat(64)] {
            assert_eq!(faults("", class), ["pages.home.components.a.class"], "{class}");
        }
    }
}
