//! `query()`, `fetch()` and `secret()` from user code: child -> executor -> workflows-backend.
//!
//! The capability token is added here. It names the run and what it may ask; a child never sees it.

use std::error::Error as _;

use bulkhead_model::workflow::Language;
use bulkhead_rpc::backend::{CALLS_FORGOTTEN, CallRequest, SecretRequest, SecretValue};
use bulkhead_rpc::executor::{BlockSpec, Work};
use bulkhead_rpc::{RpcClient, RpcError};
use http::Method;
use serde_json::Value;
use uuid::Uuid;

use crate::block::Given;
use crate::frames::{Answer, Asked, CallError};

/// How many calls of one block are under way at once; more wait in the channel.
pub(crate) const CALLS_IN_FLIGHT: usize = 16;

/// Nobody has answered a call of a run. The journal knows what became of it, or will: the code has to run again to hear of that.
pub(crate) struct Unanswered;

/// How a call is told from others of the same block.
#[derive(Clone, Copy)]
pub(crate) struct Numbered {
    pub(crate) execution: Uuid,
    pub(crate) call: u32,
    /// Whether an earlier one was answered before this one was made.
    pub(crate) was_answered: bool,
}

/// The way to workflows-backend.
pub(crate) struct Calls {
    backend: RpcClient,
}

impl Calls {
    pub(crate) fn new(backend: RpcClient) -> Self {
        Self { backend }
    }

    /// Asks workflows-backend; a failure is an answer too.
    pub(crate) async fn make(
        &self,
        given: &Given<'_>,
        block: &BlockSpec,
        numbered: Numbered,
        asked: Asked,
    ) -> Result<Answer, Unanswered> {
        let Numbered { execution, call, was_answered } = numbered;
        let Some(token) = given.token else {
            let message = format!("{} is not available here: this code belongs to no workflow", asked.name());
            let error = Some(CallError { code: "no-capability".to_owned(), message });
            return Ok(Answer { call, value: None, error, is_secret: false });
        };
        let is_secret = matches!(asked, Asked::Secret(_));
        let answer: Result<Value, RpcError> = match asked {
            Asked::Call(ask) => {
                let BlockSpec { id, iteration, attempt, work, .. } = block;
                let (block, iteration) = (id.clone(), iteration.clone());
                let (attempt, in_order) = (*attempt, is_in_order(work));
                let request = CallRequest { block, iteration, attempt, execution, call, was_answered, in_order, ask };
                self.backend.call_with_token(Method::POST, "/v1/calls", &request, token).await
            }
            Asked::Secret(name) => {
                let request = SecretRequest { name };
                let answer = self.backend.call_with_token(Method::POST, "/v1/secrets", &request, token).await;
                answer.map(|SecretValue { value }| Value::String(value))
            }
        };
        let error = match answer {
            Ok(value) => return Ok(Answer { call, value: Some(value), error: None, is_secret }),
            Err(RpcError::Problem(problem)) if problem.code == CALLS_FORGOTTEN => return Err(Unanswered),
            Err(RpcError::Problem(problem)) => CallError { code: problem.code, message: problem.detail },
            Err(error @ (RpcError::Unreachable { .. } | RpcError::Protocol { .. })) => {
                tracing::warn!(error = &error as &dyn std::error::Error, cause = ?error.source(), "a call from code failed");
                if !given.draft {
                    return Err(Unanswered);
                }
                let message = "the service that runs queries does not answer; try again in a moment".to_owned();
                CallError { code: "unavailable".to_owned(), message }
            }
        };
        Ok(Answer { call, value: None, error: Some(error), is_secret })
    }
}

/// Whether code makes one call after the other. The Python side sees to that, threads or not.
fn is_in_order(work: &Work) -> bool {
    matches!(work, Work::Code { language: Language::Python, .. })
}
