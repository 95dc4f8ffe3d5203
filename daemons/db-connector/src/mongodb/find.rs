//! What is read: documents as rows, a batch at a time, and single values.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, Document, RawBsonRef, RawDocument, RawDocumentBuf, doc};
use bulkhead_model::operation::MongodbRequest;
use bulkhead_model::query::QueryMode;
use bulkhead_rpc::connector::QueryRequest;
use bytes::Bytes;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::fill::{self, Place, count, document, filled};
use super::json::{type_name, write_document, write_value};
use super::session::{Failure, number};
use super::{Loan, OWN_MS, Pool, command, left_ms, refused};
use crate::answer::{self, Answer, Chunk, Columns, RowsWriter, Running, Summary, of_value};
use crate::error::QueryError;
use crate::http::Bounds;

/// Documents that are asked for at a time; the server sends no more than 16 MB at once.
const BATCH: i64 = 1000;
/// Columns that are told; what documents hold beyond them is there all the same.
const MAX_COLUMNS: usize = 500;
/// How long closing a cursor may take.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// The documents of a search or a pipeline.
pub(super) async fn documents(
    pool: &Arc<Pool>,
    asked: &MongodbRequest,
    request: &QueryRequest,
    bounds: Bounds,
    started: Instant,
) -> Result<Answer, QueryError> {
    let mut sent = beginning(asked, request)?;
    sent.insert("maxTimeMS", left_ms(bounds));
    let (loan, reply) = command(pool, sent, bounds).await?;
    let (cursor, batch) = batch(&reply, "firstBatch")?;
    let collection = asked.collection().to_owned();
    let guard = KillOnDrop { pool: Arc::clone(pool), collection, cursor };
    let writer = RowsWriter::new(&columns(&batch), request.limits);
    answer::begun(Reading { loan, guard, batch, writer, bounds, started }).await
}

/// The command that begins.
fn beginning(asked: &MongodbRequest, request: &QueryRequest) -> Result<Document, QueryError> {
    let values = &request.parameters;
    let most = i64::from(request.limits.max_rows) + 1;
    match asked {
        MongodbRequest::Find { collection, filter, projection, sort, limit, skip } => {
            let mut find = doc! { "find": collection, "filter": document(&filter.0, values, Place::Query)? };
            let projection = document(&projection.0, values, Place::Expression)?;
            if !projection.is_empty() {
                find.insert("projection", projection);
            }
            if !sort.is_empty() {
                let order =
                    sort.iter().map(|sort| (sort.field.clone(), Bson::Int32(if sort.descending { -1 } else { 1 })));
                find.insert("sort", order.collect::<Document>());
            }
            if let Some(skip) = count(&skip.0, values, "skip")? {
                find.insert("skip", skip);
            }
            // 0 is no limit, as the server has it. One more than is given shows whether there are more.
            let limit = count(&limit.0, values, "limit")?.filter(|limit| *limit > 0).unwrap_or(most).min(most);
            find.insert("limit", limit);
            find.insert("batchSize", limit.min(BATCH));
            Ok(find)
        }
        MongodbRequest::Aggregate { collection, pipeline } => {
            let stages = filled(&pipeline.0, values, Place::Expression)?;
            Ok(doc! { "aggregate": collection, "pipeline": stages, "cursor": { "batchSize": most.min(BATCH) } })
        }
        _ => Err(QueryError::OtherOperation),
    }
}

/// A count, or the different values of a field.
pub(super) async fn value(
    pool: &Arc<Pool>,
    asked: &MongodbRequest,
    request: &QueryRequest,
    bounds: Bounds,
    started: Instant,
) -> Result<Answer, QueryError> {
    let values = &request.parameters;
    let (mut sent, answer) = match asked {
        MongodbRequest::Count { collection, filter } => {
            (doc! { "count": collection, "query": fill::document(&filter.0, values, Place::Query)? }, "n")
        }
        MongodbRequest::Distinct { collection, field, filter } => (
            doc! { "distinct": collection, "key": field, "query": fill::document(&filter.0, values, Place::Query)? },
            "values",
        ),
        _ => return Err(QueryError::OtherOperation),
    };
    sent.insert("maxTimeMS", left_ms(bounds));
    let (loan, reply) = command(pool, sent, bounds).await?;
    loan.give_back();
    let told = reply.get(answer).ok().flatten().ok_or_else(odd)?;
    let mut json = Vec::new();
    write_value(told, &mut json)?;
    if json.len() > bounds.max_bytes as usize {
        return Err(QueryError::TooLarge(bounds.max_bytes));
    }
    let value: Value = serde_json::from_slice(&json).map_err(|_| odd())?;
    of_value(value, Summary::since(started), request.limits)
}

fn odd() -> QueryError {
    let message = "the server's answer is none to what was asked".to_owned();
    QueryError::Sql { message, sqlstate: "InvalidBSON".to_owned(), position: None }
}

