//! `prctl`: options about features of a processor are answered as by a kernel whose processor
//! lacks the feature; options that would act on the engine instead of the guest are refused.

use super::ranges::NAME;
use super::{Call, seccomp};
use crate::host::sys::{Errno, number};

/// Options that are not passed on, the error, and why.
const REFUSED: [(i32, Errno, &str); 15] = [
    (25, Errno::EINVAL, "GET_TSC: x86-64's own"),
    (26, Errno::EINVAL, "SET_TSC: the engine reads the counter"),
    (50, Errno::EINVAL, "SVE_SET_VL: no SVE"),
    (51, Errno::EINVAL, "SVE_GET_VL: no SVE"),
    (
        54,
        Errno::EINVAL,
        "PAC_RESET_KEYS: no pointer authentication",
    ),
    (
        59,
        Errno::EINVAL,
        "SET_SYSCALL_USER_DISPATCH: the engine's own calls",
    ),
    (
        60,
        Errno::EINVAL,
        "PAC_SET_ENABLED_KEYS: no pointer authentication",
    ),
    (
        61,
        Errno::EINVAL,
        "PAC_GET_ENABLED_KEYS: no pointer authentication",
    ),
    (63, Errno::EINVAL, "SME_SET_VL: no SME"),
    (64, Errno::EINVAL, "SME_GET_VL: no SME"),
    (
        65,
        Errno::EINVAL,
        "SET_MDWE: a new process needs memory for its code",
    ),
    (66, Errno::EINVAL, "GET_MDWE: as SET_MDWE"),
    (
        74,
        Errno::EINVAL,
        "GET_SHADOW_STACK_STATUS: no guarded control stack",
    ),
    (
        75,
        Errno::EINVAL,
        "SET_SHADOW_STACK_STATUS: no guarded control stack",
    ),
    (
        76,
        Errno::EINVAL,
        "LOCK_SHADOW_STACK_STATUS: no guarded control stack",
    ),
];

/// `PR_SET_SECCOMP`.
const SET_SECCOMP: i32 = 22;
/// `PR_SET_VMA`.
const SET_VMA: i32 = 0x5356_4d41;
pub(in crate::linux) fn prctl(call: &mut Call<'_>) -> Result<u64, Errno> {
    let option = call.int(0);
    if option == SET_SECCOMP {
        return seccomp::set_mode(call);
    }
    if option == SET_VMA {
        return NAME.call(call);
    }
    match REFUSED.iter().find(|refused| refused.0 == option) {
        Some(&(_, error, _)) => Err(error),
        None => call.pass(number::PRCTL),
    }
}
