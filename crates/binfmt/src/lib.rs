//! The kernel's binfmt_misc table: read it, plan a change, apply it, watch it.
//!
//! The way of a registration: a [`Registration`] is what is wanted; [`plan`]
//! compares it with a [`Snapshot`] of the live [`Table`]; a [`Transaction`]
//! applies the changes to the [`Locked`] table so that there is never a moment
//! without a handler, and takes all of them back if one fails. [`replay`] answers which
//! entry would take a file, [`exec`] what becomes of it in the end; [`situation`] finds the table in
//! which exec looks, says whose it is and whether it will outlive us; [`lookup`] asks exec
//! itself; [`watch`] tells who else writes to it.
//!
//! Facts are those of `fs/binfmt_misc.c` and
//! `Documentation/admin-guide/binfmt-misc.rst`. This crate knows no emulator
//! and no command line, and prints nothing.

mod apply;
mod carry;
mod entry;
mod error;
pub mod exec;
mod flags;
pub mod kernel;
mod line;
mod lock;
pub mod lookup;
mod mark;
mod mounting;
pub mod mounts;
mod namespace;
mod note;
mod plan;
pub mod replay;
pub mod situation;
mod table;
pub mod watch;
mod who;

pub use apply::Transaction;
pub use entry::{Entry, Matching, parse_entry};
pub use error::BinfmtError;
pub use flags::Flags;
pub use kernel::KernelVersion;
pub use line::Registration;
pub use lock::Locked;
pub use mark::{Mark, Pin};
pub use namespace::{INITIAL_USER_NS, is_initial, is_outer};
pub use plan::{Action, Change, Reason, Rules, plan};
pub use table::{BINFMTFS_MAGIC, Snapshot, Table};

/// Where the kernel's table is mounted by custom, and where tools look for it.
pub const STANDARD_PATH: &str = "/proc/sys/fs/binfmt_misc";
