//! What comes to be on the server before it counts: roles, empty databases, the rows, compared with those here; and how all of it goes again.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::checks::{Found, Here};
use super::interrupt::Interrupt;
use super::state::State;
use super::{MARK, Passwords, Task, replaced};
use crate::psql::Psql;
use crate::roles::{identifier, literal};
use crate::sessions::{Running, Session};
use crate::setup::{TABLES_ROLE, install_logins, step};

const QUIET: &str = "SET client_min_messages = warning;\n";
/// What only a superuser can install, and setup brings anew.
const INSTALLED: &str = "table_logins";
const PIECE: usize = 1 << 20;
const EVERY: Duration = Duration::from_secs(10);

/// Makes roles and empty databases there, and tries each log-in: nothing here has stopped yet.
pub(super) fn prepare(task: &Task, found: &Found, state: &State, passwords: &Passwords) -> Result<()> {
    let psql = task.target.psql();
    found.roles.make(&psql)?;
    if !found.server.is_superuser {
        // Who gives something to a role must be able to be it. Taken back in the end.
        let grants: String =
            found.roles.names().map(|name| format!("GRANT {} TO CURRENT_USER;\n", identifier(name))).collect();
        psql.run("postgres", &format!("{QUIET}{grants}")).context("become able to give the databases away")?;
    }
    let mut script = QUIET.to_owned();
    for there in &found.there {
        let name = &there.name;
        script += &match there.is_marked {
            true => format!("DROP DATABASE {name} WITH (FORCE);\n"),
            false => format!("ALTER DATABASE {name} RENAME TO {};\n", replaced(name)),
        };
    }
    for Here { name, collate, ctype, owner, .. } in &found.here {
        script += &format!(
            "CREATE DATABASE {name} OWNER {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE {} LC_CTYPE {};
COMMENT ON DATABASE {name} IS {};\nREVOKE ALL ON DATABASE {name} FROM PUBLIC;\n",
            identifier(owner),
            literal(collate),
            literal(ctype),
            literal(MARK)
        );
    }
    let made = psql.run("postgres", &script).map_err(|error| match format!("{error:#}").contains("locale") {
        true => error.context(
            "the server's system lacks a locale: install it there (for C.UTF-8: the newest locales), then restart it",
        ),
        false => error,
    });
    made.context("make the databases there")?;
    let logins = found.logins_go_along(task);
    found.roles.carry(&psql, &task.which, &state.made, logins)?;
    passwords.set(&psql)?;
    for (role, database, password) in passwords.logins(task) {
        let answer = task.target.psql_as(&role, password).run(database, "SELECT 1;");
        answer.with_context(|| {
            format!(
                "{role} cannot log in to {database} there with its password: let it in by pg_hba.conf, above lines that do not: \
                 `hostssl {database} \"{role}\" ADDRESS-OF-THIS-MACHINE scram-sha-256`"
            )
        })?;
    }
    step(&format!("roles and empty databases are on {}, and each daemon can log in", task.target.name()));
    Ok(())
}

/// Keeps everybody but superusers out of the databases here, and ends the sessions that there are.
pub(super) fn close(task: &Task) -> Result<()> {
    let mut script = QUIET.to_owned();
    for (_, name) in &task.which {
        script += &format!("ALTER DATABASE {name} CONNECTION LIMIT 0;\n");
    }
    task.place.psql.run("postgres", &script).context("keep the daemons out of the databases")?;
    end_sessions(task)
}

/// Ends the sessions of all databases that move.
pub(super) fn end_sessions(task: &Task) -> Result<()> {
    let names: Vec<String> = task.which.iter().map(|(_, name)| literal(name)).collect();
    let end = format!(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname IN ({}) AND pid <> pg_backend_pid();",
        names.join(", ")
    );
    task.place.psql.run("postgres", &end).map(drop).context("end the sessions of the databases")
}

/// Lets in again who was let in.
pub(super) fn reopen(task: &Task, state: &State) -> Result<()> {
    let mut script = QUIET.to_owned();
    for (name, limit) in &state.limits {
        script += &format!("ALTER DATABASE {name} CONNECTION LIMIT {limit};\n");
    }
    task.place.psql.run("postgres", &script).map(drop).context("let the daemons into the databases again")
}

