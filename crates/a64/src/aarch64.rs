//! AArch64 as a guest: the crate's parts, under the trait's names.

use core::fmt;
use core::mem::offset_of;

use guest::memory::{Memory, Size};
use guest::{Environment, Exception, Flags, Guest, Kind, Places, Rounding};
use ir::Mode;

use crate::cpu::Cpu;
use crate::decode::{Class, Op, decode};
use crate::insn::Insn;
use crate::interp::step;
use crate::lift::{A64, ANY_STACK, FLUSHES, HOT_INT, HOT_VEC, KEPT_VEC, SOFT_FLOAT};

/// FPCR bits that the host's modes can't give: AHP and FZ16.
const FPCR_SOFT: u32 = 1 << 26 | 1 << 19;
/// FPCR.DN and FPCR.FZ.
const FPCR_FLUSHES: u32 = 1 << 25 | 1 << 24;
/// FPSR.QC.
const QC: u32 = 1 << 27;

/// `BRK #0`.
const BRK: u32 = 0xd420_0000;

/// The guest.
#[derive(Clone, Copy, Debug)]
pub struct Aarch64;

impl Guest for Aarch64 {
    type State = Cpu;
    type Insn = Insn;
    type Lifter = A64;

    const UNIT_LOG2: u32 = 2;
    /// Linux sets TBI up for EL0: the top byte.
    const IGNORED: u64 = 0xff << 56;
    const APART: Mode = ANY_STACK;
    const APART_NAME: &'static str = "any_stack";
    const BY_TARGET: Mode = Mode::PLAIN;
    const FLOAT_NAMES: [&'static str; 2] = ["fpcr", "fpsr"];
    const NAMES: &'static [(usize, &'static str)] = &[(31, "sp")];
    const ROWS: usize = Op::COUNT;

    fn places() -> Places {
        #[allow(clippy::cast_possible_truncation, reason = "a small struct")]
        const fn at(offset: usize) -> u32 {
            offset as u32
        }
        Places {
            int: at(offset_of!(Cpu, x)),
            vec: at(offset_of!(Cpu, v)),
            pc: at(offset_of!(Cpu, pc)),
            flags: at(offset_of!(Cpu, flags)),
            thread: at(offset_of!(Cpu, tpidr)),
            monitor: at(offset_of!(Cpu, monitor)),
            float_control: at(offset_of!(Cpu, fpcr)),
            float_status: at(offset_of!(Cpu, fpsr)),
            by_target: None,
            hot_int: HOT_INT,
            hot_vec: HOT_VEC,
            kept_vec: KEPT_VEC,
        }
    }

    fn lifter(mode: Mode, calls: Option<u64>) -> A64 {
        A64 { mode, calls }
    }

    #[inline]
    fn fetch<E>(
        _: Mode,
        pc: u64,
        mut read: impl FnMut(u64, Size) -> Result<u32, E>,
    ) -> Result<u32, E> {
        read(pc, Size::Word)
    }

    fn breakpoint(_: Mode) -> u32 {
        BRK
    }

    #[inline]
    fn length(_: Mode, _: u32) -> u64 {
        4
    }

    #[inline]
    fn decode(_: Mode, word: u32) -> Option<Insn> {
        decode(word)
    }

    #[inline]
    fn step<M: Memory + Environment>(
        cpu: &mut Cpu,
        memory: &mut M,
        insn: Insn,
    ) -> Result<(), Exception> {
        step(cpu, memory, insn)
    }

    #[inline]
    fn kind(insn: Insn) -> Kind {
        match insn.op.class() {
            Class::branch_cond | Class::compare_branch | Class::test_branch => Kind::Branch,
            Class::branch_imm if insn.op == Op::B => Kind::Jump,
            Class::branch_imm | Class::branch_reg => Kind::Away,
            _ => Kind::Straight,
        }
    }

    #[inline]
    fn row(insn: Insn) -> usize {
        insn.op as usize
    }

    fn row_name(row: usize) -> &'static str {
        Op::ALL[row].name()
    }

    fn write(_: Mode, word: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(insn) = decode(word) else {
            return f.write_str("(undefined)");
        };
        let info = insn.op.info();
        f.write_str(info.name)?;
        for field in info.fields {
            let value = u64::from(word >> field.lsb) & ((1 << field.width) - 1);
            if field.width > 5 {
                write!(f, " {}={value:#x}", field.name)?;
            } else {
                write!(f, " {}={value}", field.name)?;
            }
        }
        Ok(())
    }

    fn mode_name(mode: Mode) -> &'static str {
        let soft = mode.has(SOFT_FLOAT) || mode.has(FLUSHES);
        match (soft, mode.has(ANY_STACK)) {
            (false, false) => "",
            (true, false) => " (other floats)",
            (false, true) => " (any SP)",
            (true, true) => " (other floats, any SP)",
        }
    }

    #[inline]
    fn pc(cpu: &Cpu) -> u64 {
        cpu.pc
    }

    #[inline]
    fn set_pc(cpu: &mut Cpu, pc: u64) {
        cpu.pc = pc;
    }

    #[inline]
    fn ints(cpu: &mut Cpu) -> &mut [u64] {
        &mut cpu.x
    }

    #[inline]
    fn flags(cpu: &mut Cpu) -> &mut Flags {
        &mut cpu.flags
    }

    #[inline]
    fn mode(cpu: &Cpu) -> Mode {
        Mode::PLAIN
            .with(SOFT_FLOAT, cpu.fpcr & FPCR_SOFT != 0)
            .with(FLUSHES, cpu.fpcr & FPCR_FLUSHES != 0)
            .with(ANY_STACK, !cpu.x[31].is_multiple_of(16))
    }

    /// When translated code may take SP for aligned no more. What changes how floating
    /// point is done ends a region by itself.
    #[inline]
    fn must_leave(before: Mode, after: Mode) -> bool {
        !before.has(ANY_STACK) && after.has(ANY_STACK)
    }

    #[inline]
    fn rounding(cpu: &Cpu) -> Rounding {
        // RMode: nearest, plus, minus, zero.
        match cpu.fpcr >> 22 & 3 {
            0 => Rounding::Nearest,
            1 => Rounding::Up,
            2 => Rounding::Down,
            _ => Rounding::Zero,
        }
    }

    #[inline]
    fn raise(cpu: &mut Cpu, exceptions: u32, saturated: bool) {
        // IOC, DZC, OFC, UFC, IXC are in that order.
        cpu.fpsr |= exceptions;
        if saturated {
            cpu.fpsr |= QC;
        }
    }
}
