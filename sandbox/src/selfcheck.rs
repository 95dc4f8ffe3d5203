//! What of the sandbox this machine can give, and which setting gives the rest.
//!
//! The check runs the real thing: a program in a sandbox with every mechanism. Where that fails, the
//! step that failed tells which mechanism is missing, and the machine's settings tell why.

use std::fs;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use crate::cgroup::CgroupMissing;
use crate::error::SandboxError;
use crate::launcher::{Descriptors, Launcher};
use crate::outcome::Ending;
use crate::policy::{Identity, Policy, Program};
use crate::{landlock, namespaces, seccomp, sys};

/// A part of the isolation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// Unprivileged user namespaces, and the others with them.
    Namespaces,
    /// seccomp filters that can kill a process.
    Seccomp,
    /// Landlock.
    Landlock,
    /// Mounts, capabilities, limits: the whole of it.
    Whole,
    /// cgroup v2 limits for each run. The only one that a caller may go without, and only loudly.
    CgroupLimits,
}

/// One missing mechanism.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub mechanism: Mechanism,
    /// What is missing and which setting gives it.
    pub message: String,
}

/// The result of the check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The kernel's landlock ABI, 0 without landlock.
    pub landlock_abi: u32,
    /// What is missing; empty is good.
    pub findings: Vec<Finding>,
}

impl Report {
    /// What forbids running code: everything but missing cgroup limits.
    pub fn fatal(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.mechanism != Mechanism::CgroupLimits)
    }
}

/// Checks the machine. `cgroups` is the result of [`crate::cgroup::Delegation::enter`], asked by the
/// caller because it moves the calling process.
pub fn selfcheck(launcher: &Launcher, identity: Identity, cgroups: Result<(), &CgroupMissing>) -> Report {
    let landlock_abi = sys::landlock_version::abi().unwrap_or(0);
    let mut findings = Vec::new();
    if !sys::seccomp::can_kill_process() {
        findings.push(missing(Mechanism::Seccomp, SECCOMP_FIX));
    }
    if landlock_abi == 0 {
        findings.push(missing(Mechanism::Landlock, LANDLOCK_FIX));
    }
    if findings.is_empty() {
        findings.extend(try_run(launcher, identity).err());
    }
    if let Err(error) = cgroups {
        findings.push(missing(Mechanism::CgroupLimits, error.to_string()));
    }
    Report { landlock_abi, findings }
}

const SECCOMP_FIX: &str = "the kernel lacks seccomp filters: use one with CONFIG_SECCOMP_FILTER=y, as every \
     distribution's has, and permit seccomp in the unit's SystemCallFilter=";
const LANDLOCK_FIX: &str = "the kernel lacks landlock: add 'landlock' to lsm= on the kernel's command line (Linux \
     5.13 or newer), and permit @sandbox in the unit's SystemCallFilter=; under systemd-nspawn pass \
     --system-call-filter=\"landlock_create_ruleset landlock_add_rule landlock_restrict_self\"";

fn try_run(launcher: &Launcher, identity: Identity) -> Result<(), Finding> {
    let null = || open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty());
    let (Ok(stdin), Ok(stdout), Ok(stderr)) = (null(), null(), null()) else {
        return Err(missing(Mechanism::Whole, "/dev/null cannot be opened"));
    };
    let program = Program { path: "/usr/bin/true".into(), arguments: Vec::new() };
    let descriptors = Descriptors { stdin, stdout, stderr, channel: None };
    let outcome = launcher.start(Policy::minimal(identity), program, descriptors).and_then(|sandbox| sandbox.finish());
    match outcome {
        Ok(outcome) if outcome.ending == Ending::Exited(0) => Ok(()),
        Ok(outcome) => {
            Err(missing(Mechanism::Whole, format!("a trial run of /usr/bin/true ended as {:?}", outcome.ending)))
        }
        Err(SandboxError::Setup { step, .. }) if step == namespaces::STEP => {
            Err(missing(Mechanism::Namespaces, namespaces_fix()))
        }
        Err(SandboxError::Setup { step, .. }) if step == landlock::STEP => {
            Err(missing(Mechanism::Landlock, LANDLOCK_FIX))
        }
        Err(SandboxError::Setup { step, .. }) if step == seccomp::STEP => Err(missing(Mechanism::Seccomp, SECCOMP_FIX)),
        Err(error) => Err(missing(Mechanism::Whole, with_cause(&error))),
    }
}

/// Which of the known switches forbids user namespaces.
fn namespaces_fix() -> String {
    let sysctl = |name: &str| fs::read_to_string(format!("/proc/sys/{name}")).map(|text| text.trim().to_owned());
    if sysctl("user/max_user_namespaces").is_ok_and(|value| value == "0") {
        "user namespaces are off: sysctl user.max_user_namespaces=10000".to_owned()
    } else if sysctl("kernel/unprivileged_userns_clone").is_ok_and(|value| value == "0") {
        "unprivileged user namespaces are off: sysctl kernel.unprivileged_userns_clone=1".to_owned()
    } else if sysctl("kernel/apparmor_restrict_unprivileged_userns").is_ok_and(|value| value == "1") {
        "AppArmor restricts user namespaces: load the AppArmor profile of the package, which permits 'userns,', \
         or sysctl kernel.apparmor_restrict_unprivileged_userns=0"
            .to_owned()
    } else {
        "creating namespaces is refused: permit it in the unit (RestrictNamespaces=no, SystemCallFilter=@mount unshare), \
         and check sysctl user.max_user_namespaces"
            .to_owned()
    }
}

fn with_cause(error: &SandboxError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn missing(mechanism: Mechanism, message: impl Into<String>) -> Finding {
    Finding { mechanism, message: message.into() }
}
