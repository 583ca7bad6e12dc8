//! The guest's memory, which is the process's own: how it is read and written
//! without harm, and what the host's kernel does not know of it.
//!
//! Whoever keeps something of the guest's code is told when it changes
//! ([`address_space::Watcher`]).

pub mod address_space;
pub mod breakpoints;
mod growing;
pub mod guest_memory;
pub mod ranges;
pub(crate) mod routines;
pub mod unsettled;
