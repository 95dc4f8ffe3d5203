//! What must hold before a move begins. Everything is looked at, and all that is wrong is told at once, each with its fix.

use std::net::IpAddr;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use bulkhead_model::ResourceId;
use serde::Deserialize;
use toml::Value;

use super::switch::{built_in, has_other_authority};
use super::{MARK, Task, aside};
use crate::backup::{Which, has_tables, schema};
use crate::psql::Psql;
use crate::report::effective;
use crate::roles::{LOGIN, Roles, identifier, literal};
use crate::setup::{TABLES_ROLE, reach_database};

/// Connections that each daemon holds to the main database unless its `max-connections` says otherwise.
pub(super) const CONNECTIONS: [(&str, i64); 6] = [
    ("jobs-runner", 4),
    ("ssh-connector", 2),
    ("db-connector", 4),
    ("workflows-backend", 16),
    ("workflows-worker", 4),
    ("api", 16),
];
/// And db-connector to the tables database.
const TO_TABLES: i64 = 16;
/// The file that a move writes for each daemon: `DAEMON.d/` and this.
pub(super) const FRAGMENT: &str = "15-database.toml";
/// Keys of `[database]` that it is about.
const KEYS: [&str; 8] = ["host", "port", "name", "user", "ca", "certificate", "key", "password"];

/// A database here.
#[derive(Debug, Deserialize)]
pub(super) struct Here {
    pub(super) name: String,
    encoding: String,
    pub(super) collate: String,
    pub(super) ctype: String,
    provider: String,
    pub(super) bytes: u64,
    pub(super) limit: i32,
    pub(super) owner: String,
}

/// One of the same name there.
#[derive(Debug, Deserialize)]
pub(super) struct There {
    pub(super) name: String,
    /// An interrupted move has left it.
    pub(super) is_marked: bool,
    is_mine: bool,
    #[serde(skip)]
    is_filled: bool,
}

impl There {
    /// Whether somebody's rows would be lost.
    pub(super) fn is_filled(&self) -> bool {
        self.is_filled
    }
}

/// The server.
#[derive(Debug, Deserialize)]
pub(super) struct Server {
    pub(super) version: u32,
    pub(super) is_superuser: bool,
    makes_roles: bool,
    makes_databases: bool,
    is_read_only: bool,
    started: String,
    slots: i64,
    has_tls: bool,
    role: String,
}

/// The resource of the tables database.
#[derive(Debug, Deserialize)]
pub(super) struct Resource {
    pub(super) id: ResourceId,
    pub(super) config: serde_json::Value,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) source_version: u32,
    pub(super) here: Vec<Here>,
    pub(super) there: Vec<There>,
    pub(super) server: Server,
    pub(super) roles: Roles,
    /// Those of them that are not there.
    pub(super) missing: Vec<String>,
    /// Logins of people to the tables.
    pub(super) logins: usize,
    pub(super) addresses: Vec<IpAddr>,
}

impl Found {
    /// Whether the logins of people go along.
    pub(super) fn logins_go_along(&self, task: &Task) -> bool {
        take_logins(task, &self.server)
    }
}

/// What watches over them is in the main database, and only a superuser can install it.
fn take_logins(task: &Task, server: &Server) -> bool {
    task.which.len() == Which::ALL.len() && server.is_superuser
}

/// Looks at everything.
pub(super) fn look(task: &Task) -> Result<Found> {
    reach_database(&task.place.psql)?;
    let source: Server = ask(&task.place.psql, SERVER).context("ask PostgreSQL here")?;
    let mut faults = Vec::new();
    let here = here(task, &mut faults)?;
    // Nothing below makes sense without them.
    refuse(&faults)?;
    look_at_daemons(task, &mut faults)?;
    if task.has(Which::Main) {
        look_for_others(task, &mut faults)?;
    }
    if let Err(error) = schema(&task.place.psql, &task.place.names).and_then(|_| look_at_resource(task)) {
        faults.push(format!("{error:#}"));
    }
    let question = format!(
        "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND shobj_description(oid, 'pg_authid') LIKE '{LOGIN}%';"
    );
    let logins = task.place.psql.run("postgres", &question)?.parse().context("psql printed something unexpected")?;
    let addresses = task.target.addresses().map_err(|error| faults.push(format!("{error:#}"))).unwrap_or_default();
    let server: Server = match ask(&task.target.psql(), SERVER) {
        Ok(server) => server,
        Err(error) => {
            faults.push(hint(task, &format!("{error:#}")));
            refuse(&faults)?;
            bail!("the server does not answer");
        }
    };
    look_at_server(task, &source, &server, &mut faults)?;
    let roles = Roles::of(&task.place.psql, &task.place.names, &task.kinds(), take_logins(task, &server))?;
    look_at_tools(&source, &server, &mut faults)?;
    look_at_owners(task, &mut faults)?;
    let (there, missing) = look_into_server(task, &server, &roles, &mut faults)?;
    refuse(&faults)?;
    Ok(Found { source_version: source.version, here, there, server, roles, missing, logins, addresses })
}