/// Copies all of them, and looks whether all has come.
pub(super) fn copy(task: &Task, found: &Found, interrupt: &Interrupt) -> Result<()> {
    let psql = task.target.psql();
    for (_, name) in &task.which {
        let mut session = Session::open(&task.place.psql, name)?;
        let snapshot = session.ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot();")?;
        let mut dump = task.place.psql.tool("pg_dump", name);
        dump.args(["--format=custom", "--compress=0", "--lock-wait-timeout=60s", "--snapshot", &snapshot]);
        dump.arg(format!("--exclude-schema={INSTALLED}"));
        let mut restore = psql.tool("pg_restore", name);
        restore.args(["--exit-on-error", "--single-transaction"]);
        let bytes = pipe(Running::start(dump, Stdio::null())?, Running::start(restore, Stdio::piped())?, interrupt)
            .with_context(|| format!("copy {name}"))?;
        let (ours, theirs) = (counted(&session.ask(COUNT)?)?, counted(&psql.run(name, COUNT)?)?);
        compare(&ours, &theirs).with_context(|| format!("compare {name} with its copy"))?;
        let rows: i64 = ours
            .iter()
            .filter(|(name, _)| name.starts_with("rows of"))
            .filter_map(|(_, n)| n.parse::<i64>().ok())
            .sum();
        step(&format!("{name} is copied: {} MiB, {rows} rows; each table has as many there as here", bytes >> 20));
        // What plans are made by. The copy is whole without.
        let _ = psql.run(name, "SET client_min_messages = error; ANALYZE;");
        interrupt.check()?;
        drop(session);
    }
    if found.logins_go_along(task) {
        install_logins(&psql, &task.place.names)?;
    }
    Ok(())
}

/// Leads what one writes to the other. Nothing stands on a disk in between.
fn pipe(mut dump: Running, mut restore: Running, interrupt: &Interrupt) -> Result<u64> {
    let mut output = dump.child.stdout.take().context("pg_dump's output")?;
    let mut input = restore.child.stdin.take().context("pg_restore's standard input")?;
    let mut piece = vec![0; PIECE];
    let (mut bytes, mut told) = (0, Instant::now());
    loop {
        if let Err(stop) = interrupt.check() {
            restore.end(true)?;
            dump.end(true)?;
            return Err(stop);
        }
        let read = output.read(&mut piece).context("read from pg_dump")?;
        if read == 0 {
            break;
        }
        if input.write_all(&piece[..read]).is_err() {
            drop(input);
            drop(output);
            dump.end(true)?;
            restore.end(false)?;
            bail!("pg_restore does not read on");
        }
        bytes += read as u64;
        if told.elapsed() >= EVERY {
            told = Instant::now();
            step(&format!("{} MiB so far", bytes >> 20));
        }
    }
    drop(output);
    // A dump that broke off must not look like a whole one.
    if let Err(error) = dump.end(false) {
        restore.end(true)?;
        return Err(error);
    }
    ensure!(bytes > 0, "pg_dump wrote nothing");
    drop(input);
    restore.end(false)?;
    Ok(bytes)
}

/// Rows of each table, where each sequence stands, and how many there are of what else a database has; one a line.
const COUNT: &str = r"SELECT format('SELECT %L, count(*) FROM %I.%I', 'rows of ' || n.nspname || '.' || c.relname, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'table_logins') \gexec
SELECT 'sequence ' || schemaname || '.' || sequencename, coalesce(last_value::text, 'unused') FROM pg_sequences
WHERE schemaname !~ '^pg_';
SELECT kind, count(*) FROM (
    SELECT 'number of ' || CASE c.relkind WHEN 'v' THEN 'views' WHEN 'i' THEN 'indexes' ELSE 'relations' END, n.nspname
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'i', 'p', 'I', 'f', 'S')
    UNION ALL SELECT 'number of constraints', n.nspname FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
    UNION ALL SELECT 'number of functions', n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    UNION ALL SELECT 'number of triggers', n.nspname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT t.tgisinternal
) AS things (kind, schema) WHERE schema !~ '^pg_' AND schema NOT IN ('information_schema', 'table_logins') GROUP BY kind;
";

fn counted(text: &str) -> Result<BTreeMap<String, String>> {
    let pairs = text.lines().map(|line| {
        let (name, number) = line.rsplit_once('|').with_context(|| format!("psql printed {line:?}"))?;
        Ok((name.to_owned(), number.to_owned()))
    });
    pairs.collect()
}

