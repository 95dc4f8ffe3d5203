//! `query()` from user code: child -> executor -> workflows-backend.
//!
//! The capability token is added here. It names the run and what it may ask; a child never sees it.

use std::collections::BTreeMap;
use std::error::Error as _;

use bulkhead_rpc::backend::CallRequest;
use bulkhead_rpc::{RpcClient, RpcError};
use http::Method;
use serde_json::Value;

use crate::frames::{Answer, CallError};

/// How many calls of one block are under way at once; more wait in the channel.
pub(crate) const CALLS_IN_FLIGHT: usize = 16;

/// The way to workflows-backend.
pub(crate) struct Calls {
    backend: RpcClient,
}

impl Calls {
    pub(crate) fn new(backend: RpcClient) -> Self {
        Self { backend }
    }

    /// Asks workflows-backend; every failure is an answer too.
    pub(crate) async fn query(
        &self,
        token: Option<&str>,
        block: &str,
        call: u32,
        query: String,
        parameters: BTreeMap<String, Value>,
    ) -> Answer {
        let Some(token) = token else {
            let message = "query() is not available here: this run was started without access to resources".to_owned();
            return Answer { call, value: None, error: Some(CallError { code: "no-capability".to_owned(), message }) };
        };
        let request = CallRequest { block: block.to_owned(), call, query, parameters };
        match self.backend.call_with_token(Method::POST, "/v1/calls", &request, token).await {
            Ok(value) => Answer { call, value: Some(value), error: None },
            Err(error) => Answer { call, value: None, error: Some(describe(error)) },
        }
    }
}

fn describe(error: RpcError) -> CallError {
    match error {
        RpcError::Problem(problem) => CallError { code: problem.code, message: problem.detail },
        RpcError::Unreachable { .. } | RpcError::Protocol { .. } => {
            tracing::warn!(error = &error as &dyn std::error::Error, cause = ?error.source(), "a call from code failed");
            let message = "the service that runs queries does not answer; try again in a moment".to_owned();
            CallError { code: "unavailable".to_owned(), message }
        }
    }
}
