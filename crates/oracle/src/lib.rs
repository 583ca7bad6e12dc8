//! Three executors of A64 code, compared: the reference interpreter, the
//! translator, and `qemu-aarch64` as a process, a black box.
//!
//! A [`case::Batch`] is programs of a few instructions and the states they
//! start from. Each executor runs it at the same addresses and gives back the
//! final states; [`compare`] says where they differ, and [`known`] where QEMU
//! is known to be wrong. [`generate`] makes the programs and states from the
//! instruction table and a seed. [`drive`] runs batches three ways and keeps count,
//! [`comparison`] is what the tests of random programs have in common.
#![allow(
    clippy::cast_possible_truncation,
    reason = "operands are cut from random words everywhere"
)]

pub mod case;
pub mod compare;
pub mod comparison;
pub mod drive;
pub mod generate;
pub mod interpreter;
pub mod known;
pub mod qemu;
pub mod random;
pub mod sandbox;
pub mod shrink;
pub mod translator;
