//! What of Linux differs from architecture to architecture, a room for each
//! guest.

pub mod arm;
pub mod arm64;
pub mod frame;
pub mod interface;
pub mod library;
pub mod open_flags;
pub mod platform;
pub mod tracing;

pub use interface::{Abi, State};
