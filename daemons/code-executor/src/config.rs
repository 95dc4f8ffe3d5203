//! `/etc/bulkhead/code-executor.toml`.

use std::path::{Path, PathBuf};

use bulkhead_daemon_kit::{ConfigFault, DaemonConfig};
use bulkhead_sandbox::Identity;
use nix::unistd::{User, geteuid};
use serde::Deserialize;

const MIB: u64 = 1024 * 1024;

/// The file as written; every field may be left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct RawConfig {
    /// Absolute path of Node.js. Default: the distribution's.
    node: PathBuf,
    /// Absolute path of Python 3. Default: the distribution's.
    python: PathBuf,
    /// Runs that go on at once. Default 8: a run mostly waits for queries, and CPU is shared fairly.
    concurrency: usize,
    /// Runs that may wait for a place; more are refused with 429. Default 64.
    queue: usize,
    /// Bytes of one request, inputs included. Default 64 MiB.
    body_limit_bytes: usize,
    /// The most memory in bytes that a block may ask for. Default 2 GiB.
    memory_max_bytes: u64,
    /// Levels that a result's arrays and objects may nest. Default 64, which every JSON parser takes.
    result_depth: usize,
    /// CPU of one run in hundredths of a CPU. Default 100. Needs cgroup v2.
    cpu_percent: u32,
    /// Fork each run from an interpreter that has started already. Default true; false starts one for each run, which takes
    /// tens of milliseconds more and isolates the same.
    zygotes: bool,
    /// The native half of zygotes. Default: where the package puts it.
    zygote_library: PathBuf,
    /// Where the library builder puts sets of libraries.
    libraries: PathBuf,
    /// Where the package puts the libraries that JavaScript always finds.
    default_libraries: PathBuf,
    /// Give each run a network namespace of its own instead of one that all runs of a language share and that has nothing in
    /// it either. Default false: it takes a millisecond.
    network_namespace_per_run: bool,
    /// Run code although this host gives no cgroup v2 limits. For development only: a run's memory is
    /// then limited per process, and `/readyz` says degraded. Default false.
    allow_missing_cgroup_limits: bool,
    /// Name of the unprivileged user that code runs as on the host when the daemon itself is root, as
    /// in a checkout. Default none: root is refused, and any other user runs code as itself.
    run_as_user: Option<String>,
    /// The socket of workflows-backend. Default: where its unit puts it.
    workflows_backend: PathBuf,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            node: "/usr/bin/node".into(),
            python: "/usr/bin/python3".into(),
            concurrency: 8,
            queue: 64,
            body_limit_bytes: 64 * 1024 * 1024,
            memory_max_bytes: 2048 * MIB,
            result_depth: 64,
            cpu_percent: 100,
            zygotes: true,
            zygote_library: "/usr/lib/bulkhead/libbulkhead_zygote.so".into(),
            libraries: "/var/lib/bulkhead-libraries".into(),
            default_libraries: "/usr/share/bulkhead/libraries".into(),
            network_namespace_per_run: false,
            allow_missing_cgroup_limits: false,
            run_as_user: None,
            workflows_backend: bulkhead_rpc::backend::SOCKET.into(),
        }
    }
}

/// The configuration, checked.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) node: PathBuf,
    pub(crate) python: PathBuf,
    pub(crate) concurrency: usize,
    pub(crate) queue: usize,
    pub(crate) body_limit_bytes: usize,
    pub(crate) memory_max_bytes: u64,
    pub(crate) result_depth: usize,
    pub(crate) cpu_percent: u32,
    pub(crate) zygotes: bool,
    pub(crate) zygote_library: PathBuf,
    pub(crate) libraries: PathBuf,
    pub(crate) default_libraries: PathBuf,
    pub(crate) network_namespace_per_run: bool,
    pub(crate) allow_missing_cgroup_limits: bool,
    pub(crate) identity: Identity,
    pub(crate) workflows_backend: PathBuf,
}

impl DaemonConfig for Config {
    type Raw = RawConfig;

