//! When a schedule of n8n's runs, as cron expressions of five fields: minute, hour, day of the month, month, day of the week.

use serde_json::Value;

use crate::export::Node;

/// The schedules of a trigger; none if it runs on none.
pub(crate) fn of(node: &Node) -> Vec<String> {
    match node.kind.as_str() {
        "scheduleTrigger" => {
            let rules = node.list("rule.interval");
            // A trigger whose settings were never touched runs every day at midnight.
            if rules.is_empty() { vec!["0 0 * * *".to_owned()] } else { rules.iter().map(rule).collect() }
        }
        "cron" => node.list("triggerTimes.item").iter().map(time).collect(),
        "interval" => {
            let every = node.param("interval").as_u64().unwrap_or(1);
            vec![every_unit(every, node.param("unit").as_str().unwrap_or("seconds"))]
        }
        _ => Vec::new(),
    }
}

/// A rule of the schedule trigger.
fn rule(rule: &Value) -> String {
    let number = |key: &str, default: u64| rule[key].as_u64().unwrap_or(default);
    let (hour, minute) = (number("triggerAtHour", 0), number("triggerAtMinute", 0));
    match rule["field"].as_str().unwrap_or("days") {
        "cronExpression" => rule["expression"].as_str().unwrap_or_default().to_owned(),
        "seconds" => every_unit(number("secondsInterval", 30), "seconds"),
        "minutes" => every_unit(number("minutesInterval", 5), "minutes"),
        "hours" => format!("{minute} {} * * *", every(number("hoursInterval", 1))),
        "weeks" => {
            let days: Vec<String> =
                rule["triggerAtDay"].as_array().into_iter().flatten().map(Value::to_string).collect();
            let days = if days.is_empty() { "0".to_owned() } else { days.join(",") };
            match number("weeksInterval", 1) {
                0 | 1 => format!("{minute} {hour} * * {days}"),
                weeks => format!("{minute} {hour} * * {days} (every {weeks} weeks)"),
            }
        }
        "months" => {
            let day = number("triggerAtDayOfMonth", 1);
            format!("{minute} {hour} {day} {} *", every(number("monthsInterval", 1)))
        }
        _ => format!("{minute} {hour} {} * *", every(number("daysInterval", 1))),
    }
}

/// A time of the older cron node.
fn time(time: &Value) -> String {
    let number = |key: &str, default: u64| time[key].as_u64().unwrap_or(default);
    let (hour, minute) = (number("hour", 14), number("minute", 0));
    match time["mode"].as_str().unwrap_or("everyDay") {
        "custom" => time["cronExpression"].as_str().unwrap_or_default().to_owned(),
        "everyMinute" => "* * * * *".to_owned(),
        "everyHour" => format!("{minute} * * * *"),
        "everyX" => every_unit(number("value", 2), time["unit"].as_str().unwrap_or("hours")),
        "everyWeek" => {
            let day = time["weekday"].as_str().map_or_else(|| number("weekday", 1).to_string(), str::to_owned);
            format!("{minute} {hour} * * {day}")
        }
        "everyMonth" => format!("{minute} {hour} {} * *", number("dayOfMonth", 1)),
        _ => format!("{minute} {hour} * * *"),
    }
}

fn every(step: u64) -> String {
    if step <= 1 { "*".to_owned() } else { format!("*/{step}") }
}

fn every_unit(step: u64, unit: &str) -> String {
    match unit {
        "minutes" => format!("{} * * * *", every(step)),
        "hours" => format!("0 {} * * *", every(step)),
        _ => format!("every {step} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_schedule_is_a_cron_expression() {
        let cases = [
            ("scheduleTrigger", json!({}), "0 0 * * *"),
            ("scheduleTrigger", json!({ "rule": { "interval": [{ "field": "minutes" }] } }), "*/5 * * * *"),
            (
                "scheduleTrigger",
                json!({ "rule": { "interval": [{ "field": "weeks", "triggerAtDay": [1, 3], "triggerAtHour": 9 }] } }),
                "0 9 * * 1,3",
            ),
            (
                "scheduleTrigger",
                json!({ "rule": { "interval": [{ "field": "cronExpression", "expression": "0 15 * 1 sun" }] } }),
                "0 15 * 1 sun",
            ),
            ("cron", json!({ "triggerTimes": { "item": [{ "hour": 7, "minute": 30 }] } }), "30 7 * * *"),
            ("interval", json!({ "interval": 2, "unit": "hours" }), "0 */2 * * *"),
        ];
        for (kind, params, cron) in cases {
            let params = params.as_object().cloned().unwrap_or_default();
            let node = Node { kind: kind.to_owned(), params, ..Node::default() };
            assert_eq!(of(&node), [cron]);
        }
    }
}
