//! What differs between two final states, and how it is shown.

use std::fmt::Write as _;

use a64::decode::decode;

use crate::case::{Batch, Program, State};

/// A part of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A general register, or SP at 31.
    X(usize),
    /// A vector register.
    V(usize),
    /// The flags.
    Nzcv,
    /// The control of floating point.
    Fpcr,
    /// Its status.
    Fpsr,
    /// The signal that ended it.
    Signal,
    /// Where it ended.
    Pc,
    /// A byte of the data area.
    Data(usize),
}

impl Place {
    fn name(self) -> String {
        match self {
            Self::X(31) => "sp".into(),
            Self::X(n) => format!("x{n}"),
            Self::V(n) => format!("v{n}"),
            Self::Nzcv => "nzcv".into(),
            Self::Fpcr => "fpcr".into(),
            Self::Fpsr => "fpsr".into(),
            Self::Signal => "signal".into(),
            Self::Pc => "pc".into(),
            Self::Data(n) => format!("data+{n:#x}"),
        }
    }
}

/// A place with two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The place.
    pub place: Place,
    /// What the first has there.
    pub left: u128,
    /// What the second has.
    pub right: u128,
}

/// A final state with the data area behind it.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// The registers.
    pub state: &'a State,
    /// The data area, or nothing.
    pub data: &'a [u8],
}

/// Where two outcomes differ. `si_code` and `si_addr` are not compared: they
/// are the kernel's matter.
#[must_use]
pub fn differences(left: Outcome<'_>, right: Outcome<'_>) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |place, left: u128, right: u128| {
        if left != right {
            found.push(Difference { place, left, right });
        }
    };
    let (l, r) = (left.state, right.state);
    compare(Place::Signal, l.signal.into(), r.signal.into());
    compare(Place::Pc, l.pc.into(), r.pc.into());
    for n in 0..32 {
        compare(Place::X(n), l.x[n].into(), r.x[n].into());
    }
    for n in 0..32 {
        compare(Place::V(n), l.v[n], r.v[n]);
    }
    compare(Place::Nzcv, l.nzcv.into(), r.nzcv.into());
    compare(Place::Fpcr, l.fpcr.into(), r.fpcr.into());
    compare(Place::Fpsr, l.fpsr.into(), r.fpsr.into());
    if left.data != right.data {
        for (n, (&l, &r)) in left.data.iter().zip(right.data).enumerate() {
            compare(Place::Data(n), l.into(), r.into());
        }
    }
    found
}

/// An instruction with its fields.
#[must_use]
pub fn instruction(word: u32) -> String {
    let Some(insn) = decode(word) else {
        return format!("{word:08x} (no instruction)");
    };
    let mut text = format!("{word:08x} {}", insn.op.name());
    for field in insn.op.info().fields {
        let value = word >> field.lsb & ((1u64 << field.width) - 1) as u32;
        let _ = write!(text, " {}={value:#x}", field.name);
    }
    text
}

/// The registers that a program names, roughly: the five-bit fields of its
/// instructions, each as X and as V.
fn named(program: &Program) -> Vec<usize> {
    let mut registers = Vec::new();
    for insn in program.words.iter().filter_map(|&word| decode(word)) {
        for field in insn.op.info().fields {
            if field.width == 5 && field.name.starts_with('R') {
                registers.push((insn.word >> field.lsb & 31) as usize);
            }
        }
    }
    registers.sort_unstable();
    registers.dedup();
    registers
}

/// A case and what two executors made of it.
#[must_use]
pub fn show(
    batch: &Batch,
    state: usize,
    names: (&str, &str),
    differences: &[Difference],
) -> String {
    let (number, before) = &batch.states[state];
    let program = &batch.programs[*number];
    let mut text = String::new();
    for (n, &word) in program.words.iter().enumerate() {
        let address = program.address + 4 * n as u64;
        let _ = writeln!(text, "  {address:#x}: {}", instruction(word));
    }
    let _ = writeln!(
        text,
        "  before: nzcv={:x} fpcr={:#x} fpsr={:#x}",
        before.nzcv >> 28,
        before.fpcr,
        before.fpsr
    );
    for n in named(program) {
        let _ = writeln!(
            text,
            "    x{n}={:#018x} v{n}={:#034x}",
            before.x[n], before.v[n]
        );
    }
    for difference in differences.iter().take(12) {
        let _ = writeln!(
            text,
            "  {}: {} has {:#x}, {} has {:#x}",
            difference.place.name(),
            names.0,
            difference.left,
            names.1,
            difference.right
        );
    }
    if differences.len() > 12 {
        let _ = writeln!(text, "  and {} more", differences.len() - 12);
    }
    text
}
