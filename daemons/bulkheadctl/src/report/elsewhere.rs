//! The sockets that daemons of other machines reach: which are switched on, from where, and for whom.

use bulkhead_mtls::Role;
use serde::Serialize;

use crate::systemd;

/// A socket that is active.
#[derive(Debug, Serialize)]
pub(super) struct OpenSocket {
    unit: String,
    listens: Vec<String>,
    /// What systemd lets through; everything where it is empty.
    allowed: String,
    callers: Vec<&'static str>,
}

impl OpenSocket {
    pub(super) fn row(&self) -> [String; 4] {
        let allowed = if self.allowed.is_empty() { "all".to_owned() } else { self.allowed.clone() };
        [self.unit.clone(), self.listens.join(" "), allowed, self.callers.join(" ")]
    }
}

/// Those of this machine.
pub(super) fn look() -> Vec<OpenSocket> {
    if !systemd::is_running() {
        return Vec::new();
    }
    Role::ALL.into_iter().filter(|role| role.port().is_some()).filter_map(open).collect()
}

fn open(role: Role) -> Option<OpenSocket> {
    let unit = format!("{}-tls.socket", role.unit());
    systemd::active_state(&unit).ok().filter(|state| state == "active")?;
    let show = |property: &str| {
        let shown = systemd::systemctl(&["show", "--value", "--property", property, &unit]).unwrap_or_default();
        shown.trim().to_owned()
    };
    let listens = show("Listen").lines().map(|line| line.trim_end_matches(" (Stream)").to_owned()).collect();
    let callers = role.callers().iter().map(|caller| caller.name()).collect();
    Some(OpenSocket { allowed: show("IPAddressAllow"), listens, callers, unit })
}
