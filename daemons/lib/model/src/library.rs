//! Sets of libraries for code: what a lock file became when it was built.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

/// Names a built set of libraries: the SHA-256 of what went into it, as 64 lower-case hexadecimal digits. It is the name of the
/// directory that the set lies in, so nothing else can be one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String)]
pub struct LibraryImage(String);

/// A text that names no set of libraries.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a library image is named by 64 lower-case hexadecimal digits")]
pub struct LibraryImageError;

/// The sets of libraries that code finds beside the standard ones, at most one for each language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Libraries {
    /// For JavaScript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub javascript: Option<LibraryImage>,
    /// For Python.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<LibraryImage>,
}

impl LibraryImage {
    /// The 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for LibraryImage {
    type Error = LibraryImageError;

    fn try_from(text: String) -> Result<Self, LibraryImageError> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(is_digit) { Ok(Self(text)) } else { Err(LibraryImageError) }
    }
}

impl FromStr for LibraryImage {
    type Err = LibraryImageError;

    fn from_str(text: &str) -> Result<Self, LibraryImageError> {
        text.to_owned().try_into()
    }
}

impl From<LibraryImage> for String {
    fn from(image: LibraryImage) -> Self {
        image.0
    }
}

impl fmt::Display for LibraryImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_hash_names_an_image() {
        assert!("a".repeat(64).parse::<LibraryImage>().is_ok());
        for other in ["", "../..", &"A".repeat(64), &"a".repeat(63), &format!("{}/", "a".repeat(63))] {
            assert_eq!(other.parse::<LibraryImage>(), Err(LibraryImageError), "{other}");
        }
    }
}
