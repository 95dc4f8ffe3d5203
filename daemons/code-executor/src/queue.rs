//! How many runs go on at once, and how many may wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A bounded line in front of a bounded number of places.
#[derive(Clone)]
pub(crate) struct Queue {
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    waiting_limit: usize,
}

/// The line is full.
#[derive(Debug)]
pub(crate) struct Full;

/// One who waits; leaves the line when dropped.
pub(crate) struct Waiting {
    queue: Queue,
}

impl Queue {
    pub(crate) fn new(places: usize, waiting_limit: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), waiting: Arc::default(), waiting_limit }
    }

    /// Stands in line, or learns at once that it is full.
    pub(crate) fn stand_in_line(&self) -> Result<Waiting, Full> {
        let free = self.places.available_permits();
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let waiting = Waiting { queue: self.clone() };
        // Who finds a free place stands in line for a moment only.
        if before >= self.waiting_limit + free { Err(Full) } else { Ok(waiting) }
    }
}

impl Waiting {
    /// Waits for a place, first come, first served.
    pub(crate) async fn place(self) -> OwnedSemaphorePermit {
        let places = Arc::clone(&self.queue.places);
        places.acquire_owned().await.expect("the semaphore is never closed")
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.queue.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn the_line_is_bounded_and_moves_up() {
        let queue = Queue::new(1, 1);
        let first = queue.stand_in_line().unwrap().place().await;
        let second = queue.stand_in_line().unwrap();

        assert!(queue.stand_in_line().is_err());
        drop(first);
        let second = second.place().await;
        drop(second);
        assert!(queue.stand_in_line().is_ok());
    }
}
