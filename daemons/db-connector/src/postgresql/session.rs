//! The transaction around a statement and the cleaning after it, as text for the server.
//!
//! `read` runs in a read-only transaction that is rolled back, so nothing that a statement did to its session stays but
//! locks. `write` commits, and the session is reset before it serves anybody else.

use bulkhead_model::query::{QueryLimits, QueryMode};

/// Ends a read: sent together with its statement, so it costs no round trip.
pub(super) const END_READ: &str = "ROLLBACK; SELECT pg_advisory_unlock_all()";
/// Ends a write that failed.
pub(super) const UNDO: &str = "ROLLBACK";
/// Ends a write.
pub(super) const COMMIT: &str = "COMMIT";

/// The `statement_timeout` of a session between statements, in milliseconds: what most queries ask for.
fn usual_timeout_ms() -> u32 {
    QueryLimits::default().timeout_ms
}

/// Makes a new connection ready for its first statement.
pub(super) fn prepare() -> String {
    // Whoever looks at a statement before it runs must read its texts as the server does.
    format!("SET standard_conforming_strings = on; SET statement_timeout = {}", usual_timeout_ms())
}

/// Opens the transaction of a statement.
pub(super) fn begin(mode: QueryMode, timeout_ms: u32) -> String {
    let open = match mode {
        QueryMode::Read => "BEGIN READ ONLY",
        QueryMode::Write => "BEGIN READ WRITE",
    };
    if timeout_ms == usual_timeout_ms() {
        return open.to_owned();
    }
    format!("{open}; SET LOCAL statement_timeout = {timeout_ms}")
}

/// Removes what a committed statement can leave behind: settings, roles, cursors, temporary tables, locks.
pub(super) fn clean_after_write() -> String {
    format!(
        "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; \
         DISCARD SEQUENCES; {}",
        prepare()
    )
}
