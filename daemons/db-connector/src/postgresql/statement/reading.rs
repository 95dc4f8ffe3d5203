//! What a query that only reads may not hold.
//!
//! The list of functions cannot be complete, since a database may have any: it has those of PostgreSQL and of its common extensions whose
//! effects outlive a read-only transaction that is rolled back, that leave the database, or that run a text nobody has looked at.

use super::lexer::Token;

/// What a query that reads begins with.
const READS: &[&str] = &["select", "with", "values", "table", "show", "explain"];
/// Those of them that EXPLAIN explains.
const READS_EXPLAINED: &[&str] = &["select", "with", "values", "table"];
/// What else it explains; it is not run.
const WRITES_EXPLAINED: &[&str] = &["insert", "update", "delete", "merge"];

const ANALYZE: &[&str] = &["analyze", "analyse"];

/// Settings that decide what a transaction may do, whose rights it has or how long it takes.
const FIXED_SETTINGS: &[&str] = &[
    "role",
    "session_authorization",
    "session_replication_role",
    "statement_timeout",
    "transaction_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "standard_conforming_strings",
    "row_security",
];

/// Functions by the start of their names; one that ends with `(` is the whole name.
const REFUSED: &[(&str, &str)] = &[
    ("dblink", OTHER_DATABASES),
    ("lo_export(", FILES),
    ("lo_import", FILES),
    ("lo_creat", WRITES),
    ("lo_from_bytea", WRITES),
    ("lo_put", WRITES),
    ("lo_truncate", WRITES),
    ("lo_unlink", WRITES),
    ("lowrite(", WRITES),
    ("nextval(", WRITES),
    ("setval(", WRITES),
    ("pg_notify(", WRITES),
    ("pg_logical_emit_message", WRITES),
    ("pg_read_", FILES),
    ("pg_ls_", FILES),
    ("pg_stat_file", FILES),
    ("pg_file_", FILES),
    ("pg_current_logfile", FILES),
    ("query_to_xml", TEXTS),
    ("cursor_to_xml", TEXTS),
    ("ts_stat(", TEXTS),
    ("ts_rewrite(", TEXTS),
    ("crosstab", TEXTS),
    ("connectby(", TEXTS),
    ("xpath_table(", TEXTS),
    ("pg_terminate_backend(", SERVER),
    ("pg_cancel_backend(", SERVER),
    ("pg_reload_conf(", SERVER),
    ("pg_rotate_logfile", SERVER),
    ("pg_log_", SERVER),
    ("pg_promote(", SERVER),
    ("pg_switch_", SERVER),
    ("pg_start_backup(", SERVER),
    ("pg_stop_backup(", SERVER),
    ("pg_backup_", SERVER),
    ("pg_wal_replay_", SERVER),
    ("pg_xlog_replay_", SERVER),
    ("pg_create_", SERVER),
    ("pg_drop_", SERVER),
    ("pg_copy_", SERVER),
    ("pg_replication_", SERVER),
    ("pg_sync_replication_slots(", SERVER),
    ("pg_logical_slot_", SERVER),
    ("pg_stat_reset", SERVER),
    ("pg_stat_statements_reset", SERVER),
    ("pg_import_system_collations(", SERVER),
    ("pg_extension_config_dump(", SERVER),
];

const NOT_EXPLAINED: &str = "EXPLAIN explains SELECT, WITH, VALUES, TABLE, INSERT, UPDATE, DELETE or MERGE";

const OTHER_DATABASES: &str = "reaches another database in a session of its own, which no read-only transaction guards: make that database a resource, or set the query's mode to \"write\"";
const FILES: &str =
    "reaches files of the database's server, which a query that reads may not: keep such data in a table";
const WRITES: &str = "changes something: set the query's mode to \"write\"";
const TEXTS: &str = "runs a text as SQL, which cannot be looked at before: write that statement itself, or set the query's mode to \"write\"";
const SERVER: &str = "acts on the database's server: set the query's mode to \"write\"";

