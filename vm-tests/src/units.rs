//! What systemd says of the units.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::guest::{Guest, wait_until};

/// The highest exposure that a unit may have, by `systemd-analyze security`.
const MOST_EXPOSURE: f64 = 2.5;
/// The daemons that read a configuration file.
const DAEMONS: [&str; 8] = [
    "api",
    "code-executor",
    "db-connector",
    "jobs-runner",
    "library-builder",
    "ssh-connector",
    "workflows-backend",
    "workflows-worker",
];

/// Every daemon runs, and none is in a loop of restarts.
pub(crate) fn every_unit_is_active(guest: &Guest) -> Result<()> {
    let services = guest.services()?;
    for daemon in DAEMONS.into_iter().chain(["temporal", "temporal-guard"]) {
        let name = format!("bulkhead-{daemon}");
        ensure!(services.iter().any(|service| service.starts_with(&name)), "{name} is not loaded");
    }
    for service in services {
        let shown =
            guest.run(&["systemctl", "show", "--value", "--property=ActiveState", "--property=NRestarts", &service])?;
        let values: Vec<&str> = shown.split_whitespace().collect();
        ensure!(values.contains(&"active"), "{service}: {}", values.join(" "));
        ensure!(values.contains(&"0"), "{service} was restarted: {}", values.join(" "));
    }
    Ok(())
}

/// By its unit and by its process.
pub(crate) fn no_unit_runs_as_root(guest: &Guest) -> Result<()> {
    for service in guest.services()? {
        let user = guest.run(&["systemctl", "show", "--value", "--property=User", &service])?;
        ensure!(user.starts_with("bulkhead-"), "{service} has User={user}");
        let pid = guest.run(&["systemctl", "show", "--value", "--property=MainPID", &service])?;
        if pid != "0" {
            let owner = guest.run(&["ps", "-o", "user:40=", "-p", &pid])?;
            ensure!(owner == user, "{service} runs as {owner}, not as {user}");
        }
    }
    Ok(())
}

/// The score that systemd itself gives.
pub(crate) fn every_exposure_is_low(guest: &Guest) -> Result<()> {
    for service in guest.services()? {
        let report = guest.run(&["systemd-analyze", "security", "--no-pager", &service])?;
        let score = report
            .lines()
            .find(|line| line.contains("Overall exposure level"))
            .and_then(|line| line.split_whitespace().find_map(|word| word.parse::<f64>().ok()))
            .with_context(|| format!("no score for {service}"))?;
        ensure!(score <= MOST_EXPOSURE, "{service} has {score}; the most is {MOST_EXPOSURE}");
    }
    Ok(())
}

/// What an auditor is told of this machine: nothing is left out, and nothing could not be looked at.
pub(crate) fn the_report_is_complete(guest: &Guest) -> Result<()> {
    let text = guest.run(&["bulkheadctl", "report", "--json", "--components"])?;
    let report: serde_json::Value = serde_json::from_str(&text).context("the report")?;
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let units = list(&report["units"]);
    ensure!(units.len() >= DAEMONS.len() && units.iter().all(|unit| unit["exposure"].is_number()), "units: {units:?}");
    let components = list(&report["components"]["document"]["components"]).len();
    ensure!(components > 100 && report["components"]["count"] == components, "{components} components");
    ensure!(list(&report["access"]["unknown"]).is_empty(), "not known: {}", report["access"]["unknown"]);
    let sockets = list(&report["access"]["files"]).iter().filter(|file| file["kind"] == "socket").count();
    ensure!(sockets >= DAEMONS.len(), "{sockets} sockets");
    let api = report["certificates"][0]["ends"].as_str().unwrap_or_default();
    ensure!(api.starts_with("20"), "certificates: {}", report["certificates"]);
    guest.run(&["bulkheadctl", "report"]).map(drop)
}

/// The files as they are shipped, where every key is a comment with its default, and the same with every key in force.
pub(crate) fn the_shipped_configuration_is_sound(guest: &Guest) -> Result<()> {
    for daemon in DAEMONS {
        let program = format!("bulkhead-{daemon}");
        guest.run(&[&program, "--check-config"])?;
        let all = format!("/run/vm-tests-{daemon}.toml");
        let uncomment = format!(
            r"sed -E 's/^# ([a-z][a-z0-9-]* = .*)$/\1/; s/^# (\[[a-z-]+\])$/\1/' /etc/bulkhead/{daemon}.toml > {all}"
        );
        guest.run(&["sh", "-c", &uncomment])?;
        ensure!(guest.succeeds(&["grep", "-q", "^log-level = ", &all])?, "{daemon}.toml does not show its keys");
        guest.run(&[&program, "--check-config", "--config", &all])?;
        guest.run(&["sh", "-c", &format!("echo 'no-such-key = 1' | cat - {all} > {all}.bad")])?;
        ensure!(
            !guest.succeeds(&[&program, "--check-config", "--config", &format!("{all}.bad")])?,
            "{program} accepts a key that it does not know"
        );
        guest.run(&["rm", &all, &format!("{all}.bad")])?;
    }
    Ok(())
}

/// The socket outlives its daemon and starts it again for the first who connects.
pub(crate) fn a_stopped_daemon_is_started_by_its_socket(guest: &Guest) -> Result<()> {
    for daemon in ["api", "code-executor", "db-connector", "library-builder", "ssh-connector", "workflows-backend"] {
        let unit = format!("bulkhead-{daemon}");
        let (service, socket) = (format!("{unit}.service"), format!("/run/bulkhead/{daemon}-control.sock"));
        guest.run(&["systemctl", "stop", &service])?;
        ensure!(!guest.succeeds(&["systemctl", "is-active", "--quiet", &service])?, "{service} did not stop");

        guest.run(&["curl", "-sSf", "-m", "20", "--unix-socket", &socket, "http://localhost/healthz"])?;

        // A control socket answers before the daemon says that it is ready.
        let active = ["systemctl", "is-active", "--quiet", &service];
        wait_until(&format!("{service} is active"), Duration::from_secs(20), || guest.succeeds(&active))?;
    }
    let ready = ["curl", "-sf", "-m", "5", "http://127.0.0.1:8080/readyz"];
    wait_until("api is ready again", Duration::from_secs(30), || guest.succeeds(&ready))
}

/// The bundled server has no authentication of its own.
pub(crate) fn temporal_answers_its_worker_alone(guest: &Guest) -> Result<()> {
    let connects = |user: &str| {
        let connect = "exec 3<>/dev/tcp/127.0.0.1/7233";
        guest.succeeds(&["runuser", "-u", user, "--", "timeout", "3", "bash", "-c", connect])
    };
    ensure!(connects("bulkhead-workflows-worker")?, "the worker cannot reach Temporal");
    for user in ["nobody", "bulkhead-api", "bulkhead-db-connector", "bulkhead-code-executor"] {
        ensure!(!connects(user)?, "{user} reaches Temporal");
    }
    Ok(())
}
