//! Images in an archive, and the files a container of one would see.
//!
//! Opening reads documents only. An image's layers are gone over when the first
//! file of it is asked for, and shared between the images of an archive.
//!
//! - `store`: where documents and blobs are. `blob`: a range of a file.
//! - `layout`: from documents to images.
//! - `layer`, `tree`: what layers hold, and their merged root.
//! - `walk`, `attributes`, `sparse`, `compress`: tars and compressed streams, safely.

pub(crate) mod attributes;
pub(crate) mod blob;
pub(crate) mod compress;
mod layer;
mod layout;
mod sparse;
mod store;
mod tree;
pub(crate) mod walk;

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use armistice_arch::Platform;

use crate::config::ImageConfig;
use crate::program::{self, Start};
use crate::root::{FileInfo, FileKind, Lookup, Missing, Root};
use crate::{Error, path};
pub use blob::BlobReader;
use layer::{FileRef, LayerIndex, LayerRef, What};
use layout::Described;
pub(crate) use layout::is_attestation;
pub(crate) use store::JSON_MAX;
use store::Store;
use tree::{NodeKind, Tree, Unfit};

/// An opened image archive.
#[derive(Debug)]
pub struct Archive {
    images: Vec<Image>,
    absent: Vec<Absent>,
}

/// An image that an index names and the archive does not hold, as when one
/// platform of several was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// The manifest's digest.
    pub digest: String,
    /// Its platform, if the index tells it.
    pub platform: Option<Platform>,
}

/// What the images of an archive share.
#[derive(Debug)]
struct Shared {
    store: Store,
    /// Layers gone over, by their names in the archive.
    layers: Mutex<HashMap<String, Arc<LayerIndex>>>,
}

/// One image: one platform's.
#[derive(Debug)]
pub struct Image {
    shared: Arc<Shared>,
    described: Described,
    merged: OnceLock<Merged>,
}

/// An image's root, and the layers its files are in.
#[derive(Debug)]
struct Merged {
    tree: Tree,
    layers: Vec<Arc<LayerIndex>>,
}

impl Archive {
    /// Opens a docker-archive or an OCI layout in a tar (perhaps compressed by
    /// gzip or zstd), or an OCI layout in a folder. Which it is, its content says.
    ///
    /// # Errors
    /// [`Error::NotAnImage`] for anything else; every other [`Error`] of reading.
    pub fn open(path: &Path) -> Result<Archive, Error> {
        let store = Store::open(path)?;
        let (images, absent) = layout::images(&store)?;
        let shared = Arc::new(Shared {
            store,
            layers: Mutex::default(),
        });
        let images = images
            .into_iter()
            .map(|described| Image {
                shared: Arc::clone(&shared),
                described,
                merged: OnceLock::new(),
            })
            .collect();
        Ok(Archive { images, absent })
    }

    /// The images, in the archive's order; at least one.
    #[must_use]
    pub fn images(&self) -> &[Image] {
        &self.images
    }

    /// The images, to keep.
    #[must_use]
    pub fn into_images(self) -> Vec<Image> {
        self.images
    }

    /// What the index names beside them and the archive does not hold.
    #[must_use]
    pub fn absent(&self) -> &[Absent] {
        &self.absent
    }
}

impl Image {
    /// The names it is called by, as the archive writes them; may be none.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.described.names
    }

    /// The manifest's digest, `sha256:<hex>`; a docker-archive has none.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.described.digest.as_deref()
    }

    /// The platform it is made for.
    #[must_use]
    pub fn platform(&self) -> &Platform {
        &self.described.config.platform
    }

    /// How it is run.
    #[must_use]
    pub fn config(&self) -> &ImageConfig {
        &self.described.config
    }

    /// How many layers it has.
    #[must_use]
    pub fn layer_count(&self) -> usize {
        self.described.layers.len()
    }

    /// The program that a container of it starts if it is given no other.
    ///
    /// # Errors
    /// [`Error`] where a layer can't be read.
    pub fn start(&self) -> Result<Start, Error> {
        let config = self.config();
        program::start(self, &config.argv(), config.path(), &config.working_dir)
    }

    /// The manifest's bytes; a docker-archive has none.
    ///
    /// # Errors
    /// [`Error`] where it can't be read any more, or has changed.
    pub fn manifest_document(&self) -> Result<Option<Vec<u8>>, Error> {
        let store = &self.shared.store;
        let Some(digest) = self.digest() else {
            return Ok(None);
        };
        let blob = store
            .by_digest(digest)?
            .ok_or_else(|| store.missing(digest))?;
        store.document(digest, &blob).map(Some)
    }

    /// The configuration's bytes.
    ///
    /// # Errors
    /// [`Error`] where it can't be read any more.
    pub fn config_document(&self) -> Result<Vec<u8>, Error> {
        let store = &self.shared.store;
        let name = &self.described.config_member;
        let blob = store.get(name)?.ok_or_else(|| store.missing(name))?;
        store.document(name, &blob)
    }

    /// A layer's stored bytes, and how many they are. The lowest is 0.
    ///
    /// # Errors
    /// [`Error`] where the archive has it not, or it can't be read.
    pub fn open_layer(&self, number: usize) -> Result<(BlobReader, u64), Error> {
        let store = &self.shared.store;
        let layer = self.described.layers.get(number);
        let layer = layer.ok_or_else(|| store.missing(&format!("layer {number}")))?;
        let blob = store
            .get(&layer.member)?
            .ok_or_else(|| store.missing(&layer.name))?;
        Ok((blob.reader(), blob.len))
    }

    fn merged(&self) -> Result<&Merged, Error> {
        if let Some(merged) = self.merged.get() {
            return Ok(merged);
        }
        let store = &self.shared.store;
        let mut tree = Tree::new();
        let mut layers = Vec::new();
        for (number, layer) in self.described.layers.iter().enumerate() {
            let index = self.shared.layer(layer)?;
            tree.apply(number, &index)
                .map_err(|unfit| unfit_error(store, &index, &unfit))?;
            layers.push(index);
        }
        Ok(self.merged.get_or_init(|| Merged { tree, layers }))
    }
}

