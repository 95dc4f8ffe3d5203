//! A connection to a broker: log-in, a channel that confirms, and a message on it.

use bulkhead_model::resource::{AmqpConfig, Server};
use serde_json::json;
use zeroize::Zeroizing;

use super::frame::{AROUND, Arguments, BODY, Frame, Frames, HEADER, METHOD, frame};
use super::message::Outgoing;
use crate::error::QueryError;
use crate::pool;
use crate::route::Routes;
use crate::target::Target;
use crate::wire::{Wire, WireError};

/// The largest frame that is offered; brokers offer as much.
const MAX_FRAME: u32 = 128 * 1024;
/// The least that the protocol lets a broker offer.
const MIN_FRAME: u32 = 4096;
/// The one channel that is used.
const CHANNEL: u16 = 1;

/// A method by its class and number.
type Method = (u16, u16);

const START: Method = (10, 10);
const START_OK: Method = (10, 11);
const TUNE: Method = (10, 30);
const TUNE_OK: Method = (10, 31);
const OPEN: Method = (10, 40);
const OPEN_OK: Method = (10, 41);
const CLOSE: Method = (10, 50);
const CLOSE_OK: Method = (10, 51);
const CHANNEL_OPEN: Method = (20, 10);
const CHANNEL_OPEN_OK: Method = (20, 11);
const CHANNEL_CLOSE: Method = (20, 40);
const CONFIRM_SELECT: Method = (85, 10);
const CONFIRM_SELECT_OK: Method = (85, 11);
const PUBLISH: Method = (60, 40);
const RETURN: Method = (60, 50);
const ACK: Method = (60, 80);
const NACK: Method = (60, 120);

/// A connection with a channel that confirms what is published on it.
pub(super) struct Session {
    wire: Wire,
    frame_max: usize,
    published: u64,
}

/// Why a message was not published, or maybe not.
pub(super) enum Failure {
    /// The broker refused it: a code and its text.
    Refused(u16, String),
    /// No queue wants it.
    Unroutable(u16, String),
    /// The broker could not take charge of it.
    NotTaken,
    /// The connection was lost, and whether the broker has the message is not known.
    Unknown,
}

/// What a broker says of the opening of a connection, or why it closes it.
enum Opening {
    Method(Arguments),
    Closed(u16, String),
}

impl pool::Connection for Session {
    type Config = AmqpConfig;

    async fn open(config: &AmqpConfig, target: &Target, routes: &Routes) -> Result<Self, QueryError> {
        let server = config.server();
        let password = target.required_secret()?;
        let stream = routes.connect(target, &server).await?;
        let mut session = Self { wire: Wire::new(stream, MAX_FRAME as usize + AROUND), frame_max: 0, published: 0 };
        routes.within(target, &server, session.set_up(config, password, target, &server)).await?;
        Ok(session)
    }

    fn is_closed(&self) -> bool {
        false
    }
}

impl Session {
    async fn set_up(
        &mut self,
        config: &AmqpConfig,
        password: &[u8],
        target: &Target,
        server: &Server<'_>,
    ) -> Result<(), QueryError> {
        let broken = |error: WireError| target.unreachable(server, error.to_string());
        let refused = |code: u16, text: String| target.log_in(format!("{code} {text}"));
        self.wire.send(b"AMQP\0\0\x09\x01").await.map_err(broken)?;
        let mechanisms = match self.opening(START).await.map_err(broken)? {
            Opening::Method(mut start) => mechanisms(&mut start).map_err(broken)?,
            Opening::Closed(code, text) => return Err(refused(code, text)),
        };
        if !mechanisms.split(' ').any(|mechanism| mechanism == "PLAIN") {
            return Err(target.log_in(format!("the broker takes no password (it takes {mechanisms})")));
        }
        self.wire.send(&start_ok(config, password)).await.map_err(broken)?;
        let mut tune = match self.opening(TUNE).await {
            Ok(Opening::Method(tune)) => tune,
            Ok(Opening::Closed(code, text)) => return Err(refused(code, text)),
            // Brokers that are asked to say why they refuse a log-in may hang up all the same.
            Err(WireError::Closed) => return Err(target.log_in("the broker closed the connection")),
            Err(error) => return Err(broken(error)),
        };
        let (_, frame_max) = (tune.u16().map_err(broken)?, tune.u32().map_err(broken)?);
        let frame_max = if frame_max == 0 { MAX_FRAME } else { frame_max.min(MAX_FRAME) };
        if frame_max < MIN_FRAME {
            return Err(target.unreachable(&config.server(), format!("it offers frames of {frame_max} bytes")));
        }
        self.frame_max = frame_max as usize;
        let mut frames = Frames::default();
        // No heartbeats: a connection at rest is looked at before it is used again.
        frames.method(0, TUNE_OK, |payload| {
            payload.u16(CHANNEL);
            payload.u32(frame_max);
            payload.u16(0);
        });
        frames.method(0, OPEN, |payload| {
            payload.short(&config.virtual_host);
            payload.short("");
            payload.u8(0);
        });
        self.wire.send(&frames.0).await.map_err(broken)?;
        if let Opening::Closed(code, text) = self.opening(OPEN_OK).await.map_err(broken)? {
            return Err(refused(code, text));
        }
        let mut frames = Frames::default();
        frames.method(CHANNEL, CHANNEL_OPEN, |payload| payload.short(""));
        frames.method(CHANNEL, CONFIRM_SELECT, |payload| payload.u8(0));
        self.wire.send(&frames.0).await.map_err(broken)?;
        for wanted in [CHANNEL_OPEN_OK, CONFIRM_SELECT_OK] {
            if let Opening::Closed(code, text) = self.opening(wanted).await.map_err(broken)? {
                return Err(target.unreachable(server, format!("it opens no channel: {code} {text}")));
            }
        }
        Ok(())
    }

