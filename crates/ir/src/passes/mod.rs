//! What is found out about a region between forming and lowering it, a file a
//! pass: the edges inside it ([`link`]), which flags are still to be seen
//! ([`live`]), and which vector slots have zeros in their upper bits ([`upper`]).
//!
//! A pass reads the region and writes what it found beside it or, for the edges,
//! into its blocks; none changes an operation.

pub mod link;
pub mod live;
pub mod upper;
