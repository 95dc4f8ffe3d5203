//! What ClickHouse says, in the words of a query's error.

use bulkhead_model::query::QueryMode;
use http::{HeaderMap, StatusCode};

use crate::error::QueryError;
use crate::target::Target;

/// User or password: unknown, wrong, missing, and the word for all of them in newer versions.
const LOG_IN: &[u32] = &[192, 193, 194, 516];
const UNKNOWN_DATABASE: u32 = 81;
const TIMEOUT: u32 = 159;
const READONLY: u32 = 164;

/// `Code: 62. DB::Exception: Syntax error: ... (SYNTAX_ERROR) (version 26.9.2.1)`.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    code: u32,
    message: String,
}

impl Said {
    /// What a text says, anywhere in it; nothing if it is not ClickHouse that speaks.
    pub(super) fn in_text(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("Code: ")?;
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let code = rest[..digits].parse().ok()?;
        let rest = rest[digits..].trim_start_matches([',', '.', ' ']);
        let rest = rest.strip_prefix("e.displayText() = ").unwrap_or(rest);
        let rest = rest.strip_prefix("DB::Exception: ").unwrap_or(rest);
        let line = rest.split("(version ").next().unwrap_or(rest).trim_end();
        // What frames it in the stream of newer versions.
        let line = line.split("\n__exception__").next().unwrap_or(line).trim_end();
        Some(Self { code, message: line.to_owned() })
    }

    /// As an error of a query.
    pub(super) fn into_error(self, mode: QueryMode, timeout_ms: u32, target: &Target) -> QueryError {
        let Self { code, mut message } = self;
        if LOG_IN.contains(&code) {
            return target.log_in(message);
        }
        if code == TIMEOUT {
            return QueryError::Timeout(timeout_ms);
        }
        if code == READONLY && message.contains("Cannot modify") {
            message.push_str(
                ": a read has its settings from the connector and no SETTINGS of its own; and the user must not be read-only \
                 by its profile, but by its grants",
            );
        } else if code == READONLY && mode == QueryMode::Read {
            message.push_str(": set the query's mode to \"write\" if it is meant to change data");
        }
        QueryError::Sql { message, sqlstate: code.to_string(), position: None }
    }

    /// As an error of a test of the settings.
    pub(super) fn into_diagnosis(self, target: &Target) -> QueryError {
        if self.code == UNKNOWN_DATABASE {
            return target.log_in(self.message);
        }
        self.into_error(QueryMode::Write, 0, target)
    }
}

/// What an answer that is no success says; nothing if it is not ClickHouse that speaks.
pub(super) fn refusal(headers: &HeaderMap, body: &[u8]) -> Option<Said> {
    let said = Said::in_text(&String::from_utf8_lossy(body));
    let code = headers.get("x-clickhouse-exception-code").and_then(|code| code.to_str().ok()?.parse().ok());
    match (said, code) {
        (Some(said), _) => Some(said),
        (None, Some(code)) => Some(Said { code, message: "the server refused it without a word".to_owned() }),
        (None, None) => None,
    }
}

/// Whatever answered, it was not ClickHouse.
pub(super) fn other_server(status: StatusCode) -> QueryError {
    QueryError::Sql {
        message: format!(
            "the server answered with status {status}, and not as ClickHouse does by HTTP: check host and port (8443 with TLS, 8123 \
             without, mostly)"
        ),
        sqlstate: status.as_str().to_owned(),
        position: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_message_are_told_apart_in_every_form() {
        for (text, code, message) in [
            (
                "Code: 60. DB::Exception: Unknown table (UNKNOWN_TABLE) (version 26.9.2.1)",
                60,
                "Unknown table (UNKNOWN_TABLE)",
            ),
            ("Code: 60, e.displayText() = DB::Exception: Unknown (version 20.3)", 60, "Unknown"),
            (
                "\r\n__exception__\r\nabcd\r\nCode: 395. DB::Exception: no (X) (version 26.1)\n40 abcd\r\n__exception__\r\n",
                395,
                "no (X)",
            ),
            ("{\"exception\": \"Code: 395. DB::Exception: no (X) (version 24.1)\"}", 395, "no (X)"),
        ] {
            assert_eq!(Said::in_text(text), Some(Said { code, message: message.to_owned() }), "{text}");
        }
        assert_eq!(Said::in_text("<html>Not found</html>"), None);
    }

    #[test]
    fn what_kind_of_error_it_is_follows_from_the_code() {
        let target = Target::new("events".into(), None, false);
        let error = |code, message: &str, mode| Said { code, message: message.into() }.into_error(mode, 500, &target);
        assert!(matches!(error(516, "no", QueryMode::Read), QueryError::LogIn { .. }));
        assert!(matches!(error(159, "late", QueryMode::Read), QueryError::Timeout(500)));
        assert!(error(164, "Cannot execute query in readonly mode", QueryMode::Read).to_string().contains("write"));
        assert!(error(164, "Cannot modify 'x' setting", QueryMode::Read).to_string().contains("grants"));
    }
}
