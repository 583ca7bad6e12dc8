//! Packets of GDB's remote protocol: `$`, the bytes, `#` and their sum; and
//! the encodings of bytes in them.

use alloc::vec::Vec;

/// What has come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A packet, without its frame and its escapes.
    Packet(Vec<u8>),
    /// A packet whose sum is wrong.
    Damaged,
    /// The user wants the program to stop.
    Interrupt,
}

/// Longer packets are damaged: they would grow without end.
const LONGEST: usize = 1 << 17;
const INTERRUPT: u8 = 3;

/// Bytes that come in, until they are whole items.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    bytes: Vec<u8>,
}

impl Incoming {
    /// More bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next item, if it is there.
    pub(super) fn next(&mut self) -> Option<Item> {
        loop {
            match *self.bytes.first()? {
                INTERRUPT => {
                    self.bytes.remove(0);
                    return Some(Item::Interrupt);
                }
                b'$' => break,
                // Acknowledgements, and what nobody knows.
                _ => drop(self.bytes.remove(0)),
            }
        }
        let Some(end) = self.bytes.iter().position(|&byte| byte == b'#') else {
            if self.bytes.len() > LONGEST {
                self.bytes.clear();
                return Some(Item::Damaged);
            }
            return None;
        };
        let sum = self.bytes.get(end + 1..end + 3)?;
        let whole = number(sum) == Some(checksum(&self.bytes[1..end]).into());
        let packet = unescaped(&self.bytes[1..end]);
        self.bytes.drain(..end + 3);
        Some(if whole {
            Item::Packet(packet)
        } else {
            Item::Damaged
        })
    }
}

fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, &byte| sum.wrapping_add(byte))
}

const ESCAPE: u8 = b'}';

fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(&byte) = rest.next() {
        match byte {
            ESCAPE => plain.extend(rest.next().map(|byte| byte ^ 0x20)),
            _ => plain.push(byte),
        }
    }
    plain
}

/// Bytes as they are in a packet.
pub(super) fn escape(bytes: &[u8], packet: &mut Vec<u8>) {
    for &byte in bytes {
        if matches!(byte, b'#' | b'$' | b'*' | ESCAPE) {
            packet.extend([ESCAPE, byte ^ 0x20]);
        } else {
            packet.push(byte);
        }
    }
}

/// A packet in its frame.
#[must_use]
pub(super) fn framed(packet: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(packet.len() + 4);
    bytes.push(b'$');
    bytes.extend_from_slice(packet);
    bytes.push(b'#');
    hex(&[checksum(packet)], &mut bytes);
    bytes
}

/// Two digits a byte.
pub(super) fn hex(bytes: &[u8], packet: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        packet.push(DIGITS[usize::from(byte >> 4)]);
        packet.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// The bytes of two digits each.
#[must_use]
pub(super) fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let byte = |digits| number(digits).and_then(|value| u8::try_from(value).ok());
    text.chunks_exact(2).map(byte).collect()
}

/// A number in digits to base 16.
#[must_use]
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text[0] == b'+' {
        return None;
    }
    u64::from_str_radix(core::str::from_utf8(text).ok()?, 16).ok()
}

/// Two numbers, with this between them.
#[must_use]
pub(super) fn numbers(text: &[u8], between: u8) -> Option<(u64, u64)> {
    let at = text.iter().position(|&byte| byte == between)?;
    Some((number(&text[..at])?, number(&text[at + 1..])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_in_pieces() {
        let mut incoming = Incoming::default();
        incoming.add(b"++$g#6");
        assert_eq!(incoming.next(), None);
        incoming.add(b"7\x03$g#00$Xa}\x03}]#");
        assert_eq!(incoming.next(), Some(Item::Packet(b"g".to_vec())));
        assert_eq!(incoming.next(), Some(Item::Interrupt));
        assert_eq!(incoming.next(), Some(Item::Damaged));
        assert_eq!(incoming.next(), None);
        incoming.add(b"13");
        assert_eq!(incoming.next(), Some(Item::Packet(b"Xa#}".to_vec())));
        assert_eq!(incoming.next(), None);
    }

    #[test]
    fn without_end() {
        let mut incoming = Incoming::default();
        incoming.add(b"$");
        incoming.add(&[b'x'; LONGEST]);
        assert_eq!(incoming.next(), Some(Item::Damaged));
        assert_eq!(incoming.next(), None);
    }

    #[test]
    fn what_is_framed_comes_in() {
        let mut packet = b"X".to_vec();
        escape(&(0..=255).collect::<Vec<u8>>(), &mut packet);
        let mut incoming = Incoming::default();
        incoming.add(&framed(&packet));
        let expected = [&b"X"[..], &(0..=255).collect::<Vec<u8>>()].concat();
        assert_eq!(incoming.next(), Some(Item::Packet(expected)));
    }

    #[test]
    fn numbers_and_bytes() {
        assert_eq!(numbers(b"10,ff", b','), Some((16, 255)));
        assert_eq!(numbers(b"10", b','), None);
        assert_eq!(number(b"+1"), None);
        assert_eq!(number(b""), None);
        let mut text = Vec::new();
        hex(&[0x0f, 0xa0], &mut text);
        assert_eq!(text, b"0fa0");
        assert_eq!(unhex(b"0fa0"), Some(alloc::vec![0x0f, 0xa0]));
        assert_eq!(unhex(b"0fa"), None);
        assert_eq!(unhex(b"0x"), None);
    }
}
