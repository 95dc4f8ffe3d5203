//! Landlock: the file tree once more, as rights that hold even where a mount would not.
//!
//! Rules are derived from the policy's mounts. The first ABI is required; what later kernels added
//! (truncate, device ioctls, TCP, abstract sockets, signals) is denied where the kernel knows it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, Scope,
};
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstat};

use crate::error::{AtStep, StepError};
use crate::policy::{Mount, Policy, Proc};

/// The name of the step, which the self-check looks for.
pub(crate) const STEP: &str = "applying landlock";

const REQUIRED: ABI = ABI::V1;
const NEWEST: ABI = ABI::V6;

/// Restricts this process to the policy's paths, inside the new root.
pub(crate) fn restrict(policy: &Policy) -> Result<(), StepError> {
    let mut rules = deny_everything().map_err(|_| unsupported()).at(STEP)?;
    for (path, access) in permitted(policy) {
        rules = permit(rules, path, access)?;
    }
    rules.restrict_self().map_err(|_| unsupported()).at(STEP)?;
    Ok(())
}

/// What is permitted on which path, each once: a rule costs a run several system calls.
fn permitted(policy: &Policy) -> BTreeMap<&Path, BitFlags<AccessFs>> {
    let mut permitted = BTreeMap::new();
    let mut permit = |path, access| *permitted.entry(path).or_insert_with(BitFlags::empty) |= access;
    for mount in &policy.mounts {
        match mount {
            Mount::System { path } | Mount::ReadOnly { target: path, .. } => permit(path.as_path(), read_only()),
            Mount::File { target, .. } => {
                permit(target, AccessFs::ReadFile.into());
                // What lies beside it is of the policy too, and interpreters look for their modules by listing.
                permit(target.parent().unwrap_or(target), AccessFs::ReadDir.into());
            }
            Mount::Device { path } => permit(path, AccessFs::ReadFile | AccessFs::WriteFile),
            Mount::Scratch { target, .. } | Mount::Writable { target, .. } => permit(target, writable()),
        }
    }
    if policy.proc == Proc::WherePermitted {
        permit(Path::new("/proc"), read_only());
    }
    for path in &policy.executable {
        permit(path, AccessFs::Execute.into());
    }
    permitted
}

fn deny_everything() -> Result<RulesetCreated, landlock::RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(REQUIRED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()
}

/// Permits on a path what makes sense there; a path that the root does not have is passed over.
fn permit(rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, StepError> {
    let opened = match open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()) {
        Err(nix::errno::Errno::ENOENT) => return Ok(rules),
        result => result.at_object(STEP, path.display())?,
    };
    let is_directory = SFlag::from_bits_truncate(fstat(&opened).at_object(STEP, path.display())?.st_mode)
        & SFlag::S_IFMT
        == SFlag::S_IFDIR;
    let access = if is_directory { access } else { access & AccessFs::from_file(NEWEST) };
    rules.add_rule(PathBeneath::new(opened, access)).map_err(|_| unsupported()).at_object(STEP, path.display())
}

fn read_only() -> BitFlags<AccessFs> {
    AccessFs::ReadFile | AccessFs::ReadDir
}

/// Everything but executing, devices and device ioctls.
fn writable() -> BitFlags<AccessFs> {
    let never = AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev;
    AccessFs::from_all(NEWEST) & !never
}

fn unsupported() -> io::Error {
    io::Error::from_raw_os_error(libc::EOPNOTSUPP)
}