    fn from_raw(raw: RawConfig) -> Result<Self, ConfigFault> {
        absolute("node", &raw.node, "/usr/bin/node")?;
        absolute("python", &raw.python, "/usr/bin/python3")?;
        absolute("zygote-library", &raw.zygote_library, "/usr/lib/bulkhead/libbulkhead_zygote.so")?;
        absolute("libraries", &raw.libraries, "/var/lib/bulkhead-libraries")?;
        absolute("default-libraries", &raw.default_libraries, "/usr/share/bulkhead/libraries")?;
        absolute("workflows-backend", &raw.workflows_backend, bulkhead_rpc::backend::SOCKET)?;
        within("concurrency", raw.concurrency as u64, 1, 1024)?;
        within("queue", raw.queue as u64, 0, 100_000)?;
        within("body-limit-bytes", raw.body_limit_bytes as u64, 1024, 1024 * MIB)?;
        within("memory-max-bytes", raw.memory_max_bytes, 64 * MIB, 1024 * 1024 * MIB)?;
        // serde_json reads 128 levels, and the event around a result is two of them.
        within("result-depth", raw.result_depth as u64, 1, 120)?;
        within("cpu-percent", raw.cpu_percent.into(), 1, 100_000)?;
        Ok(Self {
            node: raw.node,
            python: raw.python,
            concurrency: raw.concurrency,
            queue: raw.queue,
            body_limit_bytes: raw.body_limit_bytes,
            memory_max_bytes: raw.memory_max_bytes,
            result_depth: raw.result_depth,
            cpu_percent: raw.cpu_percent,
            zygotes: raw.zygotes,
            zygote_library: raw.zygote_library,
            libraries: raw.libraries,
            default_libraries: raw.default_libraries,
            network_namespace_per_run: raw.network_namespace_per_run,
            allow_missing_cgroup_limits: raw.allow_missing_cgroup_limits,
            identity: identity(raw.run_as_user.as_deref())?,
            workflows_backend: raw.workflows_backend,
        })
    }
}

/// Who code is on the host. Only root can become somebody else, and must.
fn identity(run_as_user: Option<&str>) -> Result<Identity, ConfigFault> {
    let fault = |message: String| Err(ConfigFault::new("run-as-user", message));
    let Some(name) = run_as_user else {
        return Ok(Identity::Caller);
    };
    if !geteuid().is_root() {
        return fault("only a daemon that is started as root can run code as another user: leave it out".to_owned());
    }
    match User::from_name(name) {
        Ok(Some(user)) if user.uid.is_root() || user.gid.as_raw() == 0 => fault(format!(
            "code never runs as root: name an unprivileged user instead of '{name}', for example 'nobody'"
        )),
        Ok(Some(user)) => Ok(Identity::Switch { uid: user.uid.as_raw(), gid: user.gid.as_raw() }),
        Ok(None) => fault(format!("there is no user '{name}' on this machine")),
        Err(error) => fault(format!("the user '{name}' cannot be looked up: {error}")),
    }
}

fn absolute(key: &str, path: &Path, example: &str) -> Result<(), ConfigFault> {
    if path.is_absolute() {
        return Ok(());
    }
    let message = format!("{} is no absolute path: write for example \"{example}\"", path.display());
    Err(ConfigFault::new(key, message))
}

fn within(key: &str, value: u64, min: u64, max: u64) -> Result<(), ConfigFault> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(ConfigFault::new(key, format!("{value} is out of range: write {min} to {max}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_defaults_are_sound() {
        let config = Config::from_raw(RawConfig::default()).unwrap();

        assert!(!config.allow_missing_cgroup_limits);
        assert_eq!(config.identity, Identity::Caller);
    }

    #[test]
    fn a_fault_names_its_key_and_what_would_be_right() {
        let fault = Config::from_raw(RawConfig { concurrency: 0, ..RawConfig::default() }).unwrap_err();

        assert_eq!((fault.key.as_str(), fault.message.as_str()), ("concurrency", "0 is out of range: write 1 to 1024"));
    }
}
