//! `bulkhead-ssh-connector`: see the library.

fn main() -> std::process::ExitCode {
    bulkhead_daemon_kit::run(bulkhead_ssh_connector::SPEC, bulkhead_ssh_connector::run)
}
