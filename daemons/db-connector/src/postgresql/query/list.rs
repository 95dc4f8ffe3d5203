//! The statements of a list that come before the last: they open its transaction, and nobody sees their rows.

use futures_util::{TryStreamExt, future};
use tokio_postgres::Client;

use super::{CompiledStatement, Failure, Job, Loan, parameters, session, settle, undo};
use crate::error::QueryError;

impl Job<'_> {
    /// Opens the transaction, and runs what comes before the statement in it.
    pub(super) async fn run_before(&self, loan: &Loan) -> Result<(), Failure> {
        let client = &loan.connection.client;
        if let Err(error) = client.batch_execute(&session::begin(self.request.mode, self.limits.timeout_ms)).await {
            return Err(if loan.reused && error.is_closed() { Failure::Stale } else { self.said(&error).into() });
        }
        for (at, compiled) in self.before.iter().enumerate() {
            let ran = self.run_and_forget(client, compiled).await;
            ran.map_err(|error| error.in_list(at + 1, self.before.len() + 1))?;
        }
        Ok(())
    }

    /// Runs a statement whose rows nobody sees.
    async fn run_and_forget(&self, client: &Client, compiled: &CompiledStatement<'_>) -> Result<(), QueryError> {
        let (resource, timeout_ms) = (&self.pool.target.name, self.limits.timeout_ms);
        let said =
            |error: tokio_postgres::Error| super::super::error::of_statement(&error, resource, timeout_ms, compiled);
        let prepared = client.prepare(&compiled.text).await.map_err(said)?;
        let types = prepared.params();
        let values = parameters::bind(&compiled.expressions, types, &self.request.parameters)?;
        let rows = client
            .query_raw(&prepared, values)
            .await
            .map_err(|error| super::super::error::of_parameters(&error, resource, timeout_ms, compiled, types))?;
        rows.try_for_each(|_| future::ready(Ok(()))).await.map_err(said)
    }

    /// Leaves a connection that was not asked the statement: clean, or with a transaction to undo.
    pub(super) fn leave(&self, loan: Loan) {
        if self.before.is_empty() {
            loan.give_back();
        } else {
            let ending = undo(&loan);
            settle(loan, ending);
        }
    }
}
