//! The cluster's part: one role for each daemon, the two databases, and who may connect to which.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::step;
use crate::psql::Psql;
use crate::report::effective;
use crate::systemd;

/// Roles of the daemons, named after their Unix users so that peer authentication lets them in. The first owns the schema.
const DAEMON_ROLES: [&str; 6] = [
    "bulkhead-jobs-runner",
    "bulkhead-api",
    "bulkhead-db-connector",
    "bulkhead-ssh-connector",
    "bulkhead-workflows-backend",
    "bulkhead-workflows-worker",
];
/// Owns the tables database; comes by password, over TCP.
pub(crate) const TABLES_ROLE: &str = "bulkhead-tables";

/// What the two databases are called.
#[derive(Debug)]
pub(crate) struct Names {
    /// Apps, users, permissions, runs.
    pub(crate) main: String,
    /// What people fill.
    pub(crate) tables: String,
}

impl Default for Names {
    fn default() -> Self {
        Self { main: "bulkhead".into(), tables: "bulkhead_tables".into() }
    }
}

/// Makes sure that PostgreSQL answers and is of a version that is tested. Returns its port.
pub(crate) fn reach(psql: &Psql) -> Result<u16> {
    const QUESTION: &str = "SELECT current_setting('server_version_num')::int / 10000, current_setting('port');";
    let answer = psql.run("postgres", QUESTION).or_else(|error| {
        // Installed but stopped, as after the installation of its package in a container.
        if systemd::is_running() && systemd::is_installed("postgresql.service") {
            systemd::systemctl(&["start", "postgresql.service"])?;
            step("started postgresql.service");
            return psql.run("postgres", QUESTION);
        }
        Err(error)
    });
    let answer = answer.context(
        "PostgreSQL does not answer on its Unix socket: install and start it (Debian: apt install postgresql), \
         and let the user postgres in by peer authentication",
    )?;
    let (version, port) = answer.split_once('|').context("psql printed something unexpected")?;
    let version: u32 = version.parse().context("psql printed something unexpected")?;
    ensure!((15..=17).contains(&version), "this is PostgreSQL {version}: Bulkhead is tested with 15, 16 and 17");
    step(&format!("PostgreSQL {version} answers on port {port}"));
    port.parse().context("psql printed something unexpected")
}

/// The server elsewhere that the daemons' configuration names, if it names one.
pub(super) fn elsewhere(etc: &Path) -> Result<Option<String>> {
    let settings = effective(etc, "api")?;
    let host = settings.get("database").and_then(|table| table.get("host"));
    Ok(host.and_then(toml::Value::as_str).map(str::to_owned))
}

/// Makes roles and databases that are missing, and sets who may connect.
pub(crate) fn prepare(psql: &Psql, names: &Names) -> Result<()> {
    let roles = psql.run("postgres", &script(names)).context("prepare the databases")?;
    match roles.as_str() {
        "" => step(&format!("the roles and the databases {} and {} stay", names.main, names.tables)),
        made => step(&format!("made in PostgreSQL: {}", made.replace('\n', ", "))),
    }
    Ok(())
}

fn script(names: &Names) -> String {
    let (main, tables) = (&names.main, &names.tables);
    let roles: Vec<String> = DAEMON_ROLES.iter().chain([&TABLES_ROLE]).map(|role| format!("('{role}')")).collect();
    let roles = roles.join(", ");
    let daemons: Vec<String> = DAEMON_ROLES.iter().map(|role| format!("\"{role}\"")).collect();
    let (daemons, owner) = (daemons.join(", "), DAEMON_ROLES[0]);
    // What is missing is printed, then made. C.UTF-8 sorts alike on every machine.
    format!(
        r#"SET client_min_messages = warning;
SELECT 'role ' || name FROM (VALUES {roles}) AS wanted (name) WHERE name NOT IN (SELECT rolname FROM pg_roles);
SELECT 'database ' || name FROM (VALUES ('{main}'), ('{tables}')) AS wanted (name) WHERE name NOT IN (SELECT datname FROM pg_database);
SELECT format('CREATE ROLE %I LOGIN', name) FROM (VALUES {roles}) AS wanted (name) WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING ''UTF8'' LOCALE ''C.UTF-8''', name, owner)
FROM (VALUES ('{main}', '{owner}'), ('{tables}', '{TABLES_ROLE}')) AS wanted (name, owner)
WHERE name NOT IN (SELECT datname FROM pg_database) \gexec
REVOKE ALL ON DATABASE {main} FROM PUBLIC;
GRANT CONNECT ON DATABASE {main} TO {daemons};
REVOKE ALL ON DATABASE {tables} FROM PUBLIC;
"#
    )
}

#[cfg(test)]
pub(super) mod tests {
    use bulkhead_test_kit::TestDatabase;
    use tokio_postgres::config::Host;

    use super::*;

    /// The cluster of `test`, as psql names it.
    pub(in crate::setup) fn psql(test: &TestDatabase) -> Psql {
        let config = test.config();
        let host = match &config.get_hosts()[0] {
            Host::Unix(path) => path.display().to_string(),
            Host::Tcp(name) => name.clone(),
        };
        let user = config.get_user().unwrap_or("postgres");
        Psql::At(format!("host={host} port={} user={user}", config.get_ports()[0]))
    }

    #[tokio::test]
    async fn roles_and_databases_are_made_once_and_kept_apart() {
        let test = TestDatabase::create().await;
        let psql = psql(&test);
        let names = Names { main: format!("{}_main", test.name()), tables: format!("{}_tables", test.name()) };
        prepare(&psql, &names).expect("makes");
        let made = psql.run("postgres", &script(&names)).expect("repeats");
        assert_eq!(made, "", "a repetition makes nothing");
        let ask = |role: &str, database: &str| {
            let question = format!("SELECT has_database_privilege('{role}', '{database}', 'CONNECT');");
            psql.run("postgres", &question).expect("asks")
        };
        assert_eq!(ask("bulkhead-api", &names.main), "t");
        assert_eq!(ask(TABLES_ROLE, &names.tables), "t");
        assert_eq!(ask(TABLES_ROLE, &names.main), "f", "the tables role cannot reach the appliance's database");
        assert_eq!(ask("bulkhead-api", &names.tables), "f");
        for name in [&names.main, &names.tables] {
            psql.run("postgres", &format!("DROP DATABASE {name};")).expect("drops");
        }
    }

    #[tokio::test]
    async fn a_cluster_that_answers_tells_its_port() {
        let test = TestDatabase::create().await;
        assert_eq!(reach(&psql(&test)).expect("answers"), test.config().get_ports()[0]);
    }

    #[test]
    fn a_server_elsewhere_is_told_by_the_configuration() {
        let etc = tempfile::tempdir().expect("a directory");
        assert_eq!(elsewhere(etc.path()).expect("reads"), None);
        std::fs::create_dir(etc.path().join("api.d")).expect("made");
        let fragment = "[database]\nhost = 'db1.example.org'\npassword = true\n";
        std::fs::write(etc.path().join("api.d/15-database.toml"), fragment).expect("written");
        assert_eq!(elsewhere(etc.path()).expect("reads").as_deref(), Some("db1.example.org"));
    }

    #[test]
    fn one_that_does_not_names_the_fix() {
        let error = reach(&Psql::At("host=/nonexistent user=postgres".into())).expect_err("refused");
        assert!(format!("{error:#}").contains("apt install postgresql"), "{error:#}");
    }
}
