//! NATS: a message is published, or a request is answered. Both may change anything, wherever they arrive.

mod protocol;
mod session;

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::operation::{FilledNatsMessage, Operation};
use bulkhead_model::resource::NatsConfig;
use bulkhead_rpc::connector::QueryRequest;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Summary, of_value};
use crate::error::QueryError;
use crate::json::exact_numbers;
use crate::kind::{Kind, operation};
use crate::pool::{Pool, Shared};
use crate::target::Target;
use protocol::Message;
use session::{Failure, Session};

/// A NATS server.
pub(crate) struct Nats(Arc<Pool<Session>>);

impl Nats {
    pub(crate) fn new(config: NatsConfig, target: Target, shared: &Shared) -> Self {
        Self(Arc::new(Pool::new(config, target, shared)))
    }
}

impl Kind for Nats {
    fn run(
        self: Arc<Self>,
        request: QueryRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move {
            let (message, wants_answer) = match operation(&request)? {
                Operation::NatsPublish(message) => (message.fill(&request.parameters)?, false),
                Operation::NatsRequest(message) => (message.fill(&request.parameters)?, true),
                _ => return Err(QueryError::OtherOperation),
            };
            check(&message)?;
            let mut sent = false;
            let limit = Duration::from_millis(request.limits.timeout_ms.into());
            let most = request.limits.max_bytes as usize;
            let work = deliver(&self.0, &message, wants_answer.then_some(most), &mut sent);
            let answer = match tokio::time::timeout(limit, work).await {
                Ok(answer) => answer?,
                Err(_) if sent => return Err(QueryError::OutcomeUnknown(self.0.target.name.clone())),
                Err(_) => return Err(QueryError::Timeout(request.limits.timeout_ms)),
            };
            let mut summary = Summary::since(started);
            let told = match answer {
                Some(answer) => {
                    summary.meta = Some(json!({ "subject": answer.subject, "headers": headers(&answer) }));
                    payload(&answer.payload)
                }
                None => json!({ "subject": message.subject, "bytes": message.payload.len() }),
            };
            of_value(told, summary, request.limits)
        }
        .boxed()
    }

    fn test(self: Arc<Self>) -> BoxFuture<'static, Result<(), QueryError>> {
        async move { self.0.connect().await.map(drop) }.boxed()
    }

    fn close_idle(&self, oldest: Instant) -> bool {
        self.0.close_idle(oldest)
    }
}

/// What the values of a message may not be.
fn check(message: &FilledNatsMessage) -> Result<(), QueryError> {
    let field = |field: String, problem: &str| Err(QueryError::Field { field, problem: problem.to_owned() });
    if !message.has_subject() {
        return field(
            "subject".to_owned(),
            "must be tokens with dots between them and without spaces or wildcards; a value in it is one token",
        );
    }
    match message.bad_header() {
        Some(name) => field(format!("headers.{name}"), "holds a line break or another control character: remove it"),
        None => Ok(()),
    }
}

/// Sends on a connection of the pool, and waits for the server's word or, of `most` bytes, for an answer.
async fn deliver(
    pool: &Arc<Pool<Session>>,
    message: &FilledNatsMessage,
    most: Option<usize>,
    sent: &mut bool,
) -> Result<Option<Message>, QueryError> {
    loop {
        let mut loan = pool.borrow().await?;
        if loan.reused && !loan.connection.still_lives().await {
            continue;
        }
        let size = message.payload.len()
            + message.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>();
        let problem = match (loan.connection.max_payload(), loan.connection.takes_headers()) {
            (max, _) if size > max => Some(format!("is larger than the {max} bytes that the server takes")),
            (_, false) if !message.headers.is_empty() => Some("has headers, which the server does not take".to_owned()),
            _ => None,
        };
        if let Some(problem) = problem {
            loan.give_back();
            return Err(QueryError::Field { field: "message".to_owned(), problem });
        }
        let ended = match most {
            Some(most) => loan.connection.request(message, most, sent).await.map(Some),
            None => loan.connection.publish(message, sent).await.map(|()| None),
        };
        let refused =
            |message: String, code: &str| QueryError::Sql { message, sqlstate: code.to_owned(), position: None };
        return match ended {
            Ok(answer) => {
                loan.give_back();
                Ok(answer)
            }
            Err(Failure::Nobody) => {
                loan.give_back();
                Err(refused(format!("nobody listens on {}, so there is no answer", message.subject), "503"))
            }
            Err(Failure::Refused(error)) => Err(refused(format!("the server refused the message: {error}"), "")),
            Err(Failure::Undecided(error)) => Err(QueryError::Undecided {
                resource: pool.target.name.clone(),
                message: format!("the message was sent, and the server says: {error}"),
            }),
            Err(Failure::TooLong) => Err(QueryError::left_unread("the answer", most.unwrap_or_default() as u32, "")),
            Err(Failure::Unknown) => Err(QueryError::OutcomeUnknown(pool.target.name.clone())),
        };
    }
}

/// A JSON object or list is what it says; any other text is a text, and bytes are base64.
fn payload(bytes: &[u8]) -> Value {
    let Ok(text) = std::str::from_utf8(bytes) else { return json!({ "base64": STANDARD.encode(bytes) }) };
    if text.trim_start().starts_with(['{', '['])
        && let Ok(value) = serde_json::from_slice(&exact_numbers(bytes))
    {
        return value;
    }
    Value::String(text.to_owned())
}

/// Headers by their names; one that comes again is a list.
fn headers(message: &Message) -> Map<String, Value> {
    let mut found: Map<String, Value> = Map::new();
    for (name, value) in message.headers() {
        match found.get_mut(&name) {
            None => {
                found.insert(name, json!(value));
            }
            Some(Value::Array(values)) => values.push(json!(value)),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    found
}
