//! `/etc/bulkhead/code-executor.toml`.

use std::path::PathBuf;

use bulkhead_daemon_kit::{ConfigFault, DaemonConfig};
use bulkhead_rpc::Address;
use bulkhead_sandbox::Identity;
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
    /// Where workflows-backend listens. Default: where its unit puts it.
    workflows_backend: Address,
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
    pub(crate) workflows_backend: Address,
}

impl DaemonConfig for Config {
    type Raw = RawConfig;

    fn from_raw(raw: RawConfig) -> Result<Self, ConfigFault> {
        ConfigFault::unless_absolute("node", &raw.node, "/usr/bin/node")?;
        ConfigFault::unless_absolute("python", &raw.python, "/usr/bin/python3")?;
        ConfigFault::unless_absolute("zygote-library", &raw.zygote_library, "/usr/lib/bulkhead/libbulkhead_zygote.so")?;
        ConfigFault::unless_absolute("libraries", &raw.libraries, "/var/lib/bulkhead-libraries")?;
        ConfigFault::unless_absolute("default-libraries", &raw.default_libraries, "/usr/share/bulkhead/libraries")?;
        ConfigFault::unless_within("concurrency", raw.concurrency as u64, 1, 1024)?;
        ConfigFault::unless_within("queue", raw.queue as u64, 0, 100_000)?;
        ConfigFault::unless_within("body-limit-bytes", raw.body_limit_bytes as u64, 1024, 1024 * MIB)?;
        ConfigFault::unless_within("memory-max-bytes", raw.memory_max_bytes, 64 * MIB, 1024 * 1024 * MIB)?;
        // serde_json reads 128 levels, and the event around a result is two of them.
        ConfigFault::unless_within("result-depth", raw.result_depth as u64, 1, 120)?;
        ConfigFault::unless_within("cpu-percent", raw.cpu_percent.into(), 1, 100_000)?;
        let identity = Identity::of_user(raw.run_as_user.as_deref());
        let identity = identity.map_err(|message| ConfigFault::new("run-as-user", message))?;
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
            identity,
            workflows_backend: raw.workflows_backend,
        })
    }

    fn calls_elsewhere(&self) -> Option<&'static str> {
        self.workflows_backend.is_elsewhere().then_some("workflows-backend")
    }
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
