//! A connection to a NATS server: log-in, and a message with the server's word that it was taken, or with an answer.

use bulkhead_model::operation::FilledNatsMessage;
use bulkhead_model::query::QueryLimits;
use bulkhead_model::resource::{NatsConfig, Server, TlsMode};
use serde_json::json;
use zeroize::Zeroizing;

use super::protocol::{Info, Message, Said, publish, said};
use crate::error::QueryError;
use crate::pool;
use crate::route::Routes;
use crate::target::Target;
use crate::wire::{Wire, WireError};

/// What is kept of a message that is not whole, at most.
const MAX_UNREAD: usize = QueryLimits::MAX.max_bytes as usize + 128 * 1024;
/// Bytes of what is said beside messages.
const MAX_SAID: usize = 64 * 1024;

/// A connection that is logged in.
pub(super) struct Session {
    wire: Wire,
    info: Info,
    last_subscription: u64,
}

/// How a message ended.
pub(super) enum Failure {
    /// The server refused it.
    Refused(String),
    /// The server's word after it was sent, which leaves open what became of it.
    Undecided(String),
    /// The connection failed after it was sent.
    Unknown,
    /// The answer is larger than it may be.
    TooLong,
    /// Nobody listens, so that there will be no answer.
    Nobody,
}

impl pool::Connection for Session {
    type Config = NatsConfig;

    async fn open(config: &NatsConfig, target: &Target, routes: &Routes) -> Result<Self, QueryError> {
        let server = config.server();
        let broken = |error: WireError| target.unreachable(&server, error.to_string());
        let mut wire = Wire::new(routes.connect_plain(target, &server).await?, MAX_UNREAD);
        let greeted = async {
            match wire.receive(|unread| said(unread, MAX_SAID)).await.map_err(broken)? {
                Said::Info(info) => Ok(info),
                Said::Error(error) => Err(target.unreachable(&server, error)),
                _ => Err(target.unreachable(&server, "it does not introduce itself as NATS does")),
            }
        };
        let info = routes.within(target, &server, greeted).await?;
        if server.tls == TlsMode::VerifyFull {
            if !info.tls_required && !info.tls_available {
                return Err(target.no_tls(&server, "it does not offer TLS"));
            }
            let stream = wire.into_stream().map_err(|error| target.no_tls(&server, error.to_string()))?;
            wire = Wire::new(routes.secure(target, &server, stream).await?, MAX_UNREAD);
        } else if info.tls_required {
            return Err(target.no_tls(&server, "it wants TLS, and this resource has it turned off"));
        }
        let mut session = Self { wire, info, last_subscription: 0 };
        let logged_in = session.log_in(config, target, &server);
        routes.within(target, &server, logged_in).await?;
        Ok(session)
    }

    fn is_closed(&self) -> bool {
        false
    }
}

impl Session {
    async fn log_in(&mut self, config: &NatsConfig, target: &Target, server: &Server<'_>) -> Result<(), QueryError> {
        let mut about = json!({
            "verbose": false, "pedantic": false, "lang": "rust", "version": env!("CARGO_PKG_VERSION"), "name": "bulkhead",
            "protocol": 1, "echo": false, "headers": true, "no_responders": true,
        });
        if !config.user.is_empty() {
            target.required_secret()?;
            about["user"] = json!(config.user);
        }
        if let Some(secret) = target.secret_text()? {
            about[if config.user.is_empty() { "auth_token" } else { "pass" }] = json!(secret);
        }
        let line = Zeroizing::new(format!("CONNECT {about}\r\nPING\r\n"));
        let broken = |error: WireError| target.unreachable(server, error.to_string());
        self.wire.send(line.as_bytes()).await.map_err(broken)?;
        loop {
            match self.next(MAX_SAID).await.map_err(broken)? {
                Said::Pong => return Ok(()),
                Said::Error(error) if self.info.nonce.is_some() => {
                    return Err(
                        target.log_in(format!("{error} (log-in by user and password or by token, not by a key)"))
                    );
                }
                Said::Error(error) => return Err(target.log_in(error)),
                _ => {}
            }
        }
    }

