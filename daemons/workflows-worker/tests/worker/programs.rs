//! What the daemons' processes are made of. The tests in the folder beside this one use it too.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The program of a daemon: built beside the worker's, since the whole workspace is tested at once.
pub(crate) fn binary(program: &str) -> PathBuf {
    let worker = PathBuf::from(env!("CARGO_BIN_EXE_bulkhead-workflows-worker"));
    let path = worker.with_file_name(program);
    assert!(
        path.exists(),
        "{} is missing: run `cargo xtask test`, or `cargo build --release -p {program}`",
        path.display()
    );
    path
}

/// The native half of zygotes, where the user that code runs as can read it.
pub(crate) fn zygote_library(directory: &Path) -> PathBuf {
    let built = binary("libbulkhead_zygote.so");
    let copy = directory.join("zygote.so");
    std::fs::copy(built, &copy).expect("copied");
    std::fs::set_permissions(directory, PermissionsExt::from_mode(0o755)).expect("readable");
    std::fs::set_permissions(&copy, PermissionsExt::from_mode(0o644)).expect("readable");
    copy
}

/// Settings of code-executor that let it run on machines with and without cgroup v2, as root and not.
pub(crate) fn lenient() -> String {
    use std::os::unix::fs::MetadataExt;
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let run_as = if is_root { "run-as-user = 'nobody'\n" } else { "" };
    format!("allow-missing-cgroup-limits = true\n{run_as}")
}
