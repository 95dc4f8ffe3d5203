//! Kinds of statements that a query cannot be, told by their first word. The database itself keeps a read query from writing;
//! this only refuses what it would let through: text that leaves the result's path, and commands for a session that is shared.

use bulkhead_model::query::QueryMode;

use crate::error::QueryError;

/// Refuses a statement that must not or cannot run as a query.
pub(super) fn refuse_unsupported(text: &str, mode: QueryMode) -> Result<(), QueryError> {
    let refusal = match (first_word(text).as_str(), mode) {
        ("copy", _) => "COPY moves data outside a result; use SELECT or INSERT",
        (
            "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" | "prepare"
            | "execute" | "deallocate",
            _,
        ) => "each query is prepared and is a transaction of its own; write the statement itself",
        ("set" | "reset" | "discard" | "listen" | "unlisten" | "load", _) => {
            "a query has no session of its own, so this would have no effect; for one statement use set_config(name, value, true)"
        }
        // Anonymous code returns nothing, and as a superuser it could reach programs and files that no read-only transaction guards.
        ("do" | "call", QueryMode::Read) => "it can only be run for its effects; set the query's mode to \"write\"",
        _ => return Ok(()),
    };
    Err(QueryError::Unsupported(refusal))
}

/// Whether a statement that returned columns counts the rows that it changed, not those that it read.
pub(super) fn changes_rows(text: &str) -> bool {
    !matches!(first_word(text).as_str(), "select" | "values" | "table" | "show" | "explain" | "fetch")
}

/// The first word, in lower case, behind white space and comments.
fn first_word(text: &str) -> String {
    let mut rest = text.trim_start();
    loop {
        let after = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if rest.starts_with("/*") {
            after_block_comment(rest)
        } else if let Some(empty) = rest.strip_prefix([';', '(']) {
            empty
        } else {
            break;
        };
        rest = after.trim_start();
    }
    rest.chars().take_while(|c| c.is_ascii_alphabetic() || *c == '_').collect::<String>().to_ascii_lowercase()
}

/// What follows the comment at the start of `text`; comments nest.
fn after_block_comment(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return &text[at..];
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, mode: QueryMode) -> bool {
        refuse_unsupported(text, mode).is_err()
    }

    #[test]
    fn the_first_word_is_found_behind_comments() {
        for text in
            ["copy t to program 'x'", "/* a /* b */ */ COPY t to stdout", "-- x\n\tCopy t", ";copy t", " \u{a0}copy"]
        {
            assert_eq!(first_word(text), "copy", "{text}");
        }
        assert_eq!(first_word("/* é never closed"), "");
        assert_eq!(first_word("(select 1)"), "select");
    }

    #[test]
    fn commands_for_a_session_are_refused() {
        for text in
            ["set role other", "BEGIN", "/**/ commit", "prepare x as select 1", "discard all", "copy t from stdin"]
        {
            assert!(refused(text, QueryMode::Read) && refused(text, QueryMode::Write), "{text}");
        }
    }

    #[test]
    fn code_for_its_effects_is_for_writing() {
        assert!(refused("do $$ begin end $$", QueryMode::Read));
        assert!(!refused("do $$ begin end $$", QueryMode::Write));
        assert!(!refused("with x as (select 1) select * from x", QueryMode::Read));
        assert!(!refused("settle", QueryMode::Read));
    }
}
