//! A statement with bindings as one with ClickHouse's own parameters: `{{ id }}` -> `{p1:Int64}` and `param_p1`.
//!
//! A binding may only stand where a value may: inside quotes or a comment it would be text, so it is refused there.

use bulkhead_model::binding::{Part, Template};
use bulkhead_model::operation::Values;
use bulkhead_model::sql::SqlError;

use super::parameters::{self, Parameter};
use crate::error::QueryError;

/// A statement ready to send.
pub(super) struct Compiled {
    pub(super) text: String,
    /// The values of `p1`, `p2`, ...
    pub(super) parameters: Vec<String>,
}

/// Replaces each binding by a parameter of the type that its value has.
pub(super) fn compile(statement: &str, values: &Values) -> Result<Compiled, QueryError> {
    if statement.trim().is_empty() {
        return Err(SqlError::Empty.into());
    }
    let template = Template::parse(statement).map_err(SqlError::from)?;
    let mut compiled = Compiled { text: String::with_capacity(statement.len()), parameters: Vec::new() };
    let mut place = Place::Plain;
    for part in &template.parts {
        match part {
            Part::Text(piece) => {
                place = place.after(piece);
                compiled.text.push_str(piece);
            }
            Part::Expression(expression) => {
                let expression = *expression;
                match place {
                    Place::Plain => {}
                    Place::LineComment | Place::BlockComment(_) => {
                        return Err(SqlError::InsideComment { expression: expression.to_owned() }.into());
                    }
                    Place::Quoted(_) | Place::Curled(_) | Place::Heredoc(_) => {
                        return Err(SqlError::InsideQuotes { expression: expression.to_owned() }.into());
                    }
                }
                let value = values.get(expression);
                let value = value.ok_or_else(|| QueryError::ParameterMissing(expression.to_owned()))?;
                let Parameter { type_name, text } = parameters::of(expression, value)?;
                compiled.parameters.push(text);
                // The spaces keep `{{a}}{{b}}` and `x{{a}}` from joining with their neighbours.
                compiled.text.push_str(&format!(" {{p{}:{type_name}}} ", compiled.parameters.len()));
            }
        }
    }
    Ok(compiled)
}

/// Where in ClickHouse's lexical grammar a position lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place<'a> {
    Plain,
    /// Behind `'`, `"` or a backtick, where a backslash escapes.
    Quoted(char),
    /// Behind `‘` or `“`, up to this character.
    Curled(char),
    /// Behind `$tag$`.
    Heredoc(&'a str),
    LineComment,
    /// Comments nest.
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
                Place::Quoted(_) if c == '\\' => (place, 1 + rest[1..].chars().next().map_or(0, char::len_utf8)),
                // A doubled quote closes and opens again, which leaves the place as it was.
                Place::Quoted(quote) | Place::Curled(quote) if c == quote => (Place::Plain, c.len_utf8()),
                Place::Heredoc(tag) if rest.starts_with(tag) => (Place::Plain, tag.len()),
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
        match c {
            '\'' | '"' | '`' => (Place::Quoted(c), 1),
            '‘' => (Place::Curled('’'), c.len_utf8()),
            '“' => (Place::Curled('”'), c.len_utf8()),
            '-' if rest.starts_with("--") => (Place::LineComment, 2),
            '#' if rest.starts_with("# ") || rest.starts_with("#!") => (Place::LineComment, 2),
            '/' if rest.starts_with("/*") => (Place::BlockComment(1), 2),
            '$' if !piece[..at].ends_with(|p: char| p.is_ascii_alphanumeric() || p == '_') => match heredoc_tag(rest) {
                Some(tag) => (Place::Heredoc(tag), tag.len()),
                None => (Place::Plain, 1),
            },
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
    use serde_json::json;

    use super::*;

    fn compiled(statement: &str) -> Result<Compiled, String> {
        let values = serde_json::from_value(json!({ "x": 7, "y": ["a", null] })).expect("values");
        compile(statement, &values).map_err(|error| error.to_string())
    }

    #[test]
    fn every_binding_becomes_a_parameter_of_its_values_type() {
        let made = compiled("select * from t where a = {{ x }} and b in {{y}} or c={{ x }}").expect("compiles");
        assert_eq!(
            made.text,
            "select * from t where a =  {p1:Int64}  and b in  {p2:Array(Nullable(String))}  or c= {p3:Int64} "
        );
        assert_eq!(made.parameters, ["7", "['a',NULL]", "7"]);
        assert!(compiled("select {{ z }}").is_err_and(|error| error.contains('z')));
        assert!(compiled("  ").is_err());
    }

    #[test]
    fn a_binding_inside_quotes_or_a_comment_is_refused() {
        for text in [
            "'%{{x}}%'",
            "\"{{x}}\"",
            "`{{x}}`",
            "'\\' {{x}}'",
            "'it''s {{x}}'",
            "‘{{x}}’",
            "“ ' {{x}}”",
            "$$ {{x}} $$",
            "$a$ $$ {{x}} $a$",
        ] {
            assert!(compiled(text).is_err_and(|error| error.contains("quotes")), "{text}");
        }
        for text in ["-- {{x}}", "# {{x}}", "#! {{x}}", "/* {{x}} */", "/* /* */ {{x}} */"] {
            assert!(compiled(text).is_err_and(|error| error.contains("comment")), "{text}");
        }
    }

    #[test]
    fn quotes_that_are_closed_do_not_matter() {
        for text in [
            "'a' {{x}}",
            "'it''s' {{x}}",
            "'\\\\' {{x}}",
            "\"'\" {{x}}",
            "-- '\n {{x}}",
            "/* ' */ {{x}}",
            "a$b {{x}}",
            "‘'’ {{x}}",
            "# '\n{{x}}",
            "$a$ ' $a$ {{x}}",
        ] {
            assert!(compiled(text).is_ok(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_compiles_or_says_why(text in ".{0,200}") {
            let _ = compiled(&text);
        }
    }
}
