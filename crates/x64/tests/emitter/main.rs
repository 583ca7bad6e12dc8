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

mod check;
mod integer;
mod jumps;
mod vector;
