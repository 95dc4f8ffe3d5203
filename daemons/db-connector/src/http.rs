//! HTTP/1.1 to a resource's server, for the kinds that speak it: over the resource's route, kept alive between requests.

mod authentication;
pub(crate) mod content;
mod gzip;
mod site;
mod token;
mod token_server;

use std::marker::PhantomData;
use std::sync::Arc;

use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::Server;
use bulkhead_rpc::connector::QueryRequest;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::{Duration, Instant, timeout_at};

use crate::error::QueryError;
use crate::memory;
use crate::pool::{self, Pool, Shared};
use crate::route::Routes;
use crate::target::Target;

pub(crate) use site::{Answered, Ask, Place, Site, VALUE, json_body, token_place};
pub(crate) use token_server::{Given, TokenServer};

/// The settings of a kind that is reached by HTTP.
pub(crate) trait HttpConfig: Send + Sync + 'static {
    fn server(&self) -> Server<'_>;
}

/// A connection that is kept alive.
pub(crate) struct HttpConnection<S> {
    sender: SendRequest<Full<Bytes>>,
    settings: PhantomData<fn() -> S>,
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What bounds one exchange.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) deadline: Instant,
    /// As the query has it, for its words.
    pub(crate) timeout_ms: u32,
    pub(crate) max_bytes: u32,
    /// Whether the request may change anything.
    pub(crate) mode: QueryMode,
}

impl Bounds {
    /// Those of a query that began then.
    pub(crate) fn of(request: &QueryRequest, started: Instant) -> Self {
        let limits = request.limits;
        Self {
            deadline: started + Duration::from_millis(limits.timeout_ms.into()),
            timeout_ms: limits.timeout_ms,
            max_bytes: limits.max_bytes,
            mode: request.mode,
        }
    }

    /// Those of a question that is the connector's own.
    pub(crate) fn own(timeout_ms: u32, max_bytes: u32) -> Self {
        let deadline = Instant::now() + Duration::from_millis(timeout_ms.into());
        Self { deadline, timeout_ms, max_bytes, mode: QueryMode::Read }
    }

    /// An answer that is too large.
    pub(crate) fn too_large(self, status: StatusCode) -> QueryError {
        QueryError::too_large(self.mode, &format!("the answer, {status},"), self.max_bytes, status.as_str())
    }
}

impl<S: HttpConfig> pool::Connection for HttpConnection<S> {
    type Config = S;

    async fn open(config: &S, target: &Target, routes: &Routes) -> Result<Self, QueryError> {
        let server = config.server();
        let stream = routes.connect(target, &server).await?;
        let opened = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = opened.map_err(|error| target.unreachable(&server, error.to_string()))?;
        // Ends with the sender; its error reaches whoever waits for an answer.
        tokio::spawn(connection);
        Ok(Self { sender, settings: PhantomData })
    }

    fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

/// Connections to a place that is asked for the sake of `name`: with its own certificate authority, and never let to loopback.
pub(crate) fn pool_at(place: Place, name: &str, shared: &Shared) -> Arc<Pool<HttpConnection<Place>>> {
    Arc::new(Pool::new(place, Target::new(name.to_owned(), None, false), shared))
}

/// Sends a request and reads its answer. The request's target is in origin form and has a `Host`. Redirects are not followed.
pub(crate) async fn exchange<S: HttpConfig>(
    pool: &Arc<Pool<HttpConnection<S>>>,
    request: Request<Full<Bytes>>,
    bounds: Bounds,
) -> Result<Reply, QueryError> {
    let exchanged = async {
        let (loan, response) = send(pool, request, bounds.mode).await?;
        let (parts, body) = response.into_parts();
        let body = match collected(body, bounds.max_bytes as usize).await {
            Ok(body) => body,
            Err(Uncollected::Lost) => return Err(QueryError::lost(bounds.mode, &pool.target.name)),
            Err(Uncollected::TooLarge) => return Err(bounds.too_large(parts.status)),
            Err(Uncollected::NoRoom) => return Err(no_room(pool, bounds.mode)),
        };
        loan.give_back();
        let reply = Reply { status: parts.status, headers: parts.headers, body };
        gzip::decoded(reply, bounds).await?.ok_or_else(|| no_room(pool, bounds.mode))
    };
    match timeout_at(bounds.deadline, exchanged).await {
        Ok(reply) => reply,
        Err(_) if bounds.mode == QueryMode::Write => Err(QueryError::lost(bounds.mode, &pool.target.name)),
        Err(_) => Err(QueryError::Timeout(bounds.timeout_ms)),
    }
}

/// Why a body is not here.
enum Uncollected {
    Lost,
    TooLarge,
    NoRoom,
}

/// A body as a whole, of `most` bytes at most.
async fn collected(mut body: Incoming, most: usize) -> Result<Bytes, Uncollected> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Uncollected::Lost)?.into_data() else { continue };
        let bytes = whole.len() + data.len();
        if bytes > most {
            return Err(Uncollected::TooLarge);
        }
        memory::room(bytes, most).await.map_err(|_| Uncollected::NoRoom)?;
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// There was no room for an answer. A change may have been made: nobody may take it for one that was not sent.
fn no_room<C: pool::Connection>(pool: &Pool<C>, mode: QueryMode) -> QueryError {
    let resource = pool.target.name.clone();
    match mode {
        QueryMode::Read => QueryError::NoRoom(resource),
        QueryMode::Write => {
            let message = "there was no memory for its answer, see answer-bytes in db-connector.toml".to_owned();
            QueryError::Undecided { resource, message }
        }
    }
}

/// Sends a request and gives its answer before its body is there, for a body that is read as it comes. The loan is given back by who has
/// read the body to its end.
pub(crate) async fn begin<S: HttpConfig>(
    pool: &Arc<Pool<HttpConnection<S>>>,
    request: Request<Full<Bytes>>,
    bounds: Bounds,
) -> Result<(pool::Loan<HttpConnection<S>>, http::Response<Incoming>), QueryError> {
    match timeout_at(bounds.deadline, send(pool, request, bounds.mode)).await {
        Ok(begun) => begun,
        Err(_) if bounds.mode == QueryMode::Write => Err(QueryError::lost(bounds.mode, &pool.target.name)),
        Err(_) => Err(QueryError::Timeout(bounds.timeout_ms)),
    }
}

/// Sends a request, on another connection if the one from the pool had died.
async fn send<S: HttpConfig>(
    pool: &Arc<Pool<HttpConnection<S>>>,
    mut request: Request<Full<Bytes>>,
    mode: QueryMode,
) -> Result<(pool::Loan<HttpConnection<S>>, http::Response<Incoming>), QueryError> {
    loop {
        let mut loan = pool.borrow().await?;
        let again = (loan.reused && mode == QueryMode::Read).then(|| request.clone());
        if loan.connection.sender.ready().await.is_err() && loan.reused {
            pool.forget_idle();
            continue;
        }
        let mut error = match loan.connection.sender.try_send_request(request).await {
            Ok(response) => return Ok((loan, response)),
            Err(error) => error,
        };
        match (error.take_message(), again) {
            // It never left this process.
            (Some(unsent), _) if loan.reused => request = unsent,
            (None, Some(read)) => request = read,
            (Some(_), _) => return Err(QueryError::Lost(pool.target.name.clone())),
            (None, None) => return Err(QueryError::lost(mode, &pool.target.name)),
        }
        pool.forget_idle();
    }
}
