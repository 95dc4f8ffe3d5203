//! Mail: a message is handed to a server over SMTP. Once its end is on the way, a lost answer means that nobody knows.

mod message;
mod reply;
mod session;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_model::operation::Operation;
use bulkhead_model::resource::SmtpConfig;
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
use reply::Reply;
use session::{Failure, Session};

/// A mail server.
pub(crate) struct Smtp(Arc<Pool<Session>>);

impl Smtp {
    pub(crate) fn new(config: SmtpConfig, target: Target, shared: &Shared) -> Self {
        Self(Arc::new(Pool::new(config, target, shared)))
    }
}

impl Kind for Smtp {
    fn run(
        self: Arc<Self>,
        request: QueryRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move {
            let Operation::SendMail(mail) = operation(&request)? else { return Err(QueryError::OtherOperation) };
            let message = message::build(&self.0.config, mail.fill(&request.parameters)?)?;
            let mut committed = false;
            let limit = Duration::from_millis(request.limits.timeout_ms.into());
            let sent = tokio::time::timeout(limit, send(&self.0, &message, &mut committed)).await;
            let answer = match sent {
                Ok(answer) => answer?,
                Err(_) if committed => return Err(QueryError::OutcomeUnknown(self.0.target.name.clone())),
                Err(_) => return Err(QueryError::Timeout(request.limits.timeout_ms)),
            };
            let told = json!({
                "message-id": message.message_id,
                "recipients": message.recipients.len(),
                "answer": answer.shown(),
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

/// Sends on a connection of the pool. One that had died there is replaced, as long as no message was handed over.
async fn send(pool: &Arc<Pool<Session>>, message: &Outgoing, committed: &mut bool) -> Result<Reply, QueryError> {
    let name = || pool.target.name.clone();
    loop {
        let mut loan = pool.borrow().await?;
        if loan.reused && !loan.connection.still_lives().await {
            continue;
        }
        let failure = match loan.connection.send(message, committed).await {
            Ok(answer) => {
                loan.give_back();
                return Ok(answer);
            }
            Err(failure) => failure,
        };
        match failure {
            // 421: it closes the connection, such as one that was open for long.
            Failure::Before if loan.reused => pool.forget_idle(),
            Failure::Refused(_, reply) if loan.reused && reply.code == 421 && !*committed => pool.forget_idle(),
            Failure::Before => return Err(QueryError::Lost(name())),
            Failure::After => return Err(QueryError::OutcomeUnknown(name())),
            Failure::Refused(what, reply) => {
                let message = format!("the mail server refused {what}, and nothing was sent: {}", reply.shown());
                return Err(QueryError::Sql { message, sqlstate: reply.code.to_string(), position: None });
            }
            Failure::TooLarge(most) => {
                let problem = format!("makes a message larger than the {most} bytes that the mail server takes");
                return Err(QueryError::Field { field: "attachments".to_owned(), problem });
            }
        }
    }
}
