//! Who reaches what on this machine: sockets, files, databases.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Group, Uid, User};
use serde::Serialize;

use super::heading;
use crate::psql::Psql;
use crate::table;

/// Sockets, and what nobody but its daemon and root should read.
const FOLDERS: [&str; 6] = [
    "/run/bulkhead",
    "/etc/bulkhead",
    "/etc/bulkhead/keys",
    "/etc/bulkhead/tls",
    "/etc/credstore.encrypted",
    "/var/backups/bulkhead",
];
const PLACES: [&str; 4] = [
    "/var/lib/bulkhead",
    "/var/lib/bulkhead-temporal",
    "/var/lib/bulkhead-libraries",
    "/var/lib/bulkhead-library-bundles",
];
/// Roles of a database and what they may do there, one line for each role and set of rights.
const RIGHTS: &str = "SELECT grantee, privileges, count(*), string_agg(table_name, ' ' ORDER BY table_name) FROM (
    SELECT grantee, table_name, string_agg(DISTINCT privilege, ',' ORDER BY privilege) AS privileges FROM (
        SELECT grantee, table_schema, table_name, privilege_type AS privilege FROM information_schema.role_table_grants
        UNION ALL SELECT c.grantee, c.table_schema, c.table_name, c.privilege_type || ' of columns'
        FROM information_schema.role_column_grants c WHERE NOT EXISTS (SELECT FROM information_schema.role_table_grants t
            WHERE t.grantee = c.grantee AND t.table_schema = c.table_schema AND t.table_name = c.table_name
              AND t.privilege_type = c.privilege_type)) AS granted
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
    GROUP BY grantee, table_name) AS each GROUP BY grantee, privileges ORDER BY grantee, privileges;";
const ROLES: &str =
    "SELECT rolname, CASE WHEN rolsuper THEN 'superuser' END, CASE WHEN rolcreaterole THEN 'makes roles' END,
    CASE WHEN rolpassword IS NOT NULL THEN 'has a password' ELSE 'peer only' END,
    (SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database
     WHERE datname LIKE 'bulkhead%' AND has_database_privilege(rolname, oid, 'CONNECT'))
    FROM pg_authid WHERE rolname LIKE 'bulkhead-%' ORDER BY rolname;";

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Access {
    files: Vec<File>,
    roles: Vec<Role>,
    rights: Vec<Right>,
    /// What could not be looked at, and why.
    unknown: Vec<String>,
}

/// A socket, a file or a folder.
#[derive(Debug, Serialize)]
struct File {
    path: PathBuf,
    kind: &'static str,
    /// As `ls` shows it in octal.
    mode: String,
    user: String,
    group: String,
}

