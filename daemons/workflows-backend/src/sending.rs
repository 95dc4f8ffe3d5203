//! Calls on their way to db-connector: sent again while that is harmless and may help.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bulkhead_model::EnvironmentId;
use bulkhead_model::library_query::{LibraryUse, UsedBy};
use bulkhead_model::query::{QueryLimits, QueryMode, ResourceQuery};
use bulkhead_model::run::RunError;
use bulkhead_rpc::connector::{QueryRequest, QueryResult};
use bulkhead_rpc::fetch::FetchRequest;
use bulkhead_rpc::{Problem, RpcError};
use bulkhead_store::StoreError;
use http::Method;
use serde_json::Value;

use crate::calls::{Ask, Calls, Outcome};
use crate::error::query_failed;

/// The largest result that a run keeps, in bytes of JSON.
const MAX_RESULT_BYTES: u32 = 5 * 1024 * 1024;
/// How long a call waits for a connector that is away or a resource that is busy: a restart takes a few seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How long it waits for somebody else's server that takes no connection. Its address may be wrong, which a person should soon hear of.
const OUTSIDE_PATIENCE: Duration = Duration::from_secs(5);
/// The kinds of errors of a query that a resource has answered with.
const ANSWERED: [&str; 2] = ["query-failed", "result-too-large"];
/// Between two tries.
pub(crate) const PAUSE: Duration = Duration::from_millis(250);

impl Calls {
    /// The request to db-connector, as far as it can be made.
    pub(crate) async fn target(
        &self,
        ask: Ask,
        environment: EnvironmentId,
    ) -> Result<Result<Target, RunError>, StoreError> {
        let (query, parameters) = match ask {
            Ask::Fetch(request) => return Ok(Ok(Target::Fetch(request))),
            Ask::Query { query, parameters } => (query, parameters),
        };
        let (query, parameters) = match &query.library {
            Some(reference) => match self.of_library(reference, &query, &parameters, environment).await? {
                Ok(found) => found,
                Err(error) => return Ok(Err(error)),
            },
            None => (query, parameters),
        };
        let name = query.resource.as_str();
        let Some(resource) = self.database.resource_id(name).await? else {
            let message = format!("there is no resource `{name}`: create it, or choose another in the query");
            return Ok(Err(RunError::new("resource-unknown", message)));
        };
        let limits = query.limits;
        let mut request = QueryRequest::of((resource, environment), &query, parameters);
        // The connector's own cap, since it undoes a write whose result is too large.
        request.limits = QueryLimits { max_bytes: limits.max_bytes.min(MAX_RESULT_BYTES), ..limits };
        Ok(Ok(Target::Query(Box::new(request))))
    }

    /// The query of the library that a query refers to, with the values of its parameters.
    async fn of_library(
        &self,
        reference: &LibraryUse,
        asked: &ResourceQuery,
        given: &BTreeMap<String, Value>,
        environment: EnvironmentId,
    ) -> Result<Result<(ResourceQuery, BTreeMap<String, Value>), RunError>, StoreError> {
        let name = reference.query.as_str();
        let Some(release) = self.database.library_release(name, reference.version).await? else {
            let message =
                format!("there is no such release of the query `{name}` of the library: release it, or choose another");
            return Ok(Err(RunError::new("library-query-unknown", message)));
        };
        let mut values = match release.document.values(asked, UsedBy::Workflow, given) {
            Ok(values) => values,
            Err(error) => return Ok(Err(RunError::new("library-query-misfit", error.to_string()))),
        };
        let query = release.document.query;
        if query.expressions().is_ok_and(|expressions| expressions.contains("environment.name")) {
            let found = self.database.environment_name(environment).await?;
            values.insert("environment.name".to_owned(), Value::String(found));
        }
        Ok(Ok((query, values)))
    }

