//! [`Tested`]: what a comparison has to know of a guest beside what its engine knows: how its
//! programs begin and end, its registers as all executors tell them, its QEMU, and where that
//! is known to differ.

use std::fmt::Debug;

use guest::Guest;
use ir::Mode;

use crate::place::{Difference, Place};
use crate::program::Program;

/// The subject of the reports on sequences of many instructions.
pub const SEQUENCES: &str = "sequences";

/// How a program ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// The signal of the fault, or 0.
    pub signal: u32,
    /// `si_code` of it.
    pub code: u32,
    /// `si_addr` of it.
    pub address: u64,
}

/// The registers before a program and after it, with how it ended, as the guest program of QEMU reads
/// and writes them.
///
/// # Safety
/// The type is `repr(C)` without padding, and any bytes are a value of it.
pub unsafe trait State: Copy + Debug + Default + PartialEq {
    /// How the program ended.
    fn end(&self) -> End;
    /// The address of the instruction that faulted; else 0.
    fn pc(&self) -> u64;
    /// The same with another end.
    #[must_use]
    fn ended(self, end: End) -> Self;
    /// The registers that are compared.
    fn registers(&self) -> Vec<(Place, u128)>;
}

/// A guest's QEMU, and what compiles the program that it runs.
#[derive(Clone, Copy, Debug)]
pub struct Emulator {
    /// The program's name.
    pub name: &'static str,
    /// The variable of the environment that names another.
    pub variable: &'static str,
    /// Its options.
    pub options: &'static [&'static str],
    /// The compiler.
    pub compiler: &'static str,
    /// And its options.
    pub compile: &'static [&'static str],
    /// The guest program, in this crate.
    pub source: &'static str,
}

/// A guest whose executors are compared.
pub trait Tested: Guest {
    /// The registers.
    type Registers: State;

    /// Where programs are placed. The data area and the guest's own code follow.
    const CODE: u64;
    /// Where the guest maps the file that it shares with this process.
    const SHARED: u64;
    /// Its QEMU.
    const EMULATOR: Emulator;
    /// What general registers and vectors are called, before their numbers.
    const LETTERS: [char; 2];
    /// What the guest program has to know beside where things are: offsets in the registers,
    /// and its kernel's numbers.
    const LAYOUT: &'static [(&'static str, u64)];
    /// Where its QEMU is known to differ.
    const KNOWN: &'static [Known<Self>];

    /// The words before a program, which load its last registers in QEMU.
    fn head(mode: Mode) -> &'static [u32];
    /// Where a program ends, and in which mode. A branch is placed at each.
    fn ends(program: &Program) -> Vec<(u64, Mode)>;
    /// A branch.
    fn branch(mode: Mode, from: u64, to: u64) -> u32;
    /// An instruction that does nothing, of the word's length.
    fn nop(mode: Mode, word: u32) -> u32;
    /// The bytes of an instruction.
    fn bytes(mode: Mode, word: u32) -> Vec<u8> {
        let _ = mode;
        word.to_le_bytes().to_vec()
    }

    /// The interpreter's state at the start of a program.
    fn cpu(before: &Self::Registers, program: &Program) -> Self::State;
    /// The registers at its end.
    fn registers(cpu: &Self::State, before: &Self::Registers, end: End) -> Self::Registers;
    /// What the kernel does on a system call that it does not know.
    fn unknown_call(cpu: &mut Self::State);

    /// The registers that are shown of a case.
    fn shown(program: &Program) -> Vec<Place>;
    /// Whether one of the instructions that a difference is about has such a name.
    fn is_about(context: &Context<'_, Self>, named: &dyn Fn(&str) -> bool) -> bool;
    /// Whether interpreter and translator may differ so.
    fn is_open(found: &[Difference], context: &Context<'_, Self>) -> bool {
        let _ = (found, context);
        false
    }
}

/// What an explanation may look at.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a, G: Tested> {
    /// The program.
    pub program: &'a Program,
    /// What the comparison is about: an instruction's name, or [`SEQUENCES`].
    pub subject: &'a str,
    /// What it started from.
    pub before: &'a G::Registers,
    /// What the interpreter made of it.
    pub ours: &'a G::Registers,
    /// What QEMU made of it, or the translator.
    pub theirs: &'a G::Registers,
}

impl<G: Tested> Context<'_, G> {
    /// Whether the program is a sequence of many instructions.
    #[must_use]
    pub fn is_sequence(&self) -> bool {
        self.subject == SEQUENCES
    }
}

/// An entry of a guest's table of what its QEMU is known to differ in.
#[derive(Clone, Copy, Debug)]
pub struct Known<G: Tested> {
    /// The instructions; a star at the end stands for any rest.
    pub instructions: &'static [&'static str],
    /// The versions, by how their number starts; none for all.
    pub versions: &'static [&'static str],
    /// Whether a difference is this one.
    pub explains: fn(&Difference, &Context<'_, G>) -> bool,
    /// Whether the program goes on with what differs, so that a sequence may
    /// end in any difference.
    pub spreads: bool,
    /// Who is right.
    pub right: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// Whether an indirect branch to code in a mode has bit 0 set.
pub(crate) fn bit_0<G: Guest>(mode: Mode) -> bool {
    G::BY_TARGET != Mode::PLAIN && mode.has(G::BY_TARGET)
}
