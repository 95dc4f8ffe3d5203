//! What the cells of a file are: which kind all of a column fit, and whether one fits a kind.
//!
//! A kind is guessed only where nothing of a cell would be lost in it: `007` is a code and no number. What is checked here is
//! what PostgreSQL would read in more than one way, such as `01/02/2026`; all else is its own to judge.

use time::Date;
use time::macros::format_description;

use super::ColumnKind;

/// The most digits of a whole number that every whole number of that length fits.
const SAFE_DIGITS: usize = 18;

/// What a column of a file may be, as its cells are seen.
#[derive(Clone, Debug)]
pub struct Guess {
    integer: bool,
    decimal: bool,
    boolean: bool,
    date: bool,
    timestamp: bool,
    /// Cells that hold something.
    pub filled: u64,
    /// Cells that hold nothing.
    pub empty: u64,
}

impl Default for Guess {
    fn default() -> Self {
        Self { integer: true, decimal: true, boolean: true, date: true, timestamp: true, filled: 0, empty: 0 }
    }
}

impl Guess {
    /// Looks at one more cell.
    pub fn see(&mut self, cell: Option<&str>) {
        let text = cell.unwrap_or_default().trim();
        if text.is_empty() {
            self.empty += 1;
            return;
        }
        self.filled += 1;
        self.integer = self.integer && is_integer(text);
        self.decimal = self.decimal && is_decimal(text);
        self.boolean = self.boolean && is_word_of_truth(text);
        self.date = self.date && is_date(text);
        self.timestamp = self.timestamp && is_timestamp(text);
    }

    /// The narrowest kind that all cells fit; text where there are none.
    pub fn kind(&self) -> ColumnKind {
        let candidates = [
            (self.boolean, ColumnKind::Boolean),
            (self.integer, ColumnKind::Integer),
            (self.decimal, ColumnKind::Decimal),
            (self.date, ColumnKind::Date),
            (self.timestamp, ColumnKind::Timestamp),
        ];
        let fitting = candidates.into_iter().find(|(fits, _)| *fits && self.filled > 0);
        fitting.map_or(ColumnKind::Text, |(_, kind)| kind)
    }
}

/// Why a cell cannot be of a kind, in words for a person; nothing where it can be, or where PostgreSQL is to say.
pub fn refusal(kind: ColumnKind, text: &str) -> Option<String> {
    let (fits, wanted) = match kind {
        ColumnKind::Text | ColumnKind::Uuid | ColumnKind::Json => return None,
        ColumnKind::Integer => (is_digits(text.strip_prefix(['-', '+']).unwrap_or(text)), "a whole number, such as 42"),
        ColumnKind::Decimal => (is_number(text), "a number, such as 12.50"),
        ColumnKind::Boolean => {
            (is_word_of_truth(text) || matches!(text, "0" | "1"), "yes or no: true, false, yes, no, 1 or 0")
        }
        ColumnKind::Date => (is_date(text), "a day, such as 2026-11-30"),
        ColumnKind::Timestamp => (is_date(text) || is_timestamp(text), "a moment, such as 2026-11-30 09:30:00Z"),
    };
    (!fits).then(|| format!("{} is not {wanted}", shown(text)))
}

/// The kind whose rules hold for a type of PostgreSQL; nothing where it judges alone.
pub fn kind_of(type_name: &str) -> Option<ColumnKind> {
    let plain = type_name.split('(').next().unwrap_or_default().trim_end();
    Some(match plain {
        "bigint" | "integer" | "smallint" => ColumnKind::Integer,
        "numeric" => ColumnKind::Decimal,
        "boolean" => ColumnKind::Boolean,
        "date" => ColumnKind::Date,
        _ if plain.starts_with("timestamp") => ColumnKind::Timestamp,
        _ if is_text_type(type_name) => ColumnKind::Text,
        _ => return None,
    })
}

/// Whether an empty text is a value of the type; for others it is nothing.
pub fn is_text_type(type_name: &str) -> bool {
    let plain = type_name.split('(').next().unwrap_or_default().trim_end();
    matches!(plain, "text" | "character varying" | "character" | "citext" | "name")
}

fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { format!("\"{short}…\"") } else { format!("\"{short}\"") }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits that a number keeps: a leading zero is part of a code, such as a postcode's.
fn is_plain(digits: &str) -> bool {
    is_digits(digits) && (digits.len() == 1 || !digits.starts_with('0'))
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    is_plain(digits) && digits.len() <= SAFE_DIGITS && text != "-0"
}

fn is_decimal(text: &str) -> bool {
    let number = text.strip_prefix('-').unwrap_or(text);
    match number.split_once('.') {
        None => is_plain(number),
        Some((whole, rest)) => is_plain(whole) && is_digits(rest),
    }
}

