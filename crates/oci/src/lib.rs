//! Image archives: read to explain what an image would start, written for
//! Armistice's own image. Nothing here talks to an engine or a registry, and
//! nothing prints.
//!
//! - [`mod@write`]: a reproducible archive that is an OCI image layout and a
//!   docker-archive at once.
//! - [`read`]: images in a docker-archive, an OCI layout in a tar or in a folder.
//! - [`root`]: one interface to an image's merged root and to a plain folder.
//! - [`dir`]: the plain folder behind it.
//! - [`program`]: which program a container would start, and what it is.
//! - [`mod@stream`]: the entries of a layer, gone over once, whatever compresses it.
//! - [`document`]: manifests, indexes and configurations as bytes.
//! - [`mod@reference`]: what people call an image.
//! - [`config`]: the part of an image's configuration both directions use.

pub mod config;
mod digest;
pub mod dir;
pub mod document;
mod error;
mod json;
mod path;
pub mod program;
pub mod read;
pub mod reference;
pub mod root;
pub mod stream;
pub mod write;

pub use config::ImageConfig;
pub use digest::{Digest, Hashing};
pub use dir::DirRoot;
pub use error::{Error, Found};
pub use program::{Interpreter, Program, ProgramKind, Start};
pub use read::{Absent, Archive, Image};
pub use reference::Reference;
pub use root::{FileInfo, FileKind, Lookup, Missing, Root};
pub use write::{Compression, Content, ImageSpec, Layer};
