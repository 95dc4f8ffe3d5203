//! Conditions of IF, Filter and Switch as one expression.

use serde_json::Value;

use crate::expressions::literal;
use crate::report::{Level, quoted};
use crate::text::Writer;

/// How two values are compared.
#[derive(Clone, Copy, Debug, Default)]
struct Manner {
    ignores_case: bool,
    /// Values of other types are converted.
    is_loose: bool,
}

/// The conditions of a newer node: a list with a combinator.
pub(crate) fn of(conditions: &Value, is_loose: bool, writer: &mut Writer<'_>) -> String {
    let options = &conditions["options"];
    let manner = Manner {
        ignores_case: options["caseSensitive"] == false || options["ignoreCase"] == true,
        is_loose: is_loose || options["typeValidation"] == "loose",
    };
    let listed = conditions["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    let each = listed.iter().map(|condition| {
        let operator = &condition["operator"];
        let kind = operator["type"].as_str().unwrap_or("string");
        let operation = operator["operation"].as_str().unwrap_or("equals");
        let left = writer.expression(&condition["leftValue"]);
        let right = right_of(&condition["rightValue"], kind, writer);
        compare(kind, operation, &left, &right, manner, writer)
    });
    let each: Vec<String> = each.collect();
    combined(&each, conditions["combinator"] == "or")
}

/// The conditions of an older node: lists by type.
pub(crate) fn of_lists(conditions: &Value, is_any: bool, writer: &mut Writer<'_>) -> String {
    let mut each = Vec::new();
    for (kind, listed) in conditions.as_object().into_iter().flatten() {
        for condition in listed.as_array().into_iter().flatten() {
            let default = if kind == "number" { "smaller" } else { "equal" };
            let operation = condition["operation"].as_str().unwrap_or(default);
            each.push(of_rule(kind, operation, &condition["value1"], &condition["value2"], writer));
        }
    }
    combined(&each, is_any)
}

/// One comparison of an older node.
pub(crate) fn of_rule(kind: &str, operation: &str, one: &Value, other: &Value, writer: &mut Writer<'_>) -> String {
    let operation = match operation {
        "equal" => "equals",
        "notEqual" => "notEquals",
        "smaller" => "lt",
        "smallerEqual" => "lte",
        "larger" => "gt",
        "largerEqual" => "gte",
        "isEmpty" => "empty",
        "isNotEmpty" => "notEmpty",
        other => other,
    };
    let left = writer.expression(one);
    let other = if other.is_null() && kind == "boolean" { &Value::Bool(false) } else { other };
    let right = right_of(other, kind, writer);
    compare(kind, operation, &left, &right, Manner::default(), writer)
}

fn combined(each: &[String], is_any: bool) -> String {
    match each {
        [] => "true".to_owned(),
        [only] => only.clone(),
        several => {
            let several: Vec<String> = several.iter().map(|one| format!("({one})")).collect();
            several.join(if is_any { " || " } else { " && " })
        }
    }
}

/// The other side. The editor keeps numbers and truths as texts at times.
fn right_of(value: &Value, kind: &str, writer: &mut Writer<'_>) -> String {
    match (kind, value) {
        ("number" | "array", Value::String(text)) if text.trim().parse::<f64>().is_ok_and(f64::is_finite) => {
            text.trim().to_owned()
        }
        ("boolean", Value::String(text)) if text == "true" || text == "false" => text.clone(),
        (_, Value::Null) if kind == "string" => literal(""),
        _ => writer.expression(value),
    }
}

fn compare(kind: &str, operation: &str, left: &str, right: &str, manner: Manner, writer: &mut Writer<'_>) -> String {
    match operation {
        "exists" => return format!("{} != null", operand(left)),
        "notExists" => return format!("{} == null", operand(left)),
        _ => {}
    }
    let found = match kind {
        "string" => of_texts(operation, left, right, manner),
        "number" => of_numbers(operation, left, right, manner),
        "boolean" => of_truths(operation, left, right, manner),
        "dateTime" => of_times(operation, left, right),
        "array" => of_arrays(operation, left, right),
        "object" => of_objects(operation, left),
        _ => match operation {
            "equals" => Some(format!("{} === {}", operand(left), operand(right))),
            "notEquals" => Some(format!("{} !== {}", operand(left), operand(right))),
            _ => of_texts(operation, left, right, manner),
        },
    };
    found.unwrap_or_else(|| {
        let message = format!(
            "The comparison `{}` of the type `{}` is not known: it never holds.",
            quoted(operation),
            quoted(kind)
        );
        writer.problem(Level::Missing, message);
        "false".to_owned()
    })
}

/// An expression that an operator may stand beside.
fn operand(js: &str) -> String {
    let needs_none = |c: char| c.is_ascii_alphanumeric() || "_$.?[]\"'".contains(c);
    let is_text = serde_json::from_str::<Value>(js).is_ok();
    let is_closed = js.starts_with('(') && crate::scan::after_bracket(js, 0) == Some(js.len());
    if is_text || is_closed || js.chars().all(needs_none) { js.to_owned() } else { format!("({js})") }
}

/// A value as a text; what is missing is the empty one.
fn text(js: &str) -> String {
    if js.starts_with('"') && serde_json::from_str::<String>(js).is_ok() {
        return js.to_owned();
    }
    format!("String({} ?? '')", operand(js))
}

