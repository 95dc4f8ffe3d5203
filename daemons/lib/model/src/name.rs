//! Names that people give: identifiers inside a document, slugs in addresses.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

/// The longest name, in characters.
pub const MAX_NAME_LENGTH: usize = 63;

/// Why a text is no name.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// Not an identifier.
    #[error("`{0}` is not a name: use a letter, then letters, digits or _, at most {MAX_NAME_LENGTH} in all")]
    NotAnIdentifier(String),
    /// A word that JavaScript or Python keeps for itself, or that Bulkhead binds.
    #[error("`{0}` is a reserved word: choose another name")]
    Reserved(String),
    /// Not a slug.
    #[error("`{0}` is not a slug: use lower-case letters, digits and single hyphens, at most {MAX_NAME_LENGTH} in all")]
    NotASlug(String),
}

macro_rules! checked_string {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::try_from(text.to_owned())
            }
        }
    };
}

checked_string!(
    /// The name of a component, query, page or block: an identifier in both JavaScript and Python, since code
    /// refers to the thing by it.
    Name
);
checked_string!(
    /// The name of an app, workflow or resource in addresses and files.
    Slug
);

/// Words that cannot name a block or query: either language would refuse them as a variable, or Bulkhead binds them.
const RESERVED: &[&str] = &[
    "and",
    "arguments",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "console",
    "const",
    "continue",
    "current_user",
    "debugger",
    "def",
    "default",
    "del",
    "delete",
    "do",
    "elif",
    "else",
    "enum",
    "environment",
    "eval",
    "except",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "from",
    "function",
    "global",
    "globalThis",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "is",
    "lambda",
    "let",
    "log",
    "new",
    "nonlocal",
    "not",
    "null",
    "or",
    "package",
    "pass",
    "print",
    "private",
    "protected",
    "public",
    "query",
    "raise",
    "return",
    "secret",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "trigger",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
    "False",
    "None",
    "True",
];

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        let mut chars = text.chars();
        let first_is_letter = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
        if !first_is_letter || text.len() > MAX_NAME_LENGTH || !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(NameError::NotAnIdentifier(shortened(&text)));
        }
        if RESERVED.contains(&text.as_str()) {
            return Err(NameError::Reserved(text));
        }
        Ok(Self(text))
    }
}

impl TryFrom<String> for Slug {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        let well_formed = !text.is_empty()
            && text.len() <= MAX_NAME_LENGTH
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.contains("--");
        if well_formed { Ok(Self(text)) } else { Err(NameError::NotASlug(shortened(&text))) }
    }
}

/// Bad input is echoed in messages, so it is cut to a readable length first.
fn shortened(text: &str) -> String {
    text.chars().take(MAX_NAME_LENGTH + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_identifier_in_both_languages() {
        for good in ["a", "loadOrders", "x_1"] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for bad in ["", "1a", "a-b", "_x", "é", "a b", "return", "None", "__proto__", &"a".repeat(64)] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_slug_is_safe_in_an_address_and_a_path() {
        for good in ["customers", "monthly-revenue", "a1"] {
            assert!(good.parse::<Slug>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "A", "a/b", "..", "a.b"] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
        }
    }
}
