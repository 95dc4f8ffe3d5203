//! A result's JSON: written row by row, handed on in chunks, within the caps of the query.

use axum::body::Body;
use std::collections::HashSet;

use bulkhead_model::query::QueryLimits;
use bulkhead_rpc::connector::Column;
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::ReceiverStream;

use crate::error::QueryError;
use crate::export::{Form, Sheet};
use crate::json::write_string;

/// Bytes gathered before they are handed on.
pub(crate) const CHUNK_BYTES: usize = 32 * 1024;
/// Chunks that wait for a slow reader; beyond them the resource is not read further.
pub(crate) const CHUNKS_AHEAD: usize = 4;

/// Columns that are told of objects; what they hold beyond them is there all the same.
const MAX_COLUMNS: usize = 2000;

/// A result's JSON.
pub(crate) enum Answer {
    /// One that fits into one chunk.
    Whole(Bytes),
    /// A larger one, in pieces. Dropping the receiver stops the query.
    Pieces(mpsc::Receiver<Bytes>),
}

impl Answer {
    /// As the body of a response.
    pub(crate) fn into_body(self) -> Body {
        match self {
            Self::Whole(body) => Body::from(body),
            Self::Pieces(pieces) => {
                Body::from_stream(ReceiverStream::new(pieces).map(Ok::<_, std::convert::Infallible>))
            }
        }
    }
}

/// A statement that runs, and whose rows are read a chunk at a time. Dropping it stops the statement.
pub(crate) trait Running: Sized + Send + 'static {
    /// How reading the rows ends.
    type End: Send;

    /// When it must have ended, whoever reads it included.
    fn deadline(&self) -> Instant;

    /// Reads until a chunk is full (`None`) or the rows have ended. May be dropped and called again.
    fn fill(&mut self) -> impl Future<Output = Option<Self::End>> + Send;

    /// What was read since the last chunk.
    fn take_chunk(&mut self) -> Bytes;

    /// Ends the statement as its rows ended. Returns the last chunk, and its error for a caller who can still say it otherwise.
    fn finish(self, end: Self::End) -> impl Future<Output = (Bytes, Option<QueryError>)> + Send;
}

/// How reading the rows of a database ended.
pub(crate) enum End<F> {
    /// All rows are there.
    Whole,
    /// There are more rows than the cap.
    Truncated,
    /// A value has no JSON form, or the rows are larger than the cap.
    Unwritable(QueryError),
    /// The server failed.
    Failed(F),
    /// The server, or whoever reads the result, took too long.
    Late,
}

/// The answer of a statement that has begun: its first chunk, which is all of it where that is enough.
pub(crate) async fn begun<R: Running>(mut running: R) -> Result<Answer, QueryError> {
    match running.fill().await {
        None => Ok(pieces(running)),
        Some(end) => whole(running, end).await,
    }
}

/// The answer of a statement whose rows fit into its first chunk.
pub(crate) async fn whole<R: Running>(running: R, end: R::End) -> Result<Answer, QueryError> {
    let (last, error) = running.finish(end).await;
    error.map_or(Ok(Answer::Whole(last)), Err)
}

/// The answer of a statement whose first chunk is full: the others follow as they are read. Leaving early drops it.
pub(crate) fn pieces(running: impl Running) -> Answer {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    tokio::spawn(pump(running, sender));
    Answer::Pieces(receiver)
}

async fn pump(mut running: impl Running, sender: mpsc::Sender<Bytes>) {
    loop {
        let chunk = running.take_chunk();
        if !matches!(timeout_at(running.deadline(), sender.send(chunk)).await, Ok(Ok(()))) {
            return;
        }
        let filled = tokio::select! {
            filled = running.fill() => filled,
            () = sender.closed() => return,
        };
        if let Some(end) = filled {
            let (last, _) = running.finish(end).await;
            // A reader that left before the last piece misses nothing that anybody else wants.
            let _ = sender.send(last).await;
            return;
        }
    }
}

/// What follows the rows.
#[derive(Default)]
pub(crate) struct Summary {
    pub(crate) affected: Option<u64>,
    pub(crate) truncated: bool,
    pub(crate) duration_ms: f64,
    pub(crate) data: Option<Value>,
    pub(crate) meta: Option<Value>,
    pub(crate) error: Option<QueryError>,
}

impl Summary {
    /// One that says nothing yet but how long it took since `started`.
    pub(crate) fn since(started: Instant) -> Self {
        Self { duration_ms: started.elapsed().as_secs_f64() * 1e3, ..Self::default() }
    }
}

/// The columns of a result: names made unique, each with the `"name":` that a row's object has for it.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    columns: Vec<Column>,
    keys: Vec<Vec<u8>>,
}

impl Columns {
    /// Adds a column. A repeated name gets `_2`, `_3`, ...
    pub(crate) fn add(&mut self, wanted: &str, type_name: &str) {
        let taken = |name: &str| self.columns.iter().any(|column| column.name == name);
        let mut name = wanted.to_owned();
        let mut count = 1;
        while taken(&name) {
            count += 1;
            name = format!("{wanted}_{count}");
        }
        self.push(name, type_name);
    }

    /// Adds a column whose name no other has.
    fn push(&mut self, name: String, type_name: &str) {
        self.keys.push(key(&name));
        self.columns.push(Column { name, type_name: type_name.to_owned() });
    }