fn is_number(text: &str) -> bool {
    let (mantissa, exponent) =
        text.split_once(['e', 'E']).map_or((text, "0"), |(mantissa, exponent)| (mantissa, exponent));
    let sign = |text: &str| text.strip_prefix(['-', '+']).map(str::to_owned).unwrap_or_else(|| text.to_owned());
    let mantissa = sign(mantissa);
    let (whole, rest) = mantissa.split_once('.').unwrap_or((&mantissa, "0"));
    let is_mantissa = (is_digits(whole) || whole.is_empty() && is_digits(rest)) && (is_digits(rest) || rest.is_empty());
    is_mantissa && is_digits(&sign(exponent))
}

fn is_word_of_truth(text: &str) -> bool {
    ["true", "false", "yes", "no"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn is_date(text: &str) -> bool {
    Date::parse(text, format_description!("[year]-[month]-[day]")).is_ok()
}

/// `2026-11-30 09:30`, with `T` or a space, with seconds and fractions or without, with a zone or without.
fn is_timestamp(text: &str) -> bool {
    let Some((day, clock)) = text.split_once(['T', ' ']) else { return false };
    let clock = clock.trim_start();
    let zone = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(zone);
    is_date(day) && is_clock(clock.trim_end()) && (zone.is_empty() || is_zone(zone))
}

fn is_clock(clock: &str) -> bool {
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let parts: Vec<&str> = clock.split(':').collect();
    let fits = |part: &str, most: u8| part.len() == 2 && is_digits(part) && part.parse::<u8>().is_ok_and(|n| n <= most);
    let is_time = match parts.as_slice() {
        [hours, minutes] => fits(hours, 23) && fits(minutes, 59),
        [hours, minutes, seconds] => fits(hours, 23) && fits(minutes, 59) && fits(seconds, 59),
        _ => false,
    };
    is_time && is_digits(fraction)
}

fn is_zone(zone: &str) -> bool {
    if zone.eq_ignore_ascii_case("z") {
        return true;
    }
    let digits = zone[1..].replace(':', "");
    matches!(digits.len(), 2 | 4) && is_digits(&digits) && digits[..2].parse::<u8>().is_ok_and(|hours| hours <= 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(cells: &[&str]) -> ColumnKind {
        let mut guess = Guess::default();
        cells.iter().for_each(|cell| guess.see(Some(cell)));
        guess.kind()
    }

    #[test]
    fn a_column_is_the_narrowest_that_loses_nothing() {
        assert_eq!(guessed(&["1", "-20", "", "300"]), ColumnKind::Integer);
        assert_eq!(guessed(&["1", "2.50"]), ColumnKind::Decimal);
        assert_eq!(guessed(&["12345678901234567890"]), ColumnKind::Decimal);
        assert_eq!(guessed(&["01234", "99999"]), ColumnKind::Text, "a postcode");
        assert_eq!(guessed(&["yes", "No", "TRUE"]), ColumnKind::Boolean);
        assert_eq!(guessed(&["0", "1"]), ColumnKind::Integer);
        assert_eq!(guessed(&["2026-11-30", "2024-02-29"]), ColumnKind::Date);
        assert_eq!(guessed(&["2026-02-30"]), ColumnKind::Text);
        assert_eq!(guessed(&["30/11/2026"]), ColumnKind::Text);
        let moments = ["2026-11-30T09:30:00Z", "2026-11-30 09:30", "2026-11-30 09:30:00.123+02:00"];
        assert_eq!(guessed(&moments), ColumnKind::Timestamp);
        assert_eq!(guessed(&["", ""]), ColumnKind::Text);
        assert_eq!(guessed(&["1", "x"]), ColumnKind::Text);
    }

    #[test]
    fn what_would_be_read_in_two_ways_is_refused() {
        for (kind, good, bad) in [
            (ColumnKind::Integer, ["+5", "007"], ["1.5", "1_000"]),
            (ColumnKind::Decimal, ["-1.5e-3", ".5"], ["NaN", "1,5"]),
            (ColumnKind::Boolean, ["1", "No"], ["2", "maybe"]),
            (ColumnKind::Date, ["2026-01-02", "1999-12-31"], ["01/02/2026", "today"]),
            (ColumnKind::Timestamp, ["2026-01-02 10:00", "2026-01-02"], ["now", "2026-01-02 25:00"]),
        ] {
            for text in good {
                assert_eq!(refusal(kind, text), None, "{kind:?} {text}");
            }
            for text in bad {
                assert!(refusal(kind, text).is_some_and(|reason| reason.contains(text)), "{kind:?} {text}");
            }
        }
        assert_eq!(refusal(ColumnKind::Text, "anything"), None);
    }

    #[test]
    fn types_of_postgresql_have_their_rules() {
        assert_eq!(kind_of("numeric(10,2)"), Some(ColumnKind::Decimal));
        assert_eq!(kind_of("timestamp without time zone"), Some(ColumnKind::Timestamp));
        assert_eq!(kind_of("character varying(20)"), Some(ColumnKind::Text));
        assert_eq!(kind_of("inet"), None);
        assert!(is_text_type("character varying(20)") && !is_text_type("jsonb"));
    }
}