impl Shared {
    fn layer(&self, layer: &LayerRef) -> Result<Arc<LayerIndex>, Error> {
        let lock = || self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&layer.member) {
            return Ok(Arc::clone(known));
        }
        let index = Arc::new(LayerIndex::read(&self.store, layer)?);
        lock().insert(layer.member.clone(), Arc::clone(&index));
        Ok(index)
    }
}

fn unfit_error(store: &Store, layer: &LayerIndex, unfit: &Unfit) -> Error {
    let name = |entry: &usize| {
        let entry = layer.entries.get(*entry);
        entry.map_or_else(String::new, |e| path::lossy(&e.path))
    };
    match unfit {
        Unfit::HardLink(entry) => Error::BadHardLink {
            archive: store.path.clone(),
            layer: layer.name.clone(),
            name: name(entry),
            target: match layer.entries.get(*entry).map(|e| &e.what) {
                Some(What::HardLink(to)) => path::lossy(to),
                _ => String::new(),
            },
        },
        Unfit::Loop(entry) => Error::Damaged {
            archive: store.path.clone(),
            name: layer.name.clone(),
            reason: format!("'{}' lies in a loop of symbolic links", name(entry)),
        },
        Unfit::TooMany => store.fault(&layer.name, walk::Fault::too_many(&layer.name)),
    }
}

impl Merged {
    /// A file's layer and place in it.
    fn file(&self, node: usize) -> Option<(&LayerIndex, &FileRef)> {
        let NodeKind::File(at) = self.tree.node(node)?.kind else {
            return None;
        };
        let layer = self.layers.get(at.layer)?;
        match &layer.entries.get(at.entry)?.what {
            What::File(file) => Some((layer, file)),
            _ => None,
        }
    }
}

impl Root for Image {
    fn lookup(&self, path: &Path) -> Result<Lookup, Error> {
        let merged = self.merged()?;
        let bytes = path.as_os_str().as_bytes();
        if bytes.len() >= path::PATH_MAX {
            return Ok(Lookup::Missing(Missing::NoEntry));
        }
        let reached = match merged.tree.reach(bytes, true) {
            Ok(reached) => reached,
            Err(missing) => return Ok(Lookup::Missing(missing)),
        };
        let Some(node) = merged.tree.node(reached.node) else {
            return Ok(Lookup::Missing(Missing::NoEntry));
        };
        let mut real = vec![b'/'];
        real.extend(reached.names.join(&b'/'));
        Ok(Lookup::Found(FileInfo {
            path: PathBuf::from(OsString::from_vec(real)),
            kind: match node.kind {
                NodeKind::File(_) => FileKind::Regular,
                NodeKind::Directory(_) => FileKind::Directory,
                NodeKind::Symlink(_) | NodeKind::Other => FileKind::Other,
            },
            mode: node.mode,
            size: merged.file(reached.node).map_or(0, |(_, file)| file.size),
        }))
    }

    fn read_at(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>, Error> {
        let no_file = || Error::NoFile {
            path: path.to_owned(),
        };
        let merged = self.merged()?;
        let bytes = path.as_os_str().as_bytes();
        if bytes.len() >= path::PATH_MAX {
            return Err(no_file());
        }
        let reached = merged.tree.reach(bytes, true).map_err(|_| no_file())?;
        let (layer, file) = merged.file(reached.node).ok_or_else(no_file)?;
        layer.read_file(&self.shared.store, file, offset, len)
    }
}
