//! Reading rows into JSON, a chunk at a time, within the caps.

use bulkhead_model::query::QueryLimits;
use bytes::Bytes;

use super::connect::{Answered, Connection};
use super::json::RowWriter;
use super::wire::Failed;
use crate::answer::{Chunk, RowsWriter, Summary};
use crate::error::QueryError;
use crate::export::Form;

/// How reading the rows ended.
pub(super) type End = crate::answer::End<Failed>;

/// The rows of one statement on their way to JSON.
pub(super) struct Reader {
    writer: RowWriter,
    out: RowsWriter,
    /// The largest row that can be part of the result.
    max_row_bytes: usize,
    has_rows: bool,
    /// Rows changed, where the server counted them, else rows that came.
    count: u64,
}

impl Reader {
    pub(super) fn new(answered: Answered, limits: QueryLimits, form: &Form) -> Result<Self, QueryError> {
        let (writer, has_rows, count) = match answered {
            Answered::Done(done) => (RowWriter::default(), false, done.affected),
            Answered::Rows(columns) => (RowWriter::new(&columns)?, true, 0),
        };
        let out = RowsWriter::with(&writer.columns, limits, form);
        // No value is shorter in JSON than on the wire but the numbers.
        let max_row_bytes = limits.max_bytes as usize + 64 * 1024;
        Ok(Self { writer, out, max_row_bytes, has_rows, count })
    }

    /// Reads until a chunk is full (`None`) or the rows have ended.
    pub(super) async fn fill(&mut self, connection: &mut Connection) -> Option<End> {
        while self.has_rows {
            let row = match connection.row(self.max_row_bytes).await {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(failed) => return Some(End::Failed(failed)),
            };
            self.count += 1;
            if self.out.has_all() {
                return Some(End::Truncated);
            }
            match self.out.row(|out| self.writer.write(&row, out)) {
                Err(error) => return Some(End::Unwritable(error)),
                Ok(Chunk::Full) => return None,
                Ok(Chunk::Open) => {}
            }
        }
        Some(End::Whole)
    }

    /// Reads the remaining rows and forgets them.
    pub(super) async fn skip(&mut self, connection: &mut Connection) -> Result<(), Failed> {
        while connection.row(usize::MAX).await?.is_some() {
            self.count += 1;
        }
        Ok(())
    }

    /// What was read since the last chunk.
    pub(super) fn take_chunk(&mut self) -> Bytes {
        self.out.take_chunk()
    }

    /// Whether the statement has a result of rows.
    pub(super) fn has_rows(&self) -> bool {
        self.has_rows
    }

    /// Rows changed, for a statement that counts them; rows that came, for one that returns some.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The last chunk: the end of the rows and what is known now.
    pub(super) fn close(&mut self, summary: &Summary) -> Bytes {
        self.out.close(summary)
    }
}
