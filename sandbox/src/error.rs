//! Why a sandbox could not be set up. No variant means "ran with less".

use std::io;

/// A sandbox that did not come to be. The program was never started.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Inner ids never map to host id 0.
    #[error(
        "the sandbox does not run as root: start it as an unprivileged user, or name one to switch to \
         (bulkheadctl does so with the user 'nobody')"
    )]
    Root,
    /// The policy as JSON is larger than one message to the stage.
    #[error("the sandbox policy takes {size} bytes and may take {limit}: put less text into files of the policy")]
    PolicyTooLarge {
        /// Bytes of the policy.
        size: usize,
        /// Largest size.
        limit: usize,
    },
    /// The stage process did not start or could not be spoken to.
    #[error("cannot start the sandbox's stage: {operation} failed")]
    Stage {
        /// What failed.
        operation: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The stage or PID 1 could not apply a part of the policy.
    #[error("cannot set up the sandbox: {step} failed{}", on_object(.object))]
    Setup {
        /// The mechanism, for example `landlock`.
        step: String,
        /// What it was applied to, or empty.
        object: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The run's cgroup could not be made.
    #[error("cannot limit the run's cgroup: {operation} failed")]
    Cgroup {
        /// What failed.
        operation: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn on_object(object: &str) -> String {
    if object.is_empty() { String::new() } else { format!(" on {object}") }
}

/// A failed step inside the stage or PID 1, on its way to the caller as [`SandboxError::Setup`].
#[derive(Debug)]
pub(crate) struct StepError {
    pub(crate) step: &'static str,
    pub(crate) object: String,
    pub(crate) errno: i32,
}

/// Names the step and its object on an error of the system.
pub(crate) trait AtStep<T> {
    /// The step failed as such.
    fn at(self, step: &'static str) -> Result<T, StepError>;
    /// The step failed on this object.
    fn at_object(self, step: &'static str, object: impl ToString) -> Result<T, StepError>;
}

impl<T, E: Into<io::Error>> AtStep<T> for Result<T, E> {
    fn at(self, step: &'static str) -> Result<T, StepError> {
        self.at_object(step, "")
    }

    fn at_object(self, step: &'static str, object: impl ToString) -> Result<T, StepError> {
        self.map_err(|error| StepError {
            step,
            object: object.to_string(),
            errno: error.into().raw_os_error().unwrap_or(libc::EINVAL),
        })
    }
}
