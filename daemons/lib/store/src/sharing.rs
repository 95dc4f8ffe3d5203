//! Roles as they are given: to whom, on what, where they come from, and who may use a thing by them. What has an owner keeps one.

use bulkhead_model::{FolderId, Role, UserId};
use deadpool_postgres::Transaction;
use serde::Deserialize;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use crate::access::{ObjectKind, role};
use crate::{Database, StoreError};

/// A role that a person was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The person.
    pub user: UserId,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Whether they are kept out: the role is of no use to them.
    pub disabled: bool,
    /// The role.
    pub role: Role,
    /// The path of the folder around the thing that it was given on; `None` where it was given on the thing itself.
    pub folder: Option<String>,
}

/// A role that a group was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupGrant {
    /// The group's name.
    pub group: String,
    /// What the group is for.
    pub description: String,
    /// How many people belong to it.
    pub members: i64,
    /// The role.
    pub role: Role,
    /// The path of the folder around the thing that it was given on; `None` where it was given on the thing itself.
    pub folder: Option<String>,
}

/// A person who may use a thing now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The person.
    pub user: UserId,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may since they are an administrator of the instance.
    pub is_admin: bool,
    /// The ways that lead to this role.
    pub by: Vec<Way>,
}

/// A way to a role. Neither: it was given to the person on the thing itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Way {
    /// The group that has it.
    pub group: Option<String>,
    /// The path of the folder that it was given on.
    pub folder: Option<String>,
}

/// Who may be given a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// People, none that are kept out: id, address, name.
    pub people: Vec<(UserId, String, String)>,
    /// Groups: name, what it is for, how many belong to it.
    pub groups: Vec<(String, String, i64)>,
}

/// Whether row `g` of either table of roles counts on object `o`, as an expression.
fn counts(kind: ObjectKind) -> String {
    let in_folder = format!("(g.object_kind = 'folder' AND g.object_id = ANY ({}))", kind.lineage());
    match kind {
        ObjectKind::Folder => in_folder,
        _ => format!("((g.object_kind = '{}' AND g.object_id = o.id) OR {in_folder})", kind.as_str()),
    }
}

/// The path of the folder that row `g` names, unless it names object `o` itself.
const FOLDER: &str = "(SELECT gf.path FROM folders gf WHERE gf.id = g.object_id AND gf.id <> o.id)";

