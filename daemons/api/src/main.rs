//! The daemon's binary.

use std::process::ExitCode;

use bulkhead_daemon_kit::{DaemonSpec, Threads};

const SPEC: DaemonSpec = DaemonSpec {
    name: bulkhead_api::NAME,
    about: "HTTP API, web UI, identity and permissions of Bulkhead",
    version: env!("CARGO_PKG_VERSION"),
    config: "/etc/bulkhead/api.toml",
    threads: Threads::All,
};

fn main() -> ExitCode {
    // For `cargo xtask gen`: what the TypeScript client is generated from.
    if std::env::args().nth(1).as_deref() == Some("--print-openapi") {
        print!("{}", bulkhead_api::openapi_json());
        return ExitCode::SUCCESS;
    }
    bulkhead_daemon_kit::run(SPEC, bulkhead_api::serve)
}
