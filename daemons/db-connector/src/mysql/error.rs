//! What MySQL says, in the words of a query's error.

use super::wire::{Failed, ServerError};
use crate::error::QueryError;

/// A statement that was stopped by KILL QUERY.
pub(super) const KILLED: u16 = 1317;
/// One that was stopped by a limit of time, MariaDB's or MySQL's.
const LATE: [u16; 2] = [1969, 3024];
const READ_ONLY: u16 = 1792;

/// What became of a statement.
pub(super) fn of(failed: Failed, resource: &str, timeout_ms: u32, max_bytes: u32) -> QueryError {
    match failed {
        Failed::Gone(_) => QueryError::Lost(resource.to_owned()),
        Failed::TooLarge => QueryError::TooLarge(max_bytes),
        Failed::Server(error) => said(error, timeout_ms),
    }
}

fn said(error: ServerError, timeout_ms: u32) -> QueryError {
    let ServerError { code, sqlstate, mut message } = error;
    if LATE.contains(&code) {
        return QueryError::Timeout(timeout_ms);
    }
    if code == READ_ONLY {
        message.push_str(": set the query's mode to \"write\" if it is meant to change data");
    }
    QueryError::Sql { message, sqlstate, position: None }
}