impl Database {
    /// All roles of people that count on an object: its own first, those of the folders around it after them.
    pub async fn grants(&self, kind: ObjectKind, id: Uuid) -> Result<Vec<Grant>, StoreError> {
        let operation = "list roles";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT u.id, u.email, u.name, u.disabled_at IS NOT NULL, g.role, {FOLDER} AS folder
             FROM {} o JOIN grants g ON {} JOIN users u ON u.id = g.user_id
             WHERE o.id = $1 ORDER BY folder NULLS FIRST, lower(u.email)",
            kind.table(),
            counts(kind)
        );
        let rows = client.query(&sql, &[&id]).await.map_err(StoreError::of(operation))?;
        let grant = |row: &Row| {
            Ok(Grant {
                user: UserId(row.get(0)),
                email: row.get(1),
                name: row.get(2),
                disabled: row.get(3),
                role: role(operation, row.get(4))?,
                folder: row.get(5),
            })
        };
        rows.iter().map(grant).collect()
    }

    /// The same of groups.
    pub async fn group_grants(&self, kind: ObjectKind, id: Uuid) -> Result<Vec<GroupGrant>, StoreError> {
        let operation = "list roles of groups";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT gr.name, gr.description, (SELECT count(*) FROM group_members m WHERE m.group_id = gr.id), g.role, {FOLDER} AS folder
             FROM {} o JOIN group_grants g ON {} JOIN groups gr ON gr.id = g.group_id
             WHERE o.id = $1 ORDER BY folder NULLS FIRST, gr.name",
            kind.table(),
            counts(kind)
        );
        let rows = client.query(&sql, &[&id]).await.map_err(StoreError::of(operation))?;
        let grant = |row: &Row| {
            let role = role(operation, row.get(3))?;
            let (description, members) = (row.get(1), row.get(2));
            Ok(GroupGrant { group: row.get(0), description, members, role, folder: row.get(4) })
        };
        rows.iter().map(grant).collect()
    }

    /// The people who may use an object now, by address, at most `most`, and how many they are in all. Those who are kept out are none
    /// of them; administrators always are.
    pub async fn holders(&self, kind: ObjectKind, id: Uuid, most: i64) -> Result<(Vec<Holder>, i64), StoreError> {
        let operation = "list who may use it";
        let client = self.client(operation).await?;
        let (table, counts) = (kind.table(), counts(kind));
        let sql = format!(
            "WITH given AS (
                SELECT g.user_id, g.role, NULL::text AS group_name, {FOLDER} AS folder
                FROM {table} o JOIN grants g ON {counts} WHERE o.id = $1
                UNION ALL
                SELECT m.user_id, g.role, gr.name, {FOLDER}
                FROM {table} o JOIN group_grants g ON {counts} JOIN groups gr ON gr.id = g.group_id
                JOIN group_members m ON m.group_id = g.group_id WHERE o.id = $1),
            best AS (SELECT user_id, min(role) AS role FROM given GROUP BY user_id)
            SELECT u.id, u.email, u.name, CASE WHEN u.is_admin THEN 'admin' ELSE b.role END AS role, u.is_admin,
                (SELECT coalesce(json_agg(json_build_object('group', d.group_name, 'folder', d.folder)
                        ORDER BY d.folder NULLS FIRST, d.group_name NULLS FIRST), '[]')
                 FROM given d WHERE d.user_id = u.id AND d.role = CASE WHEN u.is_admin THEN 'admin' ELSE b.role END),
                count(*) OVER ()
            FROM users u LEFT JOIN best b ON b.user_id = u.id
            WHERE u.disabled_at IS NULL AND (u.is_admin OR b.role IS NOT NULL) ORDER BY lower(u.email) LIMIT $2"
        );
        let rows = client.query(&sql, &[&id, &most]).await.map_err(StoreError::of(operation))?;
        let total = rows.first().map_or(0, |row| row.get(6));
        let holder = |row: &Row| {
            Ok(Holder {
                user: UserId(row.get(0)),
                email: row.get(1),
                name: row.get(2),
                role: role(operation, row.get(3))?,
                is_admin: row.get(4),
                by: row.get::<_, Json<Vec<Way>>>(5).0,
            })
        };
        Ok((rows.iter().map(holder).collect::<Result<_, StoreError>>()?, total))
    }

    /// People and groups whose name or address has these words in it, at most `most` of each.
    pub async fn candidates(&self, words: &str, most: i64) -> Result<Candidates, StoreError> {
        let operation = "look for people";
        let client = self.client(operation).await?;
        let sql = "SELECT u.id, u.email, u.name FROM users u
            WHERE u.disabled_at IS NULL AND strpos(lower(u.name || ' ' || u.email), lower($1)) > 0
            ORDER BY lower(u.name), lower(u.email) LIMIT $2";
        let people = client.query(sql, &[&words, &most]).await.map_err(StoreError::of(operation))?;
        let sql =
            "SELECT gr.name, gr.description, (SELECT count(*) FROM group_members m WHERE m.group_id = gr.id) FROM groups gr
            WHERE strpos(lower(gr.name || ' ' || gr.description), lower($1)) > 0 ORDER BY gr.name LIMIT $2";
        let groups = client.query(sql, &[&words, &most]).await.map_err(StoreError::of(operation))?;
        Ok(Candidates {
            people: people.iter().map(|row| (UserId(row.get(0)), row.get(1), row.get(2))).collect(),
            groups: groups.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect(),
        })
    }

    /// Gives a person a role, in place of the one they had; [`StoreError::LastOwner`] where nobody would own the object any more.
    pub async fn set_grant(&self, kind: ObjectKind, id: Uuid, user: UserId, role: Role) -> Result<(), StoreError> {
        let sql = "INSERT INTO grants (object_kind, object_id, user_id, role) SELECT $2, $1, u.id, $4 FROM users u WHERE u.id = $3
            ON CONFLICT (object_kind, object_id, user_id) DO UPDATE SET role = excluded.role, granted_at = now()";
        self.keeping_an_owner("grant a role", (kind, id), sql, &[&id, &kind.as_str(), &user.0, &role.as_str()]).await
    }

    /// Takes a person's role away; [`StoreError::LastOwner`] where nobody would own the object any more.
    pub async fn remove_grant(&self, kind: ObjectKind, id: Uuid, user: UserId) -> Result<(), StoreError> {
        let sql = "DELETE FROM grants WHERE object_id = $1 AND object_kind = $2 AND user_id = $3";
        self.keeping_an_owner("take a role away", (kind, id), sql, &[&id, &kind.as_str(), &user.0]).await
    }

    /// Gives a group a role, in place of the one it had; [`StoreError::LastOwner`] where nobody would own the object any more.
    pub async fn set_group_grant(&self, kind: ObjectKind, id: Uuid, group: &str, role: Role) -> Result<(), StoreError> {
        let sql = "INSERT INTO group_grants (object_kind, object_id, group_id, role) SELECT $2, $1, gr.id, $4 FROM groups gr WHERE gr.name = $3
            ON CONFLICT (object_kind, object_id, group_id) DO UPDATE SET role = excluded.role, granted_at = now()";
        self.keeping_an_owner("grant a group a role", (kind, id), sql, &[&id, &kind.as_str(), &group, &role.as_str()])
            .await
    }

    /// Takes a group's role away; [`StoreError::LastOwner`] where nobody would own the object any more.
    pub async fn remove_group_grant(&self, kind: ObjectKind, id: Uuid, group: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM group_grants g USING groups gr
            WHERE g.object_id = $1 AND g.object_kind = $2 AND gr.id = g.group_id AND gr.name = $3";
        self.keeping_an_owner("take a group's role away", (kind, id), sql, &[&id, &kind.as_str(), &group]).await
    }

    /// Puts a thing into a folder, or on the top; [`StoreError::LastOwner`] where nobody would own it any more. Folders stay where they are.
    pub async fn move_object(&self, kind: ObjectKind, id: Uuid, folder: Option<FolderId>) -> Result<(), StoreError> {
        let sql = match kind {
            // The api of the version before reads the label.
            ObjectKind::App => {
                "UPDATE apps SET folder_id = $2, folder = coalesce((SELECT f.path FROM folders f WHERE f.id = $2), '') WHERE id = $1"
            }
            ObjectKind::Workflow => "UPDATE workflows SET folder_id = $2 WHERE id = $1",
            ObjectKind::Resource => "UPDATE resources SET folder_id = $2 WHERE id = $1",
            ObjectKind::Query => "UPDATE library_queries SET folder_id = $2 WHERE id = $1",
            ObjectKind::Folder => return Err(StoreError::NotFound { operation: "move a folder" }),
        };
        self.keeping_an_owner("move into a folder", (kind, id), sql, &[&id, &folder.map(|folder| folder.0)]).await
    }

    /// Changes one row that decides who may use an object, unless it had an owner and would have none. Two who take each other's role
    /// away at once come one after the other.
    async fn keeping_an_owner(
        &self,
        operation: &'static str,
        (kind, id): (ObjectKind, Uuid),
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<(), StoreError> {
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let lock = format!("SELECT FROM {} WHERE id = $1 FOR NO KEY UPDATE", kind.table());
        let found = transaction.query_opt(&lock, &[&id]).await.map_err(StoreError::of(operation))?;
        found.ok_or(StoreError::NotFound { operation })?;
        let had_an_owner = has_an_owner(&transaction, operation, kind, id).await?;
        let changed = transaction.execute(sql, values).await.map_err(|error| match error.code() {
            Some(&SqlState::FOREIGN_KEY_VIOLATION) => StoreError::NotFound { operation },
            _ => StoreError::of(operation)(error),
        })?;
        if changed == 0 {
            return Err(StoreError::NotFound { operation });
        }
        if had_an_owner && !has_an_owner(&transaction, operation, kind, id).await? {
            return Err(StoreError::LastOwner { operation });
        }
        transaction.commit().await.map_err(StoreError::of(operation))
    }
}

