//! What one layer holds: its entries in order, gone over once.
//!
//! An uncompressed layer is never read through: entries are sought, and files
//! are read where they lie. A compressed one is read through, which also shows
//! whether its digest is right; the beginnings of its programs are kept, so that
//! telling what an image starts seldom unpacks it twice.

use std::cell::RefCell;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

use super::blob::{Blob, BlobReader};
use super::compress::{self, Method};
use super::store::{Store, fault_of};
use super::walk::{self, Fault, Member, MemberKind};
use crate::Error;
use crate::digest::Hashing;
use crate::path::{PATH_MAX, clean_joined, lossy};

/// How much of each program's beginning is kept.
const HEAD: u64 = 1024;

/// How many beginnings of one layer are kept.
const HEADS_MAX: usize = 32 * 1024;

/// The memory that one layer's entries may take; a real one's take some
/// megabytes, and a hostile one must not take all there is.
const WEIGHT_MAX: usize = 512 << 20;

/// A layer as its manifest names it.
#[derive(Debug, Clone)]
pub(crate) struct LayerRef {
    /// For messages: its digest, or its name in the archive.
    pub(crate) name: String,
    /// Its name in the archive.
    pub(crate) member: String,
    /// The digest of the stored bytes, in hexadecimal, if it is known.
    pub(crate) digest: Option<String>,
    /// The digest of the tar, in hexadecimal, if it is known.
    pub(crate) diff_id: Option<String>,
    /// The size of the stored bytes, if it is known.
    pub(crate) size: Option<u64>,
}

/// A layer's entries, and where its bytes are.
#[derive(Debug)]
pub(crate) struct LayerIndex {
    pub(crate) name: String,
    blob: Blob,
    method: Method,
    pub(crate) entries: Vec<LayerEntry>,
}

/// One entry of a layer.
#[derive(Debug)]
pub(crate) struct LayerEntry {
    /// Cleaned; the root is empty.
    pub(crate) path: Box<[u8]>,
    pub(crate) mode: u32,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    Directory,
    File(FileRef),
    Symlink(Box<[u8]>),
    /// Another name of the file at this cleaned path.
    HardLink(Box<[u8]>),
    Other,
    /// The path is not there, whatever lower layers say (`.wh.NAME`).
    Whiteout,
    /// The directory holds nothing from lower layers (`.wh..wh..opq`).
    Opaque,
}

/// Where a file's bytes are in its layer.
#[derive(Debug)]
pub(crate) struct FileRef {
    pub(crate) size: u64,
    offset: Option<u64>,
    ordinal: u64,
    head: Option<Box<[u8]>>,
}

impl LayerIndex {
    /// Goes over a layer.
    pub(crate) fn read(store: &Store, layer: &LayerRef) -> Result<LayerIndex, Error> {
        let name = layer.name.clone();
        let blob = store
            .get(&layer.member)?
            .ok_or_else(|| store.missing(&name))?;
        if let Some(wanted) = layer.size.filter(|wanted| *wanted != blob.len) {
            return Err(Error::WrongSize {
                archive: store.path.clone(),
                name,
                wanted,
                found: blob.len,
            });
        }
        let first = blob.bytes(512).map_err(|e| store.read_error(&name, e))?;
        let mut index = LayerIndex {
            method: Method::of(&first),
            entries: Vec::new(),
            blob,
            name,
        };
        match index.method {
            Method::Plain if first.is_empty() || walk::looks_like_tar(&first) => {
                index.seek_over(store)?;
            }
            Method::Plain => {
                return Err(Error::Damaged {
                    archive: store.path.clone(),
                    name: index.name,
                    reason: "it is neither a tar nor compressed by gzip or zstd".to_owned(),
                });
            }
            Method::Gzip | Method::Zstd => index.read_through(store, layer)?,
        }
        Ok(index)
    }

    fn seek_over(&mut self, store: &Store) -> Result<(), Error> {
        let mut collect = Collect::default();
        let result = walk::plain(&self.blob, &mut |member, _| Ok(collect.add(member, None)));
        self.take(store, collect, result)
    }

