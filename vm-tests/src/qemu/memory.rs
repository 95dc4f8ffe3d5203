//! More memory than a block may have, asked for in every way there is.

use anyhow::{Result, anyhow, ensure};

use super::neighbours::{beside_neighbours, kills_for_memory};
use crate::block::Block;
use crate::guest::Guest;

/// What each bomb may have, beside what its interpreter needs.
const MEMORY_MIB: u32 = 32;

const JAVASCRIPT: &[(&str, &str)] = &[
    ("small objects", "const held = []; while (true) held.push(new Array(64).fill(held.length))"),
    ("one large buffer", "return new Uint8Array(new ArrayBuffer(1 << 30)).fill(1).length"),
    ("many buffers", "const held = []; while (true) held.push(Buffer.alloc(1 << 20, 1))"),
    (
        "shared buffers",
        "const held = []; while (true) held.push(new Uint8Array(new SharedArrayBuffer(1 << 24)).fill(1))",
    ),
    (
        "files in /tmp, then buffers",
        "const fs = require('fs'); const held = []; const one = Buffer.alloc(1 << 20, 1);
         for (let n = 0; n < 60; n += 1) fs.writeFileSync('/tmp/' + n, one);
         while (true) held.push(Buffer.alloc(1 << 20, 1))",
    ),
    (
        "threads",
        "const { Worker } = require('worker_threads');
         const grow = 'const held = []; while (true) held.push(Buffer.alloc(1 << 20, 1))';
         const ends = [0, 1].map(() => new Promise((end) => new Worker(grow, { eval: true }).on('error', end).on('exit', end)));
         const errors = await Promise.all(ends);
         throw errors[0]",
    ),
];

const PYTHON: &[(&str, &str)] = &[
    ("small objects", "held = []\nwhile True: held.append({'number': len(held)})"),
    ("one large bytearray", "return len(bytearray(b'x') * (1 << 30))"),
    ("many bytearrays", "held = []\nwhile True: held.append(bytearray(b'x') * (1 << 20))"),
    (
        "files in /tmp",
        "one = b'x' * (1 << 20)\nfor n in range(63): open(f'/tmp/{n}', 'wb').write(one)\nheld = []\nwhile True: held.append(bytearray(b'x') * (1 << 20))",
    ),
    (
        "threads",
        "import threading
held, all_started = [], threading.Barrier(4)
def grow():
    while True: held.append(bytearray(b'x') * (1 << 18))
def grow_together():
    all_started.wait()
    grow()
threads = [threading.Thread(target=grow_together) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
grow()",
    ),
];

/// Every bomb ends with that as its cause, and its neighbours, the executor and its zygotes never notice.
pub(super) fn a_bomb_dies_alone(guest: &Guest) -> Result<()> {
    let kills_before = kills_for_memory()?;
    let wrong = beside_neighbours(guest, || {
        std::thread::scope(|scope| {
            let bombers = [
                scope.spawn(|| bombs(guest, "javascript", JAVASCRIPT)),
                scope.spawn(|| bombs(guest, "python", PYTHON)),
            ];
            let mut wrong = Vec::new();
            for bomber in bombers {
                wrong.extend(bomber.join().map_err(|_| anyhow!("a bomber panicked"))??);
            }
            Ok(wrong)
        })
    })?;
    // Most bombs are refused memory and end; files in /tmp count in the cgroup alone.
    ensure!(kills_for_memory()? > kills_before, "the kernel has killed nothing: the cgroups do not limit memory");
    ensure!(wrong.is_empty(), "{} bombs ended otherwise:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

fn bombs(guest: &Guest, language: &'static str, bombs: &[(&str, &str)]) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for (name, source) in bombs {
        let block = Block { memory_mib: MEMORY_MIB, ..Block::new(language, source) };
        let ended = block.run(guest)?;
        println!("    {language}, {name}: {} after {:.1} s", ended.kind(), ended.wall_ms / 1000.0);
        if ended.kind() != "memory" {
            wrong.push(format!("{language}, {name}: {ended:?}"));
        }
    }
    Ok(wrong)
}
