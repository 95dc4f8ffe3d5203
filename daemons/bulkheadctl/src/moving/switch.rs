//! What makes the daemons use the server: credentials, what units may reach, the resource of the tables, configuration. Each step can be repeated.

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use bulkhead_model::EnvironmentId;
use bulkhead_model::resource::{PostgresqlConfig, ResourceConfig, TlsMode};
use bulkhead_rpc::connector::secret_row;
use bulkhead_seal::SealPublicKey;
use serde_json::json;

use super::checks::{FRAGMENT, Resource};
use super::state::{State, put};
use super::{Passwords, Task, aside, copy};
use crate::backup::{Which, remove};
use crate::psql::Psql;
use crate::roles::{LOGIN, literal};
use crate::setup::{TABLES_ROLE, step};

/// The authority that the server's certificate is of, where the daemons look for it.
const AUTHORITY: &str = "etc/bulkhead/pki/database-ca.crt";
/// What a move adds to a unit.
const DROP_IN: &str = "30-database.conf";
/// The credential's name.
const CREDENTIAL: &str = "database.password";

fn unit(daemon: &str) -> String {
    // The one that has instances.
    let at = if daemon == "workflows-worker" { "@" } else { "" };
    format!("bulkhead-{daemon}{at}.service")
}

fn drop_in(task: &Task, daemon: &str) -> PathBuf {
    task.place.path(&format!("etc/systemd/system/{}.d/{DROP_IN}", unit(daemon)))
}

fn fragment(task: &Task, daemon: &str) -> PathBuf {
    task.place.path(&format!("etc/bulkhead/{daemon}.d/{FRAGMENT}"))
}

fn credential(daemon: &str) -> String {
    format!("bulkhead-{daemon}.{CREDENTIAL}")
}

/// Whether another authority's certificate is where the server's will be.
pub(super) fn has_other_authority(task: &Task) -> bool {
    let there = std::fs::read_to_string(task.place.path(AUTHORITY)).ok();
    there.is_some_and(|text| task.target.ca.as_ref().is_some_and(|ca| text != *ca))
}

/// The files that a move writes, for people.
pub(super) fn files(task: &Task) -> Vec<PathBuf> {
    if !task.has(Which::Main) {
        return Vec::new();
    }
    let of = |daemon: &&'static str| {
        let credential = task.place.path(&format!("etc/credstore.encrypted/{}", credential(daemon)));
        [fragment(task, daemon), credential, drop_in(task, daemon)]
    };
    let authority = task.target.ca.iter().map(|_| task.place.path(AUTHORITY));
    task.daemons.iter().flat_map(of).chain(authority).collect()
}

/// Writes what nobody reads before the configuration names it: credentials, the authority, drop-ins.
pub(super) fn make_ready(task: &Task, passwords: &Passwords) -> Result<()> {
    if !task.has(Which::Main) {
        return Ok(());
    }
    if let Some(ca) = &task.target.ca {
        put(&task.place.path(AUTHORITY), ca.as_bytes(), 0o644)?;
    }
    for (daemon, password) in &passwords.daemons {
        task.place.put_credential(&credential(daemon), password.as_bytes())?;
        put(&drop_in(task, daemon), drop_in_of(task, daemon)?.as_bytes(), 0o644)?;
    }
    Ok(())
}

/// What the unit needs beside what it has: its password, and the server where it reaches only the machine itself.
fn drop_in_of(task: &Task, daemon: &str) -> Result<String> {
    let mut text = format!(
        "# Written by `bulkheadctl database move`: the log-in to the database at {}.\n[Service]\n\
         LoadCredentialEncrypted={CREDENTIAL}:/etc/credstore.encrypted/{}\n",
        task.target.name(),
        credential(daemon)
    );
    if daemon == "workflows-backend" {
        text += "PrivateNetwork=no\nRestrictAddressFamilies=AF_INET AF_INET6\n";
    }
    if matches!(daemon, "workflows-backend" | "workflows-worker") {
        let mut addresses = task.target.addresses()?;
        if task.target.hosts.iter().any(|host| host.parse::<IpAddr>().is_err()) {
            addresses.extend(name_servers(&std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default()));
        }
        addresses.sort();
        addresses.dedup();
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        text += &format!(
            "# The server's addresses as they were then, and where names are looked up. Change them when those change.\n\
             IPAddressAllow={} localhost\n",
            addresses.join(" ")
        );
    }
    Ok(text)
}

/// Those in a resolv.conf.
fn name_servers(text: &str) -> Vec<IpAddr> {
    let words = text.lines().filter_map(|line| line.split_whitespace().collect::<Vec<_>>().try_into().ok());
    words.filter_map(|[key, value]: [&str; 2]| (key == "nameserver").then(|| value.parse().ok())?).collect()
}

/// Removes what was made ready, and the configuration if it came so far.
pub(super) fn take_back(task: &Task) -> Result<()> {
    for file in files(task) {
        // Whoever named it there keeps it.
        if file != task.target.authorities {
            remove(&file)?;
        }
    }
    Ok(())
}

