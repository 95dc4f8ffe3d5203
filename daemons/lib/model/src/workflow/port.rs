//! The ways out of a block.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

/// The longest port, in characters.
const MAX_PORT_LENGTH: usize = 63;

/// A way out of a block other than the plain one: `true`, `error`, the name of a case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String)]
pub struct Port(String);

/// Why a text names no port.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` names no way out: use a letter, then letters, digits, - or _, at most {MAX_PORT_LENGTH} in all")]
pub struct PortError(String);

impl Port {
    /// A branch's condition holds.
    pub const TRUE: &str = "true";
    /// It does not.
    pub const FALSE: &str = "false";
    /// No case of a switch holds.
    pub const ELSE: &str = "else";
    /// The block failed, for good.
    pub const ERROR: &str = "error";
    /// The body of a loop, once for each item.
    pub const EACH: &str = "each";
    /// What a `try` block tries.
    pub const TRY: &str = "try";
    /// What it does when that fails.
    pub const CATCH: &str = "catch";
    /// A person said yes.
    pub const APPROVED: &str = "approved";
    /// A person said no, or the deadline passed.
    pub const REJECTED: &str = "rejected";

    /// One of the ports above.
    pub fn known(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Port {
    type Error = PortError;

    fn try_from(text: String) -> Result<Self, PortError> {
        let starts_well = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if starts_well && text.len() <= MAX_PORT_LENGTH && text.chars().all(allowed) {
            Ok(Self(text))
        } else {
            Err(PortError(text.chars().take(MAX_PORT_LENGTH + 1).collect()))
        }
    }
}

impl From<Port> for String {
    fn from(port: Port) -> Self {
        port.0
    }
}

impl std::borrow::Borrow<str> for Port {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_a_word() {
        for good in ["true", "error", "large-order", "case_2"] {
            assert!(Port::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "1", "-a", "a b", "é", &"a".repeat(64)] {
            assert!(Port::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
