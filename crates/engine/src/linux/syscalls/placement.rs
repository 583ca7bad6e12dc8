//! Where memory lies on machines with several nodes: calls about single
//! addresses. Those about ranges are in [`super::memory`].

use alloc::vec::Vec;

use super::Call;
use super::ranges::NOWHERE;
use super::remote::shares_memory;
use crate::host::own;
use crate::host::page::{PAGE, page_down};
use crate::host::sys::{Errno, number};

/// Whether an address is in the engine's pages.
fn is_own(address: u64) -> bool {
    let page = page_down(address);
    own::overlaps(&(page..page.saturating_add(PAGE)))
}

pub(in crate::linux) fn get_mempolicy(call: &mut Call<'_>) -> Result<u64, Errno> {
    const MPOL_F_ADDR: u64 = 2;
    let [_, _, _, address, flags, _] = call.arguments;
    if flags & MPOL_F_ADDR != 0 {
        let address = call.process.platform.untagged(address);
        call.arguments[3] = if is_own(address) { NOWHERE } else { address };
    }
    call.pass(number::GET_MEMPOLICY)
}

/// Which pages are meant is read anew by the kernel, unless one has a tag or is
/// the engine's; to move such a page would harm nobody.
pub(in crate::linux) fn move_pages(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [_, count, list, ..] = call.arguments;
    let process = call.int(0);
    let own_memory = process == 0 || shares_memory(process);
    let mut pages = Vec::new();
    let mut changes = false;
    for n in 0..count {
        let Ok([page]) = call.words(list.wrapping_add(n.wrapping_mul(8))) else {
            return call.pass(number::MOVE_PAGES);
        };
        let address = call.process.platform.untagged(page);
        let seen = if own_memory && is_own(address) {
            NOWHERE
        } else {
            address
        };
        changes |= seen != page;
        pages.push(seen);
    }
    if changes {
        call.arguments[2] = pages.as_ptr() as u64;
    }
    call.pass(number::MOVE_PAGES)
}
