//! Code that is rarely run: entries that first bring the flags to their place, thunks of
//! exits, detours through the interpreter.

use super::flags::Tracker;
use super::{Entry, Exit, Leave, Lowering};
use crate::asm::{Alu, Label, Mem, Size, V, Xmm};
use crate::convention::{RAX, RCX};
use ir::{Key, VReg};

/// How many slots may be kept for a run.
pub(crate) const KEPT: usize = 7;

/// A run of operations that the interpreter may have to do again, whole instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Again {
    /// The first operation, in the region's list.
    pub(crate) from: usize,
    /// The one behind the last.
    pub(crate) to: usize,
    /// The slots that are kept, each from before it is written first.
    pub(crate) kept: [Option<VReg>; KEPT],
}

/// Something to be put behind the blocks, and what it needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cold {
    /// Enter a block whose flags are not in the state.
    Entry { block: usize },
    /// Bring the flags to where the block wants them, then go there.
    Edge {
        flags: Tracker,
        pc: u64,
        block: usize,
    },
    /// Save the flags, then leave to this address.
    Away {
        flags: Tracker,
        pc: u64,
        target: Key,
    },
    /// Save the flags, then let the interpreter do the instruction there.
    Stop { flags: Tracker, pc: u64, word: u32 },
    /// Leave for good, or until the exit at `patch` is linked to its target.
    Thunk { patch: usize, target: Key },
    /// The indirect branch's target (in `rcx`) is not in the table.
    Miss,
    /// Leave to another way of doing what an operation does, the flags being
    /// clear.
    Otherwise { pc: u64 },
    /// Let the interpreter do the instruction, then come back.
    Interpret {
        flags: Tracker,
        pc: u64,
        word: u32,
        back: Label,
        /// A slot's register to be restored first, and from what.
        kept: Option<(Xmm, Xmm)>,
        /// MXCSR is to be what it was before the instruction, and where that begins.
        flushes: Option<Label>,
    },
    /// Let the interpreter do a run of instructions again, then go on behind it.
    Again {
        flags: Tracker,
        /// The block's address.
        block: u64,
        run: Again,
        /// Where the flags are to be behind it.
        after: Tracker,
        back: Label,
        /// MXCSR is to be what it was before the run, and where that begins.
        flushes: Option<Label>,
    },
}

impl Cold {
    pub(crate) const fn interpret(pc: u64, word: u32, flags: Tracker, back: Label) -> Self {
        Self::Interpret {
            flags,
            pc,
            word,
            back,
            kept: None,
            flushes: None,
        }
    }

    /// The same detour to the interpreter, but a slot's register and MXCSR are restored first.
    pub(crate) fn restoring(mut self, what: Option<(Xmm, Xmm)>, status: Option<Label>) -> Self {
        if let Self::Interpret { kept, flushes, .. } = &mut self {
            (*kept, *flushes) = (what, status);
        }
        self
    }
}

