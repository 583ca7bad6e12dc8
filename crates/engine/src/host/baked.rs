//! Translations behind the engine's own file, mapped without a descriptor and without a
//! path: it is the very file that the kernel started, wherever that is by now.
//!
//! The kernel maps the engine's segments, and nothing behind them. But a mapping of a file can
//! be moved, and grown over what the file has next. One page of the engine's code is there for
//! this purpose alone. Whoever puts translations behind the file writes their distance into
//! this page ([`PAGE_OF_IT`]). To use the translations, the engine moves the page to where
//! there is room for all of them.

use core::arch::global_asm;

use core::sync::atomic::{AtomicBool, Ordering};

use super::own;
use super::page::{PAGE, page_up};
use super::sys::{self, Errno, number};

/// What the page begins with; two numbers of eight bytes come next: how far behind the
/// page's first byte the translations are, whole pages, and how long they are. Zeros where
/// there are none.
pub const PAGE_OF_IT: [u8; 16] = *b"armistice-baked\n";

global_asm!(
    ".pushsection .text.armistice_baked, \"ax\", @progbits",
    ".balign 4096",
    ".globl armistice_baked",
    ".hidden armistice_baked",
    "armistice_baked:",
    ".ascii \"armistice-baked\\n\"",
    ".quad 0, 0",
    ".balign 4096, 0",
    ".popsection",
);

// SAFETY: the page above: 16 bytes, and two numbers of 8 bytes, aligned to 4096.
unsafe extern "C" {
    #[link_name = "armistice_baked"]
    static BAKED: [u64; 4];
}

/// Whether the page is elsewhere by now.
static MOVED: AtomicBool = AtomicBool::new(false);

/// Whether there are translations.
#[must_use]
pub fn is_there() -> bool {
    // SAFETY: the page of the file is mapped to be read until `map` moves it, which sets MOVED.
    !MOVED.load(Ordering::Relaxed) && unsafe { (&raw const BAKED).read_volatile()[2] != 0 }
}

/// Maps the translations, to be executed: where, and how long they are; nothing if there
/// are none. That can be done once.
///
/// # Errors
/// The kernel's.
pub fn map() -> Result<Option<(u64, u64)>, Errno> {
    const MREMAP_MAYMOVE: u64 = 1;
    const MREMAP_FIXED: u64 = 2;
    let page = &raw const BAKED;
    if MOVED.load(Ordering::Relaxed) {
        return Ok(None);
    }
    // SAFETY: it is there, and nobody writes to it; the compiler knows nothing of what it
    // has.
    let [_, _, distance, length] = unsafe { page.read_volatile() };
    let Some(all) = distance.checked_add(length).and_then(page_up) else {
        return Ok(None);
    };
    if distance == 0 || !distance.is_multiple_of(PAGE) || length < PAGE {
        return Ok(None);
    }
    let flags = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE;
    let place = own::map(all, 0, flags)?;
    let flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    let arguments = [page as u64, PAGE, all, flags, place, 0];
    // SAFETY: nobody uses the page any more, and what is replaced was mapped for that.
    unsafe { sys::syscall(number::MREMAP, arguments) }.inspect_err(|_| {
        // SAFETY: nobody knows of it.
        let _ = unsafe { own::unmap(place, all) };
    })?;
    MOVED.store(true, Ordering::Relaxed);
    // Zeros take its place: nothing of the guest's may come there, and an engine that is made
    // of this memory has nothing behind it.
    // SAFETY: nothing is mapped there any more.
    unsafe {
        let fixed = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_FIXED;
        sys::mmap(page as u64, PAGE, sys::PROT_READ, fixed, None)?;
    }
    Ok(Some((place + distance, length)))
}