const SERVER: &str = "SELECT json_build_object('version', current_setting('server_version_num')::int / 10000,
    'is_superuser', rolsuper, 'makes_roles', rolsuper OR rolcreaterole, 'makes_databases', rolsuper OR rolcreatedb,
    'is_read_only', pg_is_in_recovery() OR current_setting('transaction_read_only')::bool, 'started', pg_postmaster_start_time()::text,
    'slots', current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true), '0')::int - (SELECT sum(numbackends) FROM pg_stat_database),
    'has_tls', coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false), 'role', rolname)
FROM pg_roles WHERE rolname = current_user;";

fn ask<A: serde::de::DeserializeOwned>(psql: &Psql, question: &str) -> Result<A> {
    serde_json::from_str(&psql.run("postgres", question)?).context("psql printed something unexpected")
}

fn refuse(faults: &[String]) -> Result<()> {
    match faults {
        [] => Ok(()),
        [one] => bail!("nothing was changed: {one}"),
        several => bail!("nothing was changed. In the way are:\n  - {}", several.join("\n  - ")),
    }
}

/// The databases here.
fn here(task: &Task, faults: &mut Vec<String>) -> Result<Vec<Here>> {
    let names: Vec<String> = task.which.iter().flat_map(|(_, name)| [literal(name), literal(&aside(name))]).collect();
    let question = format!(
        "SELECT coalesce(json_agg(json_build_object('name', datname, 'encoding', pg_encoding_to_char(encoding), 'collate', datcollate,
            'ctype', datctype, 'provider', datlocprovider, 'bytes', pg_database_size(oid), 'limit', datconnlimit,
            'owner', pg_get_userbyid(datdba))), '[]') FROM pg_database WHERE datname IN ({});",
        names.join(", ")
    );
    let mut found: Vec<Here> = ask(&task.place.psql, &question)?;
    for (_, name) in &task.which {
        let old = aside(name);
        let has = |name: &str| found.iter().any(|one| one.name == *name);
        match (has(name), has(&old)) {
            (true, false) => {}
            (true, true) => faults.push(format!(
                "{old}, the copy that an earlier move has left, is still here: drop it (DROP DATABASE {old};) or give it another name"
            )),
            (false, true) => faults.push(format!("the database {name} is not here: it was moved, and {old} is its old copy")),
            (false, false) => faults.push(format!(
                "the database {name} is not here: there is nothing to move (`bulkheadctl setup` makes an instance)"
            )),
        }
    }
    found.retain(|one| task.which.iter().any(|(_, name)| one.name == *name));
    for Here { name, encoding, provider, .. } in &found {
        if encoding != "UTF8" || provider != "c" {
            faults.push(format!(
                "the database {name} has the encoding {encoding} or a locale of ICU, which setup never makes: it cannot be moved by this"
            ));
        }
    }
    Ok(found)
}

