//! A page of a statement's rows, cut by the database: its words stand behind the statement, so that the order stays the statement's own.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use super::{Dialect, Place};
use crate::binding::{BindingError, Part, Template};

/// First words of statements that can be cut.
const READING: [&str; 4] = ["select", "with", "values", "table"];
/// Words behind which nothing more fits.
const ENDING: [&str; 4] = ["limit", "offset", "fetch", "for"];

/// Which page of a query's rows is asked for, by expressions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CutPages {
    /// The rows of a page, such as `table1.pageSize`.
    pub size: String,
    /// The rows before it, such as `table1.offset`.
    pub offset: String,
}

impl CutPages {
    /// Its expressions.
    pub fn expressions(&self) -> [&str; 2] {
        [self.size.trim(), self.offset.trim()]
    }
}

/// Why a statement cannot be cut into pages.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PagesError {
    /// A broken binding.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// A statement that gives no rows of tables.
    #[error("the database cuts pages of a SELECT, WITH, VALUES or TABLE: turn pages off for this statement")]
    Kind,
    /// It cuts its rows itself.
    #[error(
        "the database cuts pages behind the statement, which has {0} already: leave it out, or put the statement in parentheses after SELECT * FROM"
    )]
    Ends(&'static str),
    /// Its rows come in any order.
    #[error("pages need an order: without ORDER BY, a row may be on two pages or on none")]
    NoOrder,
    /// Several.
    #[error("the database cuts pages of one statement: make a query of each")]
    Several,
    /// A comment that MySQL runs.
    #[error("the statement has a comment that the server runs, /*! ... */: write what is in it, or remove it")]
    Comment,
}

/// The statement with the words that cut its page. It is compiled as any other: the page is two values more.
pub fn paged(statement: &str, pages: &CutPages, dialect: Dialect) -> Result<String, PagesError> {
    let template = Template::parse(statement)?;
    let mut outer = Outer::default();
    let mut end = statement.len();
    for part in &template.parts {
        match part {
            Part::Expression(_) => outer.take(" ? "),
            Part::Text(piece) => {
                let start = piece.as_ptr() as usize - statement.as_ptr() as usize;
                let (mut place, mut at) = (Place::Plain, 0);
                while at < piece.len() {
                    if place == Place::Plain && dialect.runs_comment(&piece[at..]) {
                        return Err(PagesError::Comment);
                    }
                    let was_plain = place == Place::Plain;
                    let (next, step) = place.step(dialect, piece, at);
                    let is_plain = was_plain && next == Place::Plain;
                    if is_plain && &piece[at..at + step] == ";" && outer.depth == 0 {
                        outer.is_over = true;
                        end = end.min(start + at);
                    } else {
                        outer.take(if is_plain { &piece[at..at + step] } else { " " });
                    }
                    place = next;
                    at += step;
                }
            }
        }
    }
    outer.check()?;
    let [size, offset] = pages.expressions();
    let cut = match dialect {
        Dialect::SqlServer => format!("OFFSET {{{{ {offset} }}}} ROWS FETCH NEXT {{{{ {size} }}}} ROWS ONLY"),
        Dialect::Postgresql | Dialect::Mysql => format!("LIMIT {{{{ {size} }}}} OFFSET {{{{ {offset} }}}}"),
    };
    // On a line of its own: the statement may end with a comment.
    Ok(format!("{}\n{cut}", &statement[..end]))
}

/// The words of a statement that stand in no parentheses.
#[derive(Default)]
struct Outer {
    words: String,
    depth: usize,
    /// Whether a semicolon has ended it.
    is_over: bool,
    /// Whether something follows the semicolon.
    goes_on: bool,
    /// Whether it begins with a parenthesis.
    opens_first: bool,
}

impl Outer {
    fn take(&mut self, text: &str) {
        self.goes_on |= self.is_over && !text.trim().is_empty();
        match text {
            "(" => {
                self.opens_first |= self.depth == 0 && self.words.trim().is_empty();
                self.depth += 1;
            }
            ")" => self.depth = self.depth.saturating_sub(1),
            _ if self.depth == 0 => return self.words.push_str(text),
            _ => {}
        }
        // What is in parentheses parts the words around it.
        self.words.push(' ');
    }

