//! What the toy's instructions do.

use guest::memory::{Memory, Size};
use guest::{Exception, Flags};
use ir::Cond;

use crate::decode::{Insn, branch_target, link_target, long, short};
use crate::state::{PENDING, Pending, State};

/// The register of the address behind `LINK`, with whether it had turned in bit 0.
pub const LINK: usize = 14;

/// Executes one instruction.
///
/// # Errors
/// When it raises an exception; the state is that before it then, but for the program
/// counter behind `CALL`.
pub fn step<M: Memory>(state: &mut State, memory: &mut M, insn: Insn) -> Result<(), Exception> {
    let pending = state.pending();
    let nzcv = state.flags.nzcv();
    let done = pending.left == 0 || Cond::from_bits(pending.cond.into()).holds(nzcv);
    let mut after = pending.next();
    let mut next = state.pc.wrapping_add(match insn {
        Insn::Short(_) => 2,
        Insn::Long(_) => 4,
    });
    if done {
        match insn {
            Insn::Short(insn) => short(state, memory, insn, &mut next, &mut after)?,
            Insn::Long(insn) => long(state, memory, insn, &mut next)?,
        }
    }
    state.r[PENDING] = after.bits();
    state.pc = next;
    Ok(())
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "fields of a few bits, and 8 bytes"
)]
fn short<M: Memory>(
    state: &mut State,
    memory: &mut M,
    insn: short::Insn,
    next: &mut u64,
    after: &mut Pending,
) -> Result<(), Exception> {
    use short::Op;
    let register = |n: u32| n as usize;
    let address = |state: &State| state.r[register(insn.a())].wrapping_add(u64::from(insn.n()) * 8);
    let operands = |state: &State| (state.r[register(insn.a())], state.r[register(insn.b())]);
    match insn.op {
        Op::ADD => {
            let (a, b) = operands(state);
            state.r[register(insn.d())] = a.wrapping_add(b);
        }
        Op::SUB => {
            let (a, b) = operands(state);
            let (result, borrow) = a.overflowing_sub(b);
            let overflow = (a ^ b) & (a ^ result);
            state.flags = Flags::from_nzcv(
                ((result >> 63) as u8) << 3
                    | u8::from(result == 0) << 2
                    | u8::from(!borrow) << 1
                    | (overflow >> 63) as u8,
            );
            state.r[register(insn.d())] = result;
        }
        Op::AND => {
            let (a, b) = operands(state);
            let result = a & b;
            let kept = state.flags.nzcv() & 3;
            let nz = ((result >> 63) as u8) << 3 | u8::from(result == 0) << 2;
            state.flags = Flags::from_nzcv(nz | kept);
            state.r[register(insn.d())] = result;
        }
        Op::STEP => {
            let d = register(insn.d());
            let by = u64::from(insn.imm8());
            state.r[d] = if state.turned == 0 {
                state.r[d].wrapping_add(by)
            } else {
                state.r[d].wrapping_sub(by)
            };
        }
        Op::BITS => state.r[register(insn.d())] = state.r[register(insn.a())].count_ones().into(),
        Op::LOAD => {
            let value = memory.load(address(state), Size::Double)?;
            state.r[register(insn.d())] = value as u64;
        }
        Op::STORE => {
            let value = state.r[register(insn.d())];
            memory.store(address(state), Size::Double, value.into())?;
        }
        Op::BRANCH => {
            if Cond::from_bits(insn.cond()).holds(state.flags.nzcv()) {
                *next = branch_target(state.pc, insn);
            }
        }
        Op::JUMP => {
            let target = state.r[register(insn.a())];
            state.turned = (target & 1) as u32;
            *next = target & !1;
        }
        Op::WHERE => {
            *after = Pending {
                left: insn.count() as u8,
                cond: insn.cond() as u8,
            };
        }
        Op::TURN => state.turned ^= 1,
        Op::CALL => {
            state.r[PENDING] = after.bits();
            state.pc = *next;
            return Err(Exception::Supervisor(insn.imm12()));
        }
        Op::STOP => return Err(Exception::Breakpoint(insn.imm12() as u16)),
    }
    Ok(())
}

fn long<M: Memory>(
    state: &mut State,
    memory: &mut M,
    insn: long::Insn,
    next: &mut u64,
) -> Result<(), Exception> {
    let (d, a, b) = (insn.far_d(), insn.far_a(), insn.far_b());
    let (d, a, b) = (d as usize, a as usize, b as usize);
    match insn.op {
        long::Op::SET => state.r[insn.d() as usize] = insn.imm24().into(),
        long::Op::LINK => {
            state.r[LINK] = *next | u64::from(state.turned);
            *next = link_target(state.pc, insn);
        }
        long::Op::FAR => state.r[d] = state.r[a].wrapping_add(state.r[b]),
        long::Op::XOR => state.v[d] = state.v[a] ^ state.v[b],
        long::Op::MANY => {
            let mut loaded = [0; 4];
            let many = insn.many() as usize;
            for (n, value) in loaded[..many].iter_mut().enumerate() {
                let address = state.r[a].wrapping_add(16 * n as u64);
                *value = memory.load(address, Size::Quad)?;
            }
            for (n, value) in loaded.into_iter().take(many).enumerate() {
                // In its half of the registers, whose last is followed by the first.
                state.v[d & !31 | (d + n) & 31] = value;
            }
        }
    }
    Ok(())
}
