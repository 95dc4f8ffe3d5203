//! PostgreSQL's tools while they run: a psql that stays, and others whose complaints are kept.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::psql::Psql;

/// A psql that stays.
pub(crate) struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Session {
    pub(crate) fn open(psql: &Psql, database: &str) -> Result<Self> {
        let mut command = psql.command(database);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("start psql: install the package postgresql-client")?;
        let input = child.stdin.take().context("psql's standard input")?;
        let output = BufReader::new(child.stdout.take().context("psql's output")?);
        Ok(Self { child, input, output })
    }

    /// Runs statements and returns the lines that they print.
    pub(crate) fn ask(&mut self, statements: &str) -> Result<String> {
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
pub(crate) struct Running {
    pub(crate) child: Child,
    program: String,
    complaints: Option<std::thread::JoinHandle<String>>,
}

impl Running {
    pub(crate) fn start(mut command: Command, input: Stdio) -> Result<Self> {
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
    pub(crate) fn end(mut self, we_stopped: bool) -> Result<()> {
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
