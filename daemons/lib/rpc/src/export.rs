//! db-connector: writes all rows of one query as a file.
//!
//! `POST /v1/export` answers 200 with the file, written as its rows are read: no cap of a result holds, but the administrator's on exports.
//! Its end is told behind it, in the trailer [`END`]: how many rows there are, and the error that struck among them. A body without that
//! trailer is broken. A failure before the first rows is a problem document with its own status.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Problem;
use crate::connector::QueryRequest;

/// The trailer that has an [`ExportEnd`] as JSON.
pub const END: &str = "bulkhead-end";

/// The longest detail of an error in a trailer, in characters: readers of HTTP bound what trailers take.
const MAX_DETAIL_CHARS: usize = 2000;

/// What rows are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// As RFC 4180 has it, in UTF-8: a line of names, then one for each row. Nothing is null, `""` an empty text.
    Csv,
    /// The same for programs that calculate: with a mark of UTF-8 before it, and `'` before texts that they would run as formulas.
    CsvForSpreadsheets,
    /// An object on each line.
    Ndjson,
    /// One list of objects.
    Json,
}

impl ExportFormat {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv | Self::CsvForSpreadsheets => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
        }
    }

    /// How names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv | Self::CsvForSpreadsheets => "csv",
            Self::Ndjson => "ndjson",
            Self::Json => "json",
        }
    }
}

/// Exports a query that reads. Dropping the connection cancels it on the server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    /// The query. Of its limits, `max_bytes` holds for each row, and the others are the administrator's.
    pub query: QueryRequest,
    /// What its rows are written as.
    pub format: ExportFormat,
}

/// How an export ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportEnd {
    /// Rows that were written.
    pub rows: u64,
    /// Why there are no more of them, where there should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

impl ExportEnd {
    /// As trailers.
    pub fn to_trailers(&self) -> HeaderMap {
        let mut end = self.clone();
        if let Some(error) = &mut end.error {
            error.detail = error.detail.chars().take(MAX_DETAIL_CHARS).collect();
            error.faults.clear();
        }
        // JSON has escaped all that no header can hold, but for this one.
        let text = serde_json::to_string(&end).unwrap_or_default().replace('\u{7f}', "\\u007f");
        let value = HeaderValue::from_bytes(text.as_bytes());
        value.map(|value| HeaderMap::from_iter([(HeaderName::from_static(END), value)])).unwrap_or_default()
    }

    /// What trailers tell.
    pub fn from_trailers(trailers: &HeaderMap) -> Option<Self> {
        serde_json::from_slice(trailers.get(END)?.as_bytes()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_survives_its_trailers() {
        for error in
            [None, Some(Problem::new(422, "query-failed", "é \u{7f}\n\"x\" 中")), Some(Problem::new(502, "x", ""))]
        {
            let end = ExportEnd { rows: 7, error };
            assert_eq!(ExportEnd::from_trailers(&end.to_trailers()), Some(end));
        }
        let long = ExportEnd { rows: 1, error: Some(Problem::new(422, "query-failed", "é".repeat(100_000))) };
        let told = ExportEnd::from_trailers(&long.to_trailers()).and_then(|end| end.error).expect("an error");
        assert_eq!(told.detail.chars().count(), MAX_DETAIL_CHARS);
        assert_eq!(ExportEnd::from_trailers(&HeaderMap::new()), None);
    }
}
