//! What of Linux differs from architecture to architecture, a room for each
//! guest.

pub mod arm64;
pub mod frame;
pub mod interface;

pub use interface::{Abi, State};
