//! How an interpreter is started: the sandbox's policy for a block of each language, as data.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_model::workflow::Language;
use bulkhead_model::{Libraries, LibraryImage};
use bulkhead_rpc::executor::{CodeLimits, FunctionSpec, Work};
use bulkhead_sandbox::{Identity, Limits, Mount, Policy, Proc, Processes, Program};
use serde::Deserialize;

const MIB: u64 = 1024 * 1024;

/// Where the runtimes find it.
const ZYGOTE_LIBRARY: &str = "/run/bulkhead/zygote.node";

const JAVASCRIPT: &str = include_str!("../runtime/javascript.js");
const PYTHON: &str = include_str!("../runtime/python.py");
/// Python modules that stand in for those that want a network.
const PYTHON_MODULES: [(&str, &str); 5] = [
    ("bulkhead_urllib.py", include_str!("../runtime/modules/bulkhead_urllib.py")),
    ("requests/__init__.py", include_str!("../runtime/modules/requests/__init__.py")),
    ("requests/auth.py", include_str!("../runtime/modules/requests/auth.py")),
    ("requests/exceptions.py", include_str!("../runtime/modules/requests/exceptions.py")),
    ("requests/structures.py", include_str!("../runtime/modules/requests/structures.py")),
];

/// What Node maps privately and writable before user code runs, mostly stacks of its threads and V8's
/// reserves. Measured as VmData with Node 18, 20 and 22: 90 to 150 MiB.
const NODE_BASE_BYTES: u64 = 192 * MIB;
/// The same of CPython 3.9 to 3.13: 10 to 20 MiB.
const PYTHON_BASE_BYTES: u64 = 32 * MIB;
/// What pandas and numpy map beside that before they have any data.
const DATA_BASE_BYTES: u64 = 160 * MIB;

/// Where the distribution's Python packages are.
const DISTRIBUTION_PACKAGES: &str = "/usr/lib/python3/dist-packages";
/// The libraries that the package brings, as in `libraries/package.json`.
const JAVASCRIPT_LIBRARIES: [&str; 7] = ["decimal.js", "lodash", "luxon", "papaparse", "uuid", "yaml", "zod"];
/// Those of the distribution's that are worth a zygote of their own: they take a second to import.
const DATA_MODULES: [&str; 2] = ["numpy", "pandas"];

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
    /// Built sets of libraries, each in a directory of its name.
    pub(crate) libraries: PathBuf,
    /// The libraries that JavaScript always finds.
    pub(crate) default_libraries: PathBuf,
}

/// What an interpreter is started with; runs of one environment can be copies of one zygote.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Environment {
    pub(crate) language: Language,
    libraries: Option<LibraryImage>,
    /// Whether the libraries that come with the product are loaded already. They make a zygote larger and its copies slower, so
    /// blocks that use none of them have one without.
    preloaded: bool,
}

impl Environment {
    /// The standard one of a language.
    pub(crate) fn standard(language: Language) -> Self {
        Self { language, libraries: None, preloaded: false }
    }

    /// What this work runs in.
    pub(crate) fn of(work: &Work, libraries: &Libraries) -> Self {
        let Work::Code { language, source, functions } = work else {
            return Self::standard(Language::Javascript);
        };
        let language = *language;
        let libraries = match language {
            Language::Javascript => libraries.javascript.clone(),
            Language::Python => libraries.python.clone(),
        };
        let is_used = match language {
            Language::Javascript => mentions_library,
            Language::Python => imports_data,
        };
        let mut sources = std::iter::once(source.as_str()).chain(functions.values().map(FunctionSpec::source));
        let preloaded = libraries.is_none() && sources.any(is_used);
        Self { language, libraries, preloaded }
    }

    /// Whether it is kept ready although nobody has asked for it yet.
    pub(crate) fn is_standard(&self) -> bool {
        self.libraries.is_none() && !self.preloaded
    }
}

/// Whether a source names a library in quotes, as `require()` and `import()` want it; a wrong guess costs time only.
fn mentions_library(source: &str) -> bool {
    let package = |quoted: &str| quoted.split('/').next().is_some_and(|name| JAVASCRIPT_LIBRARIES.contains(&name));
    source.split(['\'', '"', '`']).any(package)
}

