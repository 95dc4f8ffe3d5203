//! Sandboxed interpreters that wait for work: single-use copies of a zygote, forked ahead of the runs that will take them.
//!
//! One thread for each environment (a language, with what it has loaded) owns its zygote: it keeps as many copies ready as were
//! lately missed, and makes a new zygote when the old one has died or has served its time. An interpreter that cannot be forked
//! here, as a trial at the start tells, is started anew for each run instead: slower, and isolated the same.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_daemon_kit::chain;
use bulkhead_model::workflow::Language;
use bulkhead_rpc::executor::{CodeLimits, Work};
use bulkhead_sandbox::{Forked, Launcher, Limits, Policy, Program, SandboxError, Zygote};
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::pipe2;
use serde_json::json;
use tokio::sync::Notify;

use crate::frames::{self, Inputs, Start};
use crate::interpreter::{Environment, Interpreters};
use crate::metrics::{Metrics, Stage};

/// Copies that are kept ready when nothing goes on: in the standard environments, and in others.
const READY_MIN: usize = 4;
const READY_MIN_OF_OTHERS: usize = 1;
/// An environment that is not standard is closed when nobody has used it for so long.
const UNUSED: Duration = Duration::from_secs(10 * 60);
/// So many of those are kept at once; the one that was used least lately goes first.
const OTHERS_MAX: usize = 8;
/// While more than half of the copies are there, none is made so soon after one was taken: on a small machine it would take the
/// processor from the run that took it.
const LULL: Duration = Duration::from_millis(3);
/// After so long without a miss one copy less is kept ready.
const CALM: Duration = Duration::from_secs(10);
/// A zygote's copies share the layout of its memory, so it is replaced after so many copies or so much time.
const FORKS_PER_ZYGOTE: u32 = 5000;
const AGE_OF_ZYGOTE: Duration = Duration::from_secs(30 * 60);
/// Copies that are made at the same time: while one is set up, the next one is forked.
const FORKS_AT_ONCE: usize = 3;
/// How long a run waits for a copy before it starts an interpreter itself.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same while the first zygote starts: another interpreter would start no sooner, and slow this one down.
const FIRST_PATIENCE: Duration = Duration::from_secs(15);
/// A zygote that fails so often in a row is given up for a while.
const FAILURES_MAX: u32 = 3;
const GIVEN_UP_FOR: Duration = Duration::from_secs(60);
/// How long the trial's copy may take to answer.
const TRIAL: Duration = Duration::from_secs(10);

/// A sandboxed interpreter that waits on its channel.
pub(crate) struct Ready {
    pub(crate) forked: Forked,
    pub(crate) channel: UnixStream,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
    /// The zygote is kept until the last of its copies is gone.
    pub(crate) zygote: Arc<()>,
}

/// The copies of one environment.
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Told to the thread: a copy was taken or missed, or all is over.
    taken: Condvar,
    /// Told to runs: a copy is there, or there will be none.
    there: Notify,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Ready>,
    /// Runs that wait now.
    waiting: usize,
    /// How many copies to keep ready.
    target: usize,
    last_miss: Option<Instant>,
    last_taken: Option<Instant>,
    /// A zygote has started once.
    has_begun: bool,
    given_up: bool,
    closed: bool,
}

/// How the zygotes of an environment are made.
struct Recipe {
    launcher: Launcher,
    language: Language,
    policy: Policy,
    program: Program,
    own_network: bool,
    ready_min: usize,
    ready_max: usize,
    metrics: Arc<Metrics>,
}

