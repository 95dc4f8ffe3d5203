//! PostgreSQL by its own command line tools: as a superuser, which no daemon of Bulkhead is.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

/// How to become a superuser of the cluster, or whom else on a server.
#[derive(Clone, Debug)]
pub(crate) enum Psql {
    /// As the Unix user `postgres`, by peer authentication.
    OfThisMachine,
    /// By a connection string.
    At(String),
    /// By a connection string, and a password that is not in it; nobody is asked for one.
    With(String, Option<Password>),
}

/// It stands in no list of processes and in no message.
#[derive(Clone)]
pub(crate) struct Password(pub(crate) Zeroizing<String>);

impl std::fmt::Debug for Password {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Password")
    }
}

impl Psql {
    /// Runs a script in `database` and returns what it printed: rows without a header, columns parted by `|`. The script
    /// travels by standard input, so that nothing of it stands in the list of processes.
    pub(crate) fn run(&self, database: &str, script: &str) -> Result<String> {
        self.feed(database, |input| input.write_all(script.as_bytes()))
    }

    /// [`Self::run`] with a script that is written as it goes.
    pub(crate) fn feed(&self, database: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<String> {
        let mut child = self
            .command(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("start psql: install the package postgresql-client")?;
        let mut input = io::BufWriter::new(child.stdin.take().context("psql's standard input")?);
        let written = write(&mut input).and_then(|()| input.flush());
        drop(input);
        let output = child.wait_with_output().context("wait for psql")?;
        if !output.status.success() {
            bail!("psql: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        // psql that ended before its input did has said why; one that ended well has read all of it.
        written.context("write to psql")?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// psql, ready to read a script.
    pub(crate) fn command(&self, database: &str) -> Command {
        let mut command = self.tool("psql", database);
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        command
    }

    /// One of the tools that take `--dbname`.
    pub(crate) fn tool(&self, program: &str, database: &str) -> Command {
        let (mut command, target) = match self {
            Self::OfThisMachine => {
                let mut command = Command::new("runuser");
                command.args(["-u", "postgres", "--", program]);
                (command, format!("dbname={database}"))
            }
            Self::At(connection) => (Command::new(program), format!("{connection} dbname={database}")),
            Self::With(connection, password) => {
                let mut command = Command::new(program);
                command.arg("--no-password");
                if let Some(Password(password)) = password {
                    // Of the environment of another user's process only root knows anything.
                    command.env("PGPASSWORD", password.as_str());
                }
                (command, format!("{connection} dbname={database}"))
            }
        };
        // The user postgres may not enter the caller's directory.
        command.current_dir("/").args(["--dbname", &target]);
        command
    }
}
