//! Dates and times, as PostgreSQL's own JSON functions write them. It counts days and microseconds from 2000-01-01, and its
//! years go from 4713 BC to 294276.

/// Days from 0000-03-01, where the arithmetic below starts, to 2000-01-01.
const EPOCH_DAYS: i64 = 730_425;
const MICROS_PER_DAY: i64 = 86_400_000_000;

pub(super) fn date(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let days = i32::from_be_bytes(raw.try_into().ok()?);
    quoted(out, |out| match days {
        i32::MAX => out.extend_from_slice(b"infinity"),
        i32::MIN => out.extend_from_slice(b"-infinity"),
        days => {
            let before_christ = write_date(days.into(), out);
            out.extend_from_slice(if before_christ { b" BC" } else { b"" });
        }
    })
}

pub(super) fn time(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let micros = u64::from_be_bytes(raw.try_into().ok()?);
    quoted(out, |out| write_time(micros, out))
}

/// Microseconds, then the zone as seconds west of Greenwich.
pub(super) fn timetz(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let micros = u64::from_be_bytes(raw.get(..8)?.try_into().ok()?);
    let west = i32::from_be_bytes(raw.get(8..)?.try_into().ok()?);
    quoted(out, |out| {
        write_time(micros, out);
        out.push(if west > 0 { b'-' } else { b'+' });
        let seconds = u64::from(west.unsigned_abs());
        digits(seconds / 3600, 2, out);
        out.push(b':');
        digits(seconds / 60 % 60, 2, out);
        if seconds % 60 != 0 {
            out.push(b':');
            digits(seconds % 60, 2, out);
        }
    })
}

pub(super) fn timestamp(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    moment(raw, b"", out)
}

pub(super) fn timestamptz(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    moment(raw, b"Z", out)
}

fn moment(raw: &[u8], zone: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let micros = i64::from_be_bytes(raw.try_into().ok()?);
    quoted(out, |out| match micros {
        i64::MAX => out.extend_from_slice(b"infinity"),
        i64::MIN => out.extend_from_slice(b"-infinity"),
        micros => {
            let before_christ = write_date(micros.div_euclid(MICROS_PER_DAY), out);
            out.push(b'T');
            write_time(micros.rem_euclid(MICROS_PER_DAY).unsigned_abs(), out);
            out.extend_from_slice(zone);
            out.extend_from_slice(if before_christ { b" BC" } else { b"" });
        }
    })
}

/// Microseconds, days, months, as an ISO 8601 duration.
pub(super) fn interval(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let micros = i64::from_be_bytes(raw.get(..8)?.try_into().ok()?);
    let days = i32::from_be_bytes(raw.get(8..12)?.try_into().ok()?);
    let months = i32::from_be_bytes(raw.get(12..16)?.try_into().ok()?);
    let mut text = String::from("P");
    for (value, unit) in [(months / 12, 'Y'), (months % 12, 'M'), (days, 'D')] {
        if value != 0 {
            text.push_str(&format!("{value}{unit}"));
        }
    }
    if micros != 0 || text == "P" {
        let sign = if micros < 0 { "-" } else { "" };
        let (seconds, rest) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
        text.push_str(&format!("T{sign}{seconds}"));
        if rest != 0 {
            text.push_str(format!(".{rest:06}").trim_end_matches('0'));
        }
        text.push('S');
    }
    quoted(out, |out| out.extend_from_slice(text.as_bytes()))
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> Option<()> {
    out.push(b'"');
    write(out);
    out.push(b'"');
    Some(())
}

/// Appends the date `days` after 2000-01-01; returns whether it is before Christ, which is written behind everything else.
///
/// The arithmetic is Howard Hinnant's `civil_from_days`: years start in March, so that a leap day is the last of its year.
fn write_date(days: i64, out: &mut Vec<u8>) -> bool {
    const DAYS_PER_ERA: i64 = 146_097;
    let days = days + EPOCH_DAYS;
    let (era, day) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let year_of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let before_christ = year <= 0;
    // There is no year 0: 1 BC is followed by 1 AD.
    digits((if before_christ { 1 - year } else { year }).unsigned_abs(), 4, out);
    out.push(b'-');
    digits(month.unsigned_abs(), 2, out);
    out.push(b'-');
    digits(day_of_month.unsigned_abs(), 2, out);
    before_christ
}

/// Appends the time `micros` after midnight; 24:00:00 is a time in PostgreSQL.
fn write_time(micros: u64, out: &mut Vec<u8>) {
    let seconds = micros / 1_000_000;
    digits(seconds / 3600, 2, out);
    out.push(b':');
    digits(seconds / 60 % 60, 2, out);
    out.push(b':');
    digits(seconds % 60, 2, out);
    let mut fraction = micros % 1_000_000;
    if fraction > 0 {
        let mut places = 6;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            places -= 1;
        }
        out.push(b'.');
        digits(fraction, places, out);
    }
}

/// Appends `value` with at least `places` digits.
fn digits(value: u64, places: usize, out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = value;
    while rest > 0 || out.len() - start < places {
        out.push(b'0' + u8::try_from(rest % 10).unwrap_or_default());
        rest /= 10;
    }
    out[start..].reverse();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date_text(days: i32) -> String {
        let mut out = Vec::new();
        date(&days.to_be_bytes(), &mut out).expect("a date");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn dates_follow_the_calendar() {
        for (days, text) in [
            (0, "\"2000-01-01\""),
            (-1, "\"1999-12-31\""),
            (59, "\"2000-02-29\""),
            (60, "\"2000-03-01\""),
            (-730_119, "\"0001-01-01\""),
            (-730_120, "\"0001-12-31 BC\""),
            (2_921_939, "\"9999-12-31\""),
            (2_921_940, "\"10000-01-01\""),
            (i32::MAX, "\"infinity\""),
        ] {
            assert_eq!(date_text(days), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(raw in proptest::collection::vec(proptest::num::u8::ANY, 0..20)) {
            for write in [date, time, timetz, timestamp, timestamptz, interval] {
                let _ = write(&raw, &mut Vec::new());
            }
        }
    }
}
