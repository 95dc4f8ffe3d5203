//! Dates and times, from the forms in which they travel: days since a first one, and parts of a second since midnight.

use std::io::Write as _;

use time::{Date, Duration, PrimitiveDateTime, Time, UtcOffset};

/// The day before which there are none in date, datetime2 and datetimeoffset.
const FIRST_DAY: i32 = 1_721_426;
/// The first of January 1900, from which datetime and smalldatetime count.
const DAY_OF_1900: i32 = 2_415_021;
const NANOS: u64 = 1_000_000_000;

pub(super) fn date(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.push(b'"');
    put_date(day(bytes)?, out)?;
    out.push(b'"');
    Some(())
}

pub(super) fn time(bytes: &[u8], scale: u8, out: &mut Vec<u8>) -> Option<()> {
    out.push(b'"');
    put_time(clock(bytes, scale)?, out)?;
    out.push(b'"');
    Some(())
}

pub(super) fn datetime2(bytes: &[u8], scale: u8, out: &mut Vec<u8>) -> Option<()> {
    let (time, date) = bytes.split_at_checked(bytes.len().checked_sub(3)?)?;
    put_moment(PrimitiveDateTime::new(day(date)?, clock(time, scale)?), b"\"", out)
}

/// It travels in UTC, and is shown where it is.
pub(super) fn datetimeoffset(bytes: &[u8], scale: u8, out: &mut Vec<u8>) -> Option<()> {
    let (moment, minutes) = bytes.split_at_checked(bytes.len().checked_sub(2)?)?;
    let (time, date) = moment.split_at_checked(moment.len().checked_sub(3)?)?;
    let minutes = i16::from_le_bytes(minutes.try_into().ok()?);
    let offset = UtcOffset::from_whole_seconds(i32::from(minutes) * 60).ok()?;
    let utc = PrimitiveDateTime::new(day(date)?, clock(time, scale)?);
    let local = utc.checked_add(Duration::minutes(minutes.into()))?;
    let (hours, minutes, _) = offset.as_hms();
    let sign = if offset.is_negative() { '-' } else { '+' };
    let zone = format!("{sign}{:02}:{:02}\"", hours.unsigned_abs(), minutes.unsigned_abs());
    put_moment(local, zone.as_bytes(), out)
}

/// A datetime counts three hundredths of a second, a smalldatetime minutes.
pub(super) fn datetime(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (days, nanos) = match bytes {
        [a, b, c, d] => (u16::from_le_bytes([*a, *b]).into(), u64::from(u16::from_le_bytes([*c, *d])) * 60 * NANOS),
        [a, b, c, d, ticks @ ..] => {
            let ticks = u64::from(u32::from_le_bytes(ticks.try_into().ok()?));
            // Shown in thousandths, as SQL Server rounds them: .000, .003, .007.
            (i32::from_le_bytes([*a, *b, *c, *d]), (ticks * 10 + 1) / 3 * 1_000_000)
        }
        _ => return None,
    };
    let date = Date::from_julian_day(DAY_OF_1900.checked_add(days)?).ok()?;
    put_moment(PrimitiveDateTime::new(date, at(nanos)?), b"\"", out)
}

fn day(bytes: &[u8]) -> Option<Date> {
    let [a, b, c] = bytes.try_into().ok()?;
    Date::from_julian_day(FIRST_DAY + i32::from_le_bytes([a, b, c, 0])).ok()
}

/// A time of day, in parts of a second of which `scale` says how small they are.
fn clock(bytes: &[u8], scale: u8) -> Option<Time> {
    let mut parts = [0; 8];
    parts.get_mut(..bytes.len())?.copy_from_slice(bytes);
    let nanos_of_part = 10_u64.pow(u32::from(9_u8.checked_sub(scale)?));
    at(u64::from_le_bytes(parts).checked_mul(nanos_of_part)?)
}

fn at(nanos: u64) -> Option<Time> {
    let seconds = u32::try_from(nanos / NANOS).ok()?;
    let part = |value: u32| u8::try_from(value).ok();
    let nano = u32::try_from(nanos % NANOS).ok()?;
    Time::from_hms_nano(part(seconds / 3600)?, part(seconds / 60 % 60)?, part(seconds % 60)?, nano).ok()
}

fn put_moment(moment: PrimitiveDateTime, end: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.push(b'"');
    put_date(moment.date(), out)?;
    out.push(b'T');
    put_time(moment.time(), out)?;
    out.extend_from_slice(end);
    Some(())
}

fn put_date(date: Date, out: &mut Vec<u8>) -> Option<()> {
    let (year, month, day) = date.to_calendar_date();
    write!(out, "{year:04}-{:02}-{day:02}", u8::from(month)).ok()
}

/// A time with as many digits as it has.
fn put_time(time: Time, out: &mut Vec<u8>) -> Option<()> {
    let (hour, minute, second, nano) = time.as_hms_nano();
    write!(out, "{hour:02}:{minute:02}:{second:02}").ok()?;
    if nano > 0 {
        let digits = format!("{nano:09}");
        write!(out, ".{}", digits.trim_end_matches('0')).ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use time::Month;

    use super::*;

    fn shown(write: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).expect("a value");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn days_are_counted_from_where_sql_server_counts_them() {
        let day = |year| Date::from_calendar_date(year, Month::January, 1).expect("a day").to_julian_day();
        assert_eq!((day(1), day(1900)), (FIRST_DAY, DAY_OF_1900));
        assert_eq!(shown(|out| date(&[0, 0, 0], out)), "\"0001-01-01\"");
        assert_eq!(shown(|out| date(&[0xDA, 0xB9, 0x37], out)), "\"9999-12-31\"");
    }

    #[test]
    fn moments_keep_all_their_digits_and_their_offset() {
        assert_eq!(shown(|out| datetime(&[0, 0, 0, 0, 2, 0, 0, 0], out)), "\"1900-01-01T00:00:00.007\"");
        assert_eq!(shown(|out| datetime(&[0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0], out)), "\"1899-12-31T00:00:00.003\"");
        assert_eq!(shown(|out| datetime(&[1, 0, 61, 0], out)), "\"1900-01-02T01:01:00\"");
        // The last tick of a day does not become the next one.
        let last = 25_919_999_u32.to_le_bytes();
        assert_eq!(shown(|out| datetime(&[&[0; 4][..], &last].concat(), out)), "\"1900-01-01T23:59:59.997\"");
        let noon = 43_200_u64 * 10_000_000 + 1;
        let time_of_day = &noon.to_le_bytes()[..5];
        assert_eq!(shown(|out| time(time_of_day, 7, out)), "\"12:00:00.0000001\"");
        let moment = [time_of_day, &[1, 0, 0]].concat();
        assert_eq!(shown(|out| datetime2(&moment, 7, out)), "\"0001-01-02T12:00:00.0000001\"");
        let west = [&moment[..], &(-90_i16).to_le_bytes()].concat();
        assert_eq!(shown(|out| datetimeoffset(&west, 7, out)), "\"0001-01-02T10:30:00.0000001-01:30\"");
        assert_eq!(time(&[0x80, 0x51, 0x01], 0, &mut Vec::new()), None, "a day has no second 86,400");
    }
}
