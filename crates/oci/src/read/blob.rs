//! A range of an open file: a blob of an archive, or a whole file. Reads don't
//! move the file's own position, so any number of readers may be at work.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Some bytes of an open file.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    file: Arc<File>,
    base: u64,
    pub(crate) len: u64,
}

impl Blob {
    pub(crate) fn new(file: Arc<File>, base: u64, len: u64) -> Blob {
        Blob { file, base, len }
    }

    pub(crate) fn whole(file: File) -> io::Result<Blob> {
        let len = file.metadata()?.len();
        Ok(Blob::new(Arc::new(file), 0, len))
    }

    /// A part of it, as far as it has one there.
    pub(crate) fn part(&self, offset: u64, len: u64) -> Blob {
        let offset = offset.min(self.len);
        Blob {
            file: Arc::clone(&self.file),
            base: self.base + offset,
            len: len.min(self.len - offset),
        }
    }

    pub(crate) fn reader(&self) -> BlobReader {
        BlobReader {
            blob: self.clone(),
            pos: 0,
        }
    }

    /// All of it, or its first `limit` bytes.
    pub(crate) fn bytes(&self, limit: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        self.reader().take(limit).read_to_end(&mut out)?;
        Ok(out)
    }
}

/// Reads a part of an archive.
#[derive(Debug)]
pub struct BlobReader {
    blob: Blob,
    pos: u64,
}

impl Read for BlobReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.blob.len.saturating_sub(self.pos);
        let want = usize::try_from(left).map_or(buf.len(), |left| left.min(buf.len()));
        let Some(buf) = buf.get_mut(..want) else {
            return Ok(0);
        };
        let n = self.blob.file.read_at(buf, self.blob.base + self.pos)?;
        self.pos += n as u64;
        Ok(n)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.blob.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.pos.checked_add_signed(by),
        };
        self.pos = target
            .filter(|at| i64::try_from(*at).is_ok())
            .ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.pos)
    }
}