/// Whether what the daemons read lets a fragment say where the database is.
fn look_at_daemons(task: &Task, faults: &mut Vec<String>) -> Result<()> {
    if !task.has(Which::Main) {
        return Ok(());
    }
    if has_other_authority(task) {
        faults.push(
            "/etc/bulkhead/pki/database-ca.crt is of another authority than --ca: is it used? Give it another name"
                .to_owned(),
        );
    }
    let etc = task.place.path("etc/bulkhead");
    for daemon in &task.daemons {
        let settings = effective(&etc, daemon)?;
        let database = settings.get("database").and_then(Value::as_table);
        if let Some(host) = database.and_then(|table| table.get("host")) {
            faults.push(format!("{daemon} uses the database at {host} already: see [database] in its configuration"));
            continue;
        }
        // Fragments that are read later have the last word.
        let folder = etc.join(format!("{daemon}.d"));
        let entries =
            std::fs::read_dir(&folder).map(|entries| entries.flatten().collect()).unwrap_or_else(|_| Vec::new());
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.as_str() <= FRAGMENT || !name.ends_with(".toml") {
                continue;
            }
            let text = std::fs::read_to_string(entry.path())?;
            let table: toml::Table = text.parse().with_context(|| format!("{} is no TOML", entry.path().display()))?;
            let own = table.get("database").and_then(Value::as_table);
            if let Some(key) = own.and_then(|own| KEYS.into_iter().find(|key| own.contains_key(*key))) {
                faults.push(format!(
                    "{} sets {key} in [database] and is read after {FRAGMENT}, which the move writes: take it out",
                    entry.path().display()
                ));
            }
        }
    }
    Ok(())
}

/// Daemons of other machines would go on with what stays here.
fn look_for_others(task: &Task, faults: &mut Vec<String>) -> Result<()> {
    let main = literal(&task.place.names.main);
    let question = format!(
        "SELECT string_agg(DISTINCT host(client_addr), ', ') FROM pg_stat_activity WHERE datname = {main} AND usename ~ '^bulkhead-'
            AND NOT (client_addr <<= '127.0.0.0/8' OR client_addr = '::1');"
    );
    let others = task.place.psql.run("postgres", &question)?;
    if !others.is_empty() {
        faults.push(format!(
            "daemons on {others} use the database of this machine: stop them, move, then write the files named below there, too"
        ));
    }
    Ok(())
}

/// The built-in resource must lead to this machine when the tables move.
fn look_at_resource(task: &Task) -> Result<()> {
    if !task.has(Which::Tables) {
        return Ok(());
    }
    let Resource { config, .. } = built_in(&task.place.psql, &task.place.names.main)?;
    let host = config["host"].as_str().unwrap_or_default();
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    ensure!(is_here, "the resource of the tables database leads to {host} already");
    Ok(())
}

fn look_at_server(task: &Task, source: &Server, server: &Server, faults: &mut Vec<String>) -> Result<()> {
    let name = task.target.name();
    let role = &server.role;
    if server.started == source.started {
        faults.push(format!("{name} is the server that the databases are on already"));
    }
    if task.has(Which::Tables) && task.target.hosts.len() > 1 {
        faults.push(
            "the tables database is a resource, which has one host: move it by --database tables and the name that leads to the primary server, \
             and main by itself"
                .to_owned(),
        );
    }
    if server.version < source.version {
        faults.push(format!(
            "{name} is PostgreSQL {}, and here is {}: upgrade it to {1} at least, an older one may not read what is moved",
            server.version, source.version
        ));
    }
    if !(15..=17).contains(&server.version) {
        faults.push(format!("{name} is PostgreSQL {}: Bulkhead is tested with 15, 16 and 17", server.version));
    }
    if server.is_read_only {
        faults.push(format!("{name} takes no writes: name the primary server"));
    }
    if !server.has_tls {
        faults.push(format!("the connection to {name} has no TLS: set ssl = on there"));
    }
    for (has, word, needs) in
        [(server.makes_roles, "CREATEROLE", "make roles"), (server.makes_databases, "CREATEDB", "make databases")]
    {
        if !has {
            faults.push(format!("{role} may not {needs} on {name}: ALTER ROLE \"{role}\" {word};"));
        }
    }
    let wanted = connections(task)?;
    if server.slots < wanted {
        faults.push(format!(
            "{name} has {} connections free, and the daemons hold up to {wanted}: raise max_connections there, or lower max-connections \
             in the daemons' [database]",
            server.slots.max(0)
        ));
    }
    Ok(())
}

