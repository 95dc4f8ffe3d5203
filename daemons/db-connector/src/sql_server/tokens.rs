//! What an answer consists of: [MS-TDS] 2.2.7.

use super::json::Column;
use super::types::{TypeInfo, token as types};
use super::wire::{Fields, ServerError};

const RETURN_STATUS: u8 = 0x79;
const COLUMNS: u8 = 0x81;
const TABLE_NAMES: u8 = 0xA4;
const COLUMN_INFO: u8 = 0xA5;
const ORDER: u8 = 0xA9;
const ERROR: u8 = 0xAA;
const INFO: u8 = 0xAB;
const RETURN_VALUE: u8 = 0xAC;
const LOG_IN_ACK: u8 = 0xAD;
const FEATURES_ACK: u8 = 0xAE;
const ROW: u8 = 0xD1;
const PACKED_ROW: u8 = 0xD2;
const ENVIRONMENT: u8 = 0xE3;
const SESSION_STATE: u8 = 0xE4;
const DONE: u8 = 0xFD;
const DONE_CALL: u8 = 0xFE;
const DONE_IN_CALL: u8 = 0xFF;

const NO_COLUMNS: u16 = 0xFFFF;
const MORE: u16 = 0x01;
const HAS_COUNT: u16 = 0x10;
const STOPPED: u16 = 0x20;
/// What a SELECT is called where a statement's end is told: its count is of rows that were returned.
const SELECT: u16 = 0xC1;
/// Columns of a result at most.
const MAX_COLUMNS: u16 = 4096;

/// A piece of an answer.
#[derive(Debug)]
pub(super) enum Token {
    Columns(Vec<Column>),
    /// A row: the bytes behind its first.
    Row {
        is_packed: bool,
    },
    Error(ServerError),
    Environment(Change),
    LoggedIn,
    Done(Done),
    /// Nothing that is of use here.
    Other,
}

/// What became different of the session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    PacketSize(usize),
    /// The transaction that is open, or 0.
    Transaction(u64),
    /// The server wants another one to be asked.
    Elsewhere,
    Other,
}

/// The end of a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Whether it is the end of the answer.
    pub(super) is_last: bool,
    /// Whether it answers an attention.
    pub(super) is_stopped: bool,
    /// Rows that were changed.
    pub(super) changed: Option<u64>,
}

/// What comes next of an answer: with its length, or a length that more of it has to be there.
#[derive(Debug)]
pub(super) enum Next {
    Token(Token, usize),
    Wanted(usize),
    /// No token that is known.
    Broken,
    /// A column whose type is not known.
    UnknownType,
}

/// Reads what comes next. `columns` are those of the rows that come.
pub(super) fn next(bytes: &[u8], columns: &[Column]) -> Next {
    let mut fields = Fields::new(bytes);
    match read(&mut fields, columns) {
        Some(Ok(token)) => Next::Token(token, fields.at()),
        Some(Err(next)) => next,
        None => Next::Wanted(fields.wanted),
    }
}

fn read(fields: &mut Fields<'_>, columns: &[Column]) -> Option<Result<Token, Next>> {
    let token = match fields.u8()? {
        ROW => {
            for column in columns {
                column.info.skip(fields)?;
            }
            Token::Row { is_packed: false }
        }
        PACKED_ROW => {
            let nulls = fields.take(columns.len().div_ceil(8))?;
            for (index, column) in columns.iter().enumerate() {
                if nulls[index / 8] >> (index % 8) & 1 == 0 {
                    column.info.skip(fields)?;
                }
            }
            Token::Row { is_packed: true }
        }
        COLUMNS => return read_columns(fields),
        DONE | DONE_CALL => Token::Done(done(fields, true)?),
        DONE_IN_CALL => Token::Done(done(fields, false)?),
        ERROR => {
            let length = fields.u16()?.into();
            match error(&mut Fields::new(fields.take(length)?)) {
                Some(error) => Token::Error(error),
                None => return Some(Err(Next::Broken)),
            }
        }
        ENVIRONMENT => {
            let length = fields.u16()?.into();
            Token::Environment(change(&mut Fields::new(fields.take(length)?)).unwrap_or(Change::Other))
        }
        LOG_IN_ACK => {
            let length = fields.u16()?.into();
            fields.take(length)?;
            Token::LoggedIn
        }
        INFO | ORDER | TABLE_NAMES | COLUMN_INFO => {
            let length = fields.u16()?.into();
            fields.take(length)?;
            Token::Other
        }
        SESSION_STATE => {
            let length = usize::try_from(fields.u32()?).ok()?;
            fields.take(length)?;
            Token::Other
        }
        RETURN_STATUS => {
            fields.u32()?;
            Token::Other
        }
        RETURN_VALUE => {
            fields.u16()?;
            fields.short_text()?;
            fields.take(7)?;
            match TypeInfo::read(fields)? {
                Ok(info) => info.skip(fields)?,
                Err(_) => return Some(Err(Next::UnknownType)),
            }
            Token::Other
        }
        FEATURES_ACK => {
            while fields.u8()? != 0xFF {
                let length = usize::try_from(fields.u32()?).ok()?;
                fields.take(length)?;
            }
            Token::Other
        }
        _ => return Some(Err(Next::Broken)),
    };
    Some(Ok(token))
}

