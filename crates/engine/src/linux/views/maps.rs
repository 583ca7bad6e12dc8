//! `/proc/PID/maps` and its like: the host's, without what is the engine's,
//! with the guest's permission to execute and its names.

use alloc::vec::Vec;
use core::fmt::Write as _;
use core::ops::Range;

use super::text::Text;
use crate::host::page::{page_down, page_up};
use crate::linux::known::Known;

/// One line of the host's, taken apart.
struct Line<'a> {
    range: Range<u64>,
    permissions: &'a [u8],
    offset: u64,
    /// Device and inode.
    file: [&'a [u8]; 2],
    path: &'a [u8],
}

/// Of ranges that ascend, the one that an address is in.
fn of(ranges: &[Range<u64>], address: u64) -> Option<&Range<u64>> {
    let past = ranges.partition_point(|range| range.start <= address);
    let last = ranges.get(past.checked_sub(1)?)?;
    last.contains(&address).then_some(last)
}

/// The next address where one of them begins or ends.
fn edge(ranges: &[Range<u64>], address: u64) -> Option<u64> {
    let past = ranges.partition_point(|range| range.start <= address);
    let end = of(ranges, address).map(|range| range.end);
    end.or_else(|| ranges.get(past).map(|range| range.start))
}

/// The next address where one of the pages begins or ends that the kernel gives every process: they are
/// mappings of their own.
fn edge_of_page(known: &Known, address: u64) -> Option<u64> {
    let pages = known.names.iter();
    let pages = pages.filter(|(_, name)| !matches!(*name, "[stack]" | "[heap]"));
    let edges = pages.flat_map(|(range, _)| [range.start, range.end]);
    edges.filter(|&edge| edge > address).min()
}

fn hexadecimal(text: &[u8]) -> Option<u64> {
    u64::from_str_radix(core::str::from_utf8(text).ok()?, 16).ok()
}

impl<'a> Line<'a> {
    fn read(line: &'a [u8]) -> Option<Self> {
        let mut rest = line;
        let mut next = || {
            let start = rest.iter().position(|&byte| byte != b' ')?;
            let field = &rest[start..];
            let end = field.iter().position(|&byte| byte == b' ');
            let (field, after) = field.split_at(end.unwrap_or(field.len()));
            rest = after;
            Some(field)
        };
        let range = next()?;
        let dash = range.iter().position(|&byte| byte == b'-')?;
        let range = hexadecimal(&range[..dash])?..hexadecimal(&range[dash + 1..])?;
        let permissions = next()?;
        if permissions.len() != 4 {
            return None;
        }
        let offset = hexadecimal(next()?)?;
        let file = [next()?, next()?];
        Some(Self {
            range,
            permissions,
            offset,
            file,
            path: rest.trim_ascii_start(),
        })
    }

    /// The first part of the range, from `at` on, that is the guest's and
    /// everywhere executable or nowhere.
    fn part(&self, at: u64, known: &Known) -> Option<(Range<u64>, bool)> {
        let mut at = at;
        while let Some(own) = of(&known.own, at) {
            at = own.end;
        }
        if at >= self.range.end {
            return None;
        }
        let edges = [
            edge(&known.own, at),
            edge(&known.executable, at),
            edge(&known.unreadable, at),
            edge_of_page(known, at),
        ];
        let end = edges.into_iter().flatten().min().unwrap_or(u64::MAX);
        let executable = of(&known.executable, at).is_some();
        Some((at..end.min(self.range.end), executable))
    }

    /// The guest's permissions on a part of the range.
    fn permissions(&self, part: &Range<u64>, executable: bool, known: &Known) -> [u8; 4] {
        let mut permissions = [b'-'; 4];
        permissions.copy_from_slice(self.permissions);
        if of(&known.unreadable, part.start).is_some() {
            permissions[0] = b'-';
        }
        permissions[2] = if executable { b'x' } else { b'-' };
        permissions
    }

    fn is_file(&self) -> bool {
        self.file[1] != b"0"
    }

    fn inode(&self) -> Option<u64> {
        core::str::from_utf8(self.file[1]).ok()?.parse().ok()
    }