    fn read_through(&mut self, store: &Store, layer: &LayerRef) -> Result<(), Error> {
        let stored = Shared(Rc::new(RefCell::new(Hashing::new(self.blob.reader()))));
        // Of the two digests the one of the stored bytes is cheaper, and enough.
        let by_diff_id = layer.digest.is_none() && layer.diff_id.is_some();
        let mut decoded = MaybeHashing {
            inner: compress::decode(self.method, stored.clone()),
            hash: by_diff_id.then(|| Hashing::new(io::sink())),
        };
        let mut collect = Collect::default();
        let mut heads = 0;
        let mut result = walk::stream(&mut decoded, &mut |member, bytes| {
            let head =
                if member.kind == MemberKind::File && member.mode & 0o111 != 0 && heads < HEADS_MAX
                {
                    program_head(bytes)?
                } else {
                    None
                };
            heads += usize::from(head.is_some());
            Ok(collect.add(member, head))
        });
        if result.is_ok() && collect.bad_path.is_none() && collect.weight <= WEIGHT_MAX {
            // What follows the tar's end belongs to the digest as well.
            result = io::copy(&mut decoded, &mut io::sink())
                .map(|_| ())
                .map_err(|e| fault_of("its end", &e));
        }
        let whole = result.is_ok();
        self.take(store, collect, result)?;
        if whole && let (Some(hash), Some(hex)) = (decoded.hash.take(), &layer.diff_id) {
            store.same_digest(&self.name, hex, hash.finish().1)?;
        }
        drop(decoded);
        if let Some(hex) = &layer.digest
            && let Some(cell) = Rc::into_inner(stored.0)
        {
            let mut hashing = cell.into_inner();
            io::copy(&mut hashing, &mut io::sink()).map_err(|e| store.read_error(&self.name, e))?;
            store.same_digest(&self.name, hex, hashing.finish().1)?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        store: &Store,
        collect: Collect,
        result: Result<(), Fault>,
    ) -> Result<(), Error> {
        result.map_err(|fault| store.fault(&self.name, fault))?;
        if let Some(name) = collect.bad_path {
            return Err(Error::BadPath {
                archive: store.path.clone(),
                layer: self.name.clone(),
                name: lossy(&name).chars().take(200).collect(),
            });
        }
        if collect.weight > WEIGHT_MAX {
            return Err(store.fault(&self.name, Fault::too_many(&self.name)));
        }
        self.entries = collect.entries;
        Ok(())
    }

    /// Up to `len` bytes of a file from `offset`.
    pub(crate) fn read_file(
        &self,
        store: &Store,
        file: &FileRef,
        offset: u64,
        len: usize,
    ) -> Result<Vec<u8>, Error> {
        let len = (len as u64).min(file.size.saturating_sub(offset));
        let in_head = file.head.as_deref().and_then(|head| {
            let start = usize::try_from(offset).ok()?;
            let end = usize::try_from(offset.checked_add(len)?).ok()?;
            head.get(start..end)
        });
        if let Some(bytes) = in_head {
            return Ok(bytes.to_vec());
        }
        match (self.method, file.offset) {
            (Method::Plain, Some(at)) => self
                .blob
                .part(at.saturating_add(offset), len)
                .bytes(len)
                .map_err(|e| store.read_error(&self.name, e)),
            (method, _) => {
                let mut out = Vec::new();
                let reader = compress::decode(method, self.blob.reader());
                walk::stream(reader, &mut |member, bytes| {
                    if member.ordinal < file.ordinal {
                        return Ok(ControlFlow::Continue(()));
                    }
                    io::copy(&mut bytes.take(offset), &mut io::sink())?;
                    bytes.take(len).read_to_end(&mut out)?;
                    Ok(ControlFlow::Break(()))
                })
                .map_err(|fault| store.fault(&self.name, fault))?;
                Ok(out)
            }
        }
    }
}

/// The beginning of a file that can be executed, as its first bytes say.
fn program_head(bytes: &mut dyn Read) -> io::Result<Option<Box<[u8]>>> {
    let mut head = Vec::new();
    bytes.take(HEAD).read_to_end(&mut head)?;
    let program = head.starts_with(b"\x7fELF") || head.starts_with(b"#!");
    Ok(program.then(|| head.into_boxed_slice()))
}

/// Turns members of a tar into entries of a layer.
#[derive(Debug, Default)]
struct Collect {
    entries: Vec<LayerEntry>,
    bad_path: Option<Vec<u8>>,
    weight: usize,
}

impl Collect {
    fn add(&mut self, member: Member, head: Option<Box<[u8]>>) -> ControlFlow<()> {
        let head_len = head.as_ref().map_or(0, |h| h.len());
        self.weight += size_of::<LayerEntry>() + member.name.len() + member.link.len() + head_len;
        if self.weight > WEIGHT_MAX {
            return ControlFlow::Break(());
        }
        let Some(path) = clean_joined(&member.name) else {
            self.bad_path = Some(member.name);
            return ControlFlow::Break(());
        };
        let mode = member.mode;
        let (path, what) = match whiteout(&path) {
            Some(Some((path, what))) => (path, what),
            Some(None) => return ControlFlow::Continue(()),
            None => {
                let Some(what) = what(&member, head) else {
                    self.bad_path = Some(member.link);
                    return ControlFlow::Break(());
                };
                (path, what)
            }
        };
        self.entries.push(LayerEntry {
            path: path.into(),
            mode,
            what,
        });
        ControlFlow::Continue(())
    }
}

/// What a member is, when it is no whiteout; `None` if its target is impossible.
fn what(member: &Member, head: Option<Box<[u8]>>) -> Option<What> {
    Some(match member.kind {
        MemberKind::Directory => What::Directory,
        MemberKind::Fifo | MemberKind::Device => What::Other,
        MemberKind::File => What::File(FileRef {
            size: member.size,
            offset: member.offset,
            ordinal: member.ordinal,
            head,
        }),
        MemberKind::Symlink if member.link.len() >= PATH_MAX => return None,
        MemberKind::Symlink => What::Symlink(member.link.as_slice().into()),
        MemberKind::HardLink => What::HardLink(clean_joined(&member.link)?.into()),
    })
}

/// What a cleaned path says as a whiteout: `None` if it is none, `Some(None)` if
/// it is one of the marks that AUFS left for itself.
fn whiteout(path: &[u8]) -> Option<Option<(Vec<u8>, What)>> {
    let at = path.iter().rposition(|b| *b == b'/').map_or(0, |i| i + 1);
    let (folder, name) = path.split_at(at);
    let hidden = name.strip_prefix(b".wh.")?;
    Some(match hidden {
        b".wh..opq" => {
            let folder = folder.strip_suffix(b"/").unwrap_or(folder);
            Some((folder.to_vec(), What::Opaque))
        }
        // An empty name would be the folder itself; `.` and `..` lead elsewhere.
        b"" | b"." | b".." => None,
        _ if hidden.starts_with(b".wh.") => None,
        _ => Some(([folder, hidden].concat(), What::Whiteout)),
    })
}

/// A reader that can be had back from inside a decoder.
#[derive(Debug, Clone)]
struct Shared(Rc<RefCell<Hashing<BlobReader>>>);

impl Read for Shared {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(buf)
    }
}

/// Hashes what is read through it, if that is wanted.
struct MaybeHashing {
    inner: Box<dyn Read>,
    hash: Option<Hashing<io::Sink>>,
}

impl Read for MaybeHashing {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        if let Some(hash) = &mut self.hash {
            io::Write::write_all(hash, buf.get(..n).unwrap_or_default())?;
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_entries_are_not_kept() {
        let mut collect = Collect::default();
        let name = b"x/../".repeat(800);
        for ordinal in 0..WEIGHT_MAX as u64 / 4000 {
            let member = Member {
                name: [&name[..], b"f"].concat(),
                link: Vec::new(),
                kind: MemberKind::Fifo,
                attributes: crate::read::attributes::Attributes::default(),
                mode: 0,
                size: 0,
                offset: None,
                ordinal,
            };
            if collect.add(member, None).is_break() {
                assert!(collect.weight > WEIGHT_MAX && collect.bad_path.is_none());
                return;
            }
        }
        panic!("{} entries are kept", collect.entries.len());
    }
}
