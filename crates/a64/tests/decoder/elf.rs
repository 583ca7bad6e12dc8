//! The code of an AArch64 ELF file: its executable sections, without what
//! mapping symbols call data.

/// A section of code.
pub(crate) struct Code {
    pub(crate) name: String,
    /// Address and word; data left out.
    pub(crate) words: Vec<(u64, u32)>,
    /// Whether mapping symbols told code from data.
    pub(crate) mapped: bool,
}

fn number<const N: usize>(file: &[u8], at: usize) -> [u8; N] {
    file[at..at + N].try_into().unwrap()
}

fn u16_at(file: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(number(file, at))
}

fn u32_at(file: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(number(file, at))
}

fn size_at(file: &[u8], at: usize) -> usize {
    usize::try_from(u64::from_le_bytes(number(file, at))).unwrap()
}

fn string_at(file: &[u8], at: usize) -> String {
    let end = at + file[at..].iter().position(|&b| b == 0).unwrap();
    String::from_utf8_lossy(&file[at..end]).into_owned()
}

struct Section {
    name: String,
    kind: u32,
    flags: usize,
    address: usize,
    offset: usize,
    size: usize,
    link: usize,
}

fn sections(file: &[u8]) -> Vec<Section> {
    let (table, count) = (size_at(file, 40), usize::from(u16_at(file, 60)));
    let header = |i: usize| table + i * 64;
    let names = size_at(file, header(usize::from(u16_at(file, 62))) + 24);
    (0..count)
        .map(|i| Section {
            name: string_at(file, names + u32_at(file, header(i)) as usize),
            kind: u32_at(file, header(i) + 4),
            flags: size_at(file, header(i) + 8),
            address: size_at(file, header(i) + 16),
            offset: size_at(file, header(i) + 24),
            size: size_at(file, header(i) + 32),
            link: u32_at(file, header(i) + 40) as usize,
        })
        .collect()
}

/// The mapping symbols of a section, `$x` true and `$d` false, by address.
fn mapping(file: &[u8], sections: &[Section], index: usize) -> Vec<(usize, bool)> {
    let mut marks = Vec::new();
    for table in sections.iter().filter(|s| s.kind == 2) {
        for at in (table.offset..table.offset + table.size).step_by(24) {
            let name = string_at(
                file,
                sections[table.link].offset + u32_at(file, at) as usize,
            );
            let kind = name.split('.').next().unwrap();
            if matches!(kind, "$x" | "$d") && usize::from(u16_at(file, at + 6)) == index {
                marks.push((size_at(file, at + 8), kind == "$x"));
            }
        }
    }
    marks.sort_unstable();
    marks
}

/// Whether it is an ELF file of AArch64.
pub(crate) fn is_aarch64(file: &[u8]) -> bool {
    file.len() > 64 && file.starts_with(b"\x7fELF\x02\x01") && u16_at(file, 18) == 183
}

/// The executable sections with contents.
pub(crate) fn code(file: &[u8]) -> Vec<Code> {
    let all = sections(file);
    let executable = |s: &Section| s.flags & 4 != 0 && s.kind == 1;
    all.iter()
        .enumerate()
        .filter(|(_, s)| executable(s))
        .map(|(i, s)| {
            let marks = mapping(file, &all, i);
            let words = (0..s.size / 4 * 4).step_by(4).filter_map(|at| {
                let address = s.address + at;
                let mark = marks.partition_point(|&(a, _)| a <= address);
                let is_code = mark == 0 || marks[mark - 1].1;
                is_code.then(|| (address as u64, u32_at(file, s.offset + at)))
            });
            Code {
                name: s.name.clone(),
                words: words.collect(),
                mapped: !marks.is_empty(),
            }
        })
        .collect()
}
