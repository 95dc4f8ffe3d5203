//! Logins of people to the tables database, made by functions that setup installs as superuser. No other role of Bulkhead makes roles.

use bulkhead_model::{ResourceId, Role, UserId};

use crate::access::{ObjectKind, role};
use crate::{Database, StoreError};

/// Sessions that one login has at the same time.
const CONNECTIONS: i32 = 5;

/// A login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableLogin {
    /// Its name, which is a role of PostgreSQL.
    pub login: String,
    /// Whose it is; nothing where that cannot be read.
    pub owner: Option<UserId>,
    /// Whether it changes rows.
    pub may_write: bool,
    /// Sessions that it has open.
    pub sessions: i64,
}

/// The cluster that Bulkhead's own database is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginPlace {
    /// Its port.
    pub port: i32,
    /// Whether the tables database is in it too.
    pub has_tables: bool,
}

impl Database {
    /// Where logins would be made; nothing where setup has not installed what makes them.
    pub async fn login_place(&self, tables: &str) -> Result<Option<LoginPlace>, StoreError> {
        let operation = "look for the logins to tables";
        let client = self.client(operation).await?;
        let sql = "SELECT EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'table_logins'),
            current_setting('port')::int, EXISTS (SELECT FROM pg_database WHERE datname = $1)";
        let row = client.query_one(sql, &[&tables]).await.map_err(StoreError::of(operation))?;
        let place = LoginPlace { port: row.get(1), has_tables: row.get(2) };
        Ok(Some(place).filter(|_| row.get(0)))
    }

    /// All logins.
    pub async fn table_logins(&self) -> Result<Vec<TableLogin>, StoreError> {
        let operation = "list the logins to tables";
        let client = self.client(operation).await?;
        let rows = client.query("SELECT * FROM table_logins.list() ORDER BY login", &[]).await;
        let rows = rows.map_err(StoreError::of(operation))?;
        let login = |row: &tokio_postgres::Row| TableLogin {
            login: row.get(0),
            owner: row.get::<_, String>(1).parse().ok(),
            may_write: row.get(2),
            sessions: row.get(3),
        };
        Ok(rows.iter().map(login).collect())
    }

    /// Makes a login, or gives it a new password. PostgreSQL gets the verifier of the password alone: no log of statements can hold what
    /// would let somebody in.
    pub async fn make_table_login(
        &self,
        login: &str,
        password: &str,
        owner: UserId,
        may_write: bool,
    ) -> Result<(), StoreError> {
        let operation = "make a login to tables";
        let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
        let client = self.client(operation).await?;
        let sql = "SELECT table_logins.make($1, $2, $3, $4, $5)";
        let made = client.execute(sql, &[&login, &verifier, &owner.to_string(), &may_write, &CONNECTIONS]).await;
        made.map(drop).map_err(StoreError::of(operation))
    }

    /// Takes a login away, and ends its sessions. Whether there was one.
    pub async fn remove_table_login(&self, login: &str) -> Result<bool, StoreError> {
        let operation = "take a login to tables away";
        let client = self.client(operation).await?;
        let removed = client.query_one("SELECT table_logins.remove($1)", &[&login]).await;
        Ok(removed.map_err(StoreError::of(operation))?.get(0))
    }

    /// The built-in tables database, if setup has made it.
    pub async fn built_in_resource(&self) -> Result<Option<ResourceId>, StoreError> {
        let operation = "look for the built-in resource";
        let client = self.client(operation).await?;
        let row = client.query_opt("SELECT id FROM resources WHERE built_in ORDER BY id LIMIT 1", &[]).await;
        Ok(row.map_err(StoreError::of(operation))?.map(|row| ResourceId(row.get(0))))
    }

    /// The role that somebody was given on a resource, or has as an administrator: nothing for who may not log in, or has only what
    /// everybody has.
    pub async fn given_role(&self, resource: ResourceId, user: UserId) -> Result<Option<Role>, StoreError> {
        let operation = "read a role";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT CASE WHEN u.is_admin THEN 'admin' ELSE {} END FROM users u JOIN resources o ON o.id = $1
             WHERE u.id = $2 AND u.disabled_at IS NULL",
            ObjectKind::Resource.granted_role("u.id")
        );
        let row = client.query_opt(&sql, &[&resource.0, &user.0]).await.map_err(StoreError::of(operation))?;
        let word = row.and_then(|row| row.get::<_, Option<String>>(0));
        word.map(|word| role(operation, &word)).transpose()
    }
}
