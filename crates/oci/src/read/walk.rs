//! Goes over the entries of a tar once. Nothing is unpacked.
//!
//! The tar crate reads the long names and extended headers that stand before an
//! entry into memory, however long they claim to be, and takes an end in the
//! middle of a seekable archive's data for the end of the archive. So the reader
//! below it ([`Guarded`]) allows it only so many bytes from one entry to the
//! next, and every entry's end is compared with the archive's.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::rc::Rc;

use tar::{Archive, Entries, EntryType};

use super::attributes::Attributes;
use super::blob::Blob;
use super::sparse::{Expanded, Sparse, SparseFields};
use crate::path::lossy;

/// The most that all headers of one entry may take.
const HEADERS_MAX: u64 = 4 << 20;

/// One entry of a tar.
#[derive(Debug)]
pub struct Member {
    /// As written.
    pub name: Vec<u8>,
    /// A link's target, as written.
    pub link: Vec<u8>,
    /// What it is.
    pub kind: MemberKind,
    /// Its permission bits, with set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// A file's size, its holes included.
    pub size: u64,
    /// Owner, time and extended attributes.
    pub attributes: Attributes,
    /// Where its bytes are in the archive; `None` for a sparse file.
    pub(crate) offset: Option<u64>,
    /// The how manieth entry it is.
    pub(crate) ordinal: u64,
}

/// What an entry of a tar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// Another name of an earlier file.
    HardLink,
    /// A named pipe.
    Fifo,
    /// A device.
    Device,
}

/// Why a tar can't be gone over.
#[derive(Debug)]
pub enum Fault {
    /// It ends inside this entry.
    CutOff(String),
    /// It is wrong at this entry.
    Bad(String, String),
    /// The system failed.
    Io(io::Error),
}

impl Fault {
    /// More files than memory is spent on.
    pub(crate) fn too_many(part: &str) -> Fault {
        let reason = "it has more files than any real image";
        Fault::Bad(part.to_owned(), reason.to_owned())
    }
}

/// What a walk over a tar calls for each entry, with its bytes.
pub type Visit<'a> = &'a mut dyn FnMut(Member, &mut dyn Read) -> io::Result<ControlFlow<()>>;

/// Goes over a tar whose bytes can be sought; files' bytes are not read.
pub(crate) fn plain(blob: &Blob, visit: Visit<'_>) -> Result<(), Fault> {
    let guard = Guard::default();
    let mut archive = Archive::new(guard.around(blob.reader()));
    let entries = archive.entries_with_seek().map_err(Fault::Io)?;
    each(entries, &guard, Some(blob.len), visit)
}

/// Goes over a tar that can only be read from front to back.
///
/// # Errors
/// The [`Fault`] of the tar, or what `visit` returned.
pub fn stream(reader: impl Read, visit: Visit<'_>) -> Result<(), Fault> {
    let guard = Guard::default();
    let mut archive = Archive::new(guard.around(reader));
    let entries = archive.entries().map_err(Fault::Io)?;
    each(entries, &guard, None, visit)
}

/// `len` is the length of a seekable archive.
fn each<R: Read>(
    mut entries: Entries<'_, R>,
    guard: &Guard,
    len: Option<u64>,
    visit: Visit<'_>,
) -> Result<(), Fault> {
    let mut last = "its beginning".to_owned();
    // What a stream has to read to get past the last entry's bytes.
    let mut pass = 0_u64;
    // Where the last entry's bytes end.
    let mut end = None;
    let mut ordinal = 0;
    loop {
        guard.left.set(pass.saturating_add(HEADERS_MAX));
        let next = entries.next();
        guard.left.set(u64::MAX);
        let mut entry = match next {
            None => return Ok(()),
            // umoci writes no padding behind the last file; nothing is missing then.
            Some(Err(_)) if end.is_some_and(|end| guard.ended_in_padding(end)) => return Ok(()),
            Some(Err(e)) => return Err(guard.fault(&e, &last)),
            Some(Ok(entry)) => entry,
        };
        let mut name = entry.path_bytes().into_owned();
        last = lossy(&name);
        let (attributes, holes) = extended(&mut entry).map_err(|e| guard.fault(&e, &last))?;
        if let Some(real) = holes.name {
            name = real;
            last = lossy(&name);
        }
        let bad = |e: io::Error| Fault::Bad(last.clone(), e.to_string());
        let tar_type = entry.header().entry_type();
        let sparse = tar_type == EntryType::GNUSparse;
        let stored = if sparse {
            entry.header().entry_size().map_err(bad)?
        } else {
            entry.size()
        };
        pass = if len.is_some() { 0 } else { stored };
        let offset = entry.raw_file_position();
        end = len.is_none().then(|| offset.saturating_add(stored));
        if len.is_some_and(|len| !sparse && offset.saturating_add(stored) > len) {
            return Err(Fault::CutOff(last));
        }
        let kind = kind_of(tar_type, &name);
        if let Some(kind) = kind {
            let holes = holes.map.filter(|_| kind == MemberKind::File);
            let member = Member {
                link: entry.link_name_bytes().unwrap_or_default().into_owned(),
                kind,
                mode: mode_of(entry.header()).map_err(bad)? & 0o7777,
                size: holes.as_ref().map_or(entry.size(), |map| map.size),
                attributes,
                offset: (!sparse && holes.is_none()).then_some(offset),
                ordinal,
                name,
            };
            let visited = match holes {
                Some(map) => Expanded::new(&mut entry, map)
                    .and_then(|mut expanded| visit(member, &mut expanded)),
                None => visit(member, &mut entry),
            };
            match visited {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return Ok(()),
                Err(e) => return Err(guard.fault(&e, &last)),
            }
        }
        ordinal += 1;
    }
}

