//! The frame of a signal handler on the guest's stack, as Linux lays it out for 32-bit Arm,
//! and back.
//!
//! A handler that takes all of it has `siginfo` first; both kinds have `ucontext`, whose
//! `sigcontext` is before the mask, with the record of the vector registers at its end, and
//! two words that were instructions once.

use alloc::vec::Vec;

use a32::cpu::{Cpu, Monitor};

use super::registers::{LR, NUMBER, SP, bits, cpsr, doubles, set_cpsr};
use super::{siginfo, vectors};
use crate::linux::abi::frame::{BadFrame, Contents, Returned};
use crate::linux::process::AlternateStack;
use crate::memory::guest_memory;

/// Offsets in `ucontext`.
mod at {
    /// `uc_flags`.
    pub(super) const FLAGS: usize = 0;
    /// `uc_stack`: its base, flags and size.
    pub(super) const STACK: usize = 8;
    /// `uc_mcontext`: a trap's number, an error code and the old mask.
    pub(super) const ERROR: usize = 24;
    pub(super) const OLD_MASK: usize = 28;
    /// R0 to R15.
    pub(super) const REGISTERS: usize = 32;
    pub(super) const CPSR: usize = REGISTERS + 16 * 4;
    pub(super) const FAULT: usize = CPSR + 4;
    /// `uc_sigmask`, of 1024 bits.
    pub(super) const MASK: usize = FAULT + 4;
    /// `uc_regspace`, aligned to 8.
    pub(super) const VFP: usize = MASK + 128;
    pub(super) const FPSCR: usize = VFP + 8 + 32 * 8;
    pub(super) const FPEXC: usize = FPSCR + 8;
}

/// `ucontext`, and the two words behind it.
const SHORT: usize = at::VFP + 128 * 4 + 8;
/// With `siginfo` before.
pub(super) const LONGEST: usize = siginfo::SIZE + SHORT;
const _: () = assert!(SHORT == 752 && at::VFP == 232);

const VFP_MAGIC: u32 = 0x5646_5001;
const VFP_SIZE: u32 = 288;
/// What `uc_flags` is in a frame without `siginfo`.
const SHORT_MAGIC: u32 = 0x5ac3_c35a;
/// Floating point is enabled.
const ENABLED: u32 = 1 << 30;
/// `sigreturn`, which has the short frame.
const SIGRETURN: u64 = 119;

struct Bytes(Vec<u8>);

impl Bytes {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn word(&mut self, at: usize, value: u32) {
        self.put(at, &value.to_le_bytes());
    }

    /// The low half of a register or of a number of the engine's.
    #[allow(clippy::cast_possible_truncation, reason = "the guest has 32 bits")]
    fn low(&mut self, at: usize, value: u64) {
        self.word(at, value as u32);
    }

    fn get<const N: usize>(&self, at: usize) -> [u8; N] {
        core::array::from_fn(|n| self.0[at + n])
    }

    fn get_word(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.get(at))
    }
}

/// `ucontext` and what is behind it.
fn context(cpu: &Cpu, contents: &Contents) -> Bytes {
    let mut frame = Bytes(alloc::vec![0; SHORT]);
    if !contents.with_info {
        frame.word(at::FLAGS, SHORT_MAGIC);
    }
    let stack = contents.stack;
    if contents.with_info {
        let words = [stack.base, stack.flags, stack.size];
        for (at, word) in (at::STACK..).step_by(4).zip(words) {
            frame.low(at, word);
        }
    }
    frame.low(at::ERROR, contents.syndrome);
    frame.low(at::OLD_MASK, contents.mask);
    for (at, &value) in (at::REGISTERS..).step_by(4).zip(&cpu.r[..15]) {
        frame.low(at, value);
    }
    frame.low(at::REGISTERS + 15 * 4, cpu.pc);
    frame.word(at::CPSR, cpsr(cpu));
    frame.low(at::FAULT, contents.fault_address);
    frame.put(at::MASK, &contents.mask.to_le_bytes());
    frame.word(at::VFP, VFP_MAGIC);
    frame.word(at::VFP + 4, VFP_SIZE);
    for (at, double) in (at::VFP + 8..).step_by(8).zip(doubles(cpu)) {
        frame.put(at, &double);
    }
    frame.word(at::FPSCR, cpu.fpscr());
    frame.word(at::FPEXC, ENABLED);
    frame
}

