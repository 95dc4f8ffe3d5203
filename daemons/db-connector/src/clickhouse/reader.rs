//! Rows as they come: a line each, after a line of names and one of types, in bounded memory.

use bulkhead_model::query::{QueryLimits, QueryMode};
use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::value::RawValue;

use super::error::Said;
use super::value::{self, Shape};
use crate::answer::{Chunk, Columns, RowsWriter, Summary};
use crate::error::QueryError;
use crate::export::Form;
use crate::target::Target;

/// What is read of an error that comes in the place of a row.
const MAX_ERROR: usize = 64 * 1024;

/// How reading the rows ended.
pub(super) enum End {
    /// All rows are there.
    Whole,
    /// There are more rows than the cap.
    Truncated,
    Failed(QueryError),
}

/// The rows of one statement on their way to JSON.
pub(super) struct Reader {
    lines: Lines,
    names: Option<Vec<String>>,
    shapes: Vec<Shape>,
    columns: Columns,
    out: Option<RowsWriter>,
    limits: QueryLimits,
    mode: QueryMode,
    form: Form,
}

impl Reader {
    pub(super) fn new(body: Incoming, limits: QueryLimits, mode: QueryMode, form: Form) -> Self {
        let lines = Lines { body, buffer: BytesMut::new(), seen: 0, most: limits.max_bytes as usize };
        Self { lines, names: None, shapes: Vec::new(), columns: Columns::default(), out: None, limits, mode, form }
    }

    /// Reads until a chunk is full (`None`) or the rows have ended. May be dropped and called again.
    pub(super) async fn fill(&mut self, target: &Target) -> Option<End> {
        loop {
            let line = match self.lines.next().await {
                Ok(Some(line)) if line.is_empty() => continue,
                Ok(Some(line)) => line,
                // A statement without a result, or the end of one.
                Ok(None) if self.out.is_some() || self.names.is_none() => return Some(End::Whole),
                Ok(None) => return Some(End::Failed(QueryError::lost(self.mode, &target.name))),
                Err(LineError::TooLong) => return Some(End::Failed(QueryError::TooLarge(self.limits.max_bytes))),
                Err(LineError::Broken) => return Some(End::Failed(QueryError::lost(self.mode, &target.name))),
            };
            if line.first() != Some(&b'[') {
                let text = self.lines.rest(line).await;
                let error = Said::in_text(&text).map(|said| said.into_error(self.mode, self.limits.timeout_ms, target));
                return Some(End::Failed(error.unwrap_or_else(|| QueryError::lost(self.mode, &target.name))));
            }
            match self.take(&line) {
                Err(end) => return Some(end),
                Ok(Chunk::Full) => return None,
                Ok(Chunk::Open) => {}
            }
        }
    }

    /// Takes a line: names, types, or a row.
    fn take(&mut self, line: &[u8]) -> Result<Chunk, End> {
        let unreadable = || {
            End::Failed(QueryError::Sql {
                message: "the server sent rows that are not of the format that was asked for: leave FORMAT out"
                    .to_owned(),
                sqlstate: String::new(),
                position: None,
            })
        };
        let text = value::text_of(line).ok_or_else(unreadable)?;
        let Some(out) = &mut self.out else {
            let texts: Vec<String> = serde_json::from_str(&text).map_err(|_| unreadable())?;
            match self.names.take() {
                None => self.names = Some(texts),
                Some(names) if names.len() == texts.len() => {
                    names.iter().zip(&texts).for_each(|(name, type_name)| self.columns.add(name, type_name));
                    self.shapes = texts.iter().map(|type_name| Shape::of(type_name)).collect();
                    self.out = Some(RowsWriter::with(&self.columns, self.limits, &self.form));
                }
                Some(_) => return Err(unreadable()),
            }
            return Ok(Chunk::Open);
        };
        if out.has_all() {
            return Err(End::Truncated);
        }
        let values: Vec<&RawValue> = serde_json::from_str(&text).map_err(|_| unreadable())?;
        if values.len() != self.shapes.len() {
            return Err(unreadable());
        }
        let written = out.row(|out| {
            out.push(b'{');
            for (index, ((key, shape), value)) in self.columns.keys().zip(&self.shapes).zip(values).enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(key);
                value::write(value, shape, out).ok_or_else(|| {
                    let column = self.columns.get(index);
                    QueryError::Value { column: column.name.clone(), type_name: column.type_name.clone() }
                })?;
            }
            out.push(b'}');
            Ok(())
        });
        written.map_err(End::Failed)
    }

    /// What was read since the last chunk.
    pub(super) fn take_chunk(&mut self) -> Bytes {
        self.out.as_mut().map(RowsWriter::take_chunk).unwrap_or_default()
    }

    /// The last chunk: the end of the rows and what is known now.
    pub(super) fn close(&mut self, summary: &Summary) -> Bytes {
        let (columns, limits, form) = (&self.columns, self.limits, &self.form);
        self.out.get_or_insert_with(|| RowsWriter::with(columns, limits, form)).close(summary)
    }

    /// Whether the result has columns.
    pub(super) fn has_columns(&self) -> bool {
        self.out.is_some()
    }
}

/// A body cut into lines.
struct Lines {
    body: Incoming,
    buffer: BytesMut,
    /// Bytes of the buffer that hold no line's end.
    seen: usize,
    /// The longest line.
    most: usize,
}

enum LineError {
    TooLong,
    Broken,
}

impl Lines {
    /// The next line without its end.
    async fn next(&mut self) -> Result<Option<Bytes>, LineError> {
        loop {
            if let Some(end) = self.buffer[self.seen..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.seen + end).freeze();
                self.buffer.advance(1);
                self.seen = 0;
                return Ok(Some(line));
            }
            self.seen = self.buffer.len();
            if self.seen > self.most {
                return Err(LineError::TooLong);
            }
            match self.body.frame().await {
                None if self.buffer.is_empty() => return Ok(None),
                None => {
                    self.seen = 0;
                    return Ok(Some(self.buffer.split().freeze()));
                }
                // An error may have come as text before the connection broke.
                Some(Err(_)) if !self.buffer.is_empty() && self.buffer[0] != b'[' => {
                    self.seen = 0;
                    return Ok(Some(self.buffer.split().freeze()));
                }
                Some(Err(_)) => return Err(LineError::Broken),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
            }
        }
    }

    /// What follows the start of an error, as text.
    async fn rest(&mut self, start: Bytes) -> String {
        let mut text = start.to_vec();
        text.push(b'\n');
        text.extend_from_slice(&self.buffer);
        while text.len() < MAX_ERROR {
            let Some(Ok(frame)) = self.body.frame().await else { break };
            if let Ok(data) = frame.into_data() {
                text.extend_from_slice(&data);
            }
        }
        text.truncate(MAX_ERROR);
        String::from_utf8_lossy(&text).into_owned()
    }
}
