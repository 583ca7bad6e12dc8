//! Lifting of loads and stores of general registers, exclusive ones included.
//!
//! An access may fault in the middle of an instruction, and the instruction is then done again from
//! its start. Invariant: the base is as before until the last access is done; LDM loads its own
//! base last.

use super::{Of, SCRATCH, W};
use crate::operation::{self, Address, Index, Multiple, Operation};
use guest::memory::{Barrier, Size as Bytes};
use ir::form::Sink;
use ir::inst::{Fence, Fill, RmwOp};
use ir::{Addr, BinOp, Op, Operand, Reg, Size, Width};

/// Where a sum of registers is put.
const SUM: Reg = SCRATCH[1];
/// What goes to memory, or has come from there as a whole.
const WHOLE: Reg = SCRATCH[0];

const fn size(bytes: Bytes) -> Size {
    match bytes {
        Bytes::Byte => Size::B1,
        Bytes::Half => Size::B2,
        Bytes::Word => Size::B4,
        Bytes::Double => Size::B8,
        Bytes::Quad => Size::B16,
    }
}

/// What a base becomes.
#[derive(Clone, Copy)]
enum Moved {
    To(Reg),
    By(BinOp, Operand),
}

/// Where an access is, and what its base becomes.
#[derive(Clone, Copy)]
struct Place {
    addr: Addr,
    base: Option<(Reg, Moved)>,
}

impl Of {
    /// The address of an access.
    fn place(&self, address: Address, out: &mut Sink<'_>) -> Place {
        let op = if address.add { BinOp::Add } else { BinOp::Sub };
        let offset = match address.offset {
            operation::Offset::Immediate(offset) => {
                return self.place_at(address, offset, op);
            }
            operation::Offset::Register { m, shift, amount } => {
                let moved = operation::Operand::Register { m, shift, amount };
                self.operand(moved, SCRATCH[2], out)
            }
        };
        let base = if address.n == 15 {
            out.push(Op::Address {
                d: SUM,
                value: self.ahead() & !3,
            });
            SUM
        } else {
            Reg(address.n)
        };
        // Before the access, which may load the offset's register.
        out.push(binary(op, SUM, base, offset));
        let addr = match address.index {
            Index::Post => Addr::reg(base),
            Index::Offset | Index::Pre => Addr::reg(SUM),
        };
        let moves = address.index != Index::Offset;
        Place {
            addr,
            base: moves.then_some((base, Moved::To(SUM))),
        }
    }

    /// The address of an access whose offset is a constant.
    fn place_at(&self, address: Address, offset: u32, op: BinOp) -> Place {
        let distance = if address.add {
            i64::from(offset)
        } else {
            -i64::from(offset)
        };
        if address.n == 15 {
            let value = (self.ahead() & !3).wrapping_add_signed(distance) & 0xffff_ffff;
            return Place {
                addr: Addr::guest(value),
                base: None,
            };
        }
        let base = Reg(address.n);
        let moves = (base, Moved::By(op, Operand::Imm(offset.into())));
        let (addr, moves) = match address.index {
            Index::Offset => (Addr::disp(base, distance), None),
            Index::Pre => (Addr::disp(base, distance), Some(moves)),
            Index::Post => (Addr::reg(base), Some(moves)),
        };
        Place { addr, base: moves }
    }

