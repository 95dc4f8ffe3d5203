//! The machine: commands inside it, and its addresses.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// The machine that xtask has booted.
#[derive(Debug)]
pub(crate) struct Guest {
    /// Where its api answers on this host, without a slash at the end.
    pub(crate) url: String,
    /// The demo workflow's webhook, with its key.
    pub(crate) webhook: String,
    /// A folder of databases that others wrote.
    pub(crate) samples: Option<PathBuf>,
    /// A folder with the packages of a later version.
    pub(crate) newer: Option<PathBuf>,
    place: Place,
}

/// Where the machine is, seen from this program.
#[derive(Debug)]
enum Place {
    /// In a container; this is its init as this host has it.
    Container(String),
    /// This program runs in it.
    Here,
}

impl Guest {
    /// The machine that the environment names.
    pub(crate) fn from_environment() -> Result<Self> {
        Ok(Self {
            url: value("BULKHEAD_URL")?,
            webhook: value("BULKHEAD_WEBHOOK")?,
            samples: value("BULKHEAD_TEST_SAMPLES").ok().map(PathBuf::from),
            newer: value("BULKHEAD_NEWER_PACKAGES").ok().map(PathBuf::from),
            place: Place::Container(value("BULKHEAD_MACHINE_PID")?),
        })
    }

    /// The machine that the environment names, before anything is installed on it.
    pub(crate) fn bare() -> Result<Self> {
        let place = Place::Container(value("BULKHEAD_MACHINE_PID")?);
        Ok(Self { url: String::new(), webhook: String::new(), samples: None, newer: None, place })
    }

    /// The machine that this program runs in.
    pub(crate) fn here(webhook: String) -> Self {
        Self { url: "http://127.0.0.1:8080".to_owned(), webhook, samples: None, newer: None, place: Place::Here }
    }

    /// Runs a command inside as root and returns what it printed; its failure is an error.
    pub(crate) fn run(&self, words: &[&str]) -> Result<String> {
        self.run_with_input(words, b"")
    }

    /// [`Self::run`], with something on its stdin.
    pub(crate) fn run_with_input(&self, words: &[&str], input: &[u8]) -> Result<String> {
        let output = self.output(words, input)?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            bail!("`{}` ended with {}: {}", words.join(" "), output.status, error.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Whether a command ends well inside.
    pub(crate) fn succeeds(&self, words: &[&str]) -> Result<bool> {
        Ok(self.output(words, b"")?.status.success())
    }

    /// Runs SQL in a database as its superuser; rows by line, columns by `|`.
    pub(crate) fn sql(&self, database: &str, statement: &str) -> Result<String> {
        let psql = ["runuser", "-u", "postgres", "--", "psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d"];
        self.run_with_input(&[&psql[..], &[database]].concat(), statement.as_bytes())
    }

    /// The units of Bulkhead's services that the target wants, instances included.
    pub(crate) fn services(&self) -> Result<Vec<String>> {
        let listed = self.run(&[
            "systemctl",
            "list-units",
            "--all",
            "--plain",
            "--no-legend",
            "--full",
            "--type=service",
            "bulkhead-*",
        ])?;
        // A backup runs when it is asked for, and then as root.
        let names = listed.lines().filter_map(|line| line.split_whitespace().next());
        let names: Vec<String> = names.filter(|name| *name != "bulkhead-backup.service").map(str::to_owned).collect();
        ensure!(!names.is_empty(), "systemd knows no service of Bulkhead");
        Ok(names)
    }

    /// Runs a command inside as root, however it ends.
    pub(crate) fn output(&self, words: &[&str], input: &[u8]) -> Result<Output> {
        let mut inside = match &self.place {
            Place::Container(leader) => {
                let mut nsenter = Command::new("nsenter");
                nsenter.args(["--target", leader, "--mount", "--uts", "--ipc", "--net", "--pid", "--", "env"]);
                nsenter
            }
            Place::Here => Command::new("env"),
        };
        inside.args(["-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"]).args(words);
        let mut child = inside
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", words.join(" ")))?;
        let mut stdin = child.stdin.take().context("a pipe")?;
        let input = input.to_vec();
        // A thread, since a command that answers before it has read everything would wait for its reader.
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output()?;
        // A command that does not read its input closes the pipe: that is its right.
        drop(writer.join());
        Ok(output)
    }
}

/// What xtask says of the machine.
pub(crate) fn value(name: &str) -> Result<String> {
    #[allow(clippy::disallowed_methods, reason = "how xtask says where the machine is")]
    std::env::var(name).with_context(|| format!("{name} is not set: run `cargo xtask test`"))
}

/// Asks again and again until `condition` holds or the time is over.
pub(crate) fn wait_until(what: &str, timeout: Duration, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + timeout;
    while !condition()? {
        ensure!(Instant::now() < end, "not within {timeout:?}: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}
