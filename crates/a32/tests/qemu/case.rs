//! What is executed: programs, states to start from, and final states.
//!
//! Both executors place programs and data area at the same guest addresses. Invariants: [`State`] is
//! laid out as `runner.S` reads and writes it, by the offsets that `qemu.rs` gives it.

use armistice_a32::decode::{self, State as Set};

/// Where programs are placed.
pub(crate) const CODE: u32 = 0x1000_0000;
/// How many bytes of programs a batch has at most.
pub(crate) const CODE_SIZE: u32 = 0x8000;
/// Where the data area is, between pages where nothing is.
pub(crate) const DATA: u32 = CODE + 0x8_0000;
/// Its size: two pages.
pub(crate) const DATA_SIZE: u32 = 0x2000;
/// How many states a batch has at most.
pub(crate) const MAX_STATES: usize = 512;

/// The bits of CPSR that are compared: N, Z, C, V, Q, GE, E, T.
pub(crate) const CPSR: u32 = 0xf80f_0220;
/// And those of IT, which tells something where a fault ended the program.
pub(crate) const CPSR_IT: u32 = 0x0600_fc00;

/// The registers before a program and after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct State {
    /// R0 to R14.
    pub(crate) r: [u32; 15],
    /// After a fault, the address of the instruction; else 0.
    pub(crate) pc: u32,
    /// As MRS and signal frames have it.
    pub(crate) cpsr: u32,
    /// As VMRS reads it.
    pub(crate) fpscr: u32,
    /// The signal of the fault that ended the program, or 0.
    pub(crate) signal: u32,
    /// `si_code` of it.
    pub(crate) code: u32,
    /// `si_addr` of it.
    pub(crate) address: u32,
    /// TPIDRURW at the start.
    pub(crate) tpidrurw: u32,
    /// D0 to D31.
    pub(crate) d: [u64; 32],
}

/// A program: instructions that are entered at the first and end after the last. Before it are
/// 8 bytes that load the last registers, behind it branches in its own state and in the other.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) set: Set,
    /// The address of the first instruction.
    pub(crate) address: u32,
    pub(crate) words: Vec<u32>,
}

/// `ldr r12, [lr, #48]; ldr lr, [lr, #56]`, in both sets.
const HEADS: [[u32; 2]; 2] = [[0xe59e_c030, 0xe59e_e038], [0xf8de_c030, 0xf8de_e038]];

/// The bytes of a word.
pub(crate) fn bytes(set: Set, word: u32) -> Vec<u8> {
    match (set, decode::length(set, word)) {
        (Set::Arm, _) => word.to_le_bytes().to_vec(),
        (_, 4) => word.rotate_left(16).to_le_bytes().to_vec(),
        _ => word.to_le_bytes()[..2].to_vec(),
    }
}

/// The other state.
pub(crate) const fn other(set: Set) -> Set {
    match set {
        Set::Arm => Set::Thumb,
        Set::Thumb => Set::Arm,
    }
}

impl Program {
    fn length(&self) -> u32 {
        self.words
            .iter()
            .map(|&word| decode::length(self.set, word))
            .sum()
    }

    /// The end in its own state.
    pub(crate) fn end(&self) -> u32 {
        self.address + self.length()
    }

    /// The end in a state.
    pub(crate) fn end_in(&self, set: Set) -> u32 {
        if set == self.set {
            self.end()
        } else {
            (self.end() + 4).next_multiple_of(4)
        }
    }

    /// Behind all.
    fn past(&self) -> u32 {
        self.end_in(other(self.set)) + 4
    }

    /// An end as a branch to it has it in a register.
    pub(crate) fn end_value(&self, set: Set) -> u32 {
        self.end_in(set) | u32::from(set == Set::Thumb)
    }
}

/// Programs and states to run them on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    pub(crate) programs: Vec<Program>,
    /// The program's number and the state it starts from.
    pub(crate) states: Vec<(usize, State)>,
    /// What the data area holds at each start.
    pub(crate) pattern: Vec<u8>,
    /// Whether programs access it; else it is left alone.
    pub(crate) accesses_data: bool,
}

impl Batch {
    /// The address of the next program.
    pub(crate) fn next_address(&self) -> u32 {
        self.programs.last().map_or(CODE, Program::past) + 8
    }

    /// How many bytes of the data area belong to a state.
    pub(crate) fn data_size(&self) -> usize {
        if self.accesses_data {
            DATA_SIZE as usize
        } else {
            0
        }
    }

    /// Whether a small program more still fits.
    pub(crate) fn has_room(&self) -> bool {
        self.next_address() + 512 < CODE + CODE_SIZE
    }

    /// All of [`CODE_SIZE`] bytes from [`CODE`] on, where the branches behind programs lead to `leave` in
    /// A32 and T32 state.
    pub(crate) fn image(&self, leave: [u32; 2]) -> Vec<u8> {
        let mut image = Vec::new();
        let mut put = |address: u32, set, word| {
            image.resize((address - CODE) as usize, 0);
            image.extend(bytes(set, word));
        };
        for program in &self.programs {
            let head = HEADS[usize::from(program.set == Set::Thumb)];
            put(program.address - 8, program.set, head[0]);
            put(program.address - 4, program.set, head[1]);
            let mut address = program.address;
            for &word in &program.words {
                put(address, program.set, word);
                address += decode::length(program.set, word);
            }
            for set in [program.set, other(program.set)] {
                let at = program.end_in(set);
                put(
                    at,
                    set,
                    branch(set, at, leave[usize::from(set == Set::Thumb)]),
                );
            }
        }
        image.resize(CODE_SIZE as usize, 0);
        image
    }

    /// Whether a program ends there.
    pub(crate) fn is_end(&self, address: u32, set: Set) -> bool {
        self.programs.iter().any(|p| p.end_in(set) == address)
    }
}

/// `B to`, at `from`, where bit 0 of `to` is nothing.
fn branch(set: Set, from: u32, to: u32) -> u32 {
    match set {
        Set::Arm => 0xea00_0000 | to.wrapping_sub(from + 8) >> 2 & 0x00ff_ffff,
        Set::Thumb => {
            let offset = (to & !1).wrapping_sub(from + 4);
            let bit = |n: u32| offset >> n & 1;
            let (s, i1, i2) = (bit(24), bit(23), bit(22));
            let (j1, j2) = (i1 ^ s ^ 1, i2 ^ s ^ 1);
            let (imm10, imm11) = (offset >> 12 & 0x3ff, offset >> 1 & 0x7ff);
            0xf000_9000 | s << 26 | imm10 << 16 | j1 << 13 | j2 << 11 | imm11
        }
    }
}

/// What came of a batch: the final states, and the data area after each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    pub(crate) states: Vec<State>,
    pub(crate) data: Vec<u8>,
}

impl Results {
    /// The data area after state `n`, if it was accessed.
    pub(crate) fn data_of(&self, n: usize) -> &[u8] {
        let size = self.data.len() / self.states.len();
        &self.data[n * size..(n + 1) * size]
    }
}
