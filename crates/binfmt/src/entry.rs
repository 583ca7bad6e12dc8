//! An entry as the kernel shows it: the text of its file in the table.

use std::path::PathBuf;

use armistice_arch::Pattern;

use crate::flags::Flags;
use crate::mark::{self, Mark};

/// By what an entry recognises files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matching {
    /// By bytes of the file, without Armistice's mark.
    Magic(Pattern),
    /// By the file name's ending, without the dot.
    Extension(String),
    /// By something this version does not know (newer kernels: BPF).
    Unknown,
}

/// A live entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its file's name in the table.
    pub name: String,
    /// Whether its own switch is on.
    pub enabled: bool,
    /// What runs the files it takes.
    pub interpreter: PathBuf,
    /// Its flags.
    pub flags: Flags,
    /// Which files it takes.
    pub matching: Matching,
    /// Whose it is.
    pub mark: Mark,
    /// Lines that this version does not know, as they are.
    pub unknown_lines: Vec<String>,
}

impl Entry {
    /// The pattern, for entries that match by bytes.
    #[must_use]
    pub fn pattern(&self) -> Option<&Pattern> {
        match &self.matching {
            Matching::Magic(pattern) => Some(pattern),
            Matching::Extension(_) | Matching::Unknown => None,
        }
    }
}

/// Reads the text of an entry's file. Unknown lines are kept, never an error,
/// so that a newer kernel's table can still be listed.
#[must_use]
pub fn parse_entry(name: &str, text: &str) -> Entry {
    let mut entry = Entry {
        name: name.to_owned(),
        enabled: false,
        interpreter: PathBuf::new(),
        flags: Flags::default(),
        matching: Matching::Unknown,
        mark: Mark::Foreign,
        unknown_lines: Vec::new(),
    };
    let (mut offset, mut magic, mut mask) = (0usize, None, None);
    for line in text.lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        match key {
            "enabled" => entry.enabled = true,
            "disabled" => entry.enabled = false,
            "interpreter" => entry.interpreter = PathBuf::from(value),
            "flags:" => entry.flags = Flags::parse(value),
            "offset" => offset = value.trim().parse().unwrap_or(0),
            "magic" => magic = unhex(value),
            "mask" => mask = unhex(value),
            "extension" => {
                let ending = value.strip_prefix('.').unwrap_or(value);
                entry.matching = Matching::Extension(ending.to_owned());
            }
            _ => entry.unknown_lines.push(line.to_owned()),
        }
    }
    if let Some(magic) = magic {
        // Without a mask line every bit counts.
        let mask = mask
            .filter(|m| m.len() == magic.len())
            .unwrap_or_else(|| vec![0xff; magic.len()]);
        let (pattern, mark) = mark::detach(&Pattern {
            offset,
            magic,
            mask,
        });
        entry.matching = Matching::Magic(pattern);
        entry.mark = mark;
    }
    entry
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim().as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks(2)
        .map(|pair| {
            std::str::from_utf8(pair)
                .ok()
                .and_then(|p| u8::from_str_radix(p, 16).ok())
        })
        .collect()
}
