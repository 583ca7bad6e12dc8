//! One layer's tar, and its size and digests.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use flate2::GzBuilder;
use tar::{Builder, EntryType, Header};

use super::{Compression, Content, Entry, ImageSpec, Layer};
use crate::Error;
use crate::digest::Hashing;

/// A layer's digests, in hexadecimal, and its size as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measure {
    /// Of the tar.
    pub(crate) diff_id: String,
    /// Of what is stored.
    pub(crate) digest: String,
    pub(crate) size: u64,
}

/// Writes a layer as it is stored, and measures it.
pub(crate) fn write(image: &ImageSpec, layer: &Layer, out: impl Write) -> Result<Measure, Error> {
    let mut stored = Hashing::new(out);
    let diff_id = match layer.compression {
        Compression::None => None,
        Compression::Gzip => {
            // No name, no time; 255 is "unknown system".
            let gzip = GzBuilder::new()
                .mtime(0)
                .operating_system(255)
                .write(&mut stored, flate2::Compression::default());
            let mut tar = Hashing::new(gzip);
            write_tar(image, layer, &mut tar)?;
            let (gzip, diff_id, _) = tar.finish();
            gzip.finish().map_err(|source| Error::Stream { source })?;
            Some(diff_id)
        }
    };
    if diff_id.is_none() {
        write_tar(image, layer, &mut stored)?;
    }
    let (_, digest, size) = stored.finish();
    Ok(Measure {
        diff_id: diff_id.unwrap_or_else(|| digest.clone()),
        digest,
        size,
    })
}

fn write_tar(image: &ImageSpec, layer: &Layer, out: &mut dyn Write) -> Result<(), Error> {
    let mut tar = Builder::new(out);
    for (path, entry) in with_parents(image, layer) {
        let mut header = Header::new_ustar();
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(image.timestamp);
        header.set_size(0);
        let result = match &*entry {
            Entry::Directory(mode) => {
                header.set_entry_type(EntryType::Directory);
                header.set_mode(*mode);
                tar.append_data(&mut header, format!("{path}/"), io::empty())
            }
            Entry::Symlink(target) => {
                header.set_entry_type(EntryType::Symlink);
                header.set_mode(0o777);
                tar.append_link(&mut header, path, target)
            }
            Entry::File(mode, Content::Bytes(bytes)) => {
                header.set_entry_type(EntryType::Regular);
                header.set_mode(*mode);
                header.set_size(bytes.len() as u64);
                tar.append_data(&mut header, path, &bytes[..])
            }
            Entry::File(mode, Content::File(source)) => {
                header.set_entry_type(EntryType::Regular);
                header.set_mode(*mode);
                append_file(&mut tar, &mut header, layer, path, source)?;
                Ok(())
            }
        };
        result.map_err(|source| Error::Stream { source })?;
    }
    tar.finish().map_err(|source| Error::Stream { source })
}

/// Streams a file of this machine, exactly as long as it was when opened.
fn append_file(
    tar: &mut Builder<&mut dyn Write>,
    header: &mut Header,
    layer: &Layer,
    path: &str,
    source: &Path,
) -> Result<(), Error> {
    let unreadable = |e| Error::Input {
        path: source.to_owned(),
        name: format!("/{path}"),
        source: e,
    };
    // A pipe would be waited for, a device never end.
    let meta = std::fs::metadata(source).map_err(unreadable)?;
    if !meta.is_file() {
        let reason = "it is not a regular file";
        return Err(unreadable(io::Error::new(
            io::ErrorKind::InvalidInput,
            reason,
        )));
    }
    let file = File::open(source).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    header.set_size(size);
    let mut input = Exactly {
        file,
        left: size,
        failure: None,
    };
    let result = tar.append_data(header, path, &mut input);
    match (input.failure, result) {
        (Some(Failure::Short), _) => Err(Error::InputChanged {
            layer: layer.comment.clone(),
        }),
        (Some(Failure::Io(e)), _) => Err(unreadable(e)),
        (None, Err(source)) => Err(Error::Stream { source }),
        (None, Ok(())) => Ok(()),
    }
}

/// Reads as many bytes as promised, and remembers why it could not.
struct Exactly {
    file: File,
    left: u64,
    failure: Option<Failure>,
}

enum Failure {
    Short,
    Io(io::Error),
}

impl Read for Exactly {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
        let buf = buf.get_mut(..want).unwrap_or_default();
        if buf.is_empty() {
            return Ok(0);
        }
        match self.file.read(buf) {
            Ok(0) => {
                self.failure = Some(Failure::Short);
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(n) => {
                self.left -= n as u64;
                Ok(n)
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Err(e),
            Err(e) => {
                let kind = e.kind();
                self.failure = Some(Failure::Io(e));
                Err(kind.into())
            }
        }
    }
}

/// The layer's entries and the folders above them, in the order of their paths.
/// A folder has the mode that any layer of the image gives it, else 755: a later
/// layer must not undo it by merely having a file there.
fn with_parents<'a>(image: &'a ImageSpec, layer: &'a Layer) -> BTreeMap<&'a str, Cow<'a>> {
    let mut all: BTreeMap<&str, Cow<'_>> = BTreeMap::new();
    for (path, entry) in &layer.entries {
        for (at, _) in path.match_indices('/') {
            let folder = path.get(..at).unwrap_or_default();
            all.entry(folder).or_insert_with(|| {
                let mode = image
                    .layers
                    .iter()
                    .rev()
                    .find_map(|l| match l.entries.get(folder) {
                        Some(Entry::Directory(mode)) => Some(*mode),
                        _ => None,
                    });
                std::borrow::Cow::Owned(Entry::Directory(mode.unwrap_or(0o755)))
            });
        }
        all.insert(path, std::borrow::Cow::Borrowed(entry));
    }
    all
}

type Cow<'a> = std::borrow::Cow<'a, Entry>;
