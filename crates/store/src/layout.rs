//! The store and its paths. The folder is its user's alone: layers have
//! set-user-ID programs in them.

use std::path::{Path, PathBuf};

use armistice_oci::Digest;
use rustix::fs::FlockOperation;

use crate::files::{self, Locked};
use crate::folder::Folder;
use crate::{Error, Ids, mark};

/// An opened store.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    ids: Ids,
    layer_max: Option<u64>,
}

impl Store {
    /// Opens a store, and makes it where it is not there. `ids` are the
    /// identities under which this process unpacks.
    ///
    /// # Errors
    /// [`Error::Files`]; before anything is written into it, [`Error::OthersStore`],
    /// [`Error::NotAStore`], [`Error::LaterLayout`], [`Error::OpenToOthers`]; [`Error::NoFolder`].
    pub fn open(root: &Path, ids: Ids) -> Result<Store, Error> {
        let store = Store {
            root: root.to_owned(),
            ids,
            layer_max: None,
        };
        files::make_folder(root)?;
        let top = Folder::top(root)?;
        mark::take(&top)?;
        top.make("blobs")?.make("sha256")?;
        top.make("layers")?.make(&store.ids.key)?;
        for folder in ["partial", "refs", "leases", "work", "running"] {
            top.make(folder)?;
        }
        Ok(store)
    }

    /// A store that is there, for looking at what was unpacked under identities of this
    /// key. Nothing is made.
    pub(crate) fn of_key(root: &Path, key: String) -> Store {
        Store {
            root: root.to_owned(),
            ids: Ids::of_key(key),
            layer_max: None,
        }
    }

    /// Unpacks layers of up to so many bytes; without a number, up to what is usual for
    /// the bytes that are stored.
    #[must_use]
    pub fn with_layer_max(self, layer_max: Option<u64>) -> Store {
        Store { layer_max, ..self }
    }

    pub(crate) fn layer_max(&self) -> Option<u64> {
        self.layer_max
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Under which identities this process unpacks.
    #[must_use]
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// Its folder, open, if that is a store yet: its path may have come to lead elsewhere.
    pub(crate) fn top(&self) -> Result<Folder, Error> {
        let top = Folder::top(&self.root)?;
        mark::is_there(&top)?;
        Ok(top)
    }

    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.hex())
    }

    pub(crate) fn partial(&self, digest: &Digest) -> PathBuf {
        self.root.join("partial").join(digest.hex())
    }

    /// The unpacked layers of this process's identities.
    pub(crate) fn layers(&self) -> PathBuf {
        self.root.join("layers").join(&self.ids.key)
    }

    pub(crate) fn layer(&self, chain: &Digest) -> PathBuf {
        self.layers().join(chain.hex())
    }

    /// Where a layer is unpacked before it is whole, or its lock.
    pub(crate) fn work(&self, chain: &Digest, what: &str) -> PathBuf {
        let name = format!("{}-{}.{what}", self.ids.key, chain.hex());
        self.root.join("work").join(name)
    }

    pub(crate) fn refs(&self) -> PathBuf {
        self.root.join("refs")
    }

    pub(crate) fn leases(&self) -> PathBuf {
        self.root.join("leases")
    }

    /// For those who add: many at a time.
    pub(crate) fn shared(&self) -> Result<Locked, Error> {
        files::lock(&self.root.join("lock"), FlockOperation::LockShared)
    }

    /// For those who remove: one, and nobody adds.
    pub(crate) fn alone(&self) -> Result<Locked, Error> {
        files::lock(&self.root.join("lock"), FlockOperation::LockExclusive)
    }
}
