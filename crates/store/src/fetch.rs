//! One blob from far: kept while it comes, gone on with after a break, and
//! verified before anybody sees it.
//!
//! `partial/HEX` is locked by who fetches. Bytes that a former try left are
//! hashed again; the rest is asked for. After the lock is given back the file may be
//! another's to remove, so the opened file is what is handed on.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use armistice_oci::document::BlobRef;
use armistice_oci::{Digest, Hashing};
use rustix::fs::FlockOperation;

use crate::files::{self, failed};
use crate::{Error, Event, Source, SourceError, Store};

/// How often a broken connection is made again without a byte coming.
const TRIES: u32 = 3;

/// What is asked for.
pub(crate) struct Fetch<'a> {
    pub(crate) store: &'a Store,
    pub(crate) source: &'a dyn Source,
    pub(crate) number: usize,
    pub(crate) blob: &'a BlobRef,
    pub(crate) events: &'a (dyn Fn(Event<'_>) + Sync),
    /// Another layer failed.
    pub(crate) stop: &'a AtomicBool,
    /// Whether the blob is unpacked, and not needed any more.
    pub(crate) is_made: &'a dyn Fn() -> bool,
}

/// What became of a fetch.
pub(crate) enum Come {
    /// All bytes are there; the file is at its beginning.
    File(File),
    /// Another pull, for which this one waited, has unpacked it.
    Made,
    /// It was told to stop.
    Stopped,
}

/// Why a try ended.
enum Ended {
    Source(SourceError),
    Connection(io::Error),
    Own(Error),
    Stopped,
}

impl Fetch<'_> {
    /// Fetches the blob, or finds that nobody has to.
    pub(crate) fn run(&self) -> Result<Come, Error> {
        let path = self.store.partial(&self.blob.digest);
        let locked = files::lock(&path, FlockOperation::LockExclusive)?;
        // Whoever unpacked it removed the file that this one waited for.
        if (self.is_made)() {
            return Ok(Come::Made);
        }
        let file = &locked.0;
        let (mut hash, mut at) = self.what_is_there(file)?;
        (self.events)(Event::Fetching {
            digest: &self.blob.digest,
            size: self.blob.size,
            there: at,
        });
        let mut failures = 0;
        while at < self.blob.size {
            let before = at;
            match self.some(file, &mut hash, &mut at) {
                Ok(()) => {}
                Err(Ended::Stopped) => return Ok(Come::Stopped),
                Err(Ended::Own(e)) => return Err(e),
                Err(Ended::Source(source)) => {
                    let what = format!("layer {}", self.blob.digest);
                    return Err(Error::Source { what, source });
                }
                Err(Ended::Connection(source)) => {
                    failures = if at > before { 0 } else { failures + 1 };
                    if failures >= TRIES {
                        return Err(Error::BrokeOff {
                            what: format!("layer {}", self.blob.digest),
                            got: at,
                            size: self.blob.size,
                            source,
                        });
                    }
                    std::thread::sleep(Duration::from_millis(200 << failures));
                }
            }
        }
        let (_, found) = hash.into_digest();
        if found != self.blob.digest {
            files::remove(&path)?;
            return Err(Error::WrongDigest {
                what: format!("layer {}", self.blob.digest),
                found: found.to_string(),
            });
        }
        (self.events)(Event::Fetched {
            digest: &self.blob.digest,
        });
        // By its path it may be gone: another pull that has unpacked it removes it.
        rustix::fs::flock(file, FlockOperation::Unlock)
            .map_err(|e| failed("unlock", &path)(e.into()))?;
        let mut reader = locked.0;
        reader
            .seek(SeekFrom::Start(0))
            .map_err(failed("read", &path))?;
        Ok(Come::File(reader))
    }

    /// Hashes what a former try left. More than there should be is no beginning.
    fn what_is_there(&self, mut file: &File) -> Result<(Hashing<io::Sink>, u64), Error> {
        let path = self.store.partial(&self.blob.digest);
        let mut hash = Hashing::new(io::sink());
        let len = file.metadata().map_err(failed("look at", &path))?.len();
        if len > self.blob.size {
            file.set_len(0).map_err(failed("empty", &path))?;
        } else {
            io::copy(&mut file, &mut hash).map_err(failed("read", &path))?;
        }
        let at = hash.count();
        file.seek(SeekFrom::Start(at))
            .map_err(failed("read", &path))?;
        Ok((hash, at))
    }

    /// One connection, until its end.
    fn some(
        &self,
        mut file: &File,
        hash: &mut Hashing<io::Sink>,
        at: &mut u64,
    ) -> Result<(), Ended> {
        let digest = &self.blob.digest;
        let path = self.store.partial(digest);
        let own = |e: io::Error| Ended::Own(failed("write", &path)(e));
        let (start, mut bytes) = self
            .source
            .layer(self.number, digest, *at)
            .map_err(Ended::Source)?;
        if start != *at {
            // From the beginning again, for it can't begin elsewhere.
            file.set_len(0).map_err(own)?;
            file.seek(SeekFrom::Start(0)).map_err(own)?;
            *hash = Hashing::new(io::sink());
            *at = 0;
            if start != 0 {
                return Err(Ended::Connection(io::Error::other(
                    "another part came than was asked for",
                )));
            }
            (self.events)(Event::Again { digest });
        }
        let mut buf = vec![0; 128 * 1024];
        while *at < self.blob.size {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Ended::Stopped);
            }
            let n = match bytes.read(&mut buf) {
                Ok(0) => return Err(Ended::Connection(io::ErrorKind::UnexpectedEof.into())),
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Ended::Connection(e)),
            };
            let part = buf.get(..n).unwrap_or_default();
            if *at + n as u64 > self.blob.size {
                files::remove(&path).map_err(Ended::Own)?;
                return Err(Ended::Own(Error::WrongSize {
                    what: format!("layer {digest}"),
                    size: self.blob.size,
                    found: *at + n as u64,
                }));
            }
            file.write_all(part).map_err(own)?;
            // A sink takes all.
            let _ = hash.write_all(part);
            *at += n as u64;
            (self.events)(Event::Came {
                digest,
                bytes: n as u64,
            });
        }
        Ok(())
    }
}

/// That a document's bytes are those that were asked for.
pub(crate) fn verified(what: &str, blob: &BlobRef, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    let found = Digest::of(&bytes);
    if found != blob.digest {
        return Err(Error::WrongDigest {
            what: format!("{what} {}", blob.digest),
            found: found.to_string(),
        });
    }
    if bytes.len() as u64 != blob.size {
        return Err(Error::WrongSize {
            what: format!("{what} {}", blob.digest),
            size: blob.size,
            found: bytes.len() as u64,
        });
    }
    Ok(bytes)
}
