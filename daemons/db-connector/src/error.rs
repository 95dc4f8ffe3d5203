//! Why a query was not run, as a problem document. Nothing here repeats a value or a secret.

use axum::response::{IntoResponse, Response};
use bulkhead_model::sql::{CompiledStatement, SqlError};
use bulkhead_rpc::{Problem, RpcError};
use bulkhead_seal::OpenError;
use bulkhead_store::StoreError;
use thiserror::Error;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};
use tokio_postgres::types::Type;

/// Why a query was not run.
#[derive(Debug, Error)]
pub(crate) enum QueryError {
    #[error("there is no such resource: choose one that exists")]
    UnknownResource,
    #[error("Bulkhead's own database does not answer")]
    Store(#[source] StoreError),
    #[error("the secret of resource `{resource}` cannot be opened")]
    Secret {
        resource: String,
        #[source]
        source: OpenError,
    },
    #[error("resource `{resource}` has no password: enter one on its page")]
    NoSecret { resource: String },
    #[error("{0}")]
    Statement(#[from] SqlError),
    #[error("this kind of statement cannot run here: {0}")]
    Unsupported(&'static str),
    #[error("parameter `{0}` is missing: give it a value")]
    ParameterMissing(String),
    #[error("parameter `{expression}` is {found}, and the statement wants {wanted} there")]
    ParameterType { expression: String, found: &'static str, wanted: String },
    #[error("parameter `{expression}` does not fit: the statement wants {wanted} there ({message})")]
    ParameterValue { expression: String, wanted: String, message: String },
    #[error("parameter `{expression}` must be bytes as base64, or as hexadecimal digits behind \\x")]
    ParameterBytes { expression: String },
    #[error("parameter `{0}` holds a NUL character, which PostgreSQL cannot store: remove it")]
    ParameterNul(String),
    #[error("column `{column}` has type {type_name}, which has no JSON form here: cast it, for example {column}::text")]
    ColumnType { column: String, type_name: String },
    #[error("resource `{resource}`: host {host} is not known: check its name")]
    UnknownHost { resource: String, host: String },
    #[error(
        "resource `{resource}`: host {host} is on this machine or link-local, which resources may not use; an administrator can allow it by allow-networks in db-connector.toml"
    )]
    HostRefused { resource: String, host: String },
    #[error("resource `{resource}`: {host}:{port} cannot be reached: {reason}")]
    Unreachable { resource: String, host: String, port: u16, reason: String },
    #[error(
        "resource `{resource}`: no encrypted connection to {host}:{port}: {reason}. Use the name that the server's certificate shows, give the resource the CA certificate that signed it, or turn TLS on at the server"
    )]
    Tls { resource: String, host: String, port: u16, reason: String },
    #[error("resource `{resource}`: {}", problem.detail)]
    Tunnel { resource: String, problem: Box<Problem> },
    #[error(
        "resource `{resource}` is reached through an SSH host, and the SSH connector does not answer: systemctl status bulkhead-ssh-connector"
    )]
    NoSshConnector {
        resource: String,
        #[source]
        source: RpcError,
    },
    #[error(
        "resource `{resource}`: the database refused to log in: {message}. Check user and password on the resource's page"
    )]
    LogIn { resource: String, message: String },
    #[error("resource `{0}` is busy: all its connections are in use. Try again, or raise max-connections-per-resource")]
    Busy(String),
    #[error("the query took longer than its {0} ms and was cancelled: make it faster or raise its timeout")]
    Timeout(u32),
    #[error(
        "the result is larger than its {0} bytes, and nothing was changed: select fewer rows or columns, or raise max-bytes"
    )]
    TooLarge(u32),
    #[error("column `{column}` holds a value that cannot be shown as {type_name}: cast it, for example {column}::text")]
    Value { column: String, type_name: String },
    #[error(
        "{rows} rows fit the conditions and at most {at_most} may change, so none did: narrow the conditions, or raise at-most"
    )]
    TooManyRows { rows: u64, at_most: u64 },
    #[error("the rows of `{expression}`: {problem}")]
    Rows { expression: String, problem: String },
    #[error("{message}")]
    Sql { message: String, sqlstate: String, position: Option<u32> },
    #[error("the connection to resource `{0}` was lost and nothing was changed: try again")]
    Lost(String),
    #[error(
        "the connection to resource `{0}` was lost while the change was committed: look whether it was made before trying again"
    )]
    OutcomeUnknown(String),
}

impl QueryError {
    /// What PostgreSQL said about a statement.
    pub(crate) fn from_postgres(
        error: &tokio_postgres::Error,
        resource: &str,
        timeout_ms: u32,
        compiled: &CompiledStatement<'_>,
    ) -> Self {
        let Some(said) = error.as_db_error() else { return Self::Lost(resource.to_owned()) };
        // An administrator who cancels a statement is told apart by words alone; in another language it reads as a timeout.
        if *said.code() == SqlState::QUERY_CANCELED && !said.message().contains("user request") {
            return Self::Timeout(timeout_ms);
        }
        if said.code().code().starts_with("57P") {
            return Self::Lost(resource.to_owned());
        }
        let position = match said.position() {
            // PostgreSQL counts from 1.
            Some(ErrorPosition::Original(position)) if compiled.is_written() => {
                let position = (*position as usize).saturating_sub(1);
                u32::try_from(compiled.written_position(position) + 1).ok()
            }
            _ => None,
        };
        Self::Sql { message: message(said, compiled), sqlstate: said.code().code().to_owned(), position }
    }

