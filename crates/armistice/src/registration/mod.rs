//! A registration's life, for all verbs that make, keep or show one: the verbs only say
//! what is wanted, and print.
//!
//! - [`request`]: from what was typed to wanted entries, with emulators that are found and checked.
//! - [`live`]: the table in which exec looks: looked at, and opened.
//! - [`chosen`]: the note in the table that an image's `--install` had nothing to register.
//! - [`plan`]: what will change, beside other programs' entries, and how a report words it.
//! - [`dry_run`]: the same shown, and nothing changed.
//! - [`apply`]: the change made, proven, and kept or taken back.
//! - [`verify`]: what is registered, proven now.
//! - [`persist`]: the files that make the registration again at each boot.
//! - [`report`]: what was done, for people and for programs.

pub(crate) mod apply;
pub(crate) mod chosen;
pub(crate) mod dry_run;
pub(crate) mod live;
pub(crate) mod persist;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod request;
pub(crate) mod verify;
