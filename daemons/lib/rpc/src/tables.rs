//! db-connector: the tables of the built-in database, as people see and change them in the studio.
//!
//! `POST /v1/tables` takes one [`Ask`] and answers as JSON what stands beside it, or a problem. Each ask is one transaction. Cells travel
//! as PostgreSQL writes them, in ISO dates and UTC: no number is rounded on its way, and null is no empty text.

use std::collections::BTreeMap;

use bulkhead_model::ResourceId;
use bulkhead_model::tables::{ColumnKind, NewColumn, SchemaChange, SchemaChangeError, TableName, quoted};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The route.
pub const PATH: &str = "/v1/tables";
/// Rows of one page at most.
pub const MAX_PAGE_ROWS: u32 = 500;
/// Edits that are saved together at most.
pub const MAX_EDITS: usize = 2000;
/// The longest cell that is shown whole, in characters. One that is longer is cut, said to be, and not edited.
pub const MAX_CELL_CHARS: usize = 4000;
/// Rows of a file that do not fit, of which all are told; with more, nothing is imported.
pub const MAX_REJECTED: usize = 1000;
/// Rows of one piece of a file.
pub const MAX_PIECE_ROWS: usize = 5000;
/// Rows of one file.
pub const MAX_IMPORT_ROWS: u64 = 2_000_000;

/// A cell: null, or the text that PostgreSQL writes for its value.
pub type Cell = Option<String>;

/// What the tables are asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TablesRequest {
    /// The built-in resource.
    pub resource: ResourceId,
    /// What is asked.
    pub ask: Ask,
}

/// One question or change.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// Which tables there are. Answers a [`TableList`].
    List,
    /// A page of rows. Answers a [`RowPage`].
    Rows(RowsAsk),
    /// Edits of rows. Answers an [`EditOutcome`].
    Edit(EditAsk),
    /// What a change of the tables would be. Answers a [`ChangePreview`].
    Preview {
        /// The change.
        change: SchemaChange,
    },
    /// Makes a change of the tables. Answers `{}`.
    Change(ChangeAsk),
    /// Makes room for the rows of a file. Answers a [`ImportBegun`].
    BeginImport {
        /// Whose import it is.
        owner: String,
        /// The names of the file's columns.
        columns: Vec<String>,
    },
    /// Rows of the file. Answers `{}`.
    ImportRows {
        /// The import.
        import: ImportName,
        /// The rows.
        piece: ImportPiece,
    },
    /// What the columns of the file may be. Answers an [`ImportLook`].
    LookAtImport {
        /// The import.
        import: ImportName,
    },
    /// Imports the rows, all at once. Answers an [`ImportOutcome`].
    Import {
        /// The import.
        import: ImportName,
        /// How.
        run: ImportRun,
    },
    /// Forgets the rows of a file. Answers `{}`.
    DropImport {
        /// The import.
        import: ImportName,
    },
}

/// An import, which is one person's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportName {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub owner: String,
}

/// The tables.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct TableList {
    /// By schema and name, 2,000 at most.
    pub tables: Vec<TableDefinition>,
}

/// A table as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TableDefinition {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Whether it is a view, whose rows are not edited.
    pub is_view: bool,
    /// How many rows it has, as the database reckons; nothing where it has not counted yet.
    pub rows: Option<i64>,
    /// Its columns in order.
    pub columns: Vec<ColumnDefinition>,
    /// The columns of its primary key.
    pub key: Vec<String>,
    /// What else tells rows apart.
    pub uniques: Vec<UniqueDefinition>,
    /// What it refers to.
    pub foreign_keys: Vec<ForeignKeyDefinition>,
}

/// A column as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ColumnDefinition {
    /// Its name.
    pub name: String,
    /// Its type, by the database's own name.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Whether each row must have a value.
    pub is_required: bool,
    /// What a row has where nobody says a value, as SQL.
    pub default: Option<String>,
    /// Whether the database gives its values and takes none.
    pub is_computed: bool,
    /// Whether the database numbers rows where nobody says a value.
    pub is_numbered: bool,
}

/// Columns that tell rows apart together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UniqueDefinition {
    /// The constraint.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
}

/// A reference to another table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForeignKeyDefinition {
    /// The constraint.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The other table's schema.
    pub schema: String,
    /// The other table.
    pub table: String,
    /// The columns there.
    pub to_columns: Vec<String>,
}