    /// [`Self::from_postgres`] for an error while parameters were bound: names the one that does not fit.
    pub(crate) fn from_bind(
        error: &tokio_postgres::Error,
        resource: &str,
        timeout_ms: u32,
        compiled: &CompiledStatement<'_>,
        types: &[Type],
    ) -> Self {
        let said = error.as_db_error().filter(|said| said.code().code().starts_with("22"));
        // PostgreSQL names the parameter in the error's context: `unnamed portal parameter $2`.
        let number = said.and_then(|said| said.where_()).and_then(parameter_number);
        let place = number.and_then(|number| number.checked_sub(1));
        match place.and_then(|place| Some((compiled.expressions.get(place)?, types.get(place)?))) {
            Some((expression, wanted)) => Self::ParameterValue {
                expression: (*expression).to_owned(),
                wanted: wanted.name().to_owned(),
                message: said.map_or_else(String::new, |said| said.message().to_owned()),
            },
            None => Self::from_postgres(error, resource, timeout_ms, compiled),
        }
    }

    fn status_and_code(&self) -> (u16, &str) {
        match self {
            Self::UnknownResource => (404, "resource-unknown"),
            Self::Store(_) => (503, "database-unavailable"),
            Self::Secret { .. } | Self::NoSecret { .. } => (422, "resource-secret"),
            Self::Statement(_) => (422, "statement-invalid"),
            Self::Unsupported(_) => (422, "statement-unsupported"),
            Self::ParameterMissing(_) => (422, "parameter-missing"),
            Self::ParameterType { .. }
            | Self::ParameterValue { .. }
            | Self::ParameterBytes { .. }
            | Self::ParameterNul(_) => (422, "parameter-type"),
            Self::ColumnType { .. } | Self::Value { .. } => (422, "column-type"),
            Self::HostRefused { .. } => (422, "resource-host-refused"),
            Self::Tls { .. } => (502, "resource-tls"),
            Self::Tunnel { problem, .. } => (problem.status, &problem.code),
            Self::NoSshConnector { .. } => (503, "ssh-connector-unavailable"),
            Self::UnknownHost { .. } | Self::Unreachable { .. } => (502, "resource-unreachable"),
            Self::LogIn { .. } => (502, "resource-log-in"),
            Self::Busy(_) => (503, "resource-busy"),
            Self::Timeout(_) => (504, "query-timeout"),
            Self::TooLarge(_) => (422, "result-too-large"),
            Self::TooManyRows { .. } => (422, "too-many-rows"),
            Self::Rows { .. } => (422, "rows-invalid"),
            Self::Sql { .. } => (422, "query-failed"),
            Self::Lost(_) => (502, "resource-lost"),
            Self::OutcomeUnknown(_) => (502, "outcome-unknown"),
        }
    }

    /// The problem document.
    pub(crate) fn problem(&self) -> Problem {
        let (status, code) = self.status_and_code();
        let mut problem = Problem::new(status, code, self.to_string());
        if let Self::Sql { sqlstate, position, .. } = self {
            problem.sqlstate = Some(sqlstate.clone());
            problem.position = *position;
        }
        if let Self::Secret { source, .. } = self {
            problem.detail = format!("{self}: {source}");
        }
        problem
    }
}

/// What PostgreSQL said, with its detail and hint, and with what to do where that is known.
fn message(said: &DbError, compiled: &CompiledStatement<'_>) -> String {
    let mut message = said.message().to_owned();
    if *said.code() == SqlState::INDETERMINATE_DATATYPE
        && let Some(expression) = parameter_number(&message).and_then(|number| compiled.expressions.get(number - 1))
    {
        return format!(
            "the type of {{{{ {expression} }}}} cannot be told from its place: cast it, for example {{{{ {expression} }}}}::text"
        );
    }
    if *said.code() == SqlState::READ_ONLY_SQL_TRANSACTION {
        message.push_str(": set the query's mode to \"write\" if it is meant to change data");
    }
    for more in [said.detail(), said.hint()].into_iter().flatten() {
        message.push_str(". ");
        message.push_str(more);
    }
    message
}

/// The number behind the first `$` that has one; never 0.
fn parameter_number(text: &str) -> Option<usize> {
    let (_, after) = text.split_once('$')?;
    let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    after[..digits].parse().ok().filter(|number| *number > 0)
}

impl IntoResponse for QueryError {
    fn into_response(self) -> Response {
        if let Self::Store(source) = &self {
            tracing::error!("{self}: {source}");
        }
        if let Self::NoSshConnector { source, .. } = &self {
            tracing::error!("{self}: {source}");
        }
        self.problem().response().into_response()
    }
}
