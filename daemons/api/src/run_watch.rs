//! Wakes whoever waits for a run, by PostgreSQL's notifications.
//!
//! One connection listens for the whole daemon, and a table by run wakes only those whom a notification concerns. A notification
//! is a hint: waiters look for themselves now and then too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bulkhead_model::RunId;
use bulkhead_store::runs::CHANGED_CHANNEL;
use bulkhead_store::{Database, Notifications};
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;

type Waiters = Arc<Mutex<HashMap<RunId, Vec<Arc<Notify>>>>>;

/// The table of waiters and the task that wakes them.
#[derive(Debug)]
pub(crate) struct RunWatch {
    waiters: Waiters,
    /// Held for as long as this is: dropping it ends the listening.
    _notifications: Notifications,
}

/// One waiter; leaves the table when dropped.
#[derive(Debug)]
pub(crate) struct Waiter {
    run: RunId,
    notify: Arc<Notify>,
    waiters: Waiters,
}

impl RunWatch {
    /// Listens, and reconnects for ever.
    pub(crate) fn start(database: &Database) -> Self {
        let notifications = Notifications::listen(database, CHANGED_CHANNEL);
        let mut received = notifications.subscribe();
        let waiters = Waiters::default();
        let table = Arc::clone(&waiters);
        tokio::spawn(async move {
            loop {
                match received.recv().await {
                    Ok(payload) => wake(&table, payload.parse().ok()),
                    // Some were missed: let all look for themselves.
                    Err(RecvError::Lagged(_)) => wake(&table, None),
                    Err(RecvError::Closed) => return,
                }
            }
        });
        Self { waiters, _notifications: notifications }
    }

    /// A waiter for changes of `run` from now on.
    pub(crate) fn watch(&self, run: RunId) -> Waiter {
        let notify = Arc::new(Notify::new());
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        waiters.entry(run).or_default().push(Arc::clone(&notify));
        Waiter { run, notify, waiters: Arc::clone(&self.waiters) }
    }
}

/// Wakes the waiters of one run, or all.
fn wake(waiters: &Waiters, run: Option<RunId>) {
    let waiters = waiters.lock().unwrap_or_else(PoisonError::into_inner);
    // `notify_one` keeps one permit, so a change between two looks is not missed.
    match run {
        Some(run) => waiters.get(&run).into_iter().flatten().for_each(|waiter| waiter.notify_one()),
        None => waiters.values().flatten().for_each(|waiter| waiter.notify_one()),
    }
}

impl Waiter {
    /// Returns at the next change, or at once if there was one since the last call.
    pub(crate) async fn changed(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = waiters.get_mut(&self.run) {
            list.retain(|other| !Arc::ptr_eq(other, &self.notify));
            if list.is_empty() {
                waiters.remove(&self.run);
            }
        }
    }
}
