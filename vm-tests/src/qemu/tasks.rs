//! More threads than a block may have.

use anyhow::{Context, Result, ensure};

use super::neighbours::beside_neighbours;
use crate::block::Block;
use crate::guest::Guest;

/// A block may have 48 tasks beside the two that the sandbox has.
const MOST_TASKS: u64 = 50;

const PYTHON: &str = "import threading, time
started = 0
while started < 1000:
    try:
        threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
        started += 1
    except RuntimeError as error:
        return [started, str(error)]
return [started, '']";

/// Code that minds the refusal hears of it; code that does not ends with it as its error; neighbours can start threads meanwhile.
pub(super) fn a_thread_bomb_stops_at_its_limit(guest: &Guest) -> Result<()> {
    let (minded, unminded) = beside_neighbours(guest, || {
        let minded = Block::new("python", PYTHON).run(guest)?;
        let careless =
            "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(5,), daemon=True).start()";
        Ok((minded, Block::new("python", careless).run(guest)?))
    })?;

    let started = minded.value[0].as_u64().with_context(|| format!("the bomb ended so: {minded:?}"))?;
    ensure!((10..MOST_TASKS).contains(&started), "it could start {started} threads: {minded:?}");
    let told = |text: &str| text.contains("can't start new thread");
    ensure!(minded.value[1].as_str().is_some_and(told), "the refusal was {}", minded.value[1]);
    let (kind, message) = unminded.error.as_ref().context("a bomb without an end ended well")?;
    ensure!(kind == "thrown" && told(message), "the error was {kind}: {message}");
    Ok(())
}
