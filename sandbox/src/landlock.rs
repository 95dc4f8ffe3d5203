//! Landlock: the file tree once more, as rights that hold even where a mount would not.
//!
//! Rules are derived from the policy's mounts. The first ABI is required; what later kernels added
//! (truncate, device ioctls, TCP, abstract sockets, signals) is denied where the kernel knows it.

use std::fs;
use std::io;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, Scope,
};

use crate::error::{AtStep, StepError};
use crate::policy::{Mount, Policy, Proc};

/// The name of the step, which the self-check looks for.
pub(crate) const STEP: &str = "applying landlock";

const REQUIRED: ABI = ABI::V1;
const NEWEST: ABI = ABI::V6;

/// Restricts this process to the policy's paths, inside the new root.
pub(crate) fn restrict(policy: &Policy) -> Result<(), StepError> {
    let mut rules = deny_everything().map_err(|_| unsupported()).at(STEP)?;
    for mount in &policy.mounts {
        rules = match mount {
            Mount::System { path } | Mount::ReadOnly { target: path, .. } => permit(rules, path, read_only())?,
            Mount::File { target, .. } => {
                let rules = permit(rules, target, read_only())?;
                // What lies beside it is of the policy too, and interpreters look for their modules by listing.
                permit(rules, target.parent().unwrap_or(target), AccessFs::ReadDir.into())?
            }
            Mount::Device { path } => permit(rules, path, AccessFs::ReadFile | AccessFs::WriteFile)?,
            Mount::Scratch { target, .. } | Mount::Writable { target, .. } => permit(rules, target, writable())?,
        };
    }
    if policy.proc == Proc::WherePermitted {
        rules = permit(rules, Path::new("/proc"), read_only())?;
    }
    for path in &policy.executable {
        rules = permit(rules, path, AccessFs::Execute.into())?;
    }
    rules.restrict_self().map_err(|_| unsupported()).at(STEP)?;
    Ok(())
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
    let found = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(rules),
        result => result.at_object(STEP, path.display())?,
    };
    let access = if found.is_dir() { access } else { access & AccessFs::from_file(NEWEST) };
    let descriptor = PathFd::new(path).map_err(|_| unsupported()).at_object(STEP, path.display())?;
    rules.add_rule(PathBeneath::new(descriptor, access)).map_err(|_| unsupported()).at_object(STEP, path.display())
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
