//! What is executed: programs, states to start from, and final states.
//!
//! All executors place programs and data area at the same guest addresses.
//! The data area lies between pages where nothing is mapped, and within reach
//! of literal loads from the programs. Programs can be read, but not written.
//!
//! Invariants: the registers are laid out as the guest program reads and writes them
//! ([`crate::tested::State`]); a program is never longer than [`MAX_WORDS`].

use ir::Mode;

pub use crate::program::Program;
use crate::tested::{Tested, bit_0};

/// How many bytes of programs a batch has at most.
pub const CODE_SIZE: u64 = 0x1_0000;
/// Where the data area is, from [`Tested::CODE`] on.
pub const DATA_AT: u64 = 0x8_0000;
/// Its size: two pages.
pub const DATA_SIZE: u64 = 0x2000;
/// Where QEMU's guest has its own code, likewise: within a branch's reach of the programs. It begins
/// with where programs end, one word for each way of [`bit_0`].
pub(crate) const RUNNER_AT: u64 = 0x80_0000;
/// How many states a batch has at most.
pub const MAX_STATES: usize = 1024;
/// How many words a program has at most, without head and ends.
pub const MAX_WORDS: usize = 256;

/// Programs and states to run them on.
#[derive(Clone, Debug)]
pub struct Batch<G: Tested> {
    /// One after the other, with a head before each and branches behind it.
    pub programs: Vec<Program>,
    /// The program's number and the state it starts from.
    pub states: Vec<(usize, G::Registers)>,
    /// What the data area holds at each start; empty when the programs access
    /// no memory.
    pub pattern: Vec<u8>,
    /// Hints in the first page of programs may be calls ([`guest::surroundings`]).
    pub calls: bool,
}

impl<G: Tested> Default for Batch<G> {
    fn default() -> Self {
        Self {
            programs: Vec::new(),
            states: Vec::new(),
            pattern: Vec::new(),
            calls: false,
        }
    }
}

/// The bytes of a guest's heads.
fn head_size<G: Tested>() -> u64 {
    4 * G::head(Mode::PLAIN).len() as u64
}

impl<G: Tested> Batch<G> {
    /// The address of the next program.
    #[must_use]
    pub fn next_address(&self) -> u64 {
        let past = self.programs.last().map_or(G::CODE, |program| {
            let ends = G::ends(program).into_iter();
            4 + ends.map(|(address, _)| address).max().unwrap_or_default()
        });
        past + head_size::<G>()
    }

    /// Whether a program of `words` more still fits.
    #[must_use]
    pub fn has_room(&self, words: usize) -> bool {
        self.next_address() + 4 * words as u64 + 16 <= G::CODE + CODE_SIZE
    }

    /// Adds a program that was made for [`Batch::next_address`]; its number.
    pub fn add(&mut self, program: Program) -> usize {
        assert_eq!(program.address, self.next_address(), "the program's place");
        assert!(program.words.len() <= MAX_WORDS, "a program too long");
        self.programs.push(program);
        self.programs.len() - 1
    }

    /// Where programs end.
    pub(crate) fn ends(&self) -> Vec<(u64, Mode)> {
        self.programs.iter().flat_map(G::ends).collect()
    }

    /// Where a state's program is entered in QEMU, from [`Tested::CODE`] on, as an indirect branch
    /// has it.
    pub(crate) fn entry(&self, program: usize) -> u32 {
        let program = &self.programs[program];
        let head = program.address - head_size::<G>() - G::CODE;
        head as u32 | u32::from(bit_0::<G>(program.mode))
    }

    /// All of [`CODE_SIZE`] bytes from [`Tested::CODE`] on: each program between its head and branches to where
    /// the guest of QEMU goes on. Behind the last are zeros, which a literal load may find.
    #[must_use]
    pub(crate) fn image(&self) -> Vec<u8> {
        let mut image = Vec::new();
        let mut put = |address: u64, mode, word| {
            image.resize((address - G::CODE) as usize, 0);
            image.extend(G::bytes(mode, word));
        };
        for program in &self.programs {
            let mode = program.mode;
            let head = program.address - head_size::<G>();
            for (at, &word) in (head..).step_by(4).zip(G::head(mode)) {
                put(at, mode, word);
            }
            for (at, word) in program.instructions::<G>() {
                put(at, mode, word);
            }
            for (at, mode) in G::ends(program) {
                let leave = G::CODE + RUNNER_AT + 4 * u64::from(bit_0::<G>(mode));
                put(at, mode, G::branch(mode, at, leave));
            }
        }
        assert!(image.len() as u64 <= CODE_SIZE, "too many programs");
        image.resize(CODE_SIZE as usize, 0);
        image
    }
}

/// What came of a batch.
#[derive(Clone, Debug)]
pub struct Results<G: Tested> {
    /// The final states, in the order of the batch's.
    pub states: Vec<G::Registers>,
    /// The data area after each, one after the other; empty when the batch has
    /// no pattern.
    pub data: Vec<u8>,
}

impl<G: Tested> Results<G> {
    /// The data area after state `n`.
    #[must_use]
    pub fn data_of(&self, n: usize) -> &[u8] {
        let size = DATA_SIZE as usize;
        self.data.get(n * size..(n + 1) * size).unwrap_or(&[])
    }

    /// Puts what came of a batch of one state in the place of state `n`.
    pub(crate) fn put(&mut self, n: usize, alone: &Self) {
        let size = DATA_SIZE as usize;
        self.states[n] = alone.states[0];
        if let Some(data) = self.data.get_mut(n * size..(n + 1) * size) {
            data.copy_from_slice(&alone.data);
        }
    }
}
