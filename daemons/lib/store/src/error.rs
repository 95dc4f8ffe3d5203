//! Why a query failed, as its caller needs to know it.

use thiserror::Error;
use tokio_postgres::error::SqlState;

/// Why a query failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// PostgreSQL cannot be reached, or stopped answering.
    #[error("{operation}: the database does not answer")]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row of that name or key exists already.
    #[error("{operation}: it exists already")]
    Exists {
        /// What was tried.
        operation: &'static str,
    },
    /// The row was changed by somebody else since it was read.
    #[error("{operation}: it was changed meanwhile")]
    Changed {
        /// What was tried.
        operation: &'static str,
    },
    /// There is no such row.
    #[error("{operation}: there is none")]
    NotFound {
        /// What was tried.
        operation: &'static str,
    },
    /// Nobody would own the thing any more.
    #[error("{operation}: nobody would own it any more")]
    LastOwner {
        /// What was tried.
        operation: &'static str,
    },
    /// The database refused: a fault of ours.
    #[error("{operation} failed")]
    Refused {
        /// What was tried.
        operation: &'static str,
        /// The cause.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A stored value does not read as what it must be.
    #[error("{operation}: a stored value is damaged")]
    Damaged {
        /// What was tried.
        operation: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// For `map_err`: what PostgreSQL said, sorted by what the caller can do about it.
    pub(crate) fn of(operation: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |source| match source.code() {
            None => Self::Unavailable { operation, source: Box::new(source) },
            Some(&SqlState::UNIQUE_VIOLATION) => Self::Exists { operation },
            Some(code) if code.code().starts_with("57P") || code.code().starts_with("08") => {
                Self::Unavailable { operation, source: Box::new(source) }
            }
            Some(_) => Self::Refused { operation, source },
        }
    }

    /// For `map_err`: a value that does not parse.
    pub(crate) fn damaged<E: std::error::Error + Send + Sync + 'static>(
        operation: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Damaged { operation, source: Box::new(source) }
    }

    /// A stored word that is none of its type's.
    pub(crate) fn bad_word(operation: &'static str, word: &str) -> Self {
        Self::Damaged { operation, source: format!("`{word}` is not a known word").into() }
    }
}
