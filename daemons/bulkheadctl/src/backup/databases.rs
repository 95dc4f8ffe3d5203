//! The databases: one moment of both, dumped as they stood then, and brought back beside what is there until they are whole.

use std::io::Read;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};

use super::archive::{Attributes, Writer};
use crate::psql::Psql;
use crate::roles::Roles;
use crate::sessions::{Running, Session};
use crate::setup::{Names, prepare_databases};

/// The entry that holds the [`Roles`].
pub(super) const ROLES: &str = "databases/roles.json";
/// The end of the name of a database that is being restored, and of the one that it replaces.
const FRESH: &str = "_restore";
const OLD: &str = "_before_restore";

/// Which of the databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Apps, users, permissions, runs.
    Main,
    /// What people fill.
    Tables,
}

impl Which {
    pub(crate) const ALL: [Self; 2] = [Self::Main, Self::Tables];

    /// Its entries begin so.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Main => "databases/main",
            Self::Tables => "databases/tables",
        }
    }

    pub(crate) fn name(self, names: &Names) -> &str {
        match self {
            Self::Main => &names.main,
            Self::Tables => &names.tables,
        }
    }
}

/// Which schema the database has; one that has none is no instance.
pub(crate) fn schema(psql: &Psql, names: &Names) -> Result<i32> {
    let found = psql.run(&names.main, "SELECT max(version) FROM schema_migrations;");
    let found = found.context("there is nothing to back up: `bulkheadctl setup` makes an instance")?;
    found.parse().with_context(|| format!("{found:?} as the schema's version"))
}

/// One moment of both databases.
pub(super) struct Moment {
    /// They keep the moment until they end; in the order of [`Which::ALL`].
    sessions: [(Session, String); 2],
    roles: Roles,
}

impl Moment {
    /// Holds it. The journal of effects takes no entry between the two databases' moments: an effect that it calls finished is in both, one
    /// that it calls begun ends as after a crash.
    pub(super) fn hold(psql: &Psql, names: &Names) -> Result<Self> {
        let mut journal = Session::open(psql, &names.main)?;
        let mut sessions = [Session::open(psql, &names.main)?, Session::open(psql, &names.tables)?];
        journal.ask("BEGIN; SET LOCAL lock_timeout = '10s'; LOCK TABLE block_calls IN EXCLUSIVE MODE;")?;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot();";
        let [main, tables] = &mut sessions;
        let snapshots = [main.ask(begin)?, tables.ask(begin)?];
        journal.ask("ROLLBACK;")?;
        let roles = Roles::of(psql, names, &Which::ALL, false)?;
        let [main, tables] = sessions;
        let [of_main, of_tables] = snapshots;
        Ok(Self { sessions: [(main, of_main), (tables, of_tables)], roles })
    }

    /// Dumps both. The moment is let go.
    pub(super) fn save(self, psql: &Psql, names: &Names, writer: &mut Writer) -> Result<()> {
        writer.bytes(ROLES, &serde_json::to_vec_pretty(&self.roles)?, &Attributes::of_root(0o600))?;
        for (which, (session, snapshot)) in Which::ALL.into_iter().zip(self.sessions) {
            let mut dump = psql.tool("pg_dump", which.name(names));
            // What compresses the archive does it better.
            dump.args(["--format=custom", "--compress=0", "--lock-wait-timeout=60s", "--snapshot", &snapshot]);
            let mut running = Running::start(dump, Stdio::null())?;
            let output = running.child.stdout.take().context("pg_dump's output")?;
            let written = writer.chunks(which.prefix(), output);
            // Its own word comes first: that it ended early is why the rest failed.
            running.end(written.is_err())?;
            let bytes = written?;
            ensure!(bytes > 0, "pg_dump wrote nothing");
            drop(session);
        }
        Ok(())
    }
}

