//! How an interpreter is started: the sandbox's policy for a block of each language, as data.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_model::workflow::Language;
use bulkhead_rpc::executor::CodeLimits;
use bulkhead_sandbox::{Identity, Limits, Mount, Policy, Proc, Processes, Program};

const MIB: u64 = 1024 * 1024;

/// Where the runtimes find it.
const ZYGOTE_LIBRARY: &str = "/run/bulkhead/zygote.node";

const JAVASCRIPT: &str = include_str!("../runtime/javascript.js");
const PYTHON: &str = include_str!("../runtime/python.py");

/// What Node maps privately and writable before user code runs, mostly stacks of its threads and V8's
/// reserves. Measured as VmData with Node 18, 20 and 22: 90 to 150 MiB.
const NODE_BASE_BYTES: u64 = 192 * MIB;
/// The same of CPython 3.9 to 3.13: 10 to 20 MiB.
const PYTHON_BASE_BYTES: u64 = 32 * MIB;

/// The interpreters of this machine.
#[derive(Debug, Clone)]
pub(crate) struct Interpreters {
    pub(crate) node: PathBuf,
    pub(crate) python: PathBuf,
    pub(crate) identity: Identity,
    pub(crate) cpu_percent: u32,
    /// The native half of zygotes.
    pub(crate) zygote_library: PathBuf,
    pub(crate) memory_max_bytes: u64,
}

impl Interpreters {
    /// The sandbox and the command for one block.
    pub(crate) fn prepare(&self, language: Language, limits: &CodeLimits) -> (Policy, Program) {
        let (path, runtime, source, base_bytes) = match language {
            Language::Javascript => (&self.node, "/run/bulkhead/javascript.js", JAVASCRIPT, NODE_BASE_BYTES),
            Language::Python => (&self.python, "/run/bulkhead/python.py", PYTHON, PYTHON_BASE_BYTES),
        };
        let mut policy = Policy::minimal(self.identity);
        if !path.starts_with("/usr") {
            policy = policy.with_read_only(path);
        }
        policy.mounts.push(Mount::File { target: runtime.into(), content: source.to_owned() });
        // Nothing but the interpreter can be executed: no shell, no compiler.
        policy.executable = vec![path.clone()];
        policy.executable.extend(loaders());
        policy.processes = Processes::ThreadsOnly;
        // The same on every machine, whether or not it permits a new one.
        policy.proc = Proc::None;
        policy.limits = self.limits(language, limits, base_bytes);
        let arguments = match language {
            Language::Javascript => vec![
                format!("--max-old-space-size={}", limits.memory_bytes / MIB),
                "--no-warnings".to_owned(),
                runtime.to_owned(),
            ],
            Language::Python => ["-I", "-S", runtime].map(str::to_owned).to_vec(),
        };
        (policy, Program { path: path.clone(), arguments })
    }

    /// The sandbox of the runs of a zygote, and the command that becomes one.
    pub(crate) fn zygote(&self, language: Language) -> (Policy, Program) {
        // V8 wants to know its largest heap at the start; what a run may really use is limited when it gets its work.
        let limits = CodeLimits { memory_bytes: self.memory_max_bytes, ..CodeLimits::default() };
        let (mut policy, mut program) = self.prepare(language, &limits);
        policy.limits = self.prepare(language, &CodeLimits::default()).0.limits;
        let source = self.zygote_library.clone();
        policy.mounts.push(Mount::ReadOnly { source, target: ZYGOTE_LIBRARY.into(), optional: false });
        if language == Language::Javascript {
            // A fork copies one thread only, so V8 is to do everything in that. What the zygote has compiled is for its copies.
            let flags = ["--single-threaded", "--v8-pool-size=0", "--no-flush-bytecode"];
            program.arguments.splice(0..0, flags.map(str::to_owned));
        }
        program.arguments.push("zygote".to_owned());
        (policy, program)
    }

    fn limits(&self, language: Language, limits: &CodeLimits, base_bytes: u64) -> Limits {
        let wall = Duration::from_millis(u64::from(limits.wall_ms));
        Limits {
            wall_time_ms: u64::from(limits.wall_ms),
            // A block may use every second of its wall clock, on more than one thread.
            cpu_time_s: wall.as_secs() * 2 + 2,
            memory_bytes: limits.memory_bytes + base_bytes,
            data_bytes: limits.memory_bytes + base_bytes,
            // V8 reserves its address space ahead, Python does not.
            address_space_bytes: match language {
                Language::Javascript => None,
                Language::Python => Some(limits.memory_bytes + 512 * MIB),
            },
            tasks: 48,
            open_files: 128,
            file_size_bytes: 64 * MIB,
            // Kept by the log's own limit, which cuts instead of killing.
            output_bytes: u64::MAX,
            cpu_percent: self.cpu_percent,
        }
    }
}

/// The dynamic loaders, which `execve` opens beside the program. Those that do not exist are passed over.
fn loaders() -> impl Iterator<Item = PathBuf> {
    ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"].iter().map(|path| Path::new(path).to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interpreters() -> Interpreters {
        Interpreters {
            node: "/usr/bin/node".into(),
            python: "/usr/bin/python3".into(),
            identity: Identity::Caller,
            cpu_percent: 100,
            zygote_library: "/usr/lib/bulkhead/libbulkhead_zygote.so".into(),
            memory_max_bytes: 2048 * MIB,
        }
    }

    #[test]
    fn a_block_can_execute_its_interpreter_alone_and_starts_no_process() {
        let (policy, _) = interpreters().prepare(Language::Python, &CodeLimits::default());

        assert_eq!(policy.executable[0], PathBuf::from("/usr/bin/python3"));
        assert!(policy.executable[1..].iter().all(|path| path.to_string_lossy().contains("/ld-linux-")));
        assert_eq!(policy.processes, Processes::ThreadsOnly);
        assert!(policy.environment.is_empty());
    }

    #[test]
    fn memory_follows_the_block() {
        let limits = CodeLimits { memory_bytes: 512 * MIB, ..CodeLimits::default() };

        let (policy, program) = interpreters().prepare(Language::Javascript, &limits);

        assert!(policy.limits.data_bytes > 512 * MIB);
        assert_eq!(program.arguments[0], "--max-old-space-size=512");
    }
}
