//! Postgres, MySQL and their like.

use bulkhead_model::Slug;
use bulkhead_model::query::{QueryLimits, QueryMode, ResourceQuery};
use bulkhead_model::sql::Dialect;
use bulkhead_model::workflow::{Block, QueryBlock};
use serde_json::Value;

use super::sql::{self, Mark};
use super::{Made, Task};
use crate::export::Node;
use crate::expressions::{Items, literal};
use crate::report::{Level, quoted};
use crate::text::Writer;
use crate::view::{Place, View};

/// Rows that n8n selects unless it is told otherwise.
const DEFAULT_LIMIT: u64 = 50;

/// A statement that is put together.
type Statement = Result<String, String>;

/// A node that runs statements.
pub(super) fn of(task: &Task<'_>, writer: &mut Writer<'_>) -> Made {
    let node = task.node;
    let is_mysql = node.kind == "mySql" || node.kind == "microsoftSql";
    let word = if node.kind == "mySql" {
        "mysql"
    } else if is_mysql {
        "mssql"
    } else {
        "postgres"
    };
    let resource: Slug = word.parse().map_err(|error| format!("There is no name for its resource: {error}."))?;
    let is_looped = task.plan.given.facts.is_looped(task.plan.given.export, task.place);
    let view = View::of(task.plan, task.place, if is_looped { Place::Item } else { Place::Once });
    let statement = match node.param("operation").as_str().unwrap_or("insert") {
        "executeQuery" => execute(node, &view, writer)?,
        "select" => select(node, writer)?,
        "insert" => insert(node, &view, false, writer)?,
        "upsert" => insert(node, &view, true, writer)?,
        "update" => update(node, &view, writer)?,
        "deleteTable" | "delete" => delete(node, writer)?,
        other => return Err(format!("It does `{}`, for which there is no word here.", quoted(other))),
    };
    bulkhead_model::sql::compile(&statement, Dialect::Postgresql)
        .map_err(|error| format!("Its statement cannot be bound: {error}."))?;
    let message =
        format!("Which database it is does not stand in the file: the resource is called `{word}` here. Name yours.");
    writer.problem(Level::Changed, message);
    if is_mysql {
        writer.problem(Level::Changed, "The statement is written for PostgreSQL: look whether MySQL takes it.");
    }
    let mode = if reads(&statement) { QueryMode::Read } else { QueryMode::Write };
    let limits = QueryLimits::default();
    let query = ResourceQuery {
        resource,
        statement,
        statements: Vec::new(),
        change: None,
        operation: None,
        library: None,
        mode,
        limits,
        cache_seconds: 0,
        pages: None,
    };
    Ok(Block::Query(QueryBlock { query, idempotent: false, retry: None }))
}

/// Whether a statement changes nothing, by its words.
fn reads(statement: &str) -> bool {
    let lower = statement.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let reads =
        words.next().is_some_and(|word| ["select", "with", "show", "explain", "values", "table"].contains(&word));
    let changes = ["insert", "update", "delete", "merge", "truncate", "nextval", "setval", "into", "call"];
    reads && !words.any(|word| changes.contains(&word))
}

fn execute(node: &Node, view: &View<'_>, writer: &mut Writer<'_>) -> Statement {
    let mut values = sql::parameters(node.at("options.queryReplacement"), writer);
    // Older versions name fields of the item.
    let names = node
        .at("additionalFields.queryParams")
        .as_str()
        .or(node.at("options.queryParams").as_str())
        .unwrap_or_default();
    values.extend(names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(|name| field(view, name)));
    let mark = if node.kind == "mySql" { Mark::Question } else { Mark::Numbered };
    if node.text("query").trim_start_matches('=').contains("{{") {
        let message = "Each `{{ }}` in its statement is a parameter here: a value, not a name or a piece of SQL.";
        writer.problem(Level::Changed, message);
    }
    sql::statement(node.text("query"), &values, mark, writer)
}

/// A field of the item at hand.
fn field(view: &View<'_>, name: &str) -> String {
    format!("{}?.[{}]", view.json(), literal(name))
}

