//! How a block ended, as the person who wrote it is told.
//!
//! What the child said counts first, within the limits; the way its process ended is the cause only
//! when it said nothing.

use bulkhead_model::run::{RunError, Usage};
use bulkhead_rpc::executor::CodeLimits;
use bulkhead_sandbox::Ending;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::frames::{FrameError, Thrown, depth};

const MIB: u64 = 1024 * 1024;
/// How much of standard error is looked at for a cause.
const TAIL_BYTES: usize = 4096;

/// The last word of a child.
pub(crate) enum Said {
    Value(Box<RawValue>),
    Thrown(Thrown),
    Nonsense(FrameError),
}

/// What the supervisor knows.
pub(crate) struct Facts<'a> {
    pub(crate) ending: Ending,
    pub(crate) stderr: &'a str,
    pub(crate) usage: Usage,
    /// Whether it was ended while a call of it was under way.
    pub(crate) is_calling: bool,
}

/// The value of the block, or why there is none.
pub(crate) fn decide(
    said: Option<Said>,
    facts: Facts<'_>,
    limits: &CodeLimits,
    result_depth: usize,
) -> Result<Value, RunError> {
    match said {
        Some(Said::Value(value)) => accept(&value, limits, result_depth),
        Some(Said::Thrown(thrown)) => Err(describe(thrown, limits)),
        Some(Said::Nonsense(error)) => Err(RunError::new(
            "protocol",
            format!("the code wrote to the executor's own descriptor ({error}): leave descriptor 3 alone"),
        )),
        None => Err(cause(&facts, limits)),
    }
}

fn accept(value: &RawValue, limits: &CodeLimits, result_depth: usize) -> Result<Value, RunError> {
    let (size, limit) = (value.get().len(), limits.result_bytes);
    if size > limit as usize {
        let message = format!("the result takes {size} bytes and may take {limit}: return less, or page through it");
        return Err(RunError::new("result-too-large", message));
    }
    let deepest = depth(value.get());
    if deepest > result_depth {
        let message = format!("the result nests {deepest} levels deep and may nest {result_depth}: flatten it");
        return Err(RunError::new("result-too-deep", message));
    }
    serde_json::from_str(value.get())
        .map_err(|error| RunError::new("result-not-json", format!("the result cannot be written as JSON: {error}")))
}

fn describe(thrown: Thrown, limits: &CodeLimits) -> RunError {
    let mut error = match thrown.kind.as_str() {
        "memory" => out_of_memory(limits),
        // Words of the runtimes; a child that makes up its own is told as an ordinary error.
        "syntax" | "query-failed" | "result-too-large" | "result-not-json" => {
            RunError::new(thrown.kind, thrown.message)
        }
        _ => RunError::new("thrown", thrown.message),
    };
    if matches!(error.kind.as_str(), "thrown" | "syntax") && !thrown.name.is_empty() && thrown.name != "Error" {
        error.message = format!("{}: {}", thrown.name, error.message);
    }
    error.line = thrown.line;
    error.column = thrown.column;
    error.stack = thrown.stack;
    error
}

fn cause(facts: &Facts<'_>, limits: &CodeLimits) -> RunError {
    match facts.ending {
        Ending::WallTime => RunError::new(
            "wall-time",
            format!(
                "the code ran longer than {} and was ended: make it faster, or raise its time limit{}",
                seconds(limits),
                if facts.is_calling { ONGOING } else { "" }
            ),
        ),
        Ending::CpuTime => RunError::new("cpu-time", "the code used more CPU time than it may and was ended"),
        Ending::Memory => out_of_memory(limits),
        Ending::Cancelled => RunError::new("cancelled", "the run was cancelled"),
        Ending::ForbiddenSystemCall => {
            RunError::new("forbidden-system-call", "the code made a system call that the sandbox forbids and was ended")
        }
        Ending::FileSize => RunError::new("file-size", "the code made a file larger than 64 MiB and was ended"),
        Ending::Output => RunError::new("output", "the code wrote more than it may and was ended"),
        Ending::Signalled(_) if ran_out_of_memory(facts, limits) => out_of_memory(limits),
        Ending::Signalled(signal) => {
            RunError::new("crashed", format!("the interpreter crashed (signal {signal}){}", said_last(facts)))
        }
        Ending::Exited(code) => RunError::new(
            "no-result",
            format!(
                "the code ended its process (exit code {code}) before it returned: use `return` and wait for what it \
                 started{}",
                said_last(facts)
            ),
        ),
    }
}

