//! Sets of libraries: defined by administrators through api, built by jobs-runner, resolved for runs.
//!
//! `waiting -> building -> ready | failed`, and back to `waiting` by a new lock file. The image of the newest build that worked stays
//! in use until another one works, so a lock file that does not build breaks no workflow.

use bulkhead_model::workflow::Language;
use bulkhead_model::{Libraries, LibraryImage, LibraryNames, LibraryPackage, LibrarySet, Name, UserId};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use crate::{Database, StoreError};

/// After so many minutes a build that was begun is begun again: whoever built is gone.
const BUILD_MINUTES: i32 = 15;
/// The most of a build's log that is kept, in bytes: its end, where it says why it failed.
const MAX_LOG_BYTES: usize = 256 * 1024;

/// Where the build of a set stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildStatus {
    /// It is to be built.
    Waiting,
    /// It is being built.
    Building,
    /// It is built.
    Ready,
    /// It could not be built.
    Failed,
}

impl BuildStatus {
    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Building => "building",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }

    fn parse(operation: &'static str, word: &str) -> Result<Self, StoreError> {
        let all = [Self::Waiting, Self::Building, Self::Ready, Self::Failed];
        all.into_iter().find(|status| status.as_str() == word).ok_or_else(|| StoreError::bad_word(operation, word))
    }
}

/// A line of the list of sets.
#[derive(Clone, Debug)]
pub struct ListedLibrarySet {
    /// The id.
    pub id: Uuid,
    /// The name that workflows use.
    pub name: String,
    /// The language.
    pub language: Language,
    /// Where the newest build stands.
    pub status: BuildStatus,
    /// What runs use: of the newest build that worked.
    pub image: Option<LibraryImage>,
    /// The packages in it.
    pub packages: Vec<LibraryPackage>,
    /// Its size.
    pub bytes: Option<i64>,
    /// When the definition changed last.
    pub updated_at: OffsetDateTime,
    /// Who changed it, unless that was root on the machine.
    pub updated_by: Option<String>,
    /// When the newest build ended.
    pub finished_at: Option<OffsetDateTime>,
}

/// A set with all that belongs to it.
#[derive(Clone, Debug)]
pub struct StoredLibrarySet {
    /// What the list tells.
    pub listed: ListedLibrarySet,
    /// The lock file.
    pub lock: String,
    /// Modules that are imported ahead.
    pub preload: Vec<String>,
    /// What the newest build wrote.
    pub log: String,
    /// Why it failed.
    pub error: Option<String>,
}

/// A set to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibraryBuild {
    /// The set.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Which of its definitions this is: to be said again with the result.
    pub generation: i64,
    /// What to build.
    pub set: LibrarySet,
}

/// What a build gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltLibraries {
    /// Its name.
    pub image: LibraryImage,
    /// The packages in it.
    pub packages: Vec<LibraryPackage>,
    /// Its size.
    pub bytes: u64,
}

const COLUMNS: &str =
    "l.id, l.name, l.language, l.status, l.image, l.packages, l.bytes, l.updated_at, u.name, l.finished_at";

fn listed(operation: &'static str, row: &Row) -> Result<ListedLibrarySet, StoreError> {
    Ok(ListedLibrarySet {
        id: row.get(0),
        name: row.get(1),
        language: language(operation, row.get(2))?,
        status: BuildStatus::parse(operation, row.get(3))?,
        image: image(operation, row.get(4))?,
        packages: row.get::<_, Json<Vec<LibraryPackage>>>(5).0,
        bytes: row.get(6),
        updated_at: row.get(7),
        updated_by: row.get(8),
        finished_at: row.get(9),
    })
}

fn language(operation: &'static str, word: &str) -> Result<Language, StoreError> {
    word.parse().map_err(|()| StoreError::bad_word(operation, word))
}

fn image(operation: &'static str, text: Option<String>) -> Result<Option<LibraryImage>, StoreError> {
    text.map(LibraryImage::try_from).transpose().map_err(StoreError::damaged(operation))
}

