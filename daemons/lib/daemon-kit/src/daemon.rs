//! The life of a daemon: command line, configuration, sockets, readiness, signals, end.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_mtls::Identity;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::logging::chain;
use crate::{
    ConfigError, Credentials, DaemonConfig, Listeners, MetricsRegistry, PeerPolicy, Readiness, ServeOptions, cli,
    config, control, internal_tls, logging,
};

/// What a daemon's main function may fail with.
pub type DaemonError = Box<dyn std::error::Error + Send + Sync>;

/// Exit status for a daemon that was started the wrong way (EX_CONFIG of sysexits.h): restarting does not help.
const EXIT_CONFIG: u8 = 78;
/// Exit status of `--check-config` on a fault.
const EXIT_UNSOUND: u8 = 2;

/// Who a daemon is.
#[derive(Clone, Copy, Debug)]
pub struct DaemonSpec {
    /// The name of its binary, unit and user.
    pub name: &'static str,
    /// One line for `--help`.
    pub about: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Where its configuration stands by default.
    pub config: &'static str,
    /// How many threads it works on.
    pub threads: Threads,
}

/// How many threads a daemon works on.
#[derive(Clone, Copy, Debug)]
pub enum Threads {
    /// One for each processor.
    All,
    /// A quarter of that, one at least: for a daemon whose work other processes do. Waking another thread costs it more than the
    /// little that it does itself.
    Few,
}

impl Threads {
    fn count(self) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        match self {
            Self::All => processors,
            Self::Few => processors.div_ceil(4),
        }
    }
}

/// How long the daemon lives, and what it is told on the way.
#[derive(Clone, Debug)]
pub struct Lifetime {
    /// Cancelled on SIGTERM and SIGINT.
    pub shutdown: CancellationToken,
    /// How long running requests have to end after that.
    pub drain_timeout: Duration,
    /// Grows with each SIGHUP.
    pub reload: watch::Receiver<u64>,
}

/// All that a daemon is given.
#[derive(Debug)]
pub struct Context<C> {
    /// Its validated configuration.
    pub config: C,
    /// Its sockets.
    pub listeners: Listeners,
    /// Its secrets.
    pub credentials: Credentials,
    /// Its readiness; clone it to where conditions change.
    pub readiness: Readiness,
    /// Its metrics; register before [`Context::serve_control`].
    pub metrics: MetricsRegistry,
    /// Its lifetime; clone it to background tasks.
    pub lifetime: Lifetime,
    /// Who it is to other machines, where it has a certificate.
    pub internal_tls: Option<Arc<Identity>>,
}

impl<C> Context<C> {
    /// Tells systemd that the daemon serves. Units that wait for it go on.
    pub fn notify_ready(&self) {
        notify(&[NotifyState::Ready]);
    }

    /// Serves `/healthz`, `/readyz` and `/metrics` on the control socket, in the background, until the daemon ends.
    pub fn serve_control(&mut self) {
        let Some(listener) = self.listeners.take_optional("control") else { return };
        let router = control::router(self.readiness.clone(), std::mem::take(&mut self.metrics));
        let lifetime = self.lifetime.clone();
        tokio::spawn(async move {
            if let Err(error) = crate::serve(listener, router, ServeOptions::unix(PeerPolicy::any()), &lifetime).await {
                tracing::error!("the control socket is not served: {}", chain(&error));
            }
        });
    }
}

/// Runs a daemon from its command line to its end. Call it from `main` and return what it returns.
pub fn run<C, F, R>(spec: DaemonSpec, main: F) -> ExitCode
where
    C: DaemonConfig,
    F: FnOnce(Context<C>) -> R,
    R: Future<Output = Result<(), DaemonError>>,
{
    let arguments = cli::parse(&spec);
    let loaded = config::load::<C>(&arguments.config);
    if arguments.check_config {
        return report_check(&arguments.config, loaded.map(|(_, config)| config.notes()));
    }
    let (common, config) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("{}: {}", spec.name, chain(&error));
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let listeners = match Listeners::from_systemd(spec.name) {
        Ok(listeners) => listeners,
        Err(error) => {
            eprintln!("{}", chain(&error));
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    logging::start(spec.name, &common.log_level);
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().worker_threads(spec.threads.count()).enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!("the runtime cannot be started: {error}");
                return ExitCode::FAILURE;
            }
        };
    let credentials = Credentials::in_directory(std::env::var_os("CREDENTIALS_DIRECTORY").map(Into::into));
    let outcome = runtime.block_on(async {
        let (lifetime, _signals) = watch_signals(common.drain_timeout)?;
        spawn_watchdog();
        tracing::info!("{} {} starts", spec.name, spec.version);
        let (readiness, metrics) = (Readiness::default(), MetricsRegistry::default());
        let internal_tls = internal_tls::load(spec.name, common.internal_tls)?;
        if let Some(identity) = internal_tls.clone() {
            tokio::spawn(internal_tls::watch(identity, readiness.clone(), lifetime.clone()));
        }
        main(Context { config, listeners, credentials, readiness, metrics, lifetime, internal_tls }).await
    });
    // Tasks that outlived the drain are cut off here.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match outcome {
        Ok(()) => {
            tracing::info!("{} ends", spec.name);
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!("{} ends: {}", spec.name, chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn report_check(path: &std::path::Path, outcome: Result<Vec<String>, ConfigError>) -> ExitCode {
    match outcome {
        Ok(notes) => {
            println!("{}: ok", path.display());
            for note in notes {
                println!("note: {note}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", chain(&error));
            ExitCode::from(EXIT_UNSOUND)
        }
    }
}

fn watch_signals(drain_timeout: Duration) -> Result<(Lifetime, tokio::task::JoinHandle<()>), DaemonError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let shutdown = CancellationToken::new();
    let (reloads, reload) = watch::channel(0);
    let token = shutdown.clone();
    let task = tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hang_up.recv() => {
                    reloads.send_modify(|count| *count += 1);
                    tracing::info!("reloading");
                }
            }
        }
        tracing::info!("stopping: running requests have {drain_timeout:?} to end");
        notify(&[NotifyState::Stopping]);
        token.cancel();
    });
    Ok((Lifetime { shutdown, drain_timeout, reload }, task))
}

/// Pings systemd's watchdog from the runtime that serves requests, so that a wedged runtime is noticed.
fn spawn_watchdog() {
    let Some(timeout) = sd_notify::watchdog_enabled() else { return };
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(timeout / 2);
        loop {
            interval.tick().await;
            notify(&[NotifyState::Watchdog]);
        }
    });
}

/// Tells systemd; a failure is logged, since systemd itself will act on what it does not hear.
pub(crate) fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("systemd was not notified: {error}");
    }
}
