//! What happens while an image comes, for whoever shows it.

use armistice_oci::Digest;

/// What happens, for whoever shows it. Calls come from several threads.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The image has these many layers, and these bytes are to come at most.
    Image {
        /// How many layers.
        layers: usize,
        /// How many of them are there.
        there: usize,
    },
    /// A layer begins to come; some bytes are there from a former try.
    Fetching {
        /// Which.
        digest: &'a Digest,
        /// Its size.
        size: u64,
        /// What a former try left.
        there: u64,
    },
    /// The registry can't go on where the former try ended.
    Again {
        /// Which.
        digest: &'a Digest,
    },
    /// Some bytes came.
    Came {
        /// Of which layer.
        digest: &'a Digest,
        /// How many.
        bytes: u64,
    },
    /// All came, and are what they should be.
    Fetched {
        /// Which.
        digest: &'a Digest,
    },
    /// A layer is in the store.
    Unpacked {
        /// Which.
        digest: &'a Digest,
        /// Its bytes on disk.
        disk: u64,
    },
}
