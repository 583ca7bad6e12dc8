//! The engine's own file, to be executed again.
//!
//! Where `/proc` is mounted, `/proc/self/exe` leads to it. Where it is not, the
//! file is made anew, in memory, of what the kernel has mapped of it. The
//! segments that are not writable are as in the file. Of the relocated ones, the
//! relocated words are not. Where the table of relocations is packed, a word in the file is
//! its addend; else the table has addends, and such words become zeros, since what they are
//! before does not matter. The few bytes of `.data` are kept at
//! the start, before anything changes them. So the file that is made of a
//! process that was started from such a file is the same again.
//!
//! It is sealed before it is executed.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::made_file;
use crate::host::message;
use crate::host::sys::{self, AT_FDCWD, Errno, Fd, fd_argument, number};

/// How the engine can be executed.
#[derive(Debug)]
pub enum EngineFile {
    /// By the process's directory in `/proc`.
    Process(Fd),
    /// By `/proc/self/exe`, without having looked.
    Unseen,
    /// By a file that was made.
    Made(Fd),
}

impl EngineFile {
    /// In `/proc`. Without a descriptor to look whether it is the kernel's, that
    /// is taken for granted, unless it must not.
    ///
    /// # Errors
    /// Where there is no `/proc`.
    pub fn in_proc(must_look: bool) -> Result<Self, Errno> {
        const DIRECTORY: &CStr = c"/proc/self";
        /// `O_PATH | O_DIRECTORY | O_CLOEXEC`.
        const FLAGS: u64 = 0o12_200_000;
        const PROC_SUPER_MAGIC: u64 = 0x9fa0;
        let path = DIRECTORY.as_ptr() as u64;
        let arguments = [fd_argument(AT_FDCWD), path, FLAGS, 0, 0, 0];
        // SAFETY: the kernel reads the string only.
        let directory = match unsafe { sys::syscall(number::OPENAT, arguments) } {
            Ok(directory) => Fd::new(i32::try_from(directory).map_err(|_| Errno::EBADF)?),
            Err(Errno::EMFILE | Errno::ENFILE) if !must_look => return Ok(Self::Unseen),
            Err(error) => return Err(error),
        };
        // `struct statfs`: 120 bytes, the type first.
        let mut status = [0_u64; 15];
        let at = status.as_mut_ptr() as u64;
        let arguments = [fd_argument(directory.number()), at, 0, 0, 0, 0];
        // SAFETY: the kernel writes into the array only.
        unsafe { sys::syscall(number::FSTATFS, arguments) }?;
        if status[0] == PROC_SUPER_MAGIC {
            Ok(Self::Process(directory))
        } else {
            Err(Errno::ENOENT)
        }
    }

    /// Made anew.
    ///
    /// # Errors
    /// The kernel's, for lack of memory, of descriptors, or of the permission to
    /// execute files in memory (`vm.memfd_noexec`).
    pub fn made() -> Result<Self, Errno> {
        let image = Program::this().image().ok_or(Errno::ENOENT)?;
        let name = CString::new(message::name()).unwrap_or_default();
        made_file::executable(&name, &image).map(Self::Made)
    }

    /// As `execveat` takes it: directory, path, flags.
    #[must_use]
    pub fn named(&self) -> (i32, &'static CStr, u64) {
        const AT_EMPTY_PATH: u64 = 0x1000;
        match self {
            Self::Process(directory) => (directory.number(), c"exe", 0),
            Self::Unseen => (AT_FDCWD, c"/proc/self/exe", 0),
            Self::Made(file) => (file.number(), c"", AT_EMPTY_PATH),
        }
    }
}

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_GNU_RELRO: u32 = 0x6474_e552;
const WRITABLE: u32 = 2;

/// The words of writable data that the file has: hardly more than one thread's
/// attention. A test says so when they become too many.
static DATA: [AtomicU64; 256] = [const { AtomicU64::new(0) }; 256];
/// How many bytes of them.
static DATA_LENGTH: AtomicUsize = AtomicUsize::new(0);

