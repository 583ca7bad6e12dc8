//! Namespaces without any rights: a private binfmt_misc table for one command, and
//! a container.
//!
//! From Linux 6.7 every user namespace may have a binfmt_misc table of its own.
//! [`enter_private`] takes the calling process into such a namespace, lets the
//! caller fill the table, and gives the process its own identity back; the
//! command that [`exec`] then starts sees the table, and nobody else does.
//! The table ends with the last process in it.
//!
//! - [`run`]: a container, from its root to its exit code.
//! - [`rootless`]: the user namespace that a rootless engine keeps, and a table for it.
//! - [`enter`]: the steps to a private table, in order.
//! - [`idmap`]: which identities exist inside.
//! - [`forbidden`]: which rule of the system forbids it, and how to lift that.
//! - [`facts`]: what such a verdict is based on.
//! - [`outside`]: a child that stays outside, and answers.
//! - [`probe`]: whether it would work, without doing it.
//!
//! The library reads no environment variable and prints nothing.

pub mod enter;
mod error;
pub mod facts;
pub mod forbidden;
pub mod idmap;
mod limits;
mod namespace;
pub mod outside;
pub mod probe;
pub mod rootless;
pub mod run;
mod writer;

pub use enter::{
    Entered, Identities, Options, default_shell, enter_identities, enter_private, exec,
};
pub use error::Error;
pub use facts::Facts;
pub use forbidden::{Forbidden, Step, apparmor_profile, diagnose};
pub use idmap::{Extent, IdMap, Map};
pub use outside::Outside;
pub use probe::{try_private_table, try_userns};