/// As api needs them.
impl Database {
    /// All sets, by name.
    pub async fn library_sets(&self) -> Result<Vec<ListedLibrarySet>, StoreError> {
        let operation = "list sets of libraries";
        let client = self.client(operation).await?;
        let sql =
            format!("SELECT {COLUMNS} FROM library_sets l LEFT JOIN users u ON u.id = l.updated_by ORDER BY l.name");
        let rows = client.query(&sql, &[]).await.map_err(StoreError::of(operation))?;
        rows.iter().map(|row| listed(operation, row)).collect()
    }

    /// A set by its name.
    pub async fn library_set(&self, name: &str) -> Result<StoredLibrarySet, StoreError> {
        let operation = "read a set of libraries";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT {COLUMNS}, l.lock, l.preload, l.log, l.error FROM library_sets l LEFT JOIN users u ON u.id = l.updated_by
             WHERE l.name = $1"
        );
        let row = client.query_opt(&sql, &[&name]).await.map_err(StoreError::of(operation))?;
        let row = row.ok_or(StoreError::NotFound { operation })?;
        Ok(StoredLibrarySet {
            listed: listed(operation, &row)?,
            lock: row.get(10),
            preload: row.get(11),
            log: row.get(12),
            error: row.get(13),
        })
    }

    /// Adds a set, to be built.
    pub async fn create_library_set(
        &self,
        name: &str,
        set: &LibrarySet,
        by: Option<UserId>,
    ) -> Result<Uuid, StoreError> {
        let operation = "add a set of libraries";
        let client = self.client(operation).await?;
        let id = Uuid::now_v7();
        let sql =
            "INSERT INTO library_sets (id, name, language, lock, preload, updated_by) VALUES ($1, $2, $3, $4, $5, $6)";
        let by = by.map(|user| user.0);
        let values: [&(dyn ToSql + Sync); 6] = [&id, &name, &set.language.as_str(), &set.lock, &set.preload, &by];
        client.execute(sql, &values).await.map_err(StoreError::of(operation))?;
        Ok(id)
    }

    /// Replaces what a set is built from; it is to be built again. The language stays.
    pub async fn replace_library_set(
        &self,
        id: Uuid,
        lock: &str,
        preload: &[String],
        by: Option<UserId>,
    ) -> Result<(), StoreError> {
        let operation = "replace a set of libraries";
        let client = self.client(operation).await?;
        let sql = "UPDATE library_sets SET lock = $2, preload = $3, updated_by = $4, updated_at = now(), generation = generation + 1,
            status = 'waiting', requested_at = now(), error = NULL WHERE id = $1";
        let by = by.map(|user| user.0);
        match client.execute(sql, &[&id, &lock, &preload, &by]).await.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(()),
        }
    }

    /// Asks for a set to be built again from what it is.
    pub async fn request_library_build(&self, id: Uuid) -> Result<(), StoreError> {
        let operation = "build a set of libraries again";
        let client = self.client(operation).await?;
        let sql = "UPDATE library_sets SET generation = generation + 1, status = 'waiting', requested_at = now(), error = NULL
            WHERE id = $1";
        match client.execute(sql, &[&id]).await.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(()),
        }
    }

    /// Deletes a set that no workflow uses; else the slugs of those that do: by their draft, by the version in use, or by a run
    /// that goes on.
    pub async fn delete_library_set(&self, id: Uuid) -> Result<Result<(), Vec<String>>, StoreError> {
        let operation = "delete a set of libraries";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let lock = "SELECT name, language FROM library_sets WHERE id = $1 FOR UPDATE";
        let found = transaction.query_opt(lock, &[&id]).await.map_err(StoreError::of(operation))?;
        let found = found.ok_or(StoreError::NotFound { operation })?;
        let (name, language): (String, String) = (found.get(0), found.get(1));
        let sql = "SELECT w.slug FROM workflows w WHERE w.draft -> 'libraries' ->> $2 = $1
            OR EXISTS (SELECT FROM workflow_releases v WHERE v.workflow_id = w.id AND v.document -> 'libraries' ->> $2 = $1
                AND (v.version = w.released_version OR EXISTS (SELECT FROM runs r WHERE r.workflow_id = w.id
                    AND r.version = v.version AND r.finished_at IS NULL)))
            ORDER BY w.slug";
        let users = transaction.query(sql, &[&name, &language]).await.map_err(StoreError::of(operation))?;
        if !users.is_empty() {
            return Ok(Err(users.iter().map(|row| row.get(0)).collect()));
        }
        transaction
            .execute("DELETE FROM library_sets WHERE id = $1", &[&id])
            .await
            .map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(Ok(()))
    }
}

