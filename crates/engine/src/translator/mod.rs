//! From the guest's code to the host's: found or translated, run, linked,
//! counted, and forgotten when the guest's code changes.
//!
//! It knows no system call of the guest's and no signal: translated code is left
//! for whatever is not an instruction's work.

pub mod code;
mod cold;
pub mod forget;
pub mod interpret;
pub mod tally;
pub mod translate;
pub mod vcpu;