#[derive(Debug, Serialize)]
struct Role {
    name: String,
    is: Vec<String>,
    connects_to: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Right {
    database: &'static str,
    role: String,
    rights: String,
    tables: Vec<String>,
}

/// Looks.
pub(super) fn look(psql: &Psql) -> Access {
    let mut access = Access { files: Vec::new(), roles: Vec::new(), rights: Vec::new(), unknown: Vec::new() };
    for folder in FOLDERS {
        access.files.extend(file(Path::new(folder)));
        let mut names: Vec<PathBuf> = fs::read_dir(folder)
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        // The folder of credentials is other services' too.
        names.retain(|path| !folder.contains("credstore") || path.to_string_lossy().contains("/bulkhead-"));
        names.sort();
        access.files.extend(
            names
                .iter()
                .filter(|path| !FOLDERS.iter().any(|other| path.as_path() == Path::new(other)))
                .filter_map(|path| file(path)),
        );
    }
    access.files.extend(PLACES.iter().filter_map(|place| file(Path::new(place))));
    match psql.run("postgres", ROLES) {
        Ok(text) => access.roles.extend(text.lines().filter_map(role)),
        Err(error) => access.unknown.push(format!("roles of PostgreSQL: {error:#}")),
    }
    for database in ["bulkhead", "bulkhead_tables"] {
        match psql.run(database, RIGHTS) {
            Ok(text) => access.rights.extend(text.lines().filter_map(|line| right(database, line))),
            Err(error) => access.unknown.push(format!("rights in the database {database}: {error:#}")),
        }
    }
    access
}

fn file(path: &Path) -> Option<File> {
    let found = fs::symlink_metadata(path).ok()?;
    let user = User::from_uid(Uid::from_raw(found.uid())).ok().flatten();
    let group = Group::from_gid(Gid::from_raw(found.gid())).ok().flatten();
    Some(File {
        path: path.to_owned(),
        kind: match found.mode() & 0o170_000 {
            0o140_000 => "socket",
            0o040_000 => "folder",
            0o120_000 => "link",
            _ => "file",
        },
        mode: format!("{:04o}", found.mode() & 0o7777),
        user: user.map_or_else(|| found.uid().to_string(), |user| user.name),
        group: group.map_or_else(|| found.gid().to_string(), |group| group.name),
    })
}

fn role(line: &str) -> Option<Role> {
    let mut columns = line.split('|');
    let name = columns.next()?.to_owned();
    let is = columns.by_ref().take(3).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    Some(Role { name, is, connects_to: columns.next()?.split_whitespace().map(str::to_owned).collect() })
}

fn right(database: &'static str, line: &str) -> Option<Right> {
    let mut columns = line.splitn(4, '|');
    let (role, rights, _) = (columns.next()?.to_owned(), columns.next()?.to_owned(), columns.next()?);
    Some(Right { database, role, rights, tables: columns.next()?.split(' ').map(str::to_owned).collect() })
}

impl Access {
    /// Prints it; of tables their number, whose names JSON has.
    pub(super) fn print(&self) {
        heading("Sockets, files, folders");
        let row = |file: &File| {
            [
                file.mode.clone(),
                file.user.clone(),
                file.group.clone(),
                file.kind.to_owned(),
                file.path.display().to_string(),
            ]
        };
        table::print(["MODE", "USER", "GROUP", "IS", "PATH"], &self.files.iter().map(row).collect::<Vec<_>>());
        heading("Roles of PostgreSQL");
        let row = |role: &Role| [role.name.clone(), role.is.join(", "), role.connects_to.join(" ")];
        table::print(["ROLE", "IS", "CONNECTS TO"], &self.roles.iter().map(row).collect::<Vec<_>>());
        heading("Rights on tables");
        let row = |right: &Right| {
            [right.database.to_owned(), right.role.clone(), right.tables.len().to_string(), right.rights.clone()]
        };
        table::print(["DATABASE", "ROLE", "TABLES", "RIGHTS"], &self.rights.iter().map(row).collect::<Vec<_>>());
        for unknown in &self.unknown {
            println!("not known: {}", table::plain(unknown));
        }
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_store::test_support::migrated;
    use tokio_postgres::config::Host;

    use super::*;

    #[tokio::test]
    async fn the_daemons_rights_are_told_by_role() {
        let (test, _) = migrated().await;
        let config = test.config();
        let host = match &config.get_hosts()[0] {
            Host::Unix(path) => path.display().to_string(),
            Host::Tcp(name) => name.clone(),
        };
        let user = config.get_user().unwrap_or("postgres");
        let psql = Psql::At(format!("host={host} port={} user={user}", config.get_ports()[0]));
        let text = psql.run(test.name(), RIGHTS).expect("asks");
        let rights: Vec<Right> = text.lines().filter_map(|line| right("bulkhead", line)).collect();
        let may = |role: &str, table: &str, what: &str| {
            rights.iter().any(|right| {
                right.role == role
                    && right.rights.split(',').any(|one| one == what)
                    && right.tables.iter().any(|one| one == table)
            })
        };
        assert!(may("bulkhead-api", "audit_log", "INSERT of columns"), "not the seal");
        assert!(!may("bulkhead-api", "audit_log", "DELETE"), "the audit trail only grows");
        let roles: Vec<Role> = psql.run("postgres", ROLES).expect("asks").lines().filter_map(role).collect();
        assert!(
            roles.iter().any(|role| role.name == "bulkhead-api" && !role.is.iter().any(|word| word == "superuser"))
        );
    }

    #[test]
    fn a_file_is_told_with_its_mode() {
        let found = file(Path::new("/")).expect("there");
        assert_eq!((found.kind, found.user.as_str()), ("folder", "root"));
        assert!(file(Path::new("/nonexistent")).is_none());
    }
}
