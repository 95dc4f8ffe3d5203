//! Why a request was refused, as a problem document.

use axum::response::{IntoResponse, Response};
use bulkhead_model::run::RunError;
use bulkhead_rpc::Problem;
use bulkhead_rpc::backend::NOT_QUIETLY;
use bulkhead_store::StoreError;
use thiserror::Error;

/// Why a request was refused.
#[derive(Debug, Error)]
pub(crate) enum BackendError {
    #[error("this caller may not do that")]
    Forbidden,
    #[error("the capability token was refused")]
    Token(#[source] crate::token::TokenError),
    #[error("block `{0}` of the released workflow does not act with such values")]
    AnotherKind(String),
    #[error("the run has ended")]
    RunEnded,
    #[error("the run takes over what an earlier one came to, which is not done for a look")]
    NotQuietly,
    #[error(
        "workflow `{workflow}` may not use a secret `{secret}`: an administrator grants it on the page Secrets, or by \
         `bulkheadctl secret grant {secret} {workflow}`"
    )]
    SecretNotGranted { workflow: String, secret: String },
    #[error(
        "bulkhead-workflows-backend has no key to open secrets with: an administrator runs `sudo bulkheadctl setup` once"
    )]
    NoSealKey,
    #[error(
        "the value of secret `{secret}` cannot be opened on this machine: an administrator sets it again on the page Secrets"
    )]
    SecretDamaged {
        secret: String,
        #[source]
        source: bulkhead_seal::OpenError,
    },
    #[error(
        "this second factor cannot be checked on this machine: log in with a recovery code, or have an administrator reset it"
    )]
    SecondFactorDamaged {
        #[source]
        source: bulkhead_seal::OpenError,
    },
    #[error("the use of secret `{secret}` could not be recorded, so it was refused: try again in a moment")]
    NotAudited {
        secret: String,
        #[source]
        source: StoreError,
    },
    #[error("the state of the run cannot be told: {0}")]
    State(String),
    #[error("Bulkhead's own database does not answer")]
    Store(#[from] StoreError),
}

impl BackendError {
    /// Whether another try may help as soon as Bulkhead's own database answers again.
    pub(crate) fn is_database_away(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Unavailable { .. })
                | Self::NotAudited { source: StoreError::Unavailable { .. }, .. }
        )
    }
}

impl IntoResponse for BackendError {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::Forbidden => (403, "forbidden"),
            Self::Token(_) => (401, "token-refused"),
            Self::Store(StoreError::NotFound { .. }) => (404, "unknown"),
            Self::AnotherKind(_) => (422, "another-kind"),
            Self::RunEnded => (409, "run-ended"),
            Self::NotQuietly => (409, NOT_QUIETLY),
            Self::SecretNotGranted { .. } => (403, "secret-not-granted"),
            Self::NoSealKey => (503, "secrets-unavailable"),
            Self::SecretDamaged { .. } => (422, "secret-damaged"),
            Self::SecondFactorDamaged { .. } => (422, "second-factor-damaged"),
            Self::NotAudited { .. } => (503, "audit-unavailable"),
            Self::Store(StoreError::Changed { .. }) => (409, "another-step"),
            Self::Store(StoreError::Unavailable { .. }) => (503, "database-unavailable"),
            Self::State(_) | Self::Store(_) => (500, "internal"),
        };
        if let Some(cause) = std::error::Error::source(&self) {
            tracing::warn!("{self}: {cause}");
        }
        Problem::new(status, code, self.to_string()).response().into_response()
    }
}

/// A failed query, as the error of the block that made it.
pub(crate) fn query_failed(problem: &Problem) -> RunError {
    let place = problem.position.map(|position| format!(" (at character {position} of the statement)"));
    RunError::new(problem.code.clone(), format!("{}{}", problem.detail, place.unwrap_or_default()))
}