    /// What is no file has no offset.
    fn offset(&self, part: &Range<u64>) -> u64 {
        if self.is_file() {
            self.offset + (part.start - self.range.start)
        } else {
            self.offset
        }
    }

    /// A line for a part of the range.
    fn write(&self, text: &mut Text, part: &Range<u64>, executable: bool, known: &Known) {
        let start = text.0.len();
        let _ = write!(text, "{:08x}-{:08x} ", part.start, part.end);
        text.bytes(&self.permissions(part, executable, known));
        let _ = write!(text, " {:08x} ", self.offset(part));
        text.bytes(self.file[0]);
        text.bytes(b" ");
        text.bytes(self.file[1]);
        text.bytes(b" ");
        let path = self.name(part, known);
        if !path.is_empty() {
            while text.0.len() - start < 73 {
                text.bytes(b" ");
            }
            text.bytes(path);
        }
        text.bytes(b"\n");
    }

    fn name(&self, part: &Range<u64>, known: &Known) -> &'a [u8] {
        let given = known
            .names
            .iter()
            .find(|(range, _)| range.start < part.end && part.start < range.end);
        match given {
            Some((_, name)) => name.as_bytes(),
            // The host's own marks, but not names that the guest gave.
            None if self.path.starts_with(b"[") && !self.path.starts_with(b"[anon") => b"",
            None => self.path,
        }
    }
}

/// The whole of `maps` or of `smaps`.
pub(super) fn guest(host: &[u8], known: &Known) -> Vec<u8> {
    let mut text = Text::default();
    let mut lines = host.split(|&byte| byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let Some(line) = Line::read(line) else {
            continue;
        };
        // What `smaps` has of it: lines with a capital and a colon.
        let mut details = Vec::new();
        while let Some(detail) =
            lines.next_if(|line| line.first().is_some_and(u8::is_ascii_uppercase))
        {
            // The guest has no keys.
            if !detail.starts_with(b"ProtectionKey:") {
                details.push(detail);
            }
        }
        // The page above all addresses of user programs, which is x86-64's.
        if line.range.start >> 63 != 0 {
            continue;
        }
        let mut at = line.range.start;
        while let Some((part, executable)) = line.part(at, known) {
            line.write(&mut text, &part, executable, known);
            for detail in &details {
                write_detail(&mut text, detail, &part, at == line.range.start, executable);
            }
            at = part.end;
        }
    }
    text.0
}

/// A mapping of the guest's, or a part of one.
#[derive(Clone, Debug)]
pub(in crate::linux) struct Mapping<'a> {
    pub(in crate::linux) range: Range<u64>,
    /// As the guest has them: `rwxp` or `rwxs`.
    pub(in crate::linux) permissions: [u8; 4],
    /// In the file.
    pub(in crate::linux) offset: u64,
    pub(in crate::linux) is_file: bool,
    /// The file's, or the mapping's name.
    pub(in crate::linux) path: &'a [u8],
    /// The kernel's flags, two letters each.
    pub(in crate::linux) flags: &'a [u8],
    /// Whether it has pages of its own, beside the file's. That is said of the
    /// whole of which this is a part.
    pub(in crate::linux) is_written: bool,
}

impl Mapping<'_> {
    pub(in crate::linux) fn has_flag(&self, flag: &[u8]) -> bool {
        self.flags.split(|&byte| byte == b' ').any(|is| is == flag)
    }

    pub(in crate::linux) fn plain_path(&self) -> Vec<u8> {
        unescaped(self.path)
    }
}

/// A path without the escapes that `maps` has for ends of lines, the only byte that is written
/// otherwise.
fn unescaped(path: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&first, after)) = rest.split_first() {
        match rest.strip_prefix(b"\\012") {
            Some(behind) => {
                plain.push(b'\n');
                rest = behind;
            }
            None => {
                plain.push(first);
                rest = after;
            }
        }
    }
    plain
}

