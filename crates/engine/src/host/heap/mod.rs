//! The engine's own heap: size classes over pages of the kernel.
//!
//! Blocks up to 64 KiB are powers of two, each aligned to its size or to a
//! page, kept in one free list a class and cut from chunks that are never
//! given back. Larger ones are mappings of their own. One spin lock guards
//! it all: the engine allocates when it translates, not when it runs. When the
//! kernel has no more to give, pages come from a reserve.

mod reserve;

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering};

use super::lock::{SpinLock, Unlock};
use super::{own, sys};

const PAGE: usize = 4096;
/// What is asked of the kernel for small blocks first: every process needs nearly as
/// much, and pages all at once cost less than one by one.
const FIRST: usize = 96 * 1024;
/// What is asked for next; then twice as much each time, up to the most. So not much more
/// than half as much again is there as is used.
const SECOND: usize = LARGEST;
const MOST: usize = 256 * 1024;
const SMALLEST: usize = 16;
const LARGEST: usize = 64 * 1024;
/// 16, 32, ... 65536.
const CLASSES: usize = 13;

/// A block in a free list: its first bytes are the link.
struct Free {
    next: Option<NonNull<Free>>,
}

struct Classes {
    free: [Option<NonNull<Free>>; CLASSES],
    /// The unused rest of the newest chunk.
    chunk: usize,
    end: usize,
    /// How large the next chunk is.
    next: usize,
}

// SAFETY: the blocks in the lists belong to the process, not to a thread.
unsafe impl Send for Classes {}

/// The heap, for `#[global_allocator]`.
#[derive(Debug)]
pub struct Heap(SpinLock<Classes>);

impl Default for Heap {
    fn default() -> Self {
        Self::new()
    }
}

/// The one that is the process's.
static GLOBAL: AtomicPtr<Heap> = AtomicPtr::new(ptr::null_mut());

/// Says that a heap is the process's, and makes its reserve.
pub fn set_global(heap: &'static Heap) {
    GLOBAL.store(ptr::from_ref(heap).cast_mut(), Ordering::Release);
    reserve::make();
}

/// Memory is nearly used up: who can do with less should.
#[must_use]
pub fn is_low() -> bool {
    reserve::is_low()
}

/// Keeps others out of the process's heap until what is returned is dropped;
/// nothing may be allocated or released meanwhile.
#[must_use]
pub fn hold() -> Option<[Unlock<'static>; 2]> {
    // SAFETY: it is null or a static.
    let heap = unsafe { GLOBAL.load(Ordering::Acquire).as_ref() }?;
    // In the order in which they are taken.
    Some([heap.0.hold(), reserve::hold()])
}

/// The class of a layout and the size of its blocks, or none when it is large.
fn class_of(layout: Layout) -> Option<(usize, usize)> {
    let size = layout.size().max(layout.align()).max(SMALLEST);
    if size > LARGEST || layout.align() > PAGE {
        return None;
    }
    let size = size.next_power_of_two();
    let class = (size.trailing_zeros() - SMALLEST.trailing_zeros()) as usize;
    Some((class, size))
}

fn pages(size: usize) -> Option<usize> {
    Some(size.checked_add(PAGE - 1)? & !(PAGE - 1))
}

fn map(size: usize, flags: u32) -> Option<usize> {
    let address = own::map(
        size as u64,
        sys::PROT_READ | sys::PROT_WRITE,
        sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | flags,
    );
    match address {
        Ok(address) => usize::try_from(address).ok(),
        Err(_) => reserve::take(size),
    }
}

fn unmap(address: usize, size: usize) {
    if size > 0 && !reserve::give_back(address, size) {
        // SAFETY: the callers give back what they mapped and nobody holds.
        let _ = unsafe { own::unmap(address as u64, size as u64) };
    }
}

/// A mapping of its own; with more than a page of alignment the surplus on
/// both sides is given back.
fn allocate_large(layout: Layout) -> Option<*mut u8> {
    let size = pages(layout.size())?;
    if layout.align() <= PAGE {
        return Some(map(size, 0)? as *mut u8);
    }
    let whole = size.checked_add(layout.align())?;
    let base = map(whole, 0)?;
    let start = base.next_multiple_of(layout.align());
    unmap(base, start - base);
    unmap(start + size, base + whole - (start + size));
    Some(start as *mut u8)
}

impl Heap {
    /// An empty heap: nothing is asked of the kernel before the first use.
    #[must_use]
    pub const fn new() -> Self {
        Self(SpinLock::new(Classes {
            free: [None; CLASSES],
            chunk: 0,
            end: 0,
            next: FIRST,
        }))
    }
}

impl Classes {
    fn allocate(&mut self, class: usize, size: usize) -> Option<*mut u8> {
        if let Some(block) = self.free[class] {
            // SAFETY: a block in the list is ours and holds a link.
            self.free[class] = unsafe { block.as_ref() }.next;
            return Some(block.as_ptr().cast());
        }
        let start = self.chunk.next_multiple_of(size.min(PAGE));
        let start = if start.checked_add(size)? <= self.end {
            start
        } else {
            let size = self.next;
            self.next = match size {
                FIRST => SECOND,
                _ => (2 * size).min(MOST),
            };
            let chunk = map(size, sys::MAP_POPULATE)?;
            self.end = chunk + size;
            chunk
        };
        self.chunk = start + size;
        Some(start as *mut u8)
    }

    fn release(&mut self, class: usize, block: *mut u8) {
        if let Some(block) = NonNull::new(block.cast::<Free>()) {
            // SAFETY: the block is no longer used, aligned to 16 and no
            // smaller.
            unsafe {
                block.write(Free {
                    next: self.free[class],
                })
            };
            self.free[class] = Some(block);
        }
    }
}