impl Pool {
    /// Starts the environment's thread.
    fn start(recipe: Recipe) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let keeper = Keeper { recipe, shared: Arc::clone(&shared), retired: Vec::new() };
        std::thread::Builder::new().name("zygote".into()).spawn(move || keeper.keep())?;
        Ok(Self { shared })
    }

    /// A copy, or `None` where an interpreter has to be started.
    pub(crate) async fn take(&self) -> Option<Ready> {
        let waiting = Waiting::new(&self.shared);
        let patience = if self.shared.lock().has_begun { PATIENCE } else { FIRST_PATIENCE };
        let taken = async {
            loop {
                let there = self.shared.there.notified();
                {
                    let mut state = self.shared.lock();
                    while let Some(ready) = state.ready.pop_front() {
                        self.shared.taken.notify_one();
                        state.last_taken = Some(Instant::now());
                        // One that was killed while it waited is nobody's fault.
                        if !ready.has_ended() {
                            return Some(ready);
                        }
                    }
                    if state.given_up {
                        return None;
                    }
                    state.last_miss = Some(Instant::now());
                }
                self.shared.taken.notify_one();
                there.await;
            }
        };
        let taken = tokio::time::timeout(patience, taken).await.unwrap_or_default();
        drop(waiting);
        taken
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.taken.notify_one();
    }
}

