//! What is executed: programs, states to start from, and final states.
//!
//! All executors place programs and data area at the same guest addresses.
//! The data area lies between pages where nothing is mapped, and within reach
//! of literal loads from the programs.
//!
//! Invariants: [`State`] is laid out as `guest/runner.S` reads and writes it,
//! by the offsets that `qemu.rs` gives it; a program is never longer than
//! [`MAX_WORDS`].

/// Where programs are placed.
pub const CODE: u64 = 0x20_0000_0000;
/// How many bytes of programs a batch has at most.
pub const CODE_SIZE: u64 = 0x1_0000;
/// Where the data area is.
pub const DATA: u64 = CODE + 0x8_0000;
/// Its size: two pages.
pub const DATA_SIZE: u64 = 0x2000;
/// How many states a batch has at most.
pub const MAX_STATES: usize = 1024;
/// How many words a program has at most, without head and tail.
pub const MAX_WORDS: usize = 256;

/// The registers before a program and after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct State {
    /// X0 to X30 and SP.
    pub x: [u64; 32],
    /// V0 to V31.
    pub v: [u128; 32],
    /// After a fault, the address of the instruction; else 0.
    pub pc: u64,
    /// N, Z, C and V in bits 31 to 28.
    pub nzcv: u64,
    /// As MRS reads it.
    pub fpcr: u64,
    /// As MRS reads it.
    pub fpsr: u64,
    /// `TPIDR_EL0`. Only what is read of it is compared: the guest runner
    /// needs the register at the end.
    pub tpidr: u64,
    /// The signal of the fault that ended the program, or 0.
    pub signal: u64,
    /// `si_code` of it.
    pub code: u64,
    /// `si_addr` of it.
    pub address: u64,
}

/// A program: instructions that are entered at the first and end after the
/// last.
#[derive(Clone, Debug)]
pub struct Program {
    /// The address of the first word.
    pub address: u64,
    /// The instructions.
    pub words: Vec<u32>,
}

impl Program {
    /// The address after the last word, where the program ends.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.address + 4 * self.words.len() as u64
    }
}

/// Programs and states to run them on.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// One after the other, with a word before and after each.
    pub programs: Vec<Program>,
    /// The program's number and the state it starts from.
    pub states: Vec<(usize, State)>,
    /// What the data area holds at each start; empty when the programs access
    /// no memory.
    pub pattern: Vec<u8>,
    /// Hints in the first page of programs may be calls ([`guest::surroundings`]).
    pub calls: bool,
}

impl Batch {
    /// The address of the next program.
    #[must_use]
    pub fn next_address(&self) -> u64 {
        self.programs.last().map_or(CODE, |p| p.end() + 4) + 4
    }

    /// Whether a program of `words` more still fits.
    #[must_use]
    pub fn has_room(&self, words: usize) -> bool {
        self.next_address() + 4 * words as u64 + 4 <= CODE + CODE_SIZE
    }

    /// Adds a program that was made for [`Batch::next_address`]; its number.
    pub fn add(&mut self, program: Program) -> usize {
        assert_eq!(program.address, self.next_address(), "the program's place");
        assert!(program.words.len() <= MAX_WORDS, "a program too long");
        self.programs.push(program);
        self.programs.len() - 1
    }

    /// All words from [`CODE`] on: each program between a head and a tail.
    #[must_use]
    pub fn image(&self, head: u32, tail: impl Fn(&Program) -> u32) -> Vec<u32> {
        let mut image = Vec::new();
        for program in &self.programs {
            image.push(head);
            image.extend(&program.words);
            image.push(tail(program));
        }
        image
    }
}

/// What came of a batch.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// The final states, in the order of the batch's.
    pub states: Vec<State>,
    /// The data area after each, one after the other; empty when the batch has
    /// no pattern.
    pub data: Vec<u8>,
}

impl Results {
    /// The data area after state `n`.
    #[must_use]
    pub fn data_of(&self, n: usize) -> &[u8] {
        let size = DATA_SIZE as usize;
        self.data.get(n * size..(n + 1) * size).unwrap_or(&[])
    }
}
