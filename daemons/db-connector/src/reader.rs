//! Reading rows into JSON, a chunk at a time, within the caps.

use std::sync::Arc;

use bulkhead_model::query::QueryLimits;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio_postgres::RowStream;

use crate::error::QueryError;
use crate::json::RowWriter;

/// Bytes gathered before they are handed on.
const CHUNK_BYTES: usize = 32 * 1024;

/// How reading the rows ended.
pub(crate) enum End {
    /// All rows are there.
    Whole,
    /// There are more rows than the cap.
    Truncated,
    /// The rows are larger than the cap.
    TooLarge,
    /// A value has no JSON form.
    Unwritable(QueryError),
    /// The server failed.
    Failed(tokio_postgres::Error),
    /// The server, or whoever reads the result, took too long.
    Late,
}

/// The rows of one statement on their way to JSON.
pub(crate) struct Reader {
    rows: std::pin::Pin<Box<RowStream>>,
    writer: Arc<RowWriter>,
    limits: QueryLimits,
    out: Vec<u8>,
    handed_on: usize,
    count: u64,
}

impl Reader {
    pub(crate) fn new(rows: RowStream, writer: Arc<RowWriter>, limits: QueryLimits) -> Self {
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(b"{\"columns\":");
        writer.write_columns(&mut out);
        out.extend_from_slice(b",\"rows\":[");
        Self { rows: Box::pin(rows), writer, limits, out, handed_on: 0, count: 0 }
    }

    /// Reads until a chunk is full (`None`) or the rows have ended. May be dropped and called again.
    pub(crate) async fn fill(&mut self) -> Option<End> {
        loop {
            let row = match self.rows.next().await {
                None => return Some(End::Whole),
                Some(Err(error)) => return Some(End::Failed(error)),
                Some(Ok(row)) => row,
            };
            if self.count == u64::from(self.limits.max_rows) {
                return Some(End::Truncated);
            }
            if self.count > 0 {
                self.out.push(b',');
            }
            if let Err(error) = self.writer.write(&row, &mut self.out) {
                return Some(End::Unwritable(error));
            }
            self.count += 1;
            if self.handed_on + self.out.len() > self.limits.max_bytes as usize {
                return Some(End::TooLarge);
            }
            if self.out.len() >= CHUNK_BYTES {
                return None;
            }
        }
    }

    /// What was read since the last chunk.
    pub(crate) fn take_chunk(&mut self) -> Bytes {
        self.handed_on += self.out.len();
        std::mem::replace(&mut self.out, Vec::with_capacity(CHUNK_BYTES + 4096)).into()
    }

    /// Rows changed, as the server counted them; known once the rows have ended.
    pub(crate) fn affected(&self) -> Option<u64> {
        self.rows.as_ref().rows_affected()
    }

    /// Reads the remaining rows and forgets them.
    pub(crate) async fn skip(&mut self) -> Result<(), tokio_postgres::Error> {
        while let Some(row) = self.rows.next().await {
            row?;
        }
        Ok(())
    }

    /// The last chunk: the end of the rows and what is known now.
    pub(crate) fn close(&mut self, summary: &Summary) -> Bytes {
        let Summary { affected, truncated, duration_ms, error } = summary;
        let affected = affected.map_or_else(|| "null".to_owned(), |rows| rows.to_string());
        let tail = format!(
            "],\"row_count\":{},\"affected\":{affected},\"truncated\":{truncated},\"duration_ms\":{duration_ms:.3},",
            self.count
        );
        self.out.extend_from_slice(tail.as_bytes());
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

/// What follows the rows.
pub(crate) struct Summary {
    pub(crate) affected: Option<u64>,
    pub(crate) truncated: bool,
    pub(crate) duration_ms: f64,
    pub(crate) error: Option<QueryError>,
}
