//! Three executors of Arm code, compared: the reference interpreter, the
//! translator, and QEMU as a process, a black box.
//!
//! A [`case::Batch`] is programs of a few instructions and the states they
//! start from. Each executor runs it at the same addresses and gives back the
//! final states; [`compare`] says where they differ, and [`known`] where QEMU
//! is known to be wrong. [`drive`] runs batches three ways and keeps count,
//! [`comparison`] is what the tests of random programs have in common. All of this is generic
//! over a [`tested::Tested`] guest; [`arm64`] and [`arm`] are those guests, and make programs and states from
//! their tables of instructions and a seed.
#![allow(
    clippy::cast_possible_truncation,
    reason = "operands are cut from random words everywhere"
)]

pub mod arm;
pub mod arm64;
pub mod case;
pub mod compare;
pub mod comparison;
pub mod drive;
pub mod everywhere;
pub mod interpreter;
pub mod known;
pub mod place;
pub mod program;
pub mod qemu;
pub mod random;
pub mod sandbox;
pub mod shrink;
pub mod tested;
pub mod translator;
pub mod values;
