//! [`Abi`]: what an architecture's Linux has for itself: its system calls, and how registers
//! are saved, set and shown.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Debug;

use guest::Guest;
use guest::memory::Fault;

use super::frame::{BadFrame, Contents, Returned};
use super::platform::Platform;
use crate::host::signal::SignalInfo;
use crate::host::sys::Errno;
use crate::linux::syscalls::call::Call;
use crate::linux::syscalls::syscall::Syscall;
use crate::thread::register_sets::RegisterSets;

/// The registers of a thread.
pub type State<A> = <<A as Abi>::Guest as Guest>::State;

/// A system call that the registers ask for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Its number.
    pub number: u64,
    /// Registers with its arguments.
    pub arguments: [u64; 6],
    /// The stack pointer.
    pub sp: u64,
    /// The program counter, behind the call's instruction.
    pub pc: u64,
}

/// What the guest is told of a fault.
#[derive(Clone, Copy, Debug)]
pub struct FaultSignal {
    /// The signal.
    pub signal: i32,
    /// `si_code`.
    pub code: i32,
    /// What the frame of its handler says of it: [`Contents::syndrome`].
    pub syndrome: u64,
}

/// Linux for an architecture. Nothing is ever made of the type.
pub trait Abi: Copy + Debug + Send + Sync + 'static {
    /// The architecture.
    type Guest: Guest;

    /// What of it is data.
    const PLATFORM: &'static Platform;

    /// The system call with a number.
    fn find(number: u64) -> Option<&'static Syscall>;
    /// The signal that a call gets whose number is none, where that is not `ENOSYS`.
    fn refused(state: &State<Self>) -> Option<SignalInfo> {
        let _ = state;
        None
    }
    /// The arguments of a call in the registers: where these are too narrow for a number,
    /// it is in two ([`widened`](crate::linux::syscalls::syscall::widened)).
    fn arguments(syscall: &Syscall, registers: [u64; 6]) -> [u64; 6] {
        let _ = syscall;
        registers
    }
    /// Makes of a call's arguments what the host is given, and what functions for all
    /// guests take: whatever is otherwise where they point to.
    fn prepare(call: &mut Call<'_>, syscall: &Syscall);

    /// The registers that a program starts with.
    fn start(pc: u64, sp: u64) -> State<Self>;
    /// The registers of a thread or process that has just been made, from its maker's:
    /// with a stack and a thread pointer of its own, if it is given such.
    fn child(state: &mut State<Self>, stack: Option<u64>, thread_pointer: Option<u64>);

    /// The system call that is asked for.
    fn asked(state: &State<Self>) -> Asked;
    /// A system call is over: its result, or (for [`Errno::RESTART`]) it is asked for
    /// again.
    fn finish(state: &mut State<Self>, result: Result<u64, Errno>);

    /// Bytes of a handler's frame, with what it keeps beside.
    const FRAME: u64;
    /// Writes the frame below `top` and lets the registers be those of the handler's
    /// start.
    ///
    /// # Errors
    /// When it cannot be written; the registers have not changed then.
    fn push(state: &mut State<Self>, contents: &Contents, top: u64) -> Result<(), BadFrame>;
    /// Takes the registers from the frame at the stack pointer.
    ///
    /// # Errors
    /// When there is none; the registers have not changed then.
    fn pop(state: &mut State<Self>) -> Result<Returned, BadFrame>;
    /// The signal of a fault at an instruction.
    fn fault(fault: Fault, pc: u64) -> FaultSignal;

    /// The stack pointer.
    fn sp(state: &State<Self>) -> u64;
    /// The registers as others are told of them.
    fn register_sets(state: &State<Self>) -> RegisterSets;

    /// The number of `execve`.
    const EXECVE: u64;
    /// Sets the registers that others are told of, but for those that can't be what is
    /// said there.
    fn set_register_sets(state: &mut State<Self>, sets: &RegisterSets);
    /// Exchanges the register that says to a tracer whether a system call is entered (0)
    /// or left (1).
    fn exchange_direction(state: &mut State<Self>, value: u64) -> u64;
    /// Exchanges the register with the number of a system call.
    fn exchange_number(state: &mut State<Self>, value: u64) -> u64;

    /// How many registers GDB knows.
    const REGISTERS: usize;
    /// Those that it is told with a stop.
    const EXPEDITED: &'static [usize];
    /// What GDB is told of them: its own names of features and registers.
    fn description() -> String;
    /// A register's bytes, by GDB's number.
    fn read(state: &State<Self>, register: usize) -> Option<Vec<u8>>;
    /// Sets a register from the first of the bytes; returns how many it has.
    fn write(state: &mut State<Self>, register: usize, bytes: &[u8]) -> Option<usize>;
    /// Whether the undefined instruction at the PC is one that the kernel tells of as of a
    /// breakpoint.
    fn is_trap(state: &State<Self>) -> bool {
        let _ = state;
        false
    }
    /// Whether the instruction at the PC, as [`guest::Guest::fetch`] reads it, is a breakpoint of the
    /// guest's own.
    fn is_breakpoint(state: &State<Self>, word: u32) -> bool;
}
