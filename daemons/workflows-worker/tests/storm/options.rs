//! How large a storm is, from the environment: `cargo xtask storm` sets it; without it a slice is run that fits among other tests.

#![allow(clippy::disallowed_methods, reason = "tests are told by the environment what to do")]

/// What can be chosen.
pub(crate) struct Options {
    /// `BULKHEAD_STORM_SEED`.
    pub(crate) seed: u64,
    /// `BULKHEAD_STORM_SECONDS`: how long faults strike.
    pub(crate) seconds: u64,
    /// `BULKHEAD_STORM_RUNS`: how many are started meanwhile.
    pub(crate) runs: usize,
}

impl Options {
    pub(crate) fn of_environment() -> Self {
        let number = |variable: &str, usual: u64| {
            let Ok(text) = std::env::var(variable) else { return usual };
            text.parse().unwrap_or_else(|_| panic!("{variable} is `{text}`, and must be a number"))
        };
        Self {
            seed: number("BULKHEAD_STORM_SEED", 1),
            seconds: number("BULKHEAD_STORM_SECONDS", 60),
            runs: usize::try_from(number("BULKHEAD_STORM_RUNS", 120)).expect("a number of runs"),
        }
    }
}