/// Writes the frame below `top` and lets the registers be those of the
/// handler's start.
///
/// # Errors
/// When it cannot be written; the registers have not changed then.
pub(super) fn push(cpu: &mut Cpu, contents: &Contents, top: u64) -> Result<(), BadFrame> {
    let mut bytes = Vec::new();
    if contents.with_info {
        bytes.extend_from_slice(&siginfo::to_guest(&contents.info));
    }
    bytes.extend_from_slice(&context(cpu, contents).0);
    let sp = top.wrapping_sub(bytes.len() as u64) & 0xffff_fff8;
    // SAFETY: the kernel would write there too, as the guest's SP says.
    unsafe { guest_memory::write(sp, &bytes).map_err(|_| BadFrame)? };
    let thumb = contents.handler & 1 == 1;
    let link = if contents.trampoline {
        contents.restorer + vectors::signal_return(contents.with_info, thumb)
    } else {
        contents.restorer
    };
    cpu.r[0] = contents.info.signal().unsigned_abs().into();
    if contents.with_info {
        cpu.r[1] = sp;
        cpu.r[2] = sp + siginfo::SIZE as u64;
    }
    cpu.r[SP] = sp;
    cpu.r[LR] = link & 0xffff_ffff;
    let kept = cpu.cpsr() & 0xf << bits::GE_LSB;
    set_cpsr(cpu, kept | if thumb { bits::T } else { 0 });
    cpu.pc = contents.handler & if thumb { 0xffff_fffe } else { 0xffff_ffff };
    cpu.monitor = Monitor::default();
    Ok(())
}

/// Takes the registers from the frame at SP.
///
/// # Errors
/// When there is none; the registers have not changed then.
pub(super) fn pop(cpu: &mut Cpu) -> Result<Returned, BadFrame> {
    let sp = cpu.r[SP];
    if !sp.is_multiple_of(8) {
        return Err(BadFrame);
    }
    let short = cpu.r[NUMBER] == SIGRETURN;
    let at = if short { sp } else { sp + siginfo::SIZE as u64 };
    let mut frame = Bytes(alloc::vec![0; SHORT]);
    guest_memory::read(at, &mut frame.0).map_err(|_| BadFrame)?;
    let state = frame.get_word(at::CPSR);
    if state & bits::MODE != bits::USER || state & bits::MASKED != 0 {
        return Err(BadFrame);
    }
    if [frame.get_word(at::VFP), frame.get_word(at::VFP + 4)] != [VFP_MAGIC, VFP_SIZE] {
        return Err(BadFrame);
    }
    for (n, to) in cpu.r[..15].iter_mut().enumerate() {
        *to = frame.get_word(at::REGISTERS + 4 * n).into();
    }
    set_cpsr(cpu, state);
    let pc = u64::from(frame.get_word(at::REGISTERS + 15 * 4));
    cpu.pc = if cpu.thumb == 0 { pc } else { pc & !1 };
    for (n, to) in cpu.v[..16].iter_mut().enumerate() {
        *to = u128::from_le_bytes(frame.get(at::VFP + 8 + 16 * n));
    }
    cpu.set_fpscr(frame.get_word(at::FPSCR));
    cpu.monitor = Monitor::default();
    let stack = |n: usize| u64::from(frame.get_word(at::STACK + 4 * n));
    Ok(Returned {
        mask: u64::from_le_bytes(frame.get(at::MASK)),
        stack: (!short).then(|| AlternateStack {
            base: stack(0),
            flags: stack(1),
            size: stack(2),
        }),
    })
}
