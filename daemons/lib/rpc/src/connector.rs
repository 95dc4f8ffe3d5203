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

use bulkhead_model::ResourceId;
use bulkhead_model::change::TableChange;
use bulkhead_model::operation::Operation;
use bulkhead_model::query::{QueryLimits, QueryMode, ResourceQuery};
use bulkhead_model::resource::ResourceConfig;
use bulkhead_model::sql::{self, CompiledStatement, SqlError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::Problem;

/// Where the service listens.
pub const SOCKET: &str = "/run/bulkhead/db-connector.sock";

/// Runs a query. Dropping the connection cancels it on the server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryRequest {
    /// The resource.
    pub resource: ResourceId,
    /// The statement as the person wrote it, with `{{ }}`; nothing where there is a `change` or an `operation`.
    pub statement: String,
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
}

impl QueryRequest {
    /// A query with the values of its expressions.
    pub fn of(resource: ResourceId, query: &ResourceQuery, parameters: BTreeMap<String, Value>) -> Self {
        let ResourceQuery { statement, change, operation, limits, .. } = query.clone();
        Self { resource, statement, change, operation, parameters, mode: query.effect(), limits }
    }

    /// The statement to prepare and the expressions to bind.
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

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
}

/// `POST /v1/schema`: the tables and columns of a resource, for the editor's completion.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaRequest {
    /// The resource.
    pub resource: ResourceId,
}

/// The answer to [`SchemaRequest`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Schema {
    /// Tables and views, without the system's own.
    pub tables: Vec<Table>,
}

/// A table or view.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Table {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Columns in order.
    pub columns: Vec<Column>,
}
