//! What changes of tables compile to, and what is refused.

use serde_json::{Value, json};

use super::*;
use crate::query::{QueryMode, ResourceQuery};

fn change(value: Value) -> TableChange {
    serde_json::from_value(value).expect("a change")
}

fn text(value: Value) -> String {
    change(value).compile().expect("compiles").text
}

#[test]
fn each_kind_becomes_one_statement() {
    for (value, statement, expressions) in [
        (
            json!({ "do": "insert", "table": "notes", "values": { "body": "form.text", "author": " current_user.email " } }),
            "INSERT INTO \"notes\" (\"author\", \"body\") VALUES ($1, $2) RETURNING *",
            vec!["current_user.email", "form.text"],
        ),
        (
            json!({ "do": "update", "schema": "crm", "table": "notes", "values": { "body": "a" },
                "where": [{ "column": "id", "value": "b" }, { "column": "gone", "operator": "is-null" }] }),
            "UPDATE \"crm\".\"notes\" SET \"body\" = $1 WHERE \"id\" = $2 AND \"gone\" IS NULL",
            vec!["a", "b"],
        ),
        (
            json!({ "do": "delete", "table": "notes", "where": [
                { "column": "id", "operator": "in", "value": "[1, 2]" }, { "column": "age", "operator": ">=", "value": "x" }] }),
            "DELETE FROM \"notes\" WHERE \"id\" = ANY ($1) AND \"age\" >= $2",
            vec!["[1, 2]", "x"],
        ),
        (
            json!({ "do": "upsert", "table": "notes", "values": { "id": "1", "body": "a" }, "conflict": ["id"] }),
            "INSERT INTO \"notes\" (\"body\", \"id\") VALUES ($1, $2) ON CONFLICT (\"id\") DO UPDATE SET \"body\" = EXCLUDED.\"body\" RETURNING *",
            vec!["a", "1"],
        ),
        (
            json!({ "do": "bulk-upsert", "table": "tags", "rows": "all", "columns": ["id"], "conflict": ["id"] }),
            "INSERT INTO \"tags\" (\"id\") SELECT \"id\" FROM jsonb_populate_recordset((SELECT a_row FROM \"tags\" AS a_row WHERE false), $1) ON CONFLICT (\"id\") DO UPDATE SET \"id\" = EXCLUDED.\"id\"",
            vec!["all"],
        ),
    ] {
        let change = change(value);
        let compiled = change.compile().expect("compiles");
        assert_eq!((compiled.text.as_str(), compiled.expressions), (statement, expressions));
    }
}

#[test]
fn mysql_has_statements_of_its_own() {
    let items = |list: &str| list.len();
    for (value, statement, expressions) in [
        (
            json!({ "do": "insert", "schema": "crm", "table": "no`tes", "values": { "body": "form.text" } }),
            "INSERT INTO `crm`.`no``tes` (`body`) VALUES (?)",
            vec!["form.text"],
        ),
        (
            json!({ "do": "delete", "table": "notes", "where": [
                { "column": "id", "operator": "in", "value": "xyz " }, { "column": "age", "operator": ">=", "value": "x" }] }),
            "DELETE FROM `notes` WHERE `id` IN (?, ?, ?) AND `age` >= ?",
            vec!["xyz", "xyz", "xyz", "x"],
        ),
        (
            json!({ "do": "upsert", "table": "notes", "values": { "id": "1", "body": "a" }, "conflict": ["id"] }),
            "INSERT INTO `notes` (`body`, `id`) VALUES (?, ?) ON DUPLICATE KEY UPDATE `body` = VALUES(`body`)",
            vec!["a", "1"],
        ),
    ] {
        let change = change(value);
        let compiled = change.compile_for_mysql(items, false).expect("compiles");
        assert_eq!((compiled.text.as_str(), compiled.expressions), (statement, expressions));
        let places: Vec<(usize, usize)> = compiled.items.into_iter().collect();
        assert_eq!(places, if statement.contains(" IN ") { vec![(0, 0), (1, 1), (2, 2)] } else { Vec::new() });
    }
    let bulk = change(
        json!({ "do": "bulk-upsert", "table": "tags", "rows": "all", "columns": ["id", "n"], "conflict": ["id"] }),
    );
    assert_eq!(
        bulk.compile_rows_for_mysql(2, false).expect("compiles"),
        "INSERT INTO `tags` (`id`, `n`) VALUES (?, ?), (?, ?) ON DUPLICATE KEY UPDATE `n` = VALUES(`n`)"
    );
    let guarded = bulk.compile_rows_for_mysql(1, true).expect("compiles");
    assert!(guarded.contains("`id` = IF(`tags`.`id` <=> VALUES(`id`), `tags`.`id`, CAST(EXP("), "{guarded}");
    let key = ["id".to_owned(), "n".to_owned()];
    assert_eq!(bulk.read_back_for_mysql(&key).expect("compiles"), "SELECT * FROM `tags` WHERE `id` = ? AND `n` = ?");
    assert!(bulk.read_back_for_mysql(&[]).is_err());
}

#[test]
fn what_would_reach_all_rows_or_nothing_does_not_compile() {
    let none = json!({ "do": "delete", "table": "t", "where": [] });
    assert_eq!(change(none).compile(), Err(ChangeError::NoCondition));
    let none = json!({ "do": "insert", "table": "t", "values": {} });
    assert_eq!(change(none).compile(), Err(ChangeError::NoValue));
    let none = json!({ "do": "upsert", "table": "t", "values": { "a": "1" }, "conflict": [] });
    assert_eq!(change(none).compile(), Err(ChangeError::NoConflict));
    let other = json!({ "do": "bulk-upsert", "table": "t", "rows": "r", "columns": ["a"], "conflict": ["b"] });
    assert_eq!(change(other).compile(), Err(ChangeError::ConflictWithoutValue("b".into())));
    assert!(serde_json::from_value::<TableChange>(json!({ "do": "delete", "table": "t" })).is_err());
}