fn read_columns(fields: &mut Fields<'_>) -> Option<Result<Token, Next>> {
    let count = match fields.u16()? {
        NO_COLUMNS => 0,
        count @ ..=MAX_COLUMNS => count,
        _ => return Some(Err(Next::Broken)),
    };
    let mut columns = Vec::new();
    for _ in 0..count {
        fields.take(6)?;
        let info = match TypeInfo::read(fields)? {
            Ok(info) => info,
            Err(_) => return Some(Err(Next::UnknownType)),
        };
        if matches!(info.token, types::TEXT | types::NTEXT | types::IMAGE) {
            for _ in 0..fields.u8()? {
                fields.text()?;
            }
        }
        columns.push(Column { name: fields.short_text()?, info });
    }
    Some(Ok(Token::Columns(columns)))
}

fn done(fields: &mut Fields<'_>, may_be_last: bool) -> Option<Done> {
    let (status, command, count) = (fields.u16()?, fields.u16()?, fields.u64()?);
    Some(Done {
        is_last: may_be_last && status & MORE == 0,
        is_stopped: status & STOPPED != 0,
        changed: (status & HAS_COUNT != 0 && command != SELECT).then_some(count),
    })
}

fn error(fields: &mut Fields<'_>) -> Option<ServerError> {
    let number = fields.u32()?;
    // Its state and how severe it is.
    fields.take(2)?;
    Some(ServerError { number, message: fields.text()? })
}

fn change(fields: &mut Fields<'_>) -> Option<Change> {
    Some(match fields.u8()? {
        4 => Change::PacketSize(fields.short_text()?.parse().ok()?),
        8 => match fields.u8()? {
            8 => Change::Transaction(fields.u64()?),
            _ => Change::Other,
        },
        9 | 10 | 17 => Change::Transaction(0),
        20 => Change::Elsewhere,
        _ => Change::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_whole_says_how_much_is_wanted() {
        assert!(matches!(next(&[], &[]), Next::Wanted(1)));
        assert!(matches!(next(&[ERROR, 9, 0, 1], &[]), Next::Wanted(12)));
        assert!(matches!(next(&[0x12], &[]), Next::Broken));
        assert!(matches!(next(&[COLUMNS, 1, 0, 0, 0, 0, 0, 0, 0, 0xF4], &[]), Next::UnknownType));
        assert!(matches!(next(&[COLUMNS, 0xFE, 0xFF], &[]), Next::Broken));
    }

    #[test]
    fn an_end_tells_what_was_changed_and_whether_it_is_the_last() {
        let of = |bytes: &[u8]| match next(bytes, &[]) {
            Next::Token(Token::Done(done), 13) => done,
            other => panic!("{other:?}"),
        };
        let mut bytes = [DONE_IN_CALL, 0x10, 0, 0xC3, 0, 7, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(of(&bytes), Done { changed: Some(7), ..Done::default() });
        (bytes[0], bytes[3]) = (DONE, 0xC1);
        assert_eq!(of(&bytes), Done { is_last: true, ..Done::default() });
        bytes[1] = 0x21;
        assert_eq!(of(&bytes), Done { is_stopped: true, ..Done::default() });
    }

    #[test]
    fn changes_of_the_session_are_told() {
        let of = |bytes: &[u8]| change(&mut Fields::new(bytes));
        assert_eq!(of(&[8, 8, 1, 0, 0, 0, 0, 0, 0, 0, 0]), Some(Change::Transaction(1)));
        assert_eq!(of(&[10, 0, 8, 1, 0, 0, 0, 0, 0, 0, 0]), Some(Change::Transaction(0)));
        assert_eq!(of(&[4, 2, b'9', 0, b'9', 0, 0]), Some(Change::PacketSize(99)));
        assert_eq!(of(&[7, 5, 9, 4, 0, 0, 52, 0]), Some(Change::Other));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            if let Next::Wanted(wanted) = next(&bytes, &[]) {
                proptest::prop_assert!(wanted > bytes.len());
            }
        }
    }
}