/// A line of the guest's text.
#[derive(Clone, Debug)]
pub(in crate::linux) struct Region {
    pub(in crate::linux) range: Range<u64>,
    /// `rwxp` or `rwxs`.
    pub(in crate::linux) permissions: [u8; 4],
    pub(in crate::linux) offset: u64,
    /// Major and minor number.
    pub(in crate::linux) device: (u64, u64),
    /// 0 where it is no file's.
    pub(in crate::linux) inode: u64,
    /// The path or the name, as it is. Nothing where it has none.
    pub(in crate::linux) name: Vec<u8>,
}

/// The lines of a text.
pub(in crate::linux) fn regions(maps: &[u8]) -> impl Iterator<Item = Region> {
    let lines = maps.split(|&byte| byte == b'\n').filter_map(Line::read);
    lines.filter_map(|line| {
        let colon = line.file[0].iter().position(|&byte| byte == b':')?;
        let (major, minor) = line.file[0].split_at(colon);
        Some(Region {
            permissions: line.permissions.try_into().ok()?,
            offset: line.offset,
            device: (hexadecimal(major)?, hexadecimal(minor.get(1..)?)?),
            inode: line.inode()?,
            name: unescaped(line.path),
            range: line.range,
        })
    })
}

/// What the host's `smaps` says of the guest's mappings.
pub(in crate::linux) fn mappings<'a>(host: &'a [u8], known: &Known) -> Vec<Mapping<'a>> {
    let mut mappings = Vec::new();
    let mut lines = host.split(|&byte| byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let Some(line) = Line::read(line) else {
            continue;
        };
        let (mut flags, mut is_written) = (&b""[..], false);
        while let Some(detail) =
            lines.next_if(|line| line.first().is_some_and(u8::is_ascii_uppercase))
        {
            let is_none = || detail.ends_with(b" 0 kB");
            if let Some(found) = detail.strip_prefix(b"VmFlags:") {
                flags = found;
            } else if detail.starts_with(b"Anonymous:") || detail.starts_with(b"Swap:") {
                is_written |= !is_none();
            }
        }
        if line.range.start >> 63 != 0 {
            continue;
        }
        let mut at = line.range.start;
        while let Some((part, executable)) = line.part(at, known) {
            at = part.end;
            mappings.push(Mapping {
                permissions: line.permissions(&part, executable, known),
                offset: line.offset(&part),
                is_file: line.is_file(),
                path: line.name(&part, known),
                flags,
                is_written,
                range: part,
            });
        }
    }
    mappings
}

/// A line of `smaps`: sizes belong to the first part of a mapping, since the
/// host counts the whole.
fn write_detail(text: &mut Text, detail: &[u8], part: &Range<u64>, first: bool, executable: bool) {
    if detail.starts_with(b"Size:") {
        let _ = writeln!(
            text,
            "Size:           {:8} kB",
            (part.end - part.start) >> 10
        );
        return;
    }
    let page = detail.starts_with(b"KernelPageSize:") || detail.starts_with(b"MMUPageSize:");
    let colon = detail.iter().position(|&byte| byte == b':').unwrap_or(0);
    if detail.ends_with(b" kB") && !first && !page {
        text.bytes(&detail[..=colon]);
        let _ = writeln!(text, "{:width$} kB", 0, width = detail.len() - colon - 4);
        return;
    }
    match detail.strip_prefix(b"VmFlags: rd") {
        Some(rest) if executable => {
            let (write, rest) = match rest.strip_prefix(b" wr") {
                Some(rest) => (&b" wr"[..], rest),
                None => (&b""[..], rest),
            };
            text.bytes(b"VmFlags: rd");
            text.bytes(write);
            text.bytes(b" ex");
            text.bytes(rest);
        }
        _ => text.bytes(detail),
    }
    text.bytes(b"\n");
}

/// The file of the mapping that an address is in: its path, as links say it,
/// and its inode.
pub(in crate::linux) fn mapped_at(maps: &[u8], address: u64) -> Option<(Vec<u8>, u64)> {
    let line = maps
        .split(|&byte| byte == b'\n')
        .filter_map(Line::read)
        .find(|line| line.range.contains(&address))
        .filter(|line| line.path.starts_with(b"/"))?;
    Some((unescaped(line.path), line.inode()?))
}

