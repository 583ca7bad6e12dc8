//! Loads and stores of several registers, and of structures of one to four
//! elements: all lanes, one lane, and one element in all lanes.

use super::{SIZES, v};
use crate::decode::Op as A;
use crate::insn::Insn;
use crate::lift::{sp, zr};
use ir::form::Sink;
use ir::vector::VOp;
use ir::{Addr, BinOp, Op, Operand, Size, Width};

pub(super) fn lift(insn: Insn, out: &mut Sink<'_>) -> bool {
    let Some((op, bytes)) = access(insn) else {
        return false;
    };
    out.push(Op::Vector(op));
    // Bit 23: post-indexed, by the register or (31) by what was accessed.
    if insn.word >> 23 & 1 == 1 {
        let base = sp(insn.rn());
        let by = if insn.rm() == 31 {
            Operand::Imm(bytes.into())
        } else {
            Operand::Reg(zr(insn.rm()))
        };
        out.push(Op::Bin {
            op: BinOp::Add,
            w: Width::W64,
            d: base,
            a: base,
            b: by,
            set: false,
        });
    }
    true
}

/// The operation, and how many bytes it accesses.
fn access(insn: Insn) -> Option<(VOp, u8)> {
    let addr = Addr::reg(sp(insn.rn()));
    let half = insn.q() == 0;
    let whole = if half { 8 } else { 16 };
    let (d, a) = (v(insn.rt()), v(insn.rt()));
    let e = SIZES[insn.struct_size() as usize];
    Some(match insn.op {
        A::LD1_multiple_structures | A::LD1_multiple_structures_post => {
            let count = registers(insn);
            let op = VOp::LoadMany {
                half,
                count,
                d,
                addr,
            };
            (op, whole * count)
        }
        A::ST1_multiple_structures | A::ST1_multiple_structures_post => {
            let count = registers(insn);
            let op = VOp::StoreMany {
                half,
                count,
                a,
                addr,
            };
            (op, whole * count)
        }
        A::LD1R | A::LD1R_post => (VOp::LoadDup { e, half, d, addr }, e.bytes()),
        A::LD1_single_structure | A::LD1_single_structure_post => {
            let (e, lane) = lane(insn);
            (VOp::LoadLane { e, lane, d, addr }, e.bytes())
        }
        A::ST1_single_structure | A::ST1_single_structure_post => {
            let (e, lane) = lane(insn);
            (VOp::StoreLane { e, lane, a, addr }, e.bytes())
        }
        op => return structure(insn, op),
    })
}

/// Structures of two elements and more.
fn structure(insn: Insn, op: A) -> Option<(VOp, u8)> {
    let addr = Addr::reg(sp(insn.rn()));
    let half = insn.q() == 0;
    let whole = if half { 8 } else { 16 };
    let (d, a) = (v(insn.rt()), v(insn.rt()));
    let e = SIZES[insn.struct_size() as usize];
    let (kind, count) = kind(op)?;
    Some(match kind {
        Kind::Load => {
            let op = VOp::LoadDealt {
                e,
                half,
                count,
                d,
                addr,
            };
            (op, whole * count)
        }
        Kind::Store => {
            let op = VOp::StoreDealt {
                e,
                half,
                count,
                a,
                addr,
            };
            (op, whole * count)
        }
        Kind::LoadAll => {
            let op = VOp::LoadDups {
                e,
                half,
                count,
                d,
                addr,
            };
            (op, e.bytes() * count)
        }
        Kind::LoadOne => {
            let (e, lane) = lane(insn);
            let op = VOp::LoadLanes {
                e,
                lane,
                count,
                d,
                addr,
            };
            (op, e.bytes() * count)
        }
        Kind::StoreOne => {
            let (e, lane) = lane(insn);
            let op = VOp::StoreLanes {
                e,
                lane,
                count,
                a,
                addr,
            };
            (op, e.bytes() * count)
        }
    })
}

/// What of the registers structures are in.
#[derive(Clone, Copy)]
enum Kind {
    /// All lanes.
    Load,
    Store,
    /// All lanes the same.
    LoadAll,
    /// One lane.
    LoadOne,
    StoreOne,
}

/// The kind, and how many elements a structure has.
const fn kind(op: A) -> Option<(Kind, u8)> {
    Some(match op {
        A::LD2_multiple_structures | A::LD2_multiple_structures_post => (Kind::Load, 2),
        A::LD3_multiple_structures | A::LD3_multiple_structures_post => (Kind::Load, 3),
        A::LD4_multiple_structures | A::LD4_multiple_structures_post => (Kind::Load, 4),
        A::ST2_multiple_structures | A::ST2_multiple_structures_post => (Kind::Store, 2),
        A::ST3_multiple_structures | A::ST3_multiple_structures_post => (Kind::Store, 3),
        A::ST4_multiple_structures | A::ST4_multiple_structures_post => (Kind::Store, 4),
        A::LD2R | A::LD2R_post => (Kind::LoadAll, 2),
        A::LD3R | A::LD3R_post => (Kind::LoadAll, 3),
        A::LD4R | A::LD4R_post => (Kind::LoadAll, 4),
        A::LD2_single_structure | A::LD2_single_structure_post => (Kind::LoadOne, 2),
        A::LD3_single_structure | A::LD3_single_structure_post => (Kind::LoadOne, 3),
        A::LD4_single_structure | A::LD4_single_structure_post => (Kind::LoadOne, 4),
        A::ST2_single_structure | A::ST2_single_structure_post => (Kind::StoreOne, 2),
        A::ST3_single_structure | A::ST3_single_structure_post => (Kind::StoreOne, 3),
        A::ST4_single_structure | A::ST4_single_structure_post => (Kind::StoreOne, 4),
        _ => return None,
    })
}

/// How many registers LD1 and ST1 (multiple structures) name.
const fn registers(insn: Insn) -> u8 {
    match insn.opcode() {
        7 => 1,
        10 => 2,
        6 => 3,
        _ => 4,
    }
}

/// The lane of the single-structure forms: `Q:S:size`, without the bits that
/// larger elements have no use for.
#[allow(clippy::cast_possible_truncation, reason = "four bits")]
const fn lane(insn: Insn) -> (Size, u8) {
    let index = (insn.q() << 3 | insn.s() << 2 | insn.struct_size()) as u8;
    match insn.elem_scale() {
        0 => (Size::B1, index),
        1 => (Size::B2, index >> 1),
        _ if insn.struct_size() & 1 == 0 => (Size::B4, index >> 2),
        _ => (Size::B8, index >> 3),
    }
}
