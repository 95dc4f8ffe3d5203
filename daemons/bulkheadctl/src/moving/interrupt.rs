//! A person's Ctrl-C, and a service manager's SIGTERM: they end a move in order, between two pieces, instead of in the middle of one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use tokio::signal::unix::{SignalKind, signal};

/// Whether to stop.
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on. On a thread of its own: what moves the databases waits for programs, not for a runtime.
    pub(super) fn listen() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        let (told, sender) = (flag.clone(), std::sync::mpsc::channel());
        let (ready, listening) = sender;
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async move {
                let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
                let Ok([mut interrupt, mut terminate, mut hangup]) = listen_to(kinds) else { return };
                let _ = ready.send(());
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                        _ = hangup.recv() => {}
                    }
                    told.store(true, Ordering::Relaxed);
                    eprintln!("it stops as soon as that is safe ...");
                }
            });
        });
        listening.recv().context("listen for signals")?;
        Ok(Self(flag))
    }

    /// Fails when it is time to stop.
    pub(super) fn check(&self) -> Result<()> {
        ensure!(!self.0.load(Ordering::Relaxed), "it was interrupted");
        Ok(())
    }
}

fn listen_to(kinds: [SignalKind; 3]) -> std::io::Result<[tokio::signal::unix::Signal; 3]> {
    let [interrupt, terminate, hangup] = kinds;
    Ok([signal(interrupt)?, signal(terminate)?, signal(hangup)?])
}
