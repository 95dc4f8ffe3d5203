//! gRPC: a method is asked by one message and answers with one, or with a stream of them. Messages are JSON here, as protobuf maps them.

mod channel;
mod describe;
mod descriptors;
mod frame;
mod message;
mod metadata;
mod reflection;
mod status;
mod stream;
mod wire;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_model::operation::{GrpcCall, Operation};
use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::GrpcConfig;
use bulkhead_rpc::connector::{QueryRequest, Schema};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Response};
use prost::Message as _;
use prost_reflect::MethodDescriptor;
use tokio::time::timeout_at;

use crate::answer::{self, Answer, Summary, of_value};
use crate::error::QueryError;
use crate::http::Bounds;
use crate::kind::{Kind, operation};
use crate::pool::{self, Shared};
use crate::target::Target;
use channel::{Channel, Unanswered};
use descriptors::Descriptors;
use frame::{FrameError, Frames};
use stream::{Streaming, Told};

type Pool = pool::Pool<Channel>;
type Loan = pool::Loan<Channel>;

/// How long the connector's own questions may take, and what it reads of their answers.
const OWN_MS: u32 = 10_000;
const OWN_BYTES: u32 = 16 * 1024 * 1024;

/// A server of gRPC.
pub(crate) struct Grpc {
    pool: Arc<Pool>,
    descriptors: Descriptors,
}

impl Grpc {
    pub(crate) fn new(config: GrpcConfig, target: Target, shared: &Shared) -> Self {
        let descriptors = Descriptors::of(&config.schema);
        Self { pool: Arc::new(Pool::new(config, target, shared)), descriptors }
    }
}

impl Kind for Grpc {
    fn run(
        self: Arc<Self>,
        request: QueryRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move {
            let Operation::Grpc(asked) = operation(&request)? else { return Err(QueryError::OtherOperation) };
            let bounds = Bounds::of(&request, started);
            let prepared = timeout_at(bounds.deadline, self.prepare(asked, &request, bounds)).await;
            let (method, call) = prepared.map_err(|_| QueryError::Timeout(bounds.timeout_ms))??;
            let (loan, response) = begin(&self.pool, call, bounds).await?;
            if method.is_server_streaming() {
                stream(&self.pool, &method, (loan, response), &request, bounds, started).await
            } else {
                one(&self.pool, &method, loan, response, asked, &request, bounds, started).await
            }
        }
        .boxed()
    }

    fn test(self: Arc<Self>) -> BoxFuture<'static, Result<(), QueryError>> {
        async move {
            let bounds = Bounds::own(OWN_MS, OWN_BYTES);
            let tested = async {
                if self.descriptors.are_told() {
                    self.descriptors.services(&self.pool, bounds).await.map(drop)
                } else {
                    self.descriptors.check()?;
                    self.pool.connect().await.map(drop)
                }
            };
            timeout_at(bounds.deadline, tested).await.unwrap_or(Err(QueryError::Timeout(OWN_MS)))
        }
        .boxed()
    }

    fn schema(self: Arc<Self>) -> BoxFuture<'static, Result<Schema, QueryError>> {
        async move {
            let bounds = Bounds::own(OWN_MS, OWN_BYTES);
            let known = timeout_at(bounds.deadline, self.descriptors.all(&self.pool, bounds)).await;
            Ok(describe::schema(&known.unwrap_or(Err(QueryError::Timeout(OWN_MS)))?))
        }
        .boxed()
    }

    fn close_idle(&self, oldest: Instant) -> bool {
        self.descriptors.forget_old(oldest);
        self.pool.close_idle(oldest) || self.descriptors.are_kept()
    }
}

/// A call, ready to be sent.
struct Call {
    path: String,
    metadata: HeaderMap,
    message: Bytes,
}

impl Grpc {
    /// Finds the method, and puts its message and metadata together.
    async fn prepare(
        &self,
        asked: &GrpcCall,
        request: &QueryRequest,
        bounds: Bounds,
    ) -> Result<(MethodDescriptor, Call), QueryError> {
        let field = |field: &str, problem: String| QueryError::Field { field: field.to_owned(), problem };
        let names = asked.names().ok_or_else(|| field("method", "is none: write service/method".to_owned()))?;
        let metadata = metadata::of(&self.pool, &asked.metadata, &request.parameters)?;
        let method = self.descriptors.method(&self.pool, names, bounds).await?;
        if method.is_client_streaming() {
            let problem = "takes a stream of messages: only methods that take one can be called here";
            return Err(field("method", problem.to_owned()));
        }
        if method.is_server_streaming() && !asked.items.is_empty() {
            let problem = "is for a method that answers with one message: each message of a stream is a row";
            return Err(field("items", problem.to_owned()));
        }
        let message = message::of_json(&method.input(), asked.message.fill(&request.parameters)?)?;
        let path = format!("/{}/{}", names.0, names.1);
        Ok((method, Call { path, metadata, message: frame::framed(&message.encode_to_vec()) }))
    }
}

/// Sends a call on a connection of the pool and waits for the beginning of its answer.
async fn begin(pool: &Arc<Pool>, call: Call, bounds: Bounds) -> Result<(Loan, Response<h2::RecvStream>), QueryError> {
    let mut sent = false;
    match timeout_at(bounds.deadline, send(pool, &call, bounds, &mut sent)).await {
        Ok(begun) => begun,
        Err(_) if sent && bounds.mode == QueryMode::Write => Err(QueryError::lost(bounds.mode, &pool.target.name)),
        Err(_) => Err(QueryError::Timeout(bounds.timeout_ms)),
    }
}

