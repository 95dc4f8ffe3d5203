//! Groups of people. Approvals name them; who is a member is looked up when somebody decides.

use bulkhead_model::UserId;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Database, StoreError};

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The id.
    pub id: Uuid,
    /// The name that documents use.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How many people belong to it.
    pub members: i64,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// A person who belongs to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub user: UserId,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Whether they are kept out: they decide nothing.
    pub disabled: bool,
}

const COLUMNS: &str = "g.id, g.name, g.description,
    (SELECT count(*) FROM group_members m WHERE m.group_id = g.id), g.created_at";

impl Database {
    /// All groups, by name.
    pub async fn groups(&self) -> Result<Vec<Group>, StoreError> {
        let operation = "list groups";
        let client = self.client(operation).await?;
        let sql = format!("SELECT {COLUMNS} FROM groups g ORDER BY g.name");
        Ok(client.query(&sql, &[]).await.map_err(StoreError::of(operation))?.iter().map(group).collect())
    }

    /// A group by its name.
    pub async fn group(&self, name: &str) -> Result<Group, StoreError> {
        let operation = "read a group";
        let client = self.client(operation).await?;
        let sql = format!("SELECT {COLUMNS} FROM groups g WHERE g.name = $1");
        let row = client.query_opt(&sql, &[&name]).await.map_err(StoreError::of(operation))?;
        row.as_ref().map(group).ok_or(StoreError::NotFound { operation })
    }

    /// Which of these names no group has.
    pub async fn unknown_groups(&self, names: &[&str]) -> Result<Vec<String>, StoreError> {
        let operation = "look for groups";
        let client = self.client(operation).await?;
        let sql =
            "SELECT name FROM unnest($1::text[]) name WHERE NOT EXISTS (SELECT FROM groups g WHERE g.name = name.name)";
        let rows = client.query(sql, &[&names]).await.map_err(StoreError::of(operation))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Adds a group without members; false where there are `most` already.
    pub async fn create_group(&self, id: Uuid, name: &str, description: &str, most: i64) -> Result<bool, StoreError> {
        let operation = "add a group";
        let client = self.client(operation).await?;
        let sql =
            "INSERT INTO groups (id, name, description) SELECT $1, $2, $3 WHERE (SELECT count(*) FROM groups) < $4";
        let made = client.execute(sql, &[&id, &name, &description, &most]).await.map_err(StoreError::of(operation))?;
        Ok(made > 0)
    }

    /// Says anew what a group is for.
    pub async fn describe_group(&self, id: Uuid, description: &str) -> Result<(), StoreError> {
        let operation = "change a group";
        let client = self.client(operation).await?;
        let sql = "UPDATE groups SET description = $2 WHERE id = $1";
        changed(operation, client.execute(sql, &[&id, &description]).await)
    }

    /// Deletes a group. Open questions that name it are decided by whoever else they name.
    pub async fn delete_group(&self, id: Uuid) -> Result<(), StoreError> {
        let operation = "delete a group";
        let client = self.client(operation).await?;
        changed(operation, client.execute("DELETE FROM groups WHERE id = $1", &[&id]).await)
    }

    /// The people who belong to a group, by address.
    pub async fn group_members(&self, id: Uuid) -> Result<Vec<Member>, StoreError> {
        let operation = "list the members of a group";
        let client = self.client(operation).await?;
        let sql = "SELECT u.id, u.email, u.name, u.disabled_at IS NOT NULL FROM group_members m JOIN users u ON u.id = m.user_id
            WHERE m.group_id = $1 ORDER BY lower(u.email)";
        let rows = client.query(sql, &[&id]).await.map_err(StoreError::of(operation))?;
        let member =
            |row: &Row| Member { user: UserId(row.get(0)), email: row.get(1), name: row.get(2), disabled: row.get(3) };
        Ok(rows.iter().map(member).collect())
    }

    /// The names of the groups that a person belongs to.
    pub async fn groups_of(&self, user: UserId) -> Result<Vec<String>, StoreError> {
        let operation = "list the groups of a person";
        let client = self.client(operation).await?;
        let sql = "SELECT g.name FROM group_members m JOIN groups g ON g.id = m.group_id WHERE m.user_id = $1 ORDER BY g.name";
        let rows = client.query(sql, &[&user.0]).await.map_err(StoreError::of(operation))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Makes a person a member, unless they are one already.
    pub async fn add_group_member(&self, id: Uuid, user: UserId) -> Result<(), StoreError> {
        let operation = "add a member to a group";
        let client = self.client(operation).await?;
        let sql = "INSERT INTO group_members (group_id, user_id)
            SELECT g.id, u.id FROM groups g, users u WHERE g.id = $1 AND u.id = $2 ON CONFLICT DO NOTHING";
        let added = client.execute(sql, &[&id, &user.0]).await.map_err(StoreError::of(operation))?;
        if added > 0 {
            return Ok(());
        }
        let sql = "SELECT FROM group_members WHERE group_id = $1 AND user_id = $2";
        let known = client.query_opt(sql, &[&id, &user.0]).await.map_err(StoreError::of(operation))?;
        known.map(|_| ()).ok_or(StoreError::NotFound { operation })
    }

    /// Takes a person out of a group.
    pub async fn remove_group_member(&self, id: Uuid, user: UserId) -> Result<(), StoreError> {
        let operation = "take a member out of a group";
        let client = self.client(operation).await?;
        let sql = "DELETE FROM group_members WHERE group_id = $1 AND user_id = $2";
        changed(operation, client.execute(sql, &[&id, &user.0]).await)
    }
}

fn changed(operation: &'static str, rows: Result<u64, tokio_postgres::Error>) -> Result<(), StoreError> {
    match rows.map_err(StoreError::of(operation))? {
        0 => Err(StoreError::NotFound { operation }),
        _ => Ok(()),
    }
}

fn group(row: &Row) -> Group {
    Group { id: row.get(0), name: row.get(1), description: row.get(2), members: row.get(3), created_at: row.get(4) }
}
