//! The notes of a core file: what a kernel says there of the process and of each of its threads
//! (`elfcore.h`, the architecture's `ptrace.h`).

use alloc::vec::Vec;

use super::parking::Parked;
use crate::host::signal::SignalInfo;
use crate::linux::abi::platform::{Platform, Width, short_user};
use crate::linux::views::maps::Mapping;

const PRSTATUS: u32 = 1;
const FPREGSET: u32 = 2;
const PRPSINFO: u32 = 3;
const AUXV: u32 = 6;
/// `FILE` and `SIGI`, as numbers.
const FILE: u32 = 0x4649_4c45;
const SIGINFO: u32 = 0x5349_4749;

/// What is said of the process.
#[derive(Debug)]
pub(super) struct About {
    /// Its number, its parent's, its group's and its session's.
    pub(super) numbers: [u32; 4],
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) nice: u8,
    /// Its name and its arguments, each with an end.
    pub(super) name: [u8; 16],
    pub(super) arguments: [u8; 80],
    /// The auxiliary vector.
    pub(super) auxiliary: Vec<u8>,
    /// User and system time, and its children's: seconds and microseconds.
    pub(super) times: [[u64; 2]; 4],
    /// What it dies of.
    pub(super) signal: SignalInfo,
}

/// Bytes that are filled in order, with words of a width.
#[derive(Debug)]
struct Bytes(Vec<u8>, Width);

impl Bytes {
    fn half(&mut self, value: u32) -> &mut Self {
        self.all(&value.to_le_bytes())
    }

    /// C's `long`: of a value that does not fit, its lower half.
    fn word(&mut self, value: u64) -> &mut Self {
        let width = self.1.bytes();
        self.all(&value.to_le_bytes()[..width])
    }

    fn words<'a>(&mut self, values: impl IntoIterator<Item = &'a u64>) -> &mut Self {
        for &value in values {
            self.word(value);
        }
        self
    }

    fn all(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Up to where a word may be.
    fn align_word(&mut self) -> &mut Self {
        self.align(self.1.bytes())
    }

    fn align(&mut self, to: usize) -> &mut Self {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
        self
    }
}

/// A note with its header.
fn note(owner: &[u8], kind: u32, contents: &[u8]) -> Vec<u8> {
    // A note's words are the same in both classes.
    let mut note = Bytes(Vec::new(), Width::Bits32);
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    note.half(length(owner)).half(length(contents)).half(kind);
    note.all(owner).align(4).all(contents).align(4);
    note.0
}

fn of_core(kind: u32, contents: &[u8]) -> Vec<u8> {
    note(b"CORE\0", kind, contents)
}

