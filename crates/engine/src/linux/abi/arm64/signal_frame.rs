//! The frame of a signal handler on the guest's stack, as arm64 Linux lays it
//! out, and back.
//!
//! From low to high: `siginfo`, `ucontext` with `sigcontext` at its end, whose
//! last 4096 bytes are records of a magic number, a size and data, ended by an
//! empty one; above the frame, a frame record that a debugger finds the
//! interrupted function by.

use alloc::vec::Vec;

use a64::cpu::{Cpu, Flags, Monitor};

use crate::linux::abi::frame::{BadFrame, Contents, Returned};
use crate::linux::process::AlternateStack;
use crate::memory::guest_memory;

/// Offsets in the frame.
mod at {
    pub(super) const CONTEXT: usize = 128;
    /// `uc_stack`.
    pub(super) const STACK: usize = CONTEXT + 16;
    /// `uc_sigmask`.
    pub(super) const MASK: usize = CONTEXT + 40;
    /// `uc_mcontext`: after a mask of 1024 bits, aligned to 16.
    pub(super) const MACHINE: usize = CONTEXT + 176;
    pub(super) const FAULT: usize = MACHINE;
    pub(super) const REGISTERS: usize = MACHINE + 8;
    pub(super) const SP: usize = REGISTERS + 31 * 8;
    pub(super) const PC: usize = SP + 8;
    pub(super) const PSTATE: usize = PC + 8;
    /// The records, aligned to 16.
    pub(super) const RECORDS: usize = MACHINE + 288;
}

/// Bytes of the frame.
pub const SIZE: usize = at::RECORDS + 4096;
const _: () = assert!(SIZE == 4688);

const FPSIMD_MAGIC: u32 = 0x4650_8001;
const FPSIMD_SIZE: usize = 528;
const ESR_MAGIC: u32 = 0x4553_5201;
const ESR_SIZE: usize = 16;

/// DIT in PSTATE.
const DIT: u64 = 1 << 24;

struct Bytes(Vec<u8>);

impl Bytes {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn word(&mut self, at: usize, value: u64) {
        self.put(at, &value.to_le_bytes());
    }

    fn half(&mut self, at: usize, value: u32) {
        self.put(at, &value.to_le_bytes());
    }

    fn get<const N: usize>(&self, at: usize) -> [u8; N] {
        core::array::from_fn(|n| self.0[at + n])
    }

    fn get_word(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.get(at))
    }

    fn get_half(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.get(at))
    }
}

/// PSTATE as EL0 has it.
pub(crate) fn pstate(cpu: &Cpu) -> u64 {
    u64::from(cpu.flags.nzcv()) << 28 | cpu.dit & DIT
}

fn frame(cpu: &Cpu, contents: &Contents) -> Bytes {
    let mut frame = Bytes(alloc::vec![0; SIZE]);
    if contents.with_info {
        frame.put(0, &contents.info.bytes());
    }
    let stack = contents.stack;
    for (n, word) in [stack.base, stack.flags, stack.size]
        .into_iter()
        .enumerate()
    {
        frame.word(at::STACK + 8 * n, word);
    }
    frame.word(at::MASK, contents.mask);
    frame.word(at::FAULT, contents.fault_address);
    // X0 to X30, and SP behind them.
    for (n, &value) in cpu.x.iter().enumerate() {
        frame.word(at::REGISTERS + 8 * n, value);
    }
    frame.word(at::PC, cpu.pc);
    frame.word(at::PSTATE, pstate(cpu));
    let mut record = at::RECORDS;
    frame.half(record, FPSIMD_MAGIC);
    frame.half(record + 4, 528);
    frame.half(record + 8, cpu.fpsr);
    frame.half(record + 12, cpu.fpcr);
    for (n, value) in cpu.v.iter().enumerate() {
        frame.put(record + 16 + 16 * n, &value.to_le_bytes());
    }
    record += FPSIMD_SIZE;
    if contents.syndrome != 0 {
        frame.half(record, ESR_MAGIC);
        frame.half(record + 4, 16);
        frame.word(record + 8, contents.syndrome);
    }
    frame
}

/// Writes the frame below `top` and lets the registers be those of the
/// handler's start.
///
/// # Errors
/// When it cannot be written; the registers have not changed then.
pub fn push(cpu: &mut Cpu, contents: &Contents, top: u64) -> Result<(), BadFrame> {
    let bytes = frame(cpu, contents);
    let record = top.wrapping_sub(16) & !15;
    let sp = record.wrapping_sub(SIZE as u64);
    let mut link = [0; 16];
    link[..8].copy_from_slice(&cpu.x[29].to_le_bytes());
    link[8..].copy_from_slice(&cpu.x[30].to_le_bytes());
    // SAFETY: the kernel would write there too, as the guest's SP says.
    unsafe {
        guest_memory::write(record, &link).map_err(|_| BadFrame)?;
        guest_memory::write(sp, &bytes.0).map_err(|_| BadFrame)?;
    }
    #[allow(clippy::cast_sign_loss, reason = "from 1 to 64")]
    let signal = contents.info.signal() as u64;
    cpu.x[0] = signal;
    if contents.with_info {
        cpu.x[1] = sp;
        cpu.x[2] = sp + at::CONTEXT as u64;
    }
    cpu.x[29] = record;
    cpu.x[30] = contents.restorer;
    cpu.x[31] = sp;
    cpu.pc = contents.handler;
    cpu.monitor = Monitor::default();
    Ok(())
}

