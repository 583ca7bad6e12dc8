//! Runs AArch64 Linux programs on x86-64.
//!
//! The library is all of `armistice-aarch64` but its start code, so that
//! tests, which have std, can reach every part.
#![no_std]

extern crate alloc;

pub mod heap;
pub mod linux;
pub mod message;

/// What the process does, from its first instruction in Rust to its end.
///
/// # Safety
/// `stack` is the initial stack of the process, as the kernel made it.
pub unsafe fn main(stack: *const usize) -> ! {
    let _ = stack;
    linux::sys::exit_group(0)
}
