//! The stage as a binary of its own, for callers that do not own their `main`: the tests. Daemons and
//! the command line are their own stage.

fn main() {
    bulkhead_sandbox::init_if_requested();
    eprintln!("bulkhead-sandbox-stage is started by the sandbox's launcher; to run a program: bulkheadctl sandbox run");
    std::process::exit(2);
}
