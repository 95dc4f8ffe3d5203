//! Changes of the tables themselves: shown as SQL first, and run only if that SQL and that table are still what was shown.

use std::sync::Arc;

use bulkhead_model::query::QueryMode;
use bulkhead_model::tables::{OnDelete, SchemaChange, quoted};
use bulkhead_rpc::tables::{ChangeAsk, ChangePreview, TableDefinition};

use super::{CHANGE_MS, Pool, USUAL_MS, Work, define};
use crate::error::QueryError;

/// Rows that are counted to say how many are lost.
const COUNTED: i64 = 100_000;

pub(super) async fn preview(pool: &Arc<Pool>, change: &SchemaChange) -> Result<ChangePreview, QueryError> {
    let sql = change.sql()?;
    let work = Work::begin(pool, QueryMode::Read, USUAL_MS).await?;
    let found = define::find(&work, change.table()).await?;
    check(change, found.as_ref())?;
    let notes = notes(&work, change).await?;
    work.undo().await?;
    Ok(ChangePreview { sql, state: define::state(found.as_ref()), notes })
}

pub(super) async fn run(pool: &Arc<Pool>, ask: &ChangeAsk) -> Result<(), QueryError> {
    let sql = ask.change.sql()?;
    if sql != ask.sql {
        return Err(QueryError::TableChanged);
    }
    let work = Work::begin(pool, QueryMode::Write, CHANGE_MS).await?;
    let found = define::find(&work, ask.change.table()).await?;
    check(&ask.change, found.as_ref())?;
    let found = match found {
        // Looked at again behind the lock: from now on nobody else changes it.
        Some(_) => {
            let name = ask.change.table().quoted()?;
            work.execute(&format!("LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")).await?;
            define::find(&work, ask.change.table()).await?
        }
        None => None,
    };
    if define::state(found.as_ref()) != ask.state {
        return Err(QueryError::TableChanged);
    }
    work.execute(&sql).await?;
    work.commit().await
}

fn check(change: &SchemaChange, found: Option<&TableDefinition>) -> Result<(), QueryError> {
    let name = change.table().to_string();
    match (change, found) {
        (SchemaChange::CreateTable { .. }, None) => Ok(()),
        (SchemaChange::CreateTable { .. }, Some(_)) => {
            Err(QueryError::Table(format!("there is a table {name} already: choose another name")))
        }
        (_, None) => Err(QueryError::NoTable(name)),
        (_, Some(found)) if found.is_view => {
            Err(QueryError::Table(format!("{name} is a view, which is changed by SQL alone")))
        }
        (_, Some(_)) => Ok(()),
    }
}

/// What a change does beside what its SQL says.
async fn notes(work: &Work, change: &SchemaChange) -> Result<Vec<String>, QueryError> {
    let name = change.table().quoted()?;
    let counted = async |condition: String| {
        let sql = format!("SELECT count(*) FROM (SELECT FROM {name}{condition} LIMIT {COUNTED} + 1) counted");
        let count: i64 = work.wait(work.client().query_one(&sql, &[])).await?.get(0);
        Ok::<_, QueryError>(if count > COUNTED { format!("more than {COUNTED}") } else { count.to_string() })
    };
    Ok(match change {
        SchemaChange::DropTable { .. } => {
            vec![format!("It has {} rows, which are lost.", counted(String::new()).await?)]
        }
        SchemaChange::DropColumn { column, .. } => {
            let values = counted(format!(" WHERE {} IS NOT NULL", quoted(column)?)).await?;
            vec![format!("It has {values} values, which are lost.")]
        }
        SchemaChange::SetKind { .. } => {
            vec![
                "Each row is written anew, and the table is locked meanwhile. A value that does not fit stops it."
                    .into(),
            ]
        }
        SchemaChange::AddForeignKey { on_delete: OnDelete::Delete, to, .. } => {
            vec![format!("Whoever deletes a row of {to} deletes the rows that refer to it.")]
        }
        SchemaChange::RenameTable { .. } | SchemaChange::RenameColumn { .. } => {
            vec!["Apps and workflows that use the old name fail until they use the new one.".into()]
        }
        _ => Vec::new(),
    })
}
