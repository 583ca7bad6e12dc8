//! Loads and stores, of integer and vector registers.

use super::{sp, zr};
use crate::decode::{Class, Op as A};
use crate::insn::Insn;
use ir::form::Sink;
use ir::inst::{Fill, RmwOp};
use ir::vector::VOp;
use ir::{Addr, BinOp, Extend, Offset, Op, Operand, Reg, Size, VReg, Width};

const SIZES: [Size; 5] = [Size::B1, Size::B2, Size::B4, Size::B8, Size::B16];

/// What an access moves where, by bits 31:30, 26 and 23:22 of the word.
enum Access {
    Load(Size, Fill, Reg),
    Store(Size, Reg),
    VLoad(Size, VReg),
    VStore(Size, VReg),
    Prefetch,
}

#[allow(clippy::cast_possible_truncation, reason = "a field of five bits")]
const fn v(n: u32) -> VReg {
    VReg(n as u8)
}

fn access(word: u32) -> Access {
    let (size, opc) = ((word >> 30) as usize, word >> 22 & 3);
    let rt = word & 31;
    if word >> 26 & 1 == 1 {
        let size = if opc & 2 != 0 { Size::B16 } else { SIZES[size] };
        return if opc & 1 == 1 {
            Access::VLoad(size, v(rt))
        } else {
            Access::VStore(size, v(rt))
        };
    }
    match (size, opc) {
        (_, 0) => Access::Store(SIZES[size], zr(rt)),
        (_, 1) => Access::Load(SIZES[size], Fill::Zero, zr(rt)),
        (3, _) => Access::Prefetch,
        (_, 2) => Access::Load(SIZES[size], Fill::Sign64, zr(rt)),
        _ => Access::Load(SIZES[size], Fill::Sign32, zr(rt)),
    }
}

fn push(access: &Access, addr: Addr, out: &mut Sink<'_>) {
    out.push(match *access {
        Access::Load(size, fill, d) => Op::Load {
            size,
            fill,
            d,
            addr,
        },
        Access::Store(size, a) => Op::Store { size, a, addr },
        Access::VLoad(size, d) => Op::Vector(VOp::Load { size, d, addr }),
        Access::VStore(size, a) => Op::Vector(VOp::Store { size, a, addr }),
        Access::Prefetch => return,
    });
}

/// base += by
fn write_back(base: Reg, by: i64, out: &mut Sink<'_>) {
    let b = Operand::Imm(by.cast_unsigned());
    out.push(Op::Bin {
        op: BinOp::Add,
        w: Width::W64,
        d: base,
        a: base,
        b,
        set: false,
    });
}

/// Whether writeback and the data name the same register, which is
/// CONSTRAINED UNPREDICTABLE: the interpreter settles it.
fn overlaps(word: u32, pair: bool) -> bool {
    let (rt, rt2, rn) = (word & 31, word >> 10 & 31, word >> 5 & 31);
    word >> 26 & 1 == 0 && rn != 31 && (rn == rt || pair && rn == rt2)
}

pub(super) fn lift(pc: u64, insn: Insn, class: Class, out: &mut Sink<'_>) -> bool {
    let word = insn.word;
    let base = sp(insn.rn());
    match class {
        Class::ldst_unsigned => {
            let access = access(word);
            let scale = match access {
                Access::VLoad(size, _) | Access::VStore(size, _) => size.log2(),
                #[allow(clippy::cast_possible_truncation, reason = "two bits")]
                _ => (word >> 30) as u8,
            };
            push(
                &access,
                Addr::disp(base, i64::from(insn.imm12()) << scale),
                out,
            );
        }
        Class::ldst_unscaled | Class::ldst_unprivileged => {
            push(&access(word), Addr::disp(base, insn.simm9()), out);
        }
        Class::ldst_imm_post | Class::ldst_imm_pre if overlaps(word, false) => return false,
        Class::ldst_imm_post => {
            push(&access(word), Addr::reg(base), out);
            write_back(base, insn.simm9(), out);
        }
        Class::ldst_imm_pre => {
            push(&access(word), Addr::disp(base, insn.simm9()), out);
            write_back(base, insn.simm9(), out);
        }
        Class::ldst_register => {
            let access = access(word);
            let addr = Addr {
                base,
                offset: register_offset(insn, &access),
            };
            push(&access, addr, out);
        }
        Class::ldst_literal => literal(pc, insn, out),
        Class::ldst_pair_offset | Class::ldst_pair_nontemporal => {
            pair(insn, Addr::disp(base, pair_offset(word)), out);
        }
        Class::ldst_pair_post | Class::ldst_pair_pre if overlaps(word, true) => return false,
        Class::ldst_pair_post => {
            pair(insn, Addr::reg(base), out);
            write_back(base, pair_offset(word), out);
        }
        Class::ldst_pair_pre => {
            pair(insn, Addr::disp(base, pair_offset(word)), out);
            write_back(base, pair_offset(word), out);
        }
        Class::ldst_ordered => ordered(insn, out),
        Class::ldst_rcpc => {
            let size = SIZES[(word >> 30) as usize];
            let addr = Addr::reg(base);
            out.push(Op::LoadAcquire {
                size,
                fill: Fill::Zero,
                d: zr(insn.rt()),
                addr,
            });
        }
        Class::ldst_rcpc_unscaled => match access(word) {
            Access::Load(size, fill, d) => {
                out.push(Op::LoadAcquire {
                    size,
                    fill,
                    d,
                    addr: Addr::disp(base, insn.simm9()),
                });
            }
            Access::Store(size, a) => {
                out.push(Op::StoreRelease {
                    size,
                    a,
                    addr: Addr::disp(base, insn.simm9()),
                });
            }
            _ => return false,
        },
        // Bit 21: a pair.
        Class::ldst_exclusive if word >> 21 & 1 == 0 => exclusive(insn, out),
        Class::atomic => atomic(insn, out),
        Class::compare_and_swap if insn.op != A::CASP => out.push(Op::CompareSwap {
            size: SIZES[(word >> 30) as usize],
            d: zr(insn.rs()),
            a: zr(insn.rt()),
            base,
        }),
        _ => return false,
    }
    true
}

