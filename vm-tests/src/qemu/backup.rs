//! A machine is lost with all that is on it, and another one gets what it had.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{STATE, install};
use crate::guest::{Guest, wait_until};
use crate::{units, webhook};

/// What is there before and after: people's work, what was done with it, and who did it.
const COUNTS: &str = "SELECT (SELECT count(*) FROM apps), (SELECT count(*) FROM workflow_releases), (SELECT count(*) FROM runs), \
    (SELECT count(*) FROM block_calls), (SELECT count(*) FROM resources), \
    (SELECT min(id) FROM audit_log) IS NOT NULL;";

/// The nightly unit writes the backup; packages, databases, roles, configuration, keys and the key of the machine itself go; packages and
/// the backup bring all of it back. That the demo's query answers shows that its password, which was sealed, is readable again.
pub(super) fn brings_a_lost_machine_back(guest: &Guest) -> Result<()> {
    let (backup, key) = back_up(guest)?;
    let before = guest.sql("bulkhead", COUNTS)?;
    let (backup, key) = (backup.display().to_string(), key.display().to_string());
    let restore = ["bulkheadctl", "restore", &backup, "--identity", &key];
    let refused = guest.output(&restore, b"")?;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(!refused.status.success() && said.contains("is running here"), "over a running instance: {said}");

    lose_everything(guest)?;
    install::packages(guest)?;
    guest.run(&restore)?;

    let ready = ["curl", "-sf", "-m", "5", "http://127.0.0.1:8080/readyz"];
    wait_until("api is ready", Duration::from_secs(60), || guest.succeeds(&ready))?;
    units::every_unit_is_active(guest)?;
    let after = guest.sql("bulkhead", COUNTS)?;
    ensure!(after == before, "there were {before}, there are {after}");
    webhook::the_answer_is_what_sql_says(guest)
}

/// By the unit that the timer starts. Gives the backup and the private key, which are kept where nothing is lost.
fn back_up(guest: &Guest) -> Result<(PathBuf, PathBuf)> {
    let key = Path::new(STATE).join("backup.key");
    let printed = guest.run(&["bulkheadctl", "backup", "key", &key.display().to_string()])?;
    let public = printed.lines().find_map(|line| line.strip_prefix("public-key: ")).context("no public key")?;
    fs::write("/etc/bulkhead/backup.recipients", format!("{public}\n")).context("say who may read backups")?;
    guest.run(&["systemctl", "start", "bulkhead-backup.service"])?;
    let written = guest.run(&["sh", "-c", "ls /var/backups/bulkhead/*.backup"])?;
    let kept = Path::new(STATE).join("lost.backup");
    fs::rename(&written, &kept).with_context(|| format!("keep {written:?}"))?;
    let verify = ["bulkheadctl", "backup", "verify", &kept.display().to_string(), "--identity"];
    guest.run(&[&verify[..], &[&key.display().to_string()]].concat())?;
    Ok((kept, key))
}

fn lose_everything(guest: &Guest) -> Result<()> {
    const PURGE: &str =
        "dpkg-query -W -f '${Package}\\n' 'bulkhead*' | DEBIAN_FRONTEND=noninteractive xargs dpkg --purge 2>&1";
    guest.run(&["systemctl", "stop", "bulkhead.target"])?;
    guest.run(&["sh", "-c", PURGE])?;
    for database in ["bulkhead", "bulkhead_tables"] {
        guest.sql("postgres", &format!("DROP DATABASE {database} WITH (FORCE)"))?;
    }
    let roles = "SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname LIKE 'bulkhead-%' \\gexec";
    guest.sql("postgres", roles)?;
    let files = "rm -rf /etc/bulkhead /etc/credstore.encrypted/bulkhead-* /var/lib/bulkhead /var/lib/bulkhead-libraries \
                 /var/lib/bulkhead-temporal /var/backups/bulkhead /var/lib/systemd/credential.secret";
    guest.run(&["sh", "-c", files])?;
    ensure!(!guest.succeeds(&["sh", "-c", "command -v bulkheadctl"])?, "bulkheadctl is still there");
    Ok(())
}
