//! Locks by name within this process: those who wait for one another in the database would each hold a connection meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

/// From how many names on those that nobody holds are forgotten.
const SWEEP_FROM: usize = 1000;

/// Locks that are made when they are asked for. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyedLocks(Arc<Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>>);

impl KeyedLocks {
    /// Waits for a lock, which is held until what it gives is dropped.
    pub(crate) async fn lock(&self, name: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= SWEEP_FROM {
                known.retain(|_, lock| lock.strong_count() > 0);
            }
            let lock = known.get(name).and_then(Weak::upgrade).unwrap_or_default();
            known.insert(name.to_owned(), Arc::downgrade(&lock));
            lock
        };
        lock.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_asks_for_a_name_waits_for_it_alone() {
        let locks = KeyedLocks::default();
        let held = locks.lock("a").await;
        let _other = locks.lock("b").await;
        let same = locks.clone();
        let waiting = tokio::spawn(async move { drop(same.lock("a").await) });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(held);
        waiting.await.expect("it gets the lock");
    }
}
