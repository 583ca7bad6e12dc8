//! Runs AArch64 Linux programs on x86-64.
#![no_std]

extern crate alloc;
