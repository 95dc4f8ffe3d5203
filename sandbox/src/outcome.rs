//! How a run ended, decided by the supervisor from the kernel's facts and the policy's limits.

use serde::{Deserialize, Serialize};

/// The result of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Why it ended.
    pub ending: Ending,
    /// What it used, as far as the kernel told.
    pub usage: Usage,
}

/// Why a run ended. Everything but `Exited` and `Signalled` is a limit or an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The program returned this code.
    Exited(i32),
    /// The program died of this signal, for no reason below.
    Signalled(i32),
    /// It ran longer than `wall_time_ms`.
    WallTime,
    /// It used more CPU time than `cpu_time_s`.
    CpuTime,
    /// It was killed for using more memory than `memory_bytes`.
    Memory,
    /// It wrote more than `output_bytes`.
    Output,
    /// It made a file larger than `file_size_bytes` and did not handle the signal.
    FileSize,
    /// It made a system call that no honest program makes (see the kill rules of the seccomp policy).
    ForbiddenSystemCall,
    /// The caller ended it.
    Cancelled,
}

/// What a run used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time of all its processes, user and system, in microseconds.
    pub cpu_us: u64,
    /// Largest resident memory of any one of its processes, in bytes; of all together where the run
    /// had a cgroup.
    pub peak_memory_bytes: u64,
}

/// The raw end of the program as PID 1 saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProgramEnd {
    /// Exit code.
    Exited(i32),
    /// Signal number.
    Signalled(i32),
}

/// Facts beside the program's own end, gathered by the supervisor.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Facts {
    /// The kernel killed a process of the run's cgroup for lack of memory.
    pub(crate) out_of_memory: bool,
    /// CPU seconds granted.
    pub(crate) cpu_time_s: u64,
    /// CPU time used.
    pub(crate) cpu_us: u64,
}

/// Decides the ending of a run that nobody stopped.
pub(crate) fn decide(end: Option<ProgramEnd>, facts: Facts) -> Ending {
    // The limit is enforced in whole seconds, by SIGXCPU and one second later by SIGKILL.
    let cpu_spent = facts.cpu_us >= facts.cpu_time_s.saturating_mul(1_000_000);
    match end {
        _ if facts.out_of_memory => Ending::Memory,
        Some(ProgramEnd::Exited(code)) => Ending::Exited(code),
        Some(ProgramEnd::Signalled(libc::SIGSYS)) => Ending::ForbiddenSystemCall,
        Some(ProgramEnd::Signalled(libc::SIGXCPU)) => Ending::CpuTime,
        Some(ProgramEnd::Signalled(libc::SIGKILL)) if cpu_spent => Ending::CpuTime,
        Some(ProgramEnd::Signalled(libc::SIGXFSZ)) => Ending::FileSize,
        Some(ProgramEnd::Signalled(signal)) => Ending::Signalled(signal),
        // PID 1 itself was killed from outside before it could tell.
        None => Ending::Signalled(libc::SIGKILL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_is_cpu_time_only_if_the_time_was_spent() {
        let kill = Some(ProgramEnd::Signalled(libc::SIGKILL));
        let spent = Facts { cpu_time_s: 2, cpu_us: 2_900_000, ..Facts::default() };
        let idle = Facts { cpu_time_s: 2, cpu_us: 10_000, ..Facts::default() };

        assert_eq!(decide(kill, spent), Ending::CpuTime);
        assert_eq!(decide(kill, idle), Ending::Signalled(libc::SIGKILL));
    }

    #[test]
    fn memory_is_taken_from_the_cgroup_and_not_from_the_signal() {
        let facts = Facts { out_of_memory: true, cpu_time_s: 10, cpu_us: 0 };

        assert_eq!(decide(Some(ProgramEnd::Signalled(libc::SIGSEGV)), facts), Ending::Memory);
        assert_eq!(decide(None, facts), Ending::Memory);
    }
}
