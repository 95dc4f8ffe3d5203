//! db-connector: runs one query against one resource.
//!
//! `POST /v1/query` answers 200 with a JSON object written as it is read from the database, so an error after the first
//! row cannot change the status: the last member is either `"end"` or `"error"`, and a body without either is broken.
//!
//! ```json
//! {"columns":[{"name":"id","type":"int4"}],"rows":[{"id":1}],"row_count":1,"affected":null,"truncated":false,"duration_ms":0.4,"end":true}
//! ```
//! A failure before the first row is a problem document with its own status.

use std::collections::BTreeMap;

use bulkhead_model::change::TableChange;
use bulkhead_model::operation::Operation;
use bulkhead_model::query::{QueryLimits, QueryMode, ResourceQuery};
use bulkhead_model::resource::ResourceConfig;
use bulkhead_model::sql::pages::CutPages;
use bulkhead_model::sql::{self, CompiledStatement, SqlError};
use bulkhead_model::{EnvironmentId, ResourceId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::Problem;

/// Where the service listens.
pub const SOCKET: &str = "/run/bulkhead/db-connector.sock";

/// The table and the row that the secret of a resource in an environment is sealed to: one that is moved to another environment does
/// not open there.
pub fn secret_row(resource: ResourceId, environment: EnvironmentId) -> (&'static str, String) {
    if environment == EnvironmentId::DEFAULT {
        ("resources", resource.to_string())
    } else {
        ("resource_environments", format!("{resource}/{environment}"))
    }
}

/// Runs a query. Dropping the connection cancels it on the server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryRequest {
    /// The resource.
    pub resource: ResourceId,
    /// In which environment.
    #[serde(default)]
    pub environment: EnvironmentId,
    /// Who asks, for a resource that each person uses with an account of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<UserId>,
    /// Statements that run before it in the same transaction; for a write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// The statement as the person wrote it, with `{{ }}`; nothing where there is a `change` or an `operation`.
    pub statement: String,
    /// Which page of the statement's rows is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<Box<CutPages>>,
    /// A change of a table in the place of a statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<TableChange>,
    /// What a resource that speaks no SQL is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// The value of each expression, by the expression's text. One that is missing is an error, never null.
    pub parameters: BTreeMap<String, Value>,
    /// Whether it may change anything.
    pub mode: QueryMode,
    /// Caps.
    pub limits: QueryLimits,
    /// For how many seconds the result of a read may be given again; 0 for never.
    #[serde(default)]
    pub cache_seconds: u32,
}

impl QueryRequest {
    /// A query with the values of its expressions.
    pub fn of(
        (resource, environment): (ResourceId, EnvironmentId),
        query: &ResourceQuery,
        parameters: BTreeMap<String, Value>,
    ) -> Self {
        let ResourceQuery {
            statement, statements: mut before, pages, change, operation, limits, cache_seconds, ..
        } = query.clone();
        let statement = before.pop().unwrap_or(statement);
        let (asked_by, mode) = (None, query.effect());
        Self {
            resource,
            environment,
            asked_by,
            before,
            statement,
            pages,
            change,
            operation,
            parameters,
            mode,
            limits,
            cache_seconds,
        }
    }

    /// The same, asked by a person.
    pub fn asked_by(self, person: UserId) -> Self {
        Self { asked_by: Some(person), ..self }
    }

    /// The statement that PostgreSQL is to prepare and the expressions to bind.
    pub fn compile(&self) -> Result<CompiledStatement<'_>, SqlError> {
        sql::compile_either(&self.statement, self.change.as_ref())
    }
}

/// A finished result, as the streamed object reads when it is whole.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct QueryResult {
    /// Columns in order.
    pub columns: Vec<Column>,
    /// Rows as objects by column name; a repeated name gets `_2`, `_3`.
    pub rows: Vec<serde_json::Map<String, Value>>,
    /// The answer of a resource that does not answer in rows: any JSON, null too. Absent where the answer is rows.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// What a resource tells beside its answer, such as the status and headers of a response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Value>,
    /// Rows returned.
    pub row_count: u64,
    /// Rows changed, for a statement that changes some.
    pub affected: Option<u64>,
    /// Whether rows were left out at the row cap.
    pub truncated: bool,
    /// Milliseconds on the connector, from request to last row.
    pub duration_ms: f64,
    /// Whether it is the result of an earlier query that asked the same, or of one at the same time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// Milliseconds since it was read, for one that is `cached`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// The error that struck after the first row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// True on a whole result; absent on one that was cut off.
    #[serde(default)]
    pub end: bool,
}

