//! SQLite: a file on the appliance, opened for each query on a thread that may block.
//!
//! A file has a few such threads and no more, so that one whose disk is slow or that somebody else has locked never slows the others.

mod file;
mod query;
mod schema;
mod value;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_model::resource::SqliteConfig;
use bulkhead_model::sql::Dialect;
use bulkhead_rpc::connector::{QueryRequest, Schema};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use self::query::{Job, Piece};
use crate::answer::{Answer, CHUNKS_AHEAD};
use crate::error::QueryError;
use crate::export::{Export, Form};
use crate::kind::{Kind, refuse_operation};
use crate::pool::Shared;
use crate::statement::{self, Grammar};
use crate::target::Target;

/// Queries on one file at a time at most; each has a thread.
const MAX_THREADS: usize = 8;

/// A database in a file.
pub(crate) struct Sqlite {
    config: SqliteConfig,
    target: Target,
    directories: Arc<[PathBuf]>,
    places: Arc<Semaphore>,
    threads: Arc<Semaphore>,
    wait: Duration,
}

/// Leave to use a thread: of the file's, and of all files'.
type Place = (OwnedSemaphorePermit, OwnedSemaphorePermit);

impl Sqlite {
    pub(crate) fn new(config: SqliteConfig, target: Target, shared: &Shared) -> Self {
        let places = Arc::new(Semaphore::new(shared.max_connections.min(MAX_THREADS)));
        let (directories, threads) = (Arc::clone(&shared.sqlite_directories), Arc::clone(&shared.sqlite_threads));
        Self { config, target, directories, places, threads, wait: shared.wait }
    }

    async fn place(&self) -> Result<Place, QueryError> {
        let busy = || QueryError::Busy(self.target.name.clone());
        let both = async {
            let place = Arc::clone(&self.places).acquire_owned().await?;
            Ok::<_, AcquireError>((place, Arc::clone(&self.threads).acquire_owned().await?))
        };
        tokio::time::timeout(self.wait, both).await.map_err(|_| busy())?.map_err(|_| busy())
    }

    /// Does `work` with the file on a thread of its own.
    async fn with_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, QueryError> {
        let place = self.place().await?;
        let (path, resource) = (self.config.path.clone(), self.target.name.clone());
        let directories = Arc::clone(&self.directories);
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            let found = file::checked(&path, &directories, &resource)?;
            let connection = file::open(&found, QueryMode::Read, QueryLimits::default(), &resource)?;
            work(&connection).map_err(|error| QueryError::File { resource, path, reason: error.to_string() })
        });
        done.await.unwrap_or_else(|_| Err(QueryError::Lost(self.target.name.clone())))
    }

    async fn query(
        &self,
        request: &QueryRequest,
        form: Form,
        started: tokio::time::Instant,
    ) -> Result<Answer, QueryError> {
        refuse_operation(request)?;
        if request.change.is_some() {
            return Err(QueryError::Unsupported(
                "a change of a table is said in SQL here: write INSERT, UPDATE or DELETE",
            ));
        }
        let mut parameters = Vec::new();
        let text = statement::compile(&request.statement, Grammar::Sqlite, |expression| {
            let value = request.parameters.get(expression);
            let value = value.ok_or_else(|| QueryError::ParameterMissing(expression.to_owned()))?;
            parameters.push(value::parameter(expression, value)?);
            Ok(format!("?{}", parameters.len()))
        })?;
        let limits = request.limits;
        let place = self.place().await?;
        let (stop, resource) = (Arc::new(AtomicBool::new(false)), self.target.name.clone());
        let (path, directories) = (self.config.path.clone(), Arc::clone(&self.directories));
        let (sender, mut pieces) = mpsc::channel(CHUNKS_AHEAD);
        let (handle, interrupt) = oneshot::channel();
        let guard = StopOnDrop(Arc::clone(&stop));
        tokio::spawn(watch(Arc::clone(&stop), interrupt, sender.clone(), limits.timeout_ms));
        let mode = request.mode;
        tokio::task::spawn_blocking(move || {
            let _place = place;
            match file::checked(&path, &directories, &resource) {
                Ok(path) => {
                    Job { path, resource, text, parameters, mode, limits, form, started, stop }.run(handle, &sender)
                }
                Err(error) => drop(sender.blocking_send(Piece::Last(Default::default(), Some(error)))),
            }
        });
        match pieces.recv().await {
            // The thread has panicked.
            None => Err(QueryError::Lost(self.target.name.clone())),
            Some(Piece::Last(_, Some(error))) => Err(error),
            Some(Piece::Last(last, None)) => Ok(Answer::Whole(last)),
            Some(Piece::Chunk(first)) => {
                let (to_reader, answer) = mpsc::channel(1);
                tokio::spawn(async move {
                    let _guard = guard;
                    let mut next = Some(Piece::Chunk(first));
                    while let Some(piece) = next {
                        let (chunk, is_last) = match piece {
                            Piece::Chunk(chunk) => (chunk, false),
                            Piece::Last(chunk, _) => (chunk, true),
                        };
                        if to_reader.send(chunk).await.is_err() || is_last {
                            return;
                        }
                        next = tokio::select! {
                            piece = pieces.recv() => piece,
                            () = to_reader.closed() => return,
                        };
                    }
                });
                Ok(Answer::Pieces(answer))
            }
        }
    }
}

/// Stops the statement when its time is up or nobody reads it any more.
async fn watch(
    stop: Arc<AtomicBool>,
    interrupt: oneshot::Receiver<rusqlite::InterruptHandle>,
    reader: mpsc::Sender<Piece>,
    timeout_ms: u32,
) {
    let end = tokio::time::Instant::now() + Duration::from_millis(timeout_ms.into());
    let Ok(handle) = interrupt.await else { return };
    tokio::select! {
        () = tokio::time::sleep_until(end) => {}
        () = reader.closed() => {}
    }
    stop.store(true, Ordering::Relaxed);
    // Of a connection that is closed by now it does nothing.
    handle.interrupt();
}

/// Stops the statement when dropped.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Kind for Sqlite {
    fn run(
        self: Arc<Self>,
        request: QueryRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move { self.query(&request, Form::Result, started).await }.boxed()
    }

    fn export(
        self: Arc<Self>,
        request: QueryRequest,
        export: Arc<Export>,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move { self.query(&request, Form::Export(export), started).await }.boxed()
    }

    fn pages_in(&self) -> Option<Dialect> {
        // In what counts here, its quotes and comments are those of the standard.
        Some(Dialect::Postgresql)
    }

    fn test(self: Arc<Self>) -> BoxFuture<'static, Result<(), QueryError>> {
        async move { self.with_file(|_| Ok(())).await }.boxed()
    }

    fn schema(self: Arc<Self>) -> BoxFuture<'static, Result<Schema, QueryError>> {
        async move { self.with_file(schema::read).await }.boxed()
    }

    /// Nothing stays open between queries.
    fn close_idle(&self, _: Instant) -> bool {
        false
    }
}
