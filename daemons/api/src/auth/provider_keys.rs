//! The keys that providers sign with, asked for by db-connector and kept for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_rpc::RpcClient;
use bulkhead_rpc::sign_in::{KEYS, Keys, ProviderRequest};
use bulkhead_store::sign_in::SignInProvider;
use http::Method;
use jsonwebtoken::jwk::JwkSet;
use uuid::Uuid;

use crate::http_error::ApiError;

/// For how long keys are used.
const LIFETIME: Duration = Duration::from_secs(3600);
/// Keys that are younger are not asked for again, whoever sends a token with a name that they do not have.
const YOUNG: Duration = Duration::from_secs(20);

/// The keys of all providers.
#[derive(Debug, Default)]
pub(crate) struct ProviderKeys(Mutex<HashMap<Uuid, Kept>>);

#[derive(Clone, Debug)]
struct Kept {
    revision: i64,
    since: Instant,
    keys: Arc<JwkSet>,
}

impl ProviderKeys {
    /// The keys of a provider: those that are kept, or new ones where those are old, or where they did not do and are not young.
    pub(crate) async fn get(
        &self,
        connector: &RpcClient,
        provider: &SignInProvider,
        did_not_do: bool,
    ) -> Result<Arc<JwkSet>, ApiError> {
        let most = if did_not_do { YOUNG } else { LIFETIME };
        if let Some(kept) = self.kept(provider).filter(|kept| kept.since.elapsed() < most) {
            return Ok(kept.keys);
        }
        let Keys { keys } = connector.call(Method::POST, KEYS, &ProviderRequest { provider: provider.id }).await?;
        let keys: JwkSet = serde_json::from_value(keys).map_err(|_| ApiError::ProviderRefused {
            provider: provider.name.clone(),
            reason: "it shows no keys in a form that is known".to_owned(),
        })?;
        let kept = Kept { revision: provider.revision, since: Instant::now(), keys: Arc::new(keys) };
        let keys = Arc::clone(&kept.keys);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(provider.id, kept);
        Ok(keys)
    }

    fn kept(&self, provider: &SignInProvider) -> Option<Kept> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&provider.id).filter(|kept| kept.revision == provider.revision).cloned()
    }
}
