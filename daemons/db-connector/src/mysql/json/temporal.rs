//! Dates and times. MySQL sends their fields and leaves out those at the end that are zero.

use std::io::Write as _;

use super::super::wire::Fields;

/// Year, month, day, hour, minute, second, microsecond; a date of zeros is one in MySQL.
#[derive(Default)]
struct Moment {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    micros: u32,
}

fn fields(raw: &[u8]) -> Option<Moment> {
    let mut fields = Fields(raw);
    let mut moment = Moment::default();
    if !matches!(raw.len(), 0 | 4 | 7 | 11) {
        return None;
    }
    if raw.len() >= 4 {
        (moment.year, moment.month, moment.day) = (fields.u16()?, fields.u8()?, fields.u8()?);
    }
    if raw.len() >= 7 {
        (moment.hour, moment.minute, moment.second) = (fields.u8()?, fields.u8()?, fields.u8()?);
    }
    if raw.len() == 11 {
        moment.micros = fields.u32()?;
    }
    Some(moment)
}

pub(super) fn date(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let Moment { year, month, day, .. } = fields(raw)?;
    write!(out, "\"{year:04}-{month:02}-{day:02}\"").ok()
}

/// A date and a time, with the zone behind it.
pub(super) fn moment(raw: &[u8], zone: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let Moment { year, month, day, hour, minute, second, micros } = fields(raw)?;
    write!(out, "\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}").ok()?;
    fraction(micros, out)?;
    out.extend_from_slice(zone);
    out.push(b'"');
    Some(())
}

/// A sign, days, hours, minutes, seconds, microseconds; shown in hours, as MySQL does.
pub(super) fn time(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    if raw.is_empty() {
        out.extend_from_slice(b"\"00:00:00\"");
        return Some(());
    }
    let mut fields = Fields(raw);
    let sign = if fields.u8()? == 0 { "" } else { "-" };
    let days = u64::from(fields.u32()?);
    let (hour, minute, second) = (fields.u8()?, fields.u8()?, fields.u8()?);
    let micros = if fields.0.is_empty() { 0 } else { fields.u32()? };
    write!(out, "\"{sign}{:02}:{minute:02}:{second:02}", days * 24 + u64::from(hour)).ok()?;
    fraction(micros, out)?;
    out.push(b'"');
    Some(())
}

/// The part of a second, without the zeros at its end.
fn fraction(micros: u32, out: &mut Vec<u8>) -> Option<()> {
    if micros == 0 {
        return Some(());
    }
    write!(out, ".{micros:06}").ok()?;
    while out.last() == Some(&b'0') {
        out.pop();
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).expect("a value");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn fields_that_are_left_out_are_zero() {
        let full = [0xEA, 7, 1, 2, 3, 4, 5, 0x40, 0xE2, 1, 0];
        assert_eq!(text(|out| moment(&full, b"Z", out)), "\"2026-01-02T03:04:05.123456Z\"");
        assert_eq!(text(|out| moment(&full[..7], b"", out)), "\"2026-01-02T03:04:05\"");
        assert_eq!(text(|out| moment(&full[..4], b"", out)), "\"2026-01-02T00:00:00\"");
        assert_eq!(text(|out| date(&full[..4], out)), "\"2026-01-02\"");
        assert_eq!(text(|out| date(&[], out)), "\"0000-00-00\"");
        assert_eq!(text(|out| time(&[1, 34, 0, 0, 0, 22, 59, 59], out)), "\"-838:59:59\"");
        assert_eq!(text(|out| time(&[0, 0, 0, 0, 0, 1, 2, 3, 0x20, 0xA1, 7, 0], out)), "\"01:02:03.5\"");
        assert_eq!(text(|out| time(&[], out)), "\"00:00:00\"");
    }
}