/// A field that is not filled is zero, as Go and GNU tar read it.
fn mode_of(header: &tar::Header) -> io::Result<u32> {
    let field = &header.as_old().mode;
    if field.iter().all(|b| matches!(b, 0 | b' ')) {
        return Ok(0);
    }
    header.mode()
}

/// What the extended headers of an entry add.
fn extended<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<(Attributes, Sparse)> {
    let mut attributes = Attributes::of_header(entry.header());
    let mut sparse = SparseFields::default();
    // A header for all has records for others, and a comment mostly.
    if entry.header().entry_type().is_pax_global_extensions() {
        return Ok((attributes, sparse.finish()?));
    }
    if let Some(records) = entry.pax_extensions()? {
        for record in records {
            let record = record?;
            let (key, value) = (record.key_bytes(), record.value_bytes());
            attributes.record(key, value);
            sparse.record(key, value)?;
        }
    }
    Ok((attributes, sparse.finish()?))
}

/// `None` for entries that are no file, such as headers that hold for all.
fn kind_of(kind: EntryType, name: &[u8]) -> Option<MemberKind> {
    Some(match kind {
        EntryType::Directory => MemberKind::Directory,
        // Before POSIX, a directory was a file whose name ends in a slash.
        EntryType::Regular if name.ends_with(b"/") => MemberKind::Directory,
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => MemberKind::File,
        EntryType::Symlink => MemberKind::Symlink,
        EntryType::Link => MemberKind::HardLink,
        EntryType::Fifo => MemberKind::Fifo,
        EntryType::Char | EntryType::Block => MemberKind::Device,
        _ => return None,
    })
}

/// Whether this is the header of a tar's first entry, or the end of an empty one.
#[must_use]
pub fn looks_like_tar(first: &[u8]) -> bool {
    let Some(block) = first.first_chunk::<512>() else {
        return false;
    };
    if block.iter().all(|b| *b == 0) {
        return true;
    }
    let sum: u32 = block
        .iter()
        .enumerate()
        .map(|(i, b)| {
            if (148..156).contains(&i) {
                32
            } else {
                u32::from(*b)
            }
        })
        .sum();
    tar::Header::from_byte_slice(block).cksum().ok() == Some(sum)
}

/// How many bytes may still be read, and whether the source has ended.
#[derive(Debug, Default, Clone)]
struct Guard {
    left: Rc<Cell<u64>>,
    ended: Rc<Cell<bool>>,
    /// How many bytes were read.
    total: Rc<Cell<u64>>,
}

impl Guard {
    fn around<R>(&self, inner: R) -> Guarded<R> {
        self.left.set(u64::MAX);
        Guarded {
            inner,
            guard: self.clone(),
        }
    }

    /// Whether a stream ended after these bytes and before the next block.
    fn ended_in_padding(&self, end: u64) -> bool {
        let total = self.total.get();
        self.ended.get() && total >= end && total < end.saturating_add(511) / 512 * 512
    }

    fn fault(&self, e: &io::Error, at: &str) -> Fault {
        if let Some(code) = e.raw_os_error() {
            Fault::Io(io::Error::from_raw_os_error(code))
        } else if self.ended.get() || e.kind() == io::ErrorKind::UnexpectedEof {
            Fault::CutOff(at.to_owned())
        } else {
            Fault::Bad(at.to_owned(), e.to_string())
        }
    }
}

struct Guarded<R> {
    inner: R,
    guard: Guard,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        if n == 0 && !buf.is_empty() {
            self.guard.ended.set(true);
        }
        self.guard
            .total
            .set(self.guard.total.get().saturating_add(n as u64));
        let left = self.guard.left.get();
        let Some(left) = left.checked_sub(n as u64) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "its extended headers are larger than any real ones",
            ));
        };
        if self.guard.left.get() != u64::MAX {
            self.guard.left.set(left);
        }
        Ok(n)
    }
}

impl<R: Seek> Seek for Guarded<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
