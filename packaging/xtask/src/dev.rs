//! `dev`: the daemons in the foreground, without packages and without a machine, for the inner loop.
//!
//! What systemd does on a machine is done here: sockets are bound and handed over (`LISTEN_FDS`), credentials lie in a folder.
//! All daemons run as one user, so what their own users keep apart on a machine is not kept apart here.

mod daemons;
mod layout;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use nix::sys::signal::{SigSet, Signal};

use crate::services::{Cluster, free_port};
use crate::shell::{command, output, run_quietly, step, succeeds};
use crate::up::is_result;
use crate::{build, install, paths, temporal};
use daemons::Running;
use layout::Layout;

/// Builds, starts everything, loads the demo, prints where it is, and waits for Ctrl-C.
pub(crate) fn dev(fresh: bool, port: u16) -> Result<()> {
    install::ensure(&[install::PACKAGES, install::DEV])?;
    ensure!(
        std::net::TcpListener::bind(("127.0.0.1", port)).is_ok(),
        "port {port} of this host is taken: cargo xtask down, or choose another: cargo xtask dev --port 8090"
    );
    let binaries = build::binaries()?;
    let web = build::web()?;
    let temporal = temporal::binary()?;
    let layout = Layout::open(fresh)?;
    // From here on signals wait until they are asked for: every process started below is ended below.
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD]);
    signals.thread_block()?;

    let cluster = step("starting a PostgreSQL cluster", || Cluster::kept(&layout.postgres()))?;
    let bulkheadctl = binaries.join("bulkheadctl");
    run_quietly(command(&bulkheadctl, &["setup", "keys", "--to"]).arg(layout.directory()))?;
    run_quietly(&mut command(&bulkheadctl, &["setup", "database", "--admin", &cluster.connection_string()]))?;
    let temporal_port = free_port()?;
    layout.write_configuration(&cluster, port, temporal_port, &web)?;
    let mut running = Running::default();
    running.start_temporal(&temporal, &layout, temporal_port)?;
    running.start_daemons(&binaries, &layout, port)?;
    wait_until_ready(port, &mut running)?;
    let printed = step("loading the demo", || {
        let mut setup = command(&bulkheadctl, &["--api-socket"]);
        setup.arg(layout.socket("api")).args(["setup", "instance", "--demo", "--admin", &cluster.connection_string()]);
        setup.args(["--tables", &format!("127.0.0.1:{}", cluster.port())]);
        output(setup.args(["--base-url", &format!("http://127.0.0.1:{port}"), "--state"]).arg(layout.state()))
    })?;

    println!("\nCtrl-C stops it. Logs: {}", layout.logs().display());
    printed.lines().filter(|line| is_result(line)).for_each(|line| println!("{line}"));
    while signals.wait()? == Signal::SIGCHLD {
        running.check()?;
    }
    eprintln!("\nstopping");
    Ok(())
}

fn wait_until_ready(port: u16, running: &mut Running) -> Result<()> {
    let url = format!("http://127.0.0.1:{port}/readyz");
    let end = Instant::now() + Duration::from_secs(60);
    step("waiting until it is ready", || {
        while !succeeds(&mut command("curl", &["-sf", "-m", "5", &url])) {
            running.check()?;
            ensure!(
                Instant::now() < end,
                "{url} does not say ready; the logs lie in {}",
                paths::dev()?.join("logs").display()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    })
}
