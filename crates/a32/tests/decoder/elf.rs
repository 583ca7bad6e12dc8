//! The code of 32-bit Arm ELF files: their executable sections, as mapping symbols tell A32, T32 and data
//! apart. Object files have these symbols, alone and in archives; programs are stripped of them.

use armistice_a32::decode::{State, is_long};

/// What a mapping symbol says of what is behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    /// `$a` and `$t`.
    Code(bool),
    /// `$d`.
    Data,
}

fn u16_at(file: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(file[at..at + 2].try_into().unwrap())
}

fn u32_at(file: &[u8], at: usize) -> usize {
    u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize
}

fn string_at(file: &[u8], at: usize) -> &str {
    let end = at + file[at..].iter().position(|&b| b == 0).unwrap();
    std::str::from_utf8(&file[at..end]).unwrap_or("")
}

struct Section {
    kind: usize,
    flags: usize,
    offset: usize,
    size: usize,
    link: usize,
}

fn sections(file: &[u8]) -> Vec<Section> {
    let (table, count) = (u32_at(file, 32), usize::from(u16_at(file, 48)));
    // Many sections: the count is in the first one.
    let count = match count {
        0 if table != 0 => u32_at(file, table + 20),
        count => count,
    };
    (0..count)
        .map(|i| table + i * 40)
        .map(|header| Section {
            kind: u32_at(file, header + 4),
            flags: u32_at(file, header + 8),
            offset: u32_at(file, header + 16),
            size: u32_at(file, header + 20),
            link: u32_at(file, header + 24),
        })
        .collect()
}

/// The mapping symbols of a section, by offset.
fn marks(file: &[u8], sections: &[Section], index: usize) -> Vec<(usize, Mark)> {
    let mut marks = Vec::new();
    for table in sections.iter().filter(|s| s.kind == 2) {
        for at in (table.offset..table.offset + table.size).step_by(16) {
            if usize::from(u16_at(file, at + 14)) != index {
                continue;
            }
            let name = string_at(file, sections[table.link].offset + u32_at(file, at));
            let mark = match name.split('.').next().unwrap() {
                "$a" => Mark::Code(false),
                "$t" => Mark::Code(true),
                "$d" => Mark::Data,
                _ => continue,
            };
            marks.push((u32_at(file, at + 4), mark));
        }
    }
    marks.sort_unstable();
    marks
}

/// Whether it is an object file of 32-bit Arm, little-endian.
fn is_arm_object(file: &[u8]) -> bool {
    file.len() > 52
        && file.starts_with(b"\x7fELF\x01\x01")
        && u16_at(file, 16) == 1
        && u16_at(file, 18) == 40
}

/// The object files of an archive, or the file itself.
pub(crate) fn objects(file: &[u8]) -> Vec<&[u8]> {
    let Some(mut rest) = file.strip_prefix(b"!<arch>\n") else {
        return [file].into_iter().filter(|f| is_arm_object(f)).collect();
    };
    let mut found = Vec::new();
    while rest.len() >= 60 {
        let size = std::str::from_utf8(&rest[48..58]).unwrap().trim_end();
        let size: usize = size.parse().unwrap();
        let member = &rest[60..60 + size];
        if is_arm_object(member) {
            found.push(member);
        }
        rest = rest.get(60 + size.next_multiple_of(2)..).unwrap_or(&[]);
    }
    found
}

/// The instructions of an object file, as words of their states.
///
/// # Panics
/// When code has no mapping symbols.
pub(crate) fn code(file: &[u8]) -> Vec<(State, u32)> {
    let all = sections(file);
    let mut found = Vec::new();
    for (index, section) in all.iter().enumerate() {
        if section.flags & 4 == 0 || section.kind != 1 || section.size == 0 {
            continue;
        }
        let marks = marks(file, &all, index);
        assert!(!marks.is_empty(), "code without mapping symbols");
        let ends = marks.iter().skip(1).map(|m| m.0).chain([section.size]);
        for (&(start, mark), end) in marks.iter().zip(ends) {
            let bytes = &file[section.offset + start..section.offset + end.max(start)];
            match mark {
                Mark::Data => {}
                Mark::Code(false) => {
                    let words = bytes.chunks_exact(4).map(|w| w.try_into().unwrap());
                    found.extend(words.map(|w| (State::Arm, u32::from_le_bytes(w))));
                }
                Mark::Code(true) => found.extend(thumb(bytes).map(|word| (State::Thumb, word))),
            }
        }
    }
    found
}

/// T32's instructions, one after the other.
fn thumb(bytes: &[u8]) -> impl Iterator<Item = u32> {
    let mut halves = bytes.chunks_exact(2).map(|h| u32::from(u16_at(h, 0)));
    std::iter::from_fn(move || {
        let first = halves.next()?;
        if is_long(first) {
            Some(first << 16 | halves.next()?)
        } else {
            Some(first)
        }
    })
}
