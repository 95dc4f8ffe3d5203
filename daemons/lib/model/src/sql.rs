//! A SQL statement with bindings -> a statement with parameters, in a dialect, and the expressions to bind.
//!
//! A binding may only stand where a value may: inside quotes or a comment it would look bound and not be, so it is
//! refused there with the words that mend it.

mod dialect;
pub mod pages;

use std::collections::BTreeMap;

use thiserror::Error;

pub use dialect::Dialect;
use dialect::Place;

use crate::binding::{BindingError, Part, Template};
use crate::change::{ChangeError, TableChange};

/// A statement ready to prepare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledStatement<'a> {
    /// The statement, with the dialect's parameters in the place of its bindings.
    pub text: String,
    /// The expression behind each parameter. The same expression at two places is two parameters, since the database
    /// infers the type of each by its place.
    pub expressions: Vec<&'a str>,
    /// The column that each parameter is for, in a change of a table.
    pub columns: Vec<&'a str>,
    /// Which item of its list a parameter is, by the parameter's place; one that is not here is the whole value.
    pub items: BTreeMap<usize, usize>,
    /// Where each piece of literal text starts, in characters: in `text`, and in the statement as written.
    origins: Vec<(usize, usize)>,
}

impl<'a> CompiledStatement<'a> {
    /// A statement that nobody has written.
    pub(crate) fn made(text: String, expressions: Vec<&'a str>) -> Self {
        Self { text, expressions, columns: Vec::new(), items: BTreeMap::new(), origins: Vec::new() }
    }

    /// The same behind words that nobody has written, such as EXPLAIN.
    pub fn behind(mut self, words: &str) -> Self {
        let shift = words.chars().count();
        self.text.insert_str(0, words);
        self.origins.iter_mut().for_each(|(compiled, _)| *compiled += shift);
        self
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

/// Compiles a change, or the statement where there is none, for PostgreSQL.
pub fn compile_either<'a>(
    statement: &'a str,
    change: Option<&'a TableChange>,
) -> Result<CompiledStatement<'a>, SqlError> {
    match change {
        Some(change) => Ok(change.compile()?),
        None => compile(statement, Dialect::Postgresql),
    }
}

/// Whether some dialect takes `statement`: a document does not say which one its resource speaks.
pub(crate) fn check(statement: &str) -> Result<(), SqlError> {
    let mut outcomes = Dialect::ALL.into_iter().map(|dialect| compile(statement, dialect).map(drop));
    let first = outcomes.next().unwrap_or(Ok(()));
    if outcomes.any(|outcome| outcome.is_ok()) { Ok(()) } else { first }
}

/// Replaces each binding of `statement` by a bind parameter.
pub fn compile(statement: &str, dialect: Dialect) -> Result<CompiledStatement<'_>, SqlError> {
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
                place = place.after(dialect, piece);
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
                text.push_str(&format!(" {} ", dialect.placeholder(expressions.len())));
            }
        }
    }
    Ok(CompiledStatement { text, expressions, columns: Vec::new(), items: BTreeMap::new(), origins })
}

