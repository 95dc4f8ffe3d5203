//! More processor time than a run may have.

use anyhow::{Result, anyhow, ensure};

use super::neighbours::{cgroup_limited_to, read};
use crate::block::Block;
use crate::guest::Guest;

/// Outside the interpreter's lock, so that two threads could use two processors.
const TWO_THREADS: &str = "import hashlib, threading
def work():
    while True: hashlib.pbkdf2_hmac('sha256', b'password', b'salt', 20000)
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()";
const SECONDS: u32 = 8;
/// A limit that no idle copy has, by which the run's cgroup is found; with what Python needs itself.
const MEMORY_MIB: u32 = 107;

/// The guest has two processors and the default of `cpu-percent` is one: the kernel throttles, and the wall clock ends it.
pub(super) fn two_threads_get_one_processor(guest: &Guest) -> Result<()> {
    let block = Block { seconds: SECONDS, memory_mib: MEMORY_MIB, ..Block::new("python", TWO_THREADS) };
    let limit = |bytes: u64| (u64::from(MEMORY_MIB) << 20..(u64::from(MEMORY_MIB) + 64) << 20).contains(&bytes);

    let (ended, statistics) = std::thread::scope(|scope| {
        let run = scope.spawn(|| block.run(guest));
        let cgroup = cgroup_limited_to(&limit)?;
        std::thread::sleep(std::time::Duration::from_secs(u64::from(SECONDS) / 2));
        let statistics = read(&cgroup, "cpu.stat");
        run.join().map_err(|_| anyhow!("the run panicked"))?.map(|ended| (ended, statistics))
    })?;

    ensure!(ended.kind() == "wall-time", "it ended so: {ended:?}");
    let share = ended.cpu_ms / ended.wall_ms;
    println!("    {share:.2} of a processor for {:.1} s", ended.wall_ms / 1000.0);
    // The kernel lends a period's quota at the start and counts ticks; an emulated clock does not add precision.
    ensure!((0.5..1.15).contains(&share), "it had {share:.2} of a processor: {ended:?}");
    let throttled = statistics.lines().find_map(|line| line.strip_prefix("nr_throttled ")).unwrap_or("0");
    ensure!(throttled != "0", "the kernel has throttled nothing: {statistics}");
    let limit_ms = f64::from(SECONDS) * 1000.0;
    ensure!(
        (limit_ms..limit_ms + 3000.0).contains(&ended.wall_ms),
        "its wall clock ended it after {} ms",
        ended.wall_ms
    );
    Ok(())
}