/// Keeps what the file has of writable data. Called before anything changes it,
/// the heap included.
///
/// # Safety
/// There is one thread, and this is the engine, a static-PIE that has been
/// relocated.
pub unsafe fn keep() {
    let program = Program::this();
    let data = program.data();
    let length = data.len();
    if length > size_of_val(&DATA) {
        return;
    }
    // SAFETY: the kernel has mapped the segment there, and nobody changes it yet.
    let bytes = unsafe { core::slice::from_raw_parts(program.start.add(data.start), length) };
    for (kept, bytes) in DATA.iter().zip(bytes.chunks(8)) {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        kept.store(u64::from_ne_bytes(word), Ordering::Relaxed);
    }
    DATA_LENGTH.store(length, Ordering::Relaxed);
}

/// `Elf64_Phdr`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Header {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    physical: u64,
    file_size: u64,
    memory_size: u64,
    alignment: u64,
}

impl Header {
    /// The addresses of what the file has of it.
    fn filled(&self) -> Range<usize> {
        let start = index(self.address);
        start..start + index(self.file_size)
    }

    /// The place of an address in the file.
    fn place(&self, address: usize) -> usize {
        address - index(self.address) + index(self.offset)
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the host has 64 bits")]
const fn index(address: u64) -> usize {
    address as usize
}

/// The addresses in a packed table (`DT_RELR`): an entry is the address of a word, or, if bit 0
/// is set, has a bit for each of the 63 words that come next.
fn unpacked(table: &[usize]) -> impl Iterator<Item = usize> {
    let mut next = 0;
    table.iter().flat_map(move |&entry| {
        let (first, bits) = if entry & 1 == 0 {
            next = entry + 8;
            (entry, 1)
        } else {
            let first = next;
            next += 63 * 8;
            (first, entry >> 1)
        };
        let is_set = move |bit: &usize| bits >> bit & 1 != 0;
        (0..63).filter(is_set).map(move |bit| first + 8 * bit)
    })
}

/// The engine as it is mapped. Addresses are those of the file, which start at
/// 0, as a PIE's do.
#[derive(Clone, Copy)]
struct Program {
    start: *const u8,
    headers: &'static [Header],
}

impl Program {
    fn this() -> Self {
        // SAFETY: the linker defines the name, and the ELF header there has 64 bytes.
        unsafe extern "C" {
            /// The linker's name for the file's start.
            #[link_name = "__ehdr_start"]
            static START: [u64; 8];
        }
        // SAFETY: the linker has the headers mapped behind the start; `e_phoff`
        // is at 32, `e_phnum` at 56. Nothing writes there.
        unsafe {
            let start = (&raw const START).cast::<u8>();
            let table = *start.add(32).cast::<usize>();
            let count = usize::from(*start.add(56).cast::<u16>());
            let headers = core::slice::from_raw_parts(start.add(table).cast(), count);
            Self { start, headers }
        }
    }

    fn find(&self, kind: u32) -> Option<&'static Header> {
        self.headers.iter().find(|header| header.kind == kind)
    }

    fn segments(&self) -> impl Iterator<Item = &'static Header> {
        self.headers.iter().filter(|header| header.kind == PT_LOAD)
    }

    /// What the file has of data that anything may write to: all writable but
    /// what only relocation writes to.
    fn data(&self) -> Range<usize> {
        let relocated = self.find(PT_GNU_RELRO).map(|header| {
            let start = index(header.address);
            start..start + index(header.memory_size)
        });
        let relocated = relocated.unwrap_or_default();
        self.segments()
            .filter(|segment| segment.flags & WRITABLE != 0)
            .map(Header::filled)
            .map(|data| {
                if relocated.contains(&data.start) {
                    relocated.end.min(data.end)..data.end
                } else {
                    data
                }
            })
            .find(|data| !data.is_empty())
            .unwrap_or_default()
    }

