//! What a guest's interpreter is given: memory, and its surroundings.
#![no_std]

extern crate alloc;

pub mod flags;
pub mod memory;
pub mod surroundings;

pub use flags::Flags;
pub use surroundings::{Environment, Exception};
