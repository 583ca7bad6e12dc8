//! Where images come from, and which one of several is taken.

use std::io::Read;

use armistice_arch::Platform;
use armistice_oci::Digest;

use crate::SourceError;

/// The document that a name leads to.
#[derive(Debug, Clone)]
pub struct Top {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it is said to be; the document itself counts.
    pub media_type: String,
}

/// Something that has an image: a registry, an archive.
///
/// What it gives is verified by the store, and may be anything.
pub trait Source: Sync {
    /// An index or a manifest.
    ///
    /// # Errors
    /// Whatever kept it.
    fn top(&self) -> Result<Top, SourceError>;

    /// A manifest that an index names.
    ///
    /// # Errors
    /// Whatever kept it.
    fn manifest(&self, digest: &Digest) -> Result<Vec<u8>, SourceError>;

    /// A configuration's bytes.
    ///
    /// # Errors
    /// Whatever kept it.
    fn config(&self, digest: &Digest) -> Result<Vec<u8>, SourceError>;

    /// A layer's stored bytes from `offset` on, or from 0; where they begin is
    /// told. `number` counts from the lowest.
    ///
    /// # Errors
    /// Whatever kept it.
    fn layer(
        &self,
        number: usize,
        digest: &Digest,
        offset: u64,
    ) -> Result<(u64, Box<dyn Read + Send>), SourceError>;

    /// That the bytes are on this machine: they are unpacked from where they
    /// lie, and not copied first.
    fn is_near(&self) -> bool;
}

/// Which of several platforms serves best where `wanted` is asked for.
#[must_use]
pub fn choose<'a>(
    there: impl IntoIterator<Item = &'a Platform>,
    wanted: &Platform,
) -> Option<usize> {
    there
        .into_iter()
        .enumerate()
        .filter_map(|(i, p)| Some((p.distance_from(wanted)?, i)))
        .min()
        .map(|(_, i)| i)
}