    /// A table that the dynamic section tells of by the keys of its place and its size.
    fn table<T>(&self, place: usize, size: usize) -> &'static [T] {
        let dynamic: &[[usize; 2]] = self.find(PT_DYNAMIC).map_or(&[], |header| {
            let count = header.filled().len() / 16;
            // SAFETY: the segment is mapped, and relocation is over.
            unsafe {
                let start = self.start.add(index(header.address));
                core::slice::from_raw_parts(start.cast(), count)
            }
        });
        let value = |key| dynamic.iter().find(|entry| entry[0] == key).map(|e| e[1]);
        match (value(place), value(size)) {
            // SAFETY: the linker says where the table is, which is mapped and stays; its rows are
            // words.
            (Some(table), Some(size)) => unsafe {
                let count = size / size_of::<T>();
                core::slice::from_raw_parts(self.start.add(table).cast(), count)
            },
            _ => &[],
        }
    }

    /// The addresses of the words that are relocated, and whether each has its addend in it.
    fn relocated_words(&self) -> impl Iterator<Item = (usize, bool)> {
        const DT_RELA: usize = 7;
        const DT_RELASZ: usize = 8;
        const DT_RELRSZ: usize = 35;
        const DT_RELR: usize = 36;
        let plain: &[[usize; 3]] = self.table(DT_RELA, DT_RELASZ);
        let packed: &[usize] = self.table(DT_RELR, DT_RELRSZ);
        let plain = plain.iter().map(|&[address, ..]| (address, false));
        plain.chain(unpacked(packed).map(|address| (address, true)))
    }

    /// The file's bytes; none where its writable data were not kept. Section
    /// headers, which are not mapped, it has none.
    fn image(&self) -> Option<Vec<u8>> {
        let ends = self
            .segments()
            .map(|segment| segment.place(segment.filled().end));
        let mut image = alloc::vec![0; ends.max()?];
        let data = self.data();
        for segment in self.segments() {
            let filled = segment.filled();
            // The data, which are the last of their segment, come below.
            let end = if filled.contains(&data.start) {
                data.start
            } else {
                filled.end
            };
            // SAFETY: the kernel has mapped the segment, and nothing writes to
            // this part of it after relocation.
            let memory = unsafe {
                let start = self.start.add(filled.start);
                core::slice::from_raw_parts(start, end - filled.start)
            };
            let part = segment.place(filled.start)..segment.place(end);
            image.get_mut(part)?.copy_from_slice(memory);
        }
        let holds = |address| move |segment: &&Header| segment.filled().contains(&address);
        if data.len() != DATA_LENGTH.load(Ordering::Relaxed) {
            return None;
        }
        if let Some(segment) = self.segments().find(holds(data.start)) {
            let part = segment.place(data.start)..segment.place(data.end);
            for (at, byte) in image.get_mut(part)?.iter_mut().enumerate() {
                *byte = DATA[at / 8].load(Ordering::Relaxed).to_le_bytes()[at % 8];
            }
        }
        for (address, has_addend) in self.relocated_words() {
            // A word that only memory has is none of the file's.
            if let Some(segment) = self.segments().find(holds(address)) {
                let at = segment.place(address);
                let word: &mut [u8; 8] = image.get_mut(at..at + 8)?.try_into().ok()?;
                *word = if has_addend {
                    let start = self.start as u64;
                    u64::from_le_bytes(*word).wrapping_sub(start).to_le_bytes()
                } else {
                    [0; 8]
                };
            }
        }
        // `e_shoff`, and `e_shnum` and `e_shstrndx`.
        image.get_mut(40..48)?.fill(0);
        image.get_mut(60..64)?.fill(0);
        Some(image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_table() {
        // A word, two of the 63 behind it, the last of the next 63, and a word elsewhere.
        let table = [0x1000, 0b1011, 1 << 63 | 1, 0x5008];
        let found: Vec<_> = unpacked(&table).collect();
        assert_eq!(found, [0x1000, 0x1008, 0x1018, 0x1008 + 125 * 8, 0x5008]);
    }
}
