//! Whether the present workflow code goes the way that a stored history went.
//!
//! A worker goes on with runs that an older version of it began, by replaying their histories. Code that asks for something else than
//! they say would stop those runs; this tells before it is released.

use prost::Message;
use temporalio_client::{WorkflowExecutionInfo, WorkflowFetchHistoryOptions};
use temporalio_common::protos::temporal::api::history::v1 as protocol;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};
use tokio::task::LocalSet;

use crate::workflow::RunWorkflow;
use crate::{Engine, EngineError};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What Temporal has stored of a run.
#[derive(Clone, Debug)]
pub struct History(protocol::History);

impl History {
    /// From the protobuf of `temporal.api.history.v1.History`: unlike the SDK's JSON, that stays what it is.
    pub fn decode(bytes: &[u8]) -> Result<Self, EngineError> {
        let read = protocol::History::decode(bytes);
        read.map(Self).map_err(|error| failed("reading a history")(error.into()))
    }

    /// As protobuf.
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode_to_vec()
    }

    /// The kinds of its events, in order: `EVENT_TYPE_TIMER_STARTED` and so on.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.0.events.iter().map(|event| event.event_type().as_str_name()).collect()
    }

    /// Replays it by the present workflow code. Blocks; not for use within a runtime.
    pub fn replay(self) -> Result<(), EngineError> {
        let failed = failed("replaying a history");
        let options = WorkflowReplayerOptions::new().register_workflow::<RunWorkflow>();
        let options = options.map_err(|error| failed(error.into()))?;
        let replayer = WorkflowReplayer::new(options.build()).map_err(|error| failed(error.into()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(error.into()))?;
        let replayed = LocalSet::new().block_on(&runtime, replayer.replay_workflow(self.0.into()));
        replayed.map_err(|error| failed(error.into()))
    }

    /// The history before this one, where the run went on with a new one.
    fn earlier(&self) -> Option<String> {
        match self.0.events.first()?.attributes.as_ref()? {
            Attributes::WorkflowExecutionStartedEventAttributes(started) => {
                Some(started.continued_execution_run_id.clone()).filter(|id| !id.is_empty())
            }
            _ => None,
        }
    }
}

impl Engine {
    /// All histories of a run, the first one first.
    pub async fn histories(&self, run: &str) -> Result<Vec<History>, EngineError> {
        let mut histories: Vec<History> = Vec::new();
        let mut next = Some(None);
        while let Some(id) = next {
            let info = WorkflowExecutionInfo::builder().namespace(self.namespace()).workflow_id(run).maybe_run_id(id);
            let handle = info.build().bind_untyped(self.client()?);
            let events = handle.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await;
            let events = events.map_err(|error| failed("reading a history")(error.into()))?;
            histories.insert(0, History(protocol::History { events }));
            next = histories[0].earlier().map(Some);
        }
        Ok(histories)
    }
}

fn failed(operation: &'static str) -> impl Fn(Cause) -> EngineError {
    move |source| EngineError::Call { operation, source }
}
