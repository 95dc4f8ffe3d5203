//! Blocks that wait for an event.

use bulkhead_model::run::RunError;
use bulkhead_model::workflow::{EventWait, TimeoutOutcome, event_key};
use bulkhead_rpc::backend::{AwaitedEvent, BlockOutcome, Standing};
use bulkhead_store::StoreError;
use bulkhead_store::events::{EventWaitState, NewEventWait};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::actions::Action;
use crate::routes::{Backend, millis};

impl Backend {
    /// Has a block wait for its event, or takes it. `value` is that of the key's expression at the first look, and counts then alone.
    pub(crate) async fn wait_for_event(
        &self,
        action: &Action<'_>,
        wait: &EventWait,
        value: &Value,
    ) -> Result<BlockOutcome, StoreError> {
        let key = match self.database.awaited_key(action.run, action.place).await? {
            Some(key) => key,
            None if wait.key.trim().is_empty() => String::new(),
            None => match event_key(value) {
                Ok(key) => key,
                Err(error) => {
                    let message = format!("the event `{}` cannot be waited for by this key: {error}", wait.name);
                    return Ok(BlockOutcome::failed(RunError::new("event-key", message)));
                }
            },
        };
        let deadline = wait.timeout_s.map(|seconds| action.started_at + time::Duration::seconds(seconds.into()));
        let new = NewEventWait {
            run: action.run,
            place: action.place,
            workflow: action.pinned.workflow,
            name: wait.name.as_str(),
            key: &key,
            deadline,
        };
        Ok(match self.database.await_event(&new).await? {
            EventWaitState::Came(event) => BlockOutcome::succeeded(json!({
                "id": event.id, "key": (!event.key.is_empty()).then_some(event.key), "body": event.body,
                "received_at": rfc3339(event.received_at),
            })),
            EventWaitState::Waiting { deadline } => {
                let event = Some(AwaitedEvent { name: wait.name.clone(), key });
                let until_ms = deadline.map(millis);
                BlockOutcome::running(json!(Standing { until_ms, event, ..Standing::default() }))
            }
            EventWaitState::TimedOut if wait.at_timeout == TimeoutOutcome::Continue => {
                BlockOutcome::succeeded(Value::Null)
            }
            EventWaitState::TimedOut => {
                let seconds = wait.timeout_s.unwrap_or_default();
                let of_key = if key.is_empty() { String::new() } else { format!(" with the key `{key}`") };
                let message = format!("the event `{}`{of_key} did not come within {seconds} seconds", wait.name);
                BlockOutcome::failed(RunError::new("wait-timeout", message))
            }
        })
    }
}

pub(crate) fn rfc3339(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_default()
}
