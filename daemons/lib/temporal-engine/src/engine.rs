//! The engine: a thread that keeps a connection and a worker alive, and the calls that starters make on that connection.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use temporalio_client::errors::{WorkflowInteractionError, WorkflowStartError};
use temporalio_client::tonic::Request;
use temporalio_client::{
    Client, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowSignalOptions, WorkflowStartOptions,
};
use temporalio_common::protos::temporal::api::workflowservice::v1::GetSystemInfoRequest;
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::workflow::{RunWorkflow, Steps};
use crate::{Advance, ConnectionConfig, connection};

/// Until a crashed worker's step is given to another. Short, since a step reports at least this often.
const TASK_TIMEOUT: Duration = Duration::from_secs(5);
/// Until a run that was cached on a crashed worker is offered to all.
const STICKY_TIMEOUT: Duration = Duration::from_secs(2);
/// How long steps under way have to end at a shutdown.
const DRAIN: Duration = Duration::from_secs(15);
/// Between two looks whether Temporal is there.
const PING: Duration = Duration::from_secs(5);
/// Between two tries to connect.
const RETRY: Duration = Duration::from_secs(1);

/// Why Temporal did not do what it was asked.
#[derive(Debug, Error)]
pub enum EngineError {
    /// Not connected.
    #[error("Temporal at {address} does not answer as it should: {fix}")]
    Connect {
        /// `host:port`.
        address: String,
        /// What to look at.
        fix: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file of the configuration cannot be read.
    #[error("{setting} names {}, which cannot be read", file.display())]
    File {
        /// The setting.
        setting: &'static str,
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Asked while not connected.
    #[error("Temporal is not connected")]
    NotConnected,
    /// A call failed.
    #[error("{operation} failed")]
    Call {
        /// What was asked.
        operation: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Whether the engine works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineState {
    /// Connected, polling.
    Working,
    /// Not connected, with the reason; it goes on trying.
    Waiting(String),
}

/// The engine. Clones share it.
#[derive(Clone, Debug)]
pub struct Engine {
    config: ConnectionConfig,
    client: watch::Receiver<Option<Client>>,
    state: watch::Receiver<EngineState>,
}

impl Engine {
    /// Starts the engine's thread; it ends, after a drain, when `shutdown` is cancelled. The SDK's worker is bound to one thread,
    /// which is why it has one of its own.
    pub fn start_thread(
        config: ConnectionConfig,
        advance: Arc<dyn Advance>,
        shutdown: CancellationToken,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (clients, client) = watch::channel(None);
        let (states, state) = watch::channel(EngineState::Waiting("connecting".into()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread_config = config.clone();
        let thread = std::thread::Builder::new().name("temporal".into()).spawn(move || {
            let local = tokio::task::LocalSet::new();
            let keeper = Keeper { config: thread_config, advance, shutdown, clients, states };
            runtime.block_on(local.run_until(keeper.keep_working()));
        })?;
        Ok((Self { config, client, state }, thread))
    }

    /// Whether it works, and changes of that.
    pub fn state(&self) -> watch::Receiver<EngineState> {
        self.state.clone()
    }

    /// Starts a run. One that is under way already is a success: the id is the same.
    pub async fn start(&self, run: &str) -> Result<(), EngineError> {
        let options = WorkflowStartOptions::new(self.config.task_queue.clone(), run)
            .task_timeout(TASK_TIMEOUT)
            .enable_eager_workflow_start(true)
            .build();
        match self.client()?.start_workflow(RunWorkflow::run, run.to_owned(), options).await {
            Ok(_) | Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(()),
            Err(error) => Err(EngineError::Call { operation: "starting a run", source: Box::new(error) }),
        }
    }

    /// Cancels a run; false where Temporal does not know it, or knows that it has ended.
    pub async fn cancel(&self, run: &str) -> Result<bool, EngineError> {
        let client = self.client()?;
        let handle = client.get_workflow_handle::<RunWorkflow>(run);
        match handle.cancel(WorkflowCancelOptions::default()).await {
            Ok(()) => Ok(true),
            Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
            Err(error) => Err(EngineError::Call { operation: "cancelling a run", source: Box::new(error) }),
        }
    }

    /// Has a run look again at what it waits for. One that Temporal does not know, or that has ended, has nothing to look at.
    pub async fn wake(&self, run: &str) -> Result<(), EngineError> {
        let client = self.client()?;
        let handle = client.get_workflow_handle::<RunWorkflow>(run);
        match handle.signal(RunWorkflow::wake, (), WorkflowSignalOptions::default()).await {
            Ok(()) | Err(WorkflowInteractionError::NotFound(_)) => Ok(()),
            Err(error) => Err(EngineError::Call { operation: "waking a run", source: Box::new(error) }),
        }
    }

    /// Whether Temporal drives this run now.
    pub async fn is_driving(&self, run: &str) -> Result<bool, EngineError> {
        let client = self.client()?;
        let handle = client.get_workflow_handle::<RunWorkflow>(run);
        match handle.describe(WorkflowDescribeOptions::default()).await {
            Ok(description) => {
                let info = description.raw_description.workflow_execution_info;
                Ok(info.is_some_and(|info| info.close_time.is_none()))
            }
            Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
            Err(error) => Err(EngineError::Call { operation: "asking for a run", source: Box::new(error) }),
        }
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.config.namespace
    }

    pub(crate) fn client(&self) -> Result<Client, EngineError> {
        self.client.borrow().clone().ok_or(EngineError::NotConnected)
    }
}

/// What the engine's thread owns.
struct Keeper {
    config: ConnectionConfig,
    advance: Arc<dyn Advance>,
    shutdown: CancellationToken,
    clients: watch::Sender<Option<Client>>,
    states: watch::Sender<EngineState>,
}

impl Keeper {
    async fn keep_working(self) {
        while !self.shutdown.is_cancelled() {
            if let Err(error) = self.work_once().await {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                tracing::warn!("{error}{cause}");
                self.states.send_replace(EngineState::Waiting(error.to_string()));
                tokio::select! {
                    () = self.shutdown.cancelled() => {}
                    () = tokio::time::sleep(RETRY) => {}
                }
            }
        }
        self.clients.send_replace(None);
    }

    /// Connects and works until shutdown or until the worker gives up.
    async fn work_once(&self) -> Result<(), EngineError> {
        let failed = |operation: &'static str| {
            move |source: Box<dyn std::error::Error + Send + Sync>| EngineError::Call { operation, source }
        };
        let client = tokio::select! {
            client = connection::connect(&self.config) => client?,
            () = self.shutdown.cancelled() => return Ok(()),
        };
        let runtime = Runtime::from_current_tokio(Default::default())
            .map_err(|error| failed("starting the SDK")(error.into()))?;
        let options = WorkerOptions::new(self.config.task_queue.clone())
            .register_workflow::<RunWorkflow>()
            .map_err(|error| failed("registering the workflow")(error.into()))?
            .register_activities(Steps(Arc::clone(&self.advance)))
            .sticky_queue_schedule_to_start_timeout(STICKY_TIMEOUT)
            .graceful_shutdown_period(DRAIN)
            .build();
        let mut worker = Worker::new(&runtime, client.clone(), options)
            .map_err(|error| failed("starting the worker")(error.into()))?;
        let stop = worker.shutdown_handle();
        let shutdown = self.shutdown.clone();
        tokio::task::spawn_local(async move {
            shutdown.cancelled().await;
            stop();
        });
        self.clients.send_replace(Some(client.clone()));
        self.states.send_replace(EngineState::Working);
        tokio::select! {
            ended = worker.run() => ended.map_err(|error| EngineError::Connect {
                address: self.config.address.clone(),
                fix: connection::advice(&self.config, &format!("{error:?} {error}")),
                source: error.into(),
            }),
            never = self.watch(&client) => match never {},
        }
    }

    /// Asks Temporal now and then whether it is there. The SDK reconnects by itself and says nothing meanwhile.
    async fn watch(&self, client: &Client) -> Infallible {
        loop {
            tokio::time::sleep(PING).await;
            let mut service = client.connection().workflow_service();
            let asked = service.get_system_info(Request::new(GetSystemInfoRequest::default()));
            let state = match tokio::time::timeout(PING, asked).await {
                Ok(Ok(_)) => EngineState::Working,
                Ok(Err(_)) | Err(_) => {
                    let fix = "check bulkhead-temporal.service, or temporal.address in workflows-worker.toml";
                    EngineState::Waiting(format!("Temporal at {} does not answer: {fix}", self.config.address))
                }
            };
            self.states.send_if_modified(|known| std::mem::replace(known, state.clone()) != state);
        }
    }
}
