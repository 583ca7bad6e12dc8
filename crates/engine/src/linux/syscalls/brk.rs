//! `brk`: the heap's end, which moves by pages of fresh memory. Where something is in the way,
//! the result is the old end.
//!
//! The kernel's checks, in its order: the heap's start, the limit of data
//! (`RLIMIT_DATA`), what is in the way, with a page between; then those of any
//! mapping, which the host's `mmap` makes: of address space, of data in whole
//! pages, of what may be locked, of what may be committed.

use core::ops::Range;

use super::Call;
use crate::host::own;
use crate::host::page::{END, PAGE, page_up};
use crate::host::sys::{self, Errno, PROT_EXEC, PROT_READ, PROT_WRITE};
use crate::linux::process::Heap;
use crate::memory::address_space::Mapping;

pub(in crate::linux) fn brk(call: &mut Call<'_>) -> Result<u64, Errno> {
    let wanted = call.arguments[0];
    let process = call.process;
    let implies = call.thread.attention().reads_imply_exec();
    let exec = if implies { PROT_EXEC } else { 0 };
    let mapping = Mapping::own(PROT_READ | PROT_WRITE | exec);
    Ok(process.heap.with(|heap| {
        let moved = move_end(heap, wanted).unwrap_or_default();
        process.space.map(moved.come, mapping);
        // They may have been made executable.
        process.space.unmap(moved.gone);
        heap.end
    }))
}

/// The pages that came and went.
#[derive(Default)]
struct Moved {
    come: Range<u64>,
    gone: Range<u64>,
}

fn move_end(heap: &mut Heap, wanted: u64) -> Option<Moved> {
    let size = wanted.checked_sub(heap.start)?;
    if wanted == heap.end {
        return None;
    }
    if size.saturating_add(heap.data) > sys::data_limit() {
        return None;
    }
    let new = page_up(wanted).filter(|&new| new <= END - PAGE)?;
    let old = page_up(heap.end)?;
    let mut moved = Moved::default();
    if new > old {
        if own::is_mapped(new) {
            return None;
        }
        let flags = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_FIXED_NOREPLACE;
        // SAFETY: NOREPLACE takes only free addresses.
        unsafe { sys::mmap(old, new - old, PROT_READ | PROT_WRITE, flags, None) }.ok()?;
        moved.come = old..new;
    } else if new < old {
        // SAFETY: the guest gives its heap's pages back.
        unsafe { sys::munmap(new, old - new) }.ok()?;
        moved.gone = new..old;
    }
    heap.end = wanted;
    Some(moved)
}
