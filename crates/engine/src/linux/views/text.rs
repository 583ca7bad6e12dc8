//! Text of files, written piece by piece.

use alloc::vec::Vec;
use core::fmt;

/// Text that is written piece by piece.
#[derive(Default)]
pub(in crate::linux) struct Text(pub(in crate::linux) Vec<u8>);

impl Text {
    pub(in crate::linux) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes(text.as_bytes());
        Ok(())
    }
}