async fn send(
    pool: &Arc<Pool>,
    call: &Call,
    bounds: Bounds,
    sent: &mut bool,
) -> Result<(Loan, Response<h2::RecvStream>), QueryError> {
    loop {
        let mut loan = pool.borrow().await?;
        // A server that was stopped while the connection rested is noticed before a change is on its way.
        if loan.reused && bounds.mode == QueryMode::Write && !loan.connection.still_lives().await {
            pool.forget_idle();
            continue;
        }
        *sent = false;
        let answer = loan.connection.call(&call.path, &call.metadata, call.message.clone(), bounds.deadline, sent);
        return match answer.await {
            Ok(response) => Ok((loan, response)),
            Err(Unanswered::NotSent) if loan.reused => {
                pool.forget_idle();
                continue;
            }
            Err(Unanswered::NotSent) => Err(QueryError::Lost(pool.target.name.clone())),
            Err(Unanswered::Broken) if loan.reused && bounds.mode == QueryMode::Read => {
                pool.forget_idle();
                continue;
            }
            Err(Unanswered::Broken) => Err(QueryError::lost(bounds.mode, &pool.target.name)),
        };
    }
}

/// Why an answer has no next message.
fn broken(pool: &Pool, error: &FrameError, bounds: Bounds) -> QueryError {
    match (error, bounds.mode) {
        (FrameError::TooLong, _) => too_large(bounds),
        (FrameError::Lost, _) => QueryError::lost(bounds.mode, &pool.target.name),
        (FrameError::Form(_), QueryMode::Write) => {
            QueryError::Undecided { resource: pool.target.name.clone(), message: error.to_string() }
        }
        (FrameError::Form(_), QueryMode::Read) => {
            QueryError::Sql { message: error.to_string(), sqlstate: "INTERNAL".to_owned(), position: None }
        }
    }
}

/// An answer that is too large.
fn too_large(bounds: Bounds) -> QueryError {
    QueryError::too_large(bounds.mode, "the answer", bounds.max_bytes, "OK")
}

/// The answer of a method that gives one message.
#[expect(clippy::too_many_arguments, reason = "an exchange with all that is known of it")]
async fn one(
    pool: &Pool,
    method: &MethodDescriptor,
    loan: Loan,
    response: Response<h2::RecvStream>,
    asked: &GrpcCall,
    request: &QueryRequest,
    bounds: Bounds,
    started: tokio::time::Instant,
) -> Result<Answer, QueryError> {
    let read = async {
        let (headers, mut frames) = opened(pool, response, bounds)?;
        let mut first = None;
        while let Some(message) = frames.next().await.map_err(|error| broken(pool, &error, bounds))? {
            if first.replace(message).is_some() {
                return Err(broken(
                    pool,
                    &FrameError::Form("it answers with several messages where one is told"),
                    bounds,
                ));
            }
        }
        let trailers = frames.trailers().await.map_err(|error| broken(pool, &error, bounds))?;
        Ok((first, headers, trailers))
    };
    let (first, headers, trailers) = match timeout_at(bounds.deadline, read).await {
        Ok(read) => read?,
        Err(_) if bounds.mode == QueryMode::Write => return Err(QueryError::lost(bounds.mode, &pool.target.name)),
        Err(_) => return Err(QueryError::Timeout(bounds.timeout_ms)),
    };
    loan.give_back();
    status::check(&trailers, &pool.target, bounds)?;
    let Some(first) = first else {
        return Err(broken(pool, &FrameError::Form("it says that all is well, and gives no message"), bounds));
    };
    let value = message::to_value(&method.output(), &first, bounds)?;
    let value = part(value, &asked.items)?;
    let meta = metadata::told(&headers, &trailers, &pool.target)?;
    let summary = Summary { meta: Some(meta), ..Summary::since(started) };
    of_value(value, summary, request.limits).map_err(|error| match error {
        QueryError::TooLarge(_) => too_large(bounds),
        other => other,
    })
}

/// The answer of a method that gives a stream of messages.
async fn stream(
    pool: &Arc<Pool>,
    method: &MethodDescriptor,
    (loan, response): (Loan, Response<h2::RecvStream>),
    request: &QueryRequest,
    bounds: Bounds,
    started: tokio::time::Instant,
) -> Result<Answer, QueryError> {
    let (headers, frames) = opened(pool, response, bounds)?;
    let told = Told { pool: Arc::clone(pool), output: method.output(), headers, bounds, started };
    answer::begun(Streaming::new(told, loan, frames, request.limits)).await
}

/// The metadata and the messages of an answer that is one of gRPC.
fn opened(pool: &Pool, response: Response<h2::RecvStream>, bounds: Bounds) -> Result<(HeaderMap, Frames), QueryError> {
    let (parts, body) = response.into_parts();
    let told = match status::of_response(&parts) {
        Some(status) if !status.is_ok() => return Err(status.into_error(&pool.target, bounds)),
        told => told.map(|_| parts.headers.clone()),
    };
    Ok((parts.headers, Frames::new(body, bounds.max_bytes as usize, told)))
}

/// The part of an answer at a JSON pointer.
fn part(mut value: serde_json::Value, pointer: &str) -> Result<serde_json::Value, QueryError> {
    if pointer.is_empty() {
        return Ok(value);
    }
    value.pointer_mut(pointer).map(serde_json::Value::take).ok_or_else(|| {
        let message = format!("the answer has nothing at {pointer}: look where its items are");
        QueryError::Sql { message, sqlstate: "OK".to_owned(), position: None }
    })
}

/// What is left until `deadline`.
fn left(deadline: tokio::time::Instant) -> Duration {
    deadline.saturating_duration_since(tokio::time::Instant::now())
}