/// All of them: the thread that dies is the first, and behind its status is
/// what is the process's.
pub(super) fn all(
    about: &About,
    threads: &[Parked],
    mappings: &[Mapping<'_>],
    platform: &Platform,
) -> Vec<Vec<u8>> {
    let width = platform.elf.width;
    let signal = match platform.tracing.narrow {
        Some(narrow) => (narrow.to_guest)(&about.signal),
        None => about.signal.bytes(),
    };
    let mut notes = Vec::new();
    for (index, thread) in threads.iter().enumerate() {
        notes.push(of_core(PRSTATUS, &status(about, thread, index == 0, width)));
        if index == 0 {
            notes.push(of_core(
                PRPSINFO,
                &process(about, width, platform.short_users),
            ));
            notes.push(of_core(SIGINFO, &signal));
            notes.push(of_core(AUXV, &about.auxiliary));
            notes.push(of_core(FILE, &files(mappings, width)));
        }
        let registers = &thread.registers;
        notes.push(of_core(FPREGSET, &registers.float));
        for (kind, contents) in &registers.others {
            notes.push(note(b"LINUX\0", *kind, contents));
        }
    }
    notes
}

/// `struct elf_prstatus`.
fn status(about: &About, thread: &Parked, dies: bool, width: Width) -> Vec<u8> {
    let mut status = Bytes(Vec::new(), width);
    let signal = about.signal.signal().cast_unsigned();
    let [_, parent, group, session] = about.numbers;
    // Signal, code and error; the current signal.
    status.half(signal).half(0).half(0).half(signal);
    // What is pending the engine does not say.
    status.word(0).word(thread.mask);
    for number in [thread.thread, parent, group, session] {
        status.half(number);
    }
    let none = [[0; 2]; 4];
    let times = if dies { &about.times } else { &none };
    status.words(times.as_flattened());
    status.all(&thread.registers.general);
    // The other registers are there too.
    status.half(1).align_word();
    status.0
}

/// `struct elf_prpsinfo`.
fn process(about: &About, width: Width, short_users: bool) -> Vec<u8> {
    let mut process = Bytes(Vec::new(), width);
    // It runs (`R`), and is no zombie.
    let state = [0, b'R', 0, about.nice];
    process.all(&state).align_word().word(0);
    for number in [about.user, about.group] {
        if short_users {
            process.all(&short_user(number).to_le_bytes());
        } else {
            process.half(number);
        }
    }
    for number in about.numbers {
        process.half(number);
    }
    process.all(&about.name).all(&about.arguments);
    process.0
}

/// The files that are mapped: how many, the page's size, where each is and from
/// which page on, then their names.
fn files(mappings: &[Mapping<'_>], width: Width) -> Vec<u8> {
    const PAGE: u64 = 4096;
    let of_files = || mappings.iter().filter(|mapping| mapping.is_file);
    let mut files = Bytes(Vec::new(), width);
    files.word(of_files().count() as u64).word(PAGE);
    for mapping in of_files() {
        let range = &mapping.range;
        files.words(&[range.start, range.end, mapping.offset / PAGE]);
    }
    for mapping in of_files() {
        files.all(&mapping.plain_path()).all(&[0]);
    }
    files.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::abi::arm64::register_sets::register_sets;
    use a64::cpu::Cpu;

    #[test]
    fn sizes_are_the_kernels() {
        let mut about = About {
            numbers: [1, 2, 3, 4],
            user: 5,
            group: 6,
            nice: 0,
            name: [b'n'; 16],
            arguments: [b'a'; 80],
            auxiliary: Vec::new(),
            times: [[0; 2]; 4],
            signal: SignalInfo::fault(11, 1, 0x1234),
        };
        let thread = Parked {
            thread: 9,
            registers: register_sets(&Cpu {
                pc: 0x4000_1234,
                ..Cpu::default()
            }),
            mask: 0,
        };
        let narrow = status(&about, &thread, true, Width::Bits32);
        // Of arm64's registers, which are no other's: 272 bytes, and arm's are 72.
        assert_eq!(narrow.len(), 148 - 72 + 272);
        assert_eq!((narrow[12], narrow[24]), (11, 9));
        about.user = 0x1_0005;
        let narrow = process(&about, Width::Bits32, true);
        assert_eq!(narrow[8..10], 65534_u16.to_le_bytes());
        about.user = 5;
        let narrow = process(&about, Width::Bits32, true);
        assert_eq!(narrow.len(), 124);
        assert_eq!((narrow[8], narrow[12], narrow[28]), (5, 1, b'n'));
        let status = status(&about, &thread, true, Width::Bits64);
        assert_eq!(status.len(), 392);
        assert_eq!(status[12], 11);
        assert_eq!(status[32], 9);
        assert_eq!(status[112 + 32 * 8..][..8], 0x4000_1234_u64.to_le_bytes());
        assert_eq!(status[384], 1);
        let process = process(&about, Width::Bits64, false);
        assert_eq!(process.len(), 136);
        assert_eq!((process[16], process[24], process[40]), (5, 1, b'n'));
        assert_eq!(thread.registers.float.len(), 528);
        assert_eq!(note(b"CORE\0", 1, &[7; 5]).len(), 12 + 8 + 8);
    }
}