/// Without a cgroup the kernel names no cause; the interpreter's last words and its size do.
fn ran_out_of_memory(facts: &Facts<'_>, limits: &CodeLimits) -> bool {
    let words = ["heap out of memory", "Out of memory", "allocation failed", "MemoryError", "bad_alloc"];
    words.iter().any(|word| facts.stderr.contains(word)) || facts.usage.peak_memory_bytes > limits.memory_bytes / 10 * 9
}

fn out_of_memory(limits: &CodeLimits) -> RunError {
    let message = format!(
        "the code needed more than its {} MiB of memory: work on less at a time, or raise its memory limit",
        limits.memory_bytes / MIB
    );
    RunError::new("memory", message)
}

fn said_last(facts: &Facts<'_>) -> String {
    match facts.stderr.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(line) => format!("; its last words: {}", line.trim()),
        None => String::new(),
    }
}

/// What is said of a call whose answer the code has not lived to hear.
const ONGOING: &str = ". A call was under way: if it writes, that goes on, and the code has not heard what came of it";

fn seconds(limits: &CodeLimits) -> String {
    format!("{} s", f64::from(limits.wall_ms) / 1000.0)
}

/// How V8 begins the line that names what killed it.
pub(crate) const FATAL: &str = "FATAL ERROR:";
/// The same of the C++ library, which names the exception behind it.
pub(crate) const TERMINATED: &str = "terminate called after throwing";

/// Whether a line of standard error is the first of V8's dump of itself, or of the C++ library's.
pub(crate) fn begins_dump(line: &str) -> bool {
    [FATAL, "<--- Last few GCs --->", TERMINATED].iter().any(|word| line.starts_with(word))
}

/// The end of a text with one more line.
pub(crate) fn tail(text: &str, line: &str) -> String {
    let whole = format!("{text}{line}\n");
    let mut from = whole.len().saturating_sub(TAIL_BYTES);
    while !whole.is_char_boundary(from) {
        from += 1;
    }
    whole[from..].to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn facts(ending: Ending) -> Facts<'static> {
        Facts { ending, stderr: "", usage: Usage::default(), is_calling: false }
    }

    fn value(json: &str) -> Option<Said> {
        Some(Said::Value(RawValue::from_string(json.to_owned()).unwrap()))
    }

    #[test]
    fn an_exit_without_a_result_is_an_error() {
        let error = decide(None, facts(Ending::Exited(0)), &CodeLimits::default(), 64).unwrap_err();

        assert_eq!(error.kind, "no-result");
    }

    #[test]
    fn a_result_counts_even_if_the_process_was_ended_after_it() {
        let result = decide(value("[1]"), facts(Ending::Cancelled), &CodeLimits::default(), 64);

        assert_eq!(result.unwrap(), serde_json::json!([1]));
    }

    #[test]
    fn a_result_is_held_to_size_and_depth() {
        let limits = CodeLimits { result_bytes: 10, ..CodeLimits::default() };
        let large = decide(value("\"0123456789\""), facts(Ending::Exited(0)), &limits, 64).unwrap_err();
        let deep = decide(value("[[[0]]]"), facts(Ending::Exited(0)), &limits, 2).unwrap_err();

        assert_eq!((large.kind.as_str(), deep.kind.as_str()), ("result-too-large", "result-too-deep"));
    }

    #[test]
    fn a_child_cannot_make_up_a_kind() {
        let thrown = Thrown {
            kind: "wall-time".into(),
            name: "TypeError".into(),
            message: "no".into(),
            line: Some(2),
            column: None,
            stack: None,
        };

        let error =
            decide(Some(Said::Thrown(thrown)), facts(Ending::Exited(0)), &CodeLimits::default(), 64).unwrap_err();

        assert_eq!((error.kind.as_str(), error.message.as_str(), error.line), ("thrown", "TypeError: no", Some(2)));
    }
}
