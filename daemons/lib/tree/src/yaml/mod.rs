//! A subset of YAML 1.2 with one way to write each value.
//!
//! Values are those of JSON. Maps and lists stand as blocks, lists of numbers and empty ones in brackets; a text is plain where nobody
//! could take it for something else, in double quotes otherwise, and as a block behind `|` when it has lines. There are no tags, anchors,
//! aliases, merge keys, several documents or folded texts: reading refuses them by name, so that nothing expands and nothing is
//! constructed.

mod read;
mod write;

pub use read::{MAX_DEPTH, YamlError, read};
pub use write::write;

/// Words that some version of YAML takes for something else than a text.
fn is_word_of_yaml(text: &str) -> bool {
    const WORDS: [&str; 12] = ["~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether a key stands without quotes.
fn is_plain_key(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
        && (text == "on" || !is_word_of_yaml(text))
}

/// Whether a text stands without quotes.
fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    (first.is_alphabetic() || matches!(first, '/' | '(' | '$' | '_'))
        && !text.ends_with(char::is_whitespace)
        && !text.ends_with(':')
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(is_printable)
        && !is_word_of_yaml(text)
}

/// Characters that stand as they are on one line.
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}')
}
