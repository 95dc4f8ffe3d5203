//! Why a query was not run, as a problem document. Nothing here repeats a value or a secret.

use axum::response::{IntoResponse, Response};
use bulkhead_model::operation::FillError;
use bulkhead_model::query::QueryMode;
use bulkhead_model::sql::SqlError;
use bulkhead_model::sql::pages::PagesError;
use bulkhead_model::tables::SchemaChangeError;
use bulkhead_rpc::{Problem, RpcError};
use bulkhead_seal::OpenError;
use bulkhead_store::StoreError;
use thiserror::Error;

/// Why there is no account to ask a resource as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Unconnected {
    #[error("no account is connected: connect one")]
    Never,
    #[error("its settings have changed since the account was connected: connect it again")]
    SettingsChanged,
    #[error("the server no longer lets the account in: connect it again")]
    Refused,
    #[error("the account's token has ended and the server gave none to renew it with: connect it again")]
    Ended,
    #[error(
        "each person uses an account of their own here, and nobody has asked: a workflow needs a resource with a shared account"
    )]
    Nobody,
    #[error("an account is connected once the resource is saved")]
    Unsaved,
}

/// Why a query was not run.
#[derive(Debug, Error)]
pub(crate) enum QueryError {
    #[error("there is no such resource: choose one that exists")]
    UnknownResource,
    #[error(
        "resource `{resource}` has no settings for the environment `{environment}`: add them on its page, or choose another environment"
    )]
    NotInEnvironment { resource: String, environment: String },
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
    #[error("{0}")]
    Operation(#[from] FillError),
    #[error("this resource speaks no SQL: choose one of its operations in the place of a statement")]
    NotByStatement,
    #[error("this resource is asked by SQL: write a statement, or a change of a table, in the place of an operation")]
    NotByOperation,
    #[error("this is no operation of this kind of resource: choose one of its own")]
    OtherOperation,
    #[error("{0}")]
    Invalid(String),
    #[error("the request cannot be sent: {0}")]
    Request(String),
    #[error("this kind of statement cannot run here: {0}")]
    Unsupported(&'static str),
    #[error("this statement cannot run here: {0}")]
    StatementRefused(String),
    #[error(
        "this kind of resource takes one statement at a time: a list of statements is for PostgreSQL and SQL Server"
    )]
    OneStatement,
    #[error("statement {number} of {of}, and none was made: {error}")]
    InList { number: usize, of: usize, error: Box<QueryError> },
    #[error("this kind of resource does not tell how it runs a query: EXPLAIN is for PostgreSQL")]
    NoPlan,
    #[error(
        "this kind of resource does not give its rows one by one, so not all of them can be exported: that is for SQL databases"
    )]
    NoExport,
    #[error("this kind of resource cuts no pages: that is for SQL databases")]
    NoPages,
    #[error("{0}")]
    Pages(#[from] PagesError),
    #[error("only a query that reads can be exported")]
    ExportWrites,
    #[error("exports are turned off: an administrator can allow them by export-rows in db-connector.toml")]
    ExportOff,
    #[error(
        "as many exports as may be are being made: try again in a while, or raise max-exports in db-connector.toml"
    )]
    ExportsBusy,
    #[error(
        "there are more than {0} rows, the most that an export may have: narrow the query, or have an administrator raise export-rows in db-connector.toml"
    )]
    ExportRows(u32),
    #[error(
        "the export took longer than {0} s, or was read too slowly: narrow the query, or have an administrator raise export-timeout-s in db-connector.toml"
    )]
    ExportTime(u32),
    #[error("the plan of this query has no form that can be shown: run EXPLAIN as a query of its own")]
    OddPlan,
    #[error("this kind of resource has no tables that are kept here: that is for PostgreSQL")]
    NoTables,
    #[error("there is no table {0}: somebody may have renamed or dropped it meanwhile")]
    NoTable(String),
    #[error("the table {table} has no column {column}: somebody may have renamed or dropped it meanwhile")]
    NoColumn { table: String, column: String },
    #[error("the table has changed since this was shown, and nothing was done: look at it again")]
    TableChanged,
    #[error("somebody else is using the table, and nothing was done: try again in a moment")]
    TableBusy,
    #[error("{0}")]
    Table(String),
    #[error("{0}")]
    SchemaChange(#[from] SchemaChangeError),
    #[error("{0}")]
    Edits(String),
    #[error("there is no such import: it was finished, or is older than a day")]
    NoImport,
    #[error("{0}")]
    Import(String),
    #[error("parameter `{0}` is missing: give it a value")]
    ParameterMissing(String),
    #[error("parameter `{expression}` is {found}, and the statement wants {wanted} there")]
    ParameterType { expression: String, found: &'static str, wanted: String },
    #[error("parameter `{expression}` does not fit: the statement wants {wanted} there ({message})")]
    ParameterValue { expression: String, wanted: String, message: String },
    #[error("parameter `{expression}` must be bytes as base64, or as hexadecimal digits behind \\x")]
    ParameterBytes { expression: String },
    #[error("parameter `{0}` holds a NUL character, which the database cannot store: remove it")]
    ParameterNul(String),
    #[error("column `{column}` has type {type_name}, which has no JSON form here: cast it, for example {column}::text")]
    ColumnType { column: String, type_name: String },
    #[error("resource `{resource}`: the file {path} cannot be used: {reason}")]
    File { resource: String, path: String, reason: String },
    #[error(
        "resource `{resource}`: the file {path} lies in no directory for resources; an administrator can list its directory under sqlite-directories in db-connector.toml"
    )]
    FileRefused { resource: String, path: String },
    #[error("resource `{resource}`: host {host} is not known: check its name")]
    UnknownHost { resource: String, host: String },
    #[error(
        "resource `{resource}`: host {host} is on this machine, link-local, or outside of the networks for this kind of resource; an administrator can allow it by allow-networks or kind-networks in db-connector.toml"
    )]
    HostRefused { resource: String, host: String },
    #[error("resource `{resource}`: {host}:{port} cannot be reached: {reason}")]
    Unreachable { resource: String, host: String, port: u16, reason: String },
    #[error(
        "resource `{resource}`: no encrypted connection to {host}:{port}: {reason}. Use the name that the server's certificate shows, give the resource the CA certificate that signed it, or turn TLS on at the server"
    )]
    Tls { resource: String, host: String, port: u16, reason: String },
    #[error("resource `{resource}`: its client certificate: {reason}")]
    ClientCertificate { resource: String, reason: String },
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
        "resource `{resource}`: the server refused to log in: {message}. Check user and secret on the resource's page"
    )]
    LogIn { resource: String, message: String },
    #[error("log-in with `{name}`: {message}")]
    Provider { name: String, message: String },
    #[error("resource `{resource}`: {why}")]
    Unconnected { resource: String, why: Unconnected },
    #[error(
        "this took longer than ten minutes, was done already, or began in another session or with other settings: connect the account again"
    )]
    AttemptOver,
    #[error("resource `{0}` is busy: all its connections are in use. Try again, or raise max-connections-per-resource")]
    Busy(String),
    #[error(
        "resource `{0}`: as many large answers are being read as there is memory for: try again, ask for less, or raise answer-bytes in db-connector.toml"
    )]
    NoRoom(String),
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
    #[error("`{field}` {problem}")]
    Field { field: String, problem: String },
    #[error("the rows of `{expression}`: {problem}")]
    Rows { expression: String, problem: String },
    #[error("{message}")]
    Sql { message: String, sqlstate: String, position: Option<u32> },
    /// What became of a query that asked the same at the same time.
    #[error("{}", .0.detail)]
    Shared(Box<Problem>),
    #[error("the connection to resource `{0}` was lost and nothing was changed: try again")]
    Lost(String),
    #[error(
        "the connection to resource `{0}` was lost while the change was committed: look whether it was made before trying again"
    )]
    OutcomeUnknown(String),
    /// The server's word, which leaves open what became of a change.
    #[error("resource `{resource}`: {message}. Whether the change was made is not known: look before trying again")]
    Undecided { resource: String, message: String },
}

