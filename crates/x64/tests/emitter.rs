//! The emitter against an independent disassembler.
//!
//! Every instruction is emitted with registers and memory operands of all
//! kinds, decoded by iced, and compared by mnemonic, operands, masks, prefixes
//! and length. The processor's features that iced says it takes are compared
//! with what the emitter's tables say.
#![allow(
    clippy::cast_possible_truncation,
    reason = "register numbers that rotate with the case"
)]

#[path = "emitter/check.rs"]
mod check;
#[path = "emitter/integer.rs"]
mod integer;
#[path = "emitter/jumps.rs"]
mod jumps;
#[path = "emitter/vector.rs"]
mod vector;
