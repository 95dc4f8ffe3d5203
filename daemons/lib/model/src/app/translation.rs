//! What an app says in several languages: texts by a key, each in every language that the app speaks.
//!
//! The browser of whoever uses the app chooses the language, and `t("key")` in an expression reads the text. Nothing here is run.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check::Check;

/// The most languages of one app.
pub const MAX_LANGUAGES: usize = 30;
/// The most keys of one app.
pub const MAX_MESSAGES: usize = 2000;
/// Characters of one text.
pub const MAX_MESSAGE: usize = 2000;
/// All keys and texts together, in bytes: they travel to whoever opens the app.
pub const MAX_MESSAGES_BYTES: usize = 512 * 1024;
/// Characters of a key.
const MAX_KEY: usize = 80;
/// What expressions read the texts by.
pub(super) const FUNCTION: &str = "t";

/// The languages of an app, and its texts in each of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Translations {
    /// The language of whoever wants none of the others, and of texts that are missing in another one.
    pub default: String,
    /// The languages that it speaks, in the order in which they are offered: `en`, `de-AT`.
    pub languages: Vec<String>,
    /// Texts by key, each by language. What stands in braces, such as `{name}`, is a value that the expression gives.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, BTreeMap<String, String>>,
}

/// Whether it is a language as browsers write one: `en`, `pt-BR`, `zh-Hant-TW`, `es-419`.
fn is_language(text: &str) -> bool {
    let mut parts = text.split('-').peekable();
    let is_of = |part: &str, lengths: std::ops::RangeInclusive<usize>, kind: fn(&u8) -> bool| {
        lengths.contains(&part.len()) && part.as_bytes().iter().all(kind)
    };
    if !parts.next().is_some_and(|part| is_of(part, 2..=3, u8::is_ascii_lowercase)) {
        return false;
    }
    // A script is a word with a capital: `Hant`.
    parts.next_if(|part| is_of(part, 4..=4, u8::is_ascii_alphabetic) && part.as_bytes()[0].is_ascii_uppercase());
    parts.next_if(|part| is_of(part, 2..=2, u8::is_ascii_uppercase) || is_of(part, 3..=3, u8::is_ascii_digit));
    parts.next().is_none()
}

/// Whether it is a key: names with dots between them.
fn is_key(text: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.chars().all(|char| char.is_ascii_alphanumeric() || char == '-' || char == '_')
    };
    text.len() <= MAX_KEY && text.split('.').all(is_part)
}

