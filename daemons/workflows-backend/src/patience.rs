//! Waiting for Bulkhead's own database on behalf of code, which cannot be asked to come again, as a worker can.

use std::time::{Duration, Instant};

use crate::error::BackendError;
use crate::token::Scope;

/// How long a call from code waits.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// The answer, once the database is there to give it. A person at the editor is told at once instead.
pub(crate) async fn patiently<T, F>(scope: Scope, answer: impl Fn() -> F) -> Result<T, BackendError>
where
    F: Future<Output = Result<T, BackendError>>,
{
    let end = Instant::now() + PATIENCE;
    loop {
        match answer().await {
            Err(error) if error.is_database_away() && matches!(scope, Scope::Run(_)) && Instant::now() < end => {
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}