#[test]
fn the_guard_is_one_row_unless_it_is_said_otherwise() {
    let at_most = |more: Value| {
        let mut value = json!({ "do": "delete", "table": "t", "where": [{ "column": "a", "value": "1" }] });
        value.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        change(value).at_most()
    };
    assert_eq!(at_most(json!({})), Some(1));
    assert_eq!(at_most(json!({ "at-most": 20 })), Some(20));
    assert_eq!(at_most(json!({ "at-most": "any" })), None);
    assert!(serde_json::from_value::<AtMost>(json!("all")).is_err());
}

#[test]
fn each_fault_has_its_place() {
    for (value, fault) in [
        (json!({ "do": "insert", "table": "", "values": { "a": "1" } }), "q.change.table: is empty"),
        (json!({ "do": "insert", "table": "t", "values": {} }), "q.change.values: no column is given a value"),
        (json!({ "do": "insert", "table": "t", "values": { "a": " " } }), "q.change.values.a: is empty"),
        (
            json!({ "do": "insert", "table": "t", "values": { "a": "{{ x }}" } }),
            "q.change.values.a: is an expression altogether",
        ),
        (json!({ "do": "insert", "table": "x".repeat(64), "values": { "a": "1" } }), "q.change.table: \"xxx"),
        (
            json!({ "do": "update", "table": "t", "values": { "a": "1" }, "where": [] }),
            "q.change.where: which rows are meant",
        ),
        (
            json!({ "do": "delete", "table": "t", "where": [{ "column": "a", "operator": "is-null", "value": "1" }] }),
            "q.change.where.0.value: `is-null` compares with nothing",
        ),
        (json!({ "do": "delete", "table": "t", "where": [{ "column": "a" }] }), "q.change.where.0.value: is empty"),
        (
            json!({ "do": "delete", "table": "t", "where": [{ "column": "a", "value": "1" }], "at-most": 0 }),
            "q.change.at-most: must be at least 1",
        ),
        (
            json!({ "do": "upsert", "table": "t", "values": { "a": "1" }, "conflict": ["b"] }),
            "q.change.conflict: the conflict column \"b\"",
        ),
        (
            json!({ "do": "bulk-upsert", "table": "t", "rows": "r", "columns": ["a", "a"], "conflict": ["a"] }),
            "q.change.columns.1: `a` is there twice",
        ),
    ] {
        let query = json!({ "resource": "tables", "change": value });
        let query: ResourceQuery = serde_json::from_value(query).expect("a query");
        let faults: Vec<String> = query.validate("q").iter().map(ToString::to_string).collect();
        assert!(faults.iter().any(|found| found.starts_with(fault)), "{fault}: {faults:?}");
    }
}

#[test]
fn a_change_is_a_write_and_takes_the_place_of_the_statement() {
    let change = json!({ "do": "insert", "table": "t", "values": { "a": "x", "b": "x" } });
    let query: ResourceQuery =
        serde_json::from_value(json!({ "resource": "tables", "change": change })).expect("a query");
    assert_eq!((query.effect(), query.validate("q")), (QueryMode::Write, Vec::new()));
    assert_eq!(query.expressions().expect("sound").into_iter().collect::<Vec<_>>(), ["x"]);
    let both = ResourceQuery { statement: "select 1".into(), ..query };
    assert_eq!(both.validate("q")[0].path, "q.statement");
    // As they were written before there were changes.
    let old = json!({ "resource": "tables", "statement": "select {{ a }}", "mode": "read" });
    let query: ResourceQuery = serde_json::from_value(old.clone()).expect("a query");
    assert_eq!((json!(query), query.effect()), (old, QueryMode::Read));
}

/// Cuts a statement of ours at its quoted identifiers, as PostgreSQL does: what is between them, and what they name.
fn cut(text: &str) -> (String, Vec<String>) {
    let (mut plain, mut names) = (String::new(), Vec::new());
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        if sign != '"' {
            plain.push(sign);
            continue;
        }
        let mut name = String::new();
        loop {
            match signs.next().expect("closed") {
                '"' if signs.peek() == Some(&'"') => {
                    signs.next();
                    name.push('"');
                }
                '"' => break,
                inside => name.push(inside),
            }
        }
        plain.push('_');
        names.push(name);
    }
    (plain, names)
}

proptest::proptest! {
    #[test]
    fn whatever_a_name_holds_it_stays_a_name(table in "\\PC{1,15}", column in ".{1,15}", value in ".{0,40}") {
        let change = TableChange::Update {
            schema: Some(column.clone()),
            table: table.clone(),
            values: BTreeMap::from([(column.clone(), value.clone())]),
            conditions: vec![Condition { column: column.clone(), operator: Operator::Equal, value: value.clone() }],
            at_most: AtMost::default(),
        };
        let compiled = change.compile();
        proptest::prop_assume!(compiled.is_ok());
        let compiled = compiled.expect("assumed");
        let (plain, names) = cut(&compiled.text);
        proptest::prop_assert_eq!(plain, "UPDATE _._ SET _ = $1 WHERE _ = $2");
        proptest::prop_assert_eq!(names, vec![column.clone(), table, column.clone(), column]);
        proptest::prop_assert_eq!(compiled.expressions, vec![value.trim(), value.trim()]);
    }

    #[test]
    fn no_value_is_in_the_statement(value in "[a-z]{12,40}") {
        let statement = text(json!({ "do": "upsert", "table": "t", "values": { "id": value, "b": value }, "conflict": ["id"] }));
        proptest::prop_assert!(!statement.contains(&value));
    }
}
