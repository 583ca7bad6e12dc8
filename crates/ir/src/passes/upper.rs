//! Which vector slots have zeros in their upper bits: forward over a region.
//!
//! Scalars and results of 64 bits have zeros above them, and most sources of scalar
//! operations are such results. At a block's start, a fact is known if it is known on all
//! ways there; where the region is entered, nothing is known. A fact holds whichever way the
//! operation is done, also by the interpreter.

use crate::inst::Op;
use crate::operand::{Size, VReg};
use crate::region::Region;
use crate::vector::{Across, Crypto, Fp, Shape, VOp};
use alloc::vec::Vec;

/// Slots whose upper bits are zero, a bit for each slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Upper {
    /// Bits 127 to 64 are.
    above64: u64,
    /// Bits 127 to 32 are.
    above32: u64,
    /// Whether operations are under a condition.
    conditional: bool,
}

/// What an operation does to a slot's upper bits.
#[derive(Clone, Copy)]
enum Written {
    /// Zeros above as many bytes.
    Low(Size),
    /// They come from another slot.
    Copy(VReg),
    /// The low bytes only are written: what was zero above them still is.
    Within(Size),
}

impl Upper {
    /// Every slot: what is refuted.
    const ALL: Self = Self {
        above64: u64::MAX,
        above32: u64::MAX,
        conditional: false,
    };

