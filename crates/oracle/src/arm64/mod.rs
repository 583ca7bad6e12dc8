//! A64 code: its registers, its QEMU, what that differs in, and programs of its instructions.

pub mod generate;
mod known;

use std::mem::offset_of;

use a64::Aarch64;
use a64::cpu::{Cpu, Flags};
use a64::decode::decode;
use ir::Mode;

pub use crate::case::{DATA_SIZE, MAX_STATES, MAX_WORDS, Program};

use crate::case::DATA_AT;
use crate::place::Place;
use crate::tested::{self, Emulator, End, Known, Tested};

/// Where programs are placed.
pub const CODE: u64 = 0x20_0000_0000;
/// Where the data area is.
pub const DATA: u64 = CODE + DATA_AT;

/// Programs and states of them.
pub type Batch = crate::case::Batch<Aarch64>;
/// What a comparison of them may look at.
type Context<'a> = crate::tested::Context<'a, Aarch64>;

/// `NOP`.
const NOP: u32 = 0xd503_201f;
/// `ENOSYS`, as a system call returns it.
const NO_CALL: u64 = -38i64 as u64;

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

// SAFETY: integers one after the other, each at a multiple of its size: 832 bytes, a multiple of 16.
unsafe impl tested::State for State {
    fn end(&self) -> End {
        End {
            signal: self.signal as u32,
            code: self.code as u32,
            address: self.address,
        }
    }

    fn pc(&self) -> u64 {
        self.pc
    }

    fn ended(self, end: End) -> Self {
        Self {
            signal: end.signal.into(),
            code: end.code.into(),
            address: end.address,
            ..self
        }
    }

    fn registers(&self) -> Vec<(Place, u128)> {
        let general = self.x.iter().map(|&x| x.into());
        let general = general.enumerate().map(|(n, x)| (Place::General(n), x));
        let vectors = self.v.iter().enumerate();
        let vectors = vectors.map(|(n, &v)| (Place::Vector(n), v));
        let status = [
            (NZCV, self.nzcv),
            (Place::Status("fpcr"), self.fpcr),
            (Place::Status("fpsr"), self.fpsr),
        ];
        let status = status.map(|(place, value)| (place, value.into()));
        general.chain(vectors).chain(status).collect()
    }
}

/// The flags.
const NZCV: Place = Place::Status("nzcv");

impl Tested for Aarch64 {
    type Registers = State;

    const CODE: u64 = CODE;
    const SHARED: u64 = CODE + 0x1000_0000;
    const EMULATOR: Emulator = Emulator {
        name: "qemu-aarch64",
        variable: "ARMISTICE_QEMU_AARCH64",
        // What is out of the instruction table is out here too.
        options: &["-cpu", "max,sve=off,sme=off,pauth=off"],
        compiler: "aarch64-linux-gnu-gcc",
        compile: &["-march=armv8.2-a"],
        source: "guest/arm64.S",
    };
    const LETTERS: [char; 2] = ['x', 'v'];
    const LAYOUT: &'static [(&'static str, u64)] = &[
        ("STATE_PC", offset_of!(State, pc) as u64),
        ("STATE_NZCV", offset_of!(State, nzcv) as u64),
        ("STATE_FPCR", offset_of!(State, fpcr) as u64),
        ("STATE_FPSR", offset_of!(State, fpsr) as u64),
        ("STATE_TPIDR", offset_of!(State, tpidr) as u64),
        ("STATE_SIGNAL", offset_of!(State, signal) as u64),
        ("STATE_CODE", offset_of!(State, code) as u64),
        ("STATE_ADDRESS", offset_of!(State, address) as u64),
        // The arm64 kernel's: system calls, the signal frame.
        ("SYS_openat", 56),
        ("SYS_read", 63),
        ("SYS_write", 64),
        ("SYS_exit_group", 94),
        ("SYS_sigaltstack", 132),
        ("SYS_rt_sigaction", 134),
        ("SYS_mmap", 222),
        ("SYS_mprotect", 226),
        ("AT_FDCWD", -100i64 as u64),
        ("UC_REGS", 184),
        ("UC_RESERVED", 464),
        ("FPSIMD_MAGIC", 0x4650_8001),
    ];
    const KNOWN: &'static [Known<Self>] = known::KNOWN;

    /// `ldp x29, x30, [x30, #232]`.
    fn head(_: Mode) -> &'static [u32] {
        &[0xa94e_fbdd]
    }

    fn ends(program: &Program) -> Vec<(u64, Mode)> {
        vec![(program.end::<Self>(), Mode::PLAIN)]
    }

    fn branch(_: Mode, from: u64, to: u64) -> u32 {
        0x1400_0000 | (to.wrapping_sub(from) >> 2) as u32 & 0x03ff_ffff
    }

    fn nop(_: Mode, _: u32) -> u32 {
        NOP
    }

    fn cpu(before: &State, program: &Program) -> Cpu {
        Cpu {
            x: before.x,
            v: before.v,
            pc: program.address,
            flags: Flags::from_nzcv((before.nzcv >> 28) as u8),
            fpcr: before.fpcr as u32,
            fpsr: before.fpsr as u32,
            tpidr: before.tpidr,
            ..Cpu::default()
        }
    }

    fn registers(cpu: &Cpu, before: &State, end: End) -> State {
        let faulted = end.signal != 0;
        tested::State::ended(
            State {
                x: cpu.x,
                v: cpu.v,
                pc: if faulted { cpu.pc } else { before.pc },
                nzcv: u64::from(cpu.flags.nzcv()) << 28,
                fpcr: u64::from(cpu.fpcr),
                fpsr: u64::from(cpu.fpsr),
                ..*before
            },
            end,
        )
    }

    fn unknown_call(cpu: &mut Cpu) {
        cpu.x[0] = NO_CALL;
    }

    /// The registers that a program names, roughly: the five-bit fields of its
    /// instructions, each as X and as V.
    fn shown(program: &Program) -> Vec<Place> {
        let mut shown = Vec::new();
        for insn in program.words.iter().filter_map(|&word| decode(word)) {
            for field in insn.op.info().fields {
                if field.width == 5 && field.name.starts_with('R') {
                    let n = (insn.word >> field.lsb & 31) as usize;
                    shown.extend([Place::General(n), Place::Vector(n)]);
                }
            }
        }
        shown
    }

    /// Any instruction of the program.
    fn is_about(context: &Context<'_>, named: &dyn Fn(&str) -> bool) -> bool {
        let mut words = context.program.words.iter();
        words.any(|&word| decode(word).is_some_and(|insn| named(insn.op.name())))
    }
}
