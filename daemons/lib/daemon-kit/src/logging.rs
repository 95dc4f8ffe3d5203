//! Logging: journald with fields under systemd, readable lines on stderr elsewhere.

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Sends all events where they belong. An unusable level falls back to `info` and says so: a daemon without a log helps
/// nobody.
pub(crate) fn start(daemon: &'static str, level: &str) {
    let (filter, fault) = match EnvFilter::try_new(level) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let layer = match journal(daemon) {
        Some(journal) => journal.boxed(),
        None => tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).boxed(),
    };
    // Fails only when a subscriber is set already, as tests that start several daemons in one process do.
    let already_set = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().is_err();
    if let (Some(error), false) = (fault, already_set) {
        tracing::warn!("log-level = {level:?} is not understood ({error}); using info");
    }
    std::panic::set_hook(Box::new(|panic| tracing::error!("a task panicked: {panic}")));
}

/// The journal, when systemd says that stderr leads there.
fn journal(daemon: &str) -> Option<tracing_journald::Layer> {
    std::env::var_os("JOURNAL_STREAM")?;
    let layer = tracing_journald::layer().ok()?;
    // Without a prefix the fields read as documented (docs/logging.md): REQUEST_ID, RUN_ID.
    Some(layer.with_field_prefix(None).with_syslog_identifier(daemon.to_owned()))
}

/// An error with all its causes, for the one place that logs it.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
