//! Statements with bindings as statements with parameters, for the kinds whose SQL is not PostgreSQL's.
//!
//! A binding may only stand where a value may: inside quotes or a comment it would look bound and not be, so it is refused there.

use bulkhead_model::binding::{Part, Template};
use bulkhead_model::sql::SqlError;

use crate::error::QueryError;

/// What a kind's SQL knows of quotes and comments. `'`, `"` and backticks quote, `--` and `/*` comment in all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Grammar {
    /// Backslashes escape; `‘ ’`, `“ ”` and `$tag$` quote; `# ` and `#!` comment; comments nest.
    Clickhouse,
    /// `[ ]` quotes; comments do not nest.
    Sqlite,
}

/// Replaces each binding by what `parameter` makes of its expression.
pub(crate) fn compile(
    statement: &str,
    grammar: Grammar,
    mut parameter: impl FnMut(&str) -> Result<String, QueryError>,
) -> Result<String, QueryError> {
    if statement.trim().is_empty() {
        return Err(SqlError::Empty.into());
    }
    let template = Template::parse(statement).map_err(SqlError::from)?;
    let mut text = String::with_capacity(statement.len());
    let mut place = Place::Plain;
    for part in &template.parts {
        match part {
            Part::Text(piece) => {
                place = place.after(piece, grammar);
                text.push_str(piece);
            }
            Part::Expression(expression) => {
                let expression = (*expression).to_owned();
                match place {
                    Place::Plain => {}
                    Place::LineComment | Place::BlockComment(_) => {
                        return Err(SqlError::InsideComment { expression }.into());
                    }
                    Place::Quoted { .. } | Place::Heredoc(_) => {
                        return Err(SqlError::InsideQuotes { expression }.into());
                    }
                }
                // The spaces keep `{{a}}{{b}}` and `x{{a}}` from joining with their neighbours.
                text.push_str(&format!(" {} ", parameter(&expression)?));
            }
        }
    }
    Ok(text)
}

/// Where in a kind's lexical grammar a position lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place<'a> {
    Plain,
    /// Up to `close`.
    Quoted {
        close: char,
        escapes: bool,
    },
    /// Behind `$tag$`.
    Heredoc(&'a str),
    LineComment,
    BlockComment(usize),
}

impl<'a> Place<'a> {
    /// The place at the end of `piece`, which starts at this place.
    fn after(self, piece: &'a str, grammar: Grammar) -> Self {
        let mut place = self;
        let mut at = 0;
        while let Some(c) = piece[at..].chars().next() {
            let rest = &piece[at..];
            let (next, step) = match place {
                Place::Plain => Self::enter(piece, at, c, grammar),
                Place::Quoted { escapes: true, .. } if c == '\\' => {
                    (place, 1 + rest[1..].chars().next().map_or(0, char::len_utf8))
                }
                // A doubled quote closes and opens again, which leaves the place as it was.
                Place::Quoted { close, .. } if c == close => (Place::Plain, c.len_utf8()),
                Place::Heredoc(tag) if rest.starts_with(tag) => (Place::Plain, tag.len()),
                Place::LineComment if c == '\n' => (Place::Plain, 1),
                Place::BlockComment(depth) if rest.starts_with("*/") => {
                    (if depth == 1 { Place::Plain } else { Place::BlockComment(depth - 1) }, 2)
                }
                Place::BlockComment(depth) if rest.starts_with("/*") && matches!(grammar, Grammar::Clickhouse) => {
                    (Place::BlockComment(depth + 1), 2)
                }
                other => (other, c.len_utf8()),
            };
            place = next;
            at += step;
        }
        place
    }

    fn enter(piece: &'a str, at: usize, c: char, grammar: Grammar) -> (Self, usize) {
        let rest = &piece[at..];
        let quoted = |close, escapes| (Place::Quoted { close, escapes }, c.len_utf8());
        match (c, grammar) {
            ('\'' | '"' | '`', grammar) => quoted(c, matches!(grammar, Grammar::Clickhouse)),
            ('-', _) if rest.starts_with("--") => (Place::LineComment, 2),
            ('/', _) if rest.starts_with("/*") => (Place::BlockComment(1), 2),
            ('[', Grammar::Sqlite) => quoted(']', false),
            ('‘', Grammar::Clickhouse) => quoted('’', false),
            ('“', Grammar::Clickhouse) => quoted('”', false),
            ('#', Grammar::Clickhouse) if rest.starts_with("# ") || rest.starts_with("#!") => (Place::LineComment, 2),
            ('$', Grammar::Clickhouse) if !piece[..at].ends_with(|p: char| p.is_ascii_alphanumeric() || p == '_') => {
                heredoc_tag(rest).map_or((Place::Plain, 1), |tag| (Place::Heredoc(tag), tag.len()))
            }
            _ => (Place::Plain, c.len_utf8()),
        }
    }
}

/// `$$` or `$tag$` at the start of `text`.
fn heredoc_tag(text: &str) -> Option<&str> {
    let close = text[1..].find('$')? + 1;
    let is_tag = text[1..close].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_tag.then(|| &text[..=close])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(statement: &str, grammar: Grammar) -> Result<String, String> {
        compile(statement, grammar, |expression| Ok(format!(":{expression}"))).map_err(|error| error.to_string())
    }

    #[test]
    fn every_binding_becomes_a_parameter() {
        assert_eq!(compiled("a={{ x }}{{y}}b", Grammar::Sqlite), Ok("a= :x  :y b".to_owned()));
        assert!(compiled(" \n", Grammar::Sqlite).is_err());
    }

    #[test]
    fn a_binding_inside_quotes_or_a_comment_is_refused() {
        let both = ["'%{{x}}%'", "\"{{x}}\"", "`{{x}}`", "'it''s {{x}}'", "-- {{x}}", "/* {{x}} */"];
        for text in both {
            for grammar in [Grammar::Clickhouse, Grammar::Sqlite] {
                assert!(compiled(text, grammar).is_err(), "{text} {grammar:?}");
            }
        }
        for text in [
            "'\\' {{x}}'",
            "‘{{x}}’",
            "“ ' {{x}}”",
            "$$ {{x}} $$",
            "$a$ $$ {{x}} $a$",
            "# {{x}}",
            "#! {{x}}",
            "/* /* */ {{x}} */",
        ] {
            assert!(compiled(text, Grammar::Clickhouse).is_err(), "{text}");
        }
        assert!(compiled("[{{x}}]", Grammar::Sqlite).is_err());
    }

    #[test]
    fn quotes_that_are_closed_do_not_matter() {
        for text in ["'a' {{x}}", "'it''s' {{x}}", "\"'\" {{x}}", "-- '\n {{x}}", "/* ' */ {{x}}", "a$b {{x}}"] {
            for grammar in [Grammar::Clickhouse, Grammar::Sqlite] {
                assert!(compiled(text, grammar).is_ok(), "{text} {grammar:?}");
            }
        }
        for text in ["'\\\\' {{x}}", "‘'’ {{x}}", "# '\n{{x}}", "$a$ ' $a$ {{x}}", "a[{{x}}]"] {
            assert!(compiled(text, Grammar::Clickhouse).is_ok(), "{text}");
        }
        for text in ["'\\' {{x}}", "[a'] {{x}}", "/* /* */ {{x}}", "‘ {{x}}", "# {{x}}"] {
            assert!(compiled(text, Grammar::Sqlite).is_ok(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_compiles_or_says_why(text in ".{0,200}") {
            let _ = compiled(&text, Grammar::Clickhouse);
            let _ = compiled(&text, Grammar::Sqlite);
        }
    }
}