impl Check<'_> {
    pub(super) fn translations(&mut self) {
        let Some(Translations { default, languages, texts }) = &self.document.translations else { return };
        if self.document.module.is_some() {
            self.fault(
                "translations",
                "a module has no texts of its own: `t` reads those of the app that it stands in",
            );
        }
        if languages.is_empty() || languages.len() > MAX_LANGUAGES {
            self.fault("translations.languages", format!("must be 1 to {MAX_LANGUAGES} languages"));
        }
        let mut known = BTreeSet::new();
        for (index, language) in languages.iter().enumerate() {
            let path = format!("translations.languages.{index}");
            if !is_language(language) {
                self.fault(&path, "must be a language such as `en` or `de-AT`");
            } else if !known.insert(language) {
                self.fault(&path, format!("`{language}` is there twice"));
            }
        }
        if !known.contains(default) {
            self.fault("translations.default", "must be one of the languages");
        }
        if texts.len() > MAX_MESSAGES {
            self.fault("translations.texts", format!("{} keys; the most is {MAX_MESSAGES}", texts.len()));
        }
        let mut bytes = 0;
        for (key, by_language) in texts {
            bytes += key.len() + by_language.values().map(String::len).sum::<usize>();
            let path = format!("translations.texts.{key}");
            if !is_key(key) {
                let message = format!(
                    "must be a key of at most {MAX_KEY} characters, such as `orders.title`: names of a letter, then letters, digits, `-` or `_`, with dots between them"
                );
                self.fault(&path, message);
            }
            for (language, text) in by_language {
                let path = format!("{path}.{language}");
                if !known.contains(language) {
                    self.fault(&path, format!("`{language}` is none of the app's languages"));
                }
                if text.chars().count() > MAX_MESSAGE {
                    self.fault(&path, format!("must have at most {MAX_MESSAGE} characters"));
                }
            }
        }
        if bytes > MAX_MESSAGES_BYTES {
            let message = format!("are {bytes} bytes together; the most is {MAX_MESSAGES_BYTES}");
            self.fault("translations.texts", message);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::app::AppDocument;

    fn app(translations: Value, more: Value) -> AppDocument {
        let page = json!({ "components": {}, "layout": {} });
        let mut document = json!({ "format": 1, "title": "App", "home-page": "home", "pages": { "home": page }, "translations": translations });
        let Value::Object(more) = more else { panic!("an object") };
        document.as_object_mut().expect("an object").extend(more);
        serde_json::from_value(document).expect("a document")
    }

    fn faults(translations: Value) -> Vec<String> {
        app(translations, json!({})).validate().into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn texts_are_kept_as_they_are() {
        let texts = json!({ "hello": { "de": "Hallo, {name} – {{ kein Ausdruck", "en": "Hello, {name}" }, "orders.title-2": {} });
        let translations = json!({ "default": "en", "languages": ["en", "de"], "texts": texts });
        let document = app(translations.clone(), json!({}));
        assert_eq!(document.validate(), []);
        assert_eq!(serde_json::to_value(&document).expect("JSON")["translations"], translations);
    }

    #[test]
    fn languages_are_written_as_browsers_write_them() {
        for language in ["en", "deu", "de-AT", "zh-Hant", "zh-Hant-TW", "es-419"] {
            assert_eq!(faults(json!({ "default": language, "languages": [language] })), [""; 0], "{language}");
        }
        for language in ["", "EN", "e", "english", "de_AT", "de-at", "de-", "en-US-x", "hant", "日本"] {
            let found = faults(json!({ "default": "en", "languages": ["en", language] }));
            assert_eq!(found, ["translations.languages.1"], "{language}");
        }
        assert_eq!(faults(json!({ "default": "en", "languages": ["en", "en"] })), ["translations.languages.1"]);
        assert_eq!(faults(json!({ "default": "fr", "languages": ["en"] })), ["translations.default"]);
        let none = faults(json!({ "default": "en", "languages": [] }));
        assert_eq!(none, ["translations.languages", "translations.default"]);
    }

    #[test]
    fn keys_and_languages_of_texts_are_known() {
        for key in ["", "1a", "a..b", ".a", "a b", "__proto__", "a{b", &"a".repeat(81)] {
            let found = faults(json!({ "default": "en", "languages": ["en"], "texts": { key: {} } }));
            assert_eq!(found, [format!("translations.texts.{key}")], "{key}");
        }
        let found = faults(json!({ "default": "en", "languages": ["en"], "texts": { "a": { "de": "A" } } }));
        assert_eq!(found, ["translations.texts.a.de"]);
    }

    #[test]
    fn there_is_an_end_to_texts() {
        let of = |count: usize, text: &str| {
            let texts: Map<String, Value> = (0..count).map(|at| (format!("k{at}"), json!({ "en": text }))).collect();
            faults(json!({ "default": "en", "languages": ["en"], "texts": texts }))
        };
        assert_eq!(of(MAX_MESSAGES, "x"), [""; 0]);
        assert_eq!(of(MAX_MESSAGES + 1, "x"), ["translations.texts"]);
        assert_eq!(of(1, &"ä".repeat(MAX_MESSAGE)), [""; 0]);
        assert_eq!(of(1, &"ä".repeat(MAX_MESSAGE + 1)), ["translations.texts.k0.en"]);
        assert_eq!(of(300, &"x".repeat(MAX_MESSAGE)), ["translations.texts"]);
        let many: Vec<String> = (0..=MAX_LANGUAGES).map(|at| format!("en-{at:03}")).collect();
        assert_eq!(faults(json!({ "default": "en-000", "languages": many })), ["translations.languages"]);
    }

    #[test]
    fn nothing_else_is_called_as_the_function_is_where_there_are_texts() {
        let more = json!({ "state": {}, "scripts": { "t": { "code": "return 1" } } });
        let document = app(json!({ "default": "en", "languages": ["en"] }), more.clone());
        let found: Vec<String> = document.validate().into_iter().map(|fault| fault.path).collect();
        assert_eq!(found, ["scripts.t"]);
        let without = AppDocument { translations: None, ..document };
        assert_eq!(without.validate(), []);
    }

    #[test]
    fn a_module_takes_the_texts_of_its_app() {
        let document = app(json!({ "default": "en", "languages": ["en"] }), json!({ "module": {} }));
        let found: Vec<String> = document.validate().into_iter().map(|fault| fault.path).collect();
        assert_eq!(found, ["translations"]);
    }
}
