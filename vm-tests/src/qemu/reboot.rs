//! An orderly reboot.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::guest::{Guest, wait_until};
use crate::{units, webhook};

/// All by themselves, none after a failure; readiness may take a moment longer than the boot.
pub(super) fn every_unit_is_active(guest: &Guest) -> Result<()> {
    let ready = ["curl", "-sf", "-m", "5", "http://127.0.0.1:8080/readyz"];
    wait_until("api is ready", Duration::from_secs(60), || guest.succeeds(&ready))?;
    units::every_unit_is_active(guest)
}

/// Its tables, its app and its workflow.
pub(super) fn the_demo_answers(guest: &Guest) -> Result<()> {
    let apps = guest.sql("bulkhead", "select count(*) from apps")?;
    ensure!(apps != "0", "there is no app");
    webhook::the_answer_is_what_sql_says(guest)
}
