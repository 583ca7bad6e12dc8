//! Translated code: where it lies, how it is found, linked, and forgotten.

pub mod arena;
pub mod cache;
pub mod fault_points;
pub mod placed;
mod window;