/// What the daemons hold at most, and one for the move.
fn connections(task: &Task) -> Result<i64> {
    let etc = task.place.path("etc/bulkhead");
    let mut sum = 1;
    for (daemon, usual) in CONNECTIONS.into_iter().filter(|(daemon, _)| task.daemons.contains(daemon)) {
        let settings = effective(&etc, daemon)?;
        if task.has(Which::Main) {
            let own = settings.get("database").and_then(|table| table.get("max-connections"));
            sum += own.and_then(Value::as_integer).unwrap_or(usual);
        }
        if daemon == "db-connector" && task.has(Which::Tables) {
            sum += settings.get("max-connections-per-resource").and_then(Value::as_integer).unwrap_or(TO_TABLES);
        }
    }
    Ok(sum)
}

/// pg_dump reads servers up to its own version, and what a newer one writes an older server may not know.
fn look_at_tools(source: &Server, server: &Server, faults: &mut Vec<String>) -> Result<()> {
    for program in ["pg_dump", "pg_restore"] {
        let output = Command::new(program).arg("--version").output();
        let output = output.with_context(|| format!("start {program}: install the package postgresql-client"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.split_whitespace().find_map(|word| word.split('.').next()?.parse::<u32>().ok());
        let version = version.with_context(|| format!("{program} printed something unexpected"))?;
        if version < source.version || version > server.version.max(source.version) {
            faults.push(format!(
                "{program} is of version {version}: install postgresql-client-{} (from {} to {} is right)",
                source.version, source.version, server.version
            ));
        }
    }
    Ok(())
}

/// What belongs to a superuser here has nobody to belong to there. Bulkhead makes nothing so; somebody has by hand.
fn look_at_owners(task: &Task, faults: &mut Vec<String>) -> Result<()> {
    let known: Vec<String> =
        ask(&task.target.psql(), "SELECT coalesce(json_agg(rolname), '[]') FROM pg_roles WHERE rolsuper;")?;
    let known: Vec<String> = known.iter().map(|name| literal(name)).chain(["''".to_owned()]).collect();
    for (which, database) in &task.which {
        let owner = if *which == Which::Main { "bulkhead-jobs-runner" } else { TABLES_ROLE };
        let question = format!(
            "WITH things (class, id, kind, owner, schema, name) AS (
                SELECT 'pg_class'::regclass, oid, CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                    WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, relowner, relnamespace, oid::regclass::text
                    FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
                UNION ALL SELECT 'pg_proc'::regclass, oid, 'ROUTINE', proowner, pronamespace, oid::regprocedure::text FROM pg_proc
                UNION ALL SELECT 'pg_type'::regclass, oid, 'TYPE', typowner, typnamespace, oid::regtype::text FROM pg_type
                    WHERE typtype IN ('e', 'd', 'r')
                UNION ALL SELECT 'pg_namespace'::regclass, oid, 'SCHEMA', nspowner, oid, oid::regnamespace::text FROM pg_namespace
                    WHERE nspname <> 'public')
            SELECT coalesce(json_agg(format('ALTER %s %s OWNER TO {}', t.kind, t.name)), '[]')
            FROM things t JOIN pg_roles r ON r.oid = t.owner JOIN pg_namespace n ON n.oid = t.schema
            WHERE r.rolsuper AND r.rolname NOT IN ({}) AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'table_logins')
                AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = t.class AND d.objid = t.id AND d.deptype IN ('e', 'a', 'i'));",
            identifier(owner),
            known.join(", ")
        );
        let found: Vec<String> = serde_json::from_str(&task.place.psql.run(database, &question)?)?;
        if !found.is_empty() {
            let (shown, more) = (found.iter().take(20).cloned().collect::<Vec<_>>(), found.len().saturating_sub(20));
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            faults.push(format!(
                "in {database} some things belong to a superuser that {} does not have; give them to whom they serve: {};{more}",
                task.target.name(),
                shown.join("; ")
            ));
        }
    }
    Ok(())
}

