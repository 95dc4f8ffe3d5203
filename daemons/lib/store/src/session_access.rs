//! What a request may do, in one round trip: session or token, person, object and role by a single statement.
//!
//! Nothing here is cached, so a session that was ended, a token that was revoked or a role that was taken away refuses the very next request.

use bulkhead_model::app::AppQuery;
use bulkhead_model::library_query::LibraryQuery;
use bulkhead_model::{AppId, EnvironmentId, ResourceId, Role, RunId, WorkflowId};
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};

use crate::access::{Access, ObjectKind, role};
use crate::api_tokens::TokenScope;
use crate::environments::{EnvironmentUse, allowed, named};
use crate::identity::{USER_COLUMNS, User, user};
use crate::sessions::LIVE;
use crate::{Database, StoreError};

/// What a request shows to tell who sends it, as SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The cookie of a session.
    Session([u8; 32]),
    /// A token.
    Token([u8; 32]),
}

/// Whom a live session or token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// The person.
    pub user: User,
    /// The token, where it is one.
    pub token: Option<TokenUse>,
}

/// The token that a request was sent with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUse {
    /// The id.
    pub id: uuid::Uuid,
    /// What its owner calls it.
    pub name: String,
    /// What it is good for.
    pub scope: TokenScope,
}

/// Who asks, and the object that they asked for.
#[derive(Clone, Debug)]
pub struct SessionAccess<T> {
    /// Who.
    pub who: Identified,
    /// The object with their role on it; `None` when there is none or they have no role.
    pub object: Option<T>,
}

/// A query of an app, as one person may run it.
#[derive(Clone, Debug)]
pub struct QueryAccess {
    /// The app.
    pub app: AppId,
    /// What the person may do with the app.
    pub role: Role,
    /// The released version, if there is one.
    pub released_version: Option<i32>,
    /// The query, if the version that was asked for has one of that name.
    pub query: Option<AppQuery>,
    /// The query's resource and what the person may do with it; `None` when there is none of that name.
    pub resource: Option<(ResourceId, Option<Role>)>,
    /// Whether the person belongs to one of the groups that the query is for, or it is for everybody.
    pub in_groups: bool,
    /// The query of the library that it refers to: what the person may do with it, and its release, where there is one.
    pub library: Option<(Option<Role>, Option<LibraryQuery>)>,
    /// The environment that was asked for; `None` when there is none of that name.
    pub environment: Option<EnvironmentUse>,
}

/// A run, as one person may see it.
#[derive(Clone, Copy, Debug)]
pub struct RunAccess {
    /// Its workflow.
    pub workflow: WorkflowId,
    /// What the person may do with that workflow.
    pub role: Role,
}

/// Who it is comes first in every statement here: the columns of a user, whether the use is to be noted, those of a token. What is
/// particular starts at this column.
const OBJECT: usize = 11;
const IS_TO_BE_NOTED: usize = 7;
const TOKEN: usize = 8;

impl Credential {
    fn hash(&self) -> &[u8] {
        let (Self::Session(hash) | Self::Token(hash)) = self;
        hash
    }

    /// The columns that tell who it is.
    fn columns(self) -> String {
        let own = match self {
            Self::Session(_) => "s.last_seen_at < now() - interval '1 minute', NULL::uuid, NULL::text, NULL::text",
            Self::Token(_) => "coalesce(s.last_used_at < now() - interval '1 minute', true), s.id, s.name, s.scope",
        };
        format!("{USER_COLUMNS}, {own}")
    }

    /// Where they stand: `s`, with its user `u`.
    fn tables(self) -> &'static str {
        match self {
            Self::Session(_) => "sessions s JOIN users u ON u.id = s.user_id",
            Self::Token(_) => "api_tokens s JOIN users u ON u.id = s.user_id",
        }
    }

    /// What makes the one whose hash is `$1` a live one. It is none while its user is kept out.
    fn live(self) -> String {
        let own = match self {
            Self::Session(_) => LIVE,
            Self::Token(_) => "s.expires_at > now()",
        };
        format!("s.id_hash = $1 AND {own} AND u.disabled_at IS NULL")
    }
}

impl Database {
    /// Whom a live session or token stands for.
    pub async fn identified(&self, shown: Credential) -> Result<Option<Identified>, StoreError> {
        let operation = "read a session";
        let sql = format!("SELECT {} FROM {} WHERE {}", shown.columns(), shown.tables(), shown.live());
        let row = self.session_row(operation, shown, &sql, &[]).await?;
        row.map(|row| identified(operation, &row)).transpose()
    }

