//! Translated code: where it lies, how it is found, linked, and forgotten.

pub mod arena;
pub mod cache;
pub mod fault_points;
mod mappings;
pub mod placed;
mod window;