/// Where the file with this inode is mapped from its beginning on.
pub(in crate::linux) fn starts_of(maps: &[u8], inode: u64) -> impl Iterator<Item = u64> {
    mappings_of(maps, inode)
        .filter(|line| line.offset == 0)
        .map(|line| line.range.start)
}

/// Where mappings start.
pub(super) fn starts(maps: &[u8]) -> impl Iterator<Item = u64> {
    maps.split(|&byte| byte == b'\n')
        .filter_map(Line::read)
        .map(|line| line.range.start)
}

fn mappings_of(maps: &[u8], inode: u64) -> impl Iterator<Item = Line<'_>> {
    let mut text = Text::default();
    let _ = write!(text, "{inode}");
    maps.split(|&byte| byte == b'\n')
        .filter_map(Line::read)
        .filter(move |line| line.file[1] == text.0)
}

/// What can be told of an engine that says nothing of itself: where its file
/// is mapped, which has this inode, and its code memory; and of its guest what the
/// kernel was told, as `stat` has it.
pub(super) fn guessed(maps: &[u8], inode: u64, stat: &[u8]) -> Known {
    /// Where in `stat` the code begins, by numbers from 1.
    const CODE: usize = 26;
    const HEAP: usize = 47;
    let lines = || maps.split(|&byte| byte == b'\n').filter_map(Line::read);
    let mut own = code_memory(maps);
    own.extend(mappings_of(maps, inode).map(|line| line.range));
    let field = |number: usize| -> u64 {
        // The name, the second, may have spaces and parentheses.
        let behind = stat.rsplit(|&byte| byte == b')').next().unwrap_or_default();
        let field = behind.split(|&byte| byte == b' ').nth(number - 2);
        let field = field.and_then(|field| core::str::from_utf8(field).ok()?.parse().ok());
        field.unwrap_or(0)
    };
    let code = page_down(field(CODE))..page_up(field(CODE + 1)).unwrap_or(0);
    // Who may not know gets 1.
    let executable = Some(code).filter(|code| code.start > 0 && !code.is_empty());
    let stacks = lines().filter(|line| line.path == b"[stack]");
    let mut names: Vec<_> = stacks.map(|line| (line.range, "[stack]")).collect();
    names.extend(
        Some(field(HEAP))
            .filter(|&heap| heap > 0)
            .map(|heap| (heap..heap + 1, "[heap]")),
    );
    Known {
        own,
        executable: executable.into_iter().collect(),
        names,
        ..Known::default()
    }
    .ascending()
}

/// `numa_maps`: a line a mapping, by its first address.
pub(super) fn numa(host: &[u8], known: &Known) -> Vec<u8> {
    let mut text = Text::default();
    for line in host.split_inclusive(|&byte| byte == b'\n') {
        let start = line
            .split(|&byte| byte == b' ')
            .next()
            .and_then(hexadecimal);
        if start.and_then(|start| of(&known.own, start)).is_none() {
            text.bytes(line);
        }
    }
    text.0
}

/// All mappings of the memory that a process of the engine's has its code in:
/// that which is shared and executable, as nothing of a guest's is.
pub(super) fn code_memory(maps: &[u8]) -> Vec<Range<u64>> {
    let lines = || maps.split(|&byte| byte == b'\n').filter_map(Line::read);
    let of_code = |line: &Line<'_>| {
        let mut code = lines().filter(|line| line.permissions == b"r-xs");
        code.any(|code| line.file == code.file)
    };
    let shared = lines().filter(|line| line.permissions.ends_with(b"s"));
    shared.filter(of_code).map(|line| line.range).collect()
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "one range is meant")]
mod tests {
    use super::*;
    use alloc::vec;

    const HOST: &str = "\
00400000-00405000 r--p 00001000 fd:01 77                                 /bin/a b
10000000-10008000 rw-p 00000000 00:00 0 
20000000-20002000 rw-p 00000000 00:00 0                                  [anon:mine]
7ff000000000-7ff000021000 rw-p 00000000 00:00 0                          [heap]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
";

    fn known() -> Known {
        Known {
            own: vec![0x1000_2000..0x1000_3000, 0x2000_0000..0x2000_1000],
            executable: vec![0x40_1000..0x40_3000],
            ..Known::default()
        }
    }

