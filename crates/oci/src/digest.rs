//! SHA-256 as images use it: computed while bytes go by, and the form in which
//! documents name it. A digest becomes a file name only after [`hex_of`] has
//! seen that it is 64 hexadecimal digits.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

/// The hexadecimal part of `sha256:<64 lower-case hexadecimal digits>`.
pub(crate) fn hex_of(digest: &str) -> Option<&str> {
    digest.strip_prefix("sha256:").filter(|hex| is_hex(hex))
}

/// Whether this is the hexadecimal form of a SHA-256.
pub(crate) fn is_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The digest of bytes at hand, in hexadecimal.
pub(crate) fn of(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

fn hex(bytes: &[u8]) -> String {
    armistice_arch::pattern::hex(bytes)
}

/// Counts and hashes what is written, or read, through it.
#[derive(Debug)]
pub(crate) struct Hashing<T> {
    inner: T,
    hash: Sha256,
    count: u64,
}

impl<T> Hashing<T> {
    pub(crate) fn new(inner: T) -> Hashing<T> {
        Hashing {
            inner,
            hash: Sha256::new(),
            count: 0,
        }
    }

    /// What is inside, the digest in hexadecimal, and the number of bytes.
    pub(crate) fn finish(self) -> (T, String, u64) {
        (self.inner, hex(self.hash.finalize().as_slice()), self.count)
    }

    fn add(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.count += bytes.len() as u64;
    }
}

impl<T: Write> Write for Hashing<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(buf)?;
        self.add(buf.get(..n).unwrap_or(buf));
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Hashing<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.add(buf.get(..n).unwrap_or(buf));
        Ok(n)
    }
}