/// Refuses a copy that differs.
fn compare(ours: &BTreeMap<String, String>, theirs: &BTreeMap<String, String>) -> Result<()> {
    let none = "none".to_owned();
    let names = ours.keys().chain(theirs.keys().filter(|name| !ours.contains_key(*name)));
    let differing: Vec<String> = names
        .filter_map(|name| {
            let (here, there) = (ours.get(name).unwrap_or(&none), theirs.get(name).unwrap_or(&none));
            (here != there).then(|| format!("{name}: {here} here, {there} there"))
        })
        .collect();
    ensure!(differing.is_empty(), "they differ: {}", differing.join("; "));
    Ok(())
}

/// Puts away what a move that does not take place has made there.
pub(super) fn take_back(task: &Task, state: &State) -> Result<()> {
    let psql = task.target.psql();
    let mut script = QUIET.to_owned();
    for (_, name) in &task.which {
        let old = replaced(name);
        script += &format!(
            "SELECT 'DROP DATABASE {name} WITH (FORCE)' FROM pg_database WHERE datname = '{name}' AND shobj_description(oid, 'pg_database') = {} \\gexec
SELECT 'ALTER DATABASE {old} RENAME TO {name}' FROM pg_database WHERE datname = '{old}' \\gexec\n",
            literal(MARK)
        );
    }
    psql.run("postgres", &script).context("drop the databases that were made there")?;
    let mut script = QUIET.to_owned();
    for role in &state.made {
        let drop = literal(&format!("DROP ROLE {}", identifier(role)));
        script += &format!("SELECT {drop} FROM pg_roles WHERE rolname = {} \\gexec\n", literal(role));
    }
    psql.run("postgres", &script).map(drop).context("drop the roles that were made there")
}

/// The last of the server's part: the copy is no copy any more. Harmless to repeat.
pub(super) fn finish(task: &Task, psql: &Psql, made: &[String], is_superuser: bool) -> Result<()> {
    let mut script = QUIET.to_owned();
    for (_, name) in &task.which {
        let drop = literal(&format!("DROP DATABASE {} WITH (FORCE)", replaced(name)));
        script += &format!("SELECT {drop} FROM pg_database WHERE datname = '{}' \\gexec\n", replaced(name));
    }
    if !is_superuser {
        let made: Vec<String> = made.iter().map(|role| literal(role)).chain(["''".to_owned()]).collect();
        script += &format!(
            "SELECT DISTINCT format('REVOKE %I FROM CURRENT_USER', r.rolname) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
             WHERE m.member = current_user::regrole AND (r.rolname ~ '^bulkhead-' OR r.rolname IN ({})) \\gexec\n",
            made.join(", ")
        );
    }
    psql.run("postgres", &script).map(drop).context("tidy up on the server")
}

/// The mark says that what is there does not count yet.
pub(super) fn unmark(task: &Task) -> Result<()> {
    let comments: String =
        task.which.iter().map(|(_, name)| format!("COMMENT ON DATABASE {name} IS NULL;\n")).collect();
    task.target.psql().run("postgres", &format!("{QUIET}{comments}")).map(drop).context("take the mark off the copy")
}

impl Passwords {
    /// Gives the roles there their passwords, as verifiers: no log of statements can hold what would let somebody in.
    pub(super) fn set(&self, psql: &Psql) -> Result<()> {
        let mut script = QUIET.to_owned();
        let of = |role: &str, password: &str| {
            let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
            format!("ALTER ROLE {} PASSWORD '{verifier}';\n", identifier(role))
        };
        for (daemon, password) in &self.daemons {
            script += &of(&format!("bulkhead-{daemon}"), password);
        }
        if let Some(password) = &self.tables {
            script += &of(TABLES_ROLE, password);
        }
        psql.run("postgres", &script).map(drop).context("set the passwords of the roles there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_lacks_a_row_is_told_by_its_table() {
        let of = |text: &str| counted(text).expect("reads");
        let whole = of("rows of public.a|3\nsequence public.a_id_seq|3");
        compare(&whole, &whole).expect("alike");
        let error = compare(&whole, &of("rows of public.a|2\nsequence public.a_id_seq|3")).expect_err("differs");
        assert!(error.to_string().contains("rows of public.a: 3 here, 2 there"), "{error}");
        assert!(compare(&whole, &of("rows of public.a|3")).is_err());
        assert!(compare(&of("rows of public.a|3"), &whole).is_err());
    }
}