    #[test]
    fn cut_and_marked() {
        let text = guest(HOST.as_bytes(), &known());
        let expected = "\
00400000-00401000 r--p 00001000 fd:01 77                                 /bin/a b
00401000-00403000 r-xp 00002000 fd:01 77                                 /bin/a b
00403000-00405000 r--p 00004000 fd:01 77                                 /bin/a b
10000000-10002000 rw-p 00000000 00:00 0 
10003000-10008000 rw-p 00000000 00:00 0 
20001000-20002000 rw-p 00000000 00:00 0                                  [anon:mine]
7ff000000000-7ff000021000 rw-p 00000000 00:00 0 
";
        assert_eq!(core::str::from_utf8(&text).unwrap(), expected);
        let mapped = mapped_at(&text, 0x40_1234);
        assert_eq!(mapped, Some((b"/bin/a b".to_vec(), 77)));
        assert_eq!(mapped_at(&text, 0x1000_0000), None);
        let text = b"00400000-00405000 r--p 00000000 fd:01 5   /a\\012\\b (deleted)\n";
        let mapped = mapped_at(text, 0x40_0000);
        assert_eq!(mapped, Some((b"/a\n\\b (deleted)".to_vec(), 5)));
    }

    #[test]
    fn code_is_found_by_its_memory() {
        let maps = "\
10000000-10008000 rw-s 00000000 00:01 7                                  /dev/zero (deleted)
20000000-20008000 rw-s 00000000 00:01 8                                  /dev/zero (deleted)
30000000-30001000 r-xp 00000000 fd:01 8                                  /bin/engine
40000000-40008000 r-xs 00000000 00:01 8                                  /dev/zero (deleted)
40008000-40010000 r-xs 00008000 00:01 9                                  /memfd:translated (deleted)
50000000-50010000 ---s 00000000 00:01 9                                  /memfd:translated (deleted)
";
        let code = [
            0x2000_0000..0x2000_8000,
            0x4000_0000..0x4000_8000,
            0x4000_8000..0x4001_0000,
            0x5000_0000..0x5001_0000,
        ];
        assert_eq!(code_memory(maps.as_bytes()), code);
        assert_eq!(code_memory(HOST.as_bytes()), []);
    }

    #[test]
    fn an_engine_that_says_nothing() {
        let maps = "\
00400000-00405000 r--p 00000000 fd:01 77                                 /bin/a
01000000-01005000 rw-p 00000000 00:00 0 
30000000-30001000 r--p 00000000 fd:01 8                                  /bin/engine
30001000-30002000 rw-p 00001000 fd:01 8                                  /bin/engine
40000000-40008000 r-xs 00000000 00:01 9                                  /dev/zero (deleted)
70000000-70008000 rw-p 00000000 00:00 0                                  [stack]
";
        let maps = maps.as_bytes();
        assert_eq!(starts_of(maps, 8).collect::<Vec<_>>(), [0x3000_0000]);
        let mut stat = b"1 (a) b) S".to_vec();
        for number in 4..=48 {
            let field = match number {
                26 => 0x40_1234,
                27 => 0x40_2001,
                47 => 0x100_0000,
                _ => 7,
            };
            stat.extend_from_slice(alloc::format!(" {field}").as_bytes());
        }
        let expected = "\
00400000-00401000 r--p 00000000 fd:01 77                                 /bin/a
00401000-00403000 r-xp 00001000 fd:01 77                                 /bin/a
00403000-00405000 r--p 00003000 fd:01 77                                 /bin/a
01000000-01005000 rw-p 00000000 00:00 0                                  [heap]
70000000-70008000 rw-p 00000000 00:00 0                                  [stack]
";
        let text = guest(maps, &guessed(maps, 8, &stat));
        assert_eq!(core::str::from_utf8(&text).unwrap(), expected);
        // It may be that nobody says anything.
        let text = guest(maps, &guessed(maps, 8, b""));
        assert!(text.starts_with(b"00400000-00405000 r--p"));
        assert_eq!(text.split(|&byte| byte == b'\n').count(), 4);
        let known = Known {
            own: vec![0x3000_0000..0x3000_2000],
            ..Known::default()
        };
        let host = b"00400000 default file=/bin/a\n30000000 default file=/bin/engine\n";
        assert_eq!(numa(host, &known), b"00400000 default file=/bin/a\n");
    }

