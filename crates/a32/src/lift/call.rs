//! Hints that call a function of the surroundings ([`crate::call`]).

use super::{Of, SCRATCH, W};
use crate::call;
use ir::form::Sink;
use ir::{Op, Reg, Term, Width};

/// The values, as the function gives them: what may have more bits than a register.
const VALUES: [Reg; 2] = [SCRATCH[0], SCRATCH[1]];
/// Nobody's zero.
const ZERO: Reg = SCRATCH[2];

impl Of {
    /// Where a call goes on that has been done: behind the next instruction.
    pub(super) fn behind_call(&self) -> u64 {
        (self.pc + 2 * u64::from(self.length)) & 0xffff_ffff
    }

    pub(super) fn call_function(&self, function: u8, out: &mut Sink<'_>) -> Term {
        let [first, second] = VALUES;
        out.push(Op::Call {
            function,
            d: ZERO,
            e: first,
            f: second,
            a: Reg(call::ARGUMENT),
            otherwise: self.next(),
        });
        let [low, high] = call::FIRST.map(Reg);
        out.push(Op::Extract {
            signed: false,
            w: Width::W64,
            d: high,
            a: first,
            lsb: 32,
            width: 32,
        });
        for (d, a) in [(low, first), (Reg(call::SECOND), second)] {
            out.push(Op::Mov { w: W, d, a });
        }
        Term::Jump {
            target: self.behind_call(),
        }
    }
}
