//! Whether the certificates that this machine's daemons are configured with do what they are for.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use bulkhead_mtls::{Files, Identity, Role, explain};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use toml::Table;

use crate::daemons::DAEMONS;
use crate::report::effective;
use crate::table;

/// Days before its end from which on a certificate has to be renewed.
const SOON_DAYS: i64 = 14;

/// What was found about one daemon.
#[derive(Debug, Serialize)]
pub(crate) struct Checked {
    pub(crate) daemon: &'static str,
    certificate: PathBuf,
    names: Vec<String>,
    /// RFC 3339, UTC.
    pub(crate) ends: String,
    /// What is wrong and what to do; empty when all is well.
    pub(crate) fault: String,
}

/// Checks and prints; fails when something is wrong.
pub(super) fn run(json: bool) -> Result<ExitCode> {
    let found = check(Path::new("/etc/bulkhead"));
    if json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else if found.is_empty() {
        println!("no daemon of this machine has [internal-tls]: they call each other on this machine alone");
    } else {
        let row = |found: &Checked| {
            let verdict = if found.fault.is_empty() { "sound".to_owned() } else { found.fault.clone() };
            [found.daemon.to_owned(), found.names.join(" "), found.ends.clone(), verdict]
        };
        table::print(["DAEMON", "NAMES", "ENDS", ""], &found.iter().map(row).collect::<Vec<_>>());
    }
    Ok(if found.iter().all(|found| found.fault.is_empty()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Each daemon that has `[internal-tls]`.
pub(crate) fn check(etc: &Path) -> Vec<Checked> {
    let found = DAEMONS.iter().filter_map(|daemon| {
        let settings = effective(etc, daemon.name).ok()?;
        Some(one(daemon.name, settings.get("internal-tls")?.as_table()?))
    });
    found.collect()
}

fn one(daemon: &'static str, settings: &Table) -> Checked {
    let at = |key: &str| settings.get(key).and_then(|value| value.as_str()).map(PathBuf::from);
    let certificate = at("certificate").unwrap_or_default();
    let mut checked = Checked {
        daemon,
        certificate: certificate.clone(),
        names: Vec::new(),
        ends: String::new(),
        fault: String::new(),
    };
    let (Some(key), Some(ca)) = (at("key"), at("ca")) else {
        checked.fault = "internal-tls needs certificate, key and ca".to_owned();
        return checked;
    };
    if let Err(error) = look(&mut checked, Files { certificate, key, ca }) {
        checked.fault = format!("{error:#}");
    }
    checked
}

fn look(checked: &mut Checked, files: Files) -> Result<()> {
    let own: Role = checked.daemon.parse()?;
    let key = files.key.clone();
    let identity = Identity::load(files, own)?;
    let shown = identity.shown();
    let ends = OffsetDateTime::from(shown.ends);
    checked.names = shown.names;
    checked.ends = ends.format(&Rfc3339)?;
    let mut faults = Vec::new();
    if let Err(error) = identity.verify() {
        faults.push(explain(&error).unwrap_or_else(|| error.to_string()));
    } else {
        let days = (ends - OffsetDateTime::now_utc()).whole_days();
        if days < SOON_DAYS {
            faults.push(format!("it ends in {days} days: bulkheadctl pki renew on the authority's machine"));
        }
    }
    let mode = key.metadata().with_context(|| format!("read {}", key.display()))?.permissions().mode();
    if mode & 0o027 != 0 {
        faults.push(format!("{} may be read by others or written by its group: chmod 0640", key.display()));
    }
    checked.fault = faults.join("; ");
    Ok(())
}