/// Why a query that reads must not hold these, if it must not.
pub(super) fn refusal(tokens: &[Token<'_>]) -> Option<String> {
    if let Some(refusal) = of_several(tokens) {
        return Some(refusal);
    }
    let statement = match tokens.iter().position(|token| *token != Token::Sign('(')) {
        Some(start) => &tokens[start..],
        None => return None,
    };
    if !is_word(statement.first(), READS) {
        return Some(
            "it does not begin with SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN; set the query's mode to \"write\" if it is meant to change something"
                .to_owned(),
        );
    }
    if is_word(statement.first(), &["explain"]) {
        return of_explain(statement).or_else(|| of_calls(statement));
    }
    of_writing(statement).or_else(|| of_calls(statement))
}

/// Why a statement cannot be explained, or may not be run to measure it.
pub(super) fn explain_refusal(tokens: &[Token<'_>], analyze: bool) -> Option<String> {
    let first = tokens.iter().find(|token| **token != Token::Sign('('));
    if !is_word(first, READS_EXPLAINED) && !is_word(first, WRITES_EXPLAINED) {
        return Some(NOT_EXPLAINED.to_owned());
    }
    if analyze { refusal(tokens) } else { of_several(tokens) }
}

fn of_several(tokens: &[Token<'_>]) -> Option<String> {
    let end = tokens.iter().position(|token| *token == Token::Sign(';'))?;
    let goes_on = tokens[end..].iter().any(|token| *token != Token::Sign(';'));
    goes_on.then(|| "there are several statements; a query is one: make a query of each".to_owned())
}

/// EXPLAIN runs what it explains only with ANALYZE.
fn of_explain(tokens: &[Token<'_>]) -> Option<String> {
    let (options, explained) = tokens.split_at(explained_at(tokens));
    let first = explained.iter().find(|token| **token != Token::Sign('('));
    if !is_word(first, READS_EXPLAINED) && !is_word(first, WRITES_EXPLAINED) {
        return Some(NOT_EXPLAINED.to_owned());
    }
    if !options.iter().any(|token| is_word(Some(token), ANALYZE)) {
        return None;
    }
    if is_word(first, WRITES_EXPLAINED) {
        return Some("EXPLAIN ANALYZE runs what it explains; set the query's mode to \"write\"".to_owned());
    }
    of_writing(explained)
}

/// Where what is explained begins, behind EXPLAIN and its options.
fn explained_at(tokens: &[Token<'_>]) -> usize {
    let is_option = |token: &Token<'_>| is_word(Some(token), ANALYZE) || is_word(Some(token), &["verbose"]);
    let has_list = tokens.get(1) == Some(&Token::Sign('('))
        && !is_word(tokens.get(2), READS_EXPLAINED)
        && tokens.get(2) != Some(&Token::Sign('('));
    if has_list {
        let close = tokens.iter().position(|token| *token == Token::Sign(')'));
        return close.map_or(tokens.len(), |close| close + 1);
    }
    1 + tokens.iter().skip(1).take_while(|token| is_option(token)).count()
}

/// Parts of a statement that change rows, make a table or lock rows.
fn of_writing(tokens: &[Token<'_>]) -> Option<String> {
    for (at, token) in tokens.iter().enumerate() {
        let Token::Word(word) = token else { continue };
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        let after = tokens.get(at + 1);
        // `insert` and its like are names too; they begin a statement only behind a bracket.
        let begins = matches!(before, Some(Token::Sign('(' | ')')));
        let writes = match word.as_str() {
            "insert" | "merge" => begins && is_word(after, &["into"]),
            "delete" => begins && is_word(after, &["from"]),
            "update" => begins && matches!(after, Some(Token::Word(_) | Token::Quoted(_) | Token::Text)),
            // It is a reserved word, so it is no name.
            "into" => true,
            _ => false,
        };
        if writes {
            return Some(format!(
                "it holds {}, which changes data; set the query's mode to \"write\"",
                word.to_ascii_uppercase()
            ));
        }
        if word == "for" && is_lock(&tokens[at + 1..]) {
            return Some("it locks rows, which a query that reads cannot; leave out FOR UPDATE or FOR SHARE, or set the query's mode to \"write\"".to_owned());
        }
    }
    None
}

/// `UPDATE`, `NO KEY UPDATE`, `SHARE`, `KEY SHARE` behind a FOR.
fn is_lock(after: &[Token<'_>]) -> bool {
    let word = |at: usize, wanted: &str| is_word(after.get(at), &[wanted]);
    word(0, "update")
        || word(0, "share")
        || (word(0, "key") && word(1, "share"))
        || (word(0, "no") && word(1, "key") && word(2, "update"))
}

/// Functions that are called.
fn of_calls(tokens: &[Token<'_>]) -> Option<String> {
    for (at, pair) in tokens.windows(2).enumerate() {
        if pair[1] != Token::Sign('(') {
            continue;
        }
        let name = match &pair[0] {
            Token::Word(name) | Token::Quoted(name) => name.as_str(),
            Token::Text => {
                return Some(
                    "it calls a function whose name is written by code points; write the name itself".to_owned(),
                );
            }
            _ => continue,
        };
        if name == "set_config" {
            if let Some(refusal) = of_setting(tokens.get(at + 2), tokens.get(at + 3)) {
                return Some(refusal);
            }
            continue;
        }
        let is_it = |(refused, _): &&(&str, &str)| match refused.strip_suffix('(') {
            Some(whole) => name == whole,
            None => name.starts_with(refused),
        };
        if let Some((_, why)) = REFUSED.iter().find(is_it) {
            return Some(format!("{name}() {why}"));
        }
    }
    None
}

/// The setting that `set_config` sets: named plainly, and none that guards the read.
fn of_setting(name: Option<&Token<'_>>, after: Option<&Token<'_>>) -> Option<String> {
    let (Some(Token::Plain(name)), Some(Token::Sign(','))) = (name, after) else {
        return Some(
            "set_config() must name its setting as plain text in quotes, as in set_config('app.user', ..., true)"
                .to_owned(),
        );
    };
    let name = name.to_ascii_lowercase();
    let is_fixed = FIXED_SETTINGS.contains(&name.as_str())
        || name.starts_with("transaction_")
        || name.starts_with("default_transaction_");
    is_fixed.then(|| format!("set_config() may not change {name} in a query that reads; leave it out"))
}

fn is_word(token: Option<&Token<'_>>, words: &[&str]) -> bool {
    matches!(token, Some(Token::Word(word)) if words.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::super::lexer::tokens;
    use super::*;

    #[test]
    fn what_reads_is_let_through() {
        for text in [
            "select 1;",
            "((select 1) union (select 2))",
            "select insert, \"update\", 'insert into t' from t -- into x",
            "with recursive x as (select 1 union all select * from x) select * from x",
            "with a as materialized (values (1)) table a",
            "select set_config('app.user', $1, true), current_setting('role')",
            "select set_config('search_path', 'x', true)",
            "select count(*) filter (where kind = $$delete from t$$), substring(a for 3), updated from t",
            "show server_version",
            "explain (format json) update t set a = 1",
            "explain analyze select 1",
            "select lo_get(1), currval('s')",
        ] {
            assert_eq!(refusal(&tokens(text)), None, "{text}");
        }
    }

    #[test]
    fn what_is_explained_is_run_only_if_it_reads() {
        let refused = |text, analyze| explain_refusal(&tokens(text), analyze).is_some();
        for text in ["insert into t select 1", "with x as (delete from t returning 1) select 1", "select nextval('s')"]
        {
            assert!(!refused(text, false) && refused(text, true), "{text}");
        }
        for text in
            ["(analyze) insert into t select 1", "analyze select 1", "explain select 1", "show x", "select 1; select 2"]
        {
            assert!(refused(text, false) && refused(text, true), "{text}");
        }
        assert!(!refused("(select 1) union select 2;", true));
    }

    #[test]
    fn what_does_more_is_refused_with_what_to_do() {
        for (text, word) in [
            ("select 1; select 2", "several statements"),
            ("select 1;;insert into t values (1)", "several statements"),
            ("insert into t values (1)", "\"write\""),
            ("with x as (insert into t values (1) returning *) select * from x", "INSERT"),
            ("with x as not materialized (/**/DELETE/**/FROM t returning *) select 1", "DELETE"),
            ("with x as (select 1) update t set a = 1", "UPDATE"),
            ("with x as (update \"t\" set a = 1 returning 1) select 1", "UPDATE"),
            ("with x as (update u&\"t\" set a = 1 returning 1) select 1", "UPDATE"),
            ("with x as (merge into t using s on true when matched then delete) select 1", "MERGE"),
            ("select 1 into u", "INTO"),
            ("select 1into u", "INTO"),
            ("select * from t for no key update", "locks"),
            ("explain analyze insert into t values (1)", "EXPLAIN ANALYZE"),
            ("explain (verbose, analyze) with x as (delete from t returning 1) select 1", "DELETE"),
            ("explain (analyze) execute p", "EXPLAIN explains"),
            ("explain analyze create table u as select 1", "EXPLAIN explains"),
            ("explain ((analyze) select 1)", "EXPLAIN explains"),
            ("select set_config('role', 'postgres', true)", "role"),
            ("select pg_catalog . \"set_config\" ('Transaction_Read_Only', 'off', true)", "transaction_read_only"),
            ("select set_config('ro' || 'le', 'postgres', true)", "plain text"),
            ("select set_config('ro'\n'le', 'postgres', true)", "plain text"),
            ("select set_config($1, 'postgres', true)", "plain text"),
            ("select set_config(setting_name => 'role', new_value => 'x', is_local => true)", "plain text"),
            ("select u&\"set\\005fconfig\"('role', 'x', true)", "code points"),
            ("select * from dblink('dbname=x', 'select 1') as t(a int)", "resource"),
            ("select dblink_exec/**/('x', 'drop table t')", "resource"),
            ("select pg_read_file('/etc/passwd')", "files"),
            ("select PG_READ_BINARY_FILE('/etc/passwd')", "files"),
            ("select lo_export(1, '/tmp/x')", "files"),
            ("select query_to_xml('delete from t', true, true, '')", "text as SQL"),
            ("select pg_terminate_backend(1)", "server"),
            ("select nextval('s')", "\"write\""),
            ("vacuum", "\"write\""),
        ] {
            match refusal(&tokens(text)) {
                Some(said) => assert!(said.contains(word), "{text}: {said}"),
                None => panic!("let through: {text}"),
            }
        }
    }
}
