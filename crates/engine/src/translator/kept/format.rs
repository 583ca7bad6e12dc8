//! The file: a header, and sections of records that are used where they are mapped.
//!
//! All numbers are little-endian. What counts *words of data* means the process's own
//! words before the code, the first of them right before it: [`data_word`]. The file has
//! room for them, which is replaced by memory where the file is mapped.
//!
//! Invariant: a [`Record`] is valid whatever its bytes are; what numbers in it refer to is
//! looked at with a bound each time.

use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use crate::host::page::PAGE;
use ir::{Key, Mode, Reg, Width};
use x64::convention::Convention;
use x64::lower::flags::{Compare, FlagsAt, Form, Setter, Value};
use x64::lower::{FaultPoint, SWAPS};

/// What a file begins with.
pub const MAGIC: [u8; 8] = *b"ARMKEPT4";
/// How many words at an entry it is found by.
pub const FIRST: usize = 8;
/// Set in numbers of exits and regions that are of the file, and not of live code.
pub const KEPT: u32 = 1 << 31;
/// How much code a file may have: direct branches reach it from all live code.
pub const MOST_CODE: u64 = 320 << 20;
/// How many words of data.
pub const MOST_DATA: u32 = 1 << 22;

/// Something that lies in a file as it lies in memory.
///
/// # Safety
/// It is `repr(C)`, of numbers without padding between them, and valid whatever its
/// bytes.
pub unsafe trait Record: Copy + 'static {}

// SAFETY: every word is one.
unsafe impl Record for u32 {}
// SAFETY: every byte is one.
unsafe impl Record for u8 {}

/// Some records of a section, one behind the other.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
pub struct Span {
    /// The first.
    pub start: u32,
    /// How many.
    pub count: u32,
}

impl Span {
    /// The records, if the section has them.
    #[must_use]
    pub fn of<T>(self, section: &[T]) -> Option<&[T]> {
        let start = self.start as usize;
        section.get(start..start.checked_add(self.count as usize)?)
    }
}

/// What a translation depends on beside the guest's words and its mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Identity {
    /// The engine's own build-id.
    pub build: [u8; 20],
    /// A number of the host's features.
    pub host: u32,
    /// A number of the state's layout.
    pub layout: u32,
}

impl Identity {
    /// That of code for a convention, made by this build.
    #[must_use]
    pub fn new(build: [u8; 20], convention: &Convention) -> Self {
        Self {
            build,
            host: number_of(&convention.host),
            layout: number_of(&convention.layout),
        }
    }
}

/// A number of all that a value has, for what differs within one build.
fn number_of(value: &impl Hash) -> u32 {
    let mut hasher = Words(Vec::new());
    value.hash(&mut hasher);
    hash(hasher.0.into_iter())
}

/// The words of a value.
struct Words(Vec<u32>);

impl Hasher for Words {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend(bytes.iter().copied().map(u32::from));
    }

    fn finish(&self) -> u64 {
        hash(self.0.iter().copied()).into()
    }
}

/// A number of some words; 0 of none.
#[must_use]
pub fn hash(words: impl Iterator<Item = u32>) -> u32 {
    let mixed = words.fold(0_u64, |hash, word| {
        (hash.rotate_left(5) ^ u64::from(word)).wrapping_mul(0x517c_c1b7_2722_0a95)
    });
    #[allow(clippy::cast_possible_truncation, reason = "the upper half counts")]
    let hash = (mixed >> 32) as u32;
    hash
}

/// The number that an entry is found by.
#[must_use]
pub fn hash_of_entry(first: &[u32; FIRST], key: Key) -> u32 {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the offset in its page, and a mode"
    )]
    let place = (key.pc & 0xfff) as u32 | (key.mode.number() as u32) << 12;
    hash(first.iter().copied().chain([place]))
}

/// Where a section lies: bytes from the file's start, and how many records it has.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub struct Place {
    /// In bytes, a multiple of 8.
    pub offset: u32,
    /// In records.
    pub count: u32,
}

/// The sections but the code, in the file's order.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub struct Places {
    /// [`Found`], as many as a power of two.
    pub index: Place,
    /// [`Cluster`].
    pub clusters: Place,
    /// [`Entry`].
    pub entries: Place,
    /// [`Stretch`].
    pub stretches: Place,
    /// The guest's words.
    pub words: Place,
    /// [`Exit`].
    pub exits: Place,
    /// Numbers of exits, by the cluster that they lead to.
    pub incoming: Place,
    /// [`Region`].
    pub regions: Place,
    /// [`Point`].
    pub points: Place,
    /// [`State`].
    pub states: Place,
    /// A bit for each byte of code, where the guest's state is known.
    pub known: Place,
}

