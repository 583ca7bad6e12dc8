//! [`Arm`]: Linux for 32-bit Arm, as the engine asks for it.

use alloc::string::String;
use alloc::vec::Vec;

use a32::Aarch32;
use a32::cpu::Cpu;
use guest::memory::Fault;

use super::platform::PLATFORM;
use super::registers::{DIRECTION, NUMBER, SP};
use super::syscalls::{private, table};
use super::{fault, gdb, register_sets, signal_frame};
use crate::host::signal::SignalInfo;
use crate::host::sys::Errno;
use crate::linux::abi::frame::{BadFrame, Contents, Returned};
use crate::linux::abi::interface::{Abi, Asked, FaultSignal};
use crate::linux::abi::platform::Platform;
use crate::linux::syscalls::Call;
use crate::linux::syscalls::syscall::{Syscall, widened};
use crate::memory::guest_memory;
use crate::thread::register_sets::RegisterSets;

/// Linux on 32-bit Arm.
#[derive(Clone, Copy, Debug)]
pub struct Arm;

impl Abi for Arm {
    type Guest = Aarch32;

    const PLATFORM: &'static Platform = &PLATFORM;

    fn find(number: u64) -> Option<&'static Syscall> {
        table::TABLE
            .find(number)
            .or_else(|| private::TABLE.find(number))
    }

    fn refused(cpu: &Cpu) -> Option<SignalInfo> {
        private::refused(cpu)
    }

    fn arguments(syscall: &Syscall, registers: [u64; 6]) -> [u64; 6] {
        widened(syscall.arguments, registers, true)
    }

    fn prepare(_: &mut Call<'_>, _: &Syscall) {}

    const FRAME: u64 = signal_frame::LONGEST as u64 + 8;
    const REGISTERS: usize = gdb::COUNT;
    const EXPEDITED: &'static [usize] = gdb::EXPEDITED;

    /// Bit 0 of an entry says which instructions are there.
    fn start(pc: u64, sp: u64) -> Cpu {
        let mut cpu = Cpu {
            pc: pc & !1,
            thumb: u32::from(pc & 1 == 1),
            ..Cpu::default()
        };
        cpu.r[SP] = sp;
        cpu
    }

    fn child(cpu: &mut Cpu, stack: Option<u64>, thread_pointer: Option<u64>) {
        cpu.r[0] = 0;
        if let Some(stack) = stack {
            cpu.r[SP] = stack;
        }
        if let Some(pointer) = thread_pointer {
            cpu.tpidruro = pointer & 0xffff_ffff;
        }
    }

    /// R7 is the number, and R0 to R5 are the arguments.
    fn asked(cpu: &Cpu) -> Asked {
        let [a, b, c, d, e, f, ..] = cpu.r;
        Asked {
            number: cpu.r[NUMBER],
            arguments: [a, b, c, d, e, f],
            sp: cpu.r[SP],
            pc: cpu.pc,
        }
    }

    fn finish(cpu: &mut Cpu, result: Result<u64, Errno>) {
        private::finish(cpu, result);
        match result {
            Ok(value) => cpu.r[0] = value & 0xffff_ffff,
            Err(Errno::RESTART) => {
                cpu.pc = cpu.pc.wrapping_sub(private::length(cpu)) & 0xffff_ffff;
            }
            Err(error) => cpu.r[0] = error.as_result() & 0xffff_ffff,
        }
    }

    fn push(cpu: &mut Cpu, contents: &Contents, top: u64) -> Result<(), BadFrame> {
        signal_frame::push(cpu, contents, top)
    }

    fn pop(cpu: &mut Cpu) -> Result<Returned, BadFrame> {
        signal_frame::pop(cpu)
    }

    fn fault(fault: Fault, pc: u64) -> FaultSignal {
        fault::describe(fault, pc)
    }

    fn sp(cpu: &Cpu) -> u64 {
        cpu.r[SP]
    }

    fn register_sets(cpu: &Cpu) -> RegisterSets {
        register_sets::register_sets(cpu)
    }

    const EXECVE: u64 = 11;

    fn set_register_sets(cpu: &mut Cpu, sets: &RegisterSets) {
        register_sets::set_register_sets(cpu, sets);
    }

    fn exchange_direction(cpu: &mut Cpu, value: u64) -> u64 {
        core::mem::replace(&mut cpu.r[DIRECTION], value & 0xffff_ffff)
    }

    fn exchange_number(cpu: &mut Cpu, value: u64) -> u64 {
        core::mem::replace(&mut cpu.r[NUMBER], value & 0xffff_ffff)
    }

    /// The undefined instructions that debuggers put in place of others.
    fn is_trap(cpu: &Cpu) -> bool {
        const A32: u32 = 0x07f0_01f0;
        const T16: u16 = 0xde01;
        const T32: [u16; 2] = [0xf7f0, 0xa000];
        let half = |at: u64| {
            let mut bytes = [0; 2];
            let read = guest_memory::read(cpu.pc.wrapping_add(at), &mut bytes);
            read.is_ok().then(|| u16::from_le_bytes(bytes))
        };
        let (Some(first), second) = (half(0), half(2)) else {
            return false;
        };
        let second = second.unwrap_or(0);
        match cpu.thumb {
            0 => (u32::from(first) | u32::from(second) << 16) & 0x0fff_ffff == A32,
            _ => first == T16 || [first, second] == T32,
        }
    }

    fn description() -> String {
        gdb::description()
    }

    fn read(cpu: &Cpu, register: usize) -> Option<Vec<u8>> {
        gdb::read(cpu, register)
    }

    fn write(cpu: &mut Cpu, register: usize, bytes: &[u8]) -> Option<usize> {
        gdb::write(cpu, register, bytes)
    }

    /// `BKPT` of the set of instructions that the state is in.
    fn is_breakpoint(cpu: &Cpu, word: u32) -> bool {
        match cpu.thumb {
            0 => word & 0xfff0_00f0 == 0xe120_0070,
            _ => word & 0xffff_ff00 == 0xbe00,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is a breakpoint in one set of instructions is another instruction in the other.
    #[test]
    fn a_breakpoint_is_one_of_its_set() {
        let [arm, thumb] = [0, 1].map(|thumb| Cpu {
            thumb,
            ..Cpu::default()
        });
        for (cpu, word, wanted) in [
            (&arm, 0xe120_0070, true),
            (&arm, 0xe120_be70, true),
            // add r11, r14, r0, lsl #28
            (&arm, 0xe08e_be00, false),
            (&thumb, 0xbe00, true),
            (&thumb, 0xbeff, true),
            // The same add as T32.
            (&thumb, 0xeb0e_7b00, false),
            (&thumb, 0xe120_be00, false),
        ] {
            assert_eq!(Arm::is_breakpoint(cpu, word), wanted, "{word:#x}");
        }
    }
}