    pub(crate) fn get(&self, index: usize) -> &Column {
        &self.columns[index]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter()
    }

    /// `"name":` of each.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.keys.iter().map(Vec::as_slice)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (index, column) in self.columns.iter().enumerate() {
            out.extend_from_slice(if index > 0 { b",{\"name\":" } else { b"{\"name\":" });
            write_string(&column.name, out);
            out.extend_from_slice(b",\"type\":");
            write_string(&column.type_name, out);
            out.push(b'}');
        }
        out.push(b']');
    }
}

/// `"name":`
pub(crate) fn key(name: &str) -> Vec<u8> {
    let mut key = Vec::new();
    write_string(name, &mut key);
    key.push(b':');
    key
}

/// Whether a chunk is worth handing on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    Open,
    Full,
}

/// Writes a result, or what else is made of its rows.
pub(crate) struct RowsWriter {
    limits: QueryLimits,
    out: Vec<u8>,
    handed_on: usize,
    count: u64,
    sheet: Option<Sheet>,
}

impl RowsWriter {
    pub(crate) fn new(columns: &Columns, limits: QueryLimits) -> Self {
        Self::with(columns, limits, &Form::Result)
    }

    /// The same, in a form.
    pub(crate) fn with(columns: &Columns, limits: QueryLimits, form: &Form) -> Self {
        let mut out = Vec::with_capacity(1024);
        let sheet = match form {
            Form::Result => {
                out.extend_from_slice(b"{\"columns\":");
                columns.write(&mut out);
                out.extend_from_slice(b",\"rows\":[");
                None
            }
            Form::Export(export) => Some(Sheet::begin(export, columns, &mut out)),
        };
        Self { limits, out, handed_on: 0, count: 0, sheet }
    }

    /// Whether the cap on rows is reached: one more, and the result is truncated.
    pub(crate) fn has_all(&self) -> bool {
        self.count == u64::from(self.limits.max_rows)
    }

    /// Appends the object that `write` writes.
    pub(crate) fn row(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), QueryError>,
    ) -> Result<Chunk, QueryError> {
        // Of a file, no row may be larger than that; of a result, all of it.
        let counted = match &mut self.sheet {
            Some(sheet) => {
                let before = self.out.len();
                sheet.row(self.count == 0, &mut self.out, write)?;
                self.out.len() - before
            }
            None => {
                if self.count > 0 {
                    self.out.push(b',');
                }
                write(&mut self.out)?;
                self.handed_on + self.out.len()
            }
        };
        self.count += 1;
        if counted > self.limits.max_bytes as usize {
            return Err(QueryError::TooLarge(self.limits.max_bytes));
        }
        Ok(if self.out.len() >= CHUNK_BYTES { Chunk::Full } else { Chunk::Open })
    }

    /// What was written since the last chunk.
    pub(crate) fn take_chunk(&mut self) -> Bytes {
        self.handed_on += self.out.len();
        std::mem::replace(&mut self.out, Vec::with_capacity(CHUNK_BYTES + 4096)).into()
    }

    /// The last chunk: the end of the rows and what is known now.
    pub(crate) fn close(&mut self, summary: &Summary) -> Bytes {
        if let Some(sheet) = &self.sheet {
            sheet.close(self.count, summary, &mut self.out);
            return self.take_chunk();
        }
        let Summary { affected, truncated, duration_ms, data, meta, error } = summary;
        let affected = affected.map_or_else(|| "null".to_owned(), |rows| rows.to_string());
        let tail = format!(
            "],\"row_count\":{},\"affected\":{affected},\"truncated\":{truncated},\"duration_ms\":{duration_ms:.3},",
            self.count
        );
        self.out.extend_from_slice(tail.as_bytes());
        for (key, told) in [("\"data\":", data), ("\"meta\":", meta)] {
            if let Some(told) = told {
                self.out.extend_from_slice(format!("{key}{told},").as_bytes());
            }
        }
        match error {
            None => self.out.extend_from_slice(b"\"end\":true}"),
            Some(error) => {
                let problem = serde_json::to_string(&error.problem()).unwrap_or_else(|_| "{}".into());
                self.out.extend_from_slice(format!("\"error\":{problem}}}").as_bytes());
            }
        }
        self.take_chunk()
    }
}

/// The answer of a resource that answers in JSON. A list of objects is rows; anything else is data.
pub(crate) fn of_value(value: Value, mut summary: Summary, limits: QueryLimits) -> Result<Answer, QueryError> {
    let objects = match value {
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => items,
        value => {
            summary.data = Some(value);
            Vec::new()
        }
    };
    let mut columns = Columns::default();
    let mut known = HashSet::new();
    for (name, value) in objects.iter().filter_map(Value::as_object).flat_map(Map::iter) {
        if known.len() < MAX_COLUMNS && known.insert(name.as_str()) {
            columns.push(name.clone(), type_of(value));
        }
    }
    summary.truncated |= objects.len() > limits.max_rows as usize;
    let mut writer = RowsWriter::new(&columns, limits);
    for object in objects.iter().take(limits.max_rows as usize) {
        writer.row(|out| {
            out.extend_from_slice(object.to_string().as_bytes());
            Ok(())
        })?;
    }
    let body = writer.close(&summary);
    if body.len() > limits.max_bytes as usize {
        return Err(QueryError::TooLarge(limits.max_bytes));
    }
    Ok(Answer::Whole(body))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}
