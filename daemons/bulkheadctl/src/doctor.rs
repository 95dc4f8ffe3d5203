//! `doctor`: what this machine lacks, each with the setting or command that gives it.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use bulkhead_mtls::Role;
use bulkhead_sandbox::{Identity, Launcher, selfcheck};
use nix::unistd::{Group, User};
use serde::Serialize;

use crate::daemons::{DAEMONS, Daemon, TARGET};
use crate::psql::Psql;
use crate::report::effective;
use crate::{pki, systemd, table};

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: String,
    sound: bool,
    /// What is missing and what gives it.
    #[serde(skip_serializing_if = "String::is_empty")]
    fix: String,
}

/// Looks at everything; fails when something is missing.
pub(crate) fn run(json: bool) -> Result<ExitCode> {
    let mut findings = vec![init(), packages()];
    findings.extend(users());
    findings.extend(files());
    findings.extend(units());
    findings.extend(elsewhere());
    findings.extend(databases());
    findings.extend(isolation());
    if json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        let row = |finding: &Finding| {
            let verdict = if finding.sound { "ok" } else { "MISSING" };
            [verdict.to_owned(), finding.what.clone(), finding.fix.clone()]
        };
        table::print(["", "WHAT", "FIX"], &findings.iter().map(row).collect::<Vec<_>>());
    }
    Ok(if findings.iter().all(|finding| finding.sound) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn finding(what: impl Into<String>, sound: bool, fix: impl Into<String>) -> Finding {
    Finding { what: what.into(), sound, fix: if sound { String::new() } else { fix.into() } }
}

fn init() -> Finding {
    finding("systemd runs this machine", systemd::is_running(), "in a checkout use `cargo xtask dev`")
}

/// The daemons that this machine has: of several machines, each runs some.
fn installed() -> impl Iterator<Item = &'static Daemon> {
    DAEMONS.iter().filter(|daemon| has(daemon.name))
}

fn has(daemon: &str) -> bool {
    Path::new("/usr/bin").join(format!("bulkhead-{daemon}")).exists()
}

fn packages() -> Finding {
    let names: Vec<_> = installed().map(|daemon| daemon.name).collect();
    let fix = "install the package bulkhead, or those of the daemons that this machine is for";
    finding(format!("daemons: {}", names.join(", ")), !names.is_empty(), fix)
}

fn users() -> Vec<Finding> {
    let fix = "systemd-sysusers bulkhead.conf";
    let mut findings: Vec<Finding> = installed()
        .map(|daemon| {
            let user = format!("bulkhead-{}", daemon.name);
            finding(format!("user {user}"), User::from_name(&user).is_ok_and(|user| user.is_some()), fix)
        })
        .collect();
    findings.push(finding("group bulkhead", Group::from_name("bulkhead").is_ok_and(|group| group.is_some()), fix));
    findings
}

fn files() -> Vec<Finding> {
    let setup = "bulkheadctl setup";
    let paths = [
        ("api", "/etc/bulkhead/keys/db-connector.pub", setup),
        ("api", "/etc/bulkhead/keys/jobs-runner.pub", setup),
        ("api", "/etc/bulkhead/keys/workflows-backend.pub", setup),
        ("api", "/etc/credstore.encrypted/bulkhead-api.seal.key", setup),
        ("db-connector", "/etc/credstore.encrypted/bulkhead-db-connector.seal.key", setup),
        ("jobs-runner", "/etc/credstore.encrypted/bulkhead-jobs-runner.seal.key", setup),
        ("ssh-connector", "/etc/credstore.encrypted/bulkhead-ssh-connector.seal.key", setup),
        ("workflows-backend", "/etc/credstore.encrypted/bulkhead-workflows-backend.run-token.key", setup),
        ("workflows-backend", "/etc/credstore.encrypted/bulkhead-workflows-backend.seal.key", setup),
        ("api", "/etc/bulkhead/tls/api.crt", setup),
        ("api", "/etc/bulkhead/tls/api.key", setup),
        ("jobs-runner", "/usr/bin/git", "install the package git"),
        ("jobs-runner", "/usr/bin/ssh", "install the package openssh-client (openssh-clients on Red Hat)"),
        ("code-executor", "/usr/bin/node", "install the package nodejs"),
        ("code-executor", "/usr/bin/python3", "install the package python3"),
    ];
    let paths = paths.into_iter().filter(|(daemon, ..)| has(daemon));
    paths.map(|(_, path, fix)| finding(path, Path::new(path).exists(), fix)).collect()
}

