//! Status and system registers, barriers, and exceptions that programs ask for.

use guest::memory::Memory;
use guest::{Environment, Exception};

use super::shift;
use super::target::{Done, Target};
use crate::call;
use crate::cpu::{Cpu, Flags};
use crate::operation::{Operation, System};

/// Executes one.
pub(super) fn execute<M: Memory + Environment>(
    cpu: &mut Cpu,
    memory: &mut M,
    operation: Operation,
) -> Done {
    match operation {
        Operation::ReadStatus { d } => cpu.set_reg(d, cpu.cpsr()),
        Operation::WriteStatus { mask, value } => {
            let (value, _) = shift::operand(cpu, value);
            write_status(cpu, mask, value);
        }
        Operation::ReadSystem { t, register } => {
            let value = low(match register {
                System::Tpidrurw => cpu.tpidrurw,
                System::Tpidruro => cpu.tpidruro,
                System::Cntfrq => memory.frequency(),
            });
            if t == 15 {
                cpu.flags = Flags::from_nzcv((value >> 28).to_le_bytes()[0]);
            } else {
                cpu.set_reg(t, value);
            }
        }
        Operation::WriteSystem { t } => cpu.tpidrurw = u64::from(cpu.reg(t)),
        Operation::ReadCounter { t, t2 } => {
            let counter = memory.counter();
            cpu.set_reg(t, low(counter));
            cpu.set_reg(t2, low(counter >> 32));
        }
        Operation::Barrier(barrier) => memory.barrier(barrier),
        Operation::SetEndianness { big } => cpu.big_endian = u32::from(big),
        Operation::Supervisor(constant) => return Err(Exception::Supervisor(constant)),
        Operation::Breakpoint(constant) => return Err(Exception::Breakpoint(half(constant))),
        _ => return Err(Exception::Undefined),
    }
    Ok(Target::Next)
}

/// A hint that calls a function; where it goes on.
pub(super) fn call<M: Memory + Environment>(
    cpu: &mut Cpu,
    memory: &mut M,
    function: u8,
    next: u32,
) -> Target {
    let pc = u64::from(next.wrapping_sub(4));
    let Some([first, second]) = memory.call(pc, function, cpu.reg(call::ARGUMENT)) else {
        return Target::Next;
    };
    let [low_half, high_half] = call::FIRST;
    cpu.set_reg(low_half, low(first));
    cpu.set_reg(high_half, low(first >> 32));
    cpu.set_reg(call::SECOND, low(second));
    cpu.flags = Flags::from_nzcv(0);
    Target::To(next.wrapping_add(4), cpu.state())
}

#[allow(clippy::cast_possible_truncation, reason = "what is asked for")]
const fn low(wide: u64) -> u32 {
    wide as u32
}

#[allow(clippy::cast_possible_truncation, reason = "what is asked for")]
const fn half(word: u32) -> u16 {
    word as u16
}

/// `CPSRWriteByInstr` at EL0: flags and Q, GE, E.
fn write_status(cpu: &mut Cpu, mask: u32, value: u32) {
    if mask & 8 != 0 {
        cpu.flags = Flags::from_nzcv((value >> 28).to_le_bytes()[0]);
        cpu.set_q(value >> 27 & 1);
    }
    if mask & 4 != 0 {
        cpu.set_ge(value >> 16 & 15);
    }
    if mask & 2 != 0 {
        cpu.big_endian = value >> 9 & 1;
    }
}
