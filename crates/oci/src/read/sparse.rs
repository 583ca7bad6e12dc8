//! Sparse files as PAX has them, in GNU tar's formats 0.0, 0.1 and 1.0. (Its
//! older form, an entry type of its own, is read by the tar crate.)
//!
//! An entry then holds only the data between the holes, and a map says where
//! they go: in records, or (1.0) as decimal lines at the beginning of the data.
//! [`Expanded`] gives the file's bytes, zeros for the holes.

use std::io::{self, Read};

/// The most pieces that a file may have.
const PIECES_MAX: usize = 1 << 20;

/// A sparse file's size, and where its data go.
#[derive(Debug, Default)]
pub(crate) struct SparseMap {
    pub(crate) size: u64,
    /// Offset and length; `None` where the data begin with the map.
    pieces: Option<Vec<(u64, u64)>>,
}

/// What the records come to.
#[derive(Debug, Default)]
pub(crate) struct Sparse {
    /// The file's real name.
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) map: Option<SparseMap>,
}

/// The records of an entry, as they come.
#[derive(Debug, Default)]
pub(crate) struct SparseFields {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    major: Option<u64>,
    pieces: Option<Vec<(u64, u64)>>,
    offset: Option<u64>,
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn number(text: &[u8]) -> io::Result<u64> {
    std::str::from_utf8(text)
        .ok()
        .and_then(|t| t.parse().ok())
        .ok_or_else(|| bad("its map of holes is not a list of numbers"))
}

impl SparseFields {
    pub(crate) fn record(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        match key {
            b"GNU.sparse.name" => self.name = Some(value.to_vec()),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.size = Some(number(value)?),
            b"GNU.sparse.major" => self.major = Some(number(value)?),
            b"GNU.sparse.offset" => self.offset = Some(number(value)?),
            b"GNU.sparse.numbytes" => {
                let offset = self
                    .offset
                    .take()
                    .ok_or_else(|| bad("a piece has no offset"))?;
                let len = number(value)?;
                self.pieces.get_or_insert_default().push((offset, len));
            }
            b"GNU.sparse.map" => {
                let numbers: Result<Vec<u64>, _> = value
                    .split(|b| *b == b',')
                    .filter(|n| !n.is_empty())
                    .map(number)
                    .collect();
                let numbers = numbers?;
                self.pieces = Some(pairs(&numbers));
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> io::Result<Sparse> {
        let in_data = self.major == Some(1);
        let map = match (self.size, self.pieces) {
            (Some(size), Some(pieces)) if !in_data => Some(SparseMap {
                pieces: Some(checked(pieces, size)?),
                size,
            }),
            (Some(size), _) if in_data => Some(SparseMap { size, pieces: None }),
            _ => None,
        };
        Ok(Sparse {
            name: self.name,
            map,
        })
    }
}

fn pairs(numbers: &[u64]) -> Vec<(u64, u64)> {
    numbers
        .chunks_exact(2)
        .filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)))
        .collect()
}

/// Pieces lie in order, apart, and inside the file.
fn checked(pieces: Vec<(u64, u64)>, size: u64) -> io::Result<Vec<(u64, u64)>> {
    let mut end = 0;
    for (offset, len) in &pieces {
        if *offset < end {
            return Err(bad("its map of holes is out of order"));
        }
        end = offset
            .checked_add(*len)
            .filter(|end| *end <= size)
            .ok_or_else(|| bad("its map of holes goes beyond its end"))?;
    }
    Ok(pieces)
}

/// The bytes of a sparse file.
#[derive(Debug)]
pub(crate) struct Expanded<R> {
    inner: R,
    size: u64,
    at: u64,
    pieces: std::vec::IntoIter<(u64, u64)>,
    /// The piece that is being read, or comes next.
    piece: Option<(u64, u64)>,
}

impl<R: Read> Expanded<R> {
    pub(crate) fn new(mut inner: R, map: SparseMap) -> io::Result<Expanded<R>> {
        let pieces = match map.pieces {
            Some(pieces) => pieces,
            None => checked(leading_map(&mut inner)?, map.size)?,
        };
        let mut pieces = pieces.into_iter();
        Ok(Expanded {
            piece: pieces.next(),
            pieces,
            inner,
            size: map.size,
            at: 0,
        })
    }
}

/// The map of format 1.0: the number of pieces, then two numbers each, a line
/// each, filled up to a block of 512 bytes.
fn leading_map(inner: &mut impl Read) -> io::Result<Vec<(u64, u64)>> {
    let mut blocks = Blocks {
        inner,
        block: [0; 512],
        at: 512,
    };
    let count = blocks.number()?;
    let count = usize::try_from(count)
        .ok()
        .filter(|n| *n <= PIECES_MAX)
        .ok_or_else(|| bad("its map of holes is larger than any real one"))?;
    let mut pieces = Vec::new();
    for _ in 0..count {
        pieces.push((blocks.number()?, blocks.number()?));
    }
    Ok(pieces)
}

struct Blocks<'a, R> {
    inner: &'a mut R,
    block: [u8; 512],
    at: usize,
}

