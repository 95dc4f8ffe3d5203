//! Environments: the same apps, workflows and resources with other settings and secrets.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Environments of one instance at most.
pub const MAX_ENVIRONMENTS: usize = 20;

/// Who may use an environment, beside administrators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnvironmentAccess {
    /// Whoever may use the app or workflow.
    Everyone,
    /// Whoever may edit the app or workflow.
    #[default]
    Builders,
    /// The members of its groups, as far as they may use the app or workflow.
    Groups,
}

/// The colour of an environment's badge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnvironmentColor {
    /// Amber.
    #[default]
    Amber,
    /// Blue.
    Blue,
    /// Green.
    Green,
    /// Red.
    Red,
    /// Violet.
    Violet,
}

impl EnvironmentAccess {
    /// The word in documents and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Builders => "builders",
            Self::Groups => "groups",
        }
    }
}

impl std::str::FromStr for EnvironmentAccess {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::Everyone, Self::Builders, Self::Groups].into_iter().find(|access| access.as_str() == word).ok_or(())
    }
}

impl EnvironmentColor {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amber => "amber",
            Self::Blue => "blue",
            Self::Green => "green",
            Self::Red => "red",
            Self::Violet => "violet",
        }
    }
}

impl std::str::FromStr for EnvironmentColor {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        let all = [Self::Amber, Self::Blue, Self::Green, Self::Red, Self::Violet];
        all.into_iter().find(|color| color.as_str() == word).ok_or(())
    }
}

/// What expressions and code see as `environment`.
pub fn visible(name: &str) -> Value {
    json!({ "name": name })
}
