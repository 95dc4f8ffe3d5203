//! What PostgreSQL says, in the words of a query's error.

use bulkhead_model::sql::CompiledStatement;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};
use tokio_postgres::types::Type;

use crate::error::QueryError;

/// What PostgreSQL said about a statement.
pub(super) fn of_statement(
    error: &tokio_postgres::Error,
    resource: &str,
    timeout_ms: u32,
    compiled: &CompiledStatement<'_>,
) -> QueryError {
    let Some(said) = error.as_db_error() else {
        return QueryError::Lost(resource.to_owned());
    };
    // An administrator who cancels a statement is told apart by words alone; in another language it reads as a timeout.
    if *said.code() == SqlState::QUERY_CANCELED && !said.message().contains("user request") {
        return QueryError::Timeout(timeout_ms);
    }
    if said.code().code().starts_with("57P") {
        return QueryError::Lost(resource.to_owned());
    }
    let position = match said.position() {
        // PostgreSQL counts from 1.
        Some(ErrorPosition::Original(position)) if compiled.is_written() => {
            let position = (*position as usize).saturating_sub(1);
            u32::try_from(compiled.written_position(position) + 1).ok()
        }
        _ => None,
    };
    QueryError::Sql { message: message(said, compiled), sqlstate: said.code().code().to_owned(), position }
}

/// [`of_statement`] for an error while parameters were bound: names the one that does not fit.
pub(super) fn of_parameters(
    error: &tokio_postgres::Error,
    resource: &str,
    timeout_ms: u32,
    compiled: &CompiledStatement<'_>,
    types: &[Type],
) -> QueryError {
    let said = error.as_db_error().filter(|said| said.code().code().starts_with("22"));
    // PostgreSQL names the parameter in the error's context: `unnamed portal parameter $2`.
    let number = said.and_then(|said| said.where_()).and_then(parameter_number);
    let place = number.and_then(|number| number.checked_sub(1));
    match place.and_then(|place| Some((compiled.expressions.get(place)?, types.get(place)?))) {
        Some((expression, wanted)) => QueryError::ParameterValue {
            expression: (*expression).to_owned(),
            wanted: wanted.name().to_owned(),
            message: said.map_or_else(String::new, |said| said.message().to_owned()),
        },
        None => of_statement(error, resource, timeout_ms, compiled),
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
pub(super) fn parameter_number(text: &str) -> Option<usize> {
    let (_, after) = text.split_once('$')?;
    let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    after[..digits].parse().ok().filter(|number| *number > 0)
}