/// A member that is there, be it null.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// `POST /v1/explain`: how the resource would run a query. Answers a [`Plan`] or a problem.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainRequest {
    /// The query.
    pub query: QueryRequest,
    /// Whether it is run to measure it; for a query that reads.
    pub analyze: bool,
}

/// How a resource runs a query, as its own planner says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// Its steps: each is followed by those that it takes its rows from, one deeper.
    pub steps: Vec<PlanStep>,
    /// Whether the query was run and its steps were measured.
    pub analyzed: bool,
    /// Milliseconds that making the plan took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planning_ms: Option<f64>,
    /// Milliseconds that the query took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_ms: Option<f64>,
}

/// A step of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanStep {
    /// How deep it is; 0 for the step that gives the result.
    pub depth: u32,
    /// What it does: `Index Scan using people_pkey on people`.
    pub title: String,
    /// More of it, by line: `Index Cond: (id = 7)`.
    pub details: Vec<String>,
    /// Cost until its first row, in the planner's unit.
    pub startup_cost: f64,
    /// Cost until its last row, those of its own steps included.
    pub total_cost: f64,
    /// Rows that the planner expects.
    pub rows: f64,
    /// Rows that there were, of one round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual_rows: Option<f64>,
    /// Milliseconds until its last row, of one round, those of its own steps included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual_ms: Option<f64>,
    /// Rounds that were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loops: Option<f64>,
}

/// A column of a result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Column {
    /// Its name, made unique.
    pub name: String,
    /// Its type, by the database's own name.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// `POST /v1/test`: connects with settings and a secret that need not be saved yet. Answers `{}` or a problem.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestRequest {
    /// The settings.
    pub config: ResourceConfig,
    /// Sealed to db-connector; the stored one of `resource` when absent.
    pub secret: Option<String>,
    /// The resource whose stored secret to use, and the row that a given secret is sealed to.
    pub resource: ResourceId,
    /// The environment whose stored secret to use.
    #[serde(default)]
    pub environment: EnvironmentId,
    /// Who asks, for a resource that each person uses with an account of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<UserId>,
}

/// `POST /v1/schema`: the tables and columns of a resource, for the editor's completion.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaRequest {
    /// The resource.
    pub resource: ResourceId,
    /// In which environment.
    #[serde(default)]
    pub environment: EnvironmentId,
    /// Who asks, for a resource that each person uses with an account of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<UserId>,
}

/// The answer to [`SchemaRequest`].
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Schema {
    /// Tables and views, without the system's own.
    pub tables: Vec<Table>,
}

/// A table or view.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Table {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Columns in order.
    pub columns: Vec<Column>,
    /// The columns of its primary key; none where there is no such key, or where it does not tell rows apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// The columns that a new row must be given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// The columns that have a default of their own when a new row gives them nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defaulted: Vec<String>,
    /// The columns that the database fills by itself: identities, sequences, computed ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filled: Vec<String>,
    /// How it is asked, for what is a method and no table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asking: Option<Asking>,
}

/// What a database tells of one column.
#[derive(Clone, Debug, Default)]
pub struct ColumnFacts {
    /// The schema of its table.
    pub schema: String,
    /// Its table.
    pub table: String,
    /// Its name and type.
    pub column: Column,
    /// Whether it belongs to the primary key.
    pub is_key: bool,
    /// Whether a new row must be given it.
    pub is_required: bool,
    /// Whether it has a default.
    pub is_defaulted: bool,
    /// Whether the database fills it by itself.
    pub is_filled: bool,
}

impl Schema {
    /// Adds a column. Those of one table come one after the other.
    pub fn add(&mut self, facts: ColumnFacts) {
        let ColumnFacts { schema, table: name, column, is_key, is_required, is_defaulted, is_filled } = facts;
        if self.tables.last().is_none_or(|table| table.schema != schema || table.name != name) {
            self.tables.push(Table { schema, name, ..Table::default() });
        }
        let Some(table) = self.tables.last_mut() else { return };
        for (is_so, names) in [
            (is_key, &mut table.key),
            (is_required, &mut table.required),
            (is_defaulted, &mut table.defaulted),
            (is_filled, &mut table.filled),
        ] {
            if is_so {
                names.push(column.name.clone());
            }
        }
        table.columns.push(column);
    }
}

/// How a method is asked.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Asking {
    /// A first message to fill in, with its fields.
    pub message: Value,
    /// The type of its answer.
    pub answer: String,
    /// Whether it answers with a stream.
    pub is_stream: bool,
    /// Whether its server declares that it changes nothing.
    pub is_read: bool,
}
