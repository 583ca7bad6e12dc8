//! A32 and T32 code: its registers, its QEMU, what that differs in, and programs of its
//! instructions.

pub mod generate;
mod known;
pub mod sequences;
mod values;
mod vectors;

use std::mem::offset_of;

use a32::Aarch32;
use a32::cpu::{Cpu, Flags};
use a32::decode::{Insn, State as Set, decode};
use guest::Guest as _;
use ir::Mode;

pub use crate::case::{MAX_STATES, Program};

use crate::case::DATA_AT;
use crate::place::{Difference, Place};
use crate::tested::{self, Emulator, End, Known, Tested};

/// Where programs are placed.
pub const CODE: u32 = 0x1000_0000;
/// Where the data area is.
pub const DATA: u32 = CODE + DATA_AT as u32;
/// Its size.
pub const DATA_SIZE: u32 = crate::case::DATA_SIZE as u32;

/// How many states each program runs on, in a short comparison and in a long one.
pub const STATES: [usize; 2] = [4, 8];

/// Programs and states of them.
pub type Batch = crate::case::Batch<Aarch32>;
/// What a comparison of them may look at.
type Context<'a> = crate::tested::Context<'a, Aarch32>;

/// The bits of CPSR that are compared: N, Z, C, V, Q, GE, E, T.
const CPSR: u32 = 0xf80f_0220;
/// And those of IT, which tells something where a fault ended the program.
const CPSR_IT: u32 = 0x0600_fc00;
/// `ENOSYS`, as a system call returns it.
const NO_CALL: u64 = -38i32 as u32 as u64;

/// The registers before a program and after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct State {
    /// R0 to R14.
    pub r: [u32; 15],
    /// After a fault, the address of the instruction; else 0.
    pub pc: u32,
    /// As MRS and signal frames have it.
    pub cpsr: u32,
    /// As VMRS reads it.
    pub fpscr: u32,
    /// The signal of the fault that ended the program, or 0.
    pub signal: u32,
    /// `si_code` of it.
    pub code: u32,
    /// `si_addr` of it.
    pub address: u32,
    /// TPIDRURW at the start.
    pub tpidrurw: u32,
    /// D0 to D31.
    pub d: [u64; 32],
}

// SAFETY: integers one after the other, each at a multiple of its size: 344 bytes, a multiple of 8.
unsafe impl tested::State for State {
    fn end(&self) -> End {
        End {
            signal: self.signal,
            code: self.code,
            address: self.address.into(),
        }
    }

    fn pc(&self) -> u64 {
        self.pc.into()
    }

    fn ended(self, end: End) -> Self {
        Self {
            signal: end.signal,
            code: end.code,
            address: end.address as u32,
            ..self
        }
    }

    fn registers(&self) -> Vec<(Place, u128)> {
        let general = self.r.iter().enumerate();
        let general = general.map(|(n, &r)| (Place::General(n), r.into()));
        let vectors = self.d.iter().enumerate();
        let vectors = vectors.map(|(n, &d)| (Place::Vector(n), d.into()));
        // At an end, MRS has read them: without IT.
        let bits = if self.signal == 0 {
            CPSR
        } else {
            CPSR | CPSR_IT
        };
        let status = [
            (Place::Status("cpsr"), u128::from(self.cpsr & bits)),
            (Place::Status("fpscr"), self.fpscr.into()),
        ];
        general.chain(vectors).chain(status).collect()
    }
}

/// The state of a program's words.
fn set_of(program: &Program) -> Set {
    if program.mode.has(Aarch32::BY_TARGET) {
        Set::Thumb
    } else {
        Set::Arm
    }
}

/// The mode of a state.
fn mode_of(set: Set) -> Mode {
    Mode::PLAIN.with(Aarch32::BY_TARGET, set == Set::Thumb)
}

/// The other state.
const fn other(set: Set) -> Set {
    match set {
        Set::Arm => Set::Thumb,
        Set::Thumb => Set::Arm,
    }
}

/// Where a program ends in a state: in its own behind the last instruction, in the other behind
/// the branch there.
fn end_in(program: &Program, set: Set) -> u32 {
    let end = program.end::<Aarch32>() as u32;
    if set == set_of(program) {
        end
    } else {
        (end + 4).next_multiple_of(4)
    }
}

/// That as a branch to it has it in a register.
fn end_value(program: &Program, set: Set) -> u32 {
    end_in(program, set) | u32::from(set == Set::Thumb)
}

/// The name of the instruction at an address.
fn name_at(program: &Program, pc: u32) -> Option<&'static str> {
    let mut words = program.instructions::<Aarch32>();
    let (_, word) = words.find(|&(address, _)| address == u64::from(pc))?;
    decode(set_of(program), word).map(Insn::name)
}

impl Tested for Aarch32 {
    type Registers = State;

