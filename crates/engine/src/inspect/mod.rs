//! Looking inside: guest and host code as text, counters, and a map for perf.

pub mod guest;
#[cfg(feature = "disassembler")]
pub mod host;
