//! The ways into and out of translated code.
//!
//! `enter(state, code)` saves what the host's calling convention keeps, loads the guest's
//! slots and jumps. Translated code jumps to `leave` with a reason (and mode) in `ecx` and a
//! payload in `eax`; `leave` returns from `enter` with both in `rax`. Translated code calls
//! `interpret` with an instruction in `eax`. While guest code runs, MXCSR is the guest's.
//!
//! Whoever enters guest code first says that the thread is inside, then looks at the
//! thread's attention word, and goes on only if the word is zero. If a signal handler sets
//! the word while a thread is in [`Stubs::inward`], the handler must let the thread step into
//! the guest's code. In all other code of the stubs the thread will see the word itself.

use crate::asm::{Asm, Cond, Gpr, Mem, Shift, Size, V, Xmm};
use crate::convention::{BIAS, Convention, RAX, RBP, RCX, RDX, RSP};
use crate::lower::Leave;

/// Where each stub starts in what [`emit`] emitted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stubs {
    /// `extern "sysv64" fn(state: *mut u8, code: *const u8) -> u64`: the
    /// payload, and the reason in the upper half.
    pub enter: usize,
    /// See [`crate::convention::Layout::leave`].
    pub leave: usize,
    /// Leaves with [`Leave::Interrupted`]: where the signal handler lets a thread go on.
    pub interrupted: usize,
    /// See [`crate::convention::Layout::interpret`].
    pub interpret: usize,
    /// Where the attention word has been looked at and guest code is about to
    /// be entered: start and end.
    pub inward: [(usize, usize); 2],
}

const RDI: Gpr = Gpr(7);
const RSI: Gpr = Gpr(6);
/// What the System V convention has a function keep.
const KEPT: [Gpr; 6] = [Gpr(3), RBP, Gpr(12), Gpr(13), Gpr(14), Gpr(15)];

/// Emits the stubs.
pub fn emit(a: &mut Asm, c: &Convention) -> Stubs {
    let leave = c.state(c.layout.host_rsp);
    let mut stubs = Stubs {
        enter: a.pos(),
        ..Stubs::default()
    };
    let bail = a.new_label();
    a.mov_rm(
        Size::B64,
        RAX,
        Mem::disp(RDI, c.layout.attention.cast_signed()),
    );
    a.mov_ri(RCX, 1);
    // Locked, so that "inside" is seen before the word is looked at.
    a.xchg_mr(Size::B32, Mem::disp(RAX, 4), RCX);
    a.alu_mi(Size::B32, crate::asm::Alu::Cmp, Mem::base(RAX), 0);
    stubs.inward[0].0 = a.pos();
    a.jcc(Cond::NE, bail);
    for reg in KEPT {
        a.push(reg);
    }
    // Aligned to 16: the return address and six registers are 56 bytes.
    a.alu_ri(Size::B64, crate::asm::Alu::Sub, RSP, 8);
    a.lea(Size::B64, RBP, Mem::disp(RDI, BIAS));
    a.stmxcsr(c.state(c.layout.host_mxcsr));
    a.ldmxcsr(c.state(c.layout.mxcsr));
    a.mov_mr(Size::B64, leave, RSP);
    a.mov_rr(Size::B64, RAX, RSI);
    load_slots(a, c);
    a.jmp_r(RAX);
    stubs.inward[0].1 = a.pos();

    a.bind(bail);
    a.mov_ri(RAX, (Leave::Attention as u64) << 32);
    a.ret();

    stubs.interrupted = a.pos();
    a.mov_ri(RCX, Leave::Interrupted as u64);
    stubs.leave = a.pos();
    store_slots(a, c);
    let out = a.new_label();
    a.bind(out);
    a.stmxcsr(c.state(c.layout.mxcsr));
    a.ldmxcsr(c.state(c.layout.host_mxcsr));
    a.mov_rr(Size::B32, RAX, RAX);
    a.shift_ri(Size::B64, Shift::Shl, RCX, 32);
    a.alu_rr(Size::B64, crate::asm::Alu::Or, RAX, RCX);
    a.mov_rm(Size::B64, RSP, leave);
    a.alu_ri(Size::B64, crate::asm::Alu::Add, RSP, 8);
    for &reg in KEPT.iter().rev() {
        a.pop(reg);
    }
    a.ret();

    stubs.interpret = a.pos();
    store_slots(a, c);
    // The return address is on the stack.
    a.alu_ri(Size::B64, crate::asm::Alu::Sub, RSP, 8);
    a.lea(Size::B64, RDI, Mem::disp(RBP, -BIAS));
    a.mov_rr(Size::B32, RSI, RAX);
    a.call_m(c.state(c.layout.interpreter));
    a.mov_ri(RCX, Leave::Exception as u64);
    // Without an exception, that is where attention leaves too: between two
    // instructions of the guest.
    a.mov_rm(Size::B64, RDX, c.state(c.layout.attention));
    a.alu_rm(Size::B32, crate::asm::Alu::Or, RAX, Mem::base(RDX));
    stubs.inward[1].0 = a.pos();
    a.jcc(Cond::NE, out);
    load_slots(a, c);
    a.alu_ri(Size::B64, crate::asm::Alu::Add, RSP, 8);
    a.ret();
    stubs.inward[1].1 = a.pos();
    a.resolve();
    stubs
}

fn slots(c: &Convention) -> impl Iterator<Item = (Gpr, Mem)> {
    let homes = (0_u8..).zip(c.int);
    homes.filter_map(|(slot, reg)| Some((reg?, c.int_home(slot))))
}

fn vec_slots(c: &Convention) -> impl Iterator<Item = (Xmm, Mem)> {
    let homes = (0_u8..).zip(c.vec);
    homes.filter_map(|(slot, reg)| Some((reg?, c.vec_home(slot))))
}

fn load_slots(a: &mut Asm, c: &Convention) {
    for (reg, home) in vec_slots(c) {
        a.v2(V::Movdqu, reg, home);
    }
    for (reg, home) in slots(c) {
        a.mov_rm(Size::B64, reg, home);
    }
}

fn store_slots(a: &mut Asm, c: &Convention) {
    for (reg, home) in slots(c) {
        a.mov_mr(Size::B64, home, reg);
    }
    for (reg, home) in vec_slots(c) {
        a.vstore(V::MovdquStore, home, reg);
    }
}
