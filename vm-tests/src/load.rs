//! Clients that ask without a pause while something is done to the machine. Each of them must be answered.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::http::Answer;

/// A client: what it asks for, and how.
pub(crate) type Client<'a> = (&'static str, &'a (dyn Fn() -> Result<Answer> + Sync));

/// Does something while all `clients` ask, and for `margin` before and after. How many answers each of them got.
pub(crate) fn during(
    clients: &[Client<'_>],
    margin: Duration,
    action: impl FnOnce() -> Result<()>,
) -> Result<Vec<u32>> {
    let over = AtomicBool::new(false);
    let counts: Vec<AtomicU32> = clients.iter().map(|_| AtomicU32::new(0)).collect();
    let ask = |(what, request): Client<'_>, count: &AtomicU32| -> Result<()> {
        while !over.load(Ordering::Relaxed) {
            let answer = request().context(what)?;
            ensure!(answer.status == 200, "{what} answered {}: {}", answer.status, answer.body);
            count.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    let ask = &ask;
    let outcomes: Vec<Result<()>> = std::thread::scope(|scope| {
        let started: Vec<_> =
            clients.iter().zip(&counts).map(|(client, count)| scope.spawn(move || ask(*client, count))).collect();
        std::thread::sleep(margin);
        let done = action();
        std::thread::sleep(margin);
        over.store(true, Ordering::Relaxed);
        let ends =
            started.into_iter().map(|one| one.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a client panicked"))));
        let ends = ends.collect();
        done.map(|()| ends)
    })?;
    let counts: Vec<u32> = counts.into_iter().map(AtomicU32::into_inner).collect();
    let answered = || format!("after {counts:?} answers");
    outcomes.into_iter().collect::<Result<()>>().with_context(answered)?;
    Ok(counts)
}
