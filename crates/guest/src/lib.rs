//! A guest architecture, as whoever runs it sees it: [`Guest`] is what a guest gives,
//! [`memory`] and [`surroundings`] are what its interpreter is given.
//!
//! Everything is resolved when an engine is compiled, and an engine is compiled for one guest:
//! nothing asks at run time which guest it is.
#![no_std]

extern crate alloc;

pub mod flags;
mod guest;
pub mod memory;
pub mod surroundings;

pub use flags::Flags;
pub use guest::{Guest, Kind, Places, Rounding, fetch, is_aligned};
pub use surroundings::{Environment, Exception};