/// Whether somebody who is not kept out may share an object, beside the instance's administrators.
async fn has_an_owner(
    transaction: &Transaction<'_>,
    operation: &'static str,
    kind: ObjectKind,
    id: Uuid,
) -> Result<bool, StoreError> {
    let (table, counts) = (kind.table(), counts(kind));
    let sql = format!(
        "SELECT EXISTS (SELECT FROM {table} o JOIN grants g ON {counts} JOIN users u ON u.id = g.user_id
                WHERE o.id = $1 AND g.role = 'admin' AND u.disabled_at IS NULL)
            OR EXISTS (SELECT FROM {table} o JOIN group_grants g ON {counts} JOIN group_members m ON m.group_id = g.group_id
                JOIN users u ON u.id = m.user_id WHERE o.id = $1 AND g.role = 'admin' AND u.disabled_at IS NULL)"
    );
    Ok(transaction.query_one(&sql, &[&id]).await.map_err(StoreError::of(operation))?.get(0))
}

/// Deletes all roles on an object as a part of deleting it.
pub(crate) async fn delete_grants(transaction: &Transaction<'_>, kind: ObjectKind, id: Uuid) -> Result<(), StoreError> {
    let operation = "delete roles";
    for table in ["grants", "group_grants"] {
        let sql = format!("DELETE FROM {table} WHERE object_kind = $1 AND object_id = $2");
        transaction.execute(&sql, &[&kind.as_str(), &id]).await.map_err(StoreError::of(operation))?;
    }
    Ok(())
}