impl Ready {
    fn has_ended(&self) -> bool {
        let mut events = [PollFd::new(self.forked.process(), PollFlags::POLLIN)];
        poll(&mut events, PollTimeout::ZERO).is_ok_and(|ended| ended > 0)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run that waits, counted while it does.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.lock().waiting += 1;
        Self(shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}

/// The thread of one environment.
struct Keeper {
    recipe: Recipe,
    shared: Arc<Shared>,
    /// Zygotes that make no more copies, and the token that those copies hold.
    retired: Vec<(Zygote, Arc<()>)>,
}

impl Keeper {
    fn keep(mut self) {
        let mut failures = 0;
        while !self.shared.lock().closed {
            match self.start() {
                Ok(zygote) => {
                    failures = 0;
                    let mut state = self.shared.lock();
                    (state.has_begun, state.given_up) = (true, false);
                    drop(state);
                    self.serve(zygote);
                }
                Err(error) => {
                    failures += 1;
                    self.failed(failures, &error);
                }
            }
        }
    }

    /// A zygote that has shown that its copies work.
    fn start(&self) -> Result<Zygote, SandboxError> {
        self.recipe.metrics.zygotes.inc();
        let mut zygote = Zygote::start(&self.recipe.launcher, &self.recipe.policy, self.recipe.program.clone())?;
        let [uncommon, usual] = trials(self.recipe.language);
        self.tried(&mut zygote, uncommon)?;
        let usual = self.tried(&mut zygote, usual)?;
        zygote.learn_from(&usual.forked)?;
        Ok(zygote)
    }

    /// A copy that has shown that it can run this.
    fn tried(&self, zygote: &mut Zygote, source: &str) -> Result<Ready, SandboxError> {
        let begun = self.begin(zygote)?;
        let mut trial = self.ready(zygote, begun, &Arc::new(()))?;
        try_out(&mut trial, self.recipe.language, source, &self.recipe.policy.limits)
            .map_err(|source| SandboxError::Stage { operation: "the trial of a zygote's copy", source })?;
        Ok(trial)
    }

    fn failed(&self, failures: u32, error: &SandboxError) {
        let error = chain(error);
        let language = self.recipe.language;
        let mut pause = Duration::from_millis(100);
        if failures >= FAILURES_MAX {
            tracing::warn!(?language, "{language:?} cannot be forked here, so it is started for each run: {error}");
            self.shared.lock().given_up = true;
            self.shared.there.notify_waiters();
            pause = GIVEN_UP_FOR;
        } else {
            tracing::warn!(?language, "a {language:?} zygote failed: {error}");
        }
        let state = self.shared.lock();
        let waited = self.shared.taken.wait_timeout_while(state, pause, |state| !state.closed);
        drop(waited);
    }

    /// Makes copies until the zygote dies, has served its time, or all is over.
    fn serve(&mut self, mut zygote: Zygote) {
        let (born, token) = (Instant::now(), Arc::new(()));
        let (mut forks, mut begun) = (0, VecDeque::new());
        loop {
            // Dropping a zygote waits for its processes: never under the lock.
            self.retired.retain(|(_, copies)| Arc::strong_count(copies) > 1);
            let has_served = forks >= FORKS_PER_ZYGOTE || born.elapsed() >= AGE_OF_ZYGOTE;
            if has_served && begun.is_empty() {
                break;
            }
            let task = if has_served { Task::Take } else { self.next_task(begun.len()) };
            let done = match task {
                Task::End => return,
                Task::Wait => Ok(()),
                Task::Drop(ready) => {
                    drop(ready);
                    Ok(())
                }
                Task::Fork => self.begin(&mut zygote).map(|ends| {
                    forks += 1;
                    begun.push_back(ends);
                }),
                Task::Take => match begun.pop_front() {
                    None => Ok(()),
                    Some(ends) => self.ready(&mut zygote, ends, &token).map(|ready| {
                        self.shared.lock().ready.push_back(ready);
                        self.shared.there.notify_one();
                    }),
                },
            };
            if let Err(error) = done {
                tracing::warn!("a {:?} zygote is replaced: {}", self.recipe.language, chain(&error));
                break;
            }
        }
        self.retired.push((zygote, token));
    }

    /// What to do next, where so many copies are on their way; waits while there is nothing.
    fn next_task(&self, begun: usize) -> Task {
        let mut state = self.shared.lock();
        if state.closed {
            return Task::End;
        }
        let calm = state.last_miss.is_none_or(|miss| miss.elapsed() > CALM);
        let least = self.recipe.ready_min;
        let most = self.recipe.ready_max.max(least);
        if state.waiting > 0 && state.ready.is_empty() {
            state.target = (state.target + 1).clamp(least, most);
        } else if calm && state.target > least {
            state.target -= 1;
            state.last_miss = Some(Instant::now());
        }
        state.target = state.target.max(least);
        let there = state.ready.len() + begun;
        let lull = LULL.saturating_sub(state.last_taken.map_or(LULL, |taken| taken.elapsed()));
        let may_begin = begun < FORKS_AT_ONCE && (lull.is_zero() || there * 2 <= state.target);
        if there < state.target && may_begin {
            return Task::Fork;
        }
        if begun > 0 {
            return Task::Take;
        }
        if there < state.target {
            drop(self.shared.taken.wait_timeout(state, lull));
            return Task::Wait;
        }
        if state.ready.len() > state.target
            && let Some(ready) = state.ready.pop_front()
        {
            return Task::Drop(Box::new(ready));
        }
        drop(self.shared.taken.wait_timeout(state, Duration::from_secs(1)));
        Task::Wait
    }

    /// Has the zygote make a copy, which is set up while others are made.
    fn begin(&self, zygote: &mut Zygote) -> Result<Begun, SandboxError> {
        let since = Instant::now();
        let failed = |source: io::Error| SandboxError::Stage { operation: "making a run's descriptors", source };
        let (stdout, stdout_end) = pipe2(OFlag::O_CLOEXEC).map_err(|error| failed(error.into()))?;
        let (stderr, stderr_end) = pipe2(OFlag::O_CLOEXEC).map_err(|error| failed(error.into()))?;
        let (channel, channel_end) = UnixStream::pair().map_err(failed)?;
        zygote.begin_fork(self.recipe.own_network, stdout_end, stderr_end, channel_end.into())?;
        Ok(Begun { channel, stdout, stderr, since })
    }

    /// Waits for the copy that was begun first, whose ends these are.
    fn ready(&self, zygote: &mut Zygote, begun: Begun, token: &Arc<()>) -> Result<Ready, SandboxError> {
        let Begun { channel, stdout, stderr, since } = begun;
        let none = || SandboxError::Stage { operation: "waiting for a run", source: io::ErrorKind::NotFound.into() };
        let forked = zygote.next_ready()?.ok_or_else(none)?;
        self.recipe.metrics.forks.inc();
        self.recipe.metrics.stage(Stage::Fork, since);
        Ok(Ready { forked, channel, stdout, stderr, zygote: Arc::clone(token) })
    }
}

/// A copy on its way, by our ends of its descriptors.
struct Begun {
    channel: UnixStream,
    stdout: OwnedFd,
    stderr: OwnedFd,
    since: Instant,
}

enum Task {
    Fork,
    /// The copy that was begun first.
    Take,
    Drop(Box<Ready>),
    Wait,
    End,
}

/// What a copy must be able to do, to the result 42: first what differs most between versions, the event loop; then what blocks
/// do most, from which is learnt what runs touch.
fn trials(language: Language) -> [&'static str; 2] {
    match language {
        Language::Javascript => {
            ["await new Promise((done) => setTimeout(done, 1)); return 6 * 7", "return row.id * 42"]
        }
        Language::Python => ["import asyncio\nawait asyncio.sleep(0)\nreturn 6 * 7", "return row['id'] * 42"],
    }
}

/// Has a copy run a block, which stays as it is then until it is dropped.
fn try_out(ready: &mut Ready, language: Language, source: &str, limits: &Limits) -> io::Result<()> {
    let work = Work::code(language, source);
    let allowed = CodeLimits::default();
    let nonce = "trial";
    let inputs = [("row".to_owned(), json!({ "id": 1, "name": "a" }))].into();
    let start = Start {
        nonce,
        block: "trial",
        work: &work,
        inputs: Inputs { own: &BTreeMap::new(), chain: &inputs },
        result_bytes: allowed.result_bytes,
        log_bytes: allowed.log_bytes,
    };
    let header = ready.forked.limit(limits).map_err(io::Error::other)?;
    ready.channel.set_read_timeout(Some(TRIAL))?;
    ready.channel.write_all(&header)?;
    ready.channel.write_all(&frames::encode(&start)?)?;
    loop {
        let mut length = [0; 4];
        ready.channel.read_exact(&mut length)?;
        let mut body = vec![0; (u32::from_be_bytes(length) as usize).min(64 * 1024)];
        ready.channel.read_exact(&mut body)?;
        match frames::understand(&body, nonce).map_err(io::Error::other)? {
            frames::Said::Log { .. } => {}
            frames::Said::Result(value) if value.get() == "42" => return Ok(()),
            other => return Err(io::Error::other(format!("it said {other:?}"))),
        }
    }
}

/// The pools of all environments that are in use.
pub(crate) struct Pools {
    launcher: Launcher,
    interpreters: Interpreters,
    own_network: bool,
    ready_max: usize,
    metrics: Arc<Metrics>,
    by_environment: Mutex<HashMap<Environment, InUse>>,
}

struct InUse {
    pool: Arc<Pool>,
    last: Instant,
}

impl Pools {
    /// Starts those of the standard environments.
    pub(crate) fn start(
        launcher: &Launcher,
        interpreters: &Interpreters,
        own_network: bool,
        ready_max: usize,
        metrics: &Arc<Metrics>,
    ) -> io::Result<Self> {
        let pools = Self {
            launcher: launcher.clone(),
            interpreters: interpreters.clone(),
            own_network,
            ready_max,
            metrics: Arc::clone(metrics),
            by_environment: Mutex::default(),
        };
        for language in [Language::Javascript, Language::Python] {
            pools.of(&Environment::standard(language))?;
        }
        Ok(pools)
    }

    /// The pool of an environment; made when it is first asked for.
    pub(crate) fn of(&self, environment: &Environment) -> io::Result<Arc<Pool>> {
        let mut pools = self.lock();
        if let Some(in_use) = pools.get_mut(environment) {
            in_use.last = Instant::now();
            return Ok(Arc::clone(&in_use.pool));
        }
        let others = pools.iter().filter(|(environment, _)| !environment.is_standard());
        if others.clone().count() >= OTHERS_MAX
            && let Some(oldest) = others.min_by_key(|(_, in_use)| in_use.last).map(|(oldest, _)| oldest.clone())
        {
            pools.remove(&oldest);
        }
        let (policy, program) = self.interpreters.zygote(environment);
        let pool = Arc::new(Pool::start(Recipe {
            launcher: self.launcher.clone(),
            language: environment.language,
            policy,
            program,
            own_network: self.own_network,
            ready_min: if environment.is_standard() { READY_MIN } else { READY_MIN_OF_OTHERS },
            ready_max: self.ready_max,
            metrics: Arc::clone(&self.metrics),
        })?);
        pools.insert(environment.clone(), InUse { pool: Arc::clone(&pool), last: Instant::now() });
        Ok(pool)
    }

    /// Closes environments that nobody uses.
    pub(crate) fn close_unused(&self) {
        self.lock().retain(|environment, in_use| environment.is_standard() || in_use.last.elapsed() < UNUSED);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Environment, InUse>> {
        self.by_environment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
