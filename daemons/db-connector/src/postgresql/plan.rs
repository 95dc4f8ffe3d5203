//! What `EXPLAIN (FORMAT JSON)` tells, as steps that read like those of its text form.
//!
//! Format: <https://www.postgresql.org/docs/current/using-explain.html>; keys that are not known here become details.

use bulkhead_rpc::connector::{Plan, PlanStep};
use serde_json::{Map, Value};

/// Steps that are shown at most.
const MAX_STEPS: usize = 2000;
/// Characters of one detail at most.
const MAX_DETAIL: usize = 500;

/// What a title or a number of a step says already, or nobody wants to know.
const NO_DETAILS: &[&str] = &[
    "Node Type",
    "Operation",
    "Strategy",
    "Partial Mode",
    "Join Type",
    "Parent Relationship",
    "Relation Name",
    "Schema",
    "Alias",
    "Index Name",
    "CTE Name",
    "Function Name",
    "Custom Plan Provider",
    "Scan Direction",
    "Startup Cost",
    "Total Cost",
    "Plan Rows",
    "Plan Width",
    "Actual Startup Time",
    "Actual Total Time",
    "Actual Rows",
    "Actual Loops",
    "Async Capable",
    "Parallel Aware",
    "Inner Unique",
    "Single Copy",
    "Disabled",
    "Plans",
    "Workers",
];

/// A plan; nothing where it is none.
pub(super) fn read(told: &Value, analyzed: bool) -> Option<Plan> {
    let explained = told.get(0)?;
    let mut steps = Vec::new();
    add(explained.get("Plan")?.as_object()?, 0, &mut steps);
    Some(Plan {
        steps,
        analyzed,
        planning_ms: explained.get("Planning Time").and_then(number),
        execution_ms: explained.get("Execution Time").and_then(number),
    })
}

fn add(node: &Map<String, Value>, depth: u32, steps: &mut Vec<PlanStep>) {
    if steps.len() >= MAX_STEPS {
        return;
    }
    let known = |key: &str| node.get(key).and_then(number);
    steps.push(PlanStep {
        depth,
        title: title(node),
        details: node.iter().filter_map(|(key, value)| detail(key, value)).collect(),
        startup_cost: known("Startup Cost").unwrap_or_default(),
        total_cost: known("Total Cost").unwrap_or_default(),
        rows: known("Plan Rows").unwrap_or_default(),
        actual_rows: known("Actual Rows"),
        actual_ms: known("Actual Total Time"),
        loops: known("Actual Loops"),
    });
    for child in node.get("Plans").and_then(Value::as_array).into_iter().flatten() {
        if let Value::Object(child) = child {
            add(child, depth + 1, steps);
        }
    }
}

/// `Hash Left Join`, `Index Scan using people_pkey on people p`.
fn title(node: &Map<String, Value>) -> String {
    let text = |key: &str| node.get(key).and_then(Value::as_str).unwrap_or_default();
    let kind = text("Node Type");
    let mut title = match (kind, text("Join Type"), text("Strategy")) {
        ("Aggregate", _, "Hashed") => "HashAggregate".to_owned(),
        ("Aggregate", _, "Sorted") => "GroupAggregate".to_owned(),
        ("Aggregate", _, "Mixed") => "MixedAggregate".to_owned(),
        ("ModifyTable", _, _) => text("Operation").to_owned(),
        ("Nested Loop", join, _) if !join.is_empty() && join != "Inner" => format!("Nested Loop {join} Join"),
        (kind, join, _) if !join.is_empty() && join != "Inner" => {
            format!("{} {join} Join", kind.trim_end_matches(" Join"))
        }
        (kind, _, _) => kind.to_owned(),
    };
    if !["", "Simple"].contains(&text("Partial Mode")) {
        title = format!("{} {title}", text("Partial Mode"));
    }
    if node.get("Parallel Aware") == Some(&Value::Bool(true)) {
        title = format!("Parallel {title}");
    }
    for (key, word) in
        [("Index Name", " using "), ("Relation Name", " on "), ("CTE Name", " on "), ("Function Name", " on ")]
    {
        if !text(key).is_empty() {
            title.push_str(word);
            title.push_str(text(key));
        }
    }
    let alias = text("Alias");
    if !alias.is_empty() && !["Relation Name", "CTE Name", "Function Name"].map(text).contains(&alias) {
        title.push_str(if title.contains(" on ") { " " } else { " on " });
        title.push_str(alias);
    }
    title
}

/// `Index Cond: (id = 7)`.
fn detail(key: &str, value: &Value) -> Option<String> {
    if NO_DETAILS.contains(&key) {
        return None;
    }
    let value = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => {
            let items: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            items?.join(", ")
        }
        Value::Null | Value::Bool(_) | Value::Object(_) => return None,
    };
    let mut text = format!("{key}: {value}");
    if let Some((end, _)) = text.char_indices().nth(MAX_DETAIL) {
        text.truncate(end);
        text.push('…');
    }
    Some(text)
}

/// A number; one that a double would round was made a string.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn titles_read_as_postgresql_writes_them() {
        for (node, expected) in [
            (json!({ "Node Type": "Seq Scan", "Relation Name": "people", "Alias": "people" }), "Seq Scan on people"),
            (
                json!({ "Node Type": "Index Scan", "Index Name": "people_pkey", "Relation Name": "people", "Alias": "p" }),
                "Index Scan using people_pkey on people p",
            ),
            (json!({ "Node Type": "Hash Join", "Join Type": "Left" }), "Hash Left Join"),
            (json!({ "Node Type": "Hash Join", "Join Type": "Inner" }), "Hash Join"),
            (json!({ "Node Type": "Nested Loop", "Join Type": "Anti" }), "Nested Loop Anti Join"),
            (
                json!({ "Node Type": "Aggregate", "Strategy": "Hashed", "Partial Mode": "Partial" }),
                "Partial HashAggregate",
            ),
            (
                json!({ "Node Type": "ModifyTable", "Operation": "Insert", "Relation Name": "t", "Alias": "t" }),
                "Insert on t",
            ),
            (
                json!({ "Node Type": "Seq Scan", "Parallel Aware": true, "Relation Name": "t" }),
                "Parallel Seq Scan on t",
            ),
            (json!({ "Node Type": "Subquery Scan", "Alias": "x" }), "Subquery Scan on x"),
        ] {
            assert_eq!(title(node.as_object().expect("an object")), expected);
        }
    }

    #[test]
    fn what_is_no_plan_is_none() {
        for told in [json!(null), json!([]), json!([{}]), json!([{ "Plan": 1 }]), json!({ "Plan": {} })] {
            assert_eq!(read(&told, false), None, "{told}");
        }
    }

    #[test]
    fn a_plan_without_end_is_cut() {
        let nodes: Vec<Value> =
            (0..5000).map(|_| json!({ "Node Type": "Result", "Filter": "x".repeat(9999) })).collect();
        let plan = read(&json!([{ "Plan": { "Node Type": "Append", "Plans": nodes } }]), false).expect("a plan");
        assert_eq!((plan.steps.len(), plan.steps[1].details[0].chars().count()), (MAX_STEPS, MAX_DETAIL + 1));
    }
}