/// Whether a source imports a module for data, as far as its text tells; a wrong guess costs time only.
fn imports_data(source: &str) -> bool {
    source.lines().any(|line| {
        let mut words = line.split_whitespace();
        matches!(words.next(), Some("import" | "from"))
            && words.any(|word| word.split(['.', ',']).next().is_some_and(|name| DATA_MODULES.contains(&name)))
    })
}

/// What the builder of a set of libraries says about it.
#[derive(Debug, Default, Deserialize)]
struct Image {
    /// Modules that a zygote imports before it serves.
    #[serde(default)]
    preload: Vec<String>,
}

impl Interpreters {
    /// The first set of libraries that is asked for and not there.
    pub(crate) fn missing<'a>(&self, libraries: &'a Libraries) -> Option<&'a LibraryImage> {
        [&libraries.javascript, &libraries.python].into_iter().flatten().find(|image| !self.image(image).is_dir())
    }

    fn image(&self, image: &LibraryImage) -> PathBuf {
        self.libraries.join(image.as_str())
    }

    /// The sandbox and the command for one block.
    pub(crate) fn prepare(&self, environment: &Environment, limits: &CodeLimits) -> (Policy, Program) {
        let language = environment.language;
        let (path, runtime, source) = match language {
            Language::Javascript => (&self.node, "/run/bulkhead/javascript.js", JAVASCRIPT),
            Language::Python => (&self.python, "/run/bulkhead/python.py", PYTHON),
        };
        let mut policy = Policy::minimal(self.identity);
        if !path.starts_with("/usr") {
            policy = policy.with_read_only(path);
        }
        // A shared mapping of /dev/zero is memory that only a cgroup would count.
        policy.mounts.retain(|mount| !matches!(mount, Mount::Device { path } if path.ends_with("zero")));
        policy.mounts.push(Mount::File { target: runtime.into(), content: source.to_owned() });
        policy.mounts.extend(self.library_mounts(environment));
        // Nothing but the interpreter can be executed: no shell, no compiler.
        policy.executable = vec![path.clone()];
        policy.executable.extend(loaders());
        policy.processes = Processes::ThreadsOnly;
        // The same on every machine, whether or not it permits a new one.
        policy.proc = Proc::None;
        policy.limits = self.limits(environment, limits);
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

    /// Node looks for a module beside the runtime first, then in the directory above it.
    fn library_mounts(&self, environment: &Environment) -> Vec<Mount> {
        let read_only =
            |source: PathBuf, target: &str, optional| Mount::ReadOnly { source, target: target.into(), optional };
        let mut mounts = Vec::new();
        if let Some(image) = &environment.libraries {
            let (source, target) = match environment.language {
                Language::Javascript => ("tree/node_modules", "/run/bulkhead/node_modules"),
                Language::Python => ("tree/python", "/run/bulkhead/python"),
            };
            // A set whose packages are all for other systems has none of these.
            mounts.push(read_only(self.image(image).join(source), target, true));
        }
        match environment.language {
            Language::Javascript => {
                let source = self.default_libraries.join("javascript/node_modules");
                mounts.push(read_only(source, "/run/node_modules", true));
            }
            Language::Python => mounts.extend(PYTHON_MODULES.map(|(name, content)| Mount::File {
                target: Path::new("/run/bulkhead/modules").join(name),
                content: content.to_owned(),
            })),
        }
        mounts
    }

    /// The sandbox of the runs of a zygote, and the command that becomes one.
    pub(crate) fn zygote(&self, environment: &Environment) -> (Policy, Program) {
        // V8 wants to know its largest heap at the start; what a run may really use is limited when it gets its work.
        let limits = CodeLimits { memory_bytes: self.memory_max_bytes, ..CodeLimits::default() };
        let (mut policy, mut program) = self.prepare(environment, &limits);
        policy.limits = self.limits(environment, &CodeLimits::default());
        let source = self.zygote_library.clone();
        policy.mounts.push(Mount::ReadOnly { source, target: ZYGOTE_LIBRARY.into(), optional: false });
        if environment.language == Language::Javascript {
            // A fork copies one thread only, so V8 is to do everything in that. What the zygote has compiled is for its copies. The code of
            // V8's own functions is used where it is, and not copied to where each fork would have to take it along page by page.
            let flags = ["--single-threaded", "--v8-pool-size=0", "--no-flush-bytecode", "--no-short-builtin-calls"];
            program.arguments.splice(0..0, flags.map(str::to_owned));
        }
        program.arguments.push("zygote".to_owned());
        program.arguments.extend(self.preload(environment));
        (policy, program)
    }

    /// The modules that a zygote imports before it serves.
    fn preload(&self, environment: &Environment) -> Vec<String> {
        if let Some(image) = &environment.libraries {
            let read = std::fs::read(self.image(image).join("image.json")).map_err(|error| error.to_string());
            let parsed = read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()));
            let Image { preload } = parsed.unwrap_or_else(|error| {
                tracing::warn!("nothing is preloaded of library set {image}: {error}");
                Image::default()
            });
            return preload;
        }
        let (names, folder): (&[&str], _) = match environment.language {
            _ if !environment.preloaded => return Vec::new(),
            Language::Javascript => (&JAVASCRIPT_LIBRARIES, self.default_libraries.join("javascript/node_modules")),
            Language::Python => (&DATA_MODULES, PathBuf::from(DISTRIBUTION_PACKAGES)),
        };
        let there = names.iter().filter(|name| folder.join(name).is_dir());
        there.map(|name| (*name).to_owned()).collect()
    }

    /// What one block may use.
    pub(crate) fn limits(&self, environment: &Environment, limits: &CodeLimits) -> Limits {
        let base_bytes = match environment {
            Environment { language: Language::Javascript, .. } => NODE_BASE_BYTES,
            environment if environment.is_standard() => PYTHON_BASE_BYTES,
            _ => DATA_BASE_BYTES,
        };
        let wall = Duration::from_millis(u64::from(limits.wall_ms));
        Limits {
            wall_time_ms: u64::from(limits.wall_ms),
            // A block may use every second of its wall clock, on more than one thread.
            cpu_time_s: wall.as_secs() * 2 + 2,
            memory_bytes: limits.memory_bytes + base_bytes,
            data_bytes: limits.memory_bytes + base_bytes,
            // V8 reserves its address space ahead, and the C library's allocator does for each thread.
            address_space_bytes: None,
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
            libraries: "/var/lib/bulkhead-libraries".into(),
            default_libraries: "/usr/share/bulkhead/libraries".into(),
        }
    }

    #[test]
    fn a_block_can_execute_its_interpreter_alone_and_starts_no_process() {
        let (policy, _) = interpreters().prepare(&Environment::standard(Language::Python), &CodeLimits::default());

        assert_eq!(policy.executable[0], PathBuf::from("/usr/bin/python3"));
        assert!(policy.executable[1..].iter().all(|path| path.to_string_lossy().contains("/ld-linux-")));
        assert_eq!(policy.processes, Processes::ThreadsOnly);
        assert!(policy.environment.is_empty());
    }

    #[test]
    fn what_a_source_mentions_decides_what_is_loaded_ahead() {
        let environment = |language, source: &str| {
            let work = Work::code(language, source);
            Environment::of(&work, &Libraries::default())
        };
        for source in ["const _ = require('lodash')", "await import(\"lodash/fp\")"] {
            assert!(!environment(Language::Javascript, source).is_standard(), "{source}");
        }
        for source in ["import numpy as np", "  from pandas.io import sql", "import os, pandas"] {
            assert!(!environment(Language::Python, source).is_standard(), "{source}");
        }
        assert!(environment(Language::Javascript, "return lodash").is_standard());
        assert!(environment(Language::Python, "return 'import x' # pandas\nimport numpyish").is_standard());
    }

    #[test]
    fn the_libraries_that_are_preloaded_are_those_that_the_package_brings() {
        let package: serde_json::Value = serde_json::from_str(include_str!("../libraries/package.json")).expect("JSON");
        let names: Vec<&str> = package["dependencies"].as_object().expect("some").keys().map(String::as_str).collect();

        assert_eq!(names, JAVASCRIPT_LIBRARIES);
    }

    #[test]
    fn memory_follows_the_block() {
        let limits = CodeLimits { memory_bytes: 512 * MIB, ..CodeLimits::default() };

        let (policy, program) = interpreters().prepare(&Environment::standard(Language::Javascript), &limits);

        assert!(policy.limits.data_bytes > 512 * MIB);
        assert_eq!(program.arguments[0], "--max-old-space-size=512");
    }
}
