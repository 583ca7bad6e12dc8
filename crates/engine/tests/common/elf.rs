//! A small AArch64 program as an ELF file, made field by field so that a test
//! can put anything anywhere.

/// A program header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) offset: u64,
    pub(crate) address: u64,
    pub(crate) file_size: u64,
    pub(crate) memory_size: u64,
    pub(crate) alignment: u64,
}

/// A file: a header, program headers behind it, code at [`CODE`], data at
/// [`DATA`].
#[derive(Clone, Debug)]
pub(crate) struct Elf {
    pub(crate) class: u8,
    pub(crate) encoding: u8,
    pub(crate) kind: u16,
    pub(crate) machine: u16,
    pub(crate) entry: u64,
    pub(crate) table: u64,
    pub(crate) entry_size: u16,
    /// How many there are said to be.
    pub(crate) count: u16,
    pub(crate) segments: Vec<Segment>,
    pub(crate) code: Vec<u32>,
    /// The length of the file.
    pub(crate) length: usize,
}

pub(crate) const BASE: u64 = 0x40_0000;
pub(crate) const CODE: u64 = 0x1000;
pub(crate) const DATA: u64 = 0x2000;

pub(crate) const LOAD: u32 = 1;
pub(crate) const INTERP: u32 = 3;
pub(crate) const R: u32 = 4;
pub(crate) const W: u32 = 2;
pub(crate) const X: u32 = 1;

/// `mov x0, #code; mov x8, #93; svc #0`: exit.
pub(crate) fn exit(code: u32) -> Vec<u32> {
    vec![0xd280_0000 | code << 5, 0xd280_0ba8, 0xd400_0001]
}

impl Default for Elf {
    /// A program that exits with 42.
    fn default() -> Self {
        let load = |flags, offset: u64, file_size, memory_size| Segment {
            kind: LOAD,
            flags,
            offset,
            address: BASE + offset,
            file_size,
            memory_size,
            alignment: 0x1000,
        };
        Self {
            class: 2,
            encoding: 1,
            kind: 2,
            machine: 183,
            entry: BASE + CODE,
            table: 64,
            entry_size: 56,
            count: 3,
            segments: vec![
                load(R, 0, 0x200, 0x200),
                load(R | X, CODE, 0x100, 0x100),
                load(R | W, DATA, 0x10, 0x5000),
            ],
            code: exit(42),
            length: 0x2010,
        }
    }
}

fn put(bytes: &mut Vec<u8>, at: u64, what: &[u8]) {
    let Ok(at) = usize::try_from(at) else { return };
    // A table far outside is meant to be outside.
    if at > 1 << 20 {
        return;
    }
    if bytes.len() < at + what.len() {
        bytes.resize(at + what.len(), 0);
    }
    bytes[at..at + what.len()].copy_from_slice(what);
}

impl Elf {
    /// The file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.length];
        let header = [
            &b"\x7fELF"[..],
            &[self.class, self.encoding, 1, 0],
            &[0; 8],
            &self.kind.to_le_bytes(),
            &self.machine.to_le_bytes(),
            &1_u32.to_le_bytes(),
            &self.entry.to_le_bytes(),
            &self.table.to_le_bytes(),
            &[0; 12],
            &64_u16.to_le_bytes(),
            &self.entry_size.to_le_bytes(),
            &self.count.to_le_bytes(),
            &[0; 6],
        ]
        .concat();
        assert_eq!(header.len(), 64);
        put(&mut bytes, 0, &header);
        for (index, segment) in (0_u64..).zip(&self.segments) {
            let entry = [
                &segment.kind.to_le_bytes()[..],
                &segment.flags.to_le_bytes(),
                &segment.offset.to_le_bytes(),
                &segment.address.to_le_bytes(),
                &segment.address.to_le_bytes(),
                &segment.file_size.to_le_bytes(),
                &segment.memory_size.to_le_bytes(),
                &segment.alignment.to_le_bytes(),
            ]
            .concat();
            put(&mut bytes, self.table.saturating_add(index * 56), &entry);
        }
        let code: Vec<u8> = self
            .code
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        put(&mut bytes, CODE, &code);
        bytes.truncate(self.length);
        bytes
    }

    /// This file with a change.
    pub(crate) fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut elf = Self::default();
        change(&mut elf);
        elf
    }
}
