//! The escape table, the same that the sandbox's own tests run, against the kernel of the distribution and the packaged binaries.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, anyhow, ensure};

use crate::attacks::Expect::{self, Errno, Killed, Prints};
use crate::attacks::{TABLE, program};
use crate::block::Block;
use crate::guest::Guest;

/// What `bulkheadctl sandbox run` ends with when the program made a forbidden call.
const FORBIDDEN_CALL: i32 = 123;
/// Attacks at once: a little more than a small machine has processors.
const AT_ONCE: usize = 3;
/// What differs from the table in a block: it holds its channel too, may execute nothing, and the unit's own filter, which comes
/// first, kills for a call of another architecture.
const IN_A_BLOCK: &[(&str, Expect)] = &[
    ("find an inherited descriptor", Prints("[0, 1, 2, 3]")),
    ("execute from the scratch directory", Errno("EPERM")),
    ("the x32 variant of getpid", Killed),
];

/// What an attack printed, whether it was killed for it, whether it ended well, and all of it for a person.
struct Outcome {
    printed: String,
    killed: bool,
    well: bool,
    shown: String,
}

/// Each attack as a program under `bulkheadctl sandbox run`.
pub(crate) fn from_a_program(guest: &Guest) -> Result<()> {
    every_attack(&[], |code| {
        let words = ["bulkheadctl", "sandbox", "run", "--time", "60", "--", "/usr/bin/python3", "-I", "-S", "-c", code];
        let output = guest.output(&words, b"")?;
        let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(Outcome {
            shown: format!("{}, printed {printed:?}: {}", output.status, String::from_utf8_lossy(&output.stderr)),
            killed: output.status.code() == Some(FORBIDDEN_CALL),
            well: output.status.success(),
            printed,
        })
    })
}

/// Each attack as a block, in a fork of a zygote.
pub(crate) fn from_a_block(guest: &Guest) -> Result<()> {
    every_attack(IN_A_BLOCK, |code| {
        let ended = Block::new("python", code).run(guest)?;
        Ok(Outcome {
            printed: ended.logged.join("\n").trim().to_owned(),
            killed: ended.kind() == "forbidden-system-call",
            well: ended.error.is_none(),
            shown: format!("{ended:?}"),
        })
    })
}

fn every_attack(instead: &[(&str, Expect)], attack: impl Fn(&str) -> Result<Outcome> + Sync) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let facts = format!("HOST_PORT = {}", listener.local_addr()?.port());
    let next = AtomicUsize::new(0);
    let some_attacks = || -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        while let Some((name, code, expect)) = TABLE.get(next.fetch_add(1, Ordering::Relaxed)) {
            let expect = instead.iter().find(|(row, _)| row == name).map_or(expect, |(_, expect)| expect);
            let outcome = attack(&program(&facts, code))?;
            let held = match expect {
                Errno(names) => names.split('|').any(|name| outcome.printed == format!("errno {name}")),
                Killed => outcome.killed,
                Prints(text) => outcome.well && outcome.printed == *text,
            };
            if !held {
                wrong.push(format!("{name}: {}", outcome.shown));
            }
        }
        Ok(wrong)
    };
    let wrong = std::thread::scope(|scope| {
        let attackers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(some_attacks)).collect();
        let mut wrong = Vec::new();
        for attacker in attackers {
            wrong.extend(attacker.join().map_err(|_| anyhow!("an attacker panicked"))??);
        }
        anyhow::Ok(wrong)
    })?;
    ensure!(wrong.is_empty(), "{} attacks of {}:\n{}", wrong.len(), TABLE.len(), wrong.join("\n"));
    Ok(())
}
