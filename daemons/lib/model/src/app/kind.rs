//! What a component is. The server draws none of them: it keeps a kind of a later version as it is.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

/// The longest kind, in characters.
const MAX_KIND_LENGTH: usize = 40;

/// Kinds that hold other components.
const CONTAINERS: &[&str] = &["container", "drawer", "form", "list", "modal", "module", "steps", "tabs"];

/// Kinds whose value people change.
const INPUTS: &[&str] = &[
    "checkbox",
    "checkbox-group",
    "code-editor",
    "currency",
    "date",
    "date-range",
    "datetime",
    "email",
    "file-picker",
    "json-editor",
    "multiselect",
    "number-input",
    "password",
    "phone",
    "radio",
    "rating",
    "rich-text",
    "scanner",
    "schema-form",
    "select",
    "signature",
    "slider",
    "switch",
    "text-area",
    "text-input",
    "time",
    "url",
];

/// Kinds that show something, or start something.
const DISPLAYS: &[&str] = &[
    "alert",
    "avatar",
    "button",
    "button-group",
    "calendar",
    "chart",
    "custom",
    "divider",
    "icon",
    "iframe",
    "image",
    "json",
    "kanban",
    "key-value",
    "link",
    "map",
    "markdown",
    "navigation",
    "pdf",
    "progress",
    "spinner",
    "statistic",
    "table",
    "tags",
    "text",
    "timeline",
    "tree",
];

/// The kind of a component: lower-case words with hyphens between them. One that this version does not know is kept, and shown
/// as unknown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "text-input")]
pub struct ComponentKind(String);

/// A text that is no kind of a component.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is no kind of a component: use lower-case words with hyphens between them, such as `text-input`")]
pub struct NotAKind(String);

impl ComponentKind {
    /// The kinds that this version knows, by name.
    pub fn known() -> Vec<&'static str> {
        let mut kinds = [CONTAINERS, DISPLAYS, INPUTS].concat();
        kinds.sort_unstable();
        kinds
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this version knows it.
    pub fn is_known(&self) -> bool {
        [CONTAINERS, DISPLAYS, INPUTS].iter().any(|kinds| kinds.contains(&self.as_str()))
    }

    /// Whether a property of it is code that is kept as it is: a `{{` there belongs to that code.
    pub(super) fn keeps(&self, property: &str) -> bool {
        self.as_str() == "custom" && matches!(property, "script" | "style")
    }

    /// Whether it may hold other components; a kind of a later version may.
    pub(super) fn may_hold_components(&self) -> bool {
        !self.is_known() || CONTAINERS.contains(&self.as_str())
    }
}

impl TryFrom<String> for ComponentKind {
    type Error = NotAKind;

    fn try_from(text: String) -> Result<Self, NotAKind> {
        let is_word = |word: &str| {
            word.starts_with(|first: char| first.is_ascii_lowercase())
                && word.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit())
        };
        if text.len() <= MAX_KIND_LENGTH && text.split('-').all(is_word) {
            Ok(Self(text))
        } else {
            Err(NotAKind(text.chars().take(MAX_KIND_LENGTH + 1).collect()))
        }
    }
}

impl From<ComponentKind> for String {
    fn from(kind: ComponentKind) -> Self {
        kind.0
    }
}
