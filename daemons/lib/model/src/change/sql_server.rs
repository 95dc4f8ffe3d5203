//! What a change is in SQL Server: statements of one transaction. An upsert changes the row, and adds it where there was none; until the
//! transaction ends, nobody else can add it. MERGE would be one statement, which locks no less and has more exceptions.

use super::{Bound, ChangeError, Names, TableChange, written_over};
use crate::sql::{CompiledStatement, Dialect};

const NAMES: Names = Names(Dialect::SqlServer);
/// Keeps the rows that were looked for, there or not, until the transaction ends.
const KEPT: &str = "WITH (UPDLOCK, HOLDLOCK)";

/// What a statement tells of the rows that it wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling<'a> {
    /// The rows.
    Rows,
    /// How many they are. Tables with triggers do not tell more.
    Count,
    /// The row that was added, by the column that counts.
    Identity(&'a str),
}

impl TableChange {
    /// The statement of SQL Server; for an upsert the one that changes the row that is there. `items` tells how many values a list has,
    /// by its expression.
    pub fn compile_for_sql_server(
        &self,
        items: impl Fn(&str) -> usize,
        telling: Telling<'_>,
    ) -> Result<CompiledStatement<'_>, ChangeError> {
        let table = self.quoted_table(NAMES)?;
        let mut bound = Bound::of(Dialect::SqlServer);
        let text = match self {
            Self::Insert { .. } => return self.insert_for_sql_server(telling),
            Self::Upsert { values, conflict, .. } => {
                let written = written_over(values.keys(), conflict)?;
                let mut assigned = |columns: &[&'_ String], between: &str| {
                    let pairs = values.iter().filter(|(column, _)| columns.contains(column));
                    let pairs = pairs.map(|(column, value)| {
                        Ok(format!("{} = {}", NAMES.quoted(column)?, bound.place(column, value)))
                    });
                    Ok(pairs.collect::<Result<Vec<_>, ChangeError>>()?.join(between))
                };
                let set = assigned(&written, ", ")?;
                let same = assigned(&conflict.iter().collect::<Vec<_>>(), " AND ")?;
                let (output, count) = telling.around("inserted");
                format!("UPDATE {table} {KEPT} SET {set}{output} WHERE {same}{count}")
            }
            Self::BulkUpsert { .. } => return Err(ChangeError::NoValue),
            Self::Update { values, conditions, .. } => {
                let set = bound.assigned(values)?;
                let conditions =
                    bound.all_of(conditions, |bound, column, list| bound.any_of(column, list, items(list.trim())))?;
                format!("UPDATE {table} SET {set} WHERE {conditions}{}", Telling::Count.around("").1)
            }
            Self::Delete { conditions, .. } => {
                let conditions =
                    bound.all_of(conditions, |bound, column, list| bound.any_of(column, list, items(list.trim())))?;
                format!("DELETE FROM {table} WHERE {conditions}{}", Telling::Count.around("").1)
            }
        };
        Ok(bound.statement(text))
    }

    /// The statement that adds the row of an insert or an upsert.
    pub fn insert_for_sql_server(&self, telling: Telling<'_>) -> Result<CompiledStatement<'_>, ChangeError> {
        let (Self::Insert { values, .. } | Self::Upsert { values, .. }) = self else {
            return Err(ChangeError::NoValue);
        };
        let table = self.quoted_table(NAMES)?;
        let mut bound = Bound::of(Dialect::SqlServer);
        let (columns, places) = bound.listed(values)?;
        let (output, mut behind) = telling.around("inserted");
        if let Telling::Identity(column) = telling {
            behind = format!("; SELECT * FROM {table} WHERE {} = SCOPE_IDENTITY()", NAMES.quoted(column)?);
        }
        Ok(bound.statement(format!("INSERT INTO {table} ({columns}){output} VALUES ({places}){behind}")))
    }

    /// The statements of a bulk upsert for `rows` rows, whose values are the parameters of both, row by row, column by column: what changes
    /// the rows that are there, and what adds the others.
    pub fn compile_rows_for_sql_server(&self, rows: usize) -> Result<[String; 2], ChangeError> {
        let Self::BulkUpsert { columns, conflict, .. } = self else { return Err(ChangeError::NoValue) };
        let table = self.quoted_table(NAMES)?;
        let names = NAMES.listed(columns)?;
        let numbers = 1..=rows * columns.len();
        let places: Vec<String> = numbers.map(|number| Dialect::SqlServer.placeholder(number)).collect();
        let rows: Vec<String> =
            places.chunks(columns.len().max(1)).map(|row| format!("({})", row.join(", "))).collect();
        let given = format!("(VALUES {}) AS given ({names})", rows.join(", "));
        let pairs = |columns: &[&String], between: &str| {
            let pairs = columns.iter().map(|column| {
                let column = NAMES.quoted(column)?;
                Ok(format!("kept.{column} = given.{column}"))
            });
            Ok::<_, ChangeError>(pairs.collect::<Result<Vec<_>, ChangeError>>()?.join(between))
        };
        let set = pairs(&written_over(columns.iter(), conflict)?, ", ")?;
        let same = pairs(&conflict.iter().collect::<Vec<_>>(), " AND ")?;
        let values: Vec<String> = columns
            .iter()
            .map(|column| Ok(format!("given.{}", NAMES.quoted(column)?)))
            .collect::<Result<_, ChangeError>>()?;
        Ok([
            format!("UPDATE kept SET {set} FROM {table} AS kept {KEPT} JOIN {given} ON {same}"),
            format!(
                "INSERT INTO {table} ({names}) SELECT {} FROM {given} WHERE NOT EXISTS (SELECT 1 FROM {table} AS kept {KEPT} WHERE {same})",
                values.join(", ")
            ),
        ])
    }

    /// The statement that reads the row of an upsert by its conflict columns.
    pub fn read_back_for_sql_server(&self) -> Result<CompiledStatement<'_>, ChangeError> {
        let Self::Upsert { values, conflict, .. } = self else { return Err(ChangeError::NoConflict) };
        let table = self.quoted_table(NAMES)?;
        let mut bound = Bound::of(Dialect::SqlServer);
        let same = values.iter().filter(|(column, _)| conflict.contains(column));
        let same =
            same.map(|(column, value)| Ok(format!("{} = {}", NAMES.quoted(column)?, bound.place(column, value))));
        let same = same.collect::<Result<Vec<_>, ChangeError>>()?.join(" AND ");
        Ok(bound.statement(format!("SELECT * FROM {table} WHERE {same}")))
    }

    /// Its table as SQL Server finds it by OBJECT_ID.
    pub fn table_for_sql_server(&self) -> Result<String, ChangeError> {
        self.quoted_table(NAMES)
    }
}

