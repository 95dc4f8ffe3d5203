//! What is said before a session: which encryption there is, the turn to TLS, the log-in. [MS-TDS] 2.2.6.4 and 2.2.6.5.

use std::sync::atomic::Ordering;

use bulkhead_model::resource::{SqlServerConfig, TlsMode};
use zeroize::Zeroizing;

use super::wire::{Failed, Fields, Wire, message, put_utf16};
use super::wrapped::Wrapped;
use crate::error::QueryError;
use crate::route::Routes;
use crate::target::Target;

/// What follows the options.
const END_OF_OPTIONS: u8 = 0xFF;
const ENCRYPTION: u8 = 1;
/// Both sides encrypt everything.
const ENCRYPT: u8 = 1;
/// This side cannot encrypt: the resource is set so.
const CANNOT_ENCRYPT: u8 = 2;
/// The server wants everything to be encrypted.
const MUST_ENCRYPT: u8 = 3;
/// The protocol of SQL Server 2012 and later.
const VERSION: u32 = 0x7400_0004;
/// What this side asks for.
const PACKET_SIZE: u32 = 8192;
/// Bytes of a log-in before its texts.
const LOG_IN_HEAD: usize = 94;
/// The most bytes of the server's first words.
const MOST: usize = 4096;

/// Connects, turns to TLS and sends the log-in; its answer is still to come.
pub(super) async fn begin(config: &SqlServerConfig, target: &Target, routes: &Routes) -> Result<Wire, QueryError> {
    let server = config.server();
    let stream = routes.connect_plain(target, &server).await?;
    let begun = async {
        let said = |failed: Failed| target.unreachable(&server, words(failed));
        let mut wire = Wire::new(stream);
        let is_encrypted = config.tls != TlsMode::Disabled;
        let asked = options(if is_encrypted { ENCRYPT } else { CANNOT_ENCRYPT });
        wire.send(message::BEFORE_LOG_IN, &asked, false).await.map_err(said)?;
        let offered = encryption(&mut wire).await.map_err(said)?;
        if is_encrypted {
            if !matches!(offered, ENCRYPT | MUST_ENCRYPT) {
                return Err(target.no_tls(&server, "the server does not offer TLS"));
            }
            let (wrapped, is_done) = Wrapped::new(wire.into_stream().map_err(said)?);
            let stream = routes.secure(target, &server, Box::new(wrapped)).await?;
            is_done.store(true, Ordering::Relaxed);
            wire = Wire::new(stream);
        } else if offered == MUST_ENCRYPT {
            return Err(target.no_tls(&server, "the server wants TLS, and the resource has it turned off"));
        }
        let log_in = log_in(config, target)?;
        wire.send(message::LOG_IN, &log_in, false).await.map_err(said)?;
        Ok(wire)
    };
    routes.within(target, &server, begun).await
}

/// Why there is no session.
pub(super) fn words(failed: Failed) -> String {
    match failed {
        Failed::Server(error) => error.message,
        Failed::Gone(reason) => reason,
        Failed::TooLarge | Failed::UnknownType => "it does not speak SQL Server's protocol".to_owned(),
    }
}

/// The options that this side sends: a version, which nobody looks at, and its encryption.
fn options(encryption: u8) -> Vec<u8> {
    let mut options = Vec::new();
    // Each with the place and the length of its value.
    options.extend_from_slice(&[0, 0, 11, 0, 6]);
    options.extend_from_slice(&[ENCRYPTION, 0, 17, 0, 1]);
    options.push(END_OF_OPTIONS);
    options.extend_from_slice(&[1, 0, 0, 0, 0, 0]);
    options.push(encryption);
    options
}

/// What the server says of encryption.
async fn encryption(wire: &mut Wire) -> Result<u8, Failed> {
    while !wire.is_whole() {
        let wanted = wire.unread().len() + 1;
        wire.fill(wanted, MOST).await?;
    }
    let answer = wire.unread().split();
    let mut fields = Fields::new(&answer);
    loop {
        let place = match fields.u8() {
            Some(END_OF_OPTIONS) | None => return Err(Failed::no_protocol()),
            Some(option) => (option, fields.array::<4>()),
        };
        if let (ENCRYPTION, Some([high, low, ..])) = place {
            let at = usize::from(u16::from_be_bytes([high, low]));
            return answer.get(at).copied().ok_or_else(Failed::no_protocol);
        }
    }
}

/// The log-in. The password is turned around in it as the protocol wants, which hides it from nobody.
fn log_in(config: &SqlServerConfig, target: &Target) -> Result<Zeroizing<Vec<u8>>, QueryError> {
    target.required_secret()?;
    let password = target.secret_text()?.unwrap_or_default();
    let mut hidden = Zeroizing::new(Vec::with_capacity(password.len() * 2));
    put_utf16(password, &mut hidden);
    hidden.iter_mut().for_each(|byte| *byte = byte.rotate_left(4) ^ 0xA5);
    let plain = |text: &str| {
        let mut out = Zeroizing::new(Vec::new());
        put_utf16(text, &mut out);
        out
    };
    let (user, database, server) = (plain(&config.user), plain(&config.database), plain(&config.host));
    let (client, empty) = (plain("bulkhead"), Zeroizing::new(Vec::new()));
    // Host, user, password, program, server, nothing, library, language, database.
    let texts = [&client, &user, &hidden, &client, &server, &empty, &client, &empty, &database];
    let total = LOG_IN_HEAD + texts.iter().map(|text| text.len()).sum::<usize>();
    let mut out = Zeroizing::new(Vec::with_capacity(total));
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    out.extend_from_slice(&number(total));
    for value in [VERSION, PACKET_SIZE, 0, 0, 0] {
        out.extend_from_slice(&value.to_le_bytes());
    }
    // A database that cannot be used is an error, and so is a language; what ODBC calls the standard's behaviour.
    out.extend_from_slice(&[0xE0, 0x03, 0, 0]);
    out.extend_from_slice(&[0; 8]);
    let mut at = LOG_IN_HEAD;
    let mut place = |bytes: usize, out: &mut Vec<u8>| {
        out.extend_from_slice(&number(at)[..2]);
        out.extend_from_slice(&number(bytes / 2)[..2]);
        at += bytes;
    };
    texts.iter().for_each(|text| place(text.len(), &mut out));
    // The address of a network card; then a ticket, a file and a new password, of which there are none.
    out.extend_from_slice(&[0; 6]);
    (0..3).for_each(|_| place(0, &mut out));
    out.extend_from_slice(&[0; 4]);
    texts.iter().for_each(|text| out.extend_from_slice(text));
    Ok(out)
}
