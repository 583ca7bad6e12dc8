//! Notes of what ran: lines of text, each with blocks of one file of the guest's, which many
//! processes add to one file.
//!
//! `ran MODE OFFSET... PATH`: offsets are those in the file, in hexadecimal, with a `*` behind
//! those of heads; the path begins with a slash and ends with the line. What is of no file,
//! as a just-in-time compiler's code is, is not noted.
//!
//! Notes may be anybody's: a line that is none is passed over, and a wrong one costs a
//! translation that nobody needs. None says what is translated, only where.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::ops::Range;

use hashbrown::HashMap;
use ir::{Key, Mode};

/// What each line begins with.
const RAN: &[u8] = b"ran ";
/// How many blocks are read at most.
const MOST: usize = 1 << 22;

/// A block that ran.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Where it starts.
    pub key: Key,
    /// Whether it was come to as the head of a region is: by a call, a return, or from
    /// far away.
    pub head: bool,
}

/// A mapping of a file.
#[derive(Debug)]
struct Mapping<'a> {
    range: Range<u64>,
    offset: u64,
    path: &'a [u8],
}

/// The lines for blocks, with what the kernel says is mapped.
#[must_use]
pub fn lines(maps: &[u8], blocks: &[Block]) -> Vec<u8> {
    let mappings: Vec<Mapping<'_>> = maps
        .split(|&byte| byte == b'\n')
        .filter_map(Mapping::read)
        .collect();
    let mut lines: Vec<(&[u8], Mode, String)> = Vec::new();
    for block in blocks {
        let pc = block.key.pc;
        let at = mappings.partition_point(|mapping| mapping.range.end <= pc);
        let Some(mapping) = mappings
            .get(at)
            .filter(|mapping| mapping.range.contains(&pc))
        else {
            continue;
        };
        let of = (mapping.path, block.key.mode);
        let known = lines.iter().position(|line| (line.0, line.1) == of);
        let number = known.unwrap_or(lines.len());
        if number == lines.len() {
            lines.push((of.0, of.1, String::new()));
        }
        let head = if block.head { "*" } else { "" };
        let offset = pc - mapping.range.start + mapping.offset;
        let _ = write!(lines[number].2, "{offset:x}{head} ");
    }
    let mut text = Vec::new();
    for (path, mode, offsets) in lines {
        text.extend_from_slice(RAN);
        text.extend_from_slice(alloc::format!("{} {offsets}", mode.number()).as_bytes());
        text.extend_from_slice(path);
        text.push(b'\n');
    }
    text
}

impl<'a> Mapping<'a> {
    /// A line of `/proc/self/maps`, if it is a file's whose path can be noted.
    fn read(line: &'a [u8]) -> Option<Self> {
        let mut rest = line;
        let mut next = || {
            let start = rest.iter().position(|&byte| byte != b' ')?;
            let end = rest[start..].iter().position(|&byte| byte == b' ')? + start;
            let word = &rest[start..end];
            rest = &rest[end..];
            Some(word)
        };
        let (range, _, offset, _, inode) = (next()?, next()?, next()?, next()?, next()?);
        let at = range.iter().position(|&byte| byte == b'-')?;
        let path = rest.trim_ascii_start();
        // The kernel writes ends of lines with a backslash.
        let noted = inode != b"0" && path.starts_with(b"/") && !path.contains(&b'\\');
        noted.then_some(Self {
            range: hex(&range[..at])?..hex(&range[at + 1..])?,
            offset: hex(offset)?,
            path,
        })
    }
}

/// What notes say of one file.
#[derive(Debug, PartialEq, Eq)]
pub struct Noted<'a> {
    /// Its path.
    pub path: &'a [u8],
    /// Blocks that ran: the offset in the file, the mode, and whether it is a head.
    pub blocks: Vec<(u64, Mode, bool)>,
}

/// All that notes say, by file in the order in which they come, each block once.
#[must_use]
pub fn read(notes: &[u8]) -> Vec<Noted<'_>> {
    let mut all: Vec<Noted<'_>> = Vec::new();
    let mut files: HashMap<&[u8], usize> = HashMap::new();
    let mut places: HashMap<(usize, u64, Mode), usize> = HashMap::new();
    for line in notes.split(|&byte| byte == b'\n') {
        let Some((mode, blocks, path)) = line_of(line) else {
            continue;
        };
        let file = *files.entry(path).or_insert(all.len());
        if file == all.len() {
            let blocks = Vec::new();
            all.push(Noted { path, blocks });
        }
        let noted = &mut all[file].blocks;
        for (offset, head) in blocks {
            let is_full = places.len() >= MOST;
            let place = *places
                .entry((file, offset, mode))
                .or_insert_with(|| noted.len());
            match noted.get_mut(place) {
                Some(block) => block.2 |= head,
                None => noted.push((offset, mode, head)),
            }
            if is_full {
                return all;
            }
        }
    }
    all
}

