//! `armistice-arm`: runs a Linux program of 32-bit Arm, and what it executes of AArch64.
//!
//! No std and no libc, as `main.rs` says of the engine for AArch64.
#![no_std]
#![no_main]

mod start;

/// The Linux that it is named after.
use armistice_engine::linux::abi::arm::Arm as Guest;
/// The other Linux, whose programs are told by their files.
use armistice_engine::linux::abi::arm64::Arm64 as Other;
