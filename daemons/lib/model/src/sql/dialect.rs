//! The dialects of SQL: how each writes a parameter and a name, and which of its characters begin a text or a comment.

/// A dialect, by the kind of resource that speaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL: `$1`, `"name"`.
    Postgresql,
    /// MySQL and MariaDB, with backslashes in texts and `"` around texts: `?`, `` `name` ``.
    Mysql,
    /// SQL Server: `@P1`, `[name]`.
    SqlServer,
}

impl Dialect {
    /// All of them. What none of them takes is told in the words of the first.
    pub const ALL: [Self; 3] = [Self::Postgresql, Self::Mysql, Self::SqlServer];

    /// The place of parameter `number`, from 1.
    pub(crate) fn placeholder(self, number: usize) -> String {
        match self {
            Self::Postgresql => format!("${number}"),
            Self::Mysql => "?".to_owned(),
            Self::SqlServer => format!("@P{number}"),
        }
    }

    /// A name as an identifier: whatever is in it, it is one.
    pub(crate) fn quoted(self, name: &str) -> String {
        match self {
            Self::Postgresql => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::Mysql => format!("`{}`", name.replace('`', "``")),
            Self::SqlServer => format!("[{}]", name.replace(']', "]]")),
        }
    }

    /// What the characters at the start of `rest` begin, and their length; `before` is what stands before them.
    pub(super) fn enter<'a>(self, before: &str, rest: &'a str) -> (Place<'a>, usize) {
        let first = rest.chars().next().unwrap_or_default();
        match (self, first) {
            (_, '/') if rest.starts_with("/*") => (Place::BlockComment(1), 2),
            (Self::Postgresql, '\'') => {
                let escapes = before.ends_with(['e', 'E']) && !ends_in_word(&before[..before.len() - 1]);
                (Place::Quoted { quote: '\'', escapes }, 1)
            }
            (Self::SqlServer, '\'') => (Place::Quoted { quote: '\'', escapes: false }, 1),
            (Self::SqlServer, '[') => (Place::Quoted { quote: ']', escapes: false }, 1),
            (Self::Postgresql | Self::SqlServer, '"') => (Place::Quoted { quote: '"', escapes: false }, 1),
            (Self::Postgresql | Self::SqlServer, '-') if rest.starts_with("--") => (Place::LineComment, 2),
            (Self::Postgresql, '$') if !ends_in_word(before) => match dollar_tag(rest) {
                Some(tag) => (Place::DollarQuoted(tag), tag.len()),
                None => (Place::Plain, 1),
            },
            (Self::Mysql, quote @ ('\'' | '"')) => (Place::Quoted { quote, escapes: true }, 1),
            (Self::Mysql, '`') => (Place::Quoted { quote: '`', escapes: false }, 1),
            (Self::Mysql, '#') => (Place::LineComment, 1),
            // `5--3` is a subtraction there: a comment has white space behind its dashes.
            (Self::Mysql, '-') if rest.strip_prefix("--").is_some_and(starts_blank) => (Place::LineComment, 2),
            _ => (Place::Plain, first.len_utf8()),
        }
    }

    /// Whether a comment may hold comments.
    pub(super) fn nests_comments(self) -> bool {
        self != Self::Mysql
    }

    /// Whether what looks like a comment here is run by the server: `/*! ... */`.
    pub(super) fn runs_comment(self, rest: &str) -> bool {
        self == Self::Mysql && (rest.starts_with("/*!") || rest.starts_with("/*M!"))
    }
}

/// Where in a dialect's lexical grammar a position lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    Plain,
    Quoted { quote: char, escapes: bool },
    DollarQuoted(&'a str),
    LineComment,
    BlockComment(usize),
}

impl<'a> Place<'a> {
    /// The place behind the characters at `at` of `piece`, and their length.
    pub(super) fn step(self, dialect: Dialect, piece: &'a str, at: usize) -> (Self, usize) {
        let rest = &piece[at..];
        let Some(c) = rest.chars().next() else { return (self, 0) };
        match self {
            Place::Plain => dialect.enter(&piece[..at], rest),
            Place::Quoted { escapes: true, .. } if c == '\\' => {
                (self, 1 + rest[1..].chars().next().map_or(0, char::len_utf8))
            }
            // A bracket that closes twice opens none.
            Place::Quoted { quote: ']', .. } if rest.starts_with("]]") => (self, 2),
            // A doubled quote closes and opens again, which leaves the place as it was.
            Place::Quoted { quote, .. } if c == quote => (Place::Plain, 1),
            Place::DollarQuoted(tag) if rest.starts_with(tag) => (Place::Plain, tag.len()),
            Place::LineComment if c == '\n' || c == '\r' && dialect == Dialect::Postgresql => (Place::Plain, 1),
            Place::BlockComment(depth) if rest.starts_with("*/") => {
                (if depth == 1 { Place::Plain } else { Place::BlockComment(depth - 1) }, 2)
            }
            Place::BlockComment(depth) if dialect.nests_comments() && rest.starts_with("/*") => {
                (Place::BlockComment(depth + 1), 2)
            }
            other => (other, c.len_utf8()),
        }
    }

    /// The place at the end of `piece`, which starts at this place.
    pub(super) fn after(self, dialect: Dialect, piece: &'a str) -> Self {
        let (mut place, mut at) = (self, 0);
        while at < piece.len() {
            let (next, step) = place.step(dialect, piece, at);
            place = next;
            at += step;
        }
        place
    }
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn starts_blank(text: &str) -> bool {
    text.chars().next().is_none_or(|c| c.is_ascii_whitespace() || c.is_ascii_control())
}

/// `$$` or `$tag$` at the start of `text`.
fn dollar_tag(text: &str) -> Option<&str> {
    let close = text[1..].find('$')? + 1;
    let inside = &text[1..close];
    let is_tag =
        !inside.starts_with(|c: char| c.is_ascii_digit()) && inside.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_tag.then(|| &text[..=close])
}