/// Blocks of one mode: the offset in the file, and whether it is a head.
type Blocks = Vec<(u64, bool)>;

/// The mode, the blocks, and the path of a line.
fn line_of(line: &[u8]) -> Option<(Mode, Blocks, &[u8])> {
    let slash = line.iter().position(|&byte| byte == b'/')?;
    let (words, path) = line.split_at(slash);
    let mut words = words
        .strip_prefix(RAN)?
        .split(|&byte| byte == b' ')
        .filter(|word| !word.is_empty());
    let mode = core::str::from_utf8(words.next()?).ok()?.parse().ok()?;
    let is_one = (mode as usize) < Mode::COUNT && !path.contains(&0);
    let block = |word: &[u8]| match word.strip_suffix(b"*") {
        Some(offset) => Some((hex(offset)?, true)),
        None => Some((hex(word)?, false)),
    };
    let blocks: Option<Blocks> = words.map(block).collect();
    is_one.then_some((Mode::from_number(mode), blocks?, path))
}

/// A number without a sign.
fn hex(digits: &[u8]) -> Option<u64> {
    let digits = core::str::from_utf8(digits).ok()?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_number
        .then(|| u64::from_str_radix(digits, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &[u8] = b"\
5500000000-5500010000 r--p 00002000 fe:00 77    /usr/bin/a program
7f00000000-7f00001000 rw-p 00000000 00:00 0
7f10000000-7f10001000 r--p 00001000 fe:00 78    /lib/b\\012c
7f20000000-7f20001000 r--p 00000000 00:01 12    /memfd:x (deleted)
7f30000000-7f30001000 r--p 00000000 00:00 0     [vdso]
";

    fn block(pc: u64, head: bool) -> Block {
        let mode = Mode::PLAIN;
        let key = Key { pc, mode };
        Block { key, head }
    }

    #[test]
    fn what_is_of_a_file_is_noted_and_read_again() {
        let blocks = [
            block(0x55_0000_0010, true),
            block(0x7f_0000_0000, true),
            block(0x7f_1000_0000, true),
            block(0x7f_2000_0004, false),
            block(0x7f_3000_0000, false),
            block(0x55_0000_ff00, false),
            block(0x60_0000_0000, false),
        ];
        let lines = lines(MAPS, &blocks);
        let text = core::str::from_utf8(&lines).unwrap();
        assert_eq!(
            text,
            "ran 0 2010* 11f00 /usr/bin/a program\nran 0 4 /memfd:x (deleted)\n"
        );
        let noted = read(&lines);
        assert_eq!(noted.len(), 2);
        assert_eq!(noted[0].path, b"/usr/bin/a program");
        let plain = Mode::PLAIN;
        assert_eq!(
            noted[0].blocks,
            [(0x2010, plain, true), (0x11f00, plain, false)]
        );
    }

    #[test]
    fn a_block_is_there_once_whoever_noted_it() {
        let noted = read(b"ran 0 10 20* /a\nran 0 30 /b\nran 0 20 10* 40 /a\nran 1 10 /a\n");
        let (plain, other) = (Mode::PLAIN, Mode::from_number(1));
        assert_eq!(
            noted[0].blocks,
            [
                (0x10, plain, true),
                (0x20, plain, true),
                (0x40, plain, false),
                (0x10, other, false)
            ]
        );
        assert_eq!(noted[1].blocks, [(0x30, plain, false)]);
    }

    #[test]
    fn lines_that_are_none_are_passed_over() {
        for none in [
            &b""[..],
            b"ran",
            b"ran 0 10 /a\0b",
            b"ran 0 10",
            b"ran 64 10 /a",
            b"ran -1 10 /a",
            b"ran 0 xyz /a",
            b"ran 0 +10 /a",
            b"ran 0 11112222333344445 /a",
            b"ran x 10 /a",
            b"ran/a",
            b"10 20 /a",
            b"\xff\xfe ran 0 10 /a",
        ] {
            let text = [none, b"\nran 0 8 /b\n"].concat();
            let noted = read(&text);
            assert_eq!(noted.len(), 1, "{none:?}");
            assert_eq!(noted[0].path, b"/b");
        }
    }
}
