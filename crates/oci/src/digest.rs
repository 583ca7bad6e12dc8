//! SHA-256 as images use it: computed while bytes go by, and the form in which
//! documents name it. A digest becomes a file name only after [`hex_of`] has
//! seen that it is 64 hexadecimal digits.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

/// The SHA-256 of a blob. Whoever has one may use [`Digest::hex`] as a file's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    /// From `sha256:<64 hexadecimal digits>`, the only form taken.
    #[must_use]
    pub fn parse(text: &str) -> Option<Digest> {
        hex_of(text).map(|hex| Digest(hex.to_owned()))
    }

    /// Of bytes at hand.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(of(bytes))
    }

    /// The 64 hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

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
pub struct Hashing<T> {
    inner: T,
    hash: Sha256,
    count: u64,
}

impl<T> Hashing<T> {
    /// Around this.
    pub fn new(inner: T) -> Hashing<T> {
        Hashing {
            inner,
            hash: Sha256::new(),
            count: 0,
        }
    }

    /// How many bytes there were until now.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What is inside, and the digest.
    pub fn into_digest(self) -> (T, Digest) {
        let (inner, hex, _) = self.finish();
        (inner, Digest(hex))
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