/// Takes the registers from the frame at SP.
///
/// # Errors
/// When there is none; the registers have not changed then.
pub fn pop(cpu: &mut Cpu) -> Result<Returned, BadFrame> {
    let sp = cpu.x[31];
    if !sp.is_multiple_of(16) {
        return Err(BadFrame);
    }
    let mut frame = Bytes(alloc::vec![0; SIZE]);
    guest_memory::read(sp, &mut frame.0).map_err(|_| BadFrame)?;
    let vectors = vectors(&frame).ok_or(BadFrame)?;
    let state = frame.get_word(at::PSTATE);
    // Another mode, another instruction set, or interrupts masked.
    if state & 0x3df != 0 {
        return Err(BadFrame);
    }
    for (n, to) in cpu.x.iter_mut().enumerate() {
        *to = frame.get_word(at::REGISTERS + 8 * n);
    }
    cpu.pc = frame.get_word(at::PC);
    cpu.flags = Flags::from_nzcv((state >> 28 & 0xf) as u8);
    cpu.dit = state & DIT;
    cpu.fpsr = frame.get_half(vectors + 8) & FPSR;
    cpu.fpcr = frame.get_half(vectors + 12) & FPCR;
    for (n, to) in cpu.v.iter_mut().enumerate() {
        *to = u128::from_le_bytes(frame.get(vectors + 16 + 16 * n));
    }
    cpu.monitor = Monitor::default();
    let stack = |n: usize| frame.get_word(at::STACK + 8 * n);
    Ok(Returned {
        mask: frame.get_word(at::MASK),
        stack: Some(AlternateStack {
            base: stack(0),
            flags: stack(1),
            size: stack(2),
        }),
    })
}

/// QC and the cumulative exceptions.
const FPSR: u32 = 0x0800_009f;
/// AHP, DN, FZ, RMode and FZ16.
const FPCR: u32 = 0x07c8_0000;

/// Where the record of the vector registers is.
fn vectors(frame: &Bytes) -> Option<usize> {
    let mut record = at::RECORDS;
    let mut found = None;
    while record + 8 <= SIZE {
        let (magic, size) = (frame.get_half(record), frame.get_half(record + 4) as usize);
        match magic {
            0 if size == 0 => return found,
            FPSIMD_MAGIC if size == FPSIMD_SIZE && found.is_none() => found = Some(record),
            ESR_MAGIC if size == ESR_SIZE => {}
            _ => return None,
        }
        record += size;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::signal::SignalInfo;

    #[test]
    fn offsets_are_the_kernels() {
        // Of struct rt_sigframe, from the headers of an arm64 kernel.
        assert_eq!(at::STACK, 128 + 16);
        assert_eq!(at::MASK, 128 + 40);
        assert_eq!(at::MACHINE, 304);
        assert_eq!(at::PC - at::MACHINE, 264);
        assert_eq!(at::PSTATE - at::MACHINE, 272);
        assert_eq!(at::RECORDS - at::MACHINE, 288);
    }

    #[test]
    fn what_is_pushed_is_popped() {
        let mut stack = alloc::vec![0_u128; 1024];
        let top = stack.as_mut_ptr_range().end as u64;
        let mut before = Cpu::default();
        for (n, x) in (1..).zip(&mut before.x) {
            *x = n * 0x0101_0101_0101_0101;
        }
        for (n, v) in (1..).zip(&mut before.v) {
            *v = n << 100 | n;
        }
        (before.pc, before.flags) = (0x40_0000, Flags::from_nzcv(0b1010));
        (before.fpsr, before.fpcr, before.x[31]) = (0x0800_0011, 0x00c0_0000, top);
        let contents = Contents {
            info: SignalInfo::fault(11, 1, 0x1234),
            with_info: true,
            stack: AlternateStack {
                base: 1,
                flags: 2,
                size: 3,
            },
            mask: 0x55,
            fault_address: 0x1234,
            syndrome: 0x9200_0047,
            handler: 0x1000,
            restorer: 0x2000,
            trampoline: false,
        };
        let mut cpu = before.clone();
        push(&mut cpu, &contents, top).unwrap();
        assert_eq!([cpu.x[0], cpu.x[30], cpu.pc], [11, 0x2000, 0x1000]);
        assert_eq!(cpu.x[2], cpu.x[1] + 128);
        let returned = pop(&mut cpu).unwrap();
        assert_eq!(cpu, before);
        assert_eq!(
            (returned.mask, returned.stack),
            (0x55, Some(contents.stack))
        );
        cpu.x[31] = top - 8;
        assert_eq!(pop(&mut cpu).unwrap_err(), BadFrame);
    }
}
