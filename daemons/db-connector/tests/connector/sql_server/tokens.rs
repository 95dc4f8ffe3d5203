//! Pieces of answers, as SQL Server sends them.

/// A text behind its length in one byte.
fn short_text(text: &str, out: &mut Vec<u8>) {
    out.push(u8::try_from(text.encode_utf16().count()).expect("short"));
    text.encode_utf16().for_each(|unit| out.extend_from_slice(&unit.to_le_bytes()));
}

pub(super) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

pub(super) fn done(status: u16, command: u16, count: u64) -> Vec<u8> {
    of_done(0xFD, status, command, count)
}

/// The end of one statement of a call, and of the call.
pub(super) fn called(command: u16, count: u64) -> Vec<u8> {
    let status = [0x79, 0, 0, 0, 0].to_vec();
    [of_done(0xFF, 0x11, command, count), status, of_done(0xFE, 0, 0xE0, 0)].concat()
}

fn of_done(token: u8, status: u16, command: u16, count: u64) -> Vec<u8> {
    let mut out = vec![token];
    out.extend_from_slice(&status.to_le_bytes());
    out.extend_from_slice(&command.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out
}

fn said(token: u8, number: u32, class: u8, message: &str) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.extend_from_slice(&[1, class]);
    body.extend_from_slice(&u16::try_from(message.len()).expect("short").to_le_bytes());
    body.extend_from_slice(&utf16(message));
    short_text("server", &mut body);
    short_text("", &mut body);
    body.extend_from_slice(&1_u32.to_le_bytes());
    let mut out = vec![token];
    out.extend_from_slice(&u16::try_from(body.len()).expect("short").to_le_bytes());
    out.extend_from_slice(&body);
    out
}

pub(super) fn error(number: u32, class: u8, message: &str) -> Vec<u8> {
    said(0xAA, number, class, message)
}

pub(super) fn notice(message: &str) -> Vec<u8> {
    said(0xAB, 5701, 0, message)
}

/// A transaction is begun (8), committed (9) or rolled back (10).
pub(super) fn transaction(kind: u8) -> Vec<u8> {
    let number = [8, 7, 7, 7, 7, 7, 7, 7, 7];
    let mut out = vec![0xE3, 11, 0, kind];
    if kind == 8 {
        out.extend_from_slice(&number);
        out.push(0);
    } else {
        out.push(0);
        out.extend_from_slice(&number);
    }
    out
}

/// Columns, each with its type as it is described.
pub(super) fn columns(columns: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = vec![0x81];
    out.extend_from_slice(&u16::try_from(columns.len()).expect("few").to_le_bytes());
    for (name, info) in columns {
        out.extend_from_slice(&[0, 0, 0, 0, 9, 0]);
        out.extend_from_slice(info);
        short_text(name, &mut out);
    }
    out
}

pub(super) fn row(values: &[&[u8]]) -> Vec<u8> {
    [&[0xD1][..], &values.concat()].concat()
}

/// A type of texts of two bytes a letter, short or long.
pub(super) const NVARCHAR: &[u8] = &[0xE7, 0x40, 0x1F, 9, 4, 0xD0, 0, 0x34];
pub(super) const INT: &[u8] = &[0x26, 4];

/// Rows of texts, and the end of the call.
pub(super) fn texts(names: &[&str], rows: &[&[&str]]) -> Vec<u8> {
    let described: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, NVARCHAR)).collect();
    let mut out = columns(&described);
    for values in rows {
        out.push(0xD1);
        for value in *values {
            let bytes = utf16(value);
            out.extend_from_slice(&u16::try_from(bytes.len()).expect("short").to_le_bytes());
            out.extend_from_slice(&bytes);
        }
    }
    out.extend_from_slice(&called(0xC1, rows.len() as u64));
    out
}

/// One whole number in one row.
pub(super) fn one(name: &str, value: i32) -> Vec<u8> {
    [columns(&[(name, INT)]), row(&[&[4], &value.to_le_bytes()]), called(0xC1, 1)].concat()
}
