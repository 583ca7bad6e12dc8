//! Where the host keeps the guest's state: the register convention.
//!
//! `rbp` points [`BIAS`] bytes into the state, so that the first integer slots are reached
//! with one byte of displacement. `rax` and `rcx` are scratch, and `rsp` is the host's
//! stack, 16-byte aligned in translated code.
//!
//! All other registers hold guest slots, and the same slots at every entry and exit of a
//! region. Which slots have a register is a table. It is made from the guest's order of
//! preference ([`Layout::hot_int`], [`Layout::hot_vec`]), which a guest takes from a profile
//! of real code. The other slots lie in the state.
//!
//! Of the vector registers, `xmm12` to `xmm15` are scratch, since every form of instruction
//! can name these. With AVX-512, `xmm11` is scratch, too: a VEX form can't name `xmm16` and
//! above, so that an operand there is first copied to `xmm11`.
//!
//! The state must hold the words named in [`Layout`]; nothing else of it is known here.

use crate::asm::{Gpr, Mem, Xmm};
use crate::features::HostFeatures;
use ir::Mode;
pub use ir::operand::{SLOTS, Slots};

/// How far into the state `rbp` points.
pub const BIAS: i32 = 128;

/// Scratch for addresses and first operands.
pub const RAX: Gpr = Gpr(0);
/// Scratch for second operands and counts.
pub const RCX: Gpr = Gpr(1);
/// Holds a slot, but is implied by wide multiplication and division.
pub const RDX: Gpr = Gpr(2);
/// The host's stack.
pub const RSP: Gpr = Gpr(4);
/// The state.
pub const RBP: Gpr = Gpr(5);

/// The registers that hold integer slots, the first the most preferred.
/// `rdx` is last: some operations must spill it.
pub const PINNED: [Gpr; 12] = [
    Gpr(3),
    Gpr(6),
    Gpr(7),
    Gpr(8),
    Gpr(9),
    Gpr(10),
    Gpr(11),
    Gpr(12),
    Gpr(13),
    Gpr(14),
    Gpr(15),
    RDX,
];

/// Offsets in bytes from the start of the state, and the guest's preferences.
#[derive(Clone, Copy, Hash, Debug)]
pub struct Layout {
    /// How many slots there are.
    pub slots: Slots,
    /// Of the first integer slot: the others follow, 8 bytes each.
    pub int: u32,
    /// Of the first vector slot, 16-byte aligned: the others follow, 16 bytes each.
    pub vec: u32,
    /// The guest's program counter.
    pub pc: u32,
    /// The flags, packed as [`crate::lower::flags`] says.
    pub flags: u32,
    /// The guest's thread pointer.
    pub thread: u32,
    /// `ReadFlags`' scratch and that of wide multiplication: 8 bytes.
    pub spill: u32,
    /// [`crate::lower::SWAPS`] words for slots whose registers hold others.
    pub swapped: u32,
    /// 64 bytes of scratch, 16-byte aligned.
    pub scratch: u32,
    /// [`crate::lower::ASIDE`] words of 16 bytes, aligned: vector slots as they were
    /// before what may have to be done again, and operands that a VEX form can't name.
    pub aside: u32,
    /// The guest's MXCSR while host code runs.
    pub mxcsr: u32,
    /// The host's MXCSR while guest code runs.
    pub host_mxcsr: u32,
    /// The host's stack pointer while guest code runs.
    pub host_rsp: u32,
    /// Address of the stub that leaves translated code.
    pub leave: u32,
    /// Address of the stub that runs one instruction in the interpreter.
    pub interpret: u32,
    /// Address of the function that the stub calls.
    pub interpreter: u32,
    /// Address of the attention word: not zero when translated code is not to
    /// be entered, or to be left. The 32-bit word behind it is set to 1 by
    /// whoever enters.
    pub attention: u32,
    /// Address of the table of counters, where blocks are counted.
    pub counters: u32,
    /// Addresses of the functions that [`ir::Op::Call`] calls.
    pub functions: u32,
    /// The exclusive monitor: address, value low, value high, size.
    pub monitor: u32,
    /// Control of floating point.
    pub float_control: u32,
    /// Status of floating point.
    pub float_status: u32,
    /// Where the bit of modes is that goes by bit 0 of an indirect branch's target, and
    /// which it is; none where none does.
    pub by_target: Option<(u32, Mode)>,
    /// Four bytes: MXCSR before what flushes.
    pub status_before: u32,
    /// Four bytes: MXCSR after it.
    pub status_after: u32,
    /// Four bytes: exceptions that were taken out of MXCSR, as it has them.
    pub status: u32,
    /// 16 bytes, not all zero once a result has saturated.
    pub saturated: u32,
    /// [`crate::constants::VALUES`].
    pub constants: u32,
    /// The tables of indirect targets, by the mode that they are for: pairs of
    /// guest and host address.
    pub targets: [u32; Mode::COUNT],
    /// The binary logarithm of the entries of each.
    pub targets_log2: u32,
    /// That of what the guest's instructions lie at multiples of: 1 or 2.
    pub unit_log2: u32,
    /// The guest's addresses have 32 bits.
    pub narrow: bool,
    /// Integer slots, the hottest first.
    pub hot_int: &'static [u8],
    /// Vector slots, the hottest first.
    pub hot_vec: &'static [u8],
    /// Vector slots that the guest's functions keep for their callers.
    pub kept_vec: &'static [u8],
}

/// Which register holds which slot.
#[derive(Clone, Debug)]
pub struct Convention {
    /// The register of each integer slot.
    pub int: [Option<Gpr>; SLOTS],
    /// The register of each vector slot.
    pub vec: [Option<Xmm>; SLOTS],
    /// Vector scratch.
    pub vec_scratch: [Xmm; 4],
    /// Vector scratch for an operand that a VEX form can't name.
    pub vec_low: Xmm,
    /// Where things lie.
    pub layout: Layout,
    /// What the host can do.
    pub host: HostFeatures,
}

impl Convention {
    /// The convention for this host.
    #[must_use]
    pub fn new(layout: Layout, host: HostFeatures) -> Self {
        let mut int = [None; SLOTS];
        for (&slot, &reg) in layout.hot_int.iter().zip(&PINNED) {
            int[usize::from(slot)] = Some(reg);
        }
        let mut vec = [None; SLOTS];
        let (low, high) = if host.avx512 { (11, 32) } else { (12, 16) };
        let pinned = (0..low).chain(16..high);
        for (&slot, reg) in layout.hot_vec.iter().zip(pinned) {
            vec[usize::from(slot)] = Some(Xmm(reg));
        }
        Self {
            int,
            vec,
            vec_scratch: [12, 13, 14, 15].map(Xmm),
            vec_low: Xmm(11),
            layout,
            host,
        }
    }

    /// The slot that `rdx` holds.
    #[must_use]
    pub fn spilled_slot(&self) -> Option<usize> {
        self.int.iter().position(|&reg| reg == Some(RDX))
    }

    /// A word of the state.
    #[must_use]
    pub const fn state(&self, offset: u32) -> Mem {
        #[allow(
            clippy::cast_possible_wrap,
            reason = "the state is some kilobytes large"
        )]
        Mem::disp(RBP, offset as i32 - BIAS)
    }

    /// The home of an integer slot in the state.
    #[must_use]
    pub fn int_home(&self, slot: u8) -> Mem {
        self.state(self.layout.int + 8 * u32::from(slot))
    }

    /// The home of a vector slot in the state.
    #[must_use]
    pub fn vec_home(&self, slot: u8) -> Mem {
        self.state(self.layout.vec + 16 * u32::from(slot))
    }
}