/// Databases, roles and extensions there.
fn look_into_server(
    task: &Task,
    server: &Server,
    roles: &Roles,
    faults: &mut Vec<String>,
) -> Result<(Vec<There>, Vec<String>)> {
    let (psql, name) = (task.target.psql(), task.target.name());
    let names: Vec<String> = task.which.iter().map(|(_, name)| literal(name)).collect();
    let mut there: Vec<There> = ask(
        &psql,
        &format!(
            "SELECT coalesce(json_agg(json_build_object('name', datname, 'is_marked',
                coalesce(shobj_description(oid, 'pg_database') = {}, false), 'is_mine', pg_has_role(datdba, 'MEMBER'))), '[]')
            FROM pg_database WHERE datname IN ({});",
            literal(MARK),
            names.join(", ")
        ),
    )?;
    for database in &mut there {
        if !database.is_mine {
            faults.push(format!(
                "the database {0} is on {name} already, and its owner is not {1}: as its owner or a superuser, DROP DATABASE {0};",
                database.name, server.role
            ));
            continue;
        }
        database.is_filled = !database.is_marked && has_tables(&psql, &database.name)?;
        if database.is_filled && !task.replace {
            faults.push(format!(
                "the database {} is on {name} already and is not empty: with --replace it is dropped at the end, with all that it holds",
                database.name
            ));
        }
    }
    let list: Vec<String> = roles.names().map(literal).collect();
    let question = format!(
        "SELECT coalesce(json_agg(json_build_array(rolname, rolsuper,
            {} OR pg_has_role(oid, 'USAGE WITH ADMIN OPTION'))), '[]') FROM pg_roles WHERE rolname IN ({});",
        // Before 16 whoever makes roles may change all but superusers.
        server.is_superuser || server.version < 16,
        list.join(", ")
    );
    let known: Vec<(String, bool, bool)> = ask(&psql, &question)?;
    for (role, is_superuser, is_mine) in &known {
        if *is_superuser {
            faults.push(format!(
                "the role {role} is a superuser on {name}, and must not be: ALTER ROLE \"{role}\" NOSUPERUSER;"
            ));
        } else if !is_mine {
            faults.push(format!(
                "{} may not change the role {role}, which is on {name} already: GRANT \"{role}\" TO \"{0}\" WITH ADMIN OPTION;",
                server.role
            ));
        }
    }
    let missing =
        roles.names().filter(|role| known.iter().all(|(known, ..)| known != role)).map(str::to_owned).collect();
    for (_, database) in &task.which {
        let wanted = "SELECT coalesce(json_agg(extname), '[]') FROM pg_extension WHERE extname <> 'plpgsql';";
        let wanted: Vec<String> = serde_json::from_str(&task.place.psql.run(database, wanted)?)?;
        let offered: Vec<String> = ask(&psql, "SELECT json_agg(name) FROM pg_available_extensions;")?;
        for extension in wanted.iter().filter(|extension| !offered.contains(extension)) {
            faults.push(format!(
                "{database} uses the extension {extension}, which {name} does not have: install it there"
            ));
        }
    }
    Ok((there, missing))
}

/// What a person can do about a server that does not let them in.
fn hint(task: &Task, error: &str) -> String {
    let name = task.target.name();
    let fix = [
        ("certificate verify failed", "its certificate is of another authority: name that one's file by --ca"),
        ("does not match host name", "its certificate is for another name: use that one in --to"),
        ("SSL error", "its certificate cannot be verified: name the file of its authority by --ca"),
        ("does not support SSL", "TLS is off there: ssl = on in its postgresql.conf, with a certificate"),
        ("password authentication failed", "the password or the role is wrong: see --password-file"),
        ("no password supplied", "it wants a password: write it to a file, and give --password-file"),
        ("no pg_hba.conf entry", "its pg_hba.conf does not let this machine in: add a line hostssl for it"),
        ("Connection refused", "nothing listens there: is the port right, and listen_addresses?"),
        ("timeout expired", "nothing answers there: is a firewall between?"),
        ("could not translate host name", "the name leads nowhere: is it right?"),
        ("read-only", "none of the servers takes writes: name the primary one"),
        ("too many", "it has no connection left: raise max_connections there"),
    ];
    let fix = fix.into_iter().find(|(word, _)| error.contains(word)).map_or("is it right?", |(_, fix)| fix);
    format!("{name} cannot be used: {fix} ({error})")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is counted here is what the daemons do.
    #[test]
    fn the_numbers_of_connections_are_those_of_the_shipped_files() {
        for (daemon, number) in CONNECTIONS {
            let path = format!("{}/../../packaging/default-config/{daemon}.toml", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).expect("reads");
            let table = text.split("# [database]").nth(1).expect("a table");
            assert!(table.contains(&format!("# max-connections = {number}\n")), "{daemon}");
        }
    }
}
