//! A client of one internal service, with kept-alive connections over its Unix socket or to its replicas on other machines.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_mtls::{Identity, Role, explain};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::connection::Connector;
use crate::replicas::Replicas;
use crate::{Address, Problem};

/// The largest answer that is read whole, in bytes. Streams are not limited here: their writers are.
pub const MAX_ANSWER_BYTES: usize = 96 * 1024 * 1024;

/// How long a connection without a request is used again. Services close theirs after a little more than this; and systemd answers the
/// connect while a service restarts, so an idle connection may have died with the old process.
pub const IDLE_MAX: Duration = Duration::from_secs(10);

/// Why a call failed.
#[derive(Debug, Error)]
pub enum RpcError {
    /// The service could not be reached, or the connection broke. The request may or may not have taken effect.
    #[error("{service} cannot be reached at {at}: {fix}")]
    Unreachable {
        /// The service's name.
        service: &'static str,
        /// Where it should be.
        at: Address,
        /// What to look at.
        fix: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The service refused or failed, and said why.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// The answer was not what the protocol says.
    #[error("{service} answered with something unexpected")]
    Protocol {
        /// The service's name.
        service: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl RpcError {
    /// Whether the request certainly never reached the service, so that it may be sent again whatever it asks for.
    pub fn is_unsent(&self) -> bool {
        let Self::Unreachable { source, .. } = self else { return false };
        source.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|error| error.is_connect())
    }
}

/// A client of one service. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct RpcClient {
    service: &'static str,
    address: Address,
    http: Client<Connector, Full<Bytes>>,
}

/// Why there can be no client of a service on another machine.
#[derive(Debug, Error)]
pub enum ElsewhereError {
    /// Nothing to show there.
    #[error(
        "{service} at {address} is called with a certificate: this daemon needs [internal-tls] in its configuration"
    )]
    NoIdentity {
        /// The service's name.
        service: &'static str,
        /// Where it is.
        address: Address,
    },
    /// No daemon of this name has an internal socket.
    #[error("{0} has no socket for other machines")]
    NoRole(&'static str),
}

impl RpcClient {
    /// A client of `service` at `socket`. Connects on first use, so a service that is not up yet is no error here.
    pub fn new(service: &'static str, socket: impl Into<PathBuf>) -> Self {
        let socket = socket.into();
        let connector = Connector::Unix(socket.clone().into());
        Self::with(service, Address::Unix(socket), connector)
    }

    /// A client of `service` wherever it is: of one on another machine as `identity`, and of nobody there that does not show its role.
    pub fn at(
        service: &'static str,
        address: &Address,
        identity: Option<&Arc<Identity>>,
    ) -> Result<Self, ElsewhereError> {
        let replicas = match address {
            Address::Unix(socket) => return Ok(Self::new(service, socket)),
            Address::Replicas(replicas) => replicas,
        };
        let role: Result<Role, _> = service.strip_prefix("bulkhead-").unwrap_or(service).parse();
        let role = role.ok().filter(|role| role.port().is_some()).ok_or(ElsewhereError::NoRole(service))?;
        let Some(identity) = identity else {
            return Err(ElsewhereError::NoIdentity { service, address: address.clone() });
        };
        let replicas = Replicas::new(role, replicas, Arc::clone(identity));
        Ok(Self::with(service, address.clone(), Connector::Replicas(replicas)))
    }