fn units() -> Vec<Finding> {
    if !systemd::is_running() {
        return Vec::new();
    }
    let services = installed().flat_map(|daemon| daemon.sockets.iter().copied().chain([daemon.service]));
    let units = services.chain([TARGET]);
    units
        .map(|unit| {
            if !systemd::is_installed(unit) {
                return finding(unit, false, "install the package bulkhead");
            }
            let state = systemd::active_state(unit).unwrap_or_default();
            finding(unit, state == "active", format!("it is {state}: journalctl -u {unit}, systemctl start {unit}"))
        })
        .collect()
}

/// What daemons of other machines need: certificates that hold, and sockets that are up where they are switched on.
fn elsewhere() -> Vec<Finding> {
    let certificates = pki::check(Path::new("/etc/bulkhead")).into_iter();
    let mut findings: Vec<Finding> = certificates
        .map(|found| {
            let what = format!("certificate of {} for other machines, ends {}", found.daemon, found.ends);
            finding(what, found.fault.is_empty(), found.fault)
        })
        .collect();
    if !systemd::is_running() {
        return findings;
    }
    for role in Role::ALL.into_iter().filter(|role| role.port().is_some()) {
        let unit = format!("{}-tls.socket", role.unit());
        let is_enabled = systemd::systemctl(&["is-enabled", &unit]).is_ok_and(|state| state.trim() == "enabled");
        if is_enabled {
            let state = systemd::active_state(&unit).unwrap_or_default();
            let fix = format!(
                "it is {state}: systemctl stop {0}.service, then systemctl start {unit} {0}.service",
                role.unit()
            );
            findings.push(finding(unit, state == "active", fix));
        }
    }
    findings
}

fn databases() -> Vec<Finding> {
    let is_elsewhere = |daemon: &Daemon| {
        let settings = effective(Path::new("/etc/bulkhead"), daemon.name).ok();
        settings.is_some_and(|settings| settings.get("database").and_then(|table| table.get("host")).is_some())
    };
    if installed().any(is_elsewhere) {
        // Whether it answers is what each daemon says of itself (`bulkheadctl status`).
        return Vec::new();
    }
    let question = "SELECT datname FROM pg_database WHERE datname IN ('bulkhead', 'bulkhead_tables') ORDER BY 1;";
    match Psql::OfThisMachine.run("postgres", question) {
        Err(error) => vec![finding("PostgreSQL", false, format!("{error:#}: start it, and run this as root"))],
        Ok(found) => ["bulkhead", "bulkhead_tables"]
            .map(|name| {
                let exists =
                    found.lines().any(|line| line == name) || name == "bulkhead_tables" && are_tables_elsewhere();
                finding(format!("database {name}"), exists, "bulkheadctl setup")
            })
            .into(),
    }
}

/// Whether the resource of the tables leads to another machine: `database move` may have taken them alone.
fn are_tables_elsewhere() -> bool {
    let question = "SELECT config->>'host' NOT IN ('127.0.0.1', '::1', 'localhost') FROM resources WHERE built_in;";
    Psql::OfThisMachine.run("bulkhead", question).is_ok_and(|answer| answer == "t")
}

/// Runs a real sandbox. Limits by cgroup are looked at from outside: the executor's own are made by its unit.
fn isolation() -> Vec<Finding> {
    let Some(identity) = Identity::unprivileged() else {
        return vec![finding("user nobody", false, "the sandbox needs a user `nobody` when root asks")];
    };
    let report = selfcheck(&Launcher::of_this_binary(), identity, Ok(()));
    let mut findings = vec![finding(format!("landlock (ABI {})", report.landlock_abi), report.landlock_abi > 0, "")];
    findings.extend(report.fatal().map(|missing| finding("sandbox", false, missing.message.clone())));
    if findings.iter().all(|finding| finding.sound) {
        findings.push(finding("a trial run in the sandbox", true, ""));
    }
    let controllers = fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap_or_default();
    let limited = ["memory", "pids"].iter().all(|needed| controllers.split_whitespace().any(|found| found == *needed));
    findings.push(finding(
        "cgroup v2 controllers memory and pids",
        limited,
        "boot with systemd.unified_cgroup_hierarchy=1, or accept it: allow-missing-cgroup-limits = true in \
         /etc/bulkhead/code-executor.toml",
    ));
    findings
}
