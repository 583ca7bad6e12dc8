//! The toy as a guest.

use core::fmt;
use core::mem::offset_of;

use guest::memory::{Memory, Size};
use guest::{Environment, Exception, Flags, Guest, Kind, Places, Rounding};
use ir::Mode;

use crate::decode::{Insn, decode, fetch, length, long, short};
use crate::interp::step;
use crate::lift::{AMID, Lift, TURNED};
use crate::state::State;

/// `STOP` of 0.
const STOP: u32 = 0xb000;

/// The guest.
#[derive(Clone, Copy, Debug)]
pub struct Toy;

impl Guest for Toy {
    type State = State;
    type Insn = Insn;
    type Lifter = Lift;

    const UNIT_LOG2: u32 = 1;
    const IGNORED: u64 = 0;
    const APART: Mode = AMID;
    const APART_NAME: &'static str = "amid";
    const BY_TARGET: Mode = TURNED;
    const FLOAT_NAMES: [&'static str; 2] = ["control", "status"];
    const NAMES: &'static [(usize, &'static str)] = &[];
    const ROWS: usize = short::Op::COUNT + long::Op::COUNT;

    fn places() -> Places {
        #[allow(clippy::cast_possible_truncation, reason = "a small struct")]
        const fn at(offset: usize) -> u32 {
            offset as u32
        }
        let unused = |n: usize| at(offset_of!(State, unused) + 8 * n);
        Places {
            int: at(offset_of!(State, r)),
            vec: at(offset_of!(State, v)),
            pc: at(offset_of!(State, pc)),
            flags: at(offset_of!(State, flags)),
            monitor: unused(0),
            thread: unused(4),
            float_control: unused(5),
            float_status: unused(6),
            by_target: Some(at(offset_of!(State, turned))),
            hot_int: &[0, 1, 2, 3, 4, 5, 6, 7, 48, 49, 14, 40],
            hot_vec: &[0, 1, 33, 62],
            kept_vec: &[],
        }
    }

    fn lifter(mode: Mode, _: Option<u64>) -> Lift {
        Lift { mode }
    }

    fn fetch<E>(_: Mode, pc: u64, read: impl FnMut(u64, Size) -> Result<u32, E>) -> Result<u32, E> {
        fetch(pc, read)
    }

    fn breakpoint(_: Mode) -> u32 {
        STOP
    }

    fn length(_: Mode, word: u32) -> u64 {
        length(word)
    }

    fn decode(_: Mode, word: u32) -> Option<Insn> {
        decode(word)
    }

    fn step<M: Memory + Environment>(
        state: &mut State,
        memory: &mut M,
        insn: Insn,
    ) -> Result<(), Exception> {
        step(state, memory, insn)
    }

    fn kind(insn: Insn) -> Kind {
        match insn {
            Insn::Short(insn) => match insn.op {
                short::Op::BRANCH => Kind::Branch,
                short::Op::JUMP => Kind::Away,
                _ => Kind::Straight,
            },
            Insn::Long(insn) => match insn.op {
                long::Op::LINK => Kind::Away,
                _ => Kind::Straight,
            },
        }
    }

    fn row(insn: Insn) -> usize {
        match insn {
            Insn::Short(insn) => insn.op as usize,
            Insn::Long(insn) => short::Op::COUNT + insn.op as usize,
        }
    }

    fn row_name(row: usize) -> &'static str {
        match row.checked_sub(short::Op::COUNT) {
            None => short::Op::ALL[row].name(),
            Some(row) => long::Op::ALL[row].name(),
        }
    }

    fn write(_: Mode, word: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match decode(word) {
            None => f.write_str("(undefined)"),
            Some(insn) => f.write_str(Self::row_name(Self::row(insn))),
        }
    }

    fn mode_name(mode: Mode) -> &'static str {
        if mode.has(TURNED) { " (turned)" } else { "" }
    }

    fn pc(state: &State) -> u64 {
        state.pc
    }

    fn set_pc(state: &mut State, pc: u64) {
        state.pc = pc;
    }

    fn ints(state: &mut State) -> &mut [u64] {
        &mut state.r
    }

    fn flags(state: &mut State) -> &mut Flags {
        &mut state.flags
    }

    fn mode(state: &State) -> Mode {
        Mode::PLAIN
            .with(TURNED, state.turned != 0)
            .with(AMID, state.pending().left != 0)
    }

    /// Within translated code a run's condition is known.
    fn must_leave(before: Mode, after: Mode) -> bool {
        before.has(TURNED) != after.has(TURNED)
    }

    fn rounding(_: &State) -> Rounding {
        Rounding::Nearest
    }

    fn raise(_: &mut State, _: u32, _: bool) {}
}
