//! The databases: one moment of both, dumped as they stood then, and brought back beside what is there until they are whole.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::archive::{Attributes, Writer};
use crate::psql::Psql;
use crate::setup::{Names, prepare_databases};

/// The entry that holds [`Roles`].
pub(super) const ROLES: &str = "databases/roles.json";
/// The end of the name of a database that is being restored, and of the one that it replaces.
const FRESH: &str = "_restore";
const OLD: &str = "_before_restore";

/// Which of the databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Apps, users, permissions, runs.
    Main,
    /// What people fill.
    Tables,
}

impl Which {
    pub(super) const ALL: [Self; 2] = [Self::Main, Self::Tables];

    /// Its entries begin so.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Main => "databases/main",
            Self::Tables => "databases/tables",
        }
    }

    fn name(self, names: &Names) -> &str {
        match self {
            Self::Main => &names.main,
            Self::Tables => &names.tables,
        }
    }
}

/// Roles that the databases speak of, and who may connect to them: what a dump of one database does not hold.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Roles {
    roles: Vec<Role>,
    members: Vec<Member>,
    connect: Vec<Connect>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Role {
    name: String,
    login: bool,
    inherit: bool,
    /// The verifier of a password, where there is one.
    verifier: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Member {
    role: String,
    member: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Connect {
    /// Whether it is the tables database.
    tables: bool,
    role: String,
}

impl Roles {
    pub(super) fn parse(content: &[u8]) -> Result<Self> {
        serde_json::from_slice(content).context("read the list of roles")
    }

    fn of(psql: &Psql, names: &Names) -> Result<Self> {
        let Names { main, tables } = names;
        // A superuser is nothing that a backup should make.
        let text = psql.run(
            "postgres",
            &format!(
                "WITH ours AS (SELECT oid, datname FROM pg_database WHERE datname IN ('{main}', '{tables}')),
roles AS (
    SELECT * FROM pg_authid r WHERE NOT rolsuper AND rolname !~ '^pg_' AND (rolname ~ '^bulkhead-' OR r.oid IN (
        SELECT refobjid FROM pg_shdepend d WHERE refclassid = 'pg_authid'::regclass
            AND (dbid IN (SELECT oid FROM ours) OR classid = 'pg_database'::regclass AND objid IN (SELECT oid FROM ours))))
)
SELECT json_build_object(
    'roles', (SELECT coalesce(json_agg(json_build_object('name', rolname, 'login', rolcanlogin, 'inherit', rolinherit,
        'verifier', rolpassword) ORDER BY rolname), '[]') FROM roles),
    'members', (SELECT coalesce(json_agg(json_build_object('role', r.rolname, 'member', m.rolname)), '[]')
        FROM pg_auth_members a JOIN roles r ON r.oid = a.roleid JOIN roles m ON m.oid = a.member),
    'connect', (SELECT coalesce(json_agg(json_build_object('tables', d.datname = '{tables}', 'role', r.rolname)), '[]')
        FROM pg_database d, aclexplode(d.datacl) a JOIN roles r ON r.oid = a.grantee
        WHERE d.oid IN (SELECT oid FROM ours) AND a.privilege_type = 'CONNECT'));"
            ),
        )?;
        Self::parse(text.as_bytes())
    }

    /// Makes the roles that are missing: what is restored belongs to them.
    fn make(&self, psql: &Psql) -> Result<()> {
        let mut script = "SET client_min_messages = warning;\n".to_owned();
        for Role { name, .. } in &self.roles {
            let create = literal(&format!("CREATE ROLE {}", identifier(name)));
            let name = literal(name);
            script +=
                &format!("SELECT {create} WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {name}) \\gexec\n");
        }
        psql.run("postgres", &script).map(drop).context("make the roles")
    }

    /// Gives the roles what they had. Those that have it stay untouched.
    fn set(&self, psql: &Psql, names: &Names) -> Result<()> {
        let mut script = "SET client_min_messages = warning;\n".to_owned();
        for Role { name, login, inherit, verifier } in &self.roles {
            let word = |yes: bool, word: &str| if yes { word.to_owned() } else { format!("NO{word}") };
            let password = verifier.as_deref().map_or_else(|| "NULL".to_owned(), literal);
            let alter = literal(&format!(
                "ALTER ROLE {} {} {} PASSWORD {password}",
                identifier(name),
                word(*login, "LOGIN"),
                word(*inherit, "INHERIT")
            ));
            // Whoever has become a superuser meanwhile is none of a backup's business.
            script += &format!(
                "SELECT {alter} FROM pg_authid WHERE rolname = {} AND NOT rolsuper AND ((rolcanlogin, rolinherit)
<> ({login}, {inherit}) OR rolpassword IS DISTINCT FROM {password}) \\gexec\n",
                literal(name)
            );
        }
        for Member { role, member } in &self.members {
            script += &format!("GRANT {} TO {};\n", identifier(role), identifier(member));
        }
        for Connect { tables, role } in &self.connect {
            let database = if *tables { &names.tables } else { &names.main };
            script += &format!("GRANT CONNECT ON DATABASE {database} TO {};\n", identifier(role));
        }
        psql.run("postgres", &script).map(drop).context("set the roles")
    }
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Which schema the database has; one that has none is no instance.
pub(super) fn schema(psql: &Psql, names: &Names) -> Result<i32> {
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
        let roles = Roles::of(psql, names)?;
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

/// A psql that stays.
struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Session {
    fn open(psql: &Psql, database: &str) -> Result<Self> {
        let mut command = psql.command(database);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("start psql: install the package postgresql-client")?;
        let input = child.stdin.take().context("psql's standard input")?;
        let output = BufReader::new(child.stdout.take().context("psql's output")?);
        Ok(Self { child, input, output })
    }

    /// Runs statements and returns the lines that they print.
    fn ask(&mut self, statements: &str) -> Result<String> {
        const END: &str = "that is all";
        // psql that has gone says why below.
        let _ = writeln!(self.input, "{statements}\n\\echo {END}").and_then(|()| self.input.flush());
        let mut lines = String::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).context("read from psql")? == 0 {
                let mut why = String::new();
                self.child.stderr.take().context("psql's errors")?.read_to_string(&mut why)?;
                bail!("psql: {}", why.trim());
            }
            if line.trim_end() == END {
                return Ok(lines.trim().to_owned());
            }
            lines += &line;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A tool whose complaints are kept.
struct Running {
    child: Child,
    program: String,
    complaints: Option<std::thread::JoinHandle<String>>,
}

impl Running {
    fn start(mut command: Command, input: Stdio) -> Result<Self> {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let program = words.map(|word| word.to_string_lossy()).find(|word| word.starts_with("pg_"));
        let program = program.unwrap_or_default().into_owned();
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().with_context(|| format!("start {program}: install the package postgresql-client"))?;
        let mut errors = child.stderr.take().context("its errors")?;
        let complaints = std::thread::spawn(move || {
            let mut text = String::new();
            // What cannot be read is not shown.
            let _ = errors.read_to_string(&mut text);
            text
        });
        Ok(Self { child, program, complaints: Some(complaints) })
    }

    /// Waits for its end. What fails because `we_stopped` is not its fault.
    fn end(mut self, we_stopped: bool) -> Result<()> {
        drop(self.child.stdin.take());
        drop(self.child.stdout.take());
        if we_stopped {
            let _ = self.child.kill();
        }
        let status = self.child.wait().with_context(|| format!("wait for {}", self.program))?;
        let complaints = self.complaints.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        ensure!(we_stopped || status.success(), "{}: {}", self.program, complaints.trim());
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether there is anything in the databases.
pub(super) fn is_empty(psql: &Psql, names: &Names) -> Result<bool> {
    for name in [&names.main, &names.tables] {
        let exists = psql.run("postgres", &format!("SELECT count(*) FROM pg_database WHERE datname = '{name}';"))?;
        let tables = "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') \
                      AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)';";
        if exists != "0" && psql.run(name, tables)? != "0" {
            return Ok(false);
        }
    }
    Ok(true)
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
