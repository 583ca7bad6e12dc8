//! `armistice-aarch64`: runs an AArch64 Linux program.
//!
//! No std and no libc: threads, thread-local storage and signals of the
//! process belong to the guest. `start` does what a C library would.
#![no_std]
#![no_main]

mod start;

/// The Linux that its programs see.
use armistice_engine::linux::abi::arm64::Arm64 as Guest;