impl Telling<'_> {
    /// What stands before the values or conditions, and behind the statement.
    fn around(self, rows: &str) -> (String, String) {
        match self {
            Self::Rows => (format!(" OUTPUT {rows}.*"), String::new()),
            Self::Count => (String::new(), "; SELECT CONVERT(nvarchar(20), @@ROWCOUNT) AS n".to_owned()),
            Self::Identity(_) => (String::new(), String::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(document: serde_json::Value) -> TableChange {
        serde_json::from_value(document).expect("a change")
    }

    #[test]
    fn an_upsert_changes_the_row_or_adds_it() {
        let upsert = change(json!({ "do": "upsert", "schema": "a", "table": "t]",
            "values": { "id": "x", "name": "y" }, "conflict": ["id"] }));
        let update = upsert.compile_for_sql_server(|_| 0, Telling::Rows).expect("compiles");
        let expected = "UPDATE [a].[t]]] WITH (UPDLOCK, HOLDLOCK) SET [name] = @P1 OUTPUT inserted.* WHERE [id] = @P2";
        assert_eq!((update.text.as_str(), &update.expressions[..]), (expected, &["y", "x"][..]));
        assert_eq!(update.columns, ["name", "id"]);
        let insert = upsert.insert_for_sql_server(Telling::Count).expect("compiles");
        let expected =
            "INSERT INTO [a].[t]]] ([id], [name]) VALUES (@P1, @P2); SELECT CONVERT(nvarchar(20), @@ROWCOUNT) AS n";
        assert_eq!(insert.text, expected);
        let back = upsert.read_back_for_sql_server().expect("compiles");
        assert_eq!(
            (back.text.as_str(), &back.expressions[..]),
            ("SELECT * FROM [a].[t]]] WHERE [id] = @P1", &["x"][..])
        );
    }

    #[test]
    fn rows_are_changed_and_the_others_added() {
        let rows = change(
            json!({ "do": "bulk-upsert", "table": "t", "rows": "r", "columns": ["id", "n"], "conflict": ["id"] }),
        );
        let [update, insert] = rows.compile_rows_for_sql_server(2).expect("compiles");
        let given = "(VALUES (@P1, @P2), (@P3, @P4)) AS given ([id], [n])";
        assert_eq!(
            update,
            format!(
                "UPDATE kept SET kept.[n] = given.[n] FROM [t] AS kept WITH (UPDLOCK, HOLDLOCK) JOIN {given} ON kept.[id] = given.[id]"
            )
        );
        assert_eq!(
            insert,
            format!(
                "INSERT INTO [t] ([id], [n]) SELECT given.[id], given.[n] FROM {given} WHERE NOT EXISTS (SELECT 1 FROM [t] AS kept WITH (UPDLOCK, HOLDLOCK) WHERE kept.[id] = given.[id])"
            )
        );
    }

    #[test]
    fn a_list_is_as_many_parameters_as_it_has_items() {
        let delete = change(json!({ "do": "delete", "table": "t",
            "where": [{ "column": "id", "operator": "in", "value": "ids" }, { "column": "b", "operator": "is-null" }] }));
        let compiled = delete.compile_for_sql_server(|_| 2, Telling::Count).expect("compiles");
        let counted = "; SELECT CONVERT(nvarchar(20), @@ROWCOUNT) AS n";
        assert_eq!(compiled.text, format!("DELETE FROM [t] WHERE [id] IN (@P1, @P2) AND [b] IS NULL{counted}"));
        let none = delete.compile_for_sql_server(|_| 0, Telling::Count).expect("compiles");
        assert_eq!(none.text, format!("DELETE FROM [t] WHERE [id] IN (NULL) AND [b] IS NULL{counted}"));
    }

    #[test]
    fn an_added_row_is_told_by_the_column_that_counts() {
        let insert = change(json!({ "do": "insert", "table": "t", "values": { "n": "1" } }));
        let told = |telling| insert.compile_for_sql_server(|_| 0, telling).expect("compiles").text;
        assert_eq!(told(Telling::Rows), "INSERT INTO [t] ([n]) OUTPUT inserted.* VALUES (@P1)");
        assert_eq!(
            told(Telling::Identity("id")),
            "INSERT INTO [t] ([n]) VALUES (@P1); SELECT * FROM [t] WHERE [id] = SCOPE_IDENTITY()"
        );
    }
}