/// Which rows are asked for, and in which order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RowsAsk {
    /// The table.
    pub table: TableName,
    /// All of these hold.
    #[serde(default)]
    pub filters: Vec<RowFilter>,
    /// By which columns, the first one first; the key settles what they leave open.
    #[serde(default)]
    pub sort: Vec<RowSort>,
    /// How many rows are passed over.
    #[serde(default)]
    pub offset: u64,
    /// How many rows at most: 500.
    #[serde(default = "page_rows")]
    pub limit: u32,
    /// Whether the rows are counted.
    #[serde(default)]
    pub count: bool,
}

fn page_rows() -> u32 {
    100
}

/// A condition on a column.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RowFilter {
    /// The column.
    pub column: String,
    /// How it compares.
    pub operator: FilterOperator,
    /// With what; nothing for those that compare with nothing.
    #[serde(default)]
    pub value: String,
}

/// How a column compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FilterOperator {
    /// Its text has this in it, whatever the case.
    Contains,
    /// Equal.
    Equal,
    /// Not equal; null is not equal to anything.
    Unequal,
    /// Less.
    Less,
    /// Less or equal.
    LessOrEqual,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
    /// Null.
    IsNull,
    /// Not null.
    IsNotNull,
}

/// An order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RowSort {
    /// The column.
    pub column: String,
    /// Whether the greatest comes first.
    #[serde(default)]
    pub descending: bool,
}

/// The rows for which all filters hold, and the values for the places in it, which `place` writes by their number from 0.
pub fn condition(
    filters: &[RowFilter],
    place: impl Fn(usize) -> String,
) -> Result<(String, Vec<String>), SchemaChangeError> {
    let (mut text, mut values) = (String::new(), Vec::new());
    for RowFilter { column, operator, value } in filters {
        let column = quoted(column)?;
        let at = place(values.len());
        text.push_str(if text.is_empty() { " WHERE " } else { " AND " });
        text.push_str(&match operator {
            FilterOperator::IsNull => format!("{column} IS NULL"),
            FilterOperator::IsNotNull => format!("{column} IS NOT NULL"),
            FilterOperator::Contains => format!("{column}::text ILIKE {at}::text"),
            FilterOperator::Equal => format!("{column} = {at}"),
            FilterOperator::Unequal => format!("{column} <> {at}"),
            FilterOperator::Less => format!("{column} < {at}"),
            FilterOperator::LessOrEqual => format!("{column} <= {at}"),
            FilterOperator::Greater => format!("{column} > {at}"),
            FilterOperator::GreaterOrEqual => format!("{column} >= {at}"),
        });
        match operator {
            FilterOperator::IsNull | FilterOperator::IsNotNull => {}
            FilterOperator::Contains => {
                let escaped = value.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
                values.push(format!("%{escaped}%"));
            }
            _ => values.push(value.clone()),
        }
    }
    Ok((text, values))
}

/// The columns of an order, as they stand behind ORDER BY.
pub fn ordered(sort: &[RowSort]) -> Result<Vec<String>, SchemaChangeError> {
    let column = |sort: &RowSort| {
        let direction = if sort.descending { " DESC NULLS LAST" } else { "" };
        Ok(format!("{}{direction}", quoted(&sort.column)?))
    };
    sort.iter().map(column).collect()
}

/// A page of rows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RowPage {
    /// The table as it is now.
    pub table: TableDefinition,
    /// The cells of each row, one for each column.
    #[schema(value_type = Vec<Vec<Option<String>>>)]
    pub rows: Vec<Vec<Cell>>,
    /// The cells that are cut: they are too long to be shown whole.
    pub cut: Vec<CellPlace>,
    /// How many rows there are, where that was asked.
    pub total: Option<i64>,
}

/// A cell of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CellPlace {
    /// Which row of the page, from 0.
    pub row: usize,
    /// Which column, from 0.
    pub column: usize,
}

/// Edits that are saved together: all or none.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditAsk {
    /// The table. It has a primary key.
    pub table: TableName,
    /// The edits, in the order in which they are made: 2,000 at most.
    pub edits: Vec<RowEdit>,
}

