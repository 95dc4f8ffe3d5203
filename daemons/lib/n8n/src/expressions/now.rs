//! `$now` and `$today`, which are luxon's in n8n, with what is mostly asked of them.

use super::Walk;

/// Milliseconds by unit.
const UNITS: [(&str, u64); 6] = [
    ("millisecond", 1),
    ("second", 1_000),
    ("minute", 60_000),
    ("hour", 3_600_000),
    ("day", 86_400_000),
    ("week", 604_800_000),
];
/// The beginning of the day in UTC, as milliseconds.
const TODAY: &str = "new Date().setUTCHours(0, 0, 0, 0)";

impl Walk<'_> {
    /// The moment that the calls at hand describe; else why it cannot be said.
    pub(super) fn moment(&mut self, is_today: bool) -> Result<String, String> {
        let mut offset = 0_i128;
        loop {
            let before = self.at;
            let date = |offset: i128| match (is_today, offset) {
                (true, 0) => format!("new Date({TODAY})"),
                (true, _) => format!("new Date({TODAY} {})", signed(offset)),
                (false, 0) => "new Date()".to_owned(),
                (false, _) => format!("new Date(Date.now() {})", signed(offset)),
            };
            let Some(asked) = self.member() else { return Ok(format!("{}.toISOString()", date(offset))) };
            let Some(argument) = self.argument() else {
                let js = match asked.as_str() {
                    "year" => format!("{}.getUTCFullYear()", date(offset)),
                    "month" => format!("({}.getUTCMonth() + 1)", date(offset)),
                    "day" => format!("{}.getUTCDate()", date(offset)),
                    "hour" => format!("{}.getUTCHours()", date(offset)),
                    "minute" => format!("{}.getUTCMinutes()", date(offset)),
                    _ => return Err(format!("`.{asked}` of a time is luxon's: use `Date`")),
                };
                return Ok(js);
            };
            match asked.as_str() {
                "plus" | "minus" => {
                    let Some(span) = span(&argument) else {
                        return Err(format!("`.{asked}({argument})` of a time is luxon's: use `Date`"));
                    };
                    offset += if asked == "plus" { span } else { -span };
                }
                "toUTC" | "toLocal" | "setZone" => {}
                "toISO" | "toString" | "toJSON" => return Ok(format!("{}.toISOString()", date(offset))),
                "toISODate" => return Ok(format!("{}.toISOString().slice(0, 10)", date(offset))),
                "toMillis" | "valueOf" => return Ok(format!("{}.getTime()", date(offset))),
                "toSeconds" | "toUnixInteger" => return Ok(format!("Math.floor({}.getTime() / 1000)", date(offset))),
                "toJSDate" => return Ok(date(offset)),
                "format" | "toFormat" if argument.trim_matches(['\'', '"']).eq_ignore_ascii_case("yyyy-mm-dd") => {
                    return Ok(format!("{}.toISOString().slice(0, 10)", date(offset)));
                }
                _ => {
                    self.at = before;
                    return Err(format!("`.{asked}({argument})` of a time is luxon's: use `Date`"));
                }
            }
        }
    }
}

fn signed(offset: i128) -> String {
    if offset < 0 { format!("- {}", offset.unsigned_abs()) } else { format!("+ {offset}") }
}

/// The milliseconds of `{ days: 2, hours: 1 }`, of `2, 'days'`, or of a number.
fn span(argument: &str) -> Option<i128> {
    let argument = argument.trim();
    if let Some(fields) = argument.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        let pairs = fields.split(',').filter(|pair| !pair.trim().is_empty());
        return pairs.map(|pair| pair.split_once(':').and_then(|(unit, count)| product(count, unit))).sum();
    }
    match argument.split_once(',') {
        Some((count, unit)) => product(count, unit),
        None => product(argument, "millisecond"),
    }
}

fn product(count: &str, unit: &str) -> Option<i128> {
    let unit = unit.trim().trim_matches(['\'', '"']).trim_end_matches('s');
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let count: i32 = count.trim().parse().ok()?;
    Some(i128::from(count) * i128::from(*length))
}
