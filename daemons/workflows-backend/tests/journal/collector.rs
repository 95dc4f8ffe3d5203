//! A collector of traces.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prost::Message;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::otlp::{AnyValue, AnyValueKind, ExportTraceServiceRequest, Span};

/// What it answers, by the spans of a request.
type Answers = Arc<dyn Fn(&[Span]) -> StatusCode + Send + Sync>;

/// A request that was taken.
type Taken = (HeaderMap, Vec<Span>);

#[derive(Clone)]
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Taken>>>,
    answers: Answers,
}

impl Collector {
    /// One that takes everything.
    pub(crate) async fn start() -> Self {
        Self::with(|_| StatusCode::OK).await
    }

    pub(crate) async fn with(answers: impl Fn(&[Span]) -> StatusCode + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        Self::on(listener, None, answers)
    }

    pub(crate) fn on(
        listener: TcpListener,
        tls: Option<ServerConfig>,
        answers: impl Fn(&[Span]) -> StatusCode + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let collector = Self { address, requests: Arc::default(), answers: Arc::new(answers) };
        let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        tokio::spawn(collector.clone().serve(listener, tls));
        collector
    }

    async fn serve(self, listener: TcpListener, tls: Option<TlsAcceptor>) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (collector, tls) = (self.clone(), tls.clone());
            tokio::spawn(async move {
                let take = service_fn(move |request| collector.clone().take(request));
                let http = hyper::server::conn::http1::Builder::new();
                let _ = match tls {
                    None => http.serve_connection(TokioIo::new(stream), take).await,
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => http.serve_connection(TokioIo::new(stream), take).await,
                        Err(_) => return,
                    },
                };
            });
        }
    }

    async fn take(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
        assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/v1/traces"));
        assert_eq!(request.headers()["content-type"], "application/x-protobuf");
        let headers = request.headers().clone();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let sent = ExportTraceServiceRequest::decode(body).unwrap();
        let mut spans = Vec::new();
        for resource in sent.resource_spans {
            let name = &resource.resource.unwrap().attributes[0];
            assert_eq!((name.key.as_str(), shown(name.value.as_ref())), ("service.name", "bulkhead".to_owned()));
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
        let status = (self.answers)(&spans);
        if status == StatusCode::OK {
            self.requests.lock().unwrap().push((headers, spans));
        }
        let mut answer = Response::new(Full::default());
        *answer.status_mut() = status;
        Ok(answer)
    }

    /// All spans that were taken.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.requests.lock().unwrap().iter().flat_map(|(_, spans)| spans.clone()).collect()
    }

    /// The headers of the first request.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.requests.lock().unwrap()[0].0.clone()
    }

    /// Waits until so many traces were taken.
    pub(crate) async fn traces(&self, count: usize) -> Vec<Span> {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let spans = self.spans();
            let mut traces: Vec<_> = spans.iter().map(|span| span.trace_id.clone()).collect();
            traces.sort();
            traces.dedup();
            if traces.len() >= count {
                return spans;
            }
            assert!(Instant::now() < end, "{} traces of {count}", traces.len());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The value of an attribute; empty where there is none.
pub(crate) fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    found.map(|attribute| shown(attribute.value.as_ref())).unwrap_or_default()
}

fn shown(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(AnyValueKind::Text(text)) => text.clone(),
        Some(AnyValueKind::Integer(number)) => number.to_string(),
        Some(AnyValueKind::Number(number)) => number.to_string(),
        other => panic!("{other:?}"),
    }
}
