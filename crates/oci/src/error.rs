//! Everything that can go wrong, each with what it happened to.
//!
//! The cause is a source and not repeated in the text. `archive` is the path
//! that was opened; names inside it are as the archive spells them, with bytes
//! that are not UTF-8 replaced.

use std::io;
use std::path::PathBuf;

/// Why an archive could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The archive, folder or root can't be opened.
    #[error("can't open {}", path.display())]
    Open {
        /// What was to be opened.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The system failed while the archive was read.
    #[error("can't read {} in {}", name, archive.display())]
    Read {
        /// The archive.
        archive: PathBuf,
        /// The part of it.
        name: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "{} is not an image: it is {found}; give a file made by 'docker save', \
         'podman save' or 'buildx --output type=oci', or an OCI layout folder", archive.display()
    )]
    NotAnImage {
        /// The file.
        archive: PathBuf,
        /// What it seems to be.
        found: Found,
    },
    /// A tar, or a compressed stream, ends before its time.
    #[error("{} is cut off: it ends inside {name}; copy or save it again", archive.display())]
    CutOff {
        /// The archive.
        archive: PathBuf,
        /// The part that it ends in.
        name: String,
    },
    /// A tar, or a compressed stream, can't be decoded.
    #[error("{} is damaged at {name}: {reason}", archive.display())]
    Damaged {
        /// The archive.
        archive: PathBuf,
        /// The part that is damaged.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A compressed archive can't be unpacked into the temporary folder.
    #[error(
        "can't unpack {} into a temporary file; give it uncompressed, or set TMPDIR to a folder \
         with room for it", archive.display()
    )]
    Spool {
        /// The archive.
        archive: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A JSON document is not what the format demands.
    #[error("{} in {} is not as the format demands", name, archive.display())]
    BadJson {
        /// The archive.
        archive: PathBuf,
        /// The document.
        name: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A JSON document is larger than any real one.
    #[error("{name} in {} has {size} bytes; more than {limit} is no real one", archive.display())]
    TooLarge {
        /// The archive.
        archive: PathBuf,
        /// The document.
        name: String,
        /// Its size in bytes.
        size: u64,
        /// The most that is read.
        limit: u64,
    },
    /// Something refers to a blob or file that the archive has not.
    #[error("{} lacks {name}; save the image again", archive.display())]
    MissingBlob {
        /// The archive.
        archive: PathBuf,
        /// What is missing.
        name: String,
    },
    /// A blob's bytes are not those its digest names.
    #[error("{name} in {} is damaged: its digest is sha256:{found}", archive.display())]
    WrongDigest {
        /// The archive.
        archive: PathBuf,
        /// The blob, by the digest it should have.
        name: String,
        /// The digest it has.
        found: String,
    },
    /// A blob's size is not the one its descriptor names.
    #[error("{name} in {} has {found} bytes instead of {wanted}", archive.display())]
    WrongSize {
        /// The archive.
        archive: PathBuf,
        /// The blob.
        name: String,
        /// The size it should have.
        wanted: u64,
        /// The size it has.
        found: u64,
    },
    /// A digest of another form than `sha256:<64 hexadecimal digits>`.
    #[error("{} has the digest '{digest}', which is not a sha256 digest", archive.display())]
    BadDigest {
        /// The archive.
        archive: PathBuf,
        /// As it is written there.
        digest: String,
    },
    /// A name in a tar leads out of the root or is longer than a path can be.
    #[error("{} has an entry with an impossible path in {layer}: '{name}'", archive.display())]
    BadPath {
        /// The archive.
        archive: PathBuf,
        /// The tar the entry is in.
        layer: String,
        /// The entry's name, or the link's target.
        name: String,
    },
    /// A hard link whose target is not there before it.
    #[error("{layer} in {} links '{name}' to '{target}', which is not a file there", archive.display())]
    BadHardLink {
        /// The archive.
        archive: PathBuf,
        /// The layer the link is in.
        layer: String,
        /// The link.
        name: String,
        /// What it is linked to.
        target: String,
    },
    /// A configuration that lists another number of layers than its manifest.
    #[error("an image in {} has {layers} layers but lists {diff_ids}", archive.display())]
    LayerCount {
        /// The archive.
        archive: PathBuf,
        /// How many the manifest has.
        layers: usize,
        /// How many the configuration has.
        diff_ids: usize,
    },
    /// Indexes inside indexes, deeper or more than in any real archive.
    #[error("{} has more indexes in one another than any real one", archive.display())]
    TooDeep {
        /// The archive.
        archive: PathBuf,
    },
    /// The archive's index leads to no image that is in it.
    #[error("{} holds no image", archive.display())]
    NoImage {
        /// The archive.
        archive: PathBuf,
    },
    /// A file that was asked for by path is not there, or not a file.
    #[error("{} is not a file that can be read there", path.display())]
    NoFile {
        /// As it was asked for.
        path: PathBuf,
    },
    /// A folder that stands for a root can't be read at a path.
    #[error("can't read {} below {}", path.display(), root.display())]
    Folder {
        /// The root.
        root: PathBuf,
        /// The path below it.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },

    /// A file that is to go into the image can't be read.
    #[error("can't read {}, which is to become {name}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// Its path in the image.
        name: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file changed while it was put into the image.
    #[error("a file of the layer '{layer}' changed while it was written; try again")]
    InputChanged {
        /// The layer.
        layer: String,
    },
    /// A path that can't be put into an image.
    #[error("'{name}' can't be put into an image: {reason}")]
    BadInputPath {
        /// The path.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A tag that no engine would take.
    #[error("'{tag}' is not an image name; write it like 'registry.example/folder/name:tag'")]
    BadTag {
        /// The tag.
        tag: String,
    },
    /// The archive can't be written. Nothing is left behind.
    #[error("can't write {}; nothing is left of it", path.display())]
    Write {
        /// The archive to be.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The archive can't be written to the stream given.
    #[error("can't write the image archive")]
    Stream {
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Something that is no regular file is in the place of the archive.
    #[error("{} is there and is not a regular file, so it is not replaced", path.display())]
    NotReplaceable {
        /// What is there.
        path: PathBuf,
    },
}

/// What a file that is no image seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// A folder without `oci-layout`.
    Folder,
    /// A pipe, socket or device.
    Special,
    /// A file of no bytes.
    Empty,
    /// A tar with neither `index.json` nor `manifest.json`.
    OtherTar,
    /// A tar with `repositories` only, as Docker wrote before 1.10.
    OldDocker,
    /// A program.
    Elf,
    /// A script.
    Script,
    /// JSON text.
    Json,
    /// A zip file.
    Zip,
    /// Compressed by gzip or zstd, and no tar inside.
    CompressedOther,
    /// Compressed by a method that is not read.
    Compressed {
        /// The method.
        by: &'static str,
        /// The command that unpacks it.
        unpack: &'static str,
    },
    /// Anything else.
    Other,
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Found::Folder => "a folder without the file oci-layout",
            Found::Special => "a pipe, a socket or a device",
            Found::Empty => "an empty file",
            Found::OtherTar => "a tar without index.json and manifest.json",
            Found::OldDocker => "an archive of a Docker older than 1.10",
            Found::Elf => "an ELF file",
            Found::Script => "a script",
            Found::Json => "JSON text",
            Found::Zip => "a zip file",
            Found::CompressedOther => "compressed, and no tar inside",
            Found::Compressed { by, unpack } => {
                return write!(
                    f,
                    "compressed by {by}, which is not read (unpack it by '{unpack}')"
                );
            }
            Found::Other => "no tar",
        })
    }
}
