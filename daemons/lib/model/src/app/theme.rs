//! How an app looks: a few choices, from which its pages make all their colours and sizes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Fault;

/// The largest radius of corners, in pixels.
const MAX_RADIUS: u8 = 20;
/// Sizes of letters, in pixels.
const FONT_SIZES: std::ops::RangeInclusive<u8> = 12..=20;

/// How an app looks. What is absent is as in the studio.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Theme {
    /// The colour of buttons, links and what is selected, as `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accent: Option<String>,
    /// Light, dark, or as each person's device says.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scheme: Scheme,
    /// How much room there is around things.
    #[serde(default, skip_serializing_if = "is_default")]
    pub density: Density,
    /// Of corners, in pixels: 0 to 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub radius: Option<u8>,
    /// Of letters, in pixels: 12 to 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub font_size: Option<u8>,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// As each person's device says.
    #[default]
    Auto,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

/// How much room there is around things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Density {
    /// Much on one screen.
    Compact,
    /// As in the studio.
    #[default]
    Normal,
    /// For fingers.
    Roomy,
}

/// For `skip_serializing_if`.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Theme {
    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        let is_colour = |text: &str| {
            text.len() == 7 && text.starts_with('#') && text[1..].bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        if self.accent.as_deref().is_some_and(|accent| !is_colour(accent)) {
            faults.push(Fault::new("theme.accent", "must be a colour such as #076c92"));
        }
        if self.radius.is_some_and(|radius| radius > MAX_RADIUS) {
            faults.push(Fault::new("theme.radius", format!("must be between 0 and {MAX_RADIUS}")));
        }
        if self.font_size.is_some_and(|size| !FONT_SIZES.contains(&size)) {
            let message = format!("must be between {} and {}", FONT_SIZES.start(), FONT_SIZES.end());
            faults.push(Fault::new("theme.font-size", message));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn faults(theme: Value) -> Vec<String> {
        let mut faults = Vec::new();
        serde_json::from_value::<Theme>(theme).expect("a theme").faults(&mut faults);
        faults.into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn a_theme_is_numbers_within_bounds_and_a_plain_colour() {
        assert_eq!(faults(json!({})), [""; 0]);
        assert_eq!(faults(json!({ "accent": "#aB0912", "scheme": "dark", "radius": 0, "font-size": 20 })), [""; 0]);
        for accent in ["red", "#fff", "#12345g", "url(x)", "#123456;", "#日本"] {
            assert_eq!(faults(json!({ "accent": accent })), ["theme.accent"], "{accent}");
        }
        assert_eq!(faults(json!({ "radius": 21, "font-size": 11 })), ["theme.radius", "theme.font-size"]);
    }

    #[test]
    fn what_is_as_in_the_studio_is_not_written() {
        assert_eq!(serde_json::to_value(Theme::default()).expect("JSON"), json!({}));
    }
}