/// A cursor's number, 0 where all is there, and the documents of a reply.
pub(super) fn batch(reply: &RawDocument, name: &str) -> Result<(i64, VecDeque<RawDocumentBuf>), QueryError> {
    let cursor = reply.get_document("cursor").map_err(|_| odd())?;
    let mut batch = VecDeque::new();
    for item in cursor.get_array(name).map_err(|_| odd())? {
        match item {
            Ok(RawBsonRef::Document(document)) => batch.push_back(document.to_owned()),
            _ => return Err(odd()),
        }
    }
    Ok((number(cursor, "id").unwrap_or_default(), batch))
}

/// The fields of the first documents, in the order in which they come.
pub(super) fn columns(batch: &VecDeque<RawDocumentBuf>) -> Columns {
    let mut order: Vec<&str> = Vec::new();
    let mut types: HashMap<&str, &str> = HashMap::new();
    for (key, value) in batch.iter().flat_map(|document| document.iter()).filter_map(Result::ok) {
        let told = type_name(value);
        match types.get_mut(key.as_str()) {
            Some(known) if *known == "null" => *known = told,
            Some(_) => {}
            None if order.len() < MAX_COLUMNS => {
                order.push(key.as_str());
                types.insert(key.as_str(), told);
            }
            None => {}
        }
    }
    let mut columns = Columns::default();
    order.iter().for_each(|name| columns.add(name, types.get(name).copied().unwrap_or("null")));
    columns
}

/// Closes the cursor on the server when dropped, if it is open.
struct KillOnDrop {
    pool: Arc<Pool>,
    collection: String,
    cursor: i64,
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if self.cursor == 0 {
            return;
        }
        let (pool, collection, cursor) = (Arc::clone(&self.pool), std::mem::take(&mut self.collection), self.cursor);
        tokio::spawn(async move {
            let bounds = Bounds { deadline: Instant::now() + KILL_PATIENCE, ..Bounds::own(OWN_MS, 64 * 1024) };
            // One that cannot be closed ends by itself, after ten minutes.
            if let Ok((loan, _)) = command(&pool, doc! { "killCursors": collection, "cursors": [cursor] }, bounds).await
            {
                loan.give_back();
            }
        });
    }
}

/// Documents that are read.
struct Reading {
    loan: Loan,
    guard: KillOnDrop,
    batch: VecDeque<RawDocumentBuf>,
    writer: RowsWriter,
    bounds: Bounds,
    started: Instant,
}

enum End {
    Whole,
    Truncated,
    Failed(QueryError),
}

impl Reading {
    async fn read(&mut self) -> Option<End> {
        loop {
            while let Some(document) = self.batch.pop_front() {
                if self.writer.has_all() {
                    return Some(End::Truncated);
                }
                match self.writer.row(|out| write_document(&document, out)) {
                    Ok(Chunk::Open) => {}
                    Ok(Chunk::Full) => return None,
                    Err(error) => return Some(End::Failed(error)),
                }
            }
            if self.guard.cursor == 0 {
                return Some(End::Whole);
            }
            if let Err(error) = self.more().await {
                return Some(End::Failed(error));
            }
        }
    }

    async fn more(&mut self) -> Result<(), QueryError> {
        let KillOnDrop { pool, collection, cursor } = &self.guard;
        let more = doc! {
            "getMore": *cursor, "collection": collection, "batchSize": BATCH, "$db": pool.config.config.database.as_str(),
        };
        let reply = self.loan.connection.command(&more).await.map_err(|failure| match failure {
            Failure::Refused(refusal) => refused(pool, refusal, self.bounds),
            Failure::Wire(_) | Failure::Form(_) => QueryError::lost(self.bounds.mode, &pool.target.name),
        })?;
        (self.guard.cursor, self.batch) = batch(&reply, "nextBatch")?;
        Ok(())
    }
}

impl Running for Reading {
    type End = End;

    fn deadline(&self) -> Instant {
        self.bounds.deadline
    }

    fn take_chunk(&mut self) -> Bytes {
        self.writer.take_chunk()
    }

    async fn fill(&mut self) -> Option<End> {
        let bounds = self.bounds;
        match timeout_at(bounds.deadline, self.read()).await {
            Ok(end) => end,
            Err(_) if bounds.mode == QueryMode::Write => {
                Some(End::Failed(QueryError::OutcomeUnknown(self.guard.pool.target.name.clone())))
            }
            Err(_) => Some(End::Failed(QueryError::Timeout(bounds.timeout_ms))),
        }
    }

    async fn finish(self, end: End) -> (Bytes, Option<QueryError>) {
        let Self { loan, guard, mut writer, started, .. } = self;
        let mut summary = Summary::since(started);
        // A command that was left closes its connection; any other state is a clean one.
        loan.give_back();
        drop(guard);
        match end {
            End::Whole => {}
            End::Truncated => summary.truncated = true,
            End::Failed(error) => summary.error = Some(error),
        }
        (writer.close(&summary), summary.error)
    }
}
