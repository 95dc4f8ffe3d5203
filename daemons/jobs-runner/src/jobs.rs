//! The work: claim to be the one, migrate, sweep again and again.

use std::time::Duration;

use bulkhead_daemon_kit::{MetricsRegistry, Readiness};
use bulkhead_store::jobs::Leadership;
use bulkhead_store::{Database, MigrationError, StoreError};
use prometheus_client::metrics::counter::Counter;

use crate::audit::AuditSeals;
use crate::libraries::Libraries;
use crate::source_control::SourceControl;

/// Between two tries of something that failed.
const RETRY: Duration = Duration::from_secs(2);

/// What this daemon counts.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    rounds: Counter,
    failures: Counter,
}

impl Metrics {
    /// Adds them to the daemon's registry.
    pub(crate) fn register(registry: &mut MetricsRegistry) -> Self {
        let metrics = Self { rounds: Counter::default(), failures: Counter::default() };
        registry.register(
            "bulkhead_jobs_rounds",
            "Rounds of the background jobs that ended well",
            metrics.rounds.clone(),
        );
        registry.register("bulkhead_jobs_failures", "Rounds that failed", metrics.failures.clone());
        metrics
    }
}

/// The background jobs of this process.
#[derive(Clone, Debug)]
pub(crate) struct Jobs {
    database: Database,
    readiness: Readiness,
    metrics: Metrics,
    interval: Duration,
    work: Work,
}

/// What is done beside the rounds.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) libraries: Libraries,
    pub(crate) audit: AuditSeals,
    pub(crate) source_control: SourceControl,
}

impl Jobs {
    pub(crate) fn new(
        database: Database,
        readiness: Readiness,
        metrics: Metrics,
        interval: Duration,
        work: Work,
    ) -> Self {
        Self { database, readiness, metrics, interval, work }
    }

    /// Works for ever.
    pub(crate) async fn run(self) {
        loop {
            let leadership = self.claim().await;
            self.migrate().await;
            tokio::select! {
                () = self.rounds(&leadership) => {}
                // Beside the rounds, because a build takes minutes; and no longer than this process is the one that works.
                () = self.work.libraries.run() => {}
                () = self.work.audit.run(&leadership) => {}
                () = self.work.source_control.run() => {}
            }
        }
    }

    /// Waits until this process is the one that works.
    async fn claim(&self) -> Leadership {
        loop {
            match self.database.claim_leadership().await {
                Ok(Some(leadership)) => {
                    self.readiness.ready("leadership");
                    return leadership;
                }
                Ok(None) => self.readiness.degraded("leadership", "another bulkhead-jobs-runner works; this one waits"),
                Err(error) => self.unavailable(&error),
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn migrate(&self) {
        loop {
            match bulkhead_store::migrate(&self.database).await {
                Ok(applied) => {
                    tracing::info!("the schema is current ({} migrations applied now)", applied.len());
                    return self.readiness.ready("schema");
                }
                Err(MigrationError::Store(error)) => self.unavailable(&error),
                Err(error) => {
                    tracing::error!(
                        "migrating failed: {error}: {:?}",
                        std::error::Error::source(&error).map(ToString::to_string)
                    );
                    self.readiness.not_ready("schema", error.to_string());
                }
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Sweeps until the claim is lost, with the connection that held it.
    async fn rounds(&self, leadership: &Leadership) {
        while leadership.holds().await {
            match self.database.sweep(leadership).await {
                Ok(swept) => {
                    self.metrics.rounds.inc();
                    if swept != Default::default() {
                        tracing::info!(
                            "swept {} sessions, {} tokens, {} links, {} outbox entries",
                            swept.sessions,
                            swept.tokens,
                            swept.links,
                            swept.outbox
                        );
                    }
                }
                Err(error) => {
                    self.metrics.failures.inc();
                    tracing::warn!("sweeping failed: {error}");
                }
            }
            tokio::time::sleep(self.interval).await;
        }
        tracing::warn!("the connection that made this process the working one is gone");
    }

    fn unavailable(&self, error: &StoreError) {
        self.readiness.not_ready("schema", format!("{error}: check that PostgreSQL runs (bulkheadctl doctor)"));
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_daemon_kit::NetworkPolicy;
    use bulkhead_rpc::RpcClient;
    use bulkhead_store::test_support::{empty, migrated};

    use super::*;
    use crate::source_control::Folders;

    fn jobs(database: &Database) -> Jobs {
        let metrics = Metrics::register(&mut MetricsRegistry::default());
        let libraries = Libraries::new(database.clone(), vec![RpcClient::new("library-builder", "/nowhere")]);
        let audit = AuditSeals::new(database.clone(), None);
        let folders = Folders { work: "/nowhere".into(), runtime: "/nowhere".into() };
        let source_control = SourceControl::new(database.clone(), None, NetworkPolicy::default(), folders);
        let work = Work { libraries, audit, source_control };
        Jobs::new(database.clone(), Readiness::default(), metrics, Duration::from_millis(50), work)
    }

    #[tokio::test]
    async fn an_empty_database_is_migrated_and_swept() {
        let (_test, database) = empty().await;
        let jobs = jobs(&database);
        let rounds = jobs.metrics.rounds.clone();
        let running = tokio::spawn(jobs.run());
        while rounds.get() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(database.schema_version().await.expect("reads"), bulkhead_store::SCHEMA_VERSION);
        running.abort();
    }

    #[tokio::test]
    async fn a_second_waits_and_takes_over() {
        let (test, database) = migrated().await;
        let first = database.claim_leadership().await.expect("asks").expect("claims");
        assert!(database.claim_leadership().await.expect("asks").is_none());
        let waiting = jobs(&database);
        let claimed = tokio::spawn(async move { waiting.claim().await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!claimed.is_finished());
        // The first dies: PostgreSQL notices the end of its connection and frees the lock.
        let end = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        test.connect().await.batch_execute(end).await.expect("ends it");
        assert!(!first.holds().await);
        assert!(claimed.await.expect("claims").holds().await);
    }

    #[tokio::test]
    async fn what_has_expired_is_swept() {
        let (test, database) = migrated().await;
        let sql = "INSERT INTO users (id, email, name) VALUES ('018f0000-0000-7000-8000-000000000001', 'a@example.test', 'A');
            INSERT INTO sessions (id_hash, user_id, expires_at)
            SELECT decode(lpad(n::text, 2, '0'), 'hex'), '018f0000-0000-7000-8000-000000000001', now() + make_interval(hours => n - 2)
            FROM generate_series(0, 3) n";
        test.connect().await.batch_execute(sql).await.expect("inserts");
        let leadership = database.claim_leadership().await.expect("asks").expect("claims");
        let swept = database.sweep(&leadership).await.expect("sweeps");
        assert_eq!(swept.sessions, 3, "two hours ago, an hour ago and just now");
    }
}
