//! Runs one block: a child, the conversation with it, and the verdict.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bulkhead_model::Libraries;
use bulkhead_model::run::{LogLevel, RunError, Usage};
use bulkhead_rpc::executor::{BlockResult, BlockSpec, RunEvent};
use bulkhead_sandbox::{Ending, Launcher, Outcome, Stop};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::bytes::BytesMut;
use uuid::Uuid;

use crate::calls::{CALLS_IN_FLIGHT, Calls, Numbered, Unanswered};
use crate::child::{Child, Happening, StartError};
use crate::frames::{self, Answer, Asked, FrameError, Inputs, Said, Start};
use crate::interpreter::{Environment, Interpreters};
use crate::logs::Logs;
use crate::metrics::{Metrics, Stage};
use crate::pool::Pools;
use crate::verdict::{self, Said as Final};

/// What every block needs of the daemon.
pub(crate) struct Runner {
    pub(crate) launcher: Launcher,
    pub(crate) interpreters: Interpreters,
    /// None where every run starts its interpreter.
    pub(crate) pools: Option<Pools>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) calls: Calls,
    pub(crate) result_depth: usize,
}

/// What a block is given beside its own definition.
pub(crate) struct Given<'a> {
    pub(crate) token: Option<&'a str>,
    /// Whether no journal knows the calls that it makes.
    pub(crate) draft: bool,
    pub(crate) libraries: &'a Libraries,
    pub(crate) inputs: &'a BTreeMap<String, Value>,
}

/// The conversation with one child.
struct Conversation<'a> {
    spec: &'a BlockSpec,
    given: &'a Given<'a>,
    nonce: String,
    logs: Logs,
    events: &'a mpsc::Sender<RunEvent>,
    deadline: tokio::time::Instant,
    said: Option<Final>,
    /// Nobody has answered a call, so the block has to run again.
    is_unanswered: bool,
    /// Its time was over while a call of it was under way.
    is_calling: bool,
    stderr_tail: String,
    dumping: bool,
}

impl Runner {
    /// Runs a block to its end. Log lines go out as they come; the result is the caller's to send. None where the block has to run again.
    ///
    /// Ends early, without a meaningful result, when the receiver of the events is gone.
    pub(crate) async fn run(
        &self,
        spec: &BlockSpec,
        given: &Given<'_>,
        events: &mpsc::Sender<RunEvent>,
    ) -> Option<BlockResult> {
        let begun = Instant::now();
        let nonce = Uuid::new_v4().simple().to_string();
        let started = self.start(spec, given, &nonce).await;
        self.metrics.stage(Stage::Take, begun);
        // From here on: the wait for a process is not the code's.
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_millis(u64::from(spec.limits.wall_ms));
        let mut conversation = Conversation {
            spec,
            given,
            nonce,
            logs: Logs::new(&spec.id, spec.limits.log_bytes),
            events,
            deadline,
            said: None,
            is_unanswered: false,
            is_calling: false,
            stderr_tail: String::new(),
            dumping: false,
        };
        let ended = match started {
            Ok(child) => self.converse(&mut conversation, child).await,
            Err(error) => Err(error),
        };
        if conversation.is_unanswered {
            return None;
        }
        let (verdict, mut usage) = match ended {
            Ok(outcome) => {
                let usage = Usage {
                    wall_ms: 0.0,
                    cpu_ms: outcome.usage.cpu_us as f64 / 1000.0,
                    peak_memory_bytes: outcome.usage.peak_memory_bytes,
                };
                let (stderr, is_calling) = (&conversation.stderr_tail, conversation.is_calling);
                let facts = verdict::Facts { ending: outcome.ending, stderr, usage, is_calling };
                (verdict::decide(conversation.said, facts, &spec.limits, self.result_depth), usage)
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, block = spec.id, "a sandbox failed");
                let message = "the sandbox could not be set up; the service's journal says why";
                (Err(RunError::new("sandbox-failed", message)), Usage::default())
            }
        };
        usage.wall_ms = begun.elapsed().as_secs_f64() * 1000.0;
        let (value, error) = match verdict {
            Ok(value) => (value, None),
            Err(error) => (Value::Null, Some(error)),
        };
        Some(BlockResult { block: spec.id.clone(), value, error, usage })
    }

    async fn start(&self, spec: &BlockSpec, given: &Given<'_>, nonce: &str) -> Result<Child, StartError> {
        let environment = Environment::of(&spec.work, given.libraries);
        // Text grows up to six-fold as JSON.
        let frame_limit = (spec.limits.result_bytes as usize).max(6 * spec.limits.log_bytes as usize) + (1 << 20);
        let start = Start {
            nonce,
            block: &spec.id,
            work: &spec.work,
            inputs: Inputs { own: &spec.inputs, chain: given.inputs },
            result_bytes: spec.limits.result_bytes,
            log_bytes: spec.limits.log_bytes,
        };
        let start = frames::encode(&start).map_err(StartError::Descriptors)?;
        let ready = match &self.pools {
            Some(pools) => pools.of(&environment).map_err(StartError::Descriptors)?.take().await,
            None => None,
        };
        if let Some(ready) = ready {
            let limits = self.interpreters.limits(&environment, &spec.limits);
            return Child::take(ready, &limits, frame_limit, start);
        }
        self.metrics.cold_starts.inc();
        let (policy, program) = self.interpreters.prepare(&environment, &spec.limits);
        let child = Child::start(&self.launcher, policy, program, frame_limit)?;
        child.send(start, None);
        Ok(child)
    }

    /// Listens and answers until the child has ended, whoever ends it.
    async fn converse(&self, conversation: &mut Conversation<'_>, mut child: Child) -> Result<Outcome, StartError> {
        let begun = Instant::now();
        let mut calls = FuturesUnordered::new();
        let mut next = Numbered { execution: Uuid::new_v4(), call: 0, was_answered: false };
        // A call keeps its place until its answer is written, or a child that asks and never reads would fill this daemon's memory.
        let places = Arc::new(Semaphore::new(CALLS_IN_FLIGHT));
        let mut place = None;
        while conversation.said.is_none() {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(conversation.deadline) => {
                    conversation.is_calling = !calls.is_empty();
                    child.stop(Stop::WallTime);
                    break;
                }
                () = conversation.events.closed() => {
                    child.stop(Stop::Cancelled);
                    break;
                }
                free = Arc::clone(&places).acquire_owned(), if place.is_none() => place = free.ok(),
                Some((answer, place)) = calls.next(), if !calls.is_empty() => {
                    let answer: Result<Answer, Unanswered> = answer;
                    let Ok(answer) = answer else {
                        conversation.is_unanswered = true;
                        child.stop(Stop::Cancelled);
                        break;
                    };
                    next.was_answered |= !answer.is_secret;
                    if let Some(Value::String(secret)) = answer.value.as_ref().filter(|_| answer.is_secret) {
                        conversation.logs.hide(secret);
                    }
                    child.send(frames::encode(&answer).map_err(StartError::Descriptors)?, place);
                }
                happening = child.next(place.is_none()) => match happening {
                    Happening::Frame(body) => {
                        if let Some(asked) = conversation.hear(&body).await {
                            let answer = self.calls.make(conversation.given, conversation.spec, next, asked);
                            let place = place.take();
                            calls.push(async move { (answer.await, place) });
                            next.call += 1;
                        }
                    }
                    Happening::Out(lines) => conversation.raw(LogLevel::Info, lines).await,
                    Happening::Error(lines) => conversation.raw(LogLevel::Error, lines).await,
                    Happening::TooLarge => conversation.said = Some(Final::Nonsense(FrameError::TooLarge)),
                    // Nothing can be said any more; the process may take a moment to end.
                    Happening::ChannelEnd => {
                        conversation.wait_for_end(&mut child).await;
                        break;
                    }
                    Happening::Ended => {
                        conversation.hear_rest(&mut child).await;
                        break;
                    }
                },
            }
        }
        self.metrics.stage(Stage::Work, begun);
        let said = Instant::now();
        if conversation.said.is_some() {
            if let Some(usage) = child.usage_so_far() {
                let (out, error) = child.lines_so_far();
                conversation.raw(LogLevel::Info, out).await;
                conversation.raw(LogLevel::Error, error).await;
                // Used once: what it started and did not wait for ends now, and nobody waits for that.
                let metrics = Arc::clone(&self.metrics);
                tokio::spawn(async move {
                    child.discard().await;
                    metrics.stage(Stage::Discard, said);
                });
                self.metrics.stage(Stage::Verdict, said);
                return Ok(Outcome { ending: Ending::Cancelled, usage });
            }
            child.stop(Stop::Cancelled);
        }
        let (out, error, outcome) = child.finish().await?;
        conversation.raw(LogLevel::Info, out).await;
        conversation.raw(LogLevel::Error, error).await;
        Ok(outcome)
    }
}

