//! What decoders, interpreters and the translator promise of any words at all, for each guest.
//! The tests of this crate and the fuzz targets assert the same by it. For these only.
//!
//! [`Words`] is what a guest gives: words of its tables' rows, and states that have something at
//! stake. [`decoder`], [`interpreter`] and [`translator`] take any words and panic where a promise
//! is not kept. [`fuzz`] reads a fuzzer's bytes for each of these.
//!
//! Invariant: the same seed gives the same words and states on every machine.

pub mod decoder;
pub mod fuzz;
pub mod interpreter;
pub mod translator;
pub mod words;

mod arm;
mod arm64;

pub use words::Words;

/// Whether the long runs are asked for.
#[must_use]
pub fn long() -> bool {
    std::env::var_os("ARMISTICE_LONG").is_some_and(|value| value == "1")
}
