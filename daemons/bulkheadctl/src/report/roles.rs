//! Who may do what with apps, workflows, resources, queries and folders: every role that was given, who belongs to the groups, and who
//! administers the instance.

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::heading;
use crate::psql::Psql;
use crate::table;

/// All things that roles are given on, as one table.
const THINGS: &str =
    "SELECT 'app' AS kind, a.id, a.slug AS name, f.path AS folder FROM apps a LEFT JOIN folders f ON f.id = a.folder_id
    UNION ALL SELECT 'workflow', w.id, w.slug, f.path FROM workflows w LEFT JOIN folders f ON f.id = w.folder_id
    UNION ALL SELECT 'resource', r.id, r.name, f.path FROM resources r LEFT JOIN folders f ON f.id = r.folder_id
    UNION ALL SELECT 'query', q.id, q.slug, f.path FROM library_queries q LEFT JOIN folders f ON f.id = q.folder_id
    UNION ALL SELECT 'folder', f.id, f.path, p.path FROM folders f LEFT JOIN folders p ON p.id = f.parent_id";
const GROUPS: &str = "SELECT json_build_object('name', g.name, 'members',
        (SELECT coalesce(json_agg(u.email || CASE WHEN u.disabled_at IS NULL THEN '' ELSE ' (disabled)' END ORDER BY lower(u.email)), '[]')
         FROM group_members m JOIN users u ON u.id = m.user_id WHERE m.group_id = g.id))
    FROM groups g ORDER BY g.name;";
const ADMINISTRATORS: &str =
    "SELECT to_json(u.email) FROM users u WHERE u.is_admin AND u.disabled_at IS NULL ORDER BY lower(u.email);";

/// All of it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Roles {
    /// They may do everything on everything.
    administrators: Vec<String>,
    groups: Vec<Group>,
    /// The thing's own first, each with what it takes over from the folders around it.
    given: Vec<Given>,
    /// Why it could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Group {
    name: String,
    members: Vec<String>,
}

/// A role that somebody has on a thing.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
struct Given {
    kind: String,
    name: String,
    /// The folder that the thing is in.
    folder: Option<String>,
    role: String,
    /// The address of the person, where it is one.
    person: Option<String>,
    /// The group, where it is one.
    group: Option<String>,
    /// The folder that the role was given on, where it was not the thing.
    from: Option<String>,
}

/// Looks.
pub(super) fn look(psql: &Psql) -> Roles {
    read(psql, "bulkhead").unwrap_or_else(|error| Roles { unknown: Some(format!("{error:#}")), ..Roles::default() })
}

fn read(psql: &Psql, database: &str) -> Result<Roles> {
    Ok(Roles {
        administrators: lines(psql, database, ADMINISTRATORS)?,
        groups: lines(psql, database, GROUPS)?,
        given: lines(psql, database, &given())?,
        unknown: None,
    })
}

/// A role that counts on a thing was given on it, or on one of the lineage of its folder.
fn given() -> String {
    format!(
        "WITH things AS ({THINGS}),
        given AS (
            SELECT g.object_kind, g.object_id, g.role, u.email AS person, NULL::text AS group_name FROM grants g JOIN users u ON u.id = g.user_id
            UNION ALL SELECT g.object_kind, g.object_id, g.role, NULL, gr.name FROM group_grants g JOIN groups gr ON gr.id = g.group_id),
        counting AS (
            SELECT t.*, g.role, g.person, g.group_name, NULL::text AS from_folder
            FROM things t JOIN given g ON g.object_kind = t.kind AND g.object_id = t.id
            UNION ALL SELECT t.*, g.role, g.person, g.group_name, i.path
            FROM things t JOIN folders f ON f.path = t.folder JOIN folders i ON i.id = ANY (f.lineage)
            JOIN given g ON g.object_kind = 'folder' AND g.object_id = i.id)
        SELECT json_build_object('kind', kind, 'name', name, 'folder', folder, 'role', role, 'person', person, 'group', group_name, 'from', from_folder)
        FROM counting ORDER BY kind, name, from_folder NULLS FIRST, person NULLS LAST, group_name;"
    )
}

