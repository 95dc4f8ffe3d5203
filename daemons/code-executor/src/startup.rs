//! What must hold before code is run, and what is said when it does not.
//!
//! Isolation never degrades: without namespaces, seccomp or landlock the daemon does not start. Limits
//! by cgroup are the one thing that a development machine may lack, under a flag and never silently.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon_kit::{Identity, Readiness};
use bulkhead_model::Libraries;
use bulkhead_model::workflow::Language;
use bulkhead_rpc::RpcClient;
use bulkhead_rpc::client::ElsewhereError;
use bulkhead_rpc::executor::{BlockSpec, CodeLimits, Work};
use bulkhead_sandbox::cgroup::{CgroupMissing, Delegation};
use bulkhead_sandbox::{Launcher, selfcheck};
use tokio::sync::mpsc;

use crate::block::{Given, Runner};
use crate::calls::Calls;
use crate::config::Config;
use crate::interpreter::Interpreters;
use crate::metrics::Metrics;
use crate::pool::Pools;

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartupError {
    #[error("code cannot be isolated on this machine, so it is not run: {0}")]
    Isolation(String),
    #[error(
        "a run's memory, tasks and CPU cannot be limited on this machine, so no code is run (for development only, \
         allow-missing-cgroup-limits = true accepts that)"
    )]
    Limits(#[source] CgroupMissing),
    #[error("cannot start the threads that keep interpreters ready")]
    Pools(#[source] std::io::Error),
    #[error("workflows-backend cannot be called")]
    Backend(#[from] ElsewhereError),
}

/// Checks the machine and makes the runner.
pub(crate) fn prepare(
    config: &Config,
    identity: Option<&Arc<Identity>>,
    readiness: &Readiness,
    metrics: &Arc<Metrics>,
) -> Result<Runner, StartupError> {
    let backend = RpcClient::at("workflows-backend", &config.workflows_backend, identity)?;
    let mut launcher = Launcher::of_this_binary();
    let delegation = Delegation::enter();
    let report = selfcheck(&launcher, config.identity, delegation.as_ref().map(drop));
    let missing: Vec<&str> = report.fatal().map(|finding| finding.message.as_str()).collect();
    if !missing.is_empty() {
        return Err(StartupError::Isolation(missing.join("; ")));
    }
    tracing::info!(landlock.abi = report.landlock_abi, "the sandbox is complete, landlock ABI {}", report.landlock_abi);
    match delegation {
        Ok(delegation) => {
            launcher = launcher.with_cgroups(delegation);
            readiness.ready("cgroup-limits");
        }
        Err(missing) if config.allow_missing_cgroup_limits => {
            readiness.degraded("cgroup-limits", format!("memory is limited per process only: {missing}"));
        }
        Err(missing) => return Err(StartupError::Limits(missing)),
    }
    let interpreters = Interpreters {
        node: config.node.clone(),
        python: config.python.clone(),
        identity: config.identity,
        cpu_percent: config.cpu_percent,
        zygote_library: config.zygote_library.clone(),
        memory_max_bytes: config.memory_max_bytes,
        libraries: config.libraries.clone(),
        default_libraries: config.default_libraries.clone(),
    };
    let pools = if config.zygotes {
        let own_network = config.network_namespace_per_run;
        let started = Pools::start(&launcher, &interpreters, own_network, config.concurrency, metrics);
        Some(started.map_err(StartupError::Pools)?)
    } else {
        None
    };
    Ok(Runner {
        launcher,
        interpreters,
        pools,
        metrics: Arc::clone(metrics),
        calls: Calls::new(backend),
        result_depth: config.result_depth,
    })
}

/// Runs one block in each language and tells readiness whether it worked.
pub(crate) async fn try_interpreters(runner: Arc<Runner>, readiness: Readiness) {
    let trials = [
        (Language::Javascript, "javascript", "return 6 * 7", "is Node.js 18 or newer installed where `node` says?"),
        (Language::Python, "python", "return 6 * 7", "is Python 3.9 or newer installed where `python` says?"),
    ];
    for (language, condition, source, hint) in trials {
        let work = Work::code(language, source);
        // Right after a boot the interpreter comes from a cold disk.
        let limits = CodeLimits { wall_ms: 60_000, ..CodeLimits::default() };
        let spec = BlockSpec::new("trial", work, limits);
        let given = Given { token: None, draft: true, libraries: &Libraries::default(), inputs: &Default::default() };
        // The trial logs nothing; the receiver only has to be there.
        let (events, _listener) = mpsc::channel(16);
        let Some(result) = runner.run(&spec, &given, &events).await else { continue };
        match result.error {
            None if result.value == 42 => readiness.ready(condition),
            None => readiness.not_ready(condition, "a trial block gave a wrong result"),
            Some(error) => readiness.not_ready(condition, format!("{}; {hint}", error.message)),
        }
    }
}

/// Gives back what environments hold that nobody uses any more.
pub(crate) async fn close_unused(runner: Arc<Runner>) {
    let Some(pools) = &runner.pools else { return };
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        pools.close_unused();
    }
}
