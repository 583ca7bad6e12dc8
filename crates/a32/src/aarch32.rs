//! AArch32 as a guest: what the crate has, by the names that all guests have.

use core::fmt;
use core::mem::offset_of;

use guest::memory::{Memory, Size};
use guest::{Environment, Exception, Flags, Guest, Kind, Places, Rounding};
use ir::Mode;

use crate::cpu::Cpu;
use crate::decode::{Insn, State, a32, decode, fetch, fp, length, simd, t16, t32};
use crate::interp::step;
use crate::lift::{
    AMID, BIG_ENDIAN, DIRECTED, FLUSHES, HOT_INT, HOT_VEC, KEPT_VEC, Lift, THUMB, state,
};
use crate::operation::{Operation, operation};

/// FPSCR.DN and FPSCR.FZ.
const FPSCR_FLUSHES: u32 = 1 << 25 | 1 << 24;
/// FPSCR.RMode.
const FPSCR_ROUNDING: u32 = 3 << 22;
/// FPSCR.QC.
const QC: u32 = 1 << 27;

/// `BKPT #0` in A32 state.
const BKPT_A32: u32 = 0xe120_0070;
/// And in T32 state.
const BKPT_T16: u32 = 0xbe00;

/// The rows of the tables are numbered one table after the other.
const T32: usize = a32::Op::COUNT;
const T16: usize = T32 + t32::Op::COUNT;
const FP: usize = T16 + t16::Op::COUNT;
const SIMD: usize = FP + fp::Op::COUNT;

/// The guest.
#[derive(Clone, Copy, Debug)]
pub struct Aarch32;

impl Guest for Aarch32 {
    type State = Cpu;
    type Insn = Insn;
    type Lifter = Lift;

    const UNIT_LOG2: u32 = 1;
    /// Addresses have 32 bits.
    const IGNORED: u64 = 0xffff_ffff << 32;
    const APART: Mode = AMID;
    const APART_NAME: &'static str = "amid_it";
    const BY_TARGET: Mode = THUMB;
    const FLOAT_NAMES: [&'static str; 2] = ["fpcr", "fpsr"];
    const NAMES: &'static [(usize, &'static str)] = &[
        (13, "sp"),
        (14, "lr"),
        (crate::cpu::IT, "it"),
        (crate::cpu::GE, "ge"),
        (crate::cpu::Q, "q"),
        (crate::cpu::FP_FLAGS, "fp_flags"),
    ];
    const ROWS: usize = SIMD + simd::Op::COUNT;

    fn places() -> Places {
        #[allow(clippy::cast_possible_truncation, reason = "a small struct")]
        const fn at(offset: usize) -> u32 {
            offset as u32
        }
        Places {
            int: at(offset_of!(Cpu, r)),
            vec: at(offset_of!(Cpu, v)),
            pc: at(offset_of!(Cpu, pc)),
            flags: at(offset_of!(Cpu, flags)),
            thread: at(offset_of!(Cpu, tpidruro)),
            monitor: at(offset_of!(Cpu, monitor)),
            float_control: at(offset_of!(Cpu, fpcr)),
            float_status: at(offset_of!(Cpu, fpsr)),
            by_target: Some(at(offset_of!(Cpu, thumb))),
            hot_int: HOT_INT,
            hot_vec: HOT_VEC,
            kept_vec: KEPT_VEC,
        }
    }

    fn lifter(mode: Mode, calls: Option<u64>) -> Lift {
        Lift { mode, calls }
    }

    #[inline]
    fn fetch<E>(
        mode: Mode,
        pc: u64,
        read: impl FnMut(u64, Size) -> Result<u32, E>,
    ) -> Result<u32, E> {
        fetch(state(mode), pc, read)
    }

    fn breakpoint(mode: Mode) -> u32 {
        match state(mode) {
            State::Arm => BKPT_A32,
            State::Thumb => BKPT_T16,
        }
    }

    #[inline]
    fn length(mode: Mode, word: u32) -> u64 {
        length(state(mode), word).into()
    }

    #[inline]
    fn decode(mode: Mode, word: u32) -> Option<Insn> {
        decode(state(mode), word)
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
        match operation(insn) {
            Operation::Branch {
                link: false,
                exchange: false,
                ..
            }
            | Operation::CompareBranch { .. } => Kind::Branch,
            Operation::TableBranch { .. } => Kind::Jump,
            operation if operation.writes_pc() => Kind::Away,
            _ => Kind::Straight,
        }
    }

    #[inline]
    fn row(insn: Insn) -> usize {
        match insn {
            Insn::A32(insn) => insn.op as usize,
            Insn::T32(insn) => T32 + insn.op as usize,
            Insn::T16(insn) => T16 + insn.op as usize,
            Insn::Fp(insn, _) => FP + insn.op as usize,
            Insn::Simd(insn) => SIMD + insn.op as usize,
        }
    }

    fn row_name(row: usize) -> &'static str {
        match row {
            ..T32 => a32::Op::ALL[row].name(),
            T32..T16 => t32::Op::ALL[row - T32].name(),
            T16..FP => t16::Op::ALL[row - T16].name(),
            FP..SIMD => fp::Op::ALL[row - FP].name(),
            _ => simd::Op::ALL[row - SIMD].name(),
        }
    }

    fn write(mode: Mode, word: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(insn) = decode(state(mode), word) else {
            return f.write_str("(undefined)");
        };
        f.write_str(insn.name())?;
        insn.each_field(|name, width, value| {
            if width > 4 {
                write!(f, " {name}={value:#x}")
            } else {
                write!(f, " {name}={value}")
            }
        })
    }

    fn mode_name(mode: Mode) -> &'static str {
        match (mode.has(THUMB), mode.has(AMID)) {
            (false, _) => "",
            (true, false) => " (T32)",
            (true, true) => " (T32, amid IT)",
        }
    }

    #[inline]
    fn pc(cpu: &Cpu) -> u64 {
        if cpu.thumb == 0 { cpu.pc & !3 } else { cpu.pc }
    }

    #[inline]
    fn set_pc(cpu: &mut Cpu, pc: u64) {
        cpu.pc = pc;
    }

    #[inline]
    fn ints(cpu: &mut Cpu) -> &mut [u64] {
        &mut cpu.r
    }

    #[inline]
    fn flags(cpu: &mut Cpu) -> &mut Flags {
        &mut cpu.flags
    }

    #[inline]
    fn mode(cpu: &Cpu) -> Mode {
        Mode::PLAIN
            .with(THUMB, cpu.thumb != 0)
            .with(AMID, cpu.it() != 0)
            .with(BIG_ENDIAN, cpu.big_endian != 0)
            .with(FLUSHES, cpu.fpcr & FPSCR_FLUSHES != 0)
            .with(DIRECTED, cpu.fpcr & FPSCR_ROUNDING != 0)
    }

    /// Within translated code the conditions of an IT block are known.
    #[inline]
    fn must_leave(before: Mode, after: Mode) -> bool {
        before.with(AMID, false) != after.with(AMID, false)
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
