//! Opening the file: below a directory that the administrator has listed, by a way without symlinks, with everything turned off that could
//! lead out of it.

use std::path::{Path, PathBuf};

use bulkhead_model::query::{QueryLimits, QueryMode};
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use crate::error::QueryError;

/// Pragmas that only tell something. Each has its name alone, or the name of a table or an index.
const TELLING: &[&str] = &[
    "application_id",
    "collation_list",
    "compile_options",
    "database_list",
    "encoding",
    "foreign_key_check",
    "foreign_key_list",
    "freelist_count",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "page_count",
    "page_size",
    "quick_check",
    "schema_version",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
];
/// Those of them that take a name; the others would set a value.
const TAKING_A_NAME: &[&str] = &[
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];
/// Functions that load code or take pointers.
const REFUSED_FUNCTIONS: &[&str] = &["fts3_tokenizer", "load_extension"];
/// The longest text or blob that is made, in bytes: a smaller cap on results must not make rows of the file unreadable.
const MAX_LENGTH: i32 = 64 * 1024 * 1024;

/// The file's true path, if it lies below one of `directories`.
pub(super) fn checked(path: &str, directories: &[PathBuf], resource: &str) -> Result<PathBuf, QueryError> {
    let refused = || QueryError::FileRefused { resource: resource.to_owned(), path: path.to_owned() };
    let listed = directories.iter().any(|directory| Path::new(path).starts_with(directory));
    if !listed {
        return Err(refused());
    }
    let absent = |error: std::io::Error| unusable(resource, path, error.to_string());
    let found = Path::new(path).canonicalize().map_err(absent)?;
    // A directory may be a symlink of the administrator's; what lies below it may not lead out of it.
    let below = directories.iter().filter_map(|directory| directory.canonicalize().ok());
    if !below.into_iter().any(|directory| found.starts_with(directory)) {
        return Err(refused());
    }
    if !found.metadata().map_err(absent)?.is_file() {
        return Err(unusable(resource, path, "it is no file".to_owned()));
    }
    Ok(found)
}

/// Opens a file that was checked. SQLite itself refuses it if a part of its path has become a symlink since.
pub(super) fn open(
    path: &Path,
    mode: QueryMode,
    limits: QueryLimits,
    resource: &str,
) -> Result<Connection, QueryError> {
    let access = match mode {
        QueryMode::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        QueryMode::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let flags = access | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(std::time::Duration::from_millis(limits.timeout_ms.into()))?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_LENGTH)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
        if mode == QueryMode::Read {
            connection.pragma_update(None, "query_only", true)?;
        }
        // The first look into the file: whether it is a database at all.
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
        Ok(connection)
    });
    opened.map_err(|error| unusable(resource, &path.display().to_string(), error.to_string()))
}

/// Puts the statement that follows under guard.
pub(super) fn guard(connection: &Connection, mode: QueryMode) {
    connection.authorizer(Some(move |context: AuthContext<'_>| {
        if permits(&context.action, mode) { Authorization::Allow } else { Authorization::Deny }
    }));
}

/// Takes the guard away, for statements of our own.
pub(super) fn unguard(connection: &Connection) {
    connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>);
}

fn permits(action: &AuthAction<'_>, mode: QueryMode) -> bool {
    match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => true,
        AuthAction::Function { function_name } => {
            !REFUSED_FUNCTIONS.iter().any(|refused| refused.eq_ignore_ascii_case(function_name))
        }
        AuthAction::Pragma { pragma_name, pragma_value } => {
            let is_one_of = |list: &[&str]| list.iter().any(|name| name.eq_ignore_ascii_case(pragma_name));
            is_one_of(if pragma_value.is_some() { TAKING_A_NAME } else { TELLING })
        }
        // What SQLite asks when it declares a table of its own, such as json_each(). A person's statement that says so fails: the file is
        // open for reading alone, and defensive.
        AuthAction::Update { table_name: "sqlite_master" | "sqlite_schema", .. } => true,
        // A query is a transaction of its own, in one file.
        AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::Transaction { .. }
        | AuthAction::Savepoint { .. }
        | AuthAction::Unknown { .. } => false,
        _ => mode == QueryMode::Write,
    }
}

fn unusable(resource: &str, path: &str, reason: String) -> QueryError {
    QueryError::File { resource: resource.to_owned(), path: path.to_owned(), reason }
}