fn of_texts(operation: &str, left: &str, right: &str, manner: Manner) -> Option<String> {
    let folded = |js: &str| match serde_json::from_str::<String>(js) {
        _ if !manner.ignores_case => text(js),
        Ok(known) => literal(&known.to_lowercase()),
        Err(_) => format!("{}.toLowerCase()", text(js)),
    };
    let (one, other) = (folded(left), folded(right));
    Some(match operation {
        "equals" if manner.ignores_case || manner.is_loose => format!("{one} === {other}"),
        "notEquals" if manner.ignores_case || manner.is_loose => format!("{one} !== {other}"),
        "equals" if right == "\"\"" => format!("({} ?? '') === ''", operand(left)),
        "equals" => format!("{} === {}", operand(left), operand(right)),
        "notEquals" => format!("{} !== {}", operand(left), operand(right)),
        "contains" => format!("{one}.includes({other})"),
        "notContains" => format!("!{one}.includes({other})"),
        "startsWith" => format!("{one}.startsWith({other})"),
        "notStartsWith" => format!("!{one}.startsWith({other})"),
        "endsWith" => format!("{one}.endsWith({other})"),
        "notEndsWith" => format!("!{one}.endsWith({other})"),
        "regex" => format!("{}.test({})", pattern(right), text(left)),
        "notRegex" => format!("!{}.test({})", pattern(right), text(left)),
        "empty" => format!("{} === ''", text(left)),
        "notEmpty" => format!("{} !== ''", text(left)),
        _ => return None,
    })
}

/// A regular expression, which n8n also takes as `/pattern/flags`.
fn pattern(js: &str) -> String {
    let given = serde_json::from_str::<String>(js).ok();
    let parts = given.as_deref().and_then(|text| text.strip_prefix('/')).and_then(|text| text.rsplit_once('/'));
    match parts {
        Some((pattern, flags)) if flags.chars().all(|c| "gimusy".contains(c)) => {
            format!("new RegExp({}, {})", literal(pattern), literal(&flags.replace('g', "")))
        }
        _ => format!("new RegExp({js})"),
    }
}

fn of_numbers(operation: &str, left: &str, right: &str, manner: Manner) -> Option<String> {
    let number = |js: &str| match js.parse::<f64>() {
        Err(_) if manner.is_loose => format!("Number({js})"),
        _ => operand(js),
    };
    let sign = match operation {
        "equals" => "===",
        "notEquals" => "!==",
        "gt" => ">",
        "gte" => ">=",
        "lt" => "<",
        "lte" => "<=",
        "empty" => return Some(format!("{} == null", operand(left))),
        "notEmpty" => return Some(format!("{} != null", operand(left))),
        _ => return None,
    };
    Some(format!("{} {sign} {}", number(left), number(right)))
}

fn of_truths(operation: &str, left: &str, right: &str, manner: Manner) -> Option<String> {
    let truth = |js: &str| {
        let is_plain = matches!(js, "true" | "false");
        let falsy = "[undefined, null, '', 0, false, 'false', '0']";
        if manner.is_loose && !is_plain { format!("(!{falsy}.includes({js}))") } else { operand(js) }
    };
    Some(match operation {
        "true" => format!("{} === true", truth(left)),
        "false" => format!("{} === false", truth(left)),
        "equals" => format!("{} === {}", truth(left), truth(right)),
        "notEquals" => format!("{} !== {}", truth(left), truth(right)),
        "empty" => format!("{} == null", operand(left)),
        "notEmpty" => format!("{} != null", operand(left)),
        _ => return None,
    })
}

fn of_times(operation: &str, left: &str, right: &str) -> Option<String> {
    let sign = match operation {
        "equals" => "===",
        "notEquals" => "!==",
        "after" => ">",
        "before" => "<",
        "afterOrEquals" => ">=",
        "beforeOrEquals" => "<=",
        "empty" => return Some(format!("{} == null", operand(left))),
        "notEmpty" => return Some(format!("{} != null", operand(left))),
        _ => return None,
    };
    Some(format!("new Date({left}).getTime() {sign} new Date({right}).getTime()"))
}

fn of_arrays(operation: &str, left: &str, right: &str) -> Option<String> {
    let list = format!("({} ?? [])", operand(left));
    let sign = match operation {
        "contains" => return Some(format!("{list}.includes({right})")),
        "notContains" => return Some(format!("!{list}.includes({right})")),
        "empty" => return Some(format!("{list}.length === 0")),
        "notEmpty" => return Some(format!("{list}.length > 0")),
        "lengthEquals" => "===",
        "lengthNotEquals" => "!==",
        "lengthGt" => ">",
        "lengthGte" => ">=",
        "lengthLt" => "<",
        "lengthLte" => "<=",
        _ => return None,
    };
    Some(format!("{list}.length {sign} {}", operand(right)))
}

fn of_objects(operation: &str, left: &str) -> Option<String> {
    match operation {
        "empty" => Some(format!("Object.keys({} ?? {{}}).length === 0", operand(left))),
        "notEmpty" => Some(format!("Object.keys({} ?? {{}}).length > 0", operand(left))),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
