//! `armistice-aarch64`: runs an AArch64 Linux program, and what it executes of 32-bit Arm.
//!
//! No std and no libc: threads, thread-local storage and signals of the
//! process belong to the guest. `start` does what a C library would.
#![no_std]
#![no_main]

mod start;

/// The other Linux, whose programs are told by their files.
use armistice_engine::linux::abi::arm::Arm as Other;
/// The Linux that it is named after.
use armistice_engine::linux::abi::arm64::Arm64 as Guest;
