//! A wanted entry, and the one line that makes it.
//!
//! Format: `:name:type:offset:magic:mask:interpreter:flags`, where the first
//! byte is the delimiter of all fields. The kernel takes one line a write,
//! 11 to 1920 bytes; `\xHH` is an escape inside magic and mask only.

use std::path::PathBuf;

use armistice_arch::Pattern;

use crate::error::BinfmtError;
use crate::flags::Flags;
use crate::mark::{self, Pin};

/// The kernel's limits (`fs/binfmt_misc.c`).
const MIN_LINE: usize = 11;
const MAX_LINE: usize = 1920;
const MAX_PATTERN_END: usize = 256;

/// An entry as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The entry's name; a file name in the table.
    pub name: String,
    /// The names that it may have: the usual one, and the one that it gets where
    /// somebody else's entry has the usual one and stays.
    pub names: [String; 2],
    /// Which files it takes.
    pub pattern: Pattern,
    /// What runs them.
    pub interpreter: PathBuf,
    /// How.
    pub flags: Flags,
    /// The file at `interpreter`; written into the entry as Armistice's mark.
    pub pin: Pin,
}

impl Registration {
    /// The same under another name.
    #[must_use]
    pub fn named(&self, name: &str) -> Registration {
        Registration {
            name: name.to_owned(),
            ..self.clone()
        }
    }

    /// Whether an entry of this name could be this one.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    /// The same for test programs only, under another name: it takes nobody's.
    ///
    /// # Errors
    /// [`BinfmtError::BadRegistration`] where the pattern cannot be narrowed so.
    pub fn for_trial(&self, name: &str) -> Result<Registration, BinfmtError> {
        let pattern = self
            .pattern
            .for_trial()
            .ok_or_else(|| BinfmtError::BadRegistration {
                name: self.name.clone(),
                why: "its pattern has no room for a trial's word".to_owned(),
            })?;
        Ok(Registration {
            pattern,
            ..self.named(name)
        })
    }

    /// The pattern as it is written: with Armistice's mark behind it.
    #[must_use]
    pub fn marked_pattern(&self) -> Pattern {
        mark::attach(&self.pattern, &self.pin)
    }

    /// The line for the kernel's `register` file.
    ///
    /// # Errors
    /// [`BinfmtError::BadRegistration`] where the kernel would refuse it for
    /// its form, or a field cannot be written.
    pub fn line(&self) -> Result<String, BinfmtError> {
        let bad = |why: &str| BinfmtError::BadRegistration {
            name: self.name.clone(),
            why: why.into(),
        };
        if self.name.is_empty() || self.name == "." || self.name == ".." {
            return Err(bad("the name is empty or a dot"));
        }
        if self.name == "register" || self.name == "status" {
            return Err(bad("the kernel keeps that name for itself"));
        }
        if self.name.contains('/') || self.name.len() > 255 {
            return Err(bad("the name has a '/' or more than 255 bytes"));
        }
        let interpreter = self
            .interpreter
            .to_str()
            .ok_or_else(|| bad("the interpreter's path is not UTF-8"))?;
        if !self.interpreter.is_absolute() {
            return Err(bad("the interpreter's path is not absolute"));
        }
        if [self.name.as_str(), interpreter]
            .iter()
            .any(|t| t.contains(['\n', '\0']))
        {
            return Err(bad("a field has a line break or a zero byte"));
        }
        let pattern = self.marked_pattern();
        if pattern.mask.iter().all(|m| *m == 0) {
            return Err(bad("its mask is all zero: it would take every file"));
        }
        if pattern.offset + pattern.magic.len() > MAX_PATTERN_END {
            return Err(bad("the pattern ends behind byte 256"));
        }
        let delimiter =
            delimiter(&[&self.name, interpreter]).ok_or_else(|| bad("no delimiter is left"))?;
        let d = delimiter;
        let line = format!(
            "{d}{}{d}M{d}{}{d}{}{d}{}{d}{interpreter}{d}{}",
            self.name,
            pattern.offset,
            escape(&pattern.magic),
            escape(&pattern.mask),
            self.flags,
        );
        if (MIN_LINE..=MAX_LINE).contains(&line.len()) {
            Ok(line)
        } else {
            Err(bad("the line is shorter than 11 or longer than 1920 bytes"))
        }
    }
}

/// A delimiter that no field contains. `#` and `;` begin comments in binfmt.d
/// files, and the flags' letters are taken.
pub(crate) fn delimiter(fields: &[&str]) -> Option<char> {
    ":|,!%@~^&=+"
        .chars()
        .find(|d| fields.iter().all(|f| !f.contains(*d)))
}

/// Every byte as `\xHH`: exact whatever the delimiter.
pub(crate) fn escape(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 4), |mut s, b| {
            let _ = write!(s, "\\x{b:02x}");
            s
        })
}
