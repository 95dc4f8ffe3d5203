//! `bulkhead-workflows-backend`: see the library.

fn main() -> std::process::ExitCode {
    bulkhead_daemon_kit::run(bulkhead_workflows_backend::SPEC, bulkhead_workflows_backend::run)
}