fn register_offset(insn: Insn, access: &Access) -> Offset {
    let log2 = match *access {
        Access::Load(size, ..) | Access::Store(size, _) => size.log2(),
        Access::VLoad(size, _) | Access::VStore(size, _) => size.log2(),
        Access::Prefetch => 3,
    };
    let reg = zr(insn.rm());
    if reg.is_zero() {
        return Offset::Imm(0);
    }
    let extend = match insn.option() {
        2 => Extend::Uxtw,
        6 => Extend::Sxtw,
        _ => Extend::Lsl,
    };
    Offset::Reg {
        reg,
        extend,
        amount: if insn.s() == 1 { log2 } else { 0 },
    }
}

fn literal(pc: u64, insn: Insn, out: &mut Sink<'_>) {
    let addr = Addr::guest(pc.wrapping_add_signed(insn.imm19_offset()));
    let opc = (insn.word >> 30) as usize;
    out.push(match insn.op {
        A::LDR_literal => {
            let size = SIZES[opc + 2];
            Op::Load {
                size,
                fill: Fill::Zero,
                d: zr(insn.rt()),
                addr,
            }
        }
        A::LDRSW_literal => Op::Load {
            size: Size::B4,
            fill: Fill::Sign64,
            d: zr(insn.rt()),
            addr,
        },
        A::LDR_literal_SIMD_FP => Op::Vector(VOp::Load {
            size: SIZES[opc + 2],
            d: v(insn.rt()),
            addr,
        }),
        _ => return,
    });
}

/// The size of each element of a pair.
fn pair_size(word: u32) -> Size {
    let opc = (word >> 30) as usize;
    if word >> 26 & 1 == 1 {
        SIZES[opc + 2]
    } else if opc == 2 {
        Size::B8
    } else {
        Size::B4
    }
}

fn pair_offset(word: u32) -> i64 {
    let imm7 = i64::from((word << 10).cast_signed() >> 25);
    imm7 << pair_size(word).log2()
}

fn pair(insn: Insn, addr: Addr, out: &mut Sink<'_>) {
    let word = insn.word;
    let size = pair_size(word);
    let load = word >> 22 & 1 == 1;
    let vector = word >> 26 & 1 == 1;
    let (rt, rt2) = (insn.rt(), insn.rt2());
    out.push(match (vector, load) {
        (true, true) => Op::Vector(VOp::LoadPair {
            size,
            d: v(rt),
            e: v(rt2),
            addr,
        }),
        (true, false) => Op::Vector(VOp::StorePair {
            size,
            a: v(rt),
            b: v(rt2),
            addr,
        }),
        (false, true) => {
            let fill = if word >> 30 == 1 {
                Fill::Sign64
            } else {
                Fill::Zero
            };
            Op::LoadPair {
                size,
                fill,
                d: zr(rt),
                e: zr(rt2),
                addr,
            }
        }
        (false, false) => Op::StorePair {
            size,
            a: zr(rt),
            b: zr(rt2),
            addr,
        },
    });
}

fn ordered(insn: Insn, out: &mut Sink<'_>) {
    let size = SIZES[(insn.word >> 30) as usize];
    let addr = Addr::reg(sp(insn.rn()));
    out.push(if insn.word >> 22 & 1 == 1 {
        Op::LoadAcquire {
            size,
            fill: Fill::Zero,
            d: zr(insn.rt()),
            addr,
        }
    } else {
        Op::StoreRelease {
            size,
            a: zr(insn.rt()),
            addr,
        }
    });
}

/// The host orders loads and locked instructions as acquires and releases.
fn exclusive(insn: Insn, out: &mut Sink<'_>) {
    let size = SIZES[(insn.word >> 30) as usize];
    let (reg, base) = (zr(insn.rt()), sp(insn.rn()));
    out.push(if insn.word >> 22 & 1 == 1 {
        Op::LoadExclusive { size, d: reg, base }
    } else {
        Op::StoreExclusive {
            size,
            d: zr(insn.rs()),
            a: reg,
            base,
        }
    });
}

fn atomic(insn: Insn, out: &mut Sink<'_>) {
    let word = insn.word;
    // Bits 15:12: o3 and opc.
    let op = match word >> 12 & 15 {
        0 => RmwOp::Add,
        1 => RmwOp::Clr,
        2 => RmwOp::Eor,
        3 => RmwOp::Set,
        4 => RmwOp::Smax,
        5 => RmwOp::Smin,
        6 => RmwOp::Umax,
        7 => RmwOp::Umin,
        _ => RmwOp::Swp,
    };
    let size = SIZES[(word >> 30) as usize];
    let (d, a, base) = (zr(insn.rt()), zr(insn.rs()), sp(insn.rn()));
    out.push(Op::Rmw {
        op,
        size,
        d,
        a,
        base,
    });
}
