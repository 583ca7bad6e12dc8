//! Operations under a condition: a jump around them.
//!
//! Behind the operations both ways meet, and must have the flags in one place. If the
//! operations set flags that are seen behind them, that place is EFLAGS, in the form that
//! the condition found there. Otherwise it is the place where both ways still have the
//! flags: the state, if an operation might overwrite EFLAGS.

use super::Lowering;
use super::flags::{Form, Tracker};
use crate::asm::Label;
use ir::live::Live;
use ir::vector::VOp;
use ir::{BinOp, Cond, Op, Width};

/// What was begun.
#[derive(Clone, Copy)]
pub(super) struct Begun {
    /// Where it ends.
    end: Label,
    /// Where the flags were when it was jumped around.
    flags: Tracker,
    /// What form they are to have at the end, if they are set within.
    form: Option<Form>,
}

/// Whether an operation leaves EFLAGS alone while only EFLAGS have the flags, wherever its slots are.
const fn spares_flags(op: &Op) -> bool {
    matches!(
        op,
        // By LEA.
        Op::Bin {
            op: BinOp::Add | BinOp::Sub,
            w: Width::W32,
            set: false,
            ..
        } | Op::Imm { .. }
            | Op::Address { .. }
            | Op::Mov { .. }
            | Op::Load { .. }
            | Op::Store { .. }
            | Op::LoadPair { .. }
            | Op::StorePair { .. }
            | Op::CheckAligned { .. }
            | Op::Vector(
                VOp::Load { .. } | VOp::Store { .. } | VOp::LoadLane { .. } | VOp::StoreLane { .. }
            )
    )
}

impl Lowering<'_> {
    /// Up to the end, all is done only if the condition holds.
    pub(crate) fn begin_if(&mut self, cond: Cond) {
        let rest = self.rest_of_block();
        let count = rest.iter().position(|inst| matches!(inst.op, Op::EndIf));
        let count = count.unwrap_or(rest.len());
        let mut within = rest[1..count].iter().map(|inst| &inst.op);
        let sets = within.clone().any(Op::sets_flags);
        let spares = within.all(spares_flags);
        let seen = self.live.after.get(self.at + count);
        let seen = seen.is_some_and(|&seen| seen != Live::Dead);
        if sets && seen {
            self.flags_compared();
        } else if seen && !spares {
            self.flags_to_state();
        }
        let test = self.test(cond);
        if seen && spares && !sets {
            // An operation overwrites EFLAGS where the flags can be computed again. The next may overwrite
            // an operand of that, so the flags count as being in EFLAGS alone.
            self.flags_from_nothing();
        }
        let flags = self.flags_here();
        let end = self.a.new_label();
        self.jump_unless(test, end);
        let form = if sets && seen { flags.form() } else { None };
        self.begun = Some(Begun { end, flags, form });
    }

    /// Both ways meet.
    pub(crate) fn end_if(&mut self) {
        let Some(Begun { end, flags, form }) = self.begun.take() else {
            return;
        };
        let met = match form {
            Some(form) => {
                let met = Tracker::in_host(form);
                self.flags_move(&met);
                met
            }
            None => flags.both(self.flags_here()),
        };
        self.flags_are(met);
        self.a.bind(end);
    }
}
