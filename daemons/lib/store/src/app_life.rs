//! What surrounds an app: the tags that it is found by, who edits it now, and how much it is used.

use bulkhead_model::{AppId, UserId};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::apps::TABLES;
use crate::documents::{Listed, list, listed};
use crate::{Database, StoreError};

/// An editor that was not seen for so long has gone.
pub const EDITOR_SECONDS: i32 = 60;
/// Days that usage is told for.
pub const USAGE_DAYS: i32 = 30;

/// An app in a list.
#[derive(Clone, Debug)]
pub struct ListedApp {
    /// What it has in common with workflows.
    pub listed: Listed,
    /// Its tags, as they were given.
    pub tags: Vec<String>,
    /// Whether the person has marked it.
    pub is_favourite: bool,
    /// Whether it is a module, which stands in other apps.
    pub is_module: bool,
    /// Whether its draft changes by pulls of Source Control alone.
    pub is_protected: bool,
}

/// Who edits an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppEditor {
    /// The person.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// Their window.
    pub tab: Uuid,
    /// Since when.
    pub since: OffsetDateTime,
}

/// How much an app was used on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppUsage {
    /// The day in UTC, `2026-11-30`.
    pub day: String,
    /// How often it was opened.
    pub opens: i64,
    /// How often its queries ran.
    pub query_runs: i64,
}

/// What is to be added to an app's usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageCount {
    /// Times that it was opened.
    pub opens: i64,
    /// Runs of its queries.
    pub query_runs: i64,
}

impl Database {
    /// The apps that a person may see.
    pub async fn apps(&self, user: UserId, is_admin: bool) -> Result<Vec<ListedApp>, StoreError> {
        let operation = "list apps";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT seen.*, o.tags, f.app_id IS NOT NULL, o.is_module, o.is_protected
             FROM (SELECT {}) seen JOIN apps o ON o.id = seen.id
             LEFT JOIN app_favourites f ON f.app_id = o.id AND f.user_id = $1
             WHERE seen.role IS NOT NULL ORDER BY lower(o.title), o.slug LIMIT 5000",
            list(TABLES)
        );
        let rows = client.query(&sql, &[&user.0, &is_admin]).await.map_err(StoreError::of(operation))?;
        rows.iter()
            .map(|row| {
                let (tags, is_favourite) = (row.get(7), row.get(8));
                Ok(ListedApp {
                    listed: listed(operation, row)?,
                    tags,
                    is_favourite,
                    is_module: row.get(9),
                    is_protected: row.get(10),
                })
            })
            .collect()
    }

    /// Gives an app tags, in place of those that it had.
    pub async fn label_app(&self, id: AppId, tags: &[String]) -> Result<(), StoreError> {
        let operation = "label an app";
        let client = self.client(operation).await?;
        let sql = "UPDATE apps SET tags = $2 WHERE id = $1";
        match client.execute(sql, &[&id.0, &tags]).await.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(()),
        }
    }

    /// Marks an app for a person, or takes the mark away.
    pub async fn mark_app(&self, id: AppId, user: UserId, is_favourite: bool) -> Result<(), StoreError> {
        let operation = "mark an app";
        let client = self.client(operation).await?;
        let sql = if is_favourite {
            "INSERT INTO app_favourites (user_id, app_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
        } else {
            "DELETE FROM app_favourites WHERE user_id = $1 AND app_id = $2"
        };
        client.execute(sql, &[&user.0, &id.0]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// Says that a window edits an app, and tells whose it is now: another's stays its own until it was not seen for
    /// [`EDITOR_SECONDS`], or is taken over.
    pub async fn hold_app(
        &self,
        id: AppId,
        user: UserId,
        tab: Uuid,
        takes_over: bool,
    ) -> Result<AppEditor, StoreError> {
        let operation = "hold an app";
        let client = self.client(operation).await?;
        let sql = "INSERT INTO app_editors AS e (app_id, user_id, tab) VALUES ($1, $2, $3)
            ON CONFLICT (app_id) DO UPDATE SET user_id = excluded.user_id, tab = excluded.tab, seen_at = now(),
                since = CASE WHEN e.tab = excluded.tab THEN e.since ELSE now() END
            WHERE e.tab = excluded.tab OR $4 OR e.seen_at < now() - make_interval(secs => $5)";
        let seconds = f64::from(EDITOR_SECONDS);
        client.execute(sql, &[&id.0, &user.0, &tab, &takes_over, &seconds]).await.map_err(StoreError::of(operation))?;
        let sql = "SELECT e.user_id, u.name, e.tab, e.since FROM app_editors e JOIN users u ON u.id = e.user_id WHERE e.app_id = $1";
        let row = client.query_opt(sql, &[&id.0]).await.map_err(StoreError::of(operation))?;
        let row = row.ok_or(StoreError::NotFound { operation })?;
        Ok(AppEditor { user: UserId(row.get(0)), name: row.get(1), tab: row.get(2), since: row.get(3) })
    }

    /// Says that a window edits an app no more.
    pub async fn leave_app(&self, id: AppId, user: UserId, tab: Uuid) -> Result<(), StoreError> {
        let operation = "leave an app";
        let client = self.client(operation).await?;
        let sql = "DELETE FROM app_editors WHERE app_id = $1 AND user_id = $2 AND tab = $3";
        client.execute(sql, &[&id.0, &user.0, &tab]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// Adds to the usage of today. Apps that are gone are passed by.
    pub async fn count_app_usage(&self, counts: &[(AppId, UsageCount)]) -> Result<(), StoreError> {
        let operation = "count the usage of apps";
        let client = self.client(operation).await?;
        let ids: Vec<Uuid> = counts.iter().map(|(id, _)| id.0).collect();
        let opens: Vec<i64> = counts.iter().map(|(_, count)| count.opens).collect();
        let runs: Vec<i64> = counts.iter().map(|(_, count)| count.query_runs).collect();
        let sql = "INSERT INTO app_usage AS u (app_id, day, opens, query_runs)
            SELECT a.id, (now() AT TIME ZONE 'UTC')::date, c.opens, c.runs
            FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS c (id, opens, runs) JOIN apps a ON a.id = c.id
            ON CONFLICT (app_id, day) DO UPDATE SET opens = u.opens + excluded.opens, query_runs = u.query_runs + excluded.query_runs";
        client.execute(sql, &[&ids, &opens, &runs]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// The usage of the last [`USAGE_DAYS`] days, those without any left out.
    pub async fn app_usage(&self, id: AppId) -> Result<Vec<AppUsage>, StoreError> {
        let operation = "read the usage of an app";
        let client = self.client(operation).await?;
        let sql = "SELECT day::text, opens, query_runs FROM app_usage
            WHERE app_id = $1 AND day > (now() AT TIME ZONE 'UTC')::date - $2::integer ORDER BY day";
        let rows = client.query(sql, &[&id.0, &USAGE_DAYS]).await.map_err(StoreError::of(operation))?;
        Ok(rows.iter().map(|row| AppUsage { day: row.get(0), opens: row.get(1), query_runs: row.get(2) }).collect())
    }
}