    /// Who asks, and their role on the object named `name`.
    pub async fn session_access(
        &self,
        shown: Credential,
        kind: ObjectKind,
        name: &str,
    ) -> Result<Option<SessionAccess<Access>>, StoreError> {
        let operation = "read a role";
        let (table, named) = (kind.table(), kind.is_named("$2"));
        let effective = kind.effective_role("u.is_admin", "u.id");
        let (columns, tables, live) = (shown.columns(), shown.tables(), shown.live());
        let sql = format!(
            "SELECT {columns}, o.id, {effective}
             FROM {tables}
             LEFT JOIN {table} o ON {named}
             WHERE {live}"
        );
        let Some(row) = self.session_row(operation, shown, &sql, &[&kind.name(name)]).await? else {
            return Ok(None);
        };
        let object = match (row.get::<_, Option<uuid::Uuid>>(OBJECT), row.get::<_, Option<&str>>(OBJECT + 1)) {
            (Some(id), Some(word)) => Some(Access { id, role: role(operation, word)? }),
            _ => None,
        };
        Ok(Some(SessionAccess { who: identified(operation, &row)?, object }))
    }

    /// Who asks, and their role on a run's workflow.
    pub async fn session_run_access(
        &self,
        shown: Credential,
        run: RunId,
    ) -> Result<Option<SessionAccess<RunAccess>>, StoreError> {
        let operation = "read a role";
        let (columns, tables, live) = (shown.columns(), shown.tables(), shown.live());
        let effective = ObjectKind::Workflow.effective_role("u.is_admin", "u.id");
        let sql = format!(
            "SELECT {columns}, o.id, {effective}
             FROM {tables}
             LEFT JOIN (runs r JOIN workflows o ON o.id = r.workflow_id) ON r.id = $2
             WHERE {live}"
        );
        let Some(row) = self.session_row(operation, shown, &sql, &[&run.0]).await? else { return Ok(None) };
        let object = match (row.get::<_, Option<uuid::Uuid>>(OBJECT), row.get::<_, Option<&str>>(OBJECT + 1)) {
            (Some(workflow), Some(word)) => {
                Some(RunAccess { workflow: WorkflowId(workflow), role: role(operation, word)? })
            }
            _ => None,
        };
        Ok(Some(SessionAccess { who: identified(operation, &row)?, object }))
    }

