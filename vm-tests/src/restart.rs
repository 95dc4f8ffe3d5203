//! Restarts under load: sockets stay with systemd, so no connection is refused.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::guest::Guest;
use crate::http;

/// Four clients ask without a pause while api is restarted three times.
pub(crate) fn of_api_fails_no_request(guest: &Guest) -> Result<()> {
    let url = format!("{}/healthz", guest.url);
    let (answered, over) = (AtomicU32::new(0), AtomicBool::new(false));
    let load = || -> Result<()> {
        while !over.load(Ordering::Relaxed) {
            let answer = http::get(&url)?;
            ensure!(answer.status == 200, "{url} answered {}", answer.status);
            answered.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    let outcomes = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(load)).collect();
        let restarts = (0..3).try_for_each(|_| {
            std::thread::sleep(Duration::from_millis(500));
            guest.run(&["systemctl", "restart", "bulkhead-api.service"]).map(drop)
        });
        std::thread::sleep(Duration::from_millis(500));
        over.store(true, Ordering::Relaxed);
        let ends: Vec<Result<()>> = clients
            .into_iter()
            .map(|client| client.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a client panicked"))))
            .collect();
        restarts.map(|()| ends)
    })?;
    let count = answered.load(Ordering::Relaxed);
    outcomes.into_iter().collect::<Result<()>>().with_context(|| format!("after {count} answered requests"))?;
    ensure!(count > 50, "only {count} requests were answered: no load");
    Ok(())
}