/// What a file begins with.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// What it is bound to.
    pub identity: Identity,
    /// How many words of data there are.
    pub data: u32,
    /// How long the file is.
    pub length: u64,
    /// Where its sections end, a whole page. The room for words of data comes next.
    pub meta: u64,
    /// Where its code starts, a whole page.
    pub code: u64,
    /// How much of that there is.
    pub code_length: u64,
    /// Where all else is.
    pub places: Places,
}

// SAFETY: numbers of fixed sizes; 8 + 28 + 4 bytes come before those of 8.
unsafe impl Record for Header {}

/// A place of the index: open addressing, the next one where this is taken.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub struct Found {
    /// [`hash_of_entry`].
    pub hash: u32,
    /// One more than the entry's number; 0 for none.
    pub entry: u32,
}

// SAFETY: two numbers.
unsafe impl Record for Found {}

/// Regions of one image that wake together.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
pub struct Cluster {
    /// Ascending by address, then mode.
    pub entries: Span,
    /// The guest code that it is of, ascending and apart.
    pub stretches: Span,
    /// Its words, in that order.
    pub words: Span,
    /// Its ways out.
    pub exits: Span,
    /// The exits of other clusters that lead to it, ascending.
    pub incoming: Span,
    /// Ascending by code.
    pub regions: Span,
    /// The lowest address that it is of, from the base, and the end.
    pub low: u32,
    /// The end of the highest.
    pub high: u32,
    /// The word of data that has the base; those of the exits come next.
    pub data: u32,
    /// Where its code starts in the section, and ends.
    pub code: u32,
    /// The end.
    pub code_end: u32,
}

// SAFETY: numbers of four bytes.
unsafe impl Record for Cluster {}

/// A place where a cluster can be entered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Entry {
    /// From the base.
    pub pc: u32,
    /// The number of its mode.
    pub mode: u16,
    /// What it looks at of the flags: 0 to 2.
    pub flags: u16,
    /// From the start of the file's code.
    pub code: u32,
    /// The cluster that it is of.
    pub cluster: u32,
}

// SAFETY: numbers without padding.
unsafe impl Record for Entry {}

/// Words of the guest's without a gap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Stretch {
    /// From the base.
    pub start: u32,
    /// How many words.
    pub words: u32,
}

// SAFETY: two numbers.
unsafe impl Record for Stretch {}

/// A way out of a cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Exit {
    /// Where it leads while it is not linked, from the start of the file's code.
    pub unlinked: u32,
    /// Its word of data.
    pub data: u32,
    /// One more than the number of the entry that it leads to; 0 where the file has none.
    pub entry: u32,
}

// SAFETY: three numbers.
unsafe impl Record for Exit {}

/// One region's code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Region {
    /// From the start of the file's code.
    pub code: u32,
    /// How long it is.
    pub length: u32,
    /// Ascending.
    pub points: Span,
    /// What its points say.
    pub states: Span,
    /// What registers hold other slots.
    pub swaps: [[u8; 2]; SWAPS],
}

// SAFETY: numbers of four bytes, then 24 single bytes.
unsafe impl Record for Region {}

/// A place where the guest's state is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Point {
    /// From the start of the region's code.
    pub host: u32,
    /// From the base.
    pub pc: u32,
    /// Of the region's states.
    pub state: u32,
}

// SAFETY: three numbers.
unsafe impl Record for Point {}

/// What several points have in common: where the flags are, and slots.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct State {
    flags: [u8; 4],
    operands: [u8; 4],
    first: [u32; 2],
    second: [u32; 2],
    stand_ins: [u8; 8],
}

// SAFETY: numbers without padding.
unsafe impl Record for State {}

impl State {
    /// What a point says, but for its addresses.
    #[must_use]
    pub fn of(point: &FaultPoint) -> Self {
        let spilled = u8::from(point.spilled);
        let mut state = Self {
            flags: [0, spilled, 0, 0],
            operands: [0; 4],
            first: [0; 2],
            second: [0; 2],
            stand_ins: point.stand_ins.map(|slot| slot.0),
        };
        match point.flags {
            FlagsAt::State => {}
            FlagsAt::Host(Form::Plain) => state.flags[0] = 1,
            FlagsAt::Host(Form::Inverted) => state.flags[0] = 2,
            FlagsAt::Host(Form::Float) => state.flags[0] = 3,
            FlagsAt::Setter(Setter { op, w, a, b }) => {
                let op = match op {
                    Compare::Sub => 0,
                    Compare::Add => 1,
                    Compare::And => 2,
                    Compare::Constant => 3,
                    Compare::Signs => 4,
                };
                state.flags = [4, spilled, op, u8::from(w == Width::W64)];
                let (kind_a, slot_a, first) = operand(a);
                let (kind_b, slot_b, second) = operand(b);
                state.operands = [kind_a, slot_a, kind_b, slot_b];
                (state.first, state.second) = (first, second);
            }
        }
        state
    }