/// A statement without its texts, quoted names and comments: a blank stands in the place of each. Nothing, where a comment is one that the
/// server runs.
pub fn bare(text: &str, dialect: Dialect) -> Option<String> {
    let mut bare = String::with_capacity(text.len());
    let (mut place, mut at) = (Place::Plain, 0);
    while at < text.len() {
        let was_plain = place == Place::Plain;
        if was_plain && dialect.runs_comment(&text[at..]) {
            return None;
        }
        let (next, step) = place.step(dialect, text, at);
        match (was_plain, next == Place::Plain) {
            (true, true) => bare.push_str(&text[at..at + step]),
            (true, false) => bare.push(' '),
            (false, _) => {}
        }
        place = next;
        at += step;
    }
    Some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(statement: &str) -> Result<CompiledStatement<'_>, SqlError> {
        super::compile(statement, Dialect::Postgresql)
    }

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
    fn a_position_is_told_behind_other_words_too() {
        let compiled = compile("select {{ a }} oops").expect("compiles").behind("EXPLAIN é ");
        let at = compiled.text.chars().position(|c| c == 'p').expect("there");
        assert_eq!(compiled.written_position(at), "select {{ a }} oo".len());
    }

    #[test]
    fn a_binding_inside_quotes_or_a_comment_is_refused() {
        for text in ["'%{{x}}%'", "\"{{x}}\"", "$$ {{x}} $$", "$a$ $$ {{x}} $a$", "e'\\' {{x}}'", "'it''s {{x}}'"] {
            assert_eq!(compile(text), Err(SqlError::InsideQuotes { expression: "x".into() }), "{text}");
        }
        for text in ["-- {{x}}", "/* /* */ {{x}} */", "' --\r' -- {{x}}"] {
            assert_eq!(compile(text), Err(SqlError::InsideComment { expression: "x".into() }), "{text}");
        }
    }

    #[test]
    fn quotes_that_are_closed_do_not_matter() {
        for text in [
            "'a' {{x}}",
            "-- '\r {{x}}",
            "'it''s' {{x}}",
            "$$ ' $$ {{x}}",
            "-- '\n {{x}}",
            "/* ' */ {{x}}",
            "'\\' {{x}}",
            "a$b {{x}}",
        ] {
            assert!(compile(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn each_dialect_has_its_own_texts_and_comments() {
        let mysql = |text| super::compile(text, Dialect::Mysql).map(|compiled| compiled.text);
        assert_eq!(
            mysql("select `a` where b = {{ x }} and c ={{y}}"),
            Ok("select `a` where b =  ?  and c = ? ".into())
        );
        for text in ["'\\' {{x}}'", "\"\\\" {{x}}\"", "`{{x}}`", "\"it's {{x}}\""] {
            assert_eq!(mysql(text), Err(SqlError::InsideQuotes { expression: "x".into() }), "{text}");
        }
        for text in ["-- {{x}}", "# {{x}}", "/* {{x}} */", "--\t{{x}}", "5--{{x}}"] {
            assert_eq!(mysql(text), Err(SqlError::InsideComment { expression: "x".into() }), "{text}");
        }
        for text in ["/* /* */ {{x}}", "5--1+{{x}}", "`\\` {{x}}", "# '\n {{x}}", "$$ {{x}} $$", "\"it's\" {{x}}"] {
            assert!(mysql(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn sql_server_quotes_names_in_brackets() {
        let sql_server = |text| super::compile(text, Dialect::SqlServer).map(|compiled| compiled.text);
        assert_eq!(sql_server("select [a''] where b = {{ x }}"), Ok("select [a''] where b =  @P1 ".into()));
        for text in ["[{{x}}]", "[a]]{{x}}]", "'it''s {{x}}'", "\"{{x}}\""] {
            assert_eq!(sql_server(text), Err(SqlError::InsideQuotes { expression: "x".into() }), "{text}");
        }
        for text in ["-- {{x}}", "/* /* */ {{x}} */"] {
            assert_eq!(sql_server(text), Err(SqlError::InsideComment { expression: "x".into() }), "{text}");
        }
        assert!(sql_server("'\\' + {{x}}").is_ok() && sql_server("# ' {{x}} '").is_err());
    }

    #[test]
    fn a_document_may_be_for_any_dialect() {
        for text in ["select {{ x }} # it's mine", "select 'a\\', {{x}}", "select 'a\\'', {{x}}", "/* /* */ {{x}}"] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        assert_eq!(check("select '{{x}}'"), Err(SqlError::InsideQuotes { expression: "x".into() }));
        assert_eq!(check(" "), Err(SqlError::Empty));
    }

    #[test]
    fn what_is_left_of_a_statement_are_its_words() {
        let words = |text, dialect| {
            bare(text, dialect).map(|bare| bare.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" "))
        };
        let mysql = |text| words(text, Dialect::Mysql);
        assert_eq!(mysql("a 'b' \"c\" `d`e -- f\n#g\n/* h */i").as_deref(), Some("a e i"));
        assert_eq!(mysql("select '/*!' /* !*/").as_deref(), Some("select"));
        assert_eq!((mysql("select 1 /*!50000 into outfile 'x' */"), mysql("/*M! x */")), (None, None));
        assert_eq!(words("a [b]]'] c --'", Dialect::SqlServer).as_deref(), Some("a c"));
        assert_eq!(words("a [b] 'c' \"d\" /* /* e */ */f", Dialect::SqlServer).as_deref(), Some("a f"));
        assert_eq!(words("a $$b$$ /*! c */d", Dialect::Postgresql).as_deref(), Some("a d"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_compiles_or_says_why(text in ".{0,200}") {
            for dialect in Dialect::ALL {
                let _ = super::compile(&text, dialect);
                let _ = bare(&text, dialect);
            }
        }
    }
}
