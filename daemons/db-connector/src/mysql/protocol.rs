//! The packets that answer a command.

use super::wire::{Failed, Fields, ServerError};

/// The first byte of an answer.
pub(super) const OK: u8 = 0;
pub(super) const ERR: u8 = 0xFF;
const EOF: u8 = 0xFE;
/// Asks for a file of this side: never given.
const LOCAL_INFILE: u8 = 0xFB;
/// Errors of a server that goes, or that has ended the connection: shut down, killed, idle for too long. It may have said so before it was
/// asked anything.
const GOING: [u16; 4] = [1053, 1077, 1927, 4031];
/// In a status: another result follows.
const MORE_RESULTS: u16 = 8;

/// What an answer without rows says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) affected: u64,
    pub(super) inserted_id: u64,
    status: u16,
}

impl Done {
    pub(super) fn has_more(self) -> bool {
        self.status & MORE_RESULTS != 0
    }
}

/// The first packet of an answer.
pub(super) enum First {
    Done(Done),
    /// Rows of so many columns follow.
    Columns(u64),
}

/// Reads the first packet of an answer.
pub(super) fn first(packet: &[u8]) -> Result<First, Failed> {
    match packet.first() {
        Some(&OK) => done(&packet[1..]).map(First::Done).ok_or_else(Failed::no_protocol),
        Some(&ERR) => Err(refusal(packet)),
        Some(&(EOF | LOCAL_INFILE)) | None => Err(Failed::no_protocol()),
        Some(_) => Fields(packet).number().map(First::Columns).ok_or_else(Failed::no_protocol),
    }
}

fn done(packet: &[u8]) -> Option<Done> {
    let mut fields = Fields(packet);
    Some(Done { affected: fields.number()?, inserted_id: fields.number()?, status: fields.u16()? })
}

/// The end of rows or of columns, if `packet` is one.
pub(super) fn end(packet: &[u8]) -> Option<Done> {
    if packet.first() != Some(&EOF) || packet.len() >= 9 {
        return None;
    }
    let mut fields = Fields(&packet[1..]);
    let _warnings = fields.u16()?;
    Some(Done { status: fields.u16()?, ..Done::default() })
}

/// An error: of the command, or the end of the connection.
pub(super) fn refusal(packet: &[u8]) -> Failed {
    let error = server_error(packet);
    if GOING.contains(&error.code) { Failed::Gone(error.message) } else { Failed::Server(error) }
}

/// What the server says about an error.
pub(super) fn server_error(packet: &[u8]) -> ServerError {
    let mut fields = Fields(packet.get(1..).unwrap_or_default());
    let code = fields.u16().unwrap_or_default();
    let mut sqlstate = "HY000".to_owned();
    if let Some(rest) = fields.0.strip_prefix(b"#")
        && let Some((state, message)) = rest.split_at_checked(5)
    {
        sqlstate = String::from_utf8_lossy(state).into_owned();
        fields.0 = message;
    }
    ServerError { code, sqlstate, message: String::from_utf8_lossy(fields.0).into_owned() }
}

/// A column of a result, as the server describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ColumnDefinition {
    pub(super) name: String,
    /// What MariaDB says of a type that the protocol has no number for: `json`, `uuid`, `point`.
    pub(super) format: Option<String>,
    pub(super) charset: u16,
    pub(super) length: u32,
    pub(super) kind: u8,
    pub(super) flags: u16,
}

/// Reads the description of a column.
pub(super) fn column(packet: &[u8], has_types: bool) -> Result<ColumnDefinition, Failed> {
    if packet.first() == Some(&ERR) {
        return Err(refusal(packet));
    }
    fields_of_column(packet, has_types).ok_or_else(Failed::no_protocol)
}

fn fields_of_column(packet: &[u8], has_types: bool) -> Option<ColumnDefinition> {
    let mut fields = Fields(packet);
    for _catalog_schema_table_and_its_name in 0..4 {
        fields.counted()?;
    }
    let name = String::from_utf8_lossy(fields.counted()?).into_owned();
    let _name_in_table = fields.counted()?;
    let format = if has_types { format(fields.counted()?) } else { None };
    fields.number()?;
    Some(ColumnDefinition {
        name,
        format,
        charset: fields.u16()?,
        length: fields.u32()?,
        kind: fields.u8()?,
        flags: fields.u16()?,
    })
}

/// Pieces, each with a number that says what it is: 0 for a type's name, 1 for a format's.
fn format(told: &[u8]) -> Option<String> {
    let mut fields = Fields(told);
    let mut found = None;
    while let Some(what) = fields.u8() {
        let text = fields.counted()?;
        if what <= 1 {
            found = Some(String::from_utf8_lossy(text).to_ascii_lowercase());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_packet_makes_it_panic(packet in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
            let _ = first(&packet);
            let _ = end(&packet);
            let _ = server_error(&packet);
            let _ = column(&packet, true);
            let _ = column(&packet, false);
        }
    }

    #[test]
    fn an_error_has_its_code_and_its_words() {
        let error = server_error(b"\xff\x15\x04#28000Access denied");
        assert_eq!((error.code, error.sqlstate.as_str(), error.message.as_str()), (1045, "28000", "Access denied"));
        let early = server_error(b"\xff\x10\x04Too many connections");
        assert_eq!((early.code, early.message.as_str()), (1040, "Too many connections"));
    }

    #[test]
    fn a_file_is_never_given() {
        assert!(matches!(first(b"\xfb/etc/passwd"), Err(Failed::Gone(_))));
    }
}
