//! arm64 as an [`Abi`]: the room's functions, under the trait's names.

use alloc::string::String;
use alloc::vec::Vec;

use a64::Aarch64;
use a64::cpu::Cpu;
use guest::memory::Fault;

use super::platform::PLATFORM;
use super::syscalls::{table, tagged};
use super::{fault, gdb, register_sets, signal_frame};
use crate::host::sys::Errno;
use crate::linux::abi::Abi;
use crate::linux::abi::frame::{BadFrame, Contents, Returned};
use crate::linux::abi::interface::{Asked, FaultSignal};
use crate::linux::abi::platform::Platform;
use crate::linux::syscalls::Call;
use crate::linux::syscalls::syscall::Syscall;
use crate::thread::register_sets::RegisterSets;

/// The number of SP, and that of the number of a call.
const SP: usize = 31;
const NUMBER: usize = 8;
/// X7 says to a tracer whether a call is entered or left.
const DIRECTION: usize = 7;
/// Bytes of SVC.
const SVC: u64 = 4;
/// `BRK #0`, and the bits of BRK that are not its constant's.
const BRK: u32 = 0xd420_0000;
const BRK_MASK: u32 = 0xffe0_001f;
/// A frame record, and what aligning it takes.
const RECORD: u64 = 32;

/// Linux on arm64.
#[derive(Clone, Copy, Debug)]
pub struct Arm64;

impl Abi for Arm64 {
    type Guest = Aarch64;

    const PLATFORM: &'static Platform = &PLATFORM;

    fn find(number: u64) -> Option<&'static Syscall> {
        table::TABLE.find(number)
    }

    #[inline]
    fn prepare(call: &mut Call<'_>, syscall: &Syscall) {
        if call.thread.takes_tags {
            tagged::take_off(call, syscall);
        } else {
            tagged::refuse(call, syscall);
        }
    }

    const FRAME: u64 = signal_frame::SIZE as u64 + RECORD;
    const REGISTERS: usize = gdb::COUNT;
    const EXPEDITED: &'static [usize] = gdb::EXPEDITED;

    fn start(pc: u64, sp: u64) -> Cpu {
        let mut cpu = Cpu::default();
        cpu.x[SP] = sp;
        cpu.pc = pc;
        cpu
    }

    fn child(cpu: &mut Cpu, stack: Option<u64>, thread_pointer: Option<u64>) {
        cpu.x[0] = 0;
        if let Some(stack) = stack {
            cpu.x[SP] = stack;
        }
        if let Some(pointer) = thread_pointer {
            cpu.tpidr = pointer;
        }
    }

    /// X8 is the number, of which the kernel takes W8, and X0 to X5 are the arguments.
    fn asked(cpu: &Cpu) -> Asked {
        let [a, b, c, d, e, f, ..] = cpu.x;
        Asked {
            number: cpu.x[NUMBER] & 0xffff_ffff,
            arguments: [a, b, c, d, e, f],
            sp: cpu.x[SP],
            pc: cpu.pc,
        }
    }

    fn finish(cpu: &mut Cpu, result: Result<u64, Errno>) {
        match result {
            Ok(value) => cpu.x[0] = value,
            Err(Errno::RESTART) => cpu.pc = cpu.pc.wrapping_sub(SVC),
            Err(error) => cpu.x[0] = error.as_result(),
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
        cpu.x[SP]
    }

    fn register_sets(cpu: &Cpu) -> RegisterSets {
        register_sets::register_sets(cpu)
    }

    const EXECVE: u64 = 221;

    fn set_register_sets(cpu: &mut Cpu, sets: &RegisterSets) {
        register_sets::set_register_sets(cpu, sets);
    }

    fn exchange_direction(cpu: &mut Cpu, value: u64) -> u64 {
        core::mem::replace(&mut cpu.x[DIRECTION], value)
    }

    fn exchange_number(cpu: &mut Cpu, value: u64) -> u64 {
        core::mem::replace(&mut cpu.x[NUMBER], value)
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

    fn is_breakpoint(_: &Cpu, word: u32) -> bool {
        word & BRK_MASK == BRK
    }
}
