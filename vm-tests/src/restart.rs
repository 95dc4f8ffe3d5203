//! Restarts under load: sockets stay with systemd, so no connection is refused.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::guest::Guest;
use crate::{http, load};

/// Four clients ask without a pause while api is restarted three times.
pub(crate) fn of_api_fails_no_request(guest: &Guest) -> Result<()> {
    let url = format!("{}/healthz", guest.url);
    let look = || http::get(&url);
    let pause = Duration::from_millis(500);
    let answered = load::during(&[("a page", &look as _); 4], pause, || {
        (0..3).try_for_each(|restarted| {
            std::thread::sleep(if restarted > 0 { pause } else { Duration::ZERO });
            guest.run(&["systemctl", "restart", "bulkhead-api.service"]).map(drop)
        })
    })?;
    let count: u32 = answered.iter().sum();
    ensure!(count > 50, "only {count} requests were answered: no load");
    Ok(())
}
