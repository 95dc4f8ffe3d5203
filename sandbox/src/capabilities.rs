//! Every capability set emptied, for this process and all that come from it.
//!
//! Inside its user namespace PID 1 holds every capability, which is what let it mount and pivot. The
//! program must not get any of them back, not even by a file or by becoming uid 0 of a new namespace.

use crate::error::{AtStep, StepError};
use crate::sys::capability;

/// Uid 0 means nothing, uid changes give nothing, ambient capabilities cannot be raised; all locked.
const NOTHING_BY_IDENTITY: libc::c_ulong = 0b1110_1111;

/// Capabilities are numbered from 0; the first number that the kernel refuses is the end.
const CAPABILITY_NUMBERS: u32 = 64;

/// Drops everything. no_new_privs is set with it, as seccomp and landlock ask for it.
pub(crate) fn drop_all() -> Result<(), StepError> {
    const STEP: &str = "dropping capabilities";
    capability::set_secure_bits(NOTHING_BY_IDENTITY).at(STEP)?;
    for number in 0..CAPABILITY_NUMBERS {
        if !capability::drop_from_bounding_set(number).at_object(STEP, number)? {
            break;
        }
    }
    capability::clear_ambient().at(STEP)?;
    capability::clear_sets().at(STEP)?;
    nix::sys::prctl::set_no_new_privs().at("no_new_privs")
}
