//! What is wrong where an engine of our own can't be had, and nothing else will do: QEMU keeps no
//! translations.

use std::error::Error;
use std::fmt;

use armistice_emulators::Error as EmulatorError;

/// An engine is not found, or not to be used, and no other emulator will do.
#[derive(Debug)]
pub(crate) struct OnlyOwn(pub(crate) EmulatorError);

impl fmt::Display for OnlyOwn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for OnlyOwn {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
