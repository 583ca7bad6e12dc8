//! What can go wrong with the store, each with what it happened to. The cause
//! is a source and not repeated in the text. Whatever fails, the store is as
//! good as before: what is unfinished is not in its place yet.

use std::io;
use std::path::PathBuf;

use armistice_arch::Platform;
use armistice_oci::document::DocumentError;

/// What a source of images gives as an error; its text says what and why.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refuses an operation on the store's own files.
    #[error("can't {what} {}{}", path.display(), full(.source))]
    Files {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The source failed.
    #[error("can't get {what}")]
    Source {
        /// What was wanted.
        what: String,
        /// Why not.
        #[source]
        source: SourceError,
    },
    /// A connection broke again and again.
    #[error(
        "can't get {what}: it broke off after {got} of {size} bytes; what came is kept, the next try goes on there"
    )]
    BrokeOff {
        /// Which blob.
        what: String,
        /// How many bytes there are.
        got: u64,
        /// How many there should be.
        size: u64,
        /// What broke.
        #[source]
        source: io::Error,
    },
    /// A blob's bytes are not those its digest names.
    #[error("{what} is damaged: its digest is {found}; nothing of it is kept")]
    WrongDigest {
        /// Which blob.
        what: String,
        /// What it hashes to.
        found: String,
    },
    /// A blob has another number of bytes.
    #[error("{what} has {found} bytes instead of {size}; nothing of it is kept")]
    WrongSize {
        /// Which blob.
        what: String,
        /// How many it should have.
        size: u64,
        /// How many came; at least.
        found: u64,
    },
    /// A document is not an image's.
    #[error("{what} can't be used")]
    Document {
        /// Which document.
        what: String,
        /// What is wrong with it.
        #[source]
        source: DocumentError,
    },
    /// The image is not made for the platform.
    #[error("{name} is not there for {wanted}; it is for {}", list(.there))]
    NoSuchPlatform {
        /// The image.
        name: String,
        /// What was asked for.
        wanted: Platform,
        /// What there is.
        there: Vec<Platform>,
    },
    /// An image whose configuration names another platform than its index.
    #[error("{name} is listed for {}, but says itself that it is for {}", .words.0, .words.1)]
    PlatformLies {
        /// The image.
        name: String,
        /// The index's word, and the configuration's.
        words: Box<(Platform, Platform)>,
    },
    /// A layer can't be unpacked as it is.
    #[error("layer {layer} can't be unpacked: {reason}")]
    BadLayer {
        /// Its digest.
        layer: String,
        /// What is wrong with it, and at which entry.
        reason: String,
    },
    /// A layer is larger than what is allowed for it.
    #[error("layer {layer} can't be unpacked: {reason}")]
    LargeLayer {
        /// Its digest.
        layer: String,
        /// How it is too large.
        reason: String,
    },
    /// The system refuses what a layer's entry takes.
    #[error("can't unpack '{entry}' of layer {layer}{}", full(.source))]
    Unpack {
        /// The layer's digest.
        layer: String,
        /// The entry.
        entry: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// An owner that Linux cannot have, whoever unpacks.
    #[error(
        "'{entry}' of layer {layer} belongs to {uid}:{gid}, and Linux has no user or group above \
         4294967294: the layer is damaged, or its image has to be made anew with an owner that exists"
    )]
    NoOwner {
        /// The layer's digest.
        layer: String,
        /// The entry.
        entry: String,
        /// The user's number.
        uid: u64,
        /// The group's number.
        gid: u64,
    },
    /// An owner that is not mapped into this process's user namespace.
    #[error(
        "'{entry}' of layer {layer} belongs to {uid}:{gid}, which is none of the identities that \
         exist in this user namespace"
    )]
    Owner {
        /// The layer's digest.
        layer: String,
        /// The entry.
        entry: String,
        /// The user's number.
        uid: u64,
        /// The group's number.
        gid: u64,
    },
    /// The store, or a folder of it, is another user's.
    #[error(
        "{} belongs to another user ({owner}); each user has a store of their own: set HOME or \
         ARMISTICE_STORE to a place of this user's", folder.display()
    )]
    OthersStore {
        /// The folder.
        folder: PathBuf,
        /// The owner's number.
        owner: u32,
    },
    /// A folder in which other things are.
    #[error(
        "{} is not empty and no store of Armistice's, so nothing is put there and nothing removed; \
         name a folder that is empty, or not there yet, in ARMISTICE_STORE", folder.display()
    )]
    NotAStore {
        /// The folder.
        folder: PathBuf,
    },
    /// A store that a later build made.
    #[error(
        "{} is a store of a later Armistice (layout {layout}); use that one, or name another folder in \
         ARMISTICE_STORE", folder.display()
    )]
    LaterLayout {
        /// The store.
        folder: PathBuf,
        /// Its layout's number.
        layout: u32,
    },
    /// A folder of the store's that others may have changed.
    #[error(
        "other users can write to {0} (mode {mode:o}), so what is in it may be theirs; name another folder in \
         ARMISTICE_STORE, or where no other user has written there: chmod 700 {0}", folder.display()
    )]
    OpenToOthers {
        /// The folder.
        folder: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A link or a file where the store has a folder.
    #[error(
        "{} is a link or a file, and has to be a folder of the store's; to keep a store elsewhere, name the whole of \
         it in ARMISTICE_STORE", path.display()
    )]
    NoFolder {
        /// What is there.
        path: PathBuf,
    },
    /// No image of this name.
    #[error("there is no {name} here; 'armistice images' lists what there is")]
    NoSuchImage {
        /// As it was asked for.
        name: String,
    },
}

fn full(source: &io::Error) -> &'static str {
    match source
        .raw_os_error()
        .map(rustix::io::Errno::from_raw_os_error)
    {
        Some(rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT) => {
            " ('armistice prune' frees what nothing uses; ARMISTICE_STORE names another place)"
        }
        _ => "",
    }
}

fn list(platforms: &[Platform]) -> String {
    if platforms.is_empty() {
        return "no platform that it tells".to_owned();
    }
    let names: Vec<String> = platforms.iter().map(Platform::to_string).collect();
    names.join(", ")
}

/// What a layer's unpacking ran into, before the layer's name is added.
#[derive(Debug)]
pub(crate) enum Trouble {
    Bad(String),
    Large(String),
    System(String, io::Error),
    NoOwner(String, u64, u64),
    Owner(String, u64, u64),
}

impl Trouble {
    pub(crate) fn of_layer(self, layer: &str) -> Error {
        let layer = layer.to_owned();
        match self {
            Trouble::Bad(reason) => Error::BadLayer { layer, reason },
            Trouble::Large(reason) => Error::LargeLayer { layer, reason },
            Trouble::System(entry, source) => Error::Unpack {
                layer,
                entry,
                source,
            },
            Trouble::NoOwner(entry, uid, gid) => Error::NoOwner {
                layer,
                entry,
                uid,
                gid,
            },
            Trouble::Owner(entry, uid, gid) => Error::Owner {
                layer,
                entry,
                uid,
                gid,
            },
        }
    }
}
