//! `prctl`: options about features of a processor are answered as by a kernel whose processor
//! lacks the feature ([`crate::linux::abi::platform::Platform::absent_features`]); options that would act on the engine instead of the guest are refused.

use super::ranges::NAME;
use super::{Call, seccomp};
use crate::host::sys::{Errno, number};

/// Options that are not passed on, whoever the guest is, and why.
const REFUSED: [(i32, &str); 5] = [
    (25, "GET_TSC: x86-64's own"),
    (26, "SET_TSC: the engine reads the counter"),
    (59, "SET_SYSCALL_USER_DISPATCH: the engine's own calls"),
    (65, "SET_MDWE: a new process needs memory for its code"),
    (66, "GET_MDWE: as SET_MDWE"),
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
    let absent = call.process.platform.absent_features;
    let mut refused = REFUSED.iter().chain(absent);
    if refused.any(|&(number, _)| number == option) {
        return Err(Errno::EINVAL);
    }
    call.pass(number::PRCTL)
}