impl Conversation<'_> {
    /// Takes one frame; gives what it asks for.
    async fn hear(&mut self, body: &BytesMut) -> Option<Asked> {
        match frames::understand(body, &self.nonce) {
            Ok(Said::Log { level, time_ms, text }) => self.log(level, time_ms, text).await,
            Ok(Said::Ask(asked)) => return Some(asked),
            Ok(Said::Result(value)) => self.said = Some(Final::Value(value)),
            Ok(Said::Error(thrown)) => self.said = Some(Final::Thrown(thrown)),
            Err(error) => self.said = Some(Final::Nonsense(error)),
        }
        None
    }

    /// Hears what was said before the end.
    async fn hear_rest(&mut self, child: &mut Child) {
        while self.said.is_none()
            && let Some(body) = child.rest().await
        {
            // A call of a dead child needs no answer.
            drop(self.hear(&body).await);
        }
    }

    /// Waits for the end of a child that has closed its channel, up to the deadline.
    async fn wait_for_end(&mut self, child: &mut Child) {
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.deadline) => return child.stop(Stop::WallTime),
                () = self.events.closed() => return child.stop(Stop::Cancelled),
                happening = child.next(true) => match happening {
                    Happening::Out(lines) => self.raw(LogLevel::Info, lines).await,
                    Happening::Error(lines) => self.raw(LogLevel::Error, lines).await,
                    _ => return,
                },
            }
        }
    }

    async fn raw(&mut self, level: LogLevel, lines: Vec<String>) {
        let time_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64);
        for line in lines {
            if level == LogLevel::Error {
                // The interpreter's own dump says nothing to the person; its first words name the cause.
                self.dumping |= verdict::begins_dump(&line);
                if !self.dumping || [verdict::FATAL, verdict::TERMINATED].iter().any(|word| line.starts_with(word)) {
                    self.stderr_tail = verdict::tail(&self.stderr_tail, &line);
                }
            }
            if level != LogLevel::Error || !self.dumping {
                self.log(level, time_ms, line).await;
            }
        }
    }

    /// Sends a line out. A reader that is slow holds the child up, but never past its deadline.
    async fn log(&mut self, level: LogLevel, time_ms: u64, text: String) {
        if let Some(line) = self.logs.take(level, time_ms, text) {
            // Neither a late nor an absent reader is an error here: the loop sees both for itself.
            let _ = tokio::time::timeout_at(self.deadline, self.events.send(RunEvent::Log(line))).await;
        }
    }
}
