//! From the guest's code to the host's: found or translated, run, linked,
//! counted, and forgotten when the guest's code changes.
//!
//! It knows no system call of the guest's and none of its signals: translated code is
//! left for whatever is not an instruction's work.

pub mod code;
mod cold;
mod forget;
mod fork;
pub mod interpret;
pub mod kept;
mod safe_points;
pub mod source;
pub mod stale;
mod state;
pub mod tally;
mod threads;
pub mod translate;
mod translations;
pub mod vcpu;