    fn check(&self) -> Result<(), PagesError> {
        if self.goes_on {
            return Err(PagesError::Several);
        }
        let lower = self.words.to_lowercase();
        let words: Vec<&str> =
            lower.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
        if !self.opens_first && !words.first().is_some_and(|first| READING.contains(first)) {
            return Err(PagesError::Kind);
        }
        if let Some(word) = ENDING.into_iter().find(|ending| words.contains(ending)) {
            return Err(PagesError::Ends(word));
        }
        if !words.windows(2).any(|pair| pair == ["order", "by"]) {
            return Err(PagesError::NoOrder);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::compile;

    fn cut(statement: &str, dialect: Dialect) -> Result<String, PagesError> {
        let pages = CutPages { size: " t.pageSize ".to_owned(), offset: "t.offset".to_owned() };
        paged(statement, &pages, dialect)
    }

    #[test]
    fn the_page_stands_behind_the_statement_and_is_two_values_more() {
        let statement = "select a from t where b = {{ x }} order by a; -- done; really";
        let made = cut(statement, Dialect::Postgresql).expect("cut");
        assert_eq!(made, "select a from t where b = {{ x }} order by a\nLIMIT {{ t.pageSize }} OFFSET {{ t.offset }}");
        let compiled = compile(&made, Dialect::Postgresql).expect("compiles");
        assert_eq!(compiled.expressions, ["x", "t.pageSize", "t.offset"]);
        let comment = cut("select a from t order by a -- {x", Dialect::Mysql).expect("cut");
        assert!(comment.ends_with("-- {x\nLIMIT {{ t.pageSize }} OFFSET {{ t.offset }}"), "{comment}");
        let server = cut("select a from t order by a", Dialect::SqlServer).expect("cut");
        assert!(server.ends_with("\nOFFSET {{ t.offset }} ROWS FETCH NEXT {{ t.pageSize }} ROWS ONLY"), "{server}");
    }

    #[test]
    fn what_stands_in_quotes_comments_parentheses_and_bindings_counts_for_nothing() {
        for statement in [
            "with x as (select 1 as a limit 5) select substring('a' for 1), 'limit ; for' from x /* limit; */ order by a",
            "(select 1 as a limit 1) union all (select 2) order by a",
            "select {{ limit.offset }}::int as a order by 1",
            "select \"limit\" from t order by $$ for ; $$",
        ] {
            assert!(cut(statement, Dialect::Postgresql).is_ok(), "{statement}");
        }
        assert!(cut("select `limit`, 'it\\'s limit' from t order by 1", Dialect::Mysql).is_ok());
        assert!(cut("select [limit] from t order by 1", Dialect::SqlServer).is_ok());
    }

    #[test]
    fn what_cannot_be_cut_is_refused_with_what_to_do() {
        for (statement, error) in [
            ("show all", PagesError::Kind),
            ("delete from t returning a", PagesError::Kind),
            ("select a from t order by a limit 3", PagesError::Ends("limit")),
            ("select a from t order by a FETCH first row only", PagesError::Ends("fetch")),
            ("select a from t order by a for update", PagesError::Ends("for")),
            ("select a from t", PagesError::NoOrder),
            ("select a, row_number() over (order by a) from t", PagesError::NoOrder),
            ("select a from t order by a; select 2", PagesError::Several),
            ("", PagesError::Kind),
        ] {
            assert_eq!(cut(statement, Dialect::Postgresql), Err(error), "{statement}");
        }
        assert_eq!(cut("select /*! 1 */ a from t order by a", Dialect::Mysql), Err(PagesError::Comment));
        assert!(matches!(cut("select {{ ", Dialect::Mysql), Err(PagesError::Binding(_))));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(?s).{0,80}") {
            for dialect in Dialect::ALL {
                let _ = cut(&text, dialect);
            }
        }
    }
}
