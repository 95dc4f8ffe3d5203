//! `cargo xtask TASK`: everything that is done with this repository.

mod ansible;
mod bench;
mod build;
mod check;
mod deb;
mod dev;
mod docs;
mod fuzz;
mod image;
mod install;
mod machine;
mod paths;
mod pkg;
mod pypi;
mod qemu;
mod reference;
mod root;
mod sbom;
mod services;
mod shell;
mod storm;
mod temporal;
mod test;
mod tidy;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Tasks of the Bulkhead repository")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build, boot a machine with the real packages, load the demo, print its address
    Up {
        /// Forget the data of the machine and start anew
        #[arg(long)]
        fresh: bool,
        /// The port of this host that leads to the machine
        #[arg(long, default_value_t = 8080)]
        port: u16,
    },
    /// Run the daemons in the foreground, without a machine
    Dev {
        /// Forget its data and start anew
        #[arg(long)]
        fresh: bool,
        /// The port of this host
        #[arg(long, default_value_t = 8080)]
        port: u16,
    },
    /// Stop the machine; `up` continues where it was
    Down,
    /// Run a command inside the machine
    Exec {
        /// The command and its arguments
        #[arg(trailing_var_arg = true, required = true)]
        command: Vec<String>,
    },
    /// Run the tests: unit and integration, then the machine
    Test {
        /// A folder with the sample databases of other projects, to run the demo's shapes over them too
        #[arg(long)]
        samples: Option<PathBuf>,
        /// Leave the machine and the guest out
        #[arg(long)]
        no_machine: bool,
        /// Leave the guest out
        #[arg(long)]
        no_qemu: bool,
        /// Only tests whose name contains this
        filters: Vec<String>,
    },
    /// Boot the real packages with a kernel of their own, in QEMU, and run the tests in there
    Vm {
        /// No tests: the guest's console here, of the guest that failed last or of a new one with the demo
        #[arg(long)]
        shell: bool,
        /// With `--shell`: a new guest
        #[arg(long, requires = "shell")]
        fresh: bool,
        /// Only tests whose name contains one of these
        filters: Vec<String>,
    },
    /// Run the commands that the documentation shows, on a machine of their own
    Docs {
        /// Package the programs that are built already in this folder
        #[arg(long, value_name = "DIR")]
        programs: Option<PathBuf>,
    },
    /// Lint the Ansible collection, and play it to a machine
    Ansible {
        /// Package the programs that are built already in this folder
        #[arg(long, value_name = "DIR")]
        programs: Option<PathBuf>,
    },
    /// Format, clippy, tidy, deny, the web's linters
    Check,
    /// Check the rules of the repository that no other tool knows
    Tidy,
    /// Generate the OpenAPI document, the TypeScript client and docs/reference
    Gen,
    /// Build packages and repositories
    Pkg(pkg::Options),
    /// Make a disk of a virtual machine with everything on it, which sets itself up at its first boot
    Image(image::Options),
    /// Feed random input to what reads the words of user code
    Fuzz(fuzz::Options),
    /// Start runs while daemons, servers and connections are killed, frozen and cut, and see that none is lost and nothing done twice
    Storm(storm::Options),
    /// Measure Bulkhead beside its floors and peers
    Bench(bench::Options),
    /// What CI runs: check, then test
    Ci {
        /// As for `test`
        #[arg(long)]
        samples: Option<PathBuf>,
        /// As for `test`
        #[arg(long)]
        no_machine: bool,
        /// As for `test`
        #[arg(long)]
        no_qemu: bool,
    },
    /// Carry connections of a port of this host into a machine (started by `up`)
    #[command(hide = true)]
    Forward {
        /// The process whose network is the machine's
        pid: i32,
        /// Port here
        from: u16,
        /// Port there
        to: u16,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Up { fresh, port } => up::up(fresh, port),
        Task::Dev { fresh, port } => dev::dev(fresh, port),
        Task::Down => up::down(),
        Task::Exec { command } => up::exec(&command),
        Task::Test { samples, no_machine, no_qemu, filters } => {
            test::test(samples.as_deref(), test::Machines::without(no_machine, no_qemu), &filters)
        }
        Task::Vm { shell: true, fresh, .. } => qemu::shell(fresh),
        Task::Vm { filters, .. } => qemu::vm(&filters),
        Task::Docs { programs } => docs::docs(programs.as_deref()),
        Task::Ansible { programs } => ansible::ansible(programs.as_deref()),
        Task::Check => check::check(),
        Task::Tidy => tidy::tidy(),
        Task::Gen => build::generate().and_then(|()| reference::generate()),
        Task::Pkg(options) => pkg::run(&options),
        Task::Image(options) => image::image(&options),
        Task::Fuzz(options) => fuzz::fuzz(&options),
        Task::Storm(options) => storm::storm(&options),
        Task::Bench(options) => bench::bench(&options),
        Task::Ci { samples, no_machine, no_qemu } => check::check()
            .and_then(|()| test::test(samples.as_deref(), test::Machines::without(no_machine, no_qemu), &[])),
        Task::Forward { pid, from, to } => machine::forward(pid, from, to),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