    /// Whether it is still of use after a rest. A broker that says something unasked closes the connection or the channel.
    pub(super) async fn still_lives(&mut self) -> bool {
        self.wire.still_lives().await && self.wire.unread().is_empty()
    }

    /// Publishes, and waits for the broker's confirmation. `sent` is set when it is on the way.
    pub(super) async fn publish(&mut self, message: &Outgoing, sent: &mut bool) -> Result<(), Failure> {
        let mut frames = Frames::default();
        frames.method(CHANNEL, PUBLISH, |payload| {
            payload.u16(0);
            payload.short(&message.exchange);
            payload.short(&message.routing_key);
            // Mandatory: what no queue wants comes back.
            payload.u8(1);
        });
        frames.add(HEADER, CHANNEL, &message.header);
        for piece in message.body.chunks(self.frame_max - AROUND) {
            frames.add(BODY, CHANNEL, piece);
        }
        self.published += 1;
        *sent = true;
        let on_the_way = self.wire.send(&frames.0).await;
        let mut returned = None;
        loop {
            let Ok((method, mut arguments)) = self.method().await else { return Err(Failure::Unknown) };
            let outcome = self.outcome(method, &mut arguments, &mut returned);
            match outcome.map_err(|_| Failure::Unknown)? {
                // What the broker said before it hung up counts; nothing, and nobody knows.
                None if on_the_way.is_err() => return Err(Failure::Unknown),
                None => {}
                Some(outcome) => return outcome,
            }
        }
    }

    /// What a method says of the message that was published last; nothing, if it is about something else.
    fn outcome(
        &self,
        method: Method,
        arguments: &mut Arguments,
        returned: &mut Option<(u16, String)>,
    ) -> Result<Option<Result<(), Failure>>, WireError> {
        Ok(match method {
            RETURN => {
                *returned = Some((arguments.u16()?, arguments.short()?));
                None
            }
            ACK | NACK => {
                let (tag, bits) = (arguments.u64()?, arguments.u8()?);
                let is_ours = tag == self.published || (tag > self.published && bits & 1 == 1) || tag == 0;
                match (is_ours, method, returned.take()) {
                    (false, _, _) => None,
                    (true, _, Some((code, text))) => Some(Err(Failure::Unroutable(code, text))),
                    (true, ACK, None) => Some(Ok(())),
                    (true, _, None) => Some(Err(Failure::NotTaken)),
                }
            }
            // A broker that shuts down may have taken the message before.
            CLOSE => Some(Err(Failure::Unknown)),
            CHANNEL_CLOSE => Some(Err(Failure::Refused(arguments.u16()?, arguments.short()?))),
            _ => None,
        })
    }

    /// The method that is awaited, or why the broker closes.
    async fn opening(&mut self, wanted: Method) -> Result<Opening, WireError> {
        let (method, mut arguments) = self.method().await?;
        match method {
            CLOSE | CHANNEL_CLOSE => {
                let (code, text) = (arguments.u16()?, arguments.short()?);
                let mut frames = Frames::default();
                frames.method(0, CLOSE_OK, |_| {});
                // It is a courtesy.
                let _ = self.wire.send(&frames.0).await;
                Ok(Opening::Closed(code, text))
            }
            method if method == wanted => Ok(Opening::Method(arguments)),
            _ => Err(WireError::Broken("it does not open a connection as AMQP 0-9-1 does")),
        }
    }

    /// The next method. The content of messages that come back is passed by, and so are signs of life.
    async fn method(&mut self) -> Result<(Method, Arguments), WireError> {
        loop {
            let Frame { kind, payload, .. } = self.wire.receive(|unread| frame(unread, MAX_FRAME as usize)).await?;
            if kind == METHOD {
                let mut arguments = Arguments(payload);
                return Ok(((arguments.u16()?, arguments.u16()?), arguments));
            }
        }
    }
}

/// How one may log in.
fn mechanisms(start: &mut Arguments) -> Result<String, WireError> {
    // The version of the protocol, and what the broker tells of itself.
    start.u16()?;
    start.long()?;
    start.long()
}

fn start_ok(config: &AmqpConfig, password: &[u8]) -> Zeroizing<Vec<u8>> {
    let about = json!({
        "product": "Bulkhead",
        "version": env!("CARGO_PKG_VERSION"),
        "capabilities": { "authentication_failure_close": true, "basic.nack": true, "publisher_confirms": true },
    });
    let fields = about.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value));
    let log_in = Zeroizing::new([b"\0", config.user.as_bytes(), b"\0", password].concat());
    let mut frames = Frames::default();
    frames.method(0, START_OK, |payload| {
        // Texts and truths have a form in a table.
        let _ = payload.table(fields);
        payload.short("PLAIN");
        payload.long(&log_in);
        payload.short("en_US");
    });
    Zeroizing::new(frames.0)
}
