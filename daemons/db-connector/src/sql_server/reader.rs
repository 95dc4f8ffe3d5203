//! Reading rows into JSON, a chunk at a time, within the caps.

use bulkhead_model::query::QueryLimits;
use bytes::Bytes;

use super::connect::{Answered, Connection};
use super::json::RowWriter;
use super::wire::Failed;
use crate::answer::{Chunk, RowsWriter, Summary};
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
    count: u64,
}

impl Reader {
    pub(super) fn new(answered: Answered, limits: QueryLimits, form: &Form) -> Self {
        let (writer, has_rows) = match answered {
            Answered::Done => (RowWriter::default(), false),
            Answered::Rows(columns) => (RowWriter::new(&columns), true),
        };
        let out = RowsWriter::with(&writer.columns, limits, form);
        // A text has half as many bytes in JSON as in UTF-16; what is no row, such as an error, is no larger than the rest.
        let max_row_bytes = limits.max_bytes as usize * 2 + 256 * 1024;
        Self { writer, out, max_row_bytes, has_rows, count: 0 }
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
            match self.out.row(|out| self.writer.write(&row.bytes, row.is_packed, out)) {
                Err(error) => return Some(End::Unwritable(error)),
                Ok(Chunk::Full) => return None,
                Ok(Chunk::Open) => {}
            }
        }
        Some(End::Whole)
    }

    /// What was read since the last chunk.
    pub(super) fn take_chunk(&mut self) -> Bytes {
        self.out.take_chunk()
    }

    /// Rows that came.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The last chunk: the end of the rows and what is known now.
    pub(super) fn close(&mut self, summary: &Summary) -> Bytes {
        self.out.close(summary)
    }
}
