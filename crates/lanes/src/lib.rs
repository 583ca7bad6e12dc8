//! Lanes of vectors as integers, and the rounds of AES, SHA-1 and SHA-256: what Advanced SIMD
//! computes in AArch64 state and in AArch32 state alike.
//!
//! Which registers take part, and which instruction does what, is the guests' affair. Clarity
//! comes before speed, as in `softfp`: both are what interpreters are made of, and what
//! translated code is compared with.
#![no_std]
#![allow(
    clippy::cast_possible_truncation,
    reason = "lanes and words are cut from registers"
)]

pub mod aes;
pub mod element;
pub mod field;
pub mod float;
pub mod immediate;
pub mod sha1;
pub mod sha256;
pub mod shift;
pub mod words;