/// Rows of JSON, one a line: a name may have anything else in it.
fn lines<T: DeserializeOwned>(psql: &Psql, database: &str, sql: &str) -> Result<Vec<T>> {
    let text = psql.run(database, sql)?;
    text.lines().map(|line| serde_json::from_str(line).context("read what psql printed")).collect()
}

impl Given {
    fn row(&self) -> [String; 5] {
        let who = match (&self.person, &self.group) {
            (Some(person), _) => person.clone(),
            (None, group) => format!("group {}", group.as_deref().unwrap_or_default()),
        };
        let from = self.from.as_ref().map_or_else(String::new, |folder| format!("folder {folder}"));
        [self.kind.clone(), self.name.clone(), self.role.clone(), who, from]
    }
}

impl Roles {
    /// Prints it.
    pub(super) fn print(&self) {
        heading("Roles on apps, workflows, resources, queries and folders");
        if let Some(unknown) = &self.unknown {
            println!("not known: {}", table::plain(unknown));
            return;
        }
        println!("administrators, who may do everything: {}", table::plain(&self.administrators.join(", ")));
        if !self.given.is_empty() {
            let rows: Vec<_> = self.given.iter().map(Given::row).collect();
            table::print(["KIND", "NAME", "ROLE", "WHO", "FROM"], &rows);
        }
        heading("Groups");
        let row = |group: &Group| [group.name.clone(), group.members.len().to_string(), group.members.join(", ")];
        table::print(["NAME", "MEMBERS", "WHO"], &self.groups.iter().map(row).collect::<Vec<_>>());
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_model::app::AppDocument;
    use bulkhead_model::{FolderId, Role};
    use bulkhead_store::access::ObjectKind;
    use bulkhead_store::test_support::migrated;
    use tokio_postgres::config::Host;

    use super::*;

    #[tokio::test]
    async fn each_role_is_told_with_the_group_and_the_folder_that_it_comes_from() {
        let (test, database) = migrated().await;
        let ada = database.create_user("ada@example.org", "Ada | Root", true).await.expect("creates");
        let bob = database.create_user("bob@example.org", "Bob", false).await.expect("creates");
        let (sales, orders, crew) = (FolderId::new(), FolderId::new(), FolderId::new().0);
        database.create_folder(sales, (None, "Sales | all"), Some(ada)).await.expect("asks").expect("makes");
        database.create_folder(orders, (Some(sales), "Orders"), None).await.expect("asks").expect("makes");
        let app = database.create_app("shop", &AppDocument::empty("Shop"), Some(bob)).await.expect("creates");
        database.move_object(ObjectKind::App, app.0, Some(orders)).await.expect("moves");
        database.create_group(crew, "crew", "", 10).await.expect("makes");
        database.add_group_member(crew, bob).await.expect("adds");
        database.set_group_grant(ObjectKind::Folder, orders.0, "crew", Role::Editor).await.expect("grants");

        let config = test.config();
        let host = match &config.get_hosts()[0] {
            Host::Unix(path) => path.display().to_string(),
            Host::Tcp(name) => name.clone(),
        };
        let user = config.get_user().unwrap_or("postgres");
        let psql = Psql::At(format!("host={host} port={} user={user}", config.get_ports()[0]));
        let roles = read(&psql, test.name()).expect("reads");
        assert_eq!(roles.administrators, ["ada@example.org"]);
        assert_eq!(
            (roles.groups[0].name.as_str(), roles.groups[0].members.as_slice()),
            ("crew", ["bob@example.org".to_owned()].as_slice())
        );
        let rows: Vec<String> = roles.given.iter().map(|given| given.row().join("; ")).collect();
        assert_eq!(
            rows,
            [
                "app; shop; admin; bob@example.org; ",
                "app; shop; admin; ada@example.org; folder Sales | all",
                "app; shop; editor; group crew; folder Sales | all/Orders",
                "folder; Sales | all; admin; ada@example.org; ",
                "folder; Sales | all/Orders; editor; group crew; ",
                "folder; Sales | all/Orders; admin; ada@example.org; folder Sales | all",
            ]
        );
    }
}
