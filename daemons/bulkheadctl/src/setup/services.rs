//! Starting the services, and waiting until they can do their job.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::step;
use crate::api::require_root;
use crate::daemons::{DAEMONS, Daemon, OTHER_UNITS, TARGET};
use crate::{local_http, systemd};

/// How long the services have to become ready. Temporal makes its database at its first start.
const PATIENCE: Duration = Duration::from_secs(90);

/// Makes sure that there is something to set up.
pub(super) fn require_packages() -> Result<()> {
    ensure!(
        systemd::is_running(),
        "systemd does not run this machine, so it cannot run Bulkhead's services: in a checkout use `cargo xtask dev`"
    );
    for unit in [TARGET, "bulkhead-api.service", "bulkhead-jobs-runner.service"] {
        ensure!(systemd::is_installed(unit), "{unit} is not installed: install the package bulkhead first");
    }
    Ok(())
}

/// Enables and starts what is installed, and waits until all of it is ready. The daemons in `changed` read their files again.
pub(crate) async fn start(changed: &[&str]) -> Result<()> {
    systemd::systemctl(&["daemon-reload"])?;
    let units = installed_units();
    systemd::systemctl(&[&["enable", "--quiet", TARGET], units.as_slice()].concat())?;
    // A service that gave up while there was no database may try again.
    systemd::systemctl(&["reset-failed", "bulkhead*"])?;
    for daemon in &DAEMONS {
        if must_stop_first(daemon, changed)? {
            systemd::systemctl(&["stop", daemon.service])?;
        }
    }
    // A target that runs already does not start what was enabled since, so all are named.
    if let Err(error) = systemd::systemctl(&[&["start", TARGET], units.as_slice()].concat()) {
        bail!(why_not_started(&units).unwrap_or_else(|| format!("{error:#}")));
    }
    step(&format!("{TARGET} is started and enabled"));
    for daemon in DAEMONS.iter().filter(|daemon| systemd::is_installed(daemon.service)) {
        wait(daemon).await?;
    }
    Ok(())
}

/// Stops all that is installed, sockets first, so that nobody is started again by a connection.
pub(crate) fn stop() -> Result<()> {
    let workers = ["bulkhead-workflows-worker@*.service", "bulkhead-workflows-worker-control@*.socket"];
    let units = installed_units();
    systemd::systemctl(&[&["stop", TARGET], units.as_slice(), &workers].concat())?;
    step("all services are stopped");
    Ok(())
}

fn installed_units() -> Vec<&'static str> {
    let sockets = DAEMONS.iter().flat_map(|daemon| daemon.sockets.iter().copied());
    let services = DAEMONS.iter().map(|daemon| daemon.service);
    sockets.chain(services).chain(OTHER_UNITS).filter(|unit| systemd::is_installed(unit)).collect()
}

/// Whether the running daemon must let go: systemd opens no socket beside a service that runs already, and a daemon reads its
/// files at its start. Connections wait in the sockets meanwhile.
fn must_stop_first(daemon: &Daemon, changed: &[&str]) -> Result<bool> {
    if !systemd::is_installed(daemon.service) || systemd::active_state(daemon.service)? != "active" {
        return Ok(false);
    }
    if changed.contains(&daemon.name) {
        return Ok(true);
    }
    for socket in daemon.sockets.iter().filter(|socket| systemd::is_installed(socket)) {
        if systemd::active_state(socket)? != "active" {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What failed, with what a person can do about it.
fn why_not_started(units: &[&str]) -> Option<String> {
    let failed = units.iter().filter(|unit| systemd::active_state(unit).is_ok_and(|state| state == "failed"));
    let reasons: Vec<String> = failed
        .map(|unit| match systemd::systemctl(&["show", "--property=Listen", "--value", unit]) {
            Ok(listen) if unit.ends_with(".socket") => format!(
                "{unit} cannot listen on {}: is another program there (ss -ltnp)? End it, or choose another \
                 ListenStream= by `systemctl edit {unit}`",
                listen.trim()
            ),
            _ => format!("{unit} does not start: see journalctl -u {unit}"),
        })
        .collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// Lets jobs-runner migrate, and waits for it.
pub(crate) async fn migrate() -> Result<()> {
    require_root("migrate")?;
    let jobs_runner = &DAEMONS[0];
    systemd::systemctl(&["restart", jobs_runner.service])?;
    wait(jobs_runner).await
}

/// Waits until the daemon can do its job.
async fn wait(daemon: &Daemon) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        let reason = match local_http::readiness(Path::new(daemon.control)).await {
            Ok(readiness) if readiness.works() => {
                match readiness.reasons() {
                    none if none.is_empty() => step(&format!("{} is ready", daemon.name)),
                    reasons => step(&format!("{} is {}: {reasons}", daemon.name, readiness.status)),
                }
                return Ok(());
            }
            Ok(readiness) => readiness.reasons(),
            Err(error) => format!("{error:#}"),
        };
        if Instant::now() >= end {
            bail!("{} is not ready: {reason}; see journalctl -u {}", daemon.name, daemon.service);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
