//! A connection to a mail server: greeting, encryption, log-in, and a message.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::resource::{Server, SmtpConfig, TlsMode};
use zeroize::Zeroizing;

use super::message::{END, Outgoing};
use super::reply::{MAX_REPLY, Reply, reply};
use crate::error::QueryError;
use crate::pool;
use crate::route::Routes;
use crate::target::Target;
use crate::wire::{Wire, WireError};

/// How we name ourselves: a resource's server has no use for this machine's name.
const HELLO: &str = "EHLO [127.0.0.1]";

/// A connection that is logged in.
pub(super) struct Session {
    wire: Wire,
    /// The largest message that the server takes, if it says so.
    size: Option<usize>,
}

/// Why a message was not sent, or maybe not.
pub(super) enum Failure {
    /// The server refused it, with what was asked then.
    Refused(String, Reply),
    /// The connection was lost before the message's end was sent.
    Before,
    /// The connection was lost, and whether the server took the message is not known.
    After,
    /// It is larger than the server takes.
    TooLarge(usize),
}

impl pool::Connection for Session {
    type Config = SmtpConfig;

    async fn open(config: &SmtpConfig, target: &Target, routes: &Routes) -> Result<Self, QueryError> {
        let server = config.server();
        let starttls = config.starttls && server.tls == TlsMode::VerifyFull;
        let stream = match starttls {
            true => routes.connect_plain(target, &server).await?,
            false => routes.connect(target, &server).await?,
        };
        let mut wire = Wire::new(stream, MAX_REPLY);
        let broken = |error: WireError| target.unreachable(&server, error.to_string());
        let greeted = async {
            let greeting = wire.receive(reply).await.map_err(broken)?;
            if !greeting.is_positive() {
                return Err(target.unreachable(&server, format!("it serves no mail: {}", greeting.shown())));
            }
            hello(&mut wire, target, &server).await
        };
        let mut offers = routes.within(target, &server, greeted).await?;
        if starttls {
            if !offers.has("STARTTLS") {
                return Err(target.no_tls(&server, "it does not offer STARTTLS"));
            }
            let agreed = async { ask(&mut wire, "STARTTLS").await.map_err(broken) };
            let agreed = routes.within(target, &server, agreed).await?;
            if !agreed.is_positive() {
                return Err(target.no_tls(&server, format!("it refused STARTTLS: {}", agreed.shown())));
            }
            let stream = wire.into_stream().map_err(|error| target.no_tls(&server, error.to_string()))?;
            wire = Wire::new(routes.secure(target, &server, stream).await?, MAX_REPLY);
            offers = routes.within(target, &server, hello(&mut wire, target, &server)).await?;
        }
        let logged_in = log_in(&mut wire, &offers, config, target, &server);
        routes.within(target, &server, logged_in).await?;
        Ok(Self { wire, size: offers.size() })
    }

    fn is_closed(&self) -> bool {
        false
    }
}

impl Session {
    /// Whether it is still of use after a rest.
    pub(super) async fn still_lives(&mut self) -> bool {
        // A server that has something to say unasked says that it closes.
        self.wire.still_lives().await && self.wire.unread().is_empty()
    }

    /// Hands a message over. `committed` is set when its end is about to be sent: from then on the server may have it.
    pub(super) async fn send(&mut self, message: &Outgoing, committed: &mut bool) -> Result<Reply, Failure> {
        let size = message.data.len();
        if let Some(most) = self.size.filter(|most| size > *most) {
            return Err(Failure::TooLarge(most));
        }
        let sized = if self.size.is_some() { format!(" SIZE={size}") } else { String::new() };
        self.expect(&format!("MAIL FROM:<{}>{sized}", message.from), "the sender").await?;
        for (place, address) in &message.recipients {
            self.expect(&format!("RCPT TO:<{address}>"), &format!("the recipient {place}")).await?;
        }
        let go = ask(&mut self.wire, "DATA").await.map_err(|_| Failure::Before)?;
        if go.code != 354 {
            return Err(Failure::Refused("the message".to_owned(), go));
        }
        // Without the dot that ends it, the server must not take it.
        let (message, end) = message.data.split_at(size.saturating_sub(END.len()));
        self.wire.send(message).await.map_err(|_| Failure::Before)?;
        *committed = true;
        self.wire.send(end).await.map_err(|_| Failure::After)?;
        let taken = self.wire.receive(reply).await.map_err(|_| Failure::After)?;
        if taken.is_positive() { Ok(taken) } else { Err(Failure::Refused("the message".to_owned(), taken)) }
    }

    async fn expect(&mut self, command: &str, what: &str) -> Result<(), Failure> {
        let answer = ask(&mut self.wire, command).await.map_err(|_| Failure::Before)?;
        if answer.is_positive() { Ok(()) } else { Err(Failure::Refused(what.to_owned(), answer)) }
    }
}

/// What a server offers, a line each.
struct Offers(Vec<String>);

impl Offers {
    /// The words of the line that begins with `keyword`.
    fn words(&self, keyword: &str) -> Option<Vec<String>> {
        self.0.iter().find_map(|line| {
            let mut words = line.split([' ', '=']).map(str::to_ascii_uppercase);
            (words.next()? == keyword).then(|| words.collect())
        })
    }

    fn has(&self, keyword: &str) -> bool {
        self.words(keyword).is_some()
    }

    fn size(&self) -> Option<usize> {
        self.words("SIZE")?.first()?.parse().ok().filter(|size| *size > 0)
    }
}

async fn ask(wire: &mut Wire, command: &str) -> Result<Reply, WireError> {
    wire.send(format!("{command}\r\n").as_bytes()).await?;
    wire.receive(reply).await
}

async fn hello(wire: &mut Wire, target: &Target, server: &Server<'_>) -> Result<Offers, QueryError> {
    let answer = ask(wire, HELLO).await.map_err(|error| target.unreachable(server, error.to_string()))?;
    if !answer.is_positive() {
        return Err(target.unreachable(server, format!("it refused EHLO: {}", answer.shown())));
    }
    Ok(Offers(answer.lines.into_iter().skip(1).collect()))
}

async fn log_in(
    wire: &mut Wire,
    offers: &Offers,
    config: &SmtpConfig,
    target: &Target,
    server: &Server<'_>,
) -> Result<(), QueryError> {
    if config.user.is_empty() {
        return Ok(());
    }
    target.required_secret()?;
    let password = target.secret_text()?.unwrap_or_default();
    if password.contains('\0') {
        return Err(target.log_in("the password holds a NUL character"));
    }
    let broken = |error: WireError| target.unreachable(server, error.to_string());
    let ways = offers.words("AUTH").unwrap_or_default();
    let has = |way: &str| ways.iter().any(|offered| offered == way);
    let answer = if has("PLAIN") {
        let both = Zeroizing::new(format!("\0{}\0{password}", config.user));
        let line = Zeroizing::new(format!("AUTH PLAIN {}", STANDARD.encode(both.as_bytes())));
        ask(wire, &line).await.map_err(broken)?
    } else if has("LOGIN") {
        let mut answer = ask(wire, "AUTH LOGIN").await.map_err(broken)?;
        for word in [config.user.as_str(), password] {
            if answer.code == 334 {
                let line = Zeroizing::new(STANDARD.encode(word));
                answer = ask(wire, &line).await.map_err(broken)?;
            }
        }
        answer
    } else {
        return Err(target.log_in(
            "the server offers neither AUTH PLAIN nor AUTH LOGIN on this connection; some offer them only over TLS",
        ));
    };
    if answer.code == 235 { Ok(()) } else { Err(target.log_in(answer.shown())) }
}
