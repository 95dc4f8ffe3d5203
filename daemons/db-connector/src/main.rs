//! `bulkhead-db-connector`: see the library.

fn main() -> std::process::ExitCode {
    bulkhead_daemon_kit::run(bulkhead_db_connector::SPEC, bulkhead_db_connector::run)
}
