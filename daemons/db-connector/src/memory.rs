//! What answers take while they are held whole: all of them share a budget, so that many large ones at once do not end the daemon.
//!
//! Rows of databases are streamed, and take nothing of it. What has to be read to its end before any of it is known (HTTP, Redis, LDAP, results
//! that are kept) takes nothing while it is small. Beyond [`FREE`] it takes all that it may come to, at once: nobody who has something waits for
//! more, so no two wait for each other, and one alone always finds room. Who finds none in time is refused.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of an answer that are not counted.
pub(crate) const FREE: usize = 256 * 1024;
/// What is counted by.
const UNIT: usize = 1024;

tokio::task_local! {
    static SHARE: Share;
}

/// There is no room for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

/// The budget.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    units: Arc<Semaphore>,
    all: u32,
    wait: Duration,
}

impl Memory {
    /// One of so many bytes, which is waited for so long.
    pub(crate) fn new(bytes: usize, wait: Duration) -> Self {
        let all = units(bytes);
        Self { units: Arc::new(Semaphore::new(all as usize)), all, wait }
    }

    /// What a new answer takes of it: nothing yet.
    pub(crate) fn share(&self) -> Share {
        Share { memory: self.clone(), taken: Arc::default() }
    }
}

/// What one answer takes, until its last clone is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    memory: Memory,
    taken: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Share {
    /// Does `work`, whose answer takes this share.
    pub(crate) async fn scope<T>(&self, work: impl Future<Output = T>) -> T {
        SHARE.scope(self.clone(), work).await
    }

    /// The one of the answer that this task reads; none where nobody waits for an answer.
    pub(crate) fn current() -> Option<Self> {
        SHARE.try_with(Clone::clone).ok()
    }

    /// Whether it takes anything.
    pub(crate) fn is_taken(&self) -> bool {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Takes room for `most` bytes, if it is there without waiting.
    pub(crate) fn try_take(&self, most: usize) -> Result<(), NoRoom> {
        if self.is_taken() {
            return Ok(());
        }
        let room = Arc::clone(&self.memory.units).try_acquire_many_owned(self.wanted(most));
        self.keep(room.map_err(|_| NoRoom)?);
        Ok(())
    }

    async fn take(&self, most: usize) -> Result<(), NoRoom> {
        if self.is_taken() {
            return Ok(());
        }
        let room = Arc::clone(&self.memory.units).acquire_many_owned(self.wanted(most));
        let room = tokio::time::timeout(self.memory.wait, room).await;
        self.keep(room.ok().and_then(Result::ok).ok_or(NoRoom)?);
        Ok(())
    }

    /// One that may have more than there is takes all of it: alone, it fits.
    fn wanted(&self, most: usize) -> u32 {
        units(most).min(self.memory.all)
    }

    fn keep(&self, room: OwnedSemaphorePermit) {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(room);
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

/// Waits for room for an answer that has `bytes` now and may come to `most`.
pub(crate) async fn room(bytes: usize, most: usize) -> Result<(), NoRoom> {
    match Share::current() {
        Some(share) if bytes > FREE => share.take(most).await,
        _ => Ok(()),
    }
}

/// The same without waiting, where that cannot be.
pub(crate) fn room_now(bytes: usize, most: usize) -> Result<(), NoRoom> {
    match Share::current() {
        Some(share) if bytes > FREE => share.try_take(most),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[tokio::test]
    async fn answers_share_the_room_and_give_it_back() {
        let memory = Memory::new(10 * MIB, Duration::from_millis(50));
        let (first, second) = (memory.share(), memory.share());
        first.scope(room(FREE, 8 * MIB)).await.expect("small answers take nothing");
        assert!(!first.is_taken());
        first.scope(room(FREE + 1, 8 * MIB)).await.expect("room");
        first.scope(room(5 * MIB, 8 * MIB)).await.expect("it has it already");
        assert_eq!(second.scope(room(MIB, 4 * MIB)).await, Err(NoRoom));
        assert_eq!(second.scope(async { room_now(MIB, 4 * MIB) }).await, Err(NoRoom));
        second.scope(room(MIB, 2 * MIB)).await.expect("what is left is enough");
        let waiting = memory.share();
        let (waited, ()) = tokio::join!(waiting.scope(room(MIB, 8 * MIB)), async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            drop(first);
        });
        assert_eq!(waited, Ok(()));
    }

    #[tokio::test]
    async fn one_alone_always_fits_and_many_at_once_all_come_to_an_end() {
        let memory = Memory::new(MIB, Duration::from_secs(5));
        memory.share().scope(room(2 * MIB, 64 * MIB)).await.expect("alone it takes all there is");
        let answers = (0..50).map(|_| {
            let share = memory.share();
            async move {
                share.scope(room(MIB, 64 * MIB)).await?;
                tokio::task::yield_now().await;
                share.scope(room(2 * MIB, 64 * MIB)).await
            }
        });
        for outcome in futures_util::future::join_all(answers).await {
            assert_eq!(outcome, Ok(()));
        }
        assert_eq!(room(MIB, MIB).await, Ok(()), "who reads for nobody takes nothing");
    }
}
