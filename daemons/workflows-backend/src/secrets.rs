//! Secrets for code: opened for the one call that asks, if the workflow may have it and the use is on record.
//!
//! Nothing is kept: a value that is replaced, or a grant that is taken away, counts at the next call. A missing key stops nothing but
//! these calls, since an installation that is older than the key gets it by repeating setup.

use std::sync::Arc;

use bulkhead_daemon_kit::{Credentials, Readiness};
use bulkhead_model::name::{MAX_NAME_LENGTH, Name};
use bulkhead_model::run::RunStatus;
use bulkhead_model::{UserId, WorkflowId};
use bulkhead_rpc::backend::SecretValue;
use bulkhead_seal::{OpenError, Place, SealPrivateKey};
use bulkhead_store::Database;
use bulkhead_store::audit::AuditRecord;
use bulkhead_store::secrets::SecretUse;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::error::BackendError;
use crate::patience::patiently;
use crate::token::Scope;

/// Opens secrets.
#[derive(Clone, Debug)]
pub struct Secrets {
    database: Database,
    key: Option<Arc<SealPrivateKey>>,
}

impl Secrets {
    /// Takes the key from the credential `seal.key`. Without it the daemon is degraded, and says so.
    pub fn open(database: Database, credentials: &Credentials, readiness: &Readiness) -> Self {
        let text = credentials.read_text("seal.key").map_err(|error| error.to_string());
        let key = text.and_then(|text| SealPrivateKey::from_text(&text).map_err(|error| error.to_string()));
        let key = match key {
            Ok(key) => {
                readiness.ready("secrets");
                Some(Arc::new(key))
            }
            Err(error) => {
                readiness.degraded(
                    "secrets",
                    format!("code gets no secrets until `sudo bulkheadctl setup` is run once: {error}"),
                );
                None
            }
        };
        Self { database, key }
    }

    /// The value of the secret that code of `scope` asks for.
    pub(crate) async fn value(&self, scope: Scope, name: &str, request: &str) -> Result<SecretValue, BackendError> {
        patiently(scope, || self.answer(scope, name, request)).await
    }

    async fn answer(&self, scope: Scope, name: &str, request: &str) -> Result<SecretValue, BackendError> {
        // A text that cannot be the name of any is looked up as the name of none.
        let known = if name.parse::<Name>().is_ok() { name } else { "" };
        let wanted = match scope {
            Scope::Run(run) => self.database.secret_for_run(run, known).await?,
            Scope::Draft { workflow, .. } => self.database.secret_of_workflow(workflow, known).await?,
        };
        // Code of a cancelled run may still be running.
        if wanted.status.is_some_and(RunStatus::is_final) {
            return Err(BackendError::RunEnded);
        }
        let Some((id, sealed)) = &wanted.sealed else {
            let secret: String =
                name.chars().take(MAX_NAME_LENGTH).map(|c| if c.is_control() { '?' } else { c }).collect();
            let denied = record(scope, &wanted, "access.denied", &secret, request);
            if let Err(error) = self.database.append_audit(&[denied]).await {
                tracing::warn!(workflow.id = %wanted.workflow, "a refused secret was not recorded: {error}");
            }
            // Whoever may not use it is not told whether it exists.
            return Err(BackendError::SecretNotGranted { workflow: wanted.slug, secret });
        };
        let value = self.open_sealed(*id, sealed, name)?;
        let audited = self.database.append_audit(&[record(scope, &wanted, "secret.use", name, request)]).await;
        audited.map_err(|source| BackendError::NotAudited { secret: name.to_owned(), source })?;
        Ok(value)
    }

    /// Whether the HMAC-SHA256 of `signed` under a secret is `signature`. False where the workflow may not use the secret: its webhook is
    /// closed then.
    pub(crate) async fn signs(
        &self,
        workflow: WorkflowId,
        name: &str,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<bool, BackendError> {
        let wanted = self.database.secret_of_workflow(workflow, name).await?;
        let Some((id, sealed)) = &wanted.sealed else {
            tracing::warn!(workflow.id = %workflow, "a signed webhook is refused: the workflow may not use its secret `{name}`");
            return Ok(false);
        };
        let secret = self.open_sealed(*id, sealed, name)?;
        let key = zeroize::Zeroizing::new(secret.value.into_bytes());
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return Ok(false) };
        mac.update(signed);
        Ok(mac.verify_slice(signature).is_ok())
    }

    /// The secret that the codes of a second factor come from.
    pub(crate) async fn of_second_factor(
        &self,
        factor: uuid::Uuid,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, BackendError> {
        let sealed = self.database.sealed_second_factor(factor).await?;
        let opened = self.open_place("second_factors", factor, &sealed)?;
        opened.map_err(|source| BackendError::SecondFactorDamaged { source })
    }

    fn open_place(
        &self,
        table: &'static str,
        id: uuid::Uuid,
        sealed: &str,
    ) -> Result<Result<zeroize::Zeroizing<Vec<u8>>, OpenError>, BackendError> {
        let key = self.key.as_ref().ok_or(BackendError::NoSealKey)?;
        let row = id.to_string();
        Ok(key.open(&Place { table, row: &row, field: "sealed" }, sealed))
    }

    fn open_sealed(&self, id: uuid::Uuid, sealed: &str, name: &str) -> Result<SecretValue, BackendError> {
        let damaged = |source| BackendError::SecretDamaged { secret: name.to_owned(), source };
        let value = self.open_place("secrets", id, sealed)?.map_err(damaged)?;
        let value = std::str::from_utf8(&value).map_err(|_| damaged(OpenError::Malformed))?.to_owned();
        Ok(SecretValue { value })
    }
}

/// Who asked for which secret; never its value.
fn record(scope: Scope, wanted: &SecretUse, action: &'static str, name: &str, request: &str) -> AuditRecord {
    let (user, detail): (Option<UserId>, _) = match scope {
        Scope::Run(run) => (None, json!({ "secret": name, "run": run })),
        Scope::Draft { user, .. } => (Some(user), json!({ "secret": name, "draft": true })),
    };
    AuditRecord {
        user,
        actor: format!("workflow {}", wanted.slug),
        action,
        object: Some(("workflow", wanted.workflow.0)),
        detail,
        request_id: request.to_owned(),
        address: None,
    }
}