    #[test]
    fn code_that_may_not_be_read() {
        let known = Known {
            unreadable: vec![0x40_2000..0x40_3000],
            ..known()
        };
        let text = guest(HOST.as_bytes(), &known);
        let lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
        assert!(lines[1].starts_with(b"00401000-00402000 r-xp"));
        assert!(lines[2].starts_with(b"00402000-00403000 --xp"));
    }

    #[test]
    fn named() {
        let names = vec![
            (0x1000_7000..0x1000_8000, "[stack]"),
            (0x7ff0_0000_0000..0x7ff0_0000_1000, "[heap]"),
        ];
        let known = Known {
            names,
            ..Known::default()
        };
        let text = guest(HOST.as_bytes(), &known);
        let text = core::str::from_utf8(&text).unwrap();
        assert!(
            text.contains(
                "10008000 rw-p 00000000 00:00 0                                  [stack]\n"
            )
        );
        assert!(text.contains("                          [heap]\n"));
    }

    /// What the kernel gives every process is not joined with what is beside it.
    #[test]
    fn pages_of_their_own() {
        let known = Known {
            names: vec![
                (0x2000..0x3000, "[vdso]"),
                (0x3000..0x4000, "[sigpage]"),
                (0x4000..0x5000, "[heap]"),
            ],
            ..Known::default()
        };
        let host = b"00001000-00006000 r--p 00000000 00:00 0 \n";
        let text = guest(host, &known);
        let text = core::str::from_utf8(&text).unwrap();
        let found: Vec<_> = text
            .lines()
            .map(|line| (&line[..17], line[40..].trim()))
            .collect();
        let expected = [
            ("00001000-00002000", ""),
            ("00002000-00003000", "[vdso]"),
            ("00003000-00004000", "[sigpage]"),
            ("00004000-00006000", "[heap]"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn mappings_of_smaps() {
        let host = "\
00400000-00402000 r--p 00001000 fd:01 77                                 /bin/a\\012b
Anonymous:             0 kB
VmFlags: rd mr mw me
10001000-10004000 rw-p 00000000 00:00 0 
Anonymous:             8 kB
VmFlags: rd wr mr mw me ac dd
";
        let found = mappings(host.as_bytes(), &known());
        let ranges: Vec<_> = found.iter().map(|mapping| mapping.range.clone()).collect();
        assert_eq!(
            ranges,
            [
                0x40_0000..0x40_1000,
                0x40_1000..0x40_2000,
                0x1000_1000..0x1000_2000,
                0x1000_3000..0x1000_4000,
            ]
        );
        assert_eq!(found[0].plain_path(), b"/bin/a\nb");
        assert_eq!(found[1].offset, 0x2000);
        assert_eq!(&found[1].permissions, b"r-xp");
        assert!(found[0].is_file && !found[0].is_written && !found[0].has_flag(b"dd"));
        assert!(!found[3].is_file && found[3].is_written && found[3].has_flag(b"dd"));
    }

    #[test]
    fn details_of_smaps() {
        let host = "\
10001000-10004000 rw-p 00000000 00:00 0 
Size:                 12 kB
KernelPageSize:        4 kB
Rss:                   8 kB
ProtectionKey:         0
VmFlags: rd wr mr mw me ac 
";
        let known = Known {
            executable: vec![0x1000_3000..0x1000_4000],
            ..known()
        };
        let text = guest(host.as_bytes(), &known);
        let expected = "\
10001000-10002000 rw-p 00000000 00:00 0 
Size:                  4 kB
KernelPageSize:        4 kB
Rss:                   8 kB
VmFlags: rd wr mr mw me ac 
10003000-10004000 rwxp 00000000 00:00 0 
Size:                  4 kB
KernelPageSize:        4 kB
Rss:                   0 kB
VmFlags: rd wr ex mr mw me ac 
";
        assert_eq!(core::str::from_utf8(&text).unwrap(), expected);
    }
}