impl Lowering<'_> {
    /// Emits all that is cold; what it makes cold comes after it.
    pub(crate) fn finish(&mut self) {
        let mut done = 0;
        while done < self.cold.len() {
            let (label, cold) = self.cold[done];
            done += 1;
            self.a.bind(label);
            self.emit_cold(&cold);
        }
    }

    fn emit_cold(&mut self, cold: &Cold) {
        self.swapped = !self.swaps.is_empty();
        match *cold {
            Cold::Entry { block } => self.cold_entry(block),
            Cold::Edge { flags, pc, block } => {
                (self.flags, self.pc) = (flags, pc);
                let wanted = self.settle_in(block, Some(flags));
                self.flags_move(&wanted);
                self.a.jmp(self.labels[block]);
            }
            Cold::Away { flags, pc, target } => {
                (self.flags, self.pc) = (flags, pc);
                self.flags_to_state();
                self.exit(target);
            }
            Cold::Stop { flags, pc, word } => {
                self.flags = flags;
                self.stop(Leave::Interpret, word, pc);
            }
            Cold::Thunk { patch, target } => self.thunk(patch, target),
            Cold::Miss => {
                let pc = self.c.state(self.c.layout.pc);
                if self.c.layout.by_target.is_some() {
                    self.a.alu_ri(Size::B64, Alu::And, RCX, !1);
                }
                self.a.mov_mr(Size::B64, pc, RCX);
                self.leave_to(Leave::Indirect.into(self.region.mode), 0);
            }
            Cold::Otherwise { pc } => {
                self.flags_are(Tracker::constant(0));
                self.flags_to_state();
                self.swap_out();
                self.set_pc(pc);
                self.leave(Leave::Attention, 0);
            }
            Cold::Interpret {
                flags,
                pc,
                word,
                back,
                kept,
                flushes,
            } => {
                if let Some((slot, old)) = kept {
                    self.a.v2(V::Movdqu, slot, old);
                }
                (self.flags, self.pc) = (flags, pc);
                self.flags_to_state();
                if let Some(begin) = flushes {
                    self.restore_status(begin);
                }
                self.call_interpreter(word);
                self.flags_in_state();
                self.flags_move(&flags);
                self.a.jmp(back);
            }
            Cold::Again {
                flags,
                block,
                run,
                after,
                back,
                flushes,
            } => {
                self.flags = flags;
                self.again(&run, block, flushes);
                self.flags_move(&after);
                self.a.jmp(back);
            }
        }
    }

    fn cold_entry(&mut self, block: usize) {
        let offset = self.position();
        let wanted = self.settle_in(block, None);
        self.swap_in();
        self.flags_in_state();
        self.flags_move(&wanted);
        self.a.jmp(self.labels[block]);
        let pc = self.region.blocks[block].pc;
        self.out.entries.push(Entry {
            pc,
            offset,
            flags: self.live.live_in[block],
        });
    }

    /// Points the exit's branch at its thunk, which leaves with its number.
    fn thunk(&mut self, patch: usize, target: Key) {
        let thunk = self.position();
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a region's code is some kilobytes"
        )]
        let at = patch as u32;
        self.a.patch_i32(patch, (thunk - at).cast_signed() - 4);
        #[allow(clippy::cast_possible_truncation, reason = "as above")]
        let slot = self.base.map(|_| self.a.jmp_rip_at() as u32);
        self.set_pc(target.pc);
        self.a.mov_ri(RCX, Leave::Link.into(target.mode));
        let number = self.a.mov_imm32_at(RAX);
        #[allow(clippy::cast_possible_truncation, reason = "as above")]
        let number = number as u32;
        self.leave_jump();
        self.out.exits.push(Exit {
            target,
            patch: at,
            thunk,
            number,
            slot,
        });
    }

    /// Leaves translated code.
    pub(crate) fn leave(&mut self, why: Leave, payload: u32) {
        self.leave_to(why as u64, payload);
    }

    /// Leaves with this reason and mode.
    fn leave_to(&mut self, why: u64, payload: u32) {
        self.a.mov_ri(RCX, why);
        self.a.mov_ri(RAX, payload.into());
        self.leave_jump();
    }

    fn leave_jump(&mut self) {
        let leave = self.c.state(self.c.layout.leave);
        self.a.jmp_m(leave);
    }

    /// The interpreter does the operation.
    pub(crate) fn interpret(&mut self, word: u32) {
        self.flags_to_state();
        self.call_interpreter(word);
        self.flags_in_state();
    }

    /// Runs one guest instruction in the interpreter; all flags must be in the
    /// state, and are afterwards.
    pub(crate) fn call_interpreter(&mut self, word: u32) {
        self.swap_out();
        self.set_pc(self.pc);
        self.a.mov_ri(RAX, word.into());
        let stub: Mem = self.c.state(self.c.layout.interpret);
        self.a.call_m(stub);
        self.swap_in();
    }
}
