//! Runs that the clock starts.

use cronexpr::{Crontab, FallbackTimezoneOption, MakeTimestamp, ParseOptions};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::{Fault, Slug};

/// Starts a run at each point in time of a cron expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Schedule {
    /// Five fields: minute, hour, day of the month, month, day of the week: `30 8 * * 1-5`.
    pub cron: String,
    /// The zone that these are meant in, such as `Europe/Vienna`.
    #[serde(default = "utc")]
    pub timezone: String,
    /// What becomes of a point in time at which the run before has not ended.
    #[serde(default)]
    pub overlap: Overlap,
    /// Seconds for which a point in time that was missed, since nothing ran here, is caught up.
    #[serde(default = "default_catch_up_s")]
    pub catch_up_s: u32,
    /// Each start is put off by up to so many seconds, so that not all schedules begin at the same moment.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub jitter_s: u32,
    /// What code sees as `trigger.body`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
    /// The environment of its runs; the default one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Slug>,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn default_catch_up_s() -> u32 {
    600
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// What becomes of a point in time at which the run before has not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// It starts nothing.
    #[default]
    Skip,
    /// It starts its run when the one before has ended. Those that come meanwhile are one.
    Wait,
    /// It starts its run beside the one before.
    Allow,
    /// The run before is cancelled.
    Cancel,
}

/// The longest time that is caught up: a month.
const MAX_CATCH_UP_S: u32 = 31 * 24 * 3600;
/// The longest delay.
const MAX_JITTER_S: u32 = 3600;
/// The longest expression, in bytes.
const MAX_CRON_BYTES: usize = 200;
/// The largest body, in bytes of JSON.
const MAX_BODY_BYTES: usize = 64 * 1024;

impl Schedule {
    /// The first point in time after `after`; none where the expression or the zone is not understood, or there is none in four years.
    ///
    /// An expression with hours of its own is meant by the clock on the wall: what falls into the hour that a change of the clock leaves
    /// out comes an hour later, and what falls into the hour that comes twice comes once. One of every hour goes by the time that passes.
    pub fn next_after(&self, after: OffsetDateTime) -> Option<OffsetDateTime> {
        let after = Timestamp::from_nanosecond(after.unix_timestamp_nanos()).ok()?;
        let next = if self.is_hourly() { self.next_by_time(after)? } else { self.next_by_clock(after)? };
        OffsetDateTime::from_unix_timestamp(next.as_second()).ok()
    }

    /// How long the start for this point in time is put off: always the same for the same point and `seed`.
    pub fn jitter_at(&self, due: OffsetDateTime, seed: u64) -> time::Duration {
        // The finaliser of SplitMix64: each bit of the input moves half of the output's.
        let mut mixed = seed ^ due.unix_timestamp().unsigned_abs();
        for factor in [0xbf58_476d_1ce4_e5b9_u64, 0x94d0_49bb_1331_11eb] {
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(factor);
        }
        let millis = (mixed ^ (mixed >> 31)) % (u64::from(self.jitter_s) * 1000 + 1);
        time::Duration::milliseconds(i64::try_from(millis).unwrap_or_default())
    }

    fn is_hourly(&self) -> bool {
        self.cron.split_whitespace().nth(1).is_some_and(|hours| hours.starts_with('*'))
    }

    fn crontab(&self, zone: &str) -> Result<Crontab, cronexpr::Error> {
        let mut options = ParseOptions::default();
        options.fallback_timezone_option = FallbackTimezoneOption::None;
        let fields: Vec<&str> = self.cron.split_whitespace().collect();
        cronexpr::parse_crontab_with(&format!("{} {zone}", fields.join(" ")), options)
    }

    fn next_by_time(&self, after: Timestamp) -> Option<Timestamp> {
        Some(self.crontab(&self.timezone).ok()?.find_next(MakeTimestamp(after)).ok()?.timestamp())
    }

