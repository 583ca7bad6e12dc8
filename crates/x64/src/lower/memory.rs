//! Loads and stores of integer slots, addresses, fences.
//!
//! Guest addresses are host addresses, so an access is one host instruction, and its fault is the
//! guest's. Invariant: each host instruction that may fault has a fault point, which tells the
//! guest's PC and where the flags are then.

use super::{FaultPoint, Lowering};
use crate::asm::{Alu, Gpr, Mem, Size};
use crate::convention::{RAX, RCX};
use ir::inst::{Fence, Fill};
use ir::{Addr, Extend, Offset, Reg};

impl From<ir::Size> for Size {
    /// Sixteen bytes are no integer's: they count as eight here.
    fn from(size: ir::Size) -> Self {
        match size {
            ir::Size::B1 => Self::B8,
            ir::Size::B2 => Self::B16,
            ir::Size::B4 => Self::B32,
            ir::Size::B8 | ir::Size::B16 => Self::B64,
        }
    }
}

/// One further than `mem`.
pub(crate) const fn next(mem: Mem, by: i32) -> Mem {
    Mem {
        disp: mem.disp + by,
        ..mem
    }
}

impl Lowering<'_> {
    /// The next host instruction can fault.
    pub(crate) fn fault_point(&mut self) {
        self.fault_point_with(false);
    }

    /// The next host instruction can fault; `spilled`: `rdx` is in use.
    pub(crate) fn fault_point_with(&mut self, spilled: bool) {
        let (host, pc, flags) = (self.position(), self.pc, self.flags_at_fault());
        let spilled = spilled || self.products.borrowed();
        // A block's start and its first access may be at one place.
        if self.out.faults.last().is_some_and(|last| last.host == host) {
            self.out.faults.pop();
        }
        self.out.faults.push(FaultPoint {
            host,
            pc,
            flags,
            spilled,
            stand_ins: self.products.stand_ins(),
        });
    }

    /// A guest address as a host operand. Uses `rax`, for bases and constants
    /// without a register, and `rcx` for indices that are extended or have
    /// none; leaves the flags alone.
    pub(crate) fn address(&mut self, addr: Addr) -> Mem {
        match addr.offset {
            Offset::Imm(imm) => self.address_disp(addr.base, imm),
            Offset::Guest(address) => {
                self.guest_address(RAX, address);
                Mem::base(RAX)
            }
            Offset::Reg {
                reg,
                extend,
                amount,
            } => {
                let index = self.index(reg, extend);
                let base = self.read(addr.base, RAX);
                if amount <= 3 {
                    return Mem::index(base, index, 1 << amount, 0);
                }
                // Times 16 is times 8, twice: [base + index * 8] + index * 8.
                self.a.lea(Size::B64, RAX, Mem::index(base, index, 8, 0));
                Mem::index(RAX, index, 8, 0)
            }
        }
    }

    fn index(&mut self, reg: Reg, extend: Extend) -> Gpr {
        match extend {
            Extend::Uxtw => {
                let source = self.source(reg, RCX);
                self.mov_any(Size::B32, RCX, source);
                RCX
            }
            Extend::Sxtw => {
                let source = self.source(reg, RCX);
                self.a.movsx(Size::B64, Size::B32, RCX, source);
                RCX
            }
            _ => self.read(reg, RCX),
        }
    }

    fn address_disp(&mut self, base: Reg, imm: i64) -> Mem {
        #[allow(clippy::cast_sign_loss, reason = "two's complement is meant")]
        let value = imm as u64;
        let base = self.read(base, RAX);
        // Room is left for the second element of a pair.
        match i32::try_from(imm) {
            Ok(disp) if disp < i32::MAX - 64 => Mem::disp(base, disp),
            _ => {
                self.a.mov_ri(RCX, value);
                self.a.lea(Size::B64, RAX, Mem::index(base, RCX, 1, 0));
                Mem::base(RAX)
            }
        }
    }

    /// Frees `rcx` from an address.
    pub(crate) fn without_rcx(&mut self, mem: Mem) -> Mem {
        if mem.index.is_some_and(|(index, _)| index == RCX) || mem.base == Some(RCX) {
            self.a.lea(Size::B64, RAX, mem);
            return Mem::base(RAX);
        }
        mem
    }

    pub(crate) fn load(&mut self, size: ir::Size, fill: Fill, d: Reg, addr: Addr) {
        let mem = self.address(addr);
        let t = self.target(d, RAX);
        self.load_to(size, fill, t, mem);
        self.write(d, t);
    }

    pub(super) fn load_to(&mut self, size: ir::Size, fill: Fill, t: Gpr, mem: Mem) {
        self.fault_point();
        let size = Size::from(size);
        match (fill, size) {
            (Fill::Sign64, Size::B8 | Size::B16 | Size::B32) => {
                self.a.movsx(Size::B64, size, t, mem);
            }
            (Fill::Sign32, Size::B8 | Size::B16) => self.a.movsx(Size::B32, size, t, mem),
            (_, Size::B8 | Size::B16) => self.a.movzx(Size::B32, size, t, mem),
            (_, size) => self.a.mov_rm(size, t, mem),
        }
    }

    pub(crate) fn store(&mut self, size: ir::Size, a: Reg, addr: Addr) {
        let mem = self.address(addr);
        self.store_from(size, a, mem);
    }

    fn store_from(&mut self, size: ir::Size, a: Reg, mem: Mem) {
        if a.is_zero() {
            self.fault_point();
            return self.a.mov_mi(size.into(), mem, 0);
        }
        let (value, mem) = match self.pinned(a) {
            Some(pinned) => (pinned, mem),
            None => {
                let mem = self.without_rcx(mem);
                (self.read(a, RCX), mem)
            }
        };
        self.fault_point();
        self.a.mov_mr(size.into(), mem, value);
    }

    /// The first element waits in scratch until the second is there.
    pub(crate) fn load_pair(&mut self, size: ir::Size, fill: Fill, d: Reg, e: Reg, addr: Addr) {
        let mem = self.address(addr);
        let mem = self.without_rcx(mem);
        self.load_to(size, fill, RCX, mem);
        let t = self.target(e, RAX);
        self.load_to(size, fill, t, next(mem, size.bytes().into()));
        self.write(e, t);
        self.write(d, RCX);
    }

    pub(crate) fn store_pair(&mut self, size: ir::Size, a: Reg, b: Reg, addr: Addr) {
        let mem = self.address(addr);
        let mem = self.without_rcx(mem);
        self.store_from(size, a, mem);
        self.store_from(size, b, next(mem, size.bytes().into()));
    }

    pub(crate) fn fence(&mut self, fence: Fence) {
        // Only a store followed by a load is ever reordered by the host.
        // Locked instructions order all but what bypasses the cache, and an
        // exchange leaves EFLAGS alone.
        if fence == Fence::Full {
            let spill = self.c.state(self.c.layout.spill);
            self.a.xchg_mr(Size::B64, spill, RAX);
        }
    }

    /// 64 bytes of zeros, in two stores of 32: what zeroes the register zeroes
    /// its upper half too.
    pub(crate) fn zero_line(&mut self, a: Reg) {
        use crate::asm::V;
        self.clobber();
        self.read_to(a, RAX);
        self.a.alu_ri(Size::B64, Alu::And, RAX, -64);
        let zero = self.c.vec_scratch[0];
        self.a.v3(V::Pxor, zero, zero, zero);
        for i in 0..2 {
            self.fault_point();
            self.a.vstore_256(Mem::disp(RAX, 32 * i), zero);
        }
    }
}