    /// Whether it is still of use after a rest: the server asks for a sign of life meanwhile.
    pub(super) async fn still_lives(&mut self) -> bool {
        if !self.wire.still_lives().await {
            return false;
        }
        while self.wire.unread().contains(&b'\n') {
            match self.next(MAX_SAID).await {
                Ok(Said::Error(_)) | Err(_) => return false,
                Ok(_) => {}
            }
        }
        true
    }

    /// The most bytes that a message may have here.
    pub(super) fn max_payload(&self) -> usize {
        self.info.max_payload
    }

    /// Whether messages may have headers here.
    pub(super) fn takes_headers(&self) -> bool {
        self.info.headers
    }

    /// Publishes, and waits for the server's word that it has read the message. `sent` is set when it is on the way.
    pub(super) async fn publish(&mut self, message: &FilledNatsMessage, sent: &mut bool) -> Result<(), Failure> {
        let mut out = Vec::new();
        publish(&message.subject, None, &message.headers, message.payload.as_bytes(), &mut out);
        out.extend_from_slice(b"PING\r\n");
        self.send(&out, sent).await?;
        let mut refused = None;
        loop {
            match self.next(MAX_SAID).await.map_err(|_| refused.take().map_or(Failure::Unknown, Failure::Refused))? {
                // What it refuses it says before this.
                Said::Pong => return refused.map_or(Ok(()), |error| Err(Failure::Refused(error))),
                Said::Error(error) => refused = Some(error),
                _ => {}
            }
        }
    }

    /// Publishes, and waits for an answer.
    pub(super) async fn request(
        &mut self,
        message: &FilledNatsMessage,
        most: usize,
        sent: &mut bool,
    ) -> Result<Message, Failure> {
        self.last_subscription += 1;
        let subscription = self.last_subscription;
        let inbox = format!("_INBOX.{}", uuid::Uuid::new_v4().simple());
        let mut out = format!("SUB {inbox} {subscription}\r\nUNSUB {subscription} 1\r\n").into_bytes();
        publish(&message.subject, Some(&inbox), &message.headers, message.payload.as_bytes(), &mut out);
        self.send(&out, sent).await?;
        loop {
            match self.next(most).await {
                Ok(Said::Message(answer)) if answer.subscription == subscription => {
                    let is_nobody = answer.status() == Some(503) && answer.payload.is_empty();
                    return if is_nobody { Err(Failure::Nobody) } else { Ok(answer) };
                }
                Ok(Said::Error(error)) if refuses_message(&error) => return Err(Failure::Refused(error)),
                // That of the inbox, say: the message is on its way all the same, and its answer will not come.
                Ok(Said::Error(error)) => return Err(Failure::Undecided(error)),
                Ok(_) => {}
                Err(WireError::TooLong) => return Err(Failure::TooLong),
                Err(_) => return Err(Failure::Unknown),
            }
        }
    }

    async fn send(&mut self, out: &[u8], sent: &mut bool) -> Result<(), Failure> {
        *sent = true;
        self.wire.send(out).await.map_err(|_| Failure::Unknown)
    }

    /// What the server says next; it is answered where it wants a sign of life.
    async fn next(&mut self, most: usize) -> Result<Said, WireError> {
        let next = self.wire.receive(|unread| said(unread, most)).await?;
        if next == Said::Ping {
            self.wire.send(b"PONG\r\n").await?;
        }
        Ok(next)
    }
}

/// Whether an error is about a message, which goes nowhere then, and not about a subscription or the connection.
fn refuses_message(error: &str) -> bool {
    let error = error.to_ascii_lowercase();
    ["violation for publish", "maximum payload", "invalid publish subject"].iter().any(|words| error.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_the_message_refuses_it() {
        assert!(
            refuses_message("Permissions Violation for Publish to \"a\"")
                && refuses_message("Maximum Payload Violation")
        );
        for other in ["Permissions Violation for Subscription to \"_INBOX.x\"", "Stale Connection", "Slow Consumer", ""]
        {
            assert!(!refuses_message(other), "{other}");
        }
    }
}