/// The table, with its schema.
fn table(node: &Node) -> Statement {
    let chosen = |key: &str| {
        let value = node.param(key);
        let text = value["value"].as_str().or(value.as_str()).unwrap_or_default().trim();
        if text.starts_with('=') {
            Err("Which table it uses is computed, which a statement cannot do.".to_owned())
        } else {
            Ok(text)
        }
    };
    let (schema, table) = (chosen("schema")?, chosen("table")?);
    if table.is_empty() {
        return Err("It names no table.".to_owned());
    }
    Ok(if schema.is_empty() || schema == "public" { name(table) } else { format!("{}.{}", name(schema), name(table)) })
}

/// A name as SQL has it.
fn name(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Columns with expressions for their values; none if they are those of the item.
fn columns(node: &Node, view: &View<'_>, writer: &mut Writer<'_>) -> Option<Vec<(String, String)>> {
    if let Some(listed) = node.param("columns").as_str() {
        let listed: Vec<&str> = listed.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        // `name:type` names the type as well.
        let names = listed.iter().map(|column| column.split(':').next().unwrap_or_default());
        let columns: Vec<_> = names.map(|column| (column.to_owned(), field(view, column))).collect();
        return (!columns.is_empty()).then_some(columns);
    }
    let mode = node.at("columns.mappingMode").as_str().or(node.param("dataMode").as_str()).unwrap_or("defineBelow");
    if mode == "autoMapInputData" {
        return None;
    }
    let mut columns: Vec<(String, String)> = Vec::new();
    for (column, value) in node.at("columns.value").as_object().into_iter().flatten() {
        columns.push((column.clone(), writer.expression(value)));
    }
    for entry in node.list("valuesToSend.values").iter().chain(node.list("fieldsUi.values")) {
        let column = entry["column"].as_str().or(entry["fieldId"].as_str()).unwrap_or_default();
        columns.push((column.to_owned(), writer.expression(entry.get("value").unwrap_or(&entry["fieldValue"]))));
    }
    (!columns.is_empty()).then_some(columns)
}

/// Columns by which rows are found.
fn keys(node: &Node) -> Vec<String> {
    let listed = node.list("columns.matchingColumns").iter().filter_map(Value::as_str).map(str::to_owned);
    let older = [node.text("columnToMatchOn"), node.text("updateKey")];
    let older = older.into_iter().flat_map(|text| text.split(',')).map(str::trim).filter(|name| !name.is_empty());
    listed.chain(older.map(str::to_owned)).collect()
}

fn insert(node: &Node, view: &View<'_>, is_upsert: bool, writer: &mut Writer<'_>) -> Statement {
    let table = table(node)?;
    let Some(columns) = columns(node, view, writer) else {
        if is_upsert {
            return Err("It takes the columns from the item, which a statement cannot do: name them.".to_owned());
        }
        writer.problem(
            Level::Changed,
            "It takes the columns from the item: columns that the item does not have are null, not their default.",
        );
        let item = view.json();
        return Ok(format!(
            "insert into {table}\nselect * from jsonb_populate_record(null::{table}, {{{{ JSON.stringify({item}) }}}}::jsonb)\nreturning *\n"
        ));
    };
    let names: Vec<String> = columns.iter().map(|(column, _)| name(column)).collect();
    let values: Vec<String> = columns.iter().map(|(_, value)| format!("{{{{ {value} }}}}")).collect();
    let mut statement = format!("insert into {table} ({})\nvalues ({})\n", names.join(", "), values.join(", "));
    if is_upsert {
        let keys = keys(node);
        if keys.is_empty() {
            return Err("It names no column by which rows are found.".to_owned());
        }
        let others: Vec<String> =
            columns.iter().filter(|(column, _)| !keys.contains(column)).map(|(column, _)| name(column)).collect();
        let keys: Vec<String> = keys.iter().map(|key| name(key)).collect();
        let sets: Vec<String> = others.iter().map(|column| format!("{column} = excluded.{column}")).collect();
        let action = if sets.is_empty() { "nothing".to_owned() } else { format!("update set {}", sets.join(", ")) };
        statement.push_str(&format!("on conflict ({}) do {action}\n", keys.join(", ")));
    }
    statement.push_str("returning *\n");
    Ok(statement)
}

fn update(node: &Node, view: &View<'_>, writer: &mut Writer<'_>) -> Statement {
    let table = table(node)?;
    let keys = keys(node);
    let columns = columns(node, view, writer)
        .ok_or("It takes the columns from the item, which a statement cannot do: name them.")?;
    if keys.is_empty() {
        return Err("It names no column by which rows are found.".to_owned());
    }
    let pair = |(column, value): &(String, String)| format!("{} = {{{{ {value} }}}}", name(column));
    let sets: Vec<String> = columns.iter().filter(|(column, _)| !keys.contains(column)).map(pair).collect();
    let mut wheres: Vec<String> = Vec::new();
    for key in &keys {
        let given = columns.iter().find(|(column, _)| column == key);
        let value = match given {
            Some((_, value)) => value.clone(),
            None if node.param("valueToMatchOn").is_null() => field(view, key),
            None => writer.expression(node.param("valueToMatchOn")),
        };
        wheres.push(format!("{} = {{{{ {value} }}}}", name(key)));
    }
    if sets.is_empty() {
        return Err("It sets no column.".to_owned());
    }
    Ok(format!("update {table}\nset {}\nwhere {}\nreturning *\n", sets.join(", "), wheres.join(" and ")))
}

fn select(node: &Node, writer: &mut Writer<'_>) -> Statement {
    let table = table(node)?;
    let columns: Vec<String> =
        node.list("options.outputColumns").iter().filter_map(Value::as_str).map(name_or_all).collect();
    let columns = if columns.is_empty() { "*".to_owned() } else { columns.join(", ") };
    let mut statement = format!("select {columns}\nfrom {table}\n{}", wheres(node, writer)?);
    let sorts: Vec<String> = node
        .list("sort.values")
        .iter()
        .map(|sort| {
            let is_down = sort["direction"].as_str().unwrap_or_default().eq_ignore_ascii_case("desc");
            format!("{}{}", name(sort["column"].as_str().unwrap_or_default()), if is_down { " desc" } else { "" })
        })
        .collect();
    if !sorts.is_empty() {
        statement.push_str(&format!("order by {}\n", sorts.join(", ")));
    }
    if node.param("returnAll") != true {
        let limit = node.param("limit");
        match limit {
            Value::String(_) => statement.push_str(&format!("limit {{{{ {} }}}}\n", writer.expression(limit))),
            other => statement.push_str(&format!("limit {}\n", other.as_u64().unwrap_or(DEFAULT_LIMIT))),
        }
    }
    Ok(statement)
}

fn name_or_all(column: &str) -> String {
    if column == "*" { column.to_owned() } else { name(column) }
}

fn delete(node: &Node, writer: &mut Writer<'_>) -> Statement {
    let table = table(node)?;
    match node.param("deleteCommand").as_str().unwrap_or("truncate") {
        "delete" => Ok(format!("delete from {table}\n{}", wheres(node, writer)?)),
        "truncate" => Ok(format!("truncate {table}\n")),
        other => Err(format!("It does `{}` with a table: do that by hand.", quoted(other))),
    }
}

fn wheres(node: &Node, writer: &mut Writer<'_>) -> Statement {
    let mut found = Vec::new();
    for entry in node.list("where.values") {
        let column = name(entry["column"].as_str().unwrap_or_default());
        let sign = match entry["condition"].as_str().or(entry["operator"].as_str()).unwrap_or("equal") {
            "equal" | "=" => "=",
            "!=" | "notEqual" => "<>",
            "LIKE" => "like",
            sign @ (">" | "<" | ">=" | "<=") => sign,
            "IS NULL" => {
                found.push(format!("{column} is null"));
                continue;
            }
            "IS NOT NULL" => {
                found.push(format!("{column} is not null"));
                continue;
            }
            other => return Err(format!("It compares by `{}`, for which there is no word here.", quoted(other))),
        };
        found.push(format!("{column} {sign} {{{{ {} }}}}", writer.expression(&entry["value"])));
    }
    if found.is_empty() {
        return Ok(String::new());
    }
    let joint = if node.text("combineConditions").eq_ignore_ascii_case("or") { " or " } else { " and " };
    Ok(format!("where {}\n", found.join(joint)))
}