impl QueryError {
    /// A connection that broke before the answer was there, or whole: nobody knows whether a change was made, and a read has made none.
    pub(crate) fn lost(mode: QueryMode, resource: &str) -> Self {
        match mode {
            QueryMode::Read => Self::Lost(resource.to_owned()),
            QueryMode::Write => Self::OutcomeUnknown(resource.to_owned()),
        }
    }

    /// An answer that is too large: it is left unread, and a change that it is of has been made.
    pub(crate) fn too_large(mode: QueryMode, answer: &str, max_bytes: u32, sqlstate: &str) -> Self {
        match mode {
            QueryMode::Read => Self::TooLarge(max_bytes),
            QueryMode::Write => Self::left_unread(answer, max_bytes, sqlstate),
        }
    }

    /// An answer that is too large, after a change: it has been made, and to say otherwise would invite a second one.
    pub(crate) fn left_unread(answer: &str, max_bytes: u32, sqlstate: &str) -> Self {
        Self::Sql {
            message: format!(
                "{answer} is larger than the query's {max_bytes} bytes and was left unread: look what was changed before \
                 trying again, or raise max-bytes"
            ),
            sqlstate: sqlstate.to_owned(),
            position: None,
        }
    }

    /// The same, of one statement in a list, where it is about a statement.
    pub(crate) fn in_list(self, number: usize, of: usize) -> Self {
        let is_of_statement = matches!(
            self,
            Self::Sql { .. }
                | Self::Statement(_)
                | Self::Unsupported(_)
                | Self::StatementRefused(_)
                | Self::ParameterMissing(_)
                | Self::ParameterType { .. }
                | Self::ParameterValue { .. }
                | Self::ParameterBytes { .. }
                | Self::ParameterNul(_)
                | Self::ColumnType { .. }
                | Self::Value { .. }
        );
        if of > 1 && is_of_statement { Self::InList { number, of, error: Box::new(self) } } else { self }
    }

