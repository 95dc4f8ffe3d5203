//! Roles of PostgreSQL that the databases speak of: listed, made elsewhere, given what they had.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::backup::Which;
use crate::psql::Psql;
use crate::setup::Names;

/// What begins the comment on a person's login to the tables (daemons/lib/store/setup/table_logins.sql).
pub(crate) const LOGIN: &str = "bulkhead: a table login of ";
/// What begins the names of Bulkhead's own roles.
const OURS: &str = "bulkhead-";

/// Roles that the databases speak of, and who may connect to them: what a dump of one database does not hold.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Roles {
    roles: Vec<Role>,
    members: Vec<Member>,
    connect: Vec<Connect>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Role {
    name: String,
    login: bool,
    inherit: bool,
    /// The verifier of a password, where there is one.
    verifier: Option<String>,
    /// How many sessions it may have; no limit where this is less than none.
    #[serde(default = "no_limit")]
    connections: i32,
    /// What is written on it: by this a person's login to the tables is known.
    #[serde(default)]
    comment: Option<String>,
}

fn no_limit() -> i32 {
    -1
}

#[derive(Debug, Serialize, Deserialize)]
struct Member {
    role: String,
    member: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Connect {
    /// Whether it is the tables database.
    tables: bool,
    role: String,
}

impl Roles {
    pub(crate) fn parse(content: &[u8]) -> Result<Self> {
        serde_json::from_slice(content).context("read the list of roles")
    }

    /// Those that these databases speak of, and all of Bulkhead's; where `logins` is true also those of people to the tables, of which the
    /// databases know nothing.
    pub(crate) fn of(psql: &Psql, names: &Names, which: &[Which], logins: bool) -> Result<Self> {
        let ours: Vec<String> = which.iter().map(|which| literal(which.name(names))).collect();
        let (ours, tables) = (ours.join(", "), &names.tables);
        // A superuser is nothing that a backup should make.
        let text = psql.run(
            "postgres",
            &format!(
                "WITH ours AS (SELECT oid, datname FROM pg_database WHERE datname IN ({ours})),
roles AS (
    SELECT * FROM pg_authid r WHERE NOT rolsuper AND rolname !~ '^pg_' AND (rolname ~ '^bulkhead-' OR r.oid IN (
        SELECT refobjid FROM pg_shdepend d WHERE refclassid = 'pg_authid'::regclass
            AND (dbid IN (SELECT oid FROM ours) OR classid = 'pg_database'::regclass AND objid IN (SELECT oid FROM ours)))
        OR {logins} AND shobj_description(r.oid, 'pg_authid') LIKE '{LOGIN}%')
)
SELECT json_build_object(
    'roles', (SELECT coalesce(json_agg(json_build_object('name', rolname, 'login', rolcanlogin, 'inherit', rolinherit,
        'verifier', rolpassword, 'connections', rolconnlimit, 'comment', shobj_description(oid, 'pg_authid')) ORDER BY rolname), '[]') FROM roles),
    'members', (SELECT coalesce(json_agg(json_build_object('role', r.rolname, 'member', m.rolname)), '[]')
        FROM pg_auth_members a JOIN roles r ON r.oid = a.roleid JOIN roles m ON m.oid = a.member),
    'connect', (SELECT coalesce(json_agg(json_build_object('tables', d.datname = '{tables}', 'role', r.rolname)), '[]')
        FROM pg_database d, aclexplode(d.datacl) a JOIN roles r ON r.oid = a.grantee
        WHERE d.oid IN (SELECT oid FROM ours) AND a.privilege_type = 'CONNECT'));"
            ),
        )?;
        Self::parse(text.as_bytes())
    }

    /// Makes the roles that are missing: what is restored belongs to them.
    pub(crate) fn make(&self, psql: &Psql) -> Result<()> {
        let mut script = "SET client_min_messages = warning;\n".to_owned();
        for Role { name, .. } in &self.roles {
            let create = literal(&format!("CREATE ROLE {}", identifier(name)));
            let name = literal(name);
            script +=
                &format!("SELECT {create} WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {name}) \\gexec\n");
        }
        psql.run("postgres", &script).map(drop).context("make the roles")
    }

    /// Gives the roles what they had. Those that have it stay untouched.
    pub(crate) fn set(&self, psql: &Psql, names: &Names) -> Result<()> {
        let mut script = "SET client_min_messages = warning;\n".to_owned();
        for Role { name, login, inherit, verifier, .. } in &self.roles {
            let word = |yes: bool, word: &str| if yes { word.to_owned() } else { format!("NO{word}") };
            let password = verifier.as_deref().map_or_else(|| "NULL".to_owned(), literal);
            let alter = literal(&format!(
                "ALTER ROLE {} {} {} PASSWORD {password}",
                identifier(name),
                word(*login, "LOGIN"),
                word(*inherit, "INHERIT")
            ));
            // Whoever has become a superuser meanwhile is none of a backup's business.
            script += &format!(
                "SELECT {alter} FROM pg_authid WHERE rolname = {} AND NOT rolsuper AND ((rolcanlogin, rolinherit)
<> ({login}, {inherit}) OR rolpassword IS DISTINCT FROM {password}) \\gexec\n",
                literal(name)
            );
        }
        for Member { role, member } in &self.members {
            script += &format!("GRANT {} TO {};\n", identifier(role), identifier(member));
        }
        for Connect { tables, role } in &self.connect {
            let database = if *tables { &names.tables } else { &names.main };
            script += &format!("GRANT CONNECT ON DATABASE {database} TO {};\n", identifier(role));
        }
        psql.run("postgres", &script).map(drop).context("set the roles")
    }

    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(|role| role.name.as_str())
    }

    /// Gives them on another server what they had here; only a superuser may look there what they have. `made` are those that were not there: to
    /// others that are not Bulkhead's nothing is done but that they may connect. Without `logins` those of people let nobody in.
    pub(crate) fn carry(&self, psql: &Psql, which: &[(Which, String)], made: &[String], logins: bool) -> Result<()> {
        let mut script = "SET client_min_messages = warning;\n".to_owned();
        for role in &self.roles {
            let is_login = role.comment.as_deref().is_some_and(|comment| comment.starts_with(LOGIN));
            if !(is_login || role.name.starts_with(OURS) || made.contains(&role.name)) {
                continue;
            }
            let name = identifier(&role.name);
            let lets_in = role.login && (logins || !is_login);
            let word = |yes: bool, word: &str| if yes { word.to_owned() } else { format!("NO{word}") };
            let password = match role.verifier.as_deref().filter(|_| lets_in) {
                Some(verifier) => format!(" PASSWORD {}", literal(verifier)),
                None => String::new(),
            };
            script += &format!(
                "ALTER ROLE {name} {} {} CONNECTION LIMIT {}{password};\n",
                word(lets_in, "LOGIN"),
                word(role.inherit, "INHERIT"),
                role.connections
            );
            if let Some(comment) = &role.comment {
                script += &format!("COMMENT ON ROLE {name} IS {};\n", literal(comment));
            }
        }
        for Member { role, member } in &self.members {
            script += &format!("GRANT {} TO {};\n", identifier(role), identifier(member));
        }
        for Connect { tables, role } in &self.connect {
            let wanted = if *tables { Which::Tables } else { Which::Main };
            for (_, database) in which.iter().filter(|(which, _)| *which == wanted) {
                script += &format!("GRANT CONNECT ON DATABASE {database} TO {};\n", identifier(role));
            }
        }
        psql.run("postgres", &script).map(drop).context("give the roles there what they have here")
    }
}

/// A name as SQL has it.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL has it.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