    pub(super) fn memory(&self, out: &mut Sink<'_>) {
        use Operation as O;
        match self.operation {
            O::Load {
                size: bytes,
                signed,
                t,
                ..
            } => self.load(Reg(t), size(bytes), signed, out),
            O::Store {
                size: bytes,
                t,
                address,
            } => {
                let a = self.reg(t, WHOLE, out);
                let place = self.place(address, out);
                out.push(Op::Store {
                    size: size(bytes),
                    a,
                    addr: place.addr,
                });
                move_base(place, out);
            }
            O::LoadDual { t, t2, address } => {
                let place = self.aligned_place(address, out);
                out.push(Op::Load {
                    size: Size::B8,
                    fill: Fill::Zero,
                    d: WHOLE,
                    addr: place.addr,
                });
                move_base(place, out);
                apart(t, t2, out);
            }
            O::StoreDual { t, t2, address } => {
                let place = self.aligned_place(address, out);
                together(WHOLE, t, t2, out);
                out.push(Op::Store {
                    size: Size::B8,
                    a: WHOLE,
                    addr: place.addr,
                });
                move_base(place, out);
            }
            O::LoadMultiple(multiple) => load_multiple(multiple, out),
            O::StoreMultiple(multiple) => self.store_multiple(multiple, out),
            O::Barrier(barrier) => out.push(Op::Fence {
                kind: match barrier {
                    Barrier::Load => Fence::Loads,
                    Barrier::Store => Fence::Stores,
                    Barrier::Full => Fence::Full,
                },
            }),
            _ => self.ordered(out),
        }
    }

    /// A load into a slot.
    pub(super) fn load(&self, d: Reg, size: Size, signed: bool, out: &mut Sink<'_>) {
        let Operation::Load { address, .. } = self.operation else {
            return;
        };
        let place = self.place(address, out);
        let signed = signed && size < Size::B4;
        out.push(Op::Load {
            size,
            fill: if signed { Fill::Sign32 } else { Fill::Zero },
            d,
            addr: place.addr,
        });
        move_base(place, out);
    }

    /// An address that is to be a multiple of 4.
    fn aligned_place(&self, address: Address, out: &mut Sink<'_>) -> Place {
        let place = self.place(address, out);
        let a = match place.addr.offset {
            ir::Offset::Imm(distance) if distance % 4 == 0 => place.addr.base,
            ir::Offset::Imm(distance) => {
                let b = Operand::Imm(u64::from(low(distance)));
                out.push(binary(BinOp::Add, SUM, place.addr.base, b));
                SUM
            }
            _ => {
                let ir::Offset::Guest(value) = place.addr.offset else {
                    return place;
                };
                if value % 4 == 0 {
                    return place;
                }
                out.push(Op::Address { d: SUM, value });
                SUM
            }
        };
        out.push(Op::CheckAligned { size: Size::B4, a });
        place
    }

    fn store_multiple(&self, multiple: Multiple, out: &mut Sink<'_>) {
        let n = Reg(multiple.n);
        out.push(Op::CheckAligned {
            size: Size::B4,
            a: n,
        });
        for (r, addr) in listed(multiple) {
            let a = self.reg(r, WHOLE, out);
            out.push(Op::Store {
                size: Size::B4,
                a,
                addr,
            });
        }
        move_past(multiple, out);
    }