/// Puts the databases here aside: nobody can write what would be lost.
pub(super) fn set_aside(task: &Task, state: &State) -> Result<()> {
    copy::end_sessions(task)?;
    let mut script = "SET client_min_messages = warning;\n".to_owned();
    for (_, name) in &task.which {
        let limit = state.limits.iter().find(|(of, _)| of == name).map_or(-1, |(_, limit)| *limit);
        for what in [format!("ALLOW_CONNECTIONS false CONNECTION LIMIT {limit}"), format!("RENAME TO {}", aside(name))]
        {
            script +=
                &format!("SELECT 'ALTER DATABASE {name} {what}' FROM pg_database WHERE datname = '{name}' \\gexec\n");
        }
    }
    if !task.has(Which::Tables) {
        // What watches over people's logins goes, so they go before it.
        script += &format!(
            "SELECT format('ALTER ROLE %I NOLOGIN PASSWORD NULL', rolname) FROM pg_roles
             WHERE rolcanlogin AND NOT rolsuper AND shobj_description(oid, 'pg_authid') LIKE '{LOGIN}%' \\gexec\n"
        );
    }
    task.place.psql.run("postgres", &script).map(drop).context("put the databases here aside")
}

/// Leads the resource of the tables to the server, and writes the move into the audit trail.
pub(super) fn tell(task: &Task, passwords: &Passwords) -> Result<()> {
    let psql = if task.has(Which::Main) { task.target.psql() } else { task.place.psql.clone() };
    let main = &task.place.names.main;
    let mut script = "BEGIN;\n".to_owned();
    if let Some(password) = &passwords.tables {
        let Resource { id, .. } = built_in(&psql, main)?;
        let key = task.place.path("etc/bulkhead/keys/db-connector.pub");
        let key = std::fs::read_to_string(&key).with_context(|| format!("read {}", key.display()))?;
        let (table, row) = secret_row(id, EnvironmentId::DEFAULT);
        let place = bulkhead_seal::Place { table, row: &row, field: "sealed_secret" };
        let sealed = SealPublicKey::from_text(&key)?.seal(&place, password.as_bytes())?;
        script += &format!(
            "UPDATE resources SET config = {}, sealed_secret = {}, revision = revision + 1, updated_at = now() WHERE id = '{id}';\n",
            literal(&json!(config(task)).to_string()),
            literal(&sealed)
        );
    }
    let detail = json!({ "to": task.target.name(), "databases": task.word });
    script += &format!(
        "INSERT INTO audit_log (actor, action, detail, request_id) VALUES ('root', 'system.database-move', {}, '');\nCOMMIT;\n",
        literal(&detail.to_string())
    );
    psql.run(main, &script).map(drop).context("lead the resource of the tables to the server")
}

/// The resource of the tables.
pub(super) fn built_in(psql: &Psql, main: &str) -> Result<Resource> {
    let question =
        "SELECT json_build_object('id', id, 'config', config) FROM resources WHERE built_in ORDER BY id LIMIT 1;";
    let text = psql.run(main, question)?;
    ensure!(!text.is_empty(), "the resource of the tables database is missing: run `bulkheadctl setup` first");
    serde_json::from_str(&text).context("read the resource of the tables database")
}

fn config(task: &Task) -> ResourceConfig {
    ResourceConfig::Postgresql(PostgresqlConfig {
        host: task.target.hosts[0].clone(),
        port: task.target.port,
        database: task.place.names.tables.clone(),
        user: TABLES_ROLE.to_owned(),
        tls: TlsMode::VerifyFull,
        ca_certificate: task.target.ca.clone(),
        client_certificate: None,
        ssh_host: None,
    })
}

/// Writes what the daemons read at their start.
pub(super) fn configure(task: &Task) -> Result<()> {
    if !task.has(Which::Main) {
        return Ok(());
    }
    for daemon in &task.daemons {
        let mut database = toml::Table::new();
        database.insert("host".into(), task.target.hosts.join(",").into());
        database.insert("port".into(), i64::from(task.target.port).into());
        database.insert("name".into(), task.place.names.main.clone().into());
        database.insert("user".into(), format!("bulkhead-{daemon}").into());
        database.insert("password".into(), true.into());
        if task.target.ca.is_some() {
            // Where it will be for the daemons, whatever stands for / here.
            database.insert("ca".into(), format!("/{AUTHORITY}").into());
        }
        let text = format!("# Written by `bulkheadctl database move`.\n[database]\n{database}");
        put(&fragment(task, daemon), text.as_bytes(), 0o644)?;
    }
    step("the daemons' configuration names the server");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_up_where_the_system_does() {
        let text =
            "# nameserver 9.9.9.9\nsearch example.org\nnameserver 10.0.0.2\nnameserver fe80::1%eth0\nnameserver ::1\n";
        assert_eq!(name_servers(text), ["10.0.0.2", "::1"].map(|address| address.parse::<IpAddr>().expect("one")));
    }
}
