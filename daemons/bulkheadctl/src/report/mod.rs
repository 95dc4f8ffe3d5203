//! `report`: what an auditor asks of this machine, in one answer: versions, components, how units are confined, who reaches what, certificates,
//! and settings that weaken. It only looks; what could not be looked at says why.

mod access;
mod certificates;
mod elsewhere;
mod roles;
mod settings;

pub(crate) use settings::effective;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::daemons::{DAEMONS, OTHER_UNITS};
use crate::psql::Psql;
use crate::{systemd, table};

/// Where the packages put the list of components.
const COMPONENTS: &str = "/usr/share/bulkhead/sbom.cdx.json";
/// Code needs user namespaces, which hardening guides switch off.
const USER_NAMESPACES: &str = "/proc/sys/user/max_user_namespaces";

/// Everything.
#[derive(Debug, Serialize)]
struct Report {
    created: String,
    host: String,
    versions: Vec<Version>,
    components: Components,
    units: Vec<Unit>,
    access: access::Access,
    elsewhere: Vec<elsewhere::OpenSocket>,
    roles: roles::Roles,
    certificates: Vec<certificates::Certificate>,
    settings: Vec<settings::Setting>,
    exceptions: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Version {
    of: &'static str,
    version: String,
}

#[derive(Debug, Serialize)]
struct Components {
    /// A CycloneDX document.
    file: &'static str,
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Value>,
}

/// A service, as systemd scores it: 0 is best, 10 is worst.
#[derive(Debug, Serialize)]
struct Unit {
    name: &'static str,
    user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    exposure: Option<f64>,
    /// What an administrator has changed of it.
    drop_ins: Vec<String>,
}

/// Prints it.
pub(crate) fn run(json: bool, with_components: bool) -> Result<ExitCode> {
    crate::api::require_root("report")?;
    let report = Report {
        created: OffsetDateTime::now_utc().replace_nanosecond(0)?.format(&Rfc3339)?,
        host: nix::unistd::gethostname()?.to_string_lossy().into_owned(),
        versions: versions(),
        components: components(with_components),
        units: units(),
        access: access::look(&Psql::OfThisMachine),
        elsewhere: elsewhere::look(),
        roles: roles::look(&Psql::OfThisMachine),
        certificates: certificates::look(Path::new("/etc/bulkhead")),
        settings: settings::look(Path::new("/etc/bulkhead"))?,
        exceptions: exceptions(),
    };
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(report: &Report) {
    println!("Bulkhead on {}, {}", table::plain(&report.host), report.created);
    heading("Versions");
    let rows: Vec<_> = report.versions.iter().map(|one| [one.of.to_owned(), one.version.clone()]).collect();
    table::print(["WHAT", "VERSION"], &rows);
    println!(
        "{} components: {} (CycloneDX; --json --components prints it)",
        report.components.count, report.components.file
    );
    heading("Units: exposure as systemd-analyze security scores it, 0 to 10");
    let rows: Vec<_> = report.units.iter().map(Unit::row).collect();
    table::print(["UNIT", "USER", "EXPOSURE", "CHANGED BY"], &rows);
    report.access.print();
    heading("Sockets for daemons of other machines");
    if report.elsewhere.is_empty() {
        println!("none is active");
    } else {
        let rows: Vec<_> = report.elsewhere.iter().map(elsewhere::OpenSocket::row).collect();
        table::print(["UNIT", "LISTENS ON", "ADDRESSES THAT MAY CONNECT", "DAEMONS THAT MAY CALL"], &rows);
    }
    report.roles.print();
    heading("Certificates");
    let rows: Vec<_> = report.certificates.iter().map(certificates::Certificate::row).collect();
    table::print(["FILE", "SUBJECT", "NAMES", "ENDS", "REMARK"], &rows);
    heading("Settings that weaken");
    if report.settings.is_empty() {
        println!("none");
    }
    let rows: Vec<_> = report.settings.iter().map(settings::Setting::row).collect();
    if !rows.is_empty() {
        table::print(["DAEMON", "KEY", "VALUE", "WHAT IT MEANS"], &rows);
    }
    heading("Exceptions from hardening guides");
    for exception in &report.exceptions {
        println!("{exception}");
    }
}

fn heading(text: &str) {
    println!("\n{text}\n{}", "-".repeat(text.len()));
}

/// What a program prints first when it is asked for its version.
fn first_line(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().map_or_else(|| "not found".to_owned(), |line| line.trim().to_owned())
}

fn versions() -> Vec<Version> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name =
        release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("unknown").trim_matches('"');
    let postgresql = Psql::OfThisMachine.run("postgres", "SHOW server_version;");
    vec![
        Version { of: "Bulkhead", version: env!("CARGO_PKG_VERSION").to_owned() },
        Version { of: "system", version: name.to_owned() },
        Version { of: "kernel", version: first_line("uname", &["-srm"]) },
        Version { of: "systemd", version: first_line("systemctl", &["--version"]) },
        Version { of: "PostgreSQL", version: postgresql.unwrap_or_else(|error| format!("not known: {error:#}")) },
        Version { of: "Node.js", version: first_line("/usr/bin/node", &["--version"]) },
        Version { of: "Python", version: first_line("/usr/bin/python3", &["--version"]) },
        Version { of: "Temporal", version: first_line("/usr/lib/bulkhead/temporal", &["--version"]) },
    ]
}

fn components(with_document: bool) -> Components {
    let text = fs::read_to_string(COMPONENTS).unwrap_or_default();
    let document: Option<Value> = serde_json::from_str(&text).ok();
    let count = document.as_ref().and_then(|document| document["components"].as_array()).map_or(0, Vec::len);
    Components { file: COMPONENTS, count, document: document.filter(|_| with_document) }
}

fn units() -> Vec<Unit> {
    if !systemd::is_running() {
        return Vec::new();
    }
    let services = DAEMONS.iter().map(|daemon| daemon.service).chain(OTHER_UNITS);
    services.filter(|service| systemd::is_installed(service)).map(unit).collect()
}

fn unit(name: &'static str) -> Unit {
    let show =
        |property: &str| systemd::systemctl(&["show", "--value", "--property", property, name]).unwrap_or_default();
    let drop_ins = show("DropInPaths");
    // Those of the packages lie elsewhere.
    let own = drop_ins.split_whitespace().filter(|path| path.starts_with("/etc/") || path.starts_with("/run/"));
    Unit {
        name,
        user: show("User").trim().to_owned(),
        exposure: exposure(name).ok(),
        drop_ins: own.map(str::to_owned).collect(),
    }
}

fn exposure(unit: &str) -> Result<f64> {
    let output = Command::new("systemd-analyze").args(["security", "--no-pager", unit]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    score(&text).with_context(|| format!("systemd-analyze gives no score for {unit}"))
}

/// The number in the line that sums up.
fn score(text: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.contains("Overall exposure level"))?;
    line.split_whitespace().find_map(|word| word.parse().ok())
}

impl Unit {
    fn row(&self) -> [String; 4] {
        let exposure = self.exposure.map_or_else(|| "-".to_owned(), |score| format!("{score:.1}"));
        [self.name.to_owned(), self.user.clone(), exposure, self.drop_ins.join(" ")]
    }
}

fn exceptions() -> Vec<String> {
    let most = fs::read_to_string(USER_NAMESPACES).unwrap_or_default();
    vec![format!(
        "user.max_user_namespaces is {}. Guides for hardening (RHEL-09-213105) want 0, and allow a documented exception where it is needed: \
         bulkhead-code-executor isolates every run of user code in namespaces of its own, which it makes without any privilege, and refuses to \
         start without them. Of Bulkhead's units only that one and the unpacker of library-builder may make namespaces (RestrictNamespaces=).",
        most.trim()
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_is_read_from_the_line_that_sums_up() {
        let text = "  NAME  DESCRIPTION  EXPOSURE\n✗ PrivateNetwork=  x  0.5\n\n→ Overall exposure level for bulkhead-api.service: 1.3 OK :-)\n";
        assert_eq!(score(text), Some(1.3));
        assert_eq!(score("Unit not found"), None);
    }
}