    /// Exclusive, acquiring and releasing accesses.
    fn ordered(&self, out: &mut Sink<'_>) {
        use Operation as O;
        match self.operation {
            O::LoadExclusive {
                size: bytes,
                t,
                t2,
                n,
                offset,
                ..
            } => {
                let base = plus(n, offset, out);
                let size = size(bytes);
                let double = size == Size::B8;
                let d = if double { WHOLE } else { Reg(t) };
                out.push(Op::LoadExclusive { size, d, base });
                if double {
                    apart(t, t2, out);
                }
            }
            O::StoreExclusive {
                size: bytes,
                d,
                t,
                t2,
                n,
                offset,
            } => {
                let base = plus(n, offset, out);
                let size = size(bytes);
                let a = if size == Size::B8 {
                    together(WHOLE, t, t2, out);
                    WHOLE
                } else {
                    Reg(t)
                };
                out.push(Op::StoreExclusive {
                    size,
                    d: Reg(d),
                    a,
                    base,
                });
            }
            O::LoadAcquire { size: bytes, t, n } => out.push(Op::LoadAcquire {
                size: size(bytes),
                fill: Fill::Zero,
                d: Reg(t),
                addr: Addr::reg(Reg(n)),
            }),
            O::StoreRelease { size: bytes, t, n } => out.push(Op::StoreRelease {
                size: size(bytes),
                a: Reg(t),
                addr: Addr::reg(Reg(n)),
            }),
            O::Swap {
                size: bytes,
                t,
                m,
                n,
            } => out.push(Op::Rmw {
                op: RmwOp::Swp,
                size: size(bytes),
                d: Reg(t),
                a: Reg(m),
                base: Reg(n),
            }),
            _ => {}
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "two's complement is meant"
)]
const fn low(distance: i64) -> u32 {
    distance as u32
}

const fn binary(op: BinOp, d: Reg, a: Reg, b: Operand) -> Op {
    Op::Bin {
        op,
        w: W,
        d,
        a,
        b,
        set: false,
    }
}

/// The base becomes what is beside the access.
fn move_base(place: Place, out: &mut Sink<'_>) {
    match place.base {
        Some((base, Moved::To(a))) => out.push(Op::Mov { w: W, d: base, a }),
        Some((base, Moved::By(op, by))) => out.push(binary(op, base, base, by)),
        None => {}
    }
}

/// A base and a constant.
fn plus(n: u8, offset: u32, out: &mut Sink<'_>) -> Reg {
    if offset == 0 {
        return Reg(n);
    }
    out.push(binary(BinOp::Add, SUM, Reg(n), Operand::Imm(offset.into())));
    SUM
}

/// Two words of [`WHOLE`].
pub(super) fn apart(t: u8, t2: u8, out: &mut Sink<'_>) {
    out.push(Op::Mov {
        w: W,
        d: Reg(t),
        a: WHOLE,
    });
    out.push(Op::Extract {
        signed: false,
        w: Width::W64,
        d: Reg(t2),
        a: WHOLE,
        lsb: 32,
        width: 32,
    });
}

/// d = t2 above t
pub(super) fn together(d: Reg, t: u8, t2: u8, out: &mut Sink<'_>) {
    out.push(Op::Bin {
        op: BinOp::Or,
        w: Width::W64,
        d,
        a: Reg(t),
        b: Operand::Ext {
            reg: Reg(t2),
            extend: ir::Extend::Lsl,
            amount: 32,
        },
        set: false,
    });
}

/// The registers of a list, and where each is.
fn listed(multiple: Multiple) -> impl Iterator<Item = (u8, Addr)> {
    let bytes = 4 * i64::from(multiple.registers.count_ones());
    let past = if multiple.before == multiple.up { 4 } else { 0 };
    let first = if multiple.up { past } else { past - bytes };
    let registers = (0..16).filter(move |r| multiple.registers >> r & 1 == 1);
    (0..).zip(registers).map(move |(at, r)| {
        let distance = first + 4 * at;
        (r, Addr::disp(Reg(multiple.n), distance))
    })
}

/// The base becomes what is behind the registers.
fn move_past(multiple: Multiple, out: &mut Sink<'_>) {
    if multiple.writeback {
        let op = if multiple.up { BinOp::Add } else { BinOp::Sub };
        let bytes = 4 * u64::from(multiple.registers.count_ones());
        let n = Reg(multiple.n);
        out.push(binary(op, n, n, Operand::Imm(bytes)));
    }
}

/// A base that is loaded itself comes last; the program counter waits in scratch.
fn load_multiple(multiple: Multiple, out: &mut Sink<'_>) {
    let n = multiple.n;
    out.push(Op::CheckAligned {
        size: Size::B4,
        a: Reg(n),
    });
    let mut load = |d, addr| {
        out.push(Op::Load {
            size: Size::B4,
            fill: Fill::Zero,
            d,
            addr,
        });
    };
    for (r, addr) in listed(multiple).filter(|&(r, _)| r != n) {
        load(if r == 15 { WHOLE } else { Reg(r) }, addr);
    }
    match listed(multiple).find(|&(r, _)| r == n) {
        Some((_, addr)) => load(Reg(n), addr),
        None => move_past(multiple, out),
    }
}