    fn with(service: &'static str, address: Address, connector: Connector) -> Self {
        let http = Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE_MAX).build(connector);
        Self { service, address, http }
    }

    /// The service's name.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Sends `body` as JSON and reads the answer as JSON.
    pub async fn call<Q: Serialize + ?Sized, A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Q,
    ) -> Result<A, RpcError> {
        let response = self.send(method, path, body, None).await?;
        self.json(response).await
    }

    /// [`Self::call`] with a bearer token.
    pub async fn call_with_token<Q: Serialize + ?Sized, A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Q,
        token: &str,
    ) -> Result<A, RpcError> {
        let response = self.send(method, path, body, Some(token)).await?;
        self.json(response).await
    }

    /// `GET path`, the answer as JSON.
    pub async fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A, RpcError> {
        let response = self.send(Method::GET, path, &(), None).await?;
        self.json(response).await
    }

    /// Sends `body` as JSON and hands back the answer with its body unread: for streams. Dropping the body closes the
    /// connection, which the service takes as a cancel. A status of 400 or more is read and becomes an error.
    pub async fn stream<Q: Serialize + ?Sized>(
        &self,
        method: Method,
        path: &str,
        body: &Q,
    ) -> Result<Response<Incoming>, RpcError> {
        self.send(method, path, body, None).await
    }

    /// `POST path` with `body` as JSON, asking to go on in `protocol`. The connection is the caller's alone from then on.
    pub async fn upgrade<Q: Serialize + ?Sized>(
        &self,
        path: &str,
        body: &Q,
        protocol: &'static str,
    ) -> Result<TokioIo<hyper::upgrade::Upgraded>, RpcError> {
        let bytes = serde_json::to_vec(body).map_err(|error| self.protocol(error))?;
        let request = Request::post(format!("http://{}{path}", self.service))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "upgrade")
            .header(header::UPGRADE, protocol)
            .body(Full::new(bytes.into()))
            .map_err(|error| self.protocol(error))?;
        let response = self.http.request(request).await.map_err(|error| self.unreachable(error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.problem(response).await);
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(|error| self.protocol(error))?;
        Ok(TokioIo::new(upgraded))
    }

    async fn send<Q: Serialize + ?Sized>(
        &self,
        method: Method,
        path: &str,
        body: &Q,
        token: Option<&str>,
    ) -> Result<Response<Incoming>, RpcError> {
        let bytes = if method == Method::GET {
            Bytes::new()
        } else {
            serde_json::to_vec(body).map_err(|error| self.protocol(error))?.into()
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.service))
            .header(header::CONTENT_TYPE, "application/json")
            // A stream may tell its end behind its body.
            .header(header::TE, "trailers");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(bytes)).map_err(|error| self.protocol(error))?;
        let response = self.http.request(request).await.map_err(|error| self.unreachable(error))?;
        if response.status().as_u16() < 400 {
            return Ok(response);
        }
        Err(self.problem(response).await)
    }

    async fn problem(&self, response: Response<Incoming>) -> RpcError {
        let status = response.status();
        match self.body(response).await {
            Ok(bytes) => match serde_json::from_slice::<Problem>(&bytes) {
                Ok(problem) => RpcError::Problem(Box::new(problem)),
                Err(_) => RpcError::Problem(Box::new(Problem::new(
                    status.as_u16(),
                    "unexpected-answer",
                    format!("{} answered {status} without saying why", self.service),
                ))),
            },
            Err(error) => error,
        }
    }

    async fn json<A: DeserializeOwned>(&self, response: Response<Incoming>) -> Result<A, RpcError> {
        let no_content = response.status() == StatusCode::NO_CONTENT;
        let bytes = self.body(response).await?;
        let text: &[u8] = if no_content || bytes.is_empty() { b"null" } else { &bytes };
        serde_json::from_slice(text).map_err(|error| self.protocol(error))
    }

    async fn body(&self, response: Response<Incoming>) -> Result<Bytes, RpcError> {
        let collected = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
        collected.map(|body| body.to_bytes()).map_err(|source| RpcError::Protocol { service: self.service, source })
    }

    fn unreachable(&self, source: impl std::error::Error + Send + Sync + 'static) -> RpcError {
        let fix = match &self.address {
            Address::Unix(_) => "is its socket unit active?".to_owned(),
            Address::Replicas(_) => explain(&source).unwrap_or_else(|| {
                "is its -tls.socket active there, and may this machine connect (IPAddressAllow=, firewall)?".to_owned()
            }),
        };
        RpcError::Unreachable { service: self.service, at: self.address.clone(), fix, source: Box::new(source) }
    }

    fn protocol(&self, source: impl std::error::Error + Send + Sync + 'static) -> RpcError {
        RpcError::Protocol { service: self.service, source: Box::new(source) }
    }
}
