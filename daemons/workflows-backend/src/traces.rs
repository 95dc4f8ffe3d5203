//! Sends runs that have ended to a collector of traces, as OTLP over HTTP.
//!
//! It reads what the journal has anyway, behind the runs and beside them: a collector that is slow or down holds up nothing but this.
//! What was sent is forgotten afterwards, so that a crash between the two sends a run again, under the same ids.

mod collector;
mod otlp;
mod settings;
mod spans;

use std::time::Duration;

use bulkhead_daemon_kit::{Credentials, DaemonError, Readiness};
use bulkhead_model::{RunId, TraceParent};
use bulkhead_store::{Database, StoreError};
use prost::Message;
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) use self::settings::{RawTraces, TraceSettings};

use self::collector::{Collector, SendError};
use self::otlp::{ExportRequest, Span};
use crate::metrics::Metrics;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Between two tries while the collector is down: doubled up to here.
const MAX_PAUSE: Duration = Duration::from_secs(300);
/// Runs looked at, and traces claimed, in one go.
const NOTED_AT_ONCE: i64 = 1000;
const CLAIMED_AT_ONCE: i64 = 32;
/// Spans in one request; one run may have more.
const SPANS_OF_REQUEST: usize = 2000;
/// How long claimed traces are held beyond the request's own time limit: until another replica takes those of one that has died.
const LEASE: Duration = Duration::from_secs(120);

/// What keeps runs from being sent.
#[derive(Debug, thiserror::Error)]
enum TraceError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Send(#[from] SendError),
}

/// Sends traces.
pub(crate) struct Exporter {
    database: Database,
    settings: TraceSettings,
    collector: Collector,
    metrics: Metrics,
    readiness: Readiness,
}

impl Exporter {
    /// An error is a setting or a credential that cannot be used.
    pub(crate) fn new(
        database: Database,
        settings: TraceSettings,
        credentials: &Credentials,
        metrics: Metrics,
        readiness: Readiness,
    ) -> Result<Self, DaemonError> {
        let collector = Collector::new(&settings, credentials)?;
        Ok(Self { database, settings, collector, metrics, readiness })
    }

    /// Works for ever.
    pub(crate) async fn run(self) {
        let mut pause = LOOK_EVERY;
        loop {
            pause = match self.round().await {
                Ok(is_more) => {
                    self.readiness.ready("traces");
                    if is_more { Duration::ZERO } else { LOOK_EVERY }
                }
                Err(TraceError::Store(error)) => {
                    // The database has a condition of its own.
                    tracing::debug!("traces were not looked for: {error}");
                    (pause * 2).clamp(LOOK_EVERY, MAX_PAUSE)
                }
                Err(TraceError::Send(error)) => {
                    let hours = self.settings.max_age.as_secs() / 3600;
                    self.readiness.degraded(
                        "traces",
                        format!("{error}; runs are not held up, and their traces are tried for {hours} hours"),
                    );
                    (pause * 2).clamp(LOOK_EVERY, MAX_PAUSE)
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Notes which runs are to be sent, and sends some that have ended; true where there is more to do.
    async fn round(&self) -> Result<bool, TraceError> {
        let now = OffsetDateTime::now_utc();
        // An id is older than its commit, and the clocks of two machines differ: younger runs are looked at later.
        let bounds = (first_id(now - self.settings.max_age), first_id(now - self.settings.delay));
        let keep = |run, parent| self.keeps(run, parent);
        let noted = self.database.note_traces(bounds, NOTED_AT_ONCE, keep).await?;
        let given_up = self.database.give_up_traces(self.settings.max_age).await?;
        if given_up > 0 {
            tracing::warn!(
                "{given_up} traces were given up: the collector at {} took none of them in time",
                self.collector
            );
            self.metrics.traces("given-up", given_up);
        }
        let runs = self.database.claim_traces(CLAIMED_AT_ONCE, LEASE + self.settings.timeout).await?;
        let mut left = runs.as_slice();
        while !left.is_empty() {
            match self.send_some(left).await {
                Ok(count) => left = &left[count..],
                Err(error) => {
                    self.database.release_traces(left).await?;
                    return Err(error);
                }
            }
        }
        let is_full = |count: usize, limit: i64| i64::try_from(count).is_ok_and(|count| count >= limit);
        Ok(is_full(noted, NOTED_AT_ONCE) || is_full(runs.len(), CLAIMED_AT_ONCE))
    }

    /// Sends as many of these as make one request; gives how many.
    async fn send_some(&self, runs: &[RunId]) -> Result<usize, TraceError> {
        let mut traces: Vec<(RunId, Vec<Span>)> = Vec::new();
        let mut count = 0;
        for run in runs {
            let spans = match self.spans(*run).await {
                Ok(spans) => spans,
                Err(error @ StoreError::Unavailable { .. }) => return Err(error.into()),
                // One that cannot be read is not to hold up all others.
                Err(error) => {
                    tracing::warn!(run.id = %run, "the trace of run {run} is not sent, since it cannot be read: {error}");
                    self.metrics.traces("unreadable", 1);
                    Vec::new()
                }
            };
            if count > 0 && count + spans.len() > SPANS_OF_REQUEST {
                break;
            }
            count += spans.len();
            traces.push((*run, spans));
        }
        let sent: Vec<RunId> = traces.iter().map(|(run, _)| *run).collect();
        let all = traces.iter().flat_map(|(_, spans)| spans.iter().cloned()).collect();
        match self.send(all).await {
            Ok(()) => self.metrics.traces("sent", sent.len() as u64),
            // One of them may be to blame for all.
            Err(SendError::Refused { .. }) => {
                for (run, spans) in traces {
                    match self.send(spans).await {
                        Ok(()) => self.metrics.traces("sent", 1),
                        Err(error @ SendError::Refused { .. }) => {
                            tracing::warn!(run.id = %run, "the trace of run {run} is not sent: {error}");
                            self.metrics.traces("refused", 1);
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            Err(error) => return Err(error.into()),
        }
        self.database.forget_traces(&sent).await?;
        Ok(sent.len())
    }

    async fn send(&self, spans: Vec<Span>) -> Result<(), SendError> {
        if spans.is_empty() {
            return Ok(());
        }
        self.collector.send(ExportRequest::of(spans).encode_to_vec()).await
    }

    /// A run that is gone, or whose release cannot be read, has none.
    async fn spans(&self, run: RunId) -> Result<Vec<Span>, StoreError> {
        // The run itself is a span too.
        let Some((run, blocks, count)) = self.database.traced_run(run, self.settings.max_spans - 1).await? else {
            return Ok(Vec::new());
        };
        let document = match self.database.workflow_release(run.workflow, run.version).await {
            Ok(document) => Some(document),
            Err(error @ StoreError::Unavailable { .. }) => return Err(error),
            Err(_) => None,
        };
        Ok(spans::spans(&run, &blocks, count, document.as_deref()))
    }

    /// Whether a run is sent: as its caller has decided, or by chance. The last 56 bits of an id are random, and what decides here is what
    /// decides everywhere (OpenTelemetry's consistent probability sampling).
    fn keeps(&self, run: RunId, parent: Option<TraceParent>) -> bool {
        const RANDOM: u64 = 1 << 56;
        if let Some(parent) = parent {
            return parent.is_sampled;
        }
        let random = (run.0.as_u128() as u64) % RANDOM;
        let threshold = ((1.0 - self.settings.sample) * RANDOM as f64) as u64;
        random >= threshold
    }
}

/// The first id that is minted at this time.
fn first_id(at: OffsetDateTime) -> Uuid {
    let millis = u128::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}
