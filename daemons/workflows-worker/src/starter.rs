//! What becomes of the outbox: starts become first steps, words for runs that Temporal drives are sent to it, and the reconciler starts
//! again what it has lost.
//!
//! All of it may happen twice and nothing comes of that: a run's id is its Temporal workflow's id, and the journal knows what is done.

use std::time::Duration;

use bulkhead_model::RunId;
use bulkhead_store::outbox::{Word, WordKind};
use bulkhead_store::queues::{HELD, START};
use bulkhead_store::runs::OUTBOX_CHANNEL;
use bulkhead_store::{Database, Notifications, StoreError};
use bulkhead_temporal_engine::{Engine, EngineError};
use futures_util::{StreamExt, stream};
use thiserror::Error;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::first::FirstSteps;
use crate::metrics::Metrics;

/// A notification may be lost; this long at most is then lost with it.
pub(crate) const POLL: Duration = Duration::from_secs(2);
/// While a word waits for something that happens without a notification.
const POLL_AGAIN: Duration = Duration::from_millis(100);
/// Entries read at once.
const BATCH: i64 = 200;
/// Words sent at once: each waits for Temporal's disk.
const AT_ONCE: usize = 32;
/// Younger runs are on their way: their start was sent a moment ago.
const GRACE: Duration = Duration::from_secs(20);

/// What is announced of the outbox.
pub(crate) type Announced = broadcast::Receiver<String>;

/// What was announced until a look.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Something is held.
    pub(crate) was_held: bool,
    /// Runs whose start may be claimed.
    pub(crate) starts: Vec<RunId>,
}

impl Heard {
    fn take(&mut self, word: &str) {
        self.was_held |= word == HELD;
        self.starts.extend(start_of(word).and_then(|run| run.parse::<RunId>().ok()));
    }
}

/// Listens for what is a reason to look at the outbox, and no longer than `pause`: silence is one too, after a while. All else that has
/// come until now is seen by the look.
pub(crate) async fn hear(announced: &mut Announced, pause: Duration, is_reason: fn(&str) -> bool) -> Heard {
    let mut heard = Heard::default();
    let listening = async {
        // Some were missed, which is a reason too.
        while let Ok(word) = announced.recv().await {
            heard.take(&word);
            if is_reason(&word) {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(pause, listening).await;
    while let Ok(word) = announced.try_recv() {
        heard.take(&word);
    }
    heard
}

/// Whether a start may be claimed, or let in; or anything at all, where words were missed.
pub(crate) fn is_start(word: &str) -> bool {
    ["", START, HELD].contains(&word) || start_of(word).is_some()
}

/// The run whose start may be claimed.
fn start_of(word: &str) -> Option<&str> {
    word.strip_prefix(START)?.strip_prefix(' ')
}

#[derive(Debug, Error)]
enum StarterError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// All of them, in one task each.
#[derive(Debug)]
pub(crate) struct Starter {
    pub(crate) database: Database,
    pub(crate) engine: Engine,
    pub(crate) metrics: Metrics,
    pub(crate) first_steps: FirstSteps,
    pub(crate) reconcile_interval: Duration,
}

impl Starter {
    /// Works until `stop`; ends when the steps that were begun have ended.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let outbox = Notifications::listen(&self.database, OUTBOX_CHANNEL);
        let others = async { tokio::join!(self.send_words(outbox.subscribe()), self.reconcile()) };
        tokio::select! {
            () = self.first_steps.run(outbox.subscribe(), stop) => {}
            _ = others => {}
        }
    }

    async fn send_words(&self, mut announced: Announced) {
        loop {
            let pause = match self.send_some().await {
                // A full batch: there is more.
                Ok((sent, 0)) if sent == BATCH as usize => continue,
                Ok((_, 0)) | Err(StarterError::Engine(EngineError::NotConnected)) => POLL,
                Ok(_) => POLL_AGAIN,
                Err(error) => {
                    tracing::warn!("words for runs were not sent and stay: {error}");
                    POLL
                }
            };
            hear(&mut announced, pause, |word| word.is_empty() || !is_start(word)).await;
        }
    }

    /// Sends words; gives how many were, and how many have to wait.
    async fn send_some(&self) -> Result<(usize, usize), StarterError> {
        let words = self.database.unsent_words(BATCH).await?;
        // In any order: a run that is to be cancelled is started for it.
        let outcomes: Vec<_> = stream::iter(&words)
            .map(async |word| Ok::<_, StarterError>(self.send(word).await?.then_some(word.entry)))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let (mut sent, mut failure) = (Vec::with_capacity(words.len()), None);
        for outcome in outcomes {
            match outcome {
                Ok(entry) => sent.extend(entry),
                Err(error) => failure = Some(error),
            }
        }
        if !sent.is_empty() {
            self.database.mark_sent(&sent).await?;
            self.metrics.sent(sent.len());
        }
        failure.map_or(Ok((sent.len(), words.len() - sent.len())), Err)
    }

    /// Sends a word; false if that has to wait.
    async fn send(&self, word: &Word) -> Result<bool, StarterError> {
        let run = word.run.to_string();
        match word.kind {
            WordKind::Cancel if word.has_ended => {
                // Temporal may wait for days for what is over; that it does not answer now changes nothing.
                if let Err(error) = self.engine.cancel(&run).await {
                    tracing::debug!(run.id = %run, "Temporal was not told that a run is over: {error}");
                }
                Ok(true)
            }
            WordKind::Wake if word.has_ended => Ok(true),
            WordKind::Wake => Ok(self.engine.wake(&run).await.map(|()| true)?),
            WordKind::Cancel if word.is_unstarted => Ok(self.first_steps.cancel(word.run).await?),
            WordKind::Cancel => {
                // One that Temporal has lost is started for it: only its workflow stores that it was cancelled.
                if !self.engine.cancel(&run).await? {
                    self.engine.start(&run).await?;
                    self.engine.cancel(&run).await?;
                }
                Ok(true)
            }
        }
    }

    async fn reconcile(&self) {
        loop {
            match self.restart_lost().await {
                Ok(0) | Err(StarterError::Engine(EngineError::NotConnected)) => {}
                Ok(count) => tracing::warn!("{count} runs that Temporal had lost were started again"),
                Err(error) => tracing::warn!("looking for lost runs failed: {error}"),
            }
            tokio::time::sleep(self.reconcile_interval).await;
        }
    }

    async fn restart_lost(&self) -> Result<usize, StarterError> {
        let (mut restarted, mut after) = (0, None);
        loop {
            let runs = self.database.unfinished_runs(GRACE, after, BATCH).await?;
            let Some(last) = runs.last() else { return Ok(restarted) };
            after = Some(*last);
            for run in runs {
                let id = run.to_string();
                if !self.engine.is_driving(&id).await? {
                    self.engine.start(&id).await?;
                    if self.database.cancel_requested(run).await? {
                        self.engine.cancel(&id).await?;
                    }
                    self.metrics.restarted();
                    restarted += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_announced_until_a_look_is_heard() {
        let (sender, mut announced) = broadcast::channel(8);
        let (one, two) = (RunId::new(), RunId::new());
        for word in [one.to_string(), format!("{START} {one}"), HELD.to_owned(), format!("{START} {two}")] {
            sender.send(word).expect("is heard");
        }
        let heard = hear(&mut announced, POLL, is_start).await;
        assert_eq!((heard.was_held, heard.starts), (true, vec![one, two]));
        assert!(is_start("") && is_start(START) && !is_start(&one.to_string()));
    }
}