    const CODE: u64 = CODE as u64;
    const SHARED: u64 = CODE as u64 + 0x5000_0000;
    const EMULATOR: Emulator = Emulator {
        name: "qemu-arm",
        variable: "ARMISTICE_QEMU_ARM",
        options: &["-cpu", "max"],
        compiler: "arm-linux-gnueabihf-gcc",
        compile: &["-Wa,-mno-warn-deprecated"],
        source: "guest/arm.S",
    };
    const LETTERS: [char; 2] = ['r', 'd'];
    const LAYOUT: &'static [(&'static str, u64)] = &[
        ("STATE_PC", offset_of!(State, pc) as u64),
        ("STATE_CPSR", offset_of!(State, cpsr) as u64),
        ("STATE_FPSCR", offset_of!(State, fpscr) as u64),
        ("STATE_SIGNAL", offset_of!(State, signal) as u64),
        ("STATE_CODE", offset_of!(State, code) as u64),
        ("STATE_ADDRESS", offset_of!(State, address) as u64),
        ("STATE_TPIDRURW", offset_of!(State, tpidrurw) as u64),
        ("STATE_D", offset_of!(State, d) as u64),
        // The arm kernel's: system calls, the signal frame.
        ("SYS_read", 3),
        ("SYS_write", 4),
        ("SYS_mprotect", 125),
        ("SYS_rt_sigaction", 174),
        ("SYS_sigaltstack", 186),
        ("SYS_mmap2", 192),
        ("SYS_exit_group", 248),
        ("SYS_openat", 322),
        ("SYS_cacheflush", 0xf_0002),
        ("AT_FDCWD", -100i32 as u32 as u64),
        ("UC_REGS", 32),
        ("UC_REGSPACE", 232),
        ("VFP_MAGIC", 0x5646_5001),
    ];
    const KNOWN: &'static [Known<Self>] = known::KNOWN;

    /// `ldr r12, [lr, #48]; ldr lr, [lr, #56]`, in both states.
    fn head(mode: Mode) -> &'static [u32] {
        if mode.has(Self::BY_TARGET) {
            &[0xf8de_c030, 0xf8de_e038]
        } else {
            &[0xe59e_c030, 0xe59e_e038]
        }
    }

    fn ends(program: &Program) -> Vec<(u64, Mode)> {
        let set = set_of(program);
        let ends = [set, other(set)].map(|set| (end_in(program, set).into(), mode_of(set)));
        ends.into()
    }

    fn branch(mode: Mode, from: u64, to: u64) -> u32 {
        let (from, to) = (from as u32, to as u32);
        if !mode.has(Self::BY_TARGET) {
            return 0xea00_0000 | to.wrapping_sub(from + 8) >> 2 & 0x00ff_ffff;
        }
        let offset = to.wrapping_sub(from + 4);
        let bit = |n: u32| offset >> n & 1;
        let (s, i1, i2) = (bit(24), bit(23), bit(22));
        let (j1, j2) = (i1 ^ s ^ 1, i2 ^ s ^ 1);
        let (imm10, imm11) = (offset >> 12 & 0x3ff, offset >> 1 & 0x7ff);
        0xf000_9000 | s << 26 | imm10 << 16 | j1 << 13 | j2 << 11 | imm11
    }

    fn nop(mode: Mode, word: u32) -> u32 {
        match (mode.has(Self::BY_TARGET), Self::length(mode, word)) {
            (false, _) => 0xe320_f000,
            (true, 4) => 0xf3af_8000,
            (true, _) => 0xbf00,
        }
    }

    fn bytes(mode: Mode, word: u32) -> Vec<u8> {
        match (mode.has(Self::BY_TARGET), Self::length(mode, word)) {
            (false, _) => word.to_le_bytes().to_vec(),
            (true, 4) => word.rotate_left(16).to_le_bytes().to_vec(),
            (true, _) => word.to_le_bytes()[..2].to_vec(),
        }
    }

    fn cpu(before: &State, program: &Program) -> Cpu {
        let mut cpu = Cpu {
            pc: program.address,
            flags: Flags::from_nzcv((before.cpsr >> 28) as u8),
            thumb: u32::from(set_of(program) == Set::Thumb),
            tpidrurw: before.tpidrurw.into(),
            ..Cpu::default()
        };
        cpu.set_fpscr(before.fpscr);
        cpu.set_ge(before.cpsr >> 16 & 15);
        cpu.set_q(before.cpsr >> 27 & 1);
        for (r, &value) in cpu.r.iter_mut().zip(&before.r) {
            *r = value.into();
        }
        for (v, pair) in cpu.v.iter_mut().zip(before.d.chunks(2)) {
            *v = u128::from(pair[1]) << 64 | u128::from(pair[0]);
        }
        cpu
    }

    fn registers(cpu: &Cpu, _: &State, end: End) -> State {
        // Bits 26:25 are IT's low ones, 15:10 the high.
        let it = (cpu.it() & 3) << 25 | cpu.it() >> 2 << 10;
        tested::State::ended(
            State {
                r: std::array::from_fn(|n| cpu.r[n] as u32),
                pc: if end.signal == 0 { 0 } else { cpu.pc as u32 },
                cpsr: cpu.cpsr() | cpu.thumb << 5 | it,
                fpscr: cpu.fpscr(),
                tpidrurw: cpu.tpidrurw as u32,
                d: std::array::from_fn(|n| (cpu.v[n / 2] >> (64 * (n % 2))) as u64),
                ..State::default()
            },
            end,
        )
    }

    fn unknown_call(cpu: &mut Cpu) {
        cpu.r[0] = NO_CALL;
    }

    /// All general registers, and all vectors if an instruction may name them.
    fn shown(program: &Program) -> Vec<Place> {
        let set = set_of(program);
        let insns = program.words.iter().filter_map(|&word| decode(set, word));
        let mut shown: Vec<_> = (0..15).map(Place::General).collect();
        if insns
            .into_iter()
            .any(|insn| matches!(insn, Insn::Fp(..) | Insn::Simd(_)))
        {
            shown.extend((0..32).map(Place::Vector));
        }
        shown
    }

    /// The instruction that the subject names, behind its set; in a sequence, that which has ended it.
    fn is_about(context: &Context<'_>, named: &dyn Fn(&str) -> bool) -> bool {
        let name = if context.is_sequence() {
            name_at(context.program, context.ours.pc)
        } else {
            context.subject.split_once('.').map(|(_, name)| name)
        };
        name.is_some_and(named)
    }

    fn is_open(found: &[Difference], context: &Context<'_>) -> bool {
        known::is_open(found, context)
    }
}