    /// Sends a call again while that is harmless and it may help. A person at the editor is told at once instead.
    pub(crate) async fn send_patiently(&self, making: &Making) -> Made {
        let begun = Instant::now();
        loop {
            let made = self.send(&making.target).await;
            let patience = match &made {
                Made::Known(_) | Made::Answered(_) => return made,
                Made::Unknown(_) if !making.is_repeatable => return made,
                Made::Unreachable(_) => OUTSIDE_PATIENCE,
                Made::NotYet(_) | Made::Unknown(_) => PATIENCE,
            };
            if !making.is_patient || begun.elapsed() >= patience {
                return made;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn send(&self, target: &Target) -> Made {
        let answer = match target {
            Target::Query(request) => self.connector.call(Method::POST, "/v1/query", request).await.map(whole),
            Target::Fetch(request) => {
                let answer: Result<Value, RpcError> = self.connector.call(Method::POST, "/v1/fetch", request).await;
                answer.map(|answer| Made::Known(Ok(answer)))
            }
        };
        let made = match answer {
            Ok(made) => made,
            Err(RpcError::Problem(problem)) => refused(&problem),
            Err(error @ (RpcError::Unreachable { .. } | RpcError::Protocol { .. })) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::warn!("a call got no answer: {error}: {cause}");
                let message = "bulkhead-db-connector does not answer; the run can be started again when it does";
                let failed = RunError::new("connector-unavailable", message);
                if error.is_unsent() { Made::NotYet(failed) } else { Made::Unknown(failed) }
            }
        };
        match made {
            Made::Known(Err(error)) if target.keeps_what_failed() && ANSWERED.contains(&error.kind.as_str()) => {
                Made::Answered(error)
            }
            made => made,
        }
    }
}

/// A call as it is sent.
pub(crate) struct Making {
    pub(crate) target: Target,
    /// Whether making it twice is harmless.
    pub(crate) is_repeatable: bool,
    /// Whether it is worth waiting for.
    pub(crate) is_patient: bool,
}

/// What db-connector is sent.
pub(crate) enum Target {
    Query(Box<QueryRequest>),
    Fetch(FetchRequest),
}

impl Target {
    /// Whether a change that failed may have been made all the same, in whole or in part: databases of tables roll it back, others do not.
    fn keeps_what_failed(&self) -> bool {
        let Self::Query(request) = self else { return false };
        request.operation.as_ref().is_some_and(|operation| operation.effect() == QueryMode::Write)
    }
}

/// What is known of a call after it was sent.
pub(crate) enum Made {
    Known(Outcome),
    /// It took effect, and there is no result.
    Answered(RunError),
    /// It did not get as far as the resource; it may later.
    NotYet(RunError),
    /// The resource took no connection.
    Unreachable(RunError),
    /// The connection broke before an answer: it may or may not have taken effect.
    Unknown(RunError),
}

impl Made {
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self::Known(outcome) => outcome,
            Self::Answered(error) | Self::NotYet(error) | Self::Unreachable(error) | Self::Unknown(error) => Err(error),
        }
    }
}

/// What a refusal says about the effect.
fn refused(problem: &Problem) -> Made {
    let mut error = query_failed(problem);
    match problem.code.as_str() {
        // `resource-lost` and `answers-busy` are said only where nothing was changed.
        "database-unavailable" | "resource-busy" | "answers-busy" | "resource-lost" => Made::NotYet(error),
        "resource-unreachable" | "fetch-unreachable" => Made::Unreachable(error),
        // The connection broke under the commit.
        "outcome-unknown" | "fetch-broken" => Made::Unknown(error),
        "fetch-redirected" | "fetch-too-large" => Made::Answered(error),
        "result-too-large" => {
            error.message = format!(
                "the result is larger than the query's max-bytes or the {MAX_RESULT_BYTES} bytes that a run keeps: select fewer rows or columns"
            );
            Made::Known(Err(error))
        }
        _ => Made::Known(Err(error)),
    }
}

/// A result, which is one only if it came whole.
fn whole(result: QueryResult) -> Made {
    if let Some(problem) = &result.error {
        return refused(problem);
    }
    if !result.end {
        return Made::Unknown(RunError::new("result-cut", "the result broke off; the run can be started again"));
    }
    let mut value = serde_json::json!({
        "rows": result.rows, "columns": result.columns, "row_count": result.row_count, "affected": result.affected,
        "truncated": result.truncated,
    });
    let cached = result.cached.then_some(Value::Bool(true));
    let age = result.age_ms.map(Value::from);
    for (key, told) in [("data", result.data), ("meta", result.meta), ("cached", cached), ("age_ms", age)] {
        if let Some(told) = told {
            value[key] = told;
        }
    }
    Made::Known(Ok(value))
}

#[cfg(test)]
mod tests {
    use bulkhead_model::ResourceId;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_nobody_rolls_back_may_have_been_made_though_it_failed() {
        let target = |query: Value| {
            let query: ResourceQuery = serde_json::from_value(query).expect("a query");
            let place = (ResourceId::new(), EnvironmentId::DEFAULT);
            Target::Query(Box::new(QueryRequest::of(place, &query, BTreeMap::new())))
        };
        let operation =
            |command: &[&str]| json!({ "resource": "cache", "operation": { "do": "command", "command": command } });
        assert!(target(operation(&["SET", "key", "value"])).keeps_what_failed());
        assert!(!target(operation(&["GET", "key"])).keeps_what_failed());
        let statement = json!({ "resource": "shop", "mode": "write", "statement": "delete from orders" });
        assert!(!target(statement).keeps_what_failed());
    }
}
