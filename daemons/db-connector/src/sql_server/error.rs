//! What SQL Server says, in the words of a query's error.

use super::wire::{Failed, ServerError};
use crate::error::QueryError;

/// A row that is there already, by a constraint and by an index.
pub(super) const IS_THERE: [u32; 2] = [2627, 2601];
pub(super) const NO_TABLE: u32 = 208;
const NO_COLUMN: u32 = 207;

/// What became of a statement.
pub(super) fn of(failed: Failed, resource: &str, max_bytes: u32) -> QueryError {
    match failed {
        Failed::Gone(_) => QueryError::Lost(resource.to_owned()),
        Failed::TooLarge => QueryError::TooLarge(max_bytes),
        Failed::UnknownType => {
            QueryError::Unsupported("a column has a type that is not known here; cast it, for example to nvarchar(max)")
        }
        Failed::Server(ServerError { number, message }) => {
            QueryError::Sql { message, sqlstate: sqlstate(number).to_owned(), position: None }
        }
    }
}

/// SQL Server has numbers of its own; these are the SQLSTATEs that its ODBC driver gives to the most frequent.
pub(super) fn sqlstate(number: u32) -> &'static str {
    match number {
        number if IS_THERE.contains(&number) || matches!(number, 515 | 547) => "23000",
        NO_TABLE => "42S02",
        NO_COLUMN => "42S22",
        2714 => "42S01",
        229 | 230 | 262 => "42501",
        102 | 105 | 156 | 170 | 319 | 4145 => "42000",
        1205 => "40001",
        8134 => "22012",
        220 | 232 | 8115 => "22003",
        241 | 242 | 295 => "22007",
        245 | 8114 => "22018",
        2628 | 8152 => "22001",
        _ => "HY000",
    }
}
