//! `ptrace` between guests (docs/ptrace-design.md): the kernel's traces, and both engines
//! show the guest.
//!
//! ```text
//! stops ─── tracee         the stops that a thread makes, and what it knows of its tracing
//! requests ─┬ registers, call_info, queue    what a guest asks for
//!           ├ tracer       which of the host's stops are whose
//!           ├ tracees      the threads that a process traces
//!           └ host         the host's ptrace, and another process's memory
//! ```

mod call_info;
pub mod host;
mod numbers;
mod queue;
mod registers;
pub mod requests;
pub mod stops;
pub mod tracee;
pub mod tracees;
pub mod tracer;
