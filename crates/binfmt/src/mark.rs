//! Armistice's mark on its own entries, and what it pinned.
//!
//! The mark lies behind the pattern, in magic bytes whose mask is zero: the
//! kernel compares none of their bits. It needs no state file, so a container,
//! the host and the next boot agree on whose an entry is and which emulator
//! file the kernel opened for it.
//!
//! Layout (51 bytes, little-endian): `armistice`, layout version 1, first 8
//! bytes of the emulator's SHA-256, inode (8), ctime in nanoseconds (8),
//! length of the version text, the version text padded to 16.

use armistice_arch::Pattern;

const NAME: &[u8; 9] = b"armistice";
const LAYOUT: u8 = 1;
const VERSION_MAX: usize = 16;
const LEN: usize = 9 + 1 + 8 + 8 + 8 + 1 + VERSION_MAX;

/// Identity of the emulator file that an entry was made with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pin {
    /// First eight bytes of the file's SHA-256.
    pub sha256_prefix: [u8; 8],
    /// Inode number where it lay.
    pub inode: u64,
    /// Time of its last change of status, nanoseconds since the epoch.
    pub ctime_ns: i64,
    /// The emulator's version, at most 16 ASCII characters.
    pub version: String,
}

impl Pin {
    /// Whether both are the same file, unchanged: any write, rename over it or
    /// change of its rights makes another inode or another ctime.
    #[must_use]
    pub fn same_file(&self, other: &Pin) -> bool {
        (self.inode, self.ctime_ns) == (other.inode, other.ctime_ns)
    }
}

/// Whose an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Armistice's, with what it pinned.
    Ours(Pin),
    /// Armistice's, in a layout that this version does not know.
    OursOtherLayout(u8),
    /// Somebody else's.
    Foreign,
}

impl Mark {
    /// Whether Armistice made the entry.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        !matches!(self, Mark::Foreign)
    }
}

/// The pattern with the mark behind it.
pub(crate) fn attach(pattern: &Pattern, pin: &Pin) -> Pattern {
    let mut magic = pattern.magic.clone();
    magic.extend_from_slice(NAME);
    magic.push(LAYOUT);
    magic.extend_from_slice(&pin.sha256_prefix);
    magic.extend_from_slice(&pin.inode.to_le_bytes());
    magic.extend_from_slice(&pin.ctime_ns.to_le_bytes());
    let text: Vec<u8> = pin
        .version
        .bytes()
        .filter(u8::is_ascii_graphic)
        .take(VERSION_MAX)
        .collect();
    magic.push(u8::try_from(text.len()).unwrap_or(0));
    magic.extend_from_slice(&text);
    magic.resize(pattern.magic.len() + LEN, 0);
    let mut mask = pattern.mask.clone();
    mask.resize(magic.len(), 0);
    Pattern {
        offset: pattern.offset,
        magic,
        mask,
    }
}

/// Parts a marked pattern into the bare pattern and the mark.
pub(crate) fn detach(pattern: &Pattern) -> (Pattern, Mark) {
    let foreign = || (pattern.clone(), Mark::Foreign);
    // The mark begins where the mask's trailing zeros do, or later.
    let compared = pattern
        .mask
        .iter()
        .rposition(|m| *m != 0)
        .map_or(0, |i| i + 1);
    let Some(tail) = pattern.magic.get(compared..) else {
        return foreign();
    };
    let Some(skip) = tail.windows(NAME.len()).position(|w| w == NAME) else {
        return foreign();
    };
    let at = compared + skip;
    let bare = Pattern {
        offset: pattern.offset,
        magic: pattern.magic[..at].to_vec(),
        mask: pattern.mask[..at].to_vec(),
    };
    let mark = &pattern.magic[at..];
    match mark.get(NAME.len()) {
        Some(&LAYOUT) if mark.len() >= LEN => (bare, Mark::Ours(read_pin(&mark[NAME.len() + 1..]))),
        other => (bare, Mark::OursOtherLayout(other.copied().unwrap_or(0))),
    }
}

fn read_pin(fields: &[u8]) -> Pin {
    let eight = |at: usize| <[u8; 8]>::try_from(&fields[at..at + 8]).unwrap_or_default();
    let len = usize::from(fields[24]).min(VERSION_MAX);
    Pin {
        sha256_prefix: eight(0),
        inode: u64::from_le_bytes(eight(8)),
        ctime_ns: i64::from_le_bytes(eight(16)),
        version: String::from_utf8_lossy(&fields[25..25 + len]).into_owned(),
    }
}
