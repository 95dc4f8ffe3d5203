//! How many runs go on at once, how many may wait, and whose turn it is.
//!
//! A place that becomes free goes to the tenant that has the fewest runs, and among those to the one who waits longest. No tenant
//! takes all places or the whole line, so another one always finds both.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// A bounded line in front of a bounded number of places.
#[derive(Clone)]
pub(crate) struct Queue {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    places: usize,
    waiting_limit: usize,
}

#[derive(Default)]
struct State {
    running: HashMap<String, usize>,
    /// In order of arrival.
    line: VecDeque<Waiting>,
}

struct Waiting {
    tenant: String,
    turn: oneshot::Sender<Place>,
}

/// The line is full, or this tenant's part of it.
#[derive(Debug)]
pub(crate) struct Full;

/// The right to run; the next one's when dropped.
pub(crate) struct Place {
    shared: Arc<Shared>,
    /// None once it has been given back.
    tenant: Option<String>,
}

impl Queue {
    pub(crate) fn new(places: usize, waiting_limit: usize) -> Self {
        Self { shared: Arc::new(Shared { state: Mutex::default(), places, waiting_limit }) }
    }

    /// Stands in line, or learns at once that it is full. Whoever drops the receiver has left the line.
    pub(crate) fn stand_in_line(&self, tenant: &str) -> Result<oneshot::Receiver<Place>, Full> {
        let (turn, receiver) = oneshot::channel();
        let mut state = self.shared.lock();
        state.line.retain(|waiting| !waiting.turn.is_closed());
        let free = self.shared.places.saturating_sub(state.running.values().sum());
        let own = state.line.iter().filter(|waiting| waiting.tenant == tenant).count();
        let limit = self.shared.waiting_limit;
        if state.line.len() >= limit + free || own >= most_of(limit) + free {
            return Err(Full);
        }
        state.line.push_back(Waiting { tenant: tenant.to_owned(), turn });
        self.shared.hand_out(&mut state);
        Ok(receiver)
    }
}

/// What one tenant may have of a number of places: one is left for another.
fn most_of(places: usize) -> usize {
    if places > 1 { places - 1 } else { places }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives free places to those whose turn it is.
    fn hand_out(self: &Arc<Self>, state: &mut State) {
        while state.running.values().sum::<usize>() < self.places {
            let runs = |waiting: &Waiting| state.running.get(&waiting.tenant).copied().unwrap_or(0);
            let candidates = state.line.iter().enumerate().map(|(at, waiting)| (runs(waiting), at));
            let Some((_, at)) = candidates.filter(|(runs, _)| *runs < most_of(self.places)).min() else { return };
            let Some(Waiting { tenant, turn }) = state.line.remove(at) else { return };
            *state.running.entry(tenant.clone()).or_default() += 1;
            // Who has left the line needs no place. Given back here, because dropping it would lock again.
            if let Err(mut place) = turn.send(Place { shared: Arc::clone(self), tenant: Some(tenant) })
                && let Some(tenant) = place.tenant.take()
            {
                state.leave(&tenant);
            }
        }
    }
}

impl State {
    fn leave(&mut self, tenant: &str) {
        if let Some(runs) = self.running.get_mut(tenant) {
            *runs -= 1;
            if *runs == 0 {
                self.running.remove(tenant);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(tenant) = self.tenant.take() else { return };
        let mut state = self.shared.lock();
        state.leave(&tenant);
        self.shared.hand_out(&mut state);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Whether it is somebody's turn by now.
    fn turn(receiver: &mut oneshot::Receiver<Place>) -> Option<Place> {
        receiver.try_recv().ok()
    }

    #[test]
    fn the_line_is_bounded_and_moves_up() {
        let queue = Queue::new(1, 1);
        let first = turn(&mut queue.stand_in_line("a").unwrap()).unwrap();
        let mut second = queue.stand_in_line("b").unwrap();

        assert!(queue.stand_in_line("c").is_err());
        assert!(turn(&mut second).is_none());
        drop(first);
        let second = turn(&mut second).unwrap();
        drop(second);
        assert!(queue.stand_in_line("c").is_ok());
    }

    #[test]
    fn who_leaves_the_line_is_in_nobodys_way() {
        let queue = Queue::new(1, 1);
        let first = turn(&mut queue.stand_in_line("a").unwrap()).unwrap();
        drop(queue.stand_in_line("a").unwrap());
        let mut third = queue.stand_in_line("a").unwrap();
        drop(first);

        assert!(turn(&mut third).is_some());
    }

    #[test]
    fn a_tenant_with_a_hundred_runs_does_not_hold_up_one_with_one() {
        let queue = Queue::new(2, 100);
        let mut busy: Vec<_> = (0..50).map(|_| queue.stand_in_line("busy").unwrap()).collect();
        let first = turn(&mut busy[0]).unwrap();
        assert!(turn(&mut busy[1]).is_none(), "a place is left for another tenant");

        let other = turn(&mut queue.stand_in_line("other").unwrap());
        assert!(other.is_some());
        let mut waits = queue.stand_in_line("other").unwrap();
        drop(first);

        // Both have had one; it goes to whoever has fewer now.
        assert!(turn(&mut busy[1]).is_some());
        assert!(turn(&mut waits).is_none());
    }

    #[test]
    fn one_tenant_cannot_fill_the_whole_line() {
        let queue = Queue::new(1, 4);
        let _running = turn(&mut queue.stand_in_line("busy").unwrap()).unwrap();
        let _line: Vec<_> = (0..3).map(|_| queue.stand_in_line("busy").unwrap()).collect();

        assert!(queue.stand_in_line("busy").is_err());
        assert!(queue.stand_in_line("other").is_ok());
    }
}
