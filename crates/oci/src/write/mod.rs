//! A reproducible image archive: one tar that is an OCI image layout and a
//! docker-archive at once, so that `docker load` and `podman load` both take it.
//!
//! The same [`ImageSpec`] gives the same bytes: entries are sorted, owners are 0,
//! every time is the one given, and nothing of this machine goes in but the bytes
//! of the files. (With gzip the bytes also depend on the release of this program.)
//!
//! Each layer is made twice: once for its digest and size, which stand in front
//! of it in the archive, and once to be written. Nothing is held in memory but
//! the entries' names, and a file that changes in between is an error.
//!
//! - `layer`: one layer's tar. `archive`: documents and the outer tar.
//! - `name`: tags. `file`: all or nothing in a folder.

mod archive;
mod file;
mod layer;
pub(crate) mod name;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::config::ImageConfig;
use crate::{Error, path};
pub(crate) use name::full as full_name;

/// An image to be written.
#[derive(Debug, Clone)]
pub struct ImageSpec {
    /// The layers, the lowest first; at least one for Docker to take it.
    pub layers: Vec<Layer>,
    /// How it is run, and for which platform it is.
    pub config: ImageConfig,
    /// Its names, such as `ghcr.io/armistice/armistice:1.0`; without a tag,
    /// `latest` is meant; without a registry, Docker's. May be empty.
    pub tags: Vec<String>,
    /// Seconds since 1970 (`SOURCE_DATE_EPOCH`): the time of everything in it.
    pub timestamp: u64,
}

/// One layer: files by their paths in the image.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    /// What made it, for the image's history.
    pub comment: String,
    /// How it is stored.
    pub compression: Compression,
    entries: BTreeMap<String, Entry>,
}

/// How a layer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// As a tar.
    #[default]
    None,
    /// Compressed by gzip.
    Gzip,
}

/// The bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// These.
    Bytes(Vec<u8>),
    /// Those of this file, read while the archive is written.
    File(PathBuf),
}

/// What is at a path of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    File(u32, Content),
    Directory(u32),
    Symlink(String),
}

impl Layer {
    /// An empty layer.
    #[must_use]
    pub fn new(comment: &str) -> Layer {
        Layer {
            comment: comment.to_owned(),
            ..Layer::default()
        }
    }

    /// Adds a file. The folders above it are added as well, with mode 755
    /// unless [`Layer::directory`] says another in any layer of the image.
    ///
    /// # Errors
    /// [`Error::BadInputPath`] for a path that leads nowhere, or that is there.
    pub fn file(&mut self, path: &str, mode: u32, content: Content) -> Result<&mut Layer, Error> {
        self.add(path, Entry::File(mode & 0o7777, content))
    }

    /// Adds a directory.
    ///
    /// # Errors
    /// As [`Layer::file`].
    pub fn directory(&mut self, path: &str, mode: u32) -> Result<&mut Layer, Error> {
        self.add(path, Entry::Directory(mode & 0o7777))
    }

    /// Adds a symbolic link.
    ///
    /// # Errors
    /// As [`Layer::file`], and for an empty target.
    pub fn symlink(&mut self, path: &str, target: &str) -> Result<&mut Layer, Error> {
        if target.is_empty() || target.len() >= path::PATH_MAX || target.contains('\0') {
            return Err(bad(path, "its target is empty, too long, or holds a NUL"));
        }
        self.add(path, Entry::Symlink(target.to_owned()))
    }

    fn add(&mut self, path: &str, entry: Entry) -> Result<&mut Layer, Error> {
        let Some(parts) = path::clean(path.as_bytes()) else {
            return Err(bad(path, "it leads out of the image, or is too long"));
        };
        if parts.is_empty() {
            return Err(bad(path, "it is the root itself"));
        }
        if parts.iter().any(|part| part.starts_with(b".wh.")) {
            return Err(bad(path, "a name that begins with '.wh.' deletes files"));
        }
        let clean = path::lossy(&parts.join(&b'/'));
        if self.entries.contains_key(&clean) {
            return Err(bad(path, "the layer has it already"));
        }
        for (above, _) in clean.match_indices('/') {
            let above = clean.get(..above).unwrap_or_default();
            if !matches!(self.entries.get(above), None | Some(Entry::Directory(_))) {
                return Err(bad(path, "what should be its folder is none"));
            }
        }
        let below = format!("{clean}/");
        let has_children = self
            .entries
            .range(below.clone()..)
            .next()
            .is_some_and(|(next, _)| next.starts_with(&below));
        if has_children && !matches!(entry, Entry::Directory(_)) {
            return Err(bad(path, "the layer has files below it"));
        }
        self.entries.insert(clean, entry);
        Ok(self)
    }
}

fn bad(name: &str, reason: &'static str) -> Error {
    Error::BadInputPath {
        name: name.to_owned(),
        reason,
    }
}

impl ImageSpec {
    /// Writes the archive to a stream.
    ///
    /// # Errors
    /// [`Error::Stream`] where the stream fails; else what is wrong with the
    /// input. After an error the stream may hold a part of an archive.
    pub fn write_to(&self, out: impl Write) -> Result<(), Error> {
        archive::write(self, out)
    }

    /// Writes the archive to a file, which appears when it is whole, in the
    /// place of one that may be there. On failure nothing changes.
    ///
    /// # Errors
    /// [`Error::Write`] where the file can't be written, [`Error::NotReplaceable`]
    /// where something else than a regular file is in its place; else what is
    /// wrong with the input.
    pub fn write_file(&self, path: &Path) -> Result<(), Error> {
        file::write(path, |out| archive::write(self, out))
    }
}
