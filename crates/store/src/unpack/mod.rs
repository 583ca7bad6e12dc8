//! A layer's tar becomes a folder that overlay takes as a lower.
//!
//! - `place`: where an entry goes, inside the merged root and never outside.
//! - `put`: entries made, each in an open folder, by name, through no link.
//! - `meta`: owners, modes, times, extended attributes.
//!
//! The stream may be anybody's: its bounds are kept, and nothing in it can lead
//! out of the layer's folder. Memory holds one path for each directory, and no
//! more however large the layer is.

mod meta;
pub(crate) mod place;
mod put;

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;

use armistice_oci::stream::{self, Fault, Method};
use armistice_oci::{Digest, Hashing};
use serde::{Deserialize, Serialize};

use crate::error::Trouble;
use crate::ids::Owners;
use put::Unpacker;

/// What a layer may come to.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Entries in its tar.
    pub entries: u64,
    /// Bytes of the tar, and of its files with their holes.
    pub bytes: u64,
}

impl Limits {
    /// For a layer of so many stored bytes: real ones compress to a fifth, and
    /// gzip can't do better than a thousandth.
    #[must_use]
    pub fn of(stored: u64) -> Limits {
        Limits {
            entries: 4 << 20,
            bytes: stored.saturating_mul(200).clamp(1 << 30, 1 << 40),
        }
    }
}

/// What is to be known of an unpacked layer.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unpacked {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
    /// Devices that were not made; the first few by name.
    pub(crate) devices: u64,
    pub(crate) device_names: Vec<String>,
    /// Extended attributes that were left out.
    pub(crate) xattrs_left_out: u64,
    /// Folders that hide what is below, by path.
    pub(crate) opaque: BTreeSet<Vec<u8>>,
}

/// A layer below, unpacked.
#[derive(Debug)]
pub(crate) struct Lower {
    pub(crate) root: OwnedFd,
    pub(crate) opaque: BTreeSet<Vec<u8>>,
}

/// Unpacks a stored layer into an empty folder. `lowers` are the layers below,
/// the topmost first. The digest of the tar is returned with what was unpacked.
pub(crate) fn unpack(
    stored: impl Read,
    root: OwnedFd,
    lowers: &[Lower],
    owners: Owners,
    limits: Limits,
) -> Result<(Digest, Unpacked), Trouble> {
    let mut stored = BufReader::with_capacity(64 * 1024, stored);
    let first = stored.fill_buf().map_err(|e| reading(&e))?;
    let method = Method::of(first);
    let empty = first.is_empty();
    if method == Method::Plain && !empty && first.len() >= 512 && !stream::looks_like_tar(first) {
        let text = "it is neither a tar nor compressed by gzip or zstd";
        return Err(Trouble::Bad(text.to_owned()));
    }
    // Headers and padding count too: a tar of entries without bytes ends as well.
    let ceiling = limits.bytes.saturating_add(limits.bytes / 4);
    let mut tar = Hashing::new(Bounded {
        inner: stream::decode(method, stored),
        left: ceiling,
    });
    let mut unpacker = Unpacker::new(root, lowers, owners, limits)?;
    let mut trouble = None;
    let walked = stream::stream(
        &mut tar,
        &mut |member, bytes| match unpacker.put(&member, bytes) {
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(e) => {
                trouble = Some(e);
                Ok(ControlFlow::Break(()))
            }
        },
    );
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    walked.map_err(told)?;
    // What follows the tar's end belongs to the digest as well.
    io::copy(&mut tar, &mut io::sink()).map_err(|e| reading(&e))?;
    let unpacked = unpacker.finish()?;
    Ok((tar.into_digest().1, unpacked))
}

fn told(fault: Fault) -> Trouble {
    match fault {
        Fault::CutOff(at) => Trouble::Bad(format!("it is cut off at {at}")),
        Fault::Bad(at, reason) => Trouble::Bad(format!("{reason} (at {at})")),
        Fault::Io(e) => reading(&e),
    }
}

/// A failing decoder is the layer's fault, a failing disk is not.
fn reading(e: &io::Error) -> Trouble {
    match e.raw_os_error() {
        Some(code) => Trouble::System("its bytes".to_owned(), io::Error::from_raw_os_error(code)),
        None if e.kind() == io::ErrorKind::UnexpectedEof => {
            Trouble::Bad("it is cut off".to_owned())
        }
        None if matches!(e.get_ref(), Some(inner) if inner.is::<TooLong>()) => {
            Trouble::Large(e.to_string())
        }
        None => Trouble::Bad(e.to_string()),
    }
}

/// A stream was ended: it went on beyond all that is real.
#[derive(Debug, thiserror::Error)]
#[error("it unpacks to more than is usual for its size")]
struct TooLong;

/// Ends a stream that goes on beyond all that is real.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.left = self
            .left
            .checked_sub(n as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, TooLong))?;
        Ok(n)
    }
}

/// Unpacks layers, the lowest first, into folders `0`, `1`, ... of a folder, each over
/// those before, as tests and fuzzing do. Returns the digest of the last one's tar.
///
/// # Errors
/// What is wrong with a layer, or with the system.
#[doc(hidden)]
pub fn scratch(
    layers: &[&[u8]],
    folder: &std::path::Path,
    limits: Limits,
) -> Result<Digest, crate::Error> {
    use rustix::fs::{Mode, OFlags};
    let system = |e: io::Error| Trouble::System("/".to_owned(), e).of_layer("scratch");
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let (mut lowers, mut last): (Vec<Lower>, _) = (Vec::new(), Digest::of(b""));
    for (number, stored) in layers.iter().enumerate() {
        let path = folder.join(number.to_string());
        std::fs::create_dir(&path).map_err(system)?;
        let open = || rustix::fs::open(&path, flags, Mode::empty()).map_err(|e| system(e.into()));
        let (digest, unpacked) = unpack(*stored, open()?, &lowers, Owners::Lost, limits)
            .map_err(|trouble| trouble.of_layer("scratch"))?;
        let opaque = unpacked.opaque;
        lowers.insert(
            0,
            Lower {
                root: open()?,
                opaque,
            },
        );
        last = digest;
    }
    Ok(last)
}