/// An edit of a row. A row is known by its key, and changes only while its cells are what they were when it was read.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum RowEdit {
    /// Changes cells.
    Update {
        /// The values of the key's columns.
        key: Vec<String>,
        /// The cells.
        cells: Vec<CellEdit>,
    },
    /// Adds a row.
    Insert {
        /// The value of each column that is given one.
        #[schema(value_type = BTreeMap<String, Option<String>>)]
        values: BTreeMap<String, Cell>,
    },
    /// Deletes a row.
    Delete {
        /// The values of the key's columns.
        key: Vec<String>,
        /// The cells of the row, as they were read.
        #[schema(value_type = BTreeMap<String, Option<String>>)]
        old: BTreeMap<String, Cell>,
    },
}

/// An edit of a cell.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CellEdit {
    /// The column.
    pub column: String,
    /// What it was.
    #[schema(value_type = Option<String>)]
    pub old: Cell,
    /// What it is to be.
    #[schema(value_type = Option<String>)]
    pub new: Cell,
}

/// What became of edits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EditOutcome {
    /// Whether they were saved. If not, none was.
    pub saved: bool,
    /// Why not: 200 at most.
    pub faults: Vec<EditFault>,
}

/// Why an edit could not be saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EditFault {
    /// Which edit, from 0.
    pub edit: usize,
    /// Which column; nothing where the whole row is meant.
    pub column: Option<String>,
    /// What is wrong.
    pub why: EditFaultKind,
    /// What the cell is now, where somebody has changed it.
    pub current: Option<String>,
    /// For a person.
    pub message: String,
}

/// What is wrong with an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EditFaultKind {
    /// Somebody has changed the cell meanwhile.
    Changed,
    /// Somebody has deleted the row meanwhile, or given it another key.
    Gone,
    /// The database does not take the value.
    Refused,
}

/// What a change of the tables would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangePreview {
    /// The SQL.
    pub sql: String,
    /// What the table is now, as a mark that changes with it.
    pub state: String,
    /// What it does beside what it says, for a person.
    pub notes: Vec<String>,
}

/// A change of the tables, as it was shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeAsk {
    /// The change.
    pub change: SchemaChange,
    /// The SQL that was shown: exactly this is run.
    pub sql: String,
    /// What the table was when it was shown.
    pub state: String,
}

/// An import that has begun.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportBegun {
    /// Its id. It is forgotten after a day.
    pub import: Uuid,
}

/// Rows of a file. Sent again, they are the same rows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportPiece {
    /// The rows: 5,000 at most.
    pub rows: Vec<ImportRow>,
}

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRow {
    /// The line that it begins on, from 1.
    pub line: i64,
    /// Its cells: null where there is nothing, an empty text where there are quotes.
    #[schema(value_type = Vec<Option<String>>)]
    pub cells: Vec<Cell>,
}

/// What a file looks like.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportLook {
    /// Its rows.
    pub rows: u64,
    /// What its columns may be, as all of its rows tell.
    pub columns: Vec<ImportColumn>,
    /// The first rows.
    pub sample: Vec<ImportRow>,
}

/// A column of a file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportColumn {
    /// Its name.
    pub name: String,
    /// The narrowest kind that all its cells fit.
    pub kind: ColumnKind,
    /// Cells that hold nothing.
    pub empty: u64,
}

/// How a file is imported.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRun {
    /// How many rows were sent: if others are there, nothing is imported.
    pub rows: u64,
    /// Into which table.
    pub table: TableName,
    /// The columns of a table that is made for it; absent for one that exists.
    #[serde(default)]
    pub create: Option<ImportTable>,
    /// The table's column for each column of the file; null for one that is left out.
    #[schema(value_type = Vec<Option<String>>)]
    pub columns: Vec<Option<String>>,
    /// How many rows may be left out because they do not fit: as many as were shown. Nothing to look only.
    #[serde(default)]
    pub accept_rejected: Option<u64>,
}

/// A table that is made for a file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportTable {
    /// Its columns.
    pub columns: Vec<NewColumn>,
    /// The columns of its key.
    pub key: Vec<String>,
}

/// What an import did, or would do.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ImportOutcome {
    /// Whether the rows are in the table.
    pub imported: bool,
    /// The rows that fit.
    pub fitting: u64,
    /// The rows that do not, in the order of the file.
    pub rejected: Vec<RejectedRow>,
    /// Whether there are more of them than are told: nothing can be imported then.
    pub too_many: bool,
}

/// A row that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RejectedRow {
    /// Its line in the file.
    pub line: i64,
    /// The column, where it is one.
    pub column: Option<String>,
    /// Why.
    pub reason: String,
    /// Its cells.
    #[schema(value_type = Vec<Option<String>>)]
    pub cells: Vec<Cell>,
}
