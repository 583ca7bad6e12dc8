//! Branches.

use guest::memory::{Memory, Size};

use super::memory::load;
use super::target::{Done, Target, exchange};
use crate::cpu::Cpu;
use crate::decode::State;
use crate::operation::Operation;

const LR: u8 = 14;

/// Executes one; `next` is the address behind it.
pub(super) fn execute<M: Memory>(
    cpu: &mut Cpu,
    memory: &mut M,
    operation: Operation,
    next: u32,
) -> Done {
    let (state, pc) = (cpu.state(), cpu.reg(15));
    let thumb = u32::from(state == State::Thumb);
    Ok(match operation {
        Operation::Branch {
            offset,
            link,
            exchange,
            cond,
        } => {
            if cond.is_some_and(|cond| !cpu.holds(cond)) {
                return Ok(Target::Next);
            }
            if link {
                cpu.set_reg(LR, next | thumb);
            }
            match (exchange, state) {
                (false, state) => Target::To(pc.wrapping_add(offset), state),
                (true, State::Thumb) => Target::To((pc & !3).wrapping_add(offset), State::Arm),
                (true, State::Arm) => Target::To(pc.wrapping_add(offset), State::Thumb),
            }
        }
        Operation::BranchExchange { m, link } => {
            let target = exchange(cpu.reg(m));
            if link {
                cpu.set_reg(LR, next | thumb);
            }
            target
        }
        Operation::CompareBranch { n, nonzero, offset } => {
            if (cpu.reg(n) == 0) == nonzero {
                Target::Next
            } else {
                Target::To(pc.wrapping_add(offset), state)
            }
        }
        Operation::TableBranch { n, m, halves } => {
            let (shift, size) = if halves {
                (1, Size::Half)
            } else {
                (0, Size::Byte)
            };
            let address = cpu.reg(n).wrapping_add(cpu.reg(m) << shift);
            let distance = load(cpu, memory, address, size)?;
            Target::To(pc.wrapping_add(2 * distance), state)
        }
        _ => Target::Next,
    })
}
