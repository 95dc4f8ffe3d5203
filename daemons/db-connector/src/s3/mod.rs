//! Storage that speaks the protocol of Amazon S3: one signed request for each operation.

mod reply;
mod request;
mod sign;
mod xml;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_model::resource::{S3Addressing, S3Config, Server};
use bulkhead_rpc::connector::QueryRequest;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use self::request::Asked;
use crate::answer::{Answer, Summary, of_value};
use crate::error::QueryError;
use crate::http::{Bounds, HttpConfig, HttpConnection, exchange};
use crate::kind::{Kind, operation};
use crate::pool::{Pool, Shared};
use crate::target::Target;

/// What an answer may take beside the content of an object: the longest listing.
const LISTING_BYTES: u32 = 4 * 1024 * 1024;

/// Storage of objects.
pub(crate) struct S3(Arc<Pool<HttpConnection<Settings>>>);

/// A resource's settings, and what follows from them.
pub(crate) struct Settings {
    config: S3Config,
    /// The host that requests are sent to, with its port where the URL has one.
    authority: String,
    /// Its name alone.
    host: String,
}

impl HttpConfig for Settings {
    fn server(&self) -> Server<'_> {
        Server { host: &self.host, ..self.config.server() }
    }
}

impl S3 {
    pub(crate) fn new(config: S3Config, target: Target, shared: &Shared) -> Self {
        let endpoint = config.server().host.to_owned();
        let host = match config.addressing {
            S3Addressing::Path => endpoint,
            S3Addressing::VirtualHost => format!("{}.{endpoint}", config.bucket),
        };
        let settings = Settings { authority: config.authority(), host, config };
        Self(Arc::new(Pool::new(settings, target, shared)))
    }
}

impl Kind for S3 {
    fn run(
        self: Arc<Self>,
        request: QueryRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move {
            let pool = &self.0;
            let (operation, limits) = (operation(&request)?, request.limits);
            let asked =
                request::of_operation(operation, &request.parameters, limits.max_rows, &pool.config, &pool.target)?;
            let (sent, answers) = match asked {
                Asked::Request(sent, answers) => (sent, answers),
                Asked::Known(value) => return of_value(value, Summary::since(started), limits),
            };
            let deadline = started + Duration::from_millis(limits.timeout_ms.into());
            let max_bytes = limits.max_bytes.max(LISTING_BYTES);
            let bounds = Bounds { deadline, timeout_ms: limits.timeout_ms, max_bytes, mode: operation.effect() };
            let reply = exchange(pool, *sent, bounds).await?;
            reply::read(&reply, answers, Summary::since(started), limits, &pool.target)
        }
        .boxed()
    }

    fn test(self: Arc<Self>) -> BoxFuture<'static, Result<(), QueryError>> {
        async move {
            let timeout_ms = QueryLimits::default().timeout_ms;
            let deadline = tokio::time::Instant::now() + Duration::from_millis(timeout_ms.into());
            let bounds = Bounds { deadline, timeout_ms, max_bytes: LISTING_BYTES, mode: QueryMode::Read };
            let sent = request::of_test(&self.0.config, &self.0.target)?;
            reply::judge(&exchange(&self.0, sent, bounds).await?, &self.0.target)
        }
        .boxed()
    }

    fn close_idle(&self, oldest: Instant) -> bool {
        self.0.close_idle(oldest)
    }
}
