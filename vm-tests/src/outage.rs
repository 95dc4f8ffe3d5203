//! What the appliance stands on goes away and comes back.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::api;
use crate::guest::{Guest, wait_until};
use crate::http;

const SOON: Duration = Duration::from_secs(30);
const MONTH: &str = r#"{"month": "2026-03"}"#;

/// PostgreSQL stops under the daemons, and is away while api starts: both times requests are refused, and then work again.
pub(crate) fn of_postgresql_is_survived(guest: &Guest) -> Result<()> {
    let ready = format!("{}/readyz", guest.url);
    let says = |status: u16| move || Ok(http::get(&ready)?.status == status);

    guest.run(&["systemctl", "stop", "postgresql"])?;
    wait_until("api says that it is not ready", SOON, says.clone()(503))?;
    let refused = http::post(&guest.webhook, MONTH)?;
    guest.run(&["systemctl", "--no-block", "restart", "bulkhead-api.service"])?;
    let starting =
        ["curl", "-s", "-m", "5", "--unix-socket", "/run/bulkhead/api-control.sock", "http://localhost/readyz"];
    let names_the_cause = || Ok(guest.run(&starting).is_ok_and(|shown| shown.contains("PostgreSQL")));
    wait_until("the starting api says that PostgreSQL is away", SOON, names_the_cause)?;
    guest.run(&["systemctl", "start", "postgresql"])?;
    wait_until("api is ready again", SOON, says(200))?;
    let served = http::post(&guest.webhook, MONTH)?;

    ensure!(refused.status == 503, "without PostgreSQL the webhook answered {}: {}", refused.status, refused.body);
    ensure!(served.status == 200, "afterwards it answered {}: {}", served.status, served.body);
    Ok(())
}

/// A run that is asked for while Temporal is away is kept, and made when Temporal is back.
pub(crate) fn of_temporal_delays_runs(guest: &Guest) -> Result<()> {
    guest.run(&["systemctl", "stop", "bulkhead-temporal.service"])?;
    let run = api::start_run(guest, "monthly-revenue", &json!({ "month": "2026-03" }))?;
    guest.run(&["systemctl", "start", "bulkhead-temporal.service"])?;

    let detail = api::finished_run(guest, &run, Duration::from_secs(60))?;

    ensure!(detail["run"]["status"] == "succeeded", "the run ended so: {}", detail["run"]);
    Ok(())
}