// SAFETY: blocks are disjoint, as large and as aligned as asked for, and stay
// where they are until released.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match class_of(layout) {
            Some((class, size)) => self.0.with(|classes| classes.allocate(class, size)),
            None => allocate_large(layout),
        }
        .unwrap_or(ptr::null_mut())
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match class_of(layout) {
            Some((class, _)) => self.0.with(|classes| classes.release(class, block)),
            None => unmap(block as usize, pages(layout.size()).unwrap_or(0)),
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's layout is passed on.
        let block = unsafe { self.alloc(layout) };
        // Mappings of their own are zero already.
        if !block.is_null() && class_of(layout).is_some() {
            // SAFETY: the block is at least that large.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(new) = Layout::from_size_align(size, layout.align()) else {
            return ptr::null_mut();
        };
        match (class_of(layout), class_of(new)) {
            (Some(old), Some(new)) if old == new => return block,
            (None, None) if layout.align() <= PAGE && !reserve::has(block as usize) => {
                let (Some(from), Some(to)) = (pages(layout.size()), pages(size)) else {
                    return ptr::null_mut();
                };
                // SAFETY: the mapping is ours, and whoever calls uses the new
                // place from now on.
                if let Ok(address) = unsafe { own::remap(block as u64, from as u64, to as u64) } {
                    return address as *mut u8;
                }
            }
            _ => {}
        }
        // SAFETY: the layout is valid, as checked above.
        let to = unsafe { self.alloc(new) };
        if !to.is_null() {
            // SAFETY: both blocks hold the smaller of the sizes and are
            // disjoint; the old one is no longer used after.
            unsafe {
                ptr::copy_nonoverlapping(block, to, layout.size().min(size));
                self.dealloc(block, layout);
            }
        }
        to
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "any byte will do")]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use core::ops::Range;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn blocks_are_disjoint_and_aligned() {
        let heap = Heap::new();
        let mut blocks = Vec::new();
        for round in 0..200_usize {
            for align in [1, 8, 64, 4096, 65536] {
                let layout = layout(1 + round * 37 % 90_000, align);
                // SAFETY: the size is not zero.
                let block = unsafe { heap.alloc(layout) };
                assert!(!block.is_null());
                assert_eq!(block as usize % align, 0);
                // SAFETY: the block is that large.
                unsafe { block.write_bytes(round as u8, layout.size()) };
                blocks.push((block, layout, round as u8));
            }
        }
        for &(block, layout, value) in &blocks {
            // SAFETY: nothing was released yet.
            let bytes = unsafe { core::slice::from_raw_parts(block, layout.size()) };
            assert!(bytes.iter().all(|&byte| byte == value));
        }
        for (block, layout, _) in blocks {
            // SAFETY: each once.
            unsafe { heap.dealloc(block, layout) };
        }
    }

    /// What has grown, and perhaps moved, is the engine's as it was before.
    #[test]
    fn a_large_block_that_grew_is_kept_from_the_guest() {
        let heap = Heap::new();
        let (small, large) = (layout(100_000, 8), layout(40_000_000, 8));
        // SAFETY: each block is used with its own layout.
        unsafe {
            let block = heap.alloc(small);
            let block = heap.realloc(block, small, large.size());
            let whole = block as u64..block as u64 + large.size() as u64;
            assert_eq!(own::without(whole).count(), 0);
            heap.dealloc(block, large);
        }
    }

    #[test]
    fn a_released_block_is_used_again() {
        let heap = Heap::new();
        // SAFETY: the layouts are the same and not empty.
        unsafe {
            let first = heap.alloc(layout(100, 8));
            heap.dealloc(first, layout(100, 8));
            assert_eq!(heap.alloc(layout(128, 8)), first);
        }
    }

    #[test]
    fn growing_keeps_the_bytes() {
        let heap = Heap::new();
        let mut size = 10;
        // SAFETY: each block is used with its own layout.
        unsafe {
            let mut block = heap.alloc_zeroed(layout(size, 8));
            block.write_bytes(0xa5, 10);
            while size < 3_000_000 {
                block = heap.realloc(block, layout(size, 8), size * 3);
                size *= 3;
                assert_eq!(core::slice::from_raw_parts(block, 10), [0xa5; 10]);
            }
            block = heap.realloc(block, layout(size, 8), 20);
            assert_eq!(core::slice::from_raw_parts(block, 10), [0xa5; 10]);
            heap.dealloc(block, layout(20, 8));
        }
    }

    /// A guest that reserved where a block had been could not use it, and could
    /// map over the block's new place.
    #[test]
    fn a_block_that_moves_is_the_engines_where_it_is() {
        let heap = Heap::new();
        let (small, large) = (layout(1 << 20, 8), layout(1 << 30, 8));
        let range = |at: *mut u8, layout: Layout| at as u64..(at as usize + layout.size()) as u64;
        // SAFETY: each block is used with its own layout.
        unsafe {
            // The kernel puts the second below the first, so it cannot grow.
            let above = heap.alloc(small);
            let block = heap.alloc(small);
            let old = range(block, small);
            let moved = heap.realloc(block, small, large.size());
            let new = range(moved, large);
            assert_ne!(new.start, old.start, "a test that needs it to move");
            // Other tests may have mapped a part of where it was.
            let listed = |range: &Range<u64>| own::ranges().any(|own| own == *range);
            assert!(!listed(&old));
            assert!(listed(&new));
            heap.dealloc(moved, large);
            heap.dealloc(above, small);
            assert!(!listed(&new));
        }
    }
}
