//! Logins to the tables database go when the role goes that they were made for: somebody's account, their role on the resource, or their right
//! to change rows.
//!
//! Each api looks once a minute; what one takes away the others do not find. A login that could not be taken away is tried again.

use std::time::Duration;

use bulkhead_model::{ResourceId, Role};
use bulkhead_store::audit::AuditRecord;
use bulkhead_store::table_logins::TableLogin;
use bulkhead_store::{Database, StoreError};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::audit::AuditWriter;
use crate::state::SharedApi;

const INTERVAL: Duration = Duration::from_secs(60);

/// Watches until shutdown.
pub(crate) async fn watch(api: SharedApi, shutdown: CancellationToken) {
    loop {
        if let Err(error) = look(&api.database, &api.audit).await {
            tracing::warn!("logins to the tables database were not looked at: {error}");
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Takes away what nobody may have any more.
pub(crate) async fn look(database: &Database, audit: &AuditWriter) -> Result<(), StoreError> {
    let Some(resource) = database.built_in_resource().await? else { return Ok(()) };
    if database.login_place("").await?.is_none() {
        return Ok(());
    }
    for login in database.table_logins().await? {
        let Some(because) = why_gone(database, resource, &login).await? else { continue };
        let detail = json!({ "login": login.login, "because": because });
        let record = AuditRecord {
            user: None,
            actor: "bulkhead-api".to_owned(),
            action: "tables.login.remove",
            object: Some(("resource", resource.0)),
            detail,
            request_id: String::new(),
            address: None,
        };
        // Even without a record: who may not be in must not stay in because the trail is full.
        audit.denied(record).await;
        database.remove_table_login(&login.login).await?;
        tracing::info!(login = login.login, "took away the login {} to the tables database: {because}", login.login);
    }
    Ok(())
}

async fn why_gone(
    database: &Database,
    resource: ResourceId,
    login: &TableLogin,
) -> Result<Option<&'static str>, StoreError> {
    let role = match login.owner {
        Some(owner) => database.given_role(resource, owner).await?,
        None => None,
    };
    Ok(match role {
        None => Some("its person has no role on the resource, or no account"),
        Some(Role::Viewer) if login.may_write => Some("its person may not change rows any more"),
        Some(_) => None,
    })
}
