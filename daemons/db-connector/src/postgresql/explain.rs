//! EXPLAIN of a query: in a read-only transaction, and without running it unless that is asked for and it reads.

use std::sync::Arc;

use bulkhead_model::query::QueryMode;
use bulkhead_rpc::connector::{ExplainRequest, Plan, QueryRequest, QueryResult};
use serde_json::Value;
use tokio::time::Instant;

use super::connect::Connection;
use super::{changes, plan, query, statement};
use crate::answer::Answer;
use crate::error::QueryError;
use crate::export::Form;
use crate::pool;

/// The one column of the result.
const COLUMN: &str = "QUERY PLAN";

/// The plan of a query.
pub(super) async fn explain(
    pool: &Arc<pool::Pool<Connection>>,
    request: ExplainRequest,
    started: Instant,
) -> Result<Plan, QueryError> {
    let ExplainRequest { mut query, analyze } = request;
    if analyze && (query.mode == QueryMode::Write || query.change.is_some()) {
        let words = "ANALYZE runs it, and it may change data; explain it without ANALYZE";
        return Err(QueryError::StatementRefused(words.to_owned()));
    }
    if !query.before.is_empty() {
        let words = "a list of statements has no plan; explain one of them in a query of its own";
        return Err(QueryError::StatementRefused(words.to_owned()));
    }
    changes::prepare_rows(pool, &mut query).await?;
    let query = QueryRequest { mode: QueryMode::Read, ..query };
    let compiled = query.compile()?;
    statement::refuse_unexplained(&compiled.text, analyze)?;
    let compiled = compiled.behind(if analyze { "EXPLAIN (FORMAT JSON, ANALYZE) " } else { "EXPLAIN (FORMAT JSON) " });
    let answer = query::run_compiled(pool, &query, (&[], &compiled), &Form::Result, started).await?;
    plan::read(&told(answer).await?, analyze).ok_or(QueryError::OddPlan)
}

/// What EXPLAIN told.
async fn told(answer: Answer) -> Result<Value, QueryError> {
    let body = match answer {
        Answer::Whole(body) => body.to_vec(),
        Answer::Pieces(mut pieces) => {
            let mut body = Vec::new();
            while let Some(piece) = pieces.recv().await {
                body.extend_from_slice(&piece);
            }
            body
        }
    };
    let mut result: QueryResult = serde_json::from_slice(&body).map_err(|_| QueryError::OddPlan)?;
    if let Some(problem) = result.error {
        return Err(QueryError::Shared(Box::new(problem)));
    }
    result.rows.first_mut().and_then(|row| row.remove(COLUMN)).ok_or(QueryError::OddPlan)
}
