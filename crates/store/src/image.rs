//! What the store has: names, the images that they lead to, and images held for use.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use armistice_arch::Platform;
use armistice_oci::document::{self, Document, ImageManifest};
use armistice_oci::{Digest, ImageConfig};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::files::{self, failed};
use crate::{Error, Store, choose, names};

/// A name's file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RefFile {
    pub(crate) name: String,
    pub(crate) os: String,
    pub(crate) architecture: String,
    pub(crate) variant: String,
    pub(crate) manifest: String,
    /// What the name led to where it came from: perhaps an index.
    pub(crate) top: String,
    /// Seconds since 1970.
    pub(crate) pulled: u64,
}

/// An image that has a name.
#[derive(Debug, Clone)]
pub struct StoredImage {
    /// Its name, whole: `docker.io/library/debian:trixie`.
    pub name: String,
    /// What it is made for.
    pub platform: Platform,
    /// Its manifest.
    pub manifest: Digest,
    /// What the name led to where it came from: the manifest or an index.
    pub top: String,
    /// When it came, in seconds since 1970.
    pub pulled: u64,
    /// Bytes of its layers on disk; `None` where one of them is missing, or
    /// was unpacked under other identities only: pull it again.
    pub disk: Option<u64>,
}

/// An image ready for a container, and kept from `prune` while this is open.
#[derive(Debug)]
pub struct Held {
    /// Unpacked layers, the topmost first, as overlay's `lowerdir` lists them.
    pub lowers: Vec<PathBuf>,
    /// How a container of it is run.
    pub config: ImageConfig,
    /// What it is made for.
    pub platform: Platform,
    /// Its manifest.
    pub manifest: Digest,
    /// While this is open, here or in a child that has it, the layers stay.
    pub lease: OwnedFd,
}

/// An image's documents.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) manifest: ImageManifest,
    pub(crate) config: ImageConfig,
    pub(crate) chain: Vec<Digest>,
}

impl Store {
    /// All images that have a name, by name and platform.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn images(&self) -> Result<Vec<StoredImage>, Error> {
        let mut images: Vec<StoredImage> = self
            .ref_files()?
            .into_iter()
            .filter_map(|(_, file)| self.stored(file))
            .collect();
        images.sort_by_key(|i| (i.name.clone(), i.platform.to_string()));
        Ok(images)
    }

    /// The images of this name.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn named(&self, name: &str) -> Result<Vec<StoredImage>, Error> {
        let mut images = self.images()?;
        images.retain(|i| i.name == name);
        Ok(images)
    }

    /// The images whose manifest has this digest: whole or its first twelve digits at least, with
    /// `sha256:` before it or without.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn with_digest(&self, text: &str) -> Result<Vec<StoredImage>, Error> {
        let hex = text.strip_prefix("sha256:").unwrap_or(text);
        let digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if !(12..=64).contains(&hex.len()) || !hex.bytes().all(digit) {
            return Ok(Vec::new());
        }
        let mut images = self.images()?;
        images.retain(|i| i.manifest.hex().starts_with(hex));
        Ok(images)
    }

    /// The image of this name that serves best for a platform; without one, the
    /// only one there is, else the one for `otherwise`. `None` where the name, or
    /// the platform, or a layer is not there: pull it.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn find(&self, name: &str, wanted: &crate::Wanted) -> Result<Option<StoredImage>, Error> {
        let mut images = self.named(name)?;
        images.retain(|i| i.disk.is_some());
        let wanted = match wanted.exactly.as_ref() {
            Some(exactly) => exactly,
            None if images.len() == 1 => return Ok(images.pop()),
            None => &wanted.otherwise,
        };
        let best = choose(images.iter().map(|i| &i.platform), wanted);
        Ok(best.and_then(|i| images.into_iter().nth(i)))
    }

    /// Takes an image for a container.
    ///
    /// # Errors
    /// [`Error::NoSuchImage`] where it has gone since, or a layer of it is missing.
    pub fn hold(&self, image: &StoredImage) -> Result<Held, Error> {
        let _adding = self.shared()?;
        let gone = || Error::NoSuchImage {
            name: image.name.clone(),
        };
        let parsed = self.parsed(&image.manifest).ok_or_else(gone)?;
        let mut lowers = Vec::new();
        for chain in parsed.chain.iter().rev() {
            self.layer_record(chain).ok_or_else(gone)?;
            lowers.push(self.layer(chain).join("fs"));
        }
        let path = self.leases().join(image.manifest.hex());
        let lease = files::lock(&path, FlockOperation::LockShared)?;
        Ok(Held {
            lowers,
            config: parsed.config,
            platform: image.platform.clone(),
            manifest: image.manifest.clone(),
            lease: lease.0.into(),
        })
    }

    /// An image's documents, if they are whole.
    pub(crate) fn parsed(&self, manifest: &Digest) -> Option<Parsed> {
        let bytes = self.document(manifest)?;
        let Ok(Document::Image(manifest)) = Document::parse(&bytes, "") else {
            return None;
        };
        let config = self.document(&manifest.config.digest)?;
        let (config, diff_ids) = document::config(&config, manifest.layers.len(), None).ok()?;
        Some(Parsed {
            chain: document::chain_ids(&diff_ids),
            manifest,
            config,
        })
    }

    fn document(&self, digest: &Digest) -> Option<Vec<u8>> {
        let bytes = fs::read(self.blob(digest)).ok()?;
        (Digest::of(&bytes) == *digest).then_some(bytes)
    }

    pub(crate) fn ref_files(&self) -> Result<Vec<(PathBuf, RefFile)>, Error> {
        let folder = self.refs();
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed("list", &folder))? {
            let path = entry.map_err(failed("list", &folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if names::is_ref(&name)
                && let Ok(text) = fs::read(&path)
                && let Ok(file) = serde_json::from_slice(&text)
            {
                found.push((path, file));
            }
        }
        Ok(found)
    }

    fn stored(&self, file: RefFile) -> Option<StoredImage> {
        let manifest = Digest::parse(&file.manifest)?;
        let disk = self.parsed(&manifest).and_then(|parsed| {
            let sizes = parsed
                .chain
                .iter()
                .map(|c| Some(self.layer_record(c)?.disk));
            sizes.sum::<Option<u64>>()
        });
        Some(StoredImage {
            platform: Platform::new(&file.os, &file.architecture, &file.variant),
            name: file.name,
            manifest,
            top: file.top,
            pulled: file.pulled,
            disk,
        })
    }

    /// Lets a name lead to an image.
    pub(crate) fn write_ref(
        &self,
        name: &str,
        platform: &Platform,
        manifest: &Digest,
        top: &Digest,
    ) -> Result<(), Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let file = RefFile {
            name: name.to_owned(),
            os: platform.os.clone(),
            architecture: platform.architecture.clone(),
            variant: platform.variant.clone(),
            manifest: manifest.to_string(),
            top: top.to_string(),
            pulled: now.map_or(0, |d| d.as_secs()),
        };
        let key = Digest::of(format!("{name} {platform}").as_bytes());
        let path = self.refs().join(format!("{}.json", key.hex()));
        let text = serde_json::to_vec_pretty(&file).unwrap_or_default();
        files::write_whole(&path, &text)
    }
}