    fn status_and_code(&self) -> (u16, &str) {
        match self {
            Self::UnknownResource => (404, "resource-unknown"),
            Self::NotInEnvironment { .. } => (422, "environment-not-configured"),
            Self::Store(_) => (503, "database-unavailable"),
            Self::Secret { .. } | Self::NoSecret { .. } => (422, "resource-secret"),
            Self::Statement(_) => (422, "statement-invalid"),
            Self::Operation(FillError::Missing(_)) => (422, "parameter-missing"),
            Self::Invalid(_) => (422, "operation-invalid"),
            Self::Operation(FillError::NoText(_) | FillError::InPath(_)) => (422, "parameter-type"),
            Self::Operation(FillError::Binding(_)) | Self::Request(_) => (422, "operation-invalid"),
            Self::NotByStatement | Self::NotByOperation | Self::OtherOperation => (422, "operation-unsupported"),
            Self::Unsupported(_) | Self::StatementRefused(_) => (422, "statement-unsupported"),
            Self::OneStatement => (422, "statements-unsupported"),
            Self::InList { error, .. } => error.status_and_code(),
            Self::NoPlan => (422, "explain-unsupported"),
            Self::OddPlan => (422, "plan-unreadable"),
            Self::NoPages | Self::Pages(_) => (422, "pages-unsupported"),
            Self::NoExport => (422, "export-unsupported"),
            Self::ExportWrites => (422, "export-writes"),
            Self::ExportOff => (403, "export-off"),
            Self::ExportsBusy => (503, "exports-busy"),
            Self::ExportRows(_) => (422, "export-too-long"),
            Self::ExportTime(_) => (504, "export-timeout"),
            Self::NoTables => (422, "tables-unsupported"),
            Self::NoTable(_) => (422, "table-unknown"),
            Self::NoColumn { .. } => (422, "column-unknown"),
            Self::TableChanged => (409, "table-changed"),
            Self::TableBusy => (409, "table-busy"),
            Self::Table(_) => (422, "table-invalid"),
            Self::SchemaChange(_) => (422, "change-invalid"),
            Self::Edits(_) => (422, "edits-invalid"),
            Self::NoImport => (422, "import-unknown"),
            Self::Import(_) => (422, "import-invalid"),
            Self::ParameterMissing(_) => (422, "parameter-missing"),
            Self::ParameterType { .. }
            | Self::ParameterValue { .. }
            | Self::ParameterBytes { .. }
            | Self::ParameterNul(_) => (422, "parameter-type"),
            Self::ColumnType { .. } | Self::Value { .. } => (422, "column-type"),
            Self::HostRefused { .. } => (422, "resource-host-refused"),
            Self::FileRefused { .. } => (422, "resource-file-refused"),
            Self::File { .. } => (502, "resource-unreachable"),
            Self::Tls { .. } => (502, "resource-tls"),
            Self::ClientCertificate { .. } => (502, "resource-client-certificate"),
            Self::Tunnel { problem, .. } => (problem.status, &problem.code),
            Self::NoSshConnector { .. } => (503, "ssh-connector-unavailable"),
            Self::UnknownHost { .. } | Self::Unreachable { .. } => (502, "resource-unreachable"),
            Self::LogIn { .. } => (502, "resource-log-in"),
            Self::Unconnected { why: Unconnected::Nobody | Unconnected::Unsaved, .. } => (422, "account-unusable"),
            Self::Unconnected { .. } => (422, "account-needed"),
            Self::Provider { .. } => (502, "provider-refused"),
            Self::AttemptOver => (410, "attempt-over"),
            Self::Busy(_) => (503, "resource-busy"),
            Self::NoRoom(_) => (503, "answers-busy"),
            Self::Timeout(_) => (504, "query-timeout"),
            Self::TooLarge(_) => (422, "result-too-large"),
            Self::TooManyRows { .. } => (422, "too-many-rows"),
            Self::Field { .. } => (422, "value-invalid"),
            Self::Rows { .. } => (422, "rows-invalid"),
            Self::Sql { .. } => (422, "query-failed"),
            Self::Shared(problem) => (problem.status, &problem.code),
            Self::Lost(_) => (502, "resource-lost"),
            Self::OutcomeUnknown(_) | Self::Undecided { .. } => (502, "outcome-unknown"),
        }
    }

    /// The problem document.
    pub(crate) fn problem(&self) -> Problem {
        if let Self::Shared(problem) = self {
            return (**problem).clone();
        }
        let (status, code) = self.status_and_code();
        let mut problem = Problem::new(status, code, self.to_string());
        match self {
            Self::Sql { sqlstate, position, .. } => {
                problem.sqlstate = Some(sqlstate.clone());
                problem.position = *position;
            }
            Self::Unconnected { resource, .. } if problem.code == "account-needed" => {
                problem.resource = Some(resource.clone());
            }
            // Its place is one in that statement, which the position alone does not tell.
            Self::InList { error, .. } => problem.sqlstate = error.problem().sqlstate,
            _ => {}
        }
        if let Self::Secret { source, .. } = self {
            problem.detail = format!("{self}: {source}");
        }
        problem
    }
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
