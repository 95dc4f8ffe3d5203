//! Brokers that speak AMQP 0-9-1: a message is published, and counts as such when the broker has taken charge of it.
//!
//! The codec is our own: the crates that have one bring a way to connect of their own with it.

mod frame;
mod message;
mod session;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_model::operation::Operation;
use bulkhead_model::resource::AmqpConfig;
use bulkhead_rpc::connector::QueryRequest;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;

use crate::answer::{Answer, Summary, of_value};
use crate::error::QueryError;
use crate::kind::{Kind, operation};
use crate::pool::{Pool, Shared};
use crate::target::Target;
use message::Outgoing;
use session::{Failure, Session};

/// A broker.
pub(crate) struct Amqp(Arc<Pool<Session>>);

impl Amqp {
    pub(crate) fn new(config: AmqpConfig, target: Target, shared: &Shared) -> Self {
        Self(Arc::new(Pool::new(config, target, shared)))
    }
}

impl Kind for Amqp {
    fn run(
        self: Arc<Self>,
        request: QueryRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move {
            let Operation::AmqpPublish(message) = operation(&request)? else { return Err(QueryError::OtherOperation) };
            let message = message::build(message.fill(&request.parameters)?)?;
            let mut sent = false;
            let limit = Duration::from_millis(request.limits.timeout_ms.into());
            match tokio::time::timeout(limit, publish(&self.0, &message, &mut sent)).await {
                Ok(published) => published?,
                Err(_) if sent => return Err(QueryError::OutcomeUnknown(self.0.target.name.clone())),
                Err(_) => return Err(QueryError::Timeout(request.limits.timeout_ms)),
            }
            let told = json!({
                "exchange": message.exchange,
                "routing-key": message.routing_key,
                "bytes": message.body.len(),
            });
            of_value(told, Summary::since(started), request.limits)
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

/// Publishes on a connection of the pool, that still lives.
async fn publish(pool: &Arc<Pool<Session>>, message: &Outgoing, sent: &mut bool) -> Result<(), QueryError> {
    loop {
        let mut loan = pool.borrow().await?;
        if loan.reused && !loan.connection.still_lives().await {
            continue;
        }
        let failed = match loan.connection.publish(message, sent).await {
            Ok(()) => {
                loan.give_back();
                return Ok(());
            }
            Err(failed) => failed,
        };
        let (message, sqlstate) = match failed {
            Failure::Unknown => return Err(QueryError::OutcomeUnknown(pool.target.name.clone())),
            Failure::Unroutable(code, text) => {
                loan.give_back();
                let told = "no queue takes this message, so it was not published: bind one to the exchange with its routing key";
                (format!("{told} ({code} {text})"), code.to_string())
            }
            Failure::NotTaken => {
                loan.give_back();
                let told = "the broker did not take charge of the message: its queue is full, or the broker has failed";
                (told.to_owned(), "nack".to_owned())
            }
            // The channel is closed, and with it the connection.
            Failure::Refused(code, text) => {
                (format!("the broker refused the message: {code} {text}"), code.to_string())
            }
        };
        return Err(QueryError::Sql { message, sqlstate, position: None });
    }
}
