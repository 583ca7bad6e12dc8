//! Architectures as data: names, platforms and ELF patterns. No I/O.
//!
//! One table ([`ARCHES`]) is the only place that knows what an architecture is
//! called by QEMU, by OCI images, by Debian and by `uname -m`, and which bytes
//! its programs begin with. Everything else in the workspace asks it.
//!
//! - [`table`]: the rows.
//! - [`elf`]: what the first bytes of a file say about it.
//! - [`pattern`]: the magic and mask that select an architecture's programs.
//! - [`shebang`]: what the first line of a script says.
//! - [`trial`]: the same pattern and programs, for trials only.
//! - [`name`]: from what a person types (`arm64`, `linux/arm/v7`, `armhf`) to rows.
//! - `matching`: which platform of an image serves a wanted one.

pub mod elf;
mod matching;
pub mod name;
pub mod pattern;
pub mod shebang;
pub mod table;
pub mod trial;

pub use elf::{Class, Data, ElfHeader};
pub use name::{Platform, UnknownArch};
pub use pattern::Pattern;
pub use shebang::Shebang;
pub use table::{ARCHES, Arch};
