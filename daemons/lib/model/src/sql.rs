//! A SQL statement with bindings -> a statement with `$n` and the expressions to bind.
//!
//! A binding may only stand where a value may: inside quotes or a comment it would look bound and not be, so it is
//! refused there with the words that mend it.

use thiserror::Error;

use crate::binding::{BindingError, Part, Template};
use crate::change::{ChangeError, TableChange};

/// A statement ready to prepare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledStatement<'a> {
    /// The statement, with `$1`, `$2`, ... in the place of its bindings.
    pub text: String,
    /// The expression behind each parameter. The same expression at two places is two parameters, since the database
    /// infers the type of each by its place.
    pub expressions: Vec<&'a str>,
    /// Where each piece of literal text starts, in characters: in `text`, and in the statement as written.
    origins: Vec<(usize, usize)>,
}

impl<'a> CompiledStatement<'a> {
    /// A statement that nobody has written.
    pub(crate) fn made(text: String, expressions: Vec<&'a str>) -> Self {
        Self { text, expressions, origins: Vec::new() }
    }

    /// Whether there is a text of a person's that a position could be told in.
    pub fn is_written(&self) -> bool {
        !self.origins.is_empty()
    }

    /// The character of the written statement that character `position` of `text` (both from 0) came from; for a
    /// parameter, the end of the text before it.
    pub fn written_position(&self, position: usize) -> usize {
        let before = self.origins.iter().rev().find(|(compiled, _)| *compiled <= position);
        before.map_or(position, |(compiled, written)| written + (position - compiled))
    }
}

/// Why a statement cannot be compiled.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SqlError {
    /// A broken binding.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// `'%{{ x }}%'`.
    #[error(
        "{{{{ {expression} }}}} stands inside quotes, where it would be text: write '...' || {{{{ {expression} }}}} || '...' instead"
    )]
    InsideQuotes {
        /// The expression.
        expression: String,
    },
    /// `-- {{ x }}`.
    #[error("{{{{ {expression} }}}} stands inside a comment: remove it")]
    InsideComment {
        /// The expression.
        expression: String,
    },
    /// A change of a table that cannot be one.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// Nothing but white space.
    #[error("the statement is empty: write some SQL")]
    Empty,
}

/// Compiles a change, or the statement where there is none.
pub fn compile_either<'a>(
    statement: &'a str,
    change: Option<&'a TableChange>,
) -> Result<CompiledStatement<'a>, SqlError> {
    match change {
        Some(change) => Ok(change.compile()?),
        None => compile(statement),
    }
}

/// Replaces each binding of `statement` by a bind parameter.
pub fn compile(statement: &str) -> Result<CompiledStatement<'_>, SqlError> {
    if statement.trim().is_empty() {
        return Err(SqlError::Empty);
    }
    let template = Template::parse(statement)?;
    let mut text = String::with_capacity(statement.len());
    let mut expressions = Vec::new();
    let mut origins = Vec::new();
    let mut place = Place::Plain;
    for part in &template.parts {
        match part {
            Part::Text(piece) => {
                place = place.after(piece);
                // A piece is a slice of the statement, so its place there is the distance of their starts.
                let written = &statement[..piece.as_ptr() as usize - statement.as_ptr() as usize];
                origins.push((text.chars().count(), written.chars().count()));
                text.push_str(piece);
            }
            Part::Expression(expression) => {
                match place {
                    Place::Plain => {}
                    Place::LineComment | Place::BlockComment(_) => {
                        return Err(SqlError::InsideComment { expression: (*expression).to_owned() });
                    }
                    Place::Quoted { .. } | Place::DollarQuoted(_) => {
                        return Err(SqlError::InsideQuotes { expression: (*expression).to_owned() });
                    }
                }
                expressions.push(*expression);
                // The spaces keep `{{a}}{{b}}` and `x{{a}}` from joining with their neighbours.
                text.push_str(&format!(" ${} ", expressions.len()));
            }
        }
    }
    Ok(CompiledStatement { text, expressions, origins })
}

/// Where in PostgreSQL's lexical grammar a position lies.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place<'a> {
    Plain,
    Quoted { quote: char, escapes: bool },
    DollarQuoted(&'a str),
    LineComment,
    BlockComment(usize),
}

