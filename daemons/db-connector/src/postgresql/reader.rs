//! Reading rows into JSON, a chunk at a time, within the caps.

use std::sync::Arc;

use bulkhead_model::query::QueryLimits;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio_postgres::RowStream;

use super::json::RowWriter;
use crate::answer::{Chunk, RowsWriter, Summary};
use crate::export::Form;

/// How reading the rows ended.
pub(super) type End = crate::answer::End<tokio_postgres::Error>;

/// The rows of one statement on their way to JSON.
pub(super) struct Reader {
    rows: std::pin::Pin<Box<RowStream>>,
    writer: Arc<RowWriter>,
    out: RowsWriter,
}

impl Reader {
    pub(super) fn new(rows: RowStream, writer: Arc<RowWriter>, limits: QueryLimits, form: &Form) -> Self {
        let out = RowsWriter::with(&writer.columns, limits, form);
        Self { rows: Box::pin(rows), writer, out }
    }

    /// Reads until a chunk is full (`None`) or the rows have ended. May be dropped and called again.
    pub(super) async fn fill(&mut self) -> Option<End> {
        loop {
            let row = match self.rows.next().await {
                None => return Some(End::Whole),
                Some(Err(error)) => return Some(End::Failed(error)),
                Some(Ok(row)) => row,
            };
            if self.out.has_all() {
                return Some(End::Truncated);
            }
            match self.out.row(|out| self.writer.write(&row, out)) {
                Err(error) => return Some(End::Unwritable(error)),
                Ok(Chunk::Full) => return None,
                Ok(Chunk::Open) => {}
            }
        }
    }

    /// What was read since the last chunk.
    pub(super) fn take_chunk(&mut self) -> Bytes {
        self.out.take_chunk()
    }

    /// Rows changed, as the server counted them; known once the rows have ended.
    pub(super) fn affected(&self) -> Option<u64> {
        self.rows.as_ref().rows_affected()
    }

    /// Reads the remaining rows and forgets them.
    pub(super) async fn skip(&mut self) -> Result<(), tokio_postgres::Error> {
        while let Some(row) = self.rows.next().await {
            row?;
        }
        Ok(())
    }

    /// The last chunk: the end of the rows and what is known now.
    pub(super) fn close(&mut self, summary: &Summary) -> Bytes {
        self.out.close(summary)
    }
}
