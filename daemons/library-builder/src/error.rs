//! Why a set is not built: before the start as a problem document, after it as an event. Nothing here repeats a secret.

use axum::response::{IntoResponse, Response};
use bulkhead_rpc::Problem;
use bulkhead_rpc::library_builder::FailureKind;
use thiserror::Error;

use crate::audit::AuditError;
use crate::fetch::FetchError;
use crate::lock::LockError;
use crate::plan::Refusal;

/// Why a build does not start.
#[derive(Debug, Error)]
pub(crate) enum RequestError {
    #[error("this is no request for a build: {0}")]
    Malformed(String),
    #[error("the lock file cannot be built: {0}")]
    Lock(LockError),
    #[error("`{0}` cannot be preloaded: it is no module's name")]
    Preload(String),
    #[error("{0} modules to preload are too many: the limit is {1}")]
    TooManyPreloads(usize, usize),
    #[error(
        "sets for Python need CPython 3 on the GNU C library, and `python` in library-builder.toml is something else"
    )]
    UnsupportedPython,
    #[error("Python cannot be asked for its version: is it installed where `python` in library-builder.toml says?")]
    Python(#[source] BuildError),
    #[error("{0} builds are waiting already: try again later")]
    Busy(usize),
    #[error("there is no such set of libraries")]
    NoImage,
    #[error("the set cannot be read or removed")]
    Storage(#[source] std::io::Error),
}

impl RequestError {
    fn status_and_code(&self) -> (u16, &'static str) {
        match self {
            Self::Malformed(_) => (400, "request-invalid"),
            Self::Lock(_) => (422, "lock-invalid"),
            Self::Preload(_) | Self::TooManyPreloads(..) => (422, "preload-invalid"),
            Self::UnsupportedPython | Self::Python(_) => (503, "python-unavailable"),
            Self::Busy(_) => (503, "builder-busy"),
            Self::NoImage => (404, "image-unknown"),
            Self::Storage(_) => (500, "storage-failed"),
        }
    }
}

impl IntoResponse for RequestError {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        if status >= 500 {
            tracing::error!("a request failed: {}", bulkhead_daemon_kit::chain(&self));
        }
        Problem::new(status, code, self.to_string()).response().into_response()
    }
}

/// Why a build fails.
#[derive(Debug, Error)]
pub(crate) enum BuildError {
    #[error(
        "{package} is in no bundle, and there is no {key} to download it from: set {key} in library-builder.toml, or put \
         the archive into the directory of bundles"
    )]
    NotConfigured { package: String, key: &'static str },
    #[error(
        "{package} is neither downloaded already nor in the directory of bundles, which is all that an import uses"
    )]
    NotInBundle { package: String },
    #[error("{package} cannot be downloaded")]
    Fetch {
        package: String,
        #[source]
        source: FetchError,
    },
    #[error("the index's page of {package} cannot be read: {reason}")]
    Page { package: String, reason: String },
    #[error("{package} cannot be installed: {reason}")]
    Missing { package: String, reason: String },
    #[error("the archive of {package} is not the one that the lock file names: it has the hash {found}")]
    Hash { package: String, found: String },
    #[error(
        "the archive of {package} has more than {limit} bytes; the limit is archive-limit-bytes in library-builder.toml"
    )]
    ArchiveTooLarge { package: String, limit: u64 },
    #[error("the archives have more than {0} bytes; the limit is download-limit-bytes in library-builder.toml")]
    DownloadTooLarge(u64),
    #[error("the build took longer than {0} s; the limit is build-timeout-s in library-builder.toml")]
    Timeout(u64),
    #[error("{}: {}", .0.package, .0.message)]
    Refused(Refusal),
    #[error("the work in the sandbox ended early: {0}")]
    Unpacking(String),
    #[error("what was unpacked is not taken")]
    Audit(#[source] AuditError),
    #[error("there is no sandbox to work in: {0}")]
    Sandbox(String),
    #[error("{operation} failed")]
    Storage {
        operation: &'static str,
        #[source]
        source: std::io::Error,
    },
}

impl BuildError {
    /// What it is about.
    pub(crate) fn kind(&self) -> FailureKind {
        match self {
            Self::NotConfigured { .. } | Self::Page { .. } => FailureKind::Registry,
            Self::Fetch { source, .. } => crate::registry::kind_of(source),
            Self::NotInBundle { .. } | Self::Missing { .. } => FailureKind::Missing,
            Self::Hash { .. } => FailureKind::Hash,
            Self::ArchiveTooLarge { .. } | Self::DownloadTooLarge(_) | Self::Timeout(_) => FailureKind::Limit,
            Self::Refused(refusal) if refusal.limit => FailureKind::Limit,
            Self::Audit(AuditError::TooLarge(..)) => FailureKind::Limit,
            Self::Refused(_) | Self::Audit(_) => FailureKind::Archive,
            Self::Unpacking(_) => FailureKind::Limit,
            Self::Sandbox(_) | Self::Storage { .. } => FailureKind::Machine,
        }
    }

    /// [`Self::Storage`] of this operation.
    pub(crate) fn storage(operation: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Storage { operation, source }
    }
}
