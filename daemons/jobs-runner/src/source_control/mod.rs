//! Source Control: commits documents to a git repository and pulls them from it, one job after the other.
//!
//! api writes jobs into the database and never speaks to git; this daemon alone can open the credentials. What the repository has
//! of each document is stored after each fetch, so that api can compare and show it without git.

mod fault;
mod git;
mod remote;
#[cfg(test)]
mod tests;
mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon_kit::NetworkPolicy;
use bulkhead_model::source_control::SourceControlSecret;
use bulkhead_seal::{Place, SealPrivateKey};
use bulkhead_store::source_control::ClaimedJob;
use bulkhead_store::{Database, Notifications, StoreError};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;

use self::fault::JobError;
use self::git::Repository;
use self::remote::Login;

/// Between two looks for jobs that nobody announced.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// Between two tries of something that failed.
const RETRY: Duration = Duration::from_secs(5);
/// What api announces jobs on.
const CHANNEL: &str = "source_control_jobs";

/// Where it works.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// For repositories, each for one job.
    pub(crate) work: PathBuf,
    /// For keys, in memory, each for one job.
    pub(crate) runtime: PathBuf,
}

/// The work on the repository of this process.
#[derive(Clone, Debug)]
pub(crate) struct SourceControl {
    database: Database,
    /// None on an installation that is older than this key, until setup has run again.
    key: Option<Arc<SealPrivateKey>>,
    network: NetworkPolicy,
    folders: Folders,
}

impl SourceControl {
    pub(crate) fn new(
        database: Database,
        key: Option<SealPrivateKey>,
        network: NetworkPolicy,
        folders: Folders,
    ) -> Self {
        Self { database, key: key.map(Arc::new), network, folders }
    }

    /// Does one job after the other, for ever.
    pub(crate) async fn run(&self) {
        let notifications = Notifications::listen(&self.database, CHANNEL);
        let mut announced = notifications.subscribe();
        self.clear();
        while let Err(error) = self.database.reopen_source_control_jobs().await {
            tracing::warn!("{error}");
            tokio::time::sleep(RETRY).await;
        }
        loop {
            match self.next().await {
                Ok(true) => {}
                Ok(false) => {
                    if let Ok(Err(RecvError::Closed)) = tokio::time::timeout(LOOK_EVERY, announced.recv()).await {
                        tokio::time::sleep(LOOK_EVERY).await;
                    }
                }
                Err(error) => {
                    tracing::warn!("work on the repository stands still: {error}");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Removes what a process that was ended has left.
    fn clear(&self) {
        for folder in [&self.folders.work, &self.folders.runtime] {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                    // What stays is tried again at the next start.
                    let _ = std::fs::remove_dir_all(entry.path());
                }
            }
        }
    }

    /// Does the job that waits longest; whether there was one.
    pub(crate) async fn next(&self) -> Result<bool, StoreError> {
        let Some(job) = self.database.claim_source_control_job().await? else { return Ok(false) };
        tracing::info!(job.id = %job.id, "working on the repository: {}", job.kind);
        let outcome = self.work(&job).await;
        if let Err(error) = &outcome {
            tracing::warn!(job.id = %job.id, "the {} of the repository failed: {error}", job.kind);
        }
        let ended = match &outcome {
            Ok(result) => Ok(result),
            Err(JobError { code, message, detail }) => Err((*code, message.as_str(), detail)),
        };
        self.database.finish_source_control_job(job.id, ended).await?;
        Ok(true)
    }

    async fn work(&self, job: &ClaimedJob) -> Result<Value, JobError> {
        let Some((connection, sealed)) = self.database.sealed_source_control().await? else {
            return Err(JobError::new("not-connected", "no repository is connected: connect one first"));
        };
        let secret = self.open(connection.id, &sealed)?;
        let runtime = folder(&self.folders.runtime)?;
        let work = folder(&self.folders.work)?;
        self.database.source_control_progress(job.id, "connecting").await?;
        let login = Login::prepare(&connection.config, &secret, &self.network, runtime.path()).await?;
        let repository = Repository::create(work.path().to_owned(), &login).await?;
        work::Work { database: &self.database, repository, connection, job }.run().await
    }

    fn open(&self, id: uuid::Uuid, sealed: &str) -> Result<SourceControlSecret, JobError> {
        let key = self.key.as_ref().ok_or_else(|| {
            JobError::new("seal-key-missing", "jobs-runner has no key yet to open secrets with: run `sudo bulkheadctl setup` once on the machine, then try again")
        })?;
        let row = id.to_string();
        let place = Place { table: "source_control", row: &row, field: "sealed" };
        let secret = key.open(&place, sealed).map_err(|error| JobError::new("secret", error.to_string()))?;
        serde_json::from_slice(&secret)
            .map_err(|_| JobError::new("secret", "the stored secret is damaged: enter it again"))
    }
}

/// Folders of jobs begin with it.
const PREFIX: &str = "job-";

/// A folder for one job that only this user may read, removed with its content.
fn folder(below: &std::path::Path) -> std::io::Result<tempfile::TempDir> {
    std::fs::create_dir_all(below)?;
    tempfile::Builder::new().prefix(PREFIX).tempdir_in(below)
}