impl<'a> Place<'a> {
    /// The place at the end of `piece`, which starts at this place.
    fn after(self, piece: &'a str) -> Self {
        let mut place = self;
        let mut at = 0;
        while let Some(c) = piece[at..].chars().next() {
            let rest = &piece[at..];
            let (next, step) = match place {
                Place::Plain => Self::enter(piece, at, c),
                Place::Quoted { escapes: true, .. } if c == '\\' => {
                    (place, 1 + rest[1..].chars().next().map_or(0, char::len_utf8))
                }
                // A doubled quote closes and opens again, which leaves the place as it was.
                Place::Quoted { quote, .. } if c == quote => (Place::Plain, 1),
                Place::DollarQuoted(tag) if rest.starts_with(tag) => (Place::Plain, tag.len()),
                Place::LineComment if c == '\n' => (Place::Plain, 1),
                Place::BlockComment(depth) if rest.starts_with("*/") => {
                    (if depth == 1 { Place::Plain } else { Place::BlockComment(depth - 1) }, 2)
                }
                Place::BlockComment(depth) if rest.starts_with("/*") => (Place::BlockComment(depth + 1), 2),
                other => (other, c.len_utf8()),
            };
            place = next;
            at += step;
        }
        place
    }

    fn enter(piece: &'a str, at: usize, c: char) -> (Self, usize) {
        let rest = &piece[at..];
        let before = &piece[..at];
        match c {
            '\'' => {
                let escapes = before.ends_with(['e', 'E'])
                    && !before[..before.len() - 1].ends_with(|p: char| p.is_alphanumeric() || p == '_');
                (Place::Quoted { quote: '\'', escapes }, 1)
            }
            '"' => (Place::Quoted { quote: '"', escapes: false }, 1),
            '-' if rest.starts_with("--") => (Place::LineComment, 2),
            '/' if rest.starts_with("/*") => (Place::BlockComment(1), 2),
            '$' if !before.ends_with(|p: char| p.is_alphanumeric() || p == '_') => match dollar_tag(rest) {
                Some(tag) => (Place::DollarQuoted(tag), tag.len()),
                None => (Place::Plain, 1),
            },
            _ => (Place::Plain, c.len_utf8()),
        }
    }
}

/// `$$` or `$tag$` at the start of `text`.
fn dollar_tag(text: &str) -> Option<&str> {
    let close = text[1..].find('$')? + 1;
    let inside = &text[1..close];
    let is_tag =
        !inside.starts_with(|c: char| c.is_ascii_digit()) && inside.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_tag.then(|| &text[..=close])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_binding_becomes_a_parameter() {
        let compiled =
            compile("select * from t where a = {{ x.value }} and b like '%' || {{y}} || '%' or c={{ x.value }}");
        let compiled = compiled.expect("compiles");
        assert_eq!(compiled.text, "select * from t where a =  $1  and b like '%' ||  $2  || '%' or c= $3 ");
        assert_eq!(compiled.expressions, ["x.value", "y", "x.value"]);
    }

    #[test]
    fn a_position_is_told_in_the_statement_as_written() {
        let written = "select é, {{ a }} from t where b = {{ c }} oops";
        let compiled = compile(written).expect("compiles");
        let at = |text: &str, word: &str| text[..text.find(word).expect("there")].chars().count();
        for word in ["é", "from", "oops"] {
            assert_eq!(compiled.written_position(at(&compiled.text, word)), at(written, word), "{word}");
        }
    }

    #[test]
    fn a_binding_inside_quotes_or_a_comment_is_refused() {
        for text in ["'%{{x}}%'", "\"{{x}}\"", "$$ {{x}} $$", "$a$ $$ {{x}} $a$", "e'\\' {{x}}'", "'it''s {{x}}'"] {
            assert_eq!(compile(text), Err(SqlError::InsideQuotes { expression: "x".into() }), "{text}");
        }
        for text in ["-- {{x}}", "/* /* */ {{x}} */"] {
            assert_eq!(compile(text), Err(SqlError::InsideComment { expression: "x".into() }), "{text}");
        }
    }

    #[test]
    fn quotes_that_are_closed_do_not_matter() {
        for text in
            ["'a' {{x}}", "'it''s' {{x}}", "$$ ' $$ {{x}}", "-- '\n {{x}}", "/* ' */ {{x}}", "'\\' {{x}}", "a$b {{x}}"]
        {
            assert!(compile(text).is_ok(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_compiles_or_says_why(text in ".{0,200}") {
            let _ = compile(&text);
        }
    }
}
