//! How a fault strikes, and how what it struck comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_test_kit::Signal;
use time::OffsetDateTime;
use tokio::task::{JoinSet, block_in_place};

use crate::plan::{Fault, Process, What};
use crate::world::World;

/// How long a daemon has to drain, before it is killed: what its unit gives it, and some more.
const DRAIN: Duration = Duration::from_secs(30);

/// A fault that is over.
pub(crate) struct Struck {
    pub(crate) what: What,
    pub(crate) is_alone: bool,
    pub(crate) from: OffsetDateTime,
    pub(crate) until: OffsetDateTime,
    /// A daemon that was asked to end and did not.
    pub(crate) complaint: Option<String>,
}

/// Lets all faults strike at their time; comes back when the last one is over.
pub(crate) async fn rage(world: &Arc<World>, faults: Vec<Fault>, begun: Instant) -> Vec<Struck> {
    let mut under_way = JoinSet::new();
    for fault in faults {
        let world = Arc::clone(world);
        under_way.spawn(async move {
            tokio::time::sleep((begun + fault.at).saturating_duration_since(Instant::now())).await;
            strike(&world, &fault).await
        });
    }
    let mut struck = under_way.join_all().await;
    struck.sort_by_key(|struck| struck.from);
    struck
}

async fn strike(world: &World, fault: &Fault) -> Struck {
    let Fault { what, lasts, is_alone, .. } = *fault;
    let mut complaint = None;
    let mut from = OffsetDateTime::now_utc();
    match what {
        What::Kill(process) | What::Drain(process) | What::Freeze(process) => {
            let mut daemon = world.daemons[&process].lock().await;
            from = OffsetDateTime::now_utc();
            if !daemon.runs() {
                complaint = Some(format!("{process:?} had ended by itself"));
            } else if matches!(what, What::Freeze(_)) {
                daemon.signal(Signal::SIGSTOP);
                tokio::time::sleep(lasts).await;
                daemon.signal(Signal::SIGCONT);
                return Struck { what, is_alone, from, until: OffsetDateTime::now_utc(), complaint };
            } else if matches!(what, What::Drain(_)) {
                complaint = drain(&mut daemon, process);
            } else {
                daemon.kill();
            }
            tokio::time::sleep(lasts).await;
            block_in_place(|| daemon.restart());
        }
        What::KillTemporal | What::WipeTemporal => {
            let mut temporal = world.temporal.lock().await;
            from = OffsetDateTime::now_utc();
            block_in_place(|| if what == What::WipeTemporal { temporal.wipe() } else { temporal.kill() });
            tokio::time::sleep(lasts).await;
            block_in_place(|| temporal.run());
        }
        What::KillPostgresql => {
            let cluster = world.cluster.lock().await;
            from = OffsetDateTime::now_utc();
            block_in_place(|| cluster.kill());
            tokio::time::sleep(lasts).await;
            block_in_place(|| cluster.run());
        }
        What::Disturb(link, disturbance) => world.links[&link].disturb(disturbance, lasts).await,
        What::Partition(island) => world.partition(island, lasts).await,
        What::DropResource => {
            let sql =
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()";
            world.tables.execute(sql, &[&world.tables_database.name()]).await.expect("ended");
        }
    }
    Struck { what, is_alone, from, until: OffsetDateTime::now_utc(), complaint }
}

fn drain(daemon: &mut bulkhead_test_kit::Daemon, process: Process) -> Option<String> {
    daemon.signal(Signal::SIGTERM);
    if block_in_place(|| daemon.ends_within(DRAIN)) {
        return None;
    }
    daemon.kill();
    Some(format!("{process:?} did not end within {DRAIN:?} of SIGTERM"))
}
