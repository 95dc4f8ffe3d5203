//! All rows of a query as a file: its formats, its end, and its way to the reader.
//!
//! Kinds write rows as they always do; what is made of them is [`crate::answer::RowsWriter`]'s to ask here.

mod csv;

use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bulkhead_model::query::QueryMode;
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::QueryRequest;
use bulkhead_rpc::export::{END, ExportEnd, ExportFormat};
use futures_util::{StreamExt, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio_stream::wrappers::ReceiverStream;

use crate::answer::{Answer, Columns, Summary};
use crate::error::QueryError;

/// What the rows of a query are written as.
#[derive(Clone, Default)]
pub(crate) enum Form {
    /// A result of the query.
    #[default]
    Result,
    /// A file.
    Export(Arc<Export>),
}

/// One export.
pub(crate) struct Export {
    format: ExportFormat,
    /// Rows at most, and milliseconds, as an administrator has set them.
    bounds: (u32, u32),
    end: OnceLock<ExportEnd>,
}

impl Export {
    pub(crate) fn new(format: ExportFormat, bounds: (u32, u32)) -> Arc<Self> {
        Arc::new(Self { format, bounds, end: OnceLock::new() })
    }

    /// A failure, in the words of an export: its time is not the query's.
    pub(crate) fn problem(&self, error: &QueryError) -> Problem {
        match error {
            QueryError::Timeout(_) => QueryError::ExportTime(self.bounds.1 / 1000).problem(),
            other => other.problem(),
        }
    }

    /// How it ended. One that nobody has ended was left when its time was up.
    fn end(&self) -> ExportEnd {
        let late = || ExportEnd { rows: 0, error: Some(self.problem(&QueryError::Timeout(self.bounds.1))) };
        self.end.get().cloned().unwrap_or_else(late)
    }

    /// The file, with its end in its trailers. What fails before the first chunk is handed on is an error.
    pub(crate) fn respond(
        self: Arc<Self>,
        answer: Answer,
        ended: impl FnOnce(&str) + Send + 'static,
    ) -> Result<Response, Box<Problem>> {
        let content_type = self.format.media_type();
        let pieces = match answer {
            Answer::Whole(file) => match self.end().error {
                Some(problem) => {
                    ended(&problem.code);
                    return Err(Box::new(problem));
                }
                None => stream::iter([file]).left_stream(),
            },
            Answer::Pieces(pieces) => ReceiverStream::new(pieces).right_stream(),
        };
        let last = stream::once(async move {
            let end = self.end();
            ended(end.error.as_ref().map_or("ok", |problem| problem.code.as_str()));
            Frame::trailers(end.to_trailers())
        });
        let frames = pieces.map(Frame::data).chain(last).map(Ok::<_, std::convert::Infallible>);
        let headers = [(header::CONTENT_TYPE, content_type), (header::TRAILER, END)];
        Ok((headers, Body::new(StreamBody::new(frames))).into_response())
    }
}

/// Writes rows as a file.
pub(crate) struct Sheet {
    export: Arc<Export>,
    lines: csv::Lines,
    /// A row as an object, for formats that have none.
    row: Vec<u8>,
}

impl Sheet {
    /// With what stands before the rows.
    pub(crate) fn begin(export: &Arc<Export>, columns: &Columns, out: &mut Vec<u8>) -> Self {
        let lines = csv::Lines::of(columns, export.format == ExportFormat::CsvForSpreadsheets);
        match export.format {
            ExportFormat::Csv | ExportFormat::CsvForSpreadsheets => lines.head(columns, out),
            ExportFormat::Json => out.push(b'['),
            ExportFormat::Ndjson => {}
        }
        Self { export: Arc::clone(export), lines, row: Vec::new() }
    }

    /// Appends the row that `write` writes as an object; nothing of it, where that fails.
    pub(crate) fn row(
        &mut self,
        is_first: bool,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let start = out.len();
        let written = match self.export.format {
            ExportFormat::Csv | ExportFormat::CsvForSpreadsheets => {
                self.row.clear();
                write(&mut self.row).map(|()| self.lines.row(&self.row, out))
            }
            ExportFormat::Json => {
                out.extend_from_slice(if is_first { b"\n" } else { b",\n" });
                write(out)
            }
            ExportFormat::Ndjson => write(out).map(|()| {
                // JSON has line breaks of its own only between its parts.
                out[start..].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
                out.push(b'\n');
            }),
        };
        written.inspect_err(|_| out.truncate(start))
    }

    /// Appends what stands behind the rows, where they are all there, and keeps how it ended.
    pub(crate) fn close(&self, rows: u64, summary: &Summary, out: &mut Vec<u8>) {
        let too_long = || QueryError::ExportRows(self.export.bounds.0).problem();
        let error = match &summary.error {
            Some(error) => Some(self.export.problem(error)),
            None => summary.truncated.then(too_long),
        };
        if error.is_none() && self.export.format == ExportFormat::Json {
            out.extend_from_slice(if rows > 0 { b"\n]\n" } else { b"]\n" });
        }
        // It ends once.
        let _ = self.export.end.set(ExportEnd { rows, error });
    }
}

/// Refuses what may change something: an export can be left at any row.
pub(crate) fn refuse_unreadable(request: &QueryRequest) -> Result<(), QueryError> {
    let writes = request.mode == QueryMode::Write || request.change.is_some();
    if writes || !request.before.is_empty() {
        return Err(QueryError::ExportWrites);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bulkhead_model::query::QueryLimits;
    use bytes::Bytes;

    use super::*;
    use crate::answer::RowsWriter;

    fn file(format: ExportFormat, rows: &[&str], summary: &Summary) -> (String, ExportEnd) {
        let export = Export::new(format, (2, 1000));
        let mut columns = Columns::default();
        columns.add("a", "int4");
        columns.add("b", "json");
        let limits = QueryLimits { max_rows: 2, ..QueryLimits::default() };
        let mut writer = RowsWriter::with(&columns, limits, &Form::Export(Arc::clone(&export)));
        for row in rows {
            writer
                .row(|out| {
                    out.extend_from_slice(row.as_bytes());
                    if row.ends_with('!') { Err(QueryError::NoPlan) } else { Ok(()) }
                })
                .unwrap_or(crate::answer::Chunk::Open);
        }
        (String::from_utf8(writer.close(summary).to_vec()).expect("text"), export.end())
    }

    #[test]
    fn each_format_has_all_rows_or_is_not_closed() {
        let rows = [
            r#"{"a":1,"b":{"x":
 2}}"#,
            r#"{"a":null,"b":"y"}"#,
        ];
        let whole = Summary::default();
        let end = ExportEnd { rows: 2, error: None };
        assert_eq!(
            file(ExportFormat::Csv, &rows, &whole),
            ("a,b\r\n1,\"{\"\"x\"\":\n 2}\"\r\n,\"\"\"y\"\"\"\r\n".into(), end.clone())
        );
        assert_eq!(
            file(ExportFormat::Ndjson, &rows, &whole),
            ("{\"a\":1,\"b\":{\"x\":  2}}\n{\"a\":null,\"b\":\"y\"}\n".into(), end.clone())
        );
        let (json, told) = file(ExportFormat::Json, &rows, &whole);
        let list: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!((list.as_array().map(Vec::len), told), (Some(2), end));
        assert_eq!(file(ExportFormat::Json, &[], &whole).0, "[]\n");

        let cut = Summary { truncated: true, ..Summary::default() };
        let (json, told) = file(ExportFormat::Json, &rows, &cut);
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_err(), "{json}");
        assert_eq!((told.rows, told.error.map(|problem| problem.code)), (2, Some("export-too-long".to_owned())));
    }

    #[test]
    fn nothing_is_left_of_a_row_that_could_not_be_written() {
        let failed = Summary { error: Some(QueryError::NoPlan), ..Summary::default() };
        for (format, wanted) in [
            (ExportFormat::Ndjson, "{\"a\":1}\n"),
            (ExportFormat::Json, "[\n{\"a\":1}"),
            (ExportFormat::Csv, "a,b\r\n1\r\n"),
        ] {
            assert_eq!(file(format, &["{\"a\":1}", "{\"a\":2!"], &failed).0, wanted);
        }
    }

    #[test]
    fn an_export_that_nobody_ended_ran_out_of_time() {
        let end = Export::new(ExportFormat::Csv, (2, 1000)).end();
        assert_eq!(end.error.map(|problem| problem.code), Some("export-timeout".to_owned()));
        let piece = Bytes::from_static(b"x");
        let export = Export::new(ExportFormat::Csv, (2, 1000));
        assert!(export.respond(Answer::Whole(piece), |_| {}).is_err(), "a file without an end is none");
    }
}
