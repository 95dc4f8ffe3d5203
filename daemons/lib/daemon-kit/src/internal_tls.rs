//! The certificate by which other machines know a daemon: read at the start, read again when it changes, and watched until it ends.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bulkhead_mtls::{Files, Identity, Role, explain};

use crate::logging::chain;
use crate::{DaemonError, Lifetime, Readiness};

/// Between two looks at the files and the clock.
const INTERVAL: Duration = Duration::from_secs(30);
/// How long before its end a certificate makes a daemon say that it is degraded.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);
/// The condition's name in `/readyz`.
const CONDITION: &str = "internal-tls";

/// Reads the certificate, where there is one. The wrong daemon's, or a key that does not fit, is an error: it would fail each call later.
pub(crate) fn load(daemon: &str, files: Option<Files>) -> Result<Option<Arc<Identity>>, DaemonError> {
    let Some(files) = files else { return Ok(None) };
    let role: Role = daemon.strip_prefix("bulkhead-").unwrap_or(daemon).parse()?;
    Ok(Some(Identity::load(files, role)?))
}

/// Reads the files again on SIGHUP and when they change, and keeps `/readyz` true about the certificate.
pub(crate) async fn watch(identity: Arc<Identity>, readiness: Readiness, lifetime: Lifetime) {
    let mut reload = lifetime.reload.clone();
    let mut fault = None;
    loop {
        judge(&identity, &readiness, fault.take());
        let is_told = tokio::select! {
            () = lifetime.shutdown.cancelled() => return,
            told = reload.changed() => told.is_ok(),
            () = tokio::time::sleep(INTERVAL) => false,
        };
        if !is_told && !identity.has_changed() {
            continue;
        }
        match identity.reload() {
            Ok(()) => {
                tracing::info!("the certificate for other machines was read anew: number {}", identity.shown().serial);
            }
            // The certificate or its key may be on its way still: the next look finds the pair.
            Err(error) => fault = Some(chain(&error)),
        }
    }
}

fn judge(identity: &Identity, readiness: &Readiness, fault: Option<String>) {
    if let Some(fault) = fault {
        return readiness.degraded(CONDITION, format!("the new certificate is not used: {fault}"));
    }
    if let Err(error) = identity.verify() {
        let reason = explain(&error).unwrap_or_else(|| error.to_string());
        return readiness.degraded(CONDITION, format!("other machines refuse this daemon: {reason}"));
    }
    match identity.shown().ends.duration_since(SystemTime::now()) {
        Ok(left) if left > SOON => readiness.ready(CONDITION),
        left => {
            let days = left.unwrap_or_default().as_secs() / (24 * 3600);
            readiness.degraded(CONDITION, format!("the certificate ends in {days} days: bulkheadctl pki renew"));
        }
    }
}