    fn next_by_clock(&self, after: Timestamp) -> Option<Timestamp> {
        let zone = TimeZone::get(&self.timezone).ok()?;
        let crontab = self.crontab("UTC").ok()?;
        // The clock on the wall, taken for UTC's, has no hours that are left out or come twice.
        let mut clock = zone.to_datetime(after).to_zoned(TimeZone::UTC).ok()?.timestamp();
        loop {
            let next = crontab.find_next(MakeTimestamp(clock)).ok()?;
            let due = zone.to_ambiguous_zoned(next.datetime()).compatible().ok()?.timestamp();
            if due > after {
                return Some(due);
            }
            clock = next.timestamp();
        }
    }

    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        let at = |key: &str| format!("{path}.{key}");
        if TimeZone::get(&self.timezone).is_err() {
            let message =
                format!("there is no time zone `{}`: use one such as `Europe/Vienna` or `UTC`", self.timezone);
            faults.push(Fault::new(at("timezone"), message));
        }
        if self.cron.len() > MAX_CRON_BYTES {
            faults.push(Fault::new(at("cron"), format!("is longer than {MAX_CRON_BYTES} bytes")));
        } else if self.cron.split_whitespace().count() != 5 {
            let message =
                "needs five fields: minute, hour, day of the month, month, day of the week; such as `30 8 * * 1-5`";
            faults.push(Fault::new(at("cron"), message));
        } else if let Err(error) = self.crontab("UTC") {
            let said: Vec<String> = error.to_string().lines().map(|line| line.trim().to_owned()).collect();
            faults.push(Fault::new(at("cron"), format!("is not understood: {}", said.join(" "))));
        } else if self.timezone_is_known() && self.next_after(OffsetDateTime::UNIX_EPOCH).is_none() {
            faults.push(Fault::new(at("cron"), "never comes: there is no such day"));
        }
        for (key, seconds, most) in
            [("catch-up-s", self.catch_up_s, MAX_CATCH_UP_S), ("jitter-s", self.jitter_s, MAX_JITTER_S)]
        {
            if seconds > most {
                faults.push(Fault::new(at(key), format!("must be {most} seconds at most")));
            }
        }
        let bytes = self.body.to_string().len();
        if bytes > MAX_BODY_BYTES {
            faults.push(Fault::new(at("body"), format!("takes {bytes} bytes of JSON; the most is {MAX_BODY_BYTES}")));
        }
    }

    fn timezone_is_known(&self) -> bool {
        TimeZone::get(&self.timezone).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use time::format_description::well_known::Rfc3339;

    use super::*;

    fn schedule(cron: &str, timezone: &str) -> Schedule {
        Schedule {
            cron: cron.into(),
            timezone: timezone.into(),
            overlap: Overlap::Skip,
            catch_up_s: 600,
            jitter_s: 0,
            body: Value::Null,
            environment: None,
        }
    }

    fn moment(text: &str) -> OffsetDateTime {
        OffsetDateTime::parse(text, &Rfc3339).expect("a moment")
    }

    /// The points in time after one of them, in UTC.
    fn after(schedule: &Schedule, from: &str, count: usize) -> Vec<String> {
        let mut at = moment(from);
        let mut found = Vec::new();
        for _ in 0..count {
            at = schedule.next_after(at).expect("there is a next one");
            found.push(at.format(&Rfc3339).expect("a text"));
        }
        found
    }

    #[test]
    fn a_time_of_day_is_meant_by_the_clock_on_the_wall() {
        let daily = schedule("30 8 * * *", "Europe/Vienna");
        assert_eq!(
            after(&daily, "2026-03-27T00:00:00Z", 3),
            ["2026-03-27T07:30:00Z", "2026-03-28T07:30:00Z", "2026-03-29T06:30:00Z"]
        );
    }

    #[test]
    fn what_falls_into_the_hour_that_is_left_out_comes_an_hour_later() {
        let nightly = schedule("30 2 * * *", "Europe/Vienna");
        assert_eq!(
            after(&nightly, "2026-03-28T00:00:00Z", 3),
            ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]
        );
    }

    #[test]
    fn what_falls_into_the_hour_that_comes_twice_comes_once() {
        let nightly = schedule("30 2 * * *", "Europe/Vienna");
        assert_eq!(after(&nightly, "2026-10-24T12:00:00Z", 2), ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        // From within the second of the two hours.
        assert_eq!(after(&nightly, "2026-10-25T01:10:00Z", 1), ["2026-10-26T01:30:00Z"]);
    }

    #[test]
    fn every_half_hour_goes_by_the_time_that_passes() {
        let often = schedule("*/30 * * * *", "Europe/Vienna");
        let points = after(&often, "2026-10-25T00:00:00Z", 4);
        assert_eq!(
            points,
            ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"]
        );
    }

    #[test]
    fn a_leap_day_is_found() {
        assert_eq!(after(&schedule("0 0 29 2 *", "UTC"), "2026-01-01T00:00:00Z", 1), ["2028-02-29T00:00:00Z"]);
    }

    #[test]
    fn faults_say_what_to_do() {
        let said = |schedule: &Schedule| {
            let mut faults = Vec::new();
            schedule.faults("triggers.nightly", &mut faults);
            faults.into_iter().map(|fault| format!("{}: {}", fault.path, fault.message)).collect::<Vec<_>>()
        };
        assert_eq!(said(&schedule("*/5 * * * *", "Europe/Vienna")), Vec::<String>::new());
        for (cron, zone, begin) in [
            ("61 * * * *", "UTC", "triggers.nightly.cron: is not understood"),
            ("* * * *", "UTC", "triggers.nightly.cron: needs five fields"),
            ("* * * * * *", "UTC", "triggers.nightly.cron: needs five fields"),
            ("0 0 31 2 *", "UTC", "triggers.nightly.cron: never comes"),
            ("0 0 * * *", "Europe/Atlantis", "triggers.nightly.timezone: there is no time zone"),
        ] {
            let found = said(&schedule(cron, zone));
            assert!(found.len() == 1 && found[0].starts_with(begin), "{cron} {zone}: {found:?}");
        }
    }

    #[test]
    fn jitter_stays_within_its_bound_and_is_the_same_again() {
        let jittery = Schedule { jitter_s: 30, ..schedule("* * * * *", "UTC") };
        let due = moment("2026-05-01T00:00:00Z");
        let found: Vec<_> = (0..100).map(|seed| jittery.jitter_at(due, seed)).collect();
        assert!(found.iter().all(|delay| *delay >= time::Duration::ZERO && *delay <= time::Duration::seconds(30)));
        assert_eq!(found, (0..100).map(|seed| jittery.jitter_at(due, seed)).collect::<Vec<_>>());
        assert!(found.iter().collect::<std::collections::BTreeSet<_>>().len() > 50);
    }
}
