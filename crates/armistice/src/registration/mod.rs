//! A registration's life, for all verbs that make, keep or show one: the verbs only say
//! what is wanted, and print.
//!
//! - [`request`]: from what was typed to wanted entries, their emulators found and checked.
//! - [`persist`]: files that make it again at each boot.
//! - [`report`]: what was done, for people and for programs.

pub(crate) mod persist;
pub(crate) mod report;
pub(crate) mod request;