    /// Who asks, and a query of an app, from the draft or from the released version, for an environment.
    pub async fn session_query_access(
        &self,
        shown: Credential,
        (app, query): (&str, &str),
        draft: bool,
        environment: Option<&str>,
    ) -> Result<Option<SessionAccess<QueryAccess>>, StoreError> {
        let operation = "read a query";
        let app_role = ObjectKind::App.effective_role("u.is_admin", "u.id");
        let resource_role = ObjectKind::Resource.effective_role("u.is_admin", "u.id");
        let library_role = ObjectKind::Query.effective_role("u.is_admin", "u.id");
        let (columns, tables, live) = (shown.columns(), shown.tables(), shown.live());
        // PostgreSQL would put the expression of a role in each place that mentions it, and make all of them ready each time.
        let once = "OFFSET 0";
        let sql = format!(
            "SELECT {columns},
                    a.id, a.role, a.released_version, q.query, r.id, r.role,
                    (coalesce(json_array_length(q.query -> 'allowed-groups'), 0) = 0 OR u.is_admin
                     OR EXISTS (SELECT FROM group_members m JOIN groups gr ON gr.id = m.group_id WHERE m.user_id = u.id
                         AND gr.name IN (SELECT json_array_elements_text(q.query -> 'allowed-groups')))),
                    e.id, e.name, {is_allowed}, l.id, l.role, l.document
             FROM {tables}
             LEFT JOIN LATERAL (
                 SELECT o.id, o.draft, o.released_version, o.is_module, {app_role} AS role FROM apps o
                 WHERE o.slug = $2 {once}) a ON a.role IS NOT NULL
             LEFT JOIN LATERAL (
                 SELECT CASE WHEN $4 THEN a.draft -> 'queries' -> $3 ELSE
                     (SELECT d.document -> 'queries' -> $3 FROM app_releases d
                      WHERE d.app_id = a.id AND d.version = a.released_version AND NOT a.is_module) END AS query {once}) q ON true
             LEFT JOIN LATERAL (
                 SELECT o.id, {resource_role} AS role FROM resources o
                 WHERE o.name = q.query ->> 'resource' {once}) r ON true
             LEFT JOIN LATERAL (
                 SELECT o.id, {library_role} AS role, d.document FROM library_queries o
                 LEFT JOIN library_query_releases d ON d.query_id = o.id
                     AND d.version = coalesce((q.query -> 'library' ->> 'version')::integer, o.released_version)
                 WHERE o.slug = q.query -> 'library' ->> 'query' {once}) l ON true
             LEFT JOIN environments e ON {named}
             WHERE {live}",
            // A reference to the library counts as building for those alone who may edit what it refers to, or write against its resource.
            is_allowed = allowed(
                "u.is_admin",
                "u.id",
                "(CASE WHEN q.query -> 'library' ->> 'query' IS NULL OR l.role IN ('editor', 'admin')
                    OR r.role IN ('editor', 'admin') THEN a.role ELSE 'viewer' END)"
            ),
            named = named("$5"),
        );
        let Some(row) = self.session_row(operation, shown, &sql, &[&app, &query, &draft, &environment]).await? else {
            return Ok(None);
        };
        Ok(Some(SessionAccess { who: identified(operation, &row)?, object: query_access(operation, &row)? }))
    }

    /// Runs a statement about a live session or token, whose hash is `$1`, and notes that it is in use.
    async fn session_row(
        &self,
        operation: &'static str,
        shown: Credential,
        sql: &str,
        more: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, StoreError> {
        let hash = shown.hash();
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&hash];
        values.extend(more);
        let client = self.client(operation).await?;
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &values).await.map_err(StoreError::of(operation))?;
        if row.as_ref().is_some_and(|row| row.get(IS_TO_BE_NOTED)) {
            // Once a minute is enough to tell idle from busy, and keeps requests from writing.
            let touch = match shown {
                Credential::Session(_) => "UPDATE sessions SET last_seen_at = now() WHERE id_hash = $1",
                Credential::Token(_) => "UPDATE api_tokens SET last_used_at = now() WHERE id_hash = $1",
            };
            client.execute(touch, &values[..1]).await.map_err(StoreError::of(operation))?;
        }
        Ok(row)
    }
}

fn identified(operation: &'static str, row: &Row) -> Result<Identified, StoreError> {
    let token = row.get::<_, Option<uuid::Uuid>>(TOKEN).map(|id| {
        let scope = TokenScope::parse(operation, row.get(TOKEN + 2))?;
        Ok(TokenUse { id, name: row.get(TOKEN + 1), scope })
    });
    Ok(Identified { user: user(row), token: token.transpose()? })
}

fn query_access(operation: &'static str, row: &Row) -> Result<Option<QueryAccess>, StoreError> {
    let (Some(app), Some(word)) = (row.get::<_, Option<uuid::Uuid>>(OBJECT), row.get::<_, Option<&str>>(OBJECT + 1))
    else {
        return Ok(None);
    };
    let query = row.get::<_, Option<Json<AppQuery>>>(OBJECT + 3).map(|json| json.0);
    let resource_role = row.get::<_, Option<&str>>(OBJECT + 5).map(|word| role(operation, word)).transpose()?;
    let resource = row.get::<_, Option<uuid::Uuid>>(OBJECT + 4).map(|id| (ResourceId(id), resource_role));
    let library_role = row.get::<_, Option<&str>>(OBJECT + 11).map(|word| role(operation, word)).transpose()?;
    let document = row.get::<_, Option<Json<LibraryQuery>>>(OBJECT + 12).map(|json| json.0);
    let library = row.get::<_, Option<uuid::Uuid>>(OBJECT + 10).map(|_| (library_role, document));
    Ok(Some(QueryAccess {
        app: AppId(app),
        role: role(operation, word)?,
        released_version: row.get(OBJECT + 2),
        query,
        resource,
        library,
        in_groups: row.get(OBJECT + 6),
        environment: row.get::<_, Option<uuid::Uuid>>(OBJECT + 7).map(|id| EnvironmentUse {
            id: EnvironmentId(id),
            name: row.get(OBJECT + 8),
            is_allowed: row.get::<_, Option<bool>>(OBJECT + 9) == Some(true),
        }),
    }))
}
