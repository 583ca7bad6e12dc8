//! `prctl`: whether a thread's addresses may have tags.

use crate::host::sys::Errno;
use crate::linux::syscalls::{Call, prctl as common};

/// `PR_SET_TAGGED_ADDR_CTRL`.
const SET_TAGGED_ADDR_CTRL: i32 = 55;
/// `PR_GET_TAGGED_ADDR_CTRL`.
const GET_TAGGED_ADDR_CTRL: i32 = 56;

pub(super) fn prctl(call: &mut Call<'_>) -> Result<u64, Errno> {
    let option = call.int(0);
    if option == SET_TAGGED_ADDR_CTRL {
        return match call.arguments[1..5] {
            // PR_TAGGED_ADDR_ENABLE, without memory tagging (MTE).
            [enable @ 0..=1, 0, 0, 0] => {
                call.thread.takes_tags = enable == 1;
                Ok(0)
            }
            _ => Err(Errno::EINVAL),
        };
    }
    if option == GET_TAGGED_ADDR_CTRL {
        return match call.arguments[1..5] {
            [0, 0, 0, 0] => Ok(u64::from(call.thread.takes_tags)),
            _ => Err(Errno::EINVAL),
        };
    }
    common::prctl(call)
}