/// Whether there is anything in the databases.
pub(super) fn is_empty(psql: &Psql, names: &Names) -> Result<bool> {
    for name in [&names.main, &names.tables] {
        let exists = psql.run("postgres", &format!("SELECT count(*) FROM pg_database WHERE datname = '{name}';"))?;
        if exists != "0" && has_tables(psql, name)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a database that exists has anything in it.
pub(crate) fn has_tables(psql: &Psql, name: &str) -> Result<bool> {
    let tables = "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') \
                  AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)';";
    Ok(psql.run(name, tables)? != "0")
}

/// Databases that are being restored, beside those that are there.
pub(super) struct Restoring<'a> {
    psql: &'a Psql,
    names: &'a Names,
    fresh: Names,
    running: Option<(Which, Running)>,
    done: Vec<Which>,
    roles: Option<Roles>,
}

impl<'a> Restoring<'a> {
    /// Makes them, empty; what an interrupted restore has left goes first.
    pub(super) fn begin(psql: &'a Psql, names: &'a Names) -> Result<Self> {
        prepare_databases(psql, names)?;
        let fresh = Names { main: format!("{}{FRESH}", names.main), tables: format!("{}{FRESH}", names.tables) };
        drop_both(psql, &fresh)?;
        prepare_databases(psql, &fresh)?;
        Ok(Self { psql, names, fresh, running: None, done: Vec::new(), roles: None })
    }

    /// The roles come before all that they own.
    pub(super) fn roles(&mut self, content: &[u8]) -> Result<()> {
        let roles = Roles::parse(content)?;
        roles.make(self.psql)?;
        self.roles = Some(roles);
        Ok(())
    }

    /// Feeds a piece of a dump.
    pub(super) fn feed(&mut self, which: Which, content: &mut dyn Read) -> Result<()> {
        if self.running.as_ref().is_some_and(|(running, _)| *running != which) {
            self.end_one()?;
        }
        if self.running.is_none() {
            ensure!(!self.done.contains(&which), "a dump is in two places");
            let mut restore = self.psql.tool("pg_restore", which.name(&self.fresh));
            restore.args(["--exit-on-error", "--single-transaction"]);
            self.running = Some((which, Running::start(restore, Stdio::piped())?));
        }
        let Some((_, running)) = &mut self.running else { return Ok(()) };
        let input = running.child.stdin.as_mut().context("pg_restore's standard input")?;
        // It has ended early when this fails, and says why.
        if std::io::copy(content, input).is_err() {
            self.end_one()?;
            bail!("pg_restore does not read on");
        }
        Ok(())
    }

    fn end_one(&mut self) -> Result<()> {
        if let Some((which, running)) = self.running.take() {
            running.end(false).with_context(|| format!("restore {}", which.prefix()))?;
            self.done.push(which);
        }
        Ok(())
    }

    /// The last piece has come.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.end_one()?;
        ensure!(self.done.len() == Which::ALL.len(), "the backup does not have both databases");
        Ok(())
    }

    /// Puts them in the place of those that are there, which are dropped.
    pub(super) fn take_place(self) -> Result<()> {
        let old = Names { main: format!("{}{OLD}", self.names.main), tables: format!("{}{OLD}", self.names.tables) };
        drop_both(self.psql, &old)?;
        let mut script = String::new();
        for which in Which::ALL {
            let (name, fresh, old) = (which.name(self.names), which.name(&self.fresh), which.name(&old));
            script += &format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('{name}', '{fresh}') \\g /dev/null
ALTER DATABASE {name} RENAME TO {old};\nALTER DATABASE {fresh} RENAME TO {name};\n"
            );
        }
        self.psql.run("postgres", &script).context("put the restored databases in place")?;
        // Who may connect was said of the names before.
        prepare_databases(self.psql, self.names)?;
        if let Some(roles) = &self.roles {
            roles.set(self.psql, self.names)?;
        }
        drop_both(self.psql, &old)
    }

    /// Drops what has come so far.
    pub(super) fn give_up(self) -> Result<()> {
        let Self { psql, fresh, running, .. } = self;
        drop(running);
        drop_both(psql, &fresh)
    }
}

fn drop_both(psql: &Psql, names: &Names) -> Result<()> {
    let script: String =
        [&names.main, &names.tables].map(|name| format!("DROP DATABASE IF EXISTS {name} WITH (FORCE);\n")).concat();
    psql.run("postgres", &format!("SET client_min_messages = warning;\n{script}")).map(drop)
}
