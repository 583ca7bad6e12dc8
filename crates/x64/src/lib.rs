//! The x86-64 host: from IR to code.
//!
//! - [`asm`] writes instructions: bytes, labels, and what each form can name. It
//!   knows nothing of guests.
//! - [`convention`] says where the host keeps a guest's state: which slot has which
//!   register, and where the rest lies in the state. The offsets are a table that guest
//!   and engine give.
//! - [`lower`] turns a region of IR into code, and lists the code's entries, its exits and
//!   the places that may fault. It reads no guest instruction.
//! - [`stubs`] are the ways into and out of translated code.
//! - [`constants`] are the vectors that code reads from the state; [`features`] are those
//!   of the host's processor.
//!
//! Nothing here allocates code memory, runs what it makes, or knows a guest by name.
#![no_std]

extern crate alloc;

pub mod asm;
pub mod constants;
pub mod convention;
pub mod features;
pub mod lower;
pub mod stubs;
