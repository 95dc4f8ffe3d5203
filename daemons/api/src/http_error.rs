//! Every refusal and failure of the API, and the one place where they become HTTP.
//!
//! A handler returns [`ApiError`]; the answer's body is written by [`crate::answers`], which knows the request's id. The text
//! of a 5xx is fixed: what went wrong inside is logged, never sent. Problems that another daemon words for a person (a
//! SQL error, code that failed) pass through as they are.

use std::error::Error;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bulkhead_model::{Fault, Role, RunId};
use bulkhead_rpc::{Problem, RpcError};
use bulkhead_store::StoreError;
use http::{HeaderValue, StatusCode, header};
use thiserror::Error;

/// Why a request was not done.
#[derive(Debug, Error)]
pub(crate) enum ApiError {
    #[error("log in first")]
    NoSession,
    #[error("the e-mail address or the password is wrong")]
    WrongLogin,
    #[error("the code is wrong, or was used already: wait for the next one")]
    WrongCode,
    #[error("the password is wrong")]
    WrongPassword,
    #[error("the token is wrong, was revoked or has expired: make another on the account page")]
    WrongToken,
    #[error("this token may only read: make one with the scope `all`")]
    TokenReadsOnly,
    #[error("no token may do this: log in")]
    SessionsOnly,
    #[error("the webhook's key is missing or wrong")]
    WrongKey,
    #[error("the webhook's signature is missing or wrong")]
    WrongSignature,
    #[error("the request was signed more than {within_s} seconds ago, or the clocks differ: sign it again")]
    SignatureTooOld { within_s: u32 },
    #[error("this needs the role {} here: ask someone who has the role admin", .needed.as_str())]
    RoleTooLow { needed: Role },
    #[error(
        "there is no such folder that you may put something into: ask whoever owns it for the role editor, or choose another"
    )]
    FolderRoleTooLow,
    #[error("this needs the role {} on resource `{resource}`: ask an administrator for it", .needed.as_str())]
    ResourceRoleTooLow { resource: String, needed: Role },
    #[error("this needs the role {} on workflow `{workflow}`, which a block runs: ask an administrator for it", .needed.as_str())]
    WorkflowRoleTooLow { workflow: String, needed: Role },
    #[error(
        "there is no environment `{environment}` that you may use here: choose another, or ask an administrator for it"
    )]
    EnvironmentNotAllowed { environment: String },
    #[error("you may not run the query `{query}`: it is for certain groups, and an editor of the app can say which")]
    QueryNotAllowed { query: String },
    #[error(
        "there is no released query `{query}` in the library that you may use: ask whoever keeps it for the role {}",
        needed.as_str()
    )]
    LibraryQueryNotAllowed { query: String, needed: Role },
    #[error("only an administrator may do this")]
    AdministratorsOnly,
    #[error("a person must do this: log in")]
    PersonsOnly,
    #[error("a password is for administrators here: log in the way that this page offers")]
    PasswordsOff,
    #[error("{0}")]
    SignInRefused(&'static str),
    #[error("log-in with `{provider}`: {reason}")]
    ProviderRefused { provider: String, reason: String },
    #[error("{0}")]
    CrossSite(&'static str),
    #[error("there is nothing here that you may see")]
    NotFound,
    #[error("this method is not for this address")]
    MethodNotAllowed,
    #[error("the host name of this request is not one of this instance: set base-url or additional-hosts in api.toml")]
    UnknownHost,
    #[error("this link was used already, was replaced, or is older than a day: ask for a new one")]
    LinkSpent,
    #[error("this took longer than ten minutes, was done already, or began in another browser: begin again")]
    AttemptOver,
    #[error("{0}")]
    Malformed(String),
    #[error("the body must be sent as application/json")]
    NotJson,
    #[error("the body has more than {limit_bytes} bytes")]
    BodyTooLarge { limit_bytes: usize },
    #[error("{detail}")]
    Conflict { code: &'static str, detail: String },
    #[error("{detail}")]
    Breaks { detail: String, faults: Vec<Fault> },
    #[error("{detail}")]
    Unprocessable { code: &'static str, detail: String, faults: Vec<Fault> },
    #[error("too many attempts: wait {retry_after_s} seconds")]
    TooManyAttempts { retry_after_s: u64 },
    #[error("the run did not answer within {waited_s} seconds; it goes on")]
    RunStillGoing { run: RunId, waited_s: u64 },
    #[error(
        "the run is gone, since the database went down before it was kept or somebody has deleted it: send the request again"
    )]
    RunLost,
    #[error("too much is going on at once: try again in a moment")]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Service(#[from] RpcError),
    #[error("the audit record could not be written, so nothing was done")]
    Audit(#[source] std::sync::Arc<StoreError>),
    #[error("{operation} failed")]
    Internal {
        operation: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl ApiError {
    /// For `map_err`: a fault of this daemon's own.
    pub(crate) fn internal<E>(operation: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        move |source| Self::Internal { operation, source: source.into() }
    }

    /// A document or value with faults.
    pub(crate) fn invalid(detail: impl Into<String>, faults: Vec<Fault>) -> Self {
        Self::Unprocessable { code: "invalid", detail: detail.into(), faults }
    }

    /// The problem document of this error, without a request id.
    pub(crate) fn problem(&self) -> Problem {
        let plain = |status: u16, code: &str| Problem::new(status, code, self.to_string());
        match self {
            Self::NoSession => plain(401, "no-session"),
            Self::WrongLogin => plain(401, "wrong-login"),
            Self::WrongCode => plain(403, "wrong-code"),
            Self::WrongPassword => plain(403, "wrong-password"),
            Self::WrongToken => plain(401, "wrong-token"),
            Self::TokenReadsOnly => plain(403, "token-reads-only"),
            Self::SessionsOnly => plain(403, "sessions-only"),
            Self::WrongKey => plain(401, "wrong-key"),
            Self::WrongSignature => plain(401, "wrong-signature"),
            Self::SignatureTooOld { .. } => plain(401, "signature-too-old"),
            Self::RoleTooLow { .. } => plain(403, "role-too-low"),
            Self::FolderRoleTooLow => plain(403, "folder-role-too-low"),
            Self::ResourceRoleTooLow { .. } => plain(403, "resource-role-too-low"),
            Self::WorkflowRoleTooLow { .. } => plain(403, "workflow-role-too-low"),
            Self::EnvironmentNotAllowed { .. } => plain(403, "environment-not-allowed"),
            Self::QueryNotAllowed { .. } => plain(403, "query-not-allowed"),
            Self::LibraryQueryNotAllowed { .. } => plain(403, "library-query-not-allowed"),
            Self::AdministratorsOnly => plain(403, "administrators-only"),
            Self::PersonsOnly => plain(403, "persons-only"),
            Self::PasswordsOff => plain(403, "passwords-off"),
            Self::SignInRefused(_) => plain(403, "sign-in-refused"),
            Self::ProviderRefused { .. } => plain(502, "provider-refused"),
            Self::CrossSite(_) => plain(403, "cross-site"),
            Self::NotFound => plain(404, "not-found"),
            Self::MethodNotAllowed => plain(405, "method-not-allowed"),
            Self::UnknownHost => plain(421, "unknown-host"),
            Self::LinkSpent => plain(410, "link-spent"),
            Self::AttemptOver => plain(410, "attempt-over"),
            Self::Malformed(_) => plain(400, "malformed"),
            Self::NotJson => plain(415, "not-json"),
            Self::BodyTooLarge { .. } => plain(413, "body-too-large"),
            Self::Conflict { code, .. } => plain(409, code),
            Self::Breaks { faults, .. } => Problem { faults: faults.clone(), ..plain(409, "breaks-users") },
            Self::Unprocessable { code, faults, .. } => Problem { faults: faults.clone(), ..plain(422, code) },
            Self::TooManyAttempts { .. } => plain(429, "too-many-attempts"),
            Self::RunStillGoing { .. } => plain(504, "run-still-going"),
            Self::RunLost => plain(503, "run-lost"),
            Self::Busy => plain(503, "busy"),
            Self::Store(error) => store_problem(error),
            Self::Service(error) => service_problem(error),
            Self::Audit(_) => Problem::new(
                503,
                "audit-unavailable",
                "The audit record could not be written, so nothing was done. Try again.",
            ),
            Self::Internal { .. } => internal_problem(),
        }
    }
}

fn internal_problem() -> Problem {
    Problem::new(
        500,
        "internal",
        "Something went wrong here. An administrator finds the cause in the journal by the request's id.",
    )
}

fn store_problem(error: &StoreError) -> Problem {
    match error {
        StoreError::NotFound { .. } => Problem::new(404, "not-found", ApiError::NotFound.to_string()),
        StoreError::Exists { .. } => Problem::new(409, "exists", "that name or address is taken: choose another"),
        StoreError::LastOwner { .. } => {
            Problem::new(409, "last-owner", "nobody would own it any more: make somebody else an owner first")
        }
        StoreError::Changed { .. } => {
            Problem::new(409, "draft-changed", "somebody saved meanwhile: load the draft again and repeat your change")
        }
        StoreError::Unavailable { .. } => {
            Problem::new(503, "database-unavailable", "Bulkhead's database does not answer. Try again in a moment.")
        }
        StoreError::Refused { .. } | StoreError::Damaged { .. } => internal_problem(),
    }
}

fn service_problem(error: &RpcError) -> Problem {
    match error {
        RpcError::Problem(problem) if problem.code != "unexpected-answer" => (**problem).clone(),
        RpcError::Unreachable { service, .. } => {
            let detail = format!(
                "{service} does not answer. Try again in a moment; if it stays so, `systemctl status bulkhead-{service}` says why."
            );
            Problem::new(503, "service-unavailable", detail)
        }
        RpcError::Problem(_) | RpcError::Protocol { .. } => internal_problem(),
    }
}

/// What the answer's writer turns into the body.
#[derive(Clone, Debug)]
pub(crate) struct ProblemBody {
    pub(crate) problem: Problem,
    /// The run that a webhook's caller may look for later.
    pub(crate) run: Option<RunId>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = self.problem();
        if problem.status >= 500 {
            log(&self);
        }
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        let retry_after_s = match &self {
            Self::TooManyAttempts { retry_after_s } => Some(*retry_after_s),
            _ if matches!(problem.status, 429 | 503) => Some(2),
            _ => None,
        };
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        let run = if let Self::RunStillGoing { run, .. } = &self { Some(*run) } else { None };
        response.extensions_mut().insert(ProblemBody { problem, run });
        response
    }
}

/// One line with the whole chain, inside the request's span.
fn log(error: &ApiError) {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    match error {
        ApiError::Internal { .. } | ApiError::Store(StoreError::Refused { .. } | StoreError::Damaged { .. }) => {
            tracing::error!("a request failed: {text}");
        }
        _ => tracing::warn!("a request was not done: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_inside_is_not_told() {
        let error = ApiError::internal::<String>("sealing a secret")("secret detail".into());
        let problem = error.problem();
        assert_eq!(problem.status, 500);
        assert!(!problem.detail.contains("seal") && !problem.detail.contains("secret"), "{}", problem.detail);
    }

    #[test]
    fn a_problem_that_a_service_words_passes_through() {
        let inner = Problem { position: Some(8), ..Problem::new(422, "query-failed", "column x does not exist") };
        let error = ApiError::Service(RpcError::Problem(Box::new(inner.clone())));
        assert_eq!(error.problem(), inner);
    }
}