    /// Whether a slot is zero above its low `size` bytes.
    #[must_use]
    pub fn is_zero_above(&self, reg: VReg, size: Size) -> bool {
        let of = match size {
            Size::B4 => self.above32,
            Size::B8 => self.above64,
            _ => 0,
        };
        of & bit(reg) != 0
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether all that is known here is known there.
    #[must_use]
    pub fn follows_from(&self, there: &Self) -> bool {
        self.and(*there) == *self
    }

    /// The slots of which something is known, and above how many bytes they are zero.
    pub fn known(&self) -> impl Iterator<Item = (VReg, Size)> {
        let of = *self;
        (0_u8..64).map(VReg).filter_map(move |reg| {
            let zero = |&size: &Size| of.is_zero_above(reg, size);
            [Size::B4, Size::B8]
                .into_iter()
                .find(zero)
                .map(|size| (reg, size))
        })
    }

    /// What is known after an operation.
    pub fn after(&mut self, op: &Op) {
        match op {
            Op::Vector(v) => self.vector(v),
            Op::If { .. } => self.conditional = true,
            Op::EndIf => self.conditional = false,
            Op::Interpret { .. } | Op::Call { .. } => *self = Self::default(),
            _ => {}
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            above64: self.above64 & other.above64,
            above32: self.above32 & other.above32,
            conditional: self.conditional,
        }
    }

    fn vector(&mut self, op: &VOp) {
        match *op {
            VOp::LoadPair { size, d, e, .. } => {
                self.write(e, Written::Low(size));
                self.write(d, Written::Low(size));
            }
            VOp::LoadMany { half, count, d, .. }
            | VOp::LoadDups { half, count, d, .. }
            | VOp::LoadDealt { half, count, d, .. } => self.write_many(d, count, low(half)),
            VOp::LoadLanes {
                e, lane, count, d, ..
            } => self.write_many(d, count, within(e, lane)),
            _ => {
                if let Some((d, written)) = one(op) {
                    self.write(d, written);
                }
            }
        }
    }

    fn write_many(&mut self, first: VReg, count: u8, written: Written) {
        for n in 0..count {
            self.write(first.after(n), written);
        }
    }

    fn write(&mut self, d: VReg, written: Written) {
        let (above64, above32) = match written {
            Written::Low(size) => (size <= Size::B8, size <= Size::B4),
            Written::Copy(a) => (
                self.is_zero_above(a, Size::B8),
                self.is_zero_above(a, Size::B4),
            ),
            Written::Within(size) => (
                size <= Size::B8 && self.is_zero_above(d, Size::B8),
                size <= Size::B4 && self.is_zero_above(d, Size::B4),
            ),
        };
        let bit = bit(d);
        // Under a condition what was known is only lost.
        let gained = if self.conditional { 0 } else { bit };
        let set = |all: u64, on: bool| if on { all | gained } else { all & !bit };
        self.above64 = set(self.above64, above64);
        self.above32 = set(self.above32, above32);
    }
}

const fn bit(reg: VReg) -> u64 {
    1 << (reg.0 & 63)
}

const fn low(half: bool) -> Written {
    Written::Low(if half { Size::B8 } else { Size::B16 })
}

/// One lane is written.
const fn within(e: Size, lane: u8) -> Written {
    Written::Within(match (lane + 1) * e.bytes() {
        0..=4 => Size::B4,
        5..=8 => Size::B8,
        _ => Size::B16,
    })
}

const fn shaped(f: Fp, shape: Shape) -> Written {
    Written::Low(match (shape, f) {
        (Shape::Scalar, Fp::S) => Size::B4,
        (Shape::Full, _) => Size::B16,
        _ => Size::B8,
    })
}

const fn scalar(f: Fp) -> Written {
    shaped(f, Shape::Scalar)
}

/// Of operations that write one slot.
#[allow(clippy::match_same_arms, reason = "by what the operations do")]
const fn one(op: &VOp) -> Option<(VReg, Written)> {
    Some(match *op {
        VOp::Load { size, d, .. } | VOp::FromInt { size, d, .. } | VOp::Select { size, d, .. } => {
            (d, Written::Low(size))
        }
        VOp::LoadDup { half, d, .. }
        | VOp::Lanes { half, d, .. }
        | VOp::Accumulate { half, d, .. }
        | VOp::Unary { half, d, .. }
        | VOp::Shift { half, d, .. }
        | VOp::Dup { half, d, .. }
        | VOp::DupInt { half, d, .. }
        | VOp::Extract { half, d, .. }
        | VOp::Table { half, d, .. } => (d, low(half)),
        VOp::Mov { half: true, d, .. } => (d, low(true)),
        VOp::Mov { d, a, .. } => (d, Written::Copy(a)),
        VOp::Imm { d, value } => (
            d,
            Written::Low(match (value >> 32, value >> 64) {
                (0, _) => Size::B4,
                (_, 0) => Size::B8,
                _ => Size::B16,
            }),
        ),
        VOp::LoadLane { e, lane, d, .. } | VOp::InsertInt { e, d, lane, .. } => {
            (d, within(e, lane))
        }
        VOp::InsertLane { e, d, to, .. } => (d, within(e, to)),
        VOp::Narrow { high, d, .. }
        | VOp::NarrowSum { high, d, .. }
        | VOp::FloatNarrow { high, d, .. }
        | VOp::HalvesNarrow { high, d, .. } => (d, low(!high)),
        VOp::Lane { e, d, .. } => (d, Written::Low(e)),
        VOp::Across { op, e, d, .. } => {
            let size = match (op, e) {
                (Across::Saddl | Across::Uaddl, Size::B4) => Size::B8,
                (Across::Saddl | Across::Uaddl, _) => Size::B4,
                _ => e,
            };
            (d, Written::Low(size))
        }
        VOp::Float { f, shape, d, .. }
        | VOp::MulAdd { f, shape, d, .. }
        | VOp::FloatUnary { f, shape, d, .. }
        | VOp::FloatMask { f, shape, d, .. }
        | VOp::FloatToLanes { f, shape, d, .. }
        | VOp::LanesToFloat { f, shape, d, .. } => (d, shaped(f, shape)),
        VOp::IntToFloat { f, d, .. } | VOp::FloatAcross { f, d, .. } => (d, scalar(f)),
        VOp::FromHalf { to, d, .. } => (d, scalar(to)),
        VOp::ToHalf { d, .. } => (d, Written::Low(Size::B2)),
        VOp::FloatConvert { to, d, .. } => (d, scalar(to)),
        VOp::Crypto {
            op: Crypto::Sha1Rotate,
            d,
            ..
        } => (d, Written::Low(Size::B4)),
        VOp::Long { d, .. }
        | VOp::Wide { d, .. }
        | VOp::FloatLong { d, .. }
        | VOp::HalvesLong { d, .. }
        | VOp::Ternary { d, .. }
        | VOp::XorRotate { d, .. }
        | VOp::RotateXor { d, .. }
        | VOp::Crypto { d, .. } => (d, Written::Low(Size::B16)),
        VOp::Store { .. }
        | VOp::StorePair { .. }
        | VOp::StoreLane { .. }
        | VOp::StoreMany { .. }
        | VOp::StoreLanes { .. }
        | VOp::StoreDealt { .. }
        | VOp::ToInt { .. }
        | VOp::GetLane { .. }
        | VOp::FloatCompare { .. }
        | VOp::FloatCompareTo { .. }
        | VOp::FloatCondCompare { .. }
        | VOp::FloatToInt { .. } => return None,
        // Several slots, which are elsewhere.
        VOp::LoadPair { .. }
        | VOp::LoadMany { .. }
        | VOp::LoadDups { .. }
        | VOp::LoadLanes { .. }
        | VOp::LoadDealt { .. } => return None,
    })
}

/// The facts of one region.
#[derive(Debug, Default)]
pub struct Uppers {
    /// At the start of each block.
    pub at_start: Vec<Upper>,
}

impl Uppers {
    /// Computes them: assumes all, and refutes until nothing changes.
    pub fn compute(&mut self, region: &Region) {
        self.at_start.clear();
        if !region.ops.iter().any(|i| matches!(i.op, Op::Vector(_))) {
            self.at_start.resize(region.blocks.len(), Upper::default());
            return;
        }
        self.at_start.extend(region.blocks.iter().map(|block| {
            if block.entry || block.preds == 0 {
                Upper::default()
            } else {
                Upper::ALL
            }
        }));
        let mut changed = true;
        while changed {
            changed = false;
            for (i, block) in region.blocks.iter().enumerate() {
                let mut facts = self.at_start[i];
                for inst in region.block_ops(block) {
                    facts.after(&inst.op);
                }
                for target in block.term.targets() {
                    let Some(to) = region.block_at(target) else {
                        continue;
                    };
                    let less = self.at_start[to].and(facts);
                    changed |= core::mem::replace(&mut self.at_start[to], less) != less;
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]
mod tests {
    use super::*;
    use crate::operand::Cond;
    use crate::region::{Block, Inst, Term};
    use crate::vector::{Arg, FloatBin};

    fn add(d: u8, a: u8, b: u8, shape: Shape) -> Op {
        Op::Vector(VOp::Float {
            op: FloatBin::Add,
            f: Fp::D,
            shape,
            d: VReg(d),
            a: VReg(a),
            b: Arg::Each(VReg(b)),
        })
    }

    fn region(blocks: &[(&[Op], Term, bool, u32)]) -> Region {
        let mut region = Region::default();
        for (n, &(ops, term, entry, preds)) in blocks.iter().enumerate() {
            let start = u32::try_from(region.ops.len()).unwrap();
            region.ops.extend(ops.iter().map(|&op| Inst {
                op,
                offset: 0,
                word: 0,
                flushes: false,
            }));
            region.blocks.push(Block {
                pc: 4 * n as u64,
                start,
                end: u32::try_from(region.ops.len()).unwrap(),
                insns: 1,
                term,
                entry,
                loop_head: preds > 1,
                preds,
            });
        }
        region
    }

    fn loop_to(taken: u64, fall: u64) -> Term {
        Term::Branch {
            cond: Cond::Ne,
            taken,
            fall,
        }
    }

    #[test]
    fn a_loop_keeps_what_its_body_keeps() {
        let scalar = add(0, 1, 2, Shape::Scalar);
        let full = add(3, 1, 2, Shape::Full);
        let both = [scalar, add(3, 1, 2, Shape::Scalar)];
        let mut uppers = Uppers::default();
        uppers.compute(&region(&[
            (&both, Term::Jump { target: 4 }, true, 0),
            (&[scalar, full], loop_to(4, 8), false, 2),
            (&[], Term::NoFetch { pc: 8 }, false, 1),
        ]));
        for block in 1..3 {
            let facts = uppers.at_start[block];
            assert!(facts.is_zero_above(VReg(0), Size::B8));
            assert!(!facts.is_zero_above(VReg(0), Size::B4));
            assert!(!facts.is_zero_above(VReg(3), Size::B8));
        }
    }

    #[test]
    fn an_entry_knows_nothing() {
        let scalar = add(0, 1, 2, Shape::Scalar);
        let mut uppers = Uppers::default();
        uppers.compute(&region(&[
            (&[scalar], Term::Jump { target: 4 }, true, 0),
            (&[], loop_to(4, 8), true, 2),
            (
                &[Op::Interpret { word: 0 }],
                Term::Jump { target: 12 },
                false,
                1,
            ),
            (&[], Term::NoFetch { pc: 8 }, false, 1),
        ]));
        assert_eq!(uppers.at_start, [Upper::default(); 4]);
    }
}