/// As jobs-runner builds them.
impl Database {
    /// The next set to build, which is marked as being built. One that somebody began to build long ago is given out again.
    pub async fn claim_library_build(&self) -> Result<Option<LibraryBuild>, StoreError> {
        let operation = "claim a build of libraries";
        let client = self.client(operation).await?;
        let sql = "UPDATE library_sets SET status = 'building', started_at = now(), finished_at = NULL
            WHERE id = (SELECT id FROM library_sets
                WHERE status = 'waiting' OR (status = 'building' AND started_at < now() - make_interval(mins => $1))
                ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING id, name, generation, language, lock, preload";
        let row = client.query_opt(sql, &[&BUILD_MINUTES]).await.map_err(StoreError::of(operation))?;
        row.map(|row| {
            let set = LibrarySet { language: language(operation, row.get(3))?, lock: row.get(4), preload: row.get(5) };
            Ok(LibraryBuild { id: row.get(0), name: row.get(1), generation: row.get(2), set })
        })
        .transpose()
    }

    /// Stores how a build ended, and its log. False when nobody waits for it any more: the set was changed or deleted meanwhile,
    /// or another build of the same generation ended first.
    pub async fn finish_library_build(
        &self,
        id: Uuid,
        generation: i64,
        outcome: Result<&BuiltLibraries, &str>,
        log: &str,
    ) -> Result<bool, StoreError> {
        let operation = "store a build of libraries";
        let client = self.client(operation).await?;
        let log = kept(log);
        let stored = match outcome {
            Ok(built) => {
                let sql = "UPDATE library_sets SET status = 'ready', image = $3, packages = $4, bytes = $5, log = $6, error = NULL,
                    finished_at = now() WHERE id = $1 AND generation = $2 AND status = 'building'";
                let bytes = i64::try_from(built.bytes).unwrap_or(i64::MAX);
                let (image, packages) = (built.image.as_str(), Json(&built.packages));
                let values: [&(dyn ToSql + Sync); 6] = [&id, &generation, &image, &packages, &bytes, &log];
                client.execute(sql, &values).await
            }
            Err(error) => {
                let sql = "UPDATE library_sets SET status = 'failed', log = $3, error = $4, finished_at = now()
                    WHERE id = $1 AND generation = $2 AND status = 'building'";
                client.execute(sql, &[&id, &generation, &log, &kept(error)]).await
            }
        };
        Ok(stored.map_err(StoreError::of(operation))? > 0)
    }
}

/// As runs use them.
impl Database {
    /// The images of these sets. A set that is gone, of another language or was never built leaves its place empty, which the caller
    /// compares with the names.
    pub async fn library_images(&self, names: &LibraryNames) -> Result<Libraries, StoreError> {
        if names.is_empty() {
            return Ok(Libraries::default());
        }
        let operation = "look up sets of libraries";
        let client = self.client(operation).await?;
        let sql = "SELECT language, image FROM library_sets
            WHERE (language = 'javascript' AND name = $1) OR (language = 'python' AND name = $2)";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let text = |name: &Option<Name>| name.as_ref().map(ToString::to_string);
        let rows = client.query(&statement, &[&text(&names.javascript), &text(&names.python)]).await;
        let mut libraries = Libraries::default();
        for row in rows.map_err(StoreError::of(operation))? {
            match language(operation, row.get(0))? {
                Language::Javascript => libraries.javascript = image(operation, row.get(1))?,
                Language::Python => libraries.python = image(operation, row.get(1))?,
            }
        }
        Ok(libraries)
    }
}

/// The end of what a build wrote. PostgreSQL's text cannot hold NUL, which a program may well print.
fn kept(text: &str) -> String {
    let mut start = text.len().saturating_sub(MAX_LOG_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let end = text[start..].replace('\0', "\u{2400}");
    if start == 0 { end } else { format!("[the beginning is left out]\n{end}") }
}
