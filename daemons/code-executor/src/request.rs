//! What a request must be before anything of it runs.

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_model::workflow::MAX_FUNCTIONS;
use bulkhead_rpc::Problem;
use bulkhead_rpc::executor::{BlockSpec, FunctionSpec, RunRequest, Work};

const MIB: u64 = 1024 * 1024;
const SOURCE_BYTES_MAX: usize = 1024 * 1024;
const BLOCKS_MAX: usize = 100;
const EXPRESSIONS_MAX: usize = 1000;
const WALL_MS_MAX: u32 = 300_000;
/// Less than this does not start an interpreter reliably.
const MEMORY_BYTES_MIN: u64 = 32 * MIB;
const RESULT_BYTES_MAX: u32 = 64 * 1024 * 1024;
const LOG_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// Checks a request; the problem names what to change.
pub(crate) fn check(request: &RunRequest, memory_max_bytes: u64) -> Result<(), Box<Problem>> {
    if request.blocks.is_empty() || request.blocks.len() > BLOCKS_MAX {
        return Err(invalid(format!("a run has 1 to {BLOCKS_MAX} blocks, not {}", request.blocks.len())));
    }
    let mut seen = BTreeSet::new();
    for block in &request.blocks {
        if !is_identifier(&block.id) {
            return Err(invalid(format!(
                "block {:?}: a block's name is a letter, then letters, digits and _",
                block.id
            )));
        }
        if !seen.insert(&block.id) {
            return Err(invalid(format!("block '{}' is there twice: give each its own name", block.id)));
        }
        check_work(block)?;
        check_limits(block, memory_max_bytes)?;
    }
    Ok(())
}

fn check_work(block: &BlockSpec) -> Result<(), Box<Problem>> {
    let size = match &block.work {
        Work::Code { source, functions, .. } => {
            check_functions(block, functions)?;
            source.len() + functions.values().map(|function| function.source().len()).sum::<usize>()
        }
        Work::Expressions { expressions } if expressions.len() > EXPRESSIONS_MAX => {
            return Err(invalid(format!("block '{}' has more than {EXPRESSIONS_MAX} expressions", block.id)));
        }
        Work::Expressions { expressions } => expressions.values().map(String::len).sum(),
    };
    if size > SOURCE_BYTES_MAX {
        let detail = format!("the source of block '{}' takes {size} bytes and may take {SOURCE_BYTES_MAX}", block.id);
        return Err(Box::new(Problem::new(422, "source-too-large", detail)));
    }
    Ok(())
}

fn check_functions(block: &BlockSpec, functions: &BTreeMap<String, FunctionSpec>) -> Result<(), Box<Problem>> {
    if functions.len() > MAX_FUNCTIONS {
        return Err(invalid(format!("block '{}' has more than {MAX_FUNCTIONS} functions", block.id)));
    }
    for (name, function) in functions {
        let names = std::iter::once(name).chain(function.parameters());
        if let Some(name) = names.into_iter().find(|name| !is_identifier(name)) {
            return Err(invalid(format!("block '{}': {name:?} is no name of a function or parameter", block.id)));
        }
    }
    Ok(())
}

fn check_limits(block: &BlockSpec, memory_max_bytes: u64) -> Result<(), Box<Problem>> {
    let limits = &block.limits;
    let out_of_range = |name: &str, value: u64, min: u64, max: u64| {
        if (min..=max).contains(&value) {
            return Ok(());
        }
        let detail = format!("{name} of block '{}' is {value}; it may be {min} to {max}", block.id);
        Err(Box::new(Problem::new(422, "limit-out-of-range", detail)))
    };
    out_of_range("wall_ms", limits.wall_ms.into(), 1, WALL_MS_MAX.into())?;
    out_of_range("memory_bytes", limits.memory_bytes, MEMORY_BYTES_MIN, memory_max_bytes)?;
    out_of_range("result_bytes", limits.result_bytes.into(), 1, RESULT_BYTES_MAX.into())?;
    out_of_range("log_bytes", limits.log_bytes.into(), 0, LOG_BYTES_MAX.into())
}

fn is_identifier(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && text.len() <= 128
}

fn invalid(detail: String) -> Box<Problem> {
    Box::new(Problem::new(422, "invalid-run", detail))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bulkhead_rpc::executor::CodeLimits;

    use super::*;

    const MEMORY_BYTES_MAX: u64 = 1 << 30;

    fn request(json: serde_json::Value) -> RunRequest {
        serde_json::from_value(json).unwrap()
    }

    fn code_of(json: serde_json::Value) -> Option<String> {
        check(&request(json), MEMORY_BYTES_MAX).err().map(|problem| problem.code)
    }

    proptest::proptest! {
        #[test]
        fn limits_are_within_their_ranges_or_refused(
            wall_ms in 0..=2 * WALL_MS_MAX,
            memory_bytes in 0..=2 * MEMORY_BYTES_MAX,
            result_bytes in 0..=2 * RESULT_BYTES_MAX,
            log_bytes in 0..=2 * LOG_BYTES_MAX,
        ) {
            let limits = CodeLimits { wall_ms, memory_bytes, result_bytes, log_bytes };
            let work = Work::Expressions { expressions: Default::default() };
            let request = RunRequest {
                blocks: vec![BlockSpec::new("a", work, limits)],
                ..RunRequest::default()
            };

            let within = (1..=WALL_MS_MAX).contains(&wall_ms)
                && (MEMORY_BYTES_MIN..=MEMORY_BYTES_MAX).contains(&memory_bytes)
                && (1..=RESULT_BYTES_MAX).contains(&result_bytes)
                && log_bytes <= LOG_BYTES_MAX;
            proptest::prop_assert_eq!(check(&request, MEMORY_BYTES_MAX).is_ok(), within);
        }
    }

    #[test]
    fn what_cannot_run_is_refused_by_name() {
        let work = serde_json::json!({"kind": "code", "language": "python", "source": "pass"});
        let block = |id: &str| serde_json::json!({"id": id, "work": work});

        let with = |functions: serde_json::Value| {
            let work =
                serde_json::json!({"kind": "code", "language": "python", "source": "pass", "functions": functions});
            code_of(serde_json::json!({"blocks": [{"id": "a", "work": work}]}))
        };
        assert_eq!(with(serde_json::json!({"f": {"kind": "query", "parameters": ["id"]}})), None);
        for wrong in [
            serde_json::json!({"f": {"kind": "query", "parameters": ["a, b"]}}),
            serde_json::json!({"a-b": {"kind": "query", "parameters": []}}),
        ] {
            assert_eq!(with(wrong).unwrap(), "invalid-run");
        }
        let half = "#".repeat(SOURCE_BYTES_MAX / 2 + 1);
        let large = serde_json::json!({"f": {"kind": "code", "parameters": [], "source": half}, "g": {"kind": "code", "parameters": [], "source": half}});
        assert_eq!(with(large).unwrap(), "source-too-large");
        assert_eq!(code_of(serde_json::json!({"blocks": [block("a")]})), None);
        assert_eq!(code_of(serde_json::json!({"blocks": []})).unwrap(), "invalid-run");
        assert_eq!(code_of(serde_json::json!({"blocks": [block("a"), block("a")]})).unwrap(), "invalid-run");
        assert_eq!(code_of(serde_json::json!({"blocks": [block("../a")]})).unwrap(), "invalid-run");
        let long = serde_json::json!({"blocks": [{"id": "a", "work": work, "limits": {"wall_ms": 300_001}}]});
        assert_eq!(code_of(long).unwrap(), "limit-out-of-range");
    }
}
