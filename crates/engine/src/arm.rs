//! `armistice-arm`: runs a Linux program of 32-bit Arm.
//!
//! No std and no libc, as `main.rs` says of the engine for AArch64.
#![no_std]
#![no_main]

mod start;

/// The Linux that its programs see.
use armistice_engine::linux::abi::arm::Arm as Guest;
