//! A stream of messages as rows, read as they come. Leaving it resets the call, which ends it on the server.

use std::sync::Arc;

use bulkhead_model::query::{QueryLimits, QueryMode};
use bytes::Bytes;
use http::HeaderMap;
use prost_reflect::MessageDescriptor;
use tokio::time::{Instant, timeout_at};

use super::frame::Frames;
use super::{Loan, Pool, broken, describe, message, metadata, status, too_large};
use crate::answer::{Chunk, Columns, RowsWriter, Running, Summary};
use crate::error::QueryError;
use crate::http::Bounds;

/// What is known of a stream.
pub(super) struct Told {
    pub(super) pool: Arc<Pool>,
    pub(super) output: MessageDescriptor,
    pub(super) headers: HeaderMap,
    pub(super) bounds: Bounds,
    pub(super) started: Instant,
}

/// A stream that is read.
pub(super) struct Streaming {
    told: Told,
    loan: Loan,
    frames: Frames,
    writer: RowsWriter,
    /// Whether a row is `{"value": ...}`: a message whose JSON is no object.
    is_of_one_value: bool,
    truncated: bool,
}

/// How the messages end.
pub(super) enum End {
    /// By the server, with what it says after them.
    Told(HeaderMap),
    /// More are there than the query may have.
    Truncated,
    Failed(QueryError),
}

impl Streaming {
    pub(super) fn new(told: Told, loan: Loan, frames: Frames, limits: QueryLimits) -> Self {
        let mut columns = Columns::default();
        describe::columns(&told.output, &mut { told.bounds.max_bytes as usize })
            .iter()
            .for_each(|column| columns.add(&column.name, &column.type_name));
        let writer = RowsWriter::new(&columns, limits);
        let is_of_one_value = describe::is_of_one_value(&told.output);
        Self { told, loan, frames, writer, is_of_one_value, truncated: false }
    }

    async fn read(&mut self) -> Option<End> {
        let Told { pool, output, bounds, .. } = &self.told;
        loop {
            let next = match self.frames.next().await {
                Ok(Some(next)) => next,
                Ok(None) => {
                    let trailers = self.frames.trailers().await;
                    return Some(trailers.map_or_else(|error| End::Failed(broken(pool, &error, *bounds)), End::Told));
                }
                Err(error) => return Some(End::Failed(broken(pool, &error, *bounds))),
            };
            if self.writer.has_all() {
                self.truncated = true;
                // A call that changes something is not broken off: what it gives beyond is passed by.
                if bounds.mode == QueryMode::Read {
                    return Some(End::Truncated);
                }
                continue;
            }
            let is_of_one_value = self.is_of_one_value;
            let written = self.writer.row(|out| {
                if is_of_one_value {
                    out.extend_from_slice(b"{\"value\":");
                }
                message::write(output, &next, *bounds, out)?;
                if is_of_one_value {
                    out.push(b'}');
                }
                Ok(())
            });
            match written {
                Ok(Chunk::Open) => {}
                Ok(Chunk::Full) => return None,
                Err(QueryError::TooLarge(_)) => return Some(End::Failed(too_large(*bounds))),
                Err(error) => return Some(End::Failed(error)),
            }
        }
    }
}

impl Running for Streaming {
    type End = End;

    fn deadline(&self) -> Instant {
        self.told.bounds.deadline
    }

    fn take_chunk(&mut self) -> Bytes {
        self.writer.take_chunk()
    }

    async fn fill(&mut self) -> Option<End> {
        let bounds = self.told.bounds;
        match timeout_at(bounds.deadline, self.read()).await {
            Ok(end) => end,
            Err(_) if bounds.mode == QueryMode::Write => {
                Some(End::Failed(QueryError::lost(bounds.mode, &self.told.pool.target.name)))
            }
            Err(_) => Some(End::Failed(QueryError::Timeout(bounds.timeout_ms))),
        }
    }

    async fn finish(self, end: End) -> (Bytes, Option<QueryError>) {
        let Self { told: Told { pool, headers, bounds, started, .. }, loan, frames, mut writer, truncated, .. } = self;
        // What is left of the call is reset before the connection serves another one.
        drop(frames);
        let mut summary = Summary { truncated, ..Summary::since(started) };
        match end {
            End::Told(trailers) => {
                loan.give_back();
                summary.error = status::check(&trailers, &pool.target, bounds).err();
                match metadata::told(&headers, &trailers, &pool.target) {
                    Ok(meta) => summary.meta = Some(meta),
                    Err(error) => summary.error = summary.error.or(Some(error)),
                }
            }
            End::Truncated => loan.give_back(),
            End::Failed(error) => summary.error = Some(error),
        }
        (writer.close(&summary), summary.error)
    }
}
