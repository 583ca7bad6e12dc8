//! Ordered and atomic accesses, on the host's locked instructions.
//!
//! If an address is not aligned to the access, the interpreter does the instruction: the
//! guest may fault there, and the host would not. A store-exclusive is a
//! compare and swap of the value that the load-exclusive read, here and in the interpreter.

use super::Lowering;
use super::cold::Cold;
use crate::asm::{Alu, Cond as Cc, Gpr, Mem, Size};
use crate::convention::{RAX, RCX, RDX};
use ir::inst::{Fill, RmwOp};
use ir::{Addr, Reg};

impl Lowering<'_> {
    /// Leaves to the interpreter if the address in `base` is not aligned.
    /// EFLAGS must be free.
    fn align_check(&mut self, base: Gpr, size: ir::Size) {
        if size == ir::Size::B1 {
            return;
        }
        let slow = self.a.new_label();
        let back = self.a.new_label();
        self.a.test_ri(Size::B8, base, i32::from(size.bytes() - 1));
        self.a.jcc(Cc::NE, slow);
        let cold = Cold::interpret(self.pc, self.word(), self.flags_here(), back);
        self.cold.push((slow, cold));
        self.pending_back.push(back);
    }

    /// Detours come back here: the end of the operation.
    pub(crate) fn bind_back(&mut self) {
        while let Some(back) = self.pending_back.pop() {
            self.a.bind(back);
        }
    }

    /// The host reorders no load with what follows it.
    pub(crate) fn load_acquire(&mut self, size: ir::Size, fill: Fill, d: Reg, addr: Addr) {
        self.clobber();
        let mem = self.address(addr);
        let base = self.address_register(mem);
        self.align_check(base, size);
        let t = self.target(d, RAX);
        self.load_to(size, fill, t, Mem::base(base));
        self.write(d, t);
        self.bind_back();
    }

    pub(crate) fn store_release(&mut self, size: ir::Size, a: Reg, addr: Addr) {
        self.clobber();
        let mem = self.address(addr);
        let mem = self.without_rcx(mem);
        let base = self.address_register(mem);
        self.align_check(base, size);
        self.read_to(a, RCX);
        self.fault_point();
        // Locked by itself: later loads can't pass it.
        self.a.xchg_mr(size.into(), Mem::base(base), RCX);
        self.bind_back();
    }

    /// The address in one register.
    fn address_register(&mut self, mem: Mem) -> Gpr {
        match mem {
            Mem {
                base: Some(base),
                index: None,
                disp: 0,
            } => base,
            other => {
                self.a.lea(Size::B64, RAX, other);
                RAX
            }
        }
    }

    pub(crate) fn rmw(&mut self, op: RmwOp, size: ir::Size, d: Reg, a: Reg, base: Reg) {
        let simple = matches!(op, RmwOp::Add | RmwOp::Swp) || (d.is_zero() && has_locked(op));
        if !simple {
            return self.rmw_loop(op, size, d, a, base);
        }
        self.clobber();
        let base = self.read(base, RAX);
        self.align_check(base, size);
        let mem = Mem::base(base);
        let s = Size::from(size);
        self.read_to(a, RCX);
        if op == RmwOp::Clr {
            self.a.not(Size::B64, RCX);
        }
        self.fault_point();
        match op {
            RmwOp::Swp => self.a.xchg_mr(s, mem, RCX),
            RmwOp::Add if !d.is_zero() => self.a.lock_xadd(s, mem, RCX),
            RmwOp::Add => self.a.lock_alu_mr(s, Alu::Add, mem, RCX),
            RmwOp::Clr => self.a.lock_alu_mr(s, Alu::And, mem, RCX),
            RmwOp::Eor => self.a.lock_alu_mr(s, Alu::Xor, mem, RCX),
            _ => self.a.lock_alu_mr(s, Alu::Or, mem, RCX),
        }
        self.write_old(s, d, RCX);
        self.bind_back();
    }

    /// d = an old value, zero-extended.
    fn write_old(&mut self, size: Size, d: Reg, old: Gpr) {
        if d.is_zero() {
            return;
        }
        match size {
            Size::B8 | Size::B16 => self.a.movzx(Size::B32, size, old, old),
            Size::B32 => self.a.mov_rr(Size::B32, old, old),
            Size::B64 => {}
        }
        self.write(d, old);
    }

    /// The operations that the host can't do at once: `lock cmpxchg` until
    /// nothing came between. rax old, rcx new, the address in `rdx`'s place.
    fn rmw_loop(&mut self, op: RmwOp, size: ir::Size, d: Reg, a: Reg, base: Reg) {
        let s = Size::from(size);
        self.clobber();
        // One more register is needed than there is scratch.
        let third = crate::convention::RDX;
        let address = self.read(base, RAX);
        self.align_check(address, size);
        let operand = self.c.state(self.c.layout.scratch);
        self.read_to(a, RCX);
        self.a.mov_mr(Size::B64, operand, RCX);
        let spill = self.c.state(self.c.layout.spill);
        self.a.mov_mr(Size::B64, spill, third);
        self.read_to(base, third);
        let mem = Mem::base(third);
        self.fault_point_with(true);
        self.load_old(s, mem);
        let again = self.a.new_label();
        self.a.bind(again);
        self.combine(op, s, operand);
        self.fault_point_with(true);
        self.a.lock_cmpxchg(s, mem, RCX);
        self.a.jcc(Cc::NE, again);
        self.a.mov_rm(Size::B64, third, spill);
        self.write_old(s, d, RAX);
        self.bind_back();
    }

    fn load_old(&mut self, size: Size, mem: Mem) {
        match size {
            Size::B8 | Size::B16 => self.a.movzx(Size::B32, size, RAX, mem),
            _ => self.a.mov_rm(size, RAX, mem),
        }
    }

    /// rcx = rax op operand
    fn combine(&mut self, op: RmwOp, size: Size, operand: Mem) {
        self.a.mov_rm(Size::B64, RCX, operand);
        let cc = match op {
            RmwOp::Add => return self.a.alu_rr(Size::B64, Alu::Add, RCX, RAX),
            RmwOp::Eor => return self.a.alu_rr(Size::B64, Alu::Xor, RCX, RAX),
            RmwOp::Set => return self.a.alu_rr(Size::B64, Alu::Or, RCX, RAX),
            RmwOp::Swp => return,
            RmwOp::Clr => return self.a.andn(Size::B64, RCX, RCX, RAX),
            RmwOp::Smax => Cc::G,
            RmwOp::Smin => Cc::L,
            RmwOp::Umax => Cc::A,
            RmwOp::Umin => Cc::B,
        };
        self.a.alu_rr(size, Alu::Cmp, RAX, RCX);
        self.a.cmov(Size::B64, cc, RCX, RAX);
    }

    pub(crate) fn compare_swap(&mut self, size: ir::Size, d: Reg, a: Reg, base: Reg) {
        let s = Size::from(size);
        self.clobber();
        let address = self.read(base, RAX);
        self.align_check(address, size);
        let (at, spilled) = self.third(base, a);
        match self.pinned(d) {
            // What it held is where it was spilled to.
            Some(RDX) if spilled => self.a.mov_rm(Size::B64, RAX, self.spill()),
            _ => self.read_to(d, RAX),
        }
        self.fault_point_with(spilled);
        self.a.lock_cmpxchg(s, Mem::base(at), RCX);
        self.third_done(spilled);
        self.write_old(s, d, RAX);
        self.bind_back();
    }

    fn spill(&self) -> Mem {
        self.c.state(self.c.layout.spill)
    }

    /// The address in `base` where `rax` and `rcx` are not: in its own
    /// register or in `rdx`, which is spilled then. `rcx` = a.
    fn third(&mut self, base: Reg, a: Reg) -> (Gpr, bool) {
        if let Some(pinned) = self.pinned(base) {
            self.read_to(a, RCX);
            return (pinned, false);
        }
        self.a.mov_mr(Size::B64, self.spill(), RDX);
        self.read_to(a, RCX);
        self.read_to(base, RDX);
        (RDX, true)
    }

    /// `rdx` holds its slot again; leaves the flags alone.
    fn third_done(&mut self, spilled: bool) {
        if spilled {
            self.a.mov_rm(Size::B64, RDX, self.spill());
        }
    }

    /// A word of the monitor, in bytes from its start.
    fn monitor(&self, offset: u32) -> Mem {
        self.c.state(self.c.layout.monitor + offset)
    }

    pub(crate) fn load_exclusive(&mut self, size: ir::Size, d: Reg, base: Reg) {
        self.clobber();
        let base = self.read(base, RAX);
        self.align_check(base, size);
        self.load_to(size, Fill::Zero, RCX, Mem::base(base));
        self.a.mov_mr(Size::B64, self.monitor(ADDRESS), base);
        self.a.mov_mr(Size::B64, self.monitor(VALUE), RCX);
        self.a.mov_mi(Size::B64, self.monitor(VALUE_HIGH), 0);
        self.a
            .mov_mi(Size::B64, self.monitor(BYTES), size.bytes().into());
        self.write(d, RCX);
        self.bind_back();
    }

    /// The address is aligned if it is the monitor's; if it is another,
    /// nothing is accessed.
    pub(crate) fn store_exclusive(&mut self, size: ir::Size, d: Reg, a: Reg, base: Reg) {
        self.clobber();
        let fails = self.a.new_label();
        let address = self.read(base, RAX);
        self.a
            .alu_mr(Size::B64, Alu::Cmp, self.monitor(ADDRESS), address);
        self.a.jcc_short(Cc::NE, fails);
        let bytes = i32::from(size.bytes());
        self.a
            .alu_mi(Size::B64, Alu::Cmp, self.monitor(BYTES), bytes);
        self.a.jcc_short(Cc::NE, fails);
        let (at, spilled) = self.third(base, a);
        self.a.mov_rm(Size::B64, RAX, self.monitor(VALUE));
        self.fault_point_with(spilled);
        self.a.lock_cmpxchg(size.into(), Mem::base(at), RCX);
        self.third_done(spilled);
        self.a.bind(fails);
        self.a.mov_mi(Size::B64, self.monitor(BYTES), 0);
        self.a.setcc(Cc::NE, RAX);
        self.a.movzx(Size::B32, Size::B8, RAX, RAX);
        self.write(d, RAX);
    }
}

// The monitor's words: `crate::convention::Layout::monitor`.
const ADDRESS: u32 = 0;
const VALUE: u32 = 8;
const VALUE_HIGH: u32 = 16;
const BYTES: u32 = 24;

/// Whether the host has it as a locked instruction without a result.
const fn has_locked(op: RmwOp) -> bool {
    matches!(op, RmwOp::Add | RmwOp::Clr | RmwOp::Eor | RmwOp::Set)
}
