//! Streams that may be compressed: gzip (several members in a row, as pigz and
//! estargz write) and zstd (several frames, and frames to skip, as zstd:chunked
//! writes). Told apart by their first bytes.

use std::io::{self, BufRead, BufReader, Read};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::blob::Blob;

/// How a stream is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Not at all.
    Plain,
    /// By gzip.
    Gzip,
    /// By zstd.
    Zstd,
}

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Frames that hold no data begin with this, save for the low four bits.
const ZSTD_SKIP: u32 = 0x184d_2a50;

impl Method {
    /// By the first bytes of a stream.
    #[must_use]
    pub fn of(first: &[u8]) -> Method {
        let word = first.first_chunk::<4>().copied();
        if first.starts_with(&[0x1f, 0x8b]) {
            Method::Gzip
        } else if word.is_some_and(|w| w == ZSTD_MAGIC || is_skip(w)) {
            Method::Zstd
        } else {
            Method::Plain
        }
    }
}

fn is_skip(word: [u8; 4]) -> bool {
    u32::from_le_bytes(word) & !0xf == ZSTD_SKIP
}

/// The stream, unpacked.
pub fn decode<'a, R: Read + 'a>(method: Method, inner: R) -> Box<dyn Read + 'a> {
    match method {
        Method::Plain => Box::new(inner),
        Method::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(
            BufReader::with_capacity(64 * 1024, inner),
        )),
        Method::Zstd => Box::new(Zstd {
            source: BufReader::with_capacity(64 * 1024, inner),
            decoder: FrameDecoder::new(),
            in_frame: false,
        }),
    }
}

/// The first bytes of a blob, unpacked; fewer where there are not so many.
pub(crate) fn first_bytes(blob: &Blob, method: Method, len: u64) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    decode(method, blob.reader())
        .take(len)
        .read_to_end(&mut out)?;
    Ok(out)
}

/// All frames of a zstd stream.
struct Zstd<R> {
    source: BufReader<R>,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: Read> Zstd<R> {
    /// Goes to the next frame that has data; `false` at the end of the stream.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            let mut magic = [0; 4];
            self.source.read_exact(&mut magic)?;
            if is_skip(magic) {
                let mut len = [0; 4];
                self.source.read_exact(&mut len)?;
                let len = u64::from(u32::from_le_bytes(len));
                let skipped = io::copy(&mut (&mut self.source).take(len), &mut io::sink())?;
                if skipped < len {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                continue;
            }
            let result = self.decoder.init((&magic[..]).chain(&mut self.source));
            self.check(result.map_err(io::Error::other))?;
            self.in_frame = true;
            return Ok(true);
        }
    }

    /// A decoder's error is an early end where the source has no more bytes.
    fn check<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        match result {
            Err(_) if self.source.fill_buf()?.is_empty() => {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            other => other,
        }
    }
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.in_frame && !self.next_frame()? {
                return Ok(0);
            }
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(buf);
            }
            if self.decoder.is_finished() {
                self.in_frame = false;
                continue;
            }
            let result = self
                .decoder
                .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1));
            self.check(result.map_err(io::Error::other))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf hello | zstd` and `printf world | zstd`, without checksums.
    const HELLO: &[u8] = &[
        0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, 0x29, 0, 0, b'h', b'e', b'l', b'l', b'o',
    ];
    const WORLD: &[u8] = &[
        0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, 0x29, 0, 0, b'w', b'o', b'r', b'l', b'd',
    ];
    const SKIP: &[u8] = &[0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];

    fn unpack(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        let method = Method::of(&bytes);
        decode(method, io::Cursor::new(bytes)).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn zstd_frames_and_skipped_frames_in_a_row() {
        let all = [SKIP, HELLO, SKIP, SKIP, WORLD, SKIP].concat();
        assert_eq!(unpack(all).unwrap(), b"helloworld");
    }

    #[test]
    fn zstd_cut_off_is_an_early_end() {
        let all = [HELLO, SKIP, WORLD].concat();
        for len in 4..all.len() {
            let whole = [HELLO.len(), HELLO.len() + SKIP.len()].contains(&len);
            let result = unpack(all[..len].to_vec());
            if whole {
                assert_eq!(result.unwrap(), b"hello");
            } else {
                let kind = result.unwrap_err().kind();
                assert_eq!(kind, io::ErrorKind::UnexpectedEof, "after {len} bytes");
            }
        }
    }

    proptest::proptest! {
        /// Blocks that are really compressed, and then damaged.
        #[test]
        fn damaged_zstd_never_panics(
            damage in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 0..=255_u8), 1..8),
        ) {
            let text = include_bytes!("compress.rs");
            let mut bytes = ruzstd::encoding::compress_to_vec(
                &text[..],
                ruzstd::encoding::CompressionLevel::Fastest,
            );
            proptest::prop_assert_eq!(&unpack(bytes.clone()).unwrap(), text);
            for (at, new) in damage {
                let at = at.index(bytes.len());
                bytes[at] = new;
            }
            let mut out = Vec::new();
            let mut reader = decode(Method::Zstd, io::Cursor::new(bytes)).take(1 << 22);
            let _ = reader.read_to_end(&mut out);
        }
    }
}
