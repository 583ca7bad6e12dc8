//! Finding, checking and identifying emulators.
//!
//! An emulator that the kernel is told to hold open (flag F) is from then on
//! executed for every foreign program on the machine, in every container. So
//! before it is registered it is checked for all that would make it fail there
//! or do harm, and afterwards it can be named: version and digest, on disk and
//! as the kernel really holds it.
//!
//! - [`search`]: where emulators are looked for, and in which order.
//! - [`check`]: [`Emulator`], a file that was opened once and passed every check.
//! - [`image`]: what the bytes of a program must be for that.
//! - [`identity`]: version and digest, of a file or of what a process runs.
//! - [`remembered`]: identities found out once, for files that have not changed.
//! - [`baked`]: copies of Armistice's engine that have translations.
//! - [`package`]: which package of a distribution brings an emulator.
//!
//! The library reads no environment variable and prints nothing.

pub mod baked;
pub mod check;
mod error;
pub mod identity;
pub mod image;
mod origin;
pub mod package;
pub mod remembered;
pub mod search;

pub use check::{Emulator, FileId};
pub use error::Error;
pub use identity::{
    Digest, Identity, Pinned, Version, identify_all, identify_open, identify_pinned,
};
pub use package::{OsRelease, Packages};
pub use remembered::Remembered;
pub use search::{Dir, Engine, Found, Maker, Origin, Processor, Search};