    /// The point at an offset of a region's code, of the instruction at `pc`.
    #[must_use]
    pub fn point(&self, host: u32, pc: u64) -> Option<FaultPoint> {
        let [kind, spilled, op, w] = self.flags;
        let [kind_a, slot_a, kind_b, slot_b] = self.operands;
        let flags = match kind {
            0 => FlagsAt::State,
            1 => FlagsAt::Host(Form::Plain),
            2 => FlagsAt::Host(Form::Inverted),
            3 => FlagsAt::Host(Form::Float),
            4 => FlagsAt::Setter(Setter {
                op: match op {
                    0 => Compare::Sub,
                    1 => Compare::Add,
                    2 => Compare::And,
                    3 => Compare::Constant,
                    4 => Compare::Signs,
                    _ => return None,
                },
                w: if w == 0 { Width::W32 } else { Width::W64 },
                a: value(kind_a, slot_a, self.first)?,
                b: value(kind_b, slot_b, self.second)?,
            }),
            _ => return None,
        };
        Some(FaultPoint {
            host,
            pc,
            flags,
            spilled: spilled != 0,
            stand_ins: self.stand_ins.map(Reg),
        })
    }
}

fn operand(value: Value) -> (u8, u8, [u32; 2]) {
    #[allow(clippy::cast_possible_truncation, reason = "the two halves")]
    let halves = |c: u64| [c as u32, (c >> 32) as u32];
    match value {
        Value::Slot(slot) => (0, slot.0, [0; 2]),
        Value::Plus(slot, c) => (1, slot.0, halves(c)),
        Value::Const(c) => (2, 0, halves(c)),
    }
}

fn value(kind: u8, slot: u8, [low, high]: [u32; 2]) -> Option<Value> {
    let c = u64::from(low) | u64::from(high) << 32;
    let reg = Reg(slot);
    if kind < 2 && !reg.is_zero() && usize::from(slot) >= ir::operand::SLOTS {
        return None;
    }
    Some(match kind {
        0 => Value::Slot(reg),
        1 => Value::Plus(reg, c),
        2 => Value::Const(c),
        _ => return None,
    })
}

/// The address of a word of data, of code that is mapped there.
#[must_use]
pub const fn data_word(code: u64, number: u32) -> u64 {
    code - 8 * (number as u64 + 1)
}

/// How many bytes, whole pages, a file has for words of data.
#[must_use]
pub const fn room_for(data: u32) -> u64 {
    (8 * data as u64).next_multiple_of(PAGE)
}

/// The mode of an entry.
#[must_use]
pub fn mode(entry: &Entry) -> Mode {
    Mode::from_number(entry.mode.into())
}

/// Records as the bytes that they are in a file.
#[must_use]
pub fn bytes<T: Record>(records: &[T]) -> &[u8] {
    // SAFETY: records have no padding, so all bytes are written.
    unsafe { core::slice::from_raw_parts(records.as_ptr().cast(), size_of_val(records)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_point_comes_back_as_it_was() {
        let setter = |op, w, a, b| FlagsAt::Setter(Setter { op, w, a, b });
        let (one, far) = (Value::Slot(Reg(1)), Value::Const(u64::MAX - 7));
        for flags in [
            FlagsAt::State,
            FlagsAt::Host(Form::Plain),
            FlagsAt::Host(Form::Inverted),
            FlagsAt::Host(Form::Float),
            setter(Compare::Sub, Width::W64, one, far),
            setter(Compare::Add, Width::W32, Value::Plus(Reg(30), 1 << 40), one),
            setter(Compare::And, Width::W64, Value::Slot(Reg::ZERO), one),
            setter(Compare::Constant, Width::W32, Value::Const(5), far),
            setter(Compare::Signs, Width::W32, one, Value::Slot(Reg(7))),
        ] {
            for spilled in [false, true] {
                let point = FaultPoint {
                    host: 9,
                    pc: 0x5555_0000_1234,
                    flags,
                    spilled,
                    stand_ins: [1, 2, 3, 4, 0xff, 0xff, 30, 0].map(Reg),
                };
                let back = State::of(&point).point(9, point.pc).expect("it is one");
                assert_eq!(format!("{back:?}"), format!("{point:?}"));
            }
        }
    }

    #[test]
    fn a_state_that_is_none_is_no_point() {
        let none = |change: &dyn Fn(&mut State)| {
            let mut state = State {
                flags: [4, 0, 0, 0],
                operands: [0, 1, 0, 1],
                first: [0; 2],
                second: [0; 2],
                stand_ins: [0xff; 8],
            };
            assert!(state.point(0, 0).is_some());
            change(&mut state);
            assert!(state.point(0, 0).is_none());
        };
        none(&|state| state.flags[0] = 5);
        none(&|state| state.flags[2] = 5);
        none(&|state| state.operands[0] = 3);
        none(&|state| state.operands[1] = 77);
        none(&|state| state.operands[3] = 200);
    }
}