impl<R: Read> Blocks<'_, R> {
    fn number(&mut self) -> io::Result<u64> {
        let mut text = Vec::new();
        loop {
            if self.at == self.block.len() {
                self.inner.read_exact(&mut self.block)?;
                self.at = 0;
            }
            let byte = self.block.get(self.at).copied().unwrap_or_default();
            self.at += 1;
            if byte == b'\n' {
                return number(&text);
            }
            text.push(byte);
            if text.len() > 20 {
                return Err(bad("its map of holes is not a list of numbers"));
            }
        }
    }
}

impl<R: Read> Read for Expanded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // Empty pieces hold nothing; tar writes one at the end.
        while self
            .piece
            .is_some_and(|(offset, len)| len == 0 || self.at >= offset + len)
        {
            self.piece = self.pieces.next();
        }
        let (until, data) = match self.piece {
            Some((offset, len)) if self.at >= offset => (offset + len, true),
            Some((offset, _)) => (offset, false),
            None => (self.size, false),
        };
        let left = until.saturating_sub(self.at);
        let want = usize::try_from(left).map_or(buf.len(), |left| left.min(buf.len()));
        let Some(buf) = buf.get_mut(..want) else {
            return Ok(0);
        };
        if buf.is_empty() {
            return Ok(0);
        }
        let n = if data {
            match self.inner.read(buf)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => n,
            }
        } else {
            buf.fill(0);
            buf.len()
        };
        self.at += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(fields: &[(&str, &str)], data: &[u8]) -> io::Result<Vec<u8>> {
        let mut all = SparseFields::default();
        for (key, value) in fields {
            all.record(key.as_bytes(), value.as_bytes())?;
        }
        let map = all.finish()?.map.ok_or_else(|| bad("no map"))?;
        let mut out = Vec::new();
        Expanded::new(data, map)?.read_to_end(&mut out)?;
        Ok(out)
    }

    const FILE: &[u8] = b"ab\0\0\0cd\0\0\0";

    #[test]
    fn each_format() {
        let v00 = [
            ("GNU.sparse.size", "10"),
            ("GNU.sparse.offset", "0"),
            ("GNU.sparse.numbytes", "2"),
            ("GNU.sparse.offset", "5"),
            ("GNU.sparse.numbytes", "2"),
        ];
        assert_eq!(expand(&v00, b"abcd").unwrap(), FILE);
        let v01 = [
            ("GNU.sparse.size", "10"),
            ("GNU.sparse.map", "0,2,5,2,10,0"),
        ];
        assert_eq!(expand(&v01, b"abcd").unwrap(), FILE);
        let v10 = [("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "10")];
        let mut data = b"3\n0\n2\n5\n2\n10\n0\n".to_vec();
        data.resize(512, 0);
        data.extend(b"abcd");
        assert_eq!(expand(&v10, &data).unwrap(), FILE);
    }

    #[test]
    fn maps_that_lie_are_refused() {
        for map in ["5,2,0,2", "0,11", "18446744073709551615,2", "0,x", "-1,2"] {
            let fields = [("GNU.sparse.size", "10"), ("GNU.sparse.map", map)];
            expand(&fields, b"abcd").unwrap_err();
        }
        let v10 = [("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "10")];
        for start in [
            "99999999\n",
            "x\n",
            "123456789012345678901234567890",
            "2\n0\n",
        ] {
            let mut data = start.as_bytes().to_vec();
            data.resize(512, 0);
            expand(&v10, &data).unwrap_err();
        }
    }
}
