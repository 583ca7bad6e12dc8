//! Data-processing: the shifter, and flags that are set apart.
//!
//! Logical operations set N and Z of the result and C of the shifter, and leave V. So C is set first,
//! by an operation of its own if the shifter gives it, then N and Z beside it.

use super::{Of, SCRATCH, W};
use crate::operation::{self, DataOp, Operation, Shift};
use ir::form::Sink;
use ir::inst::{SelectOp, ShiftOp};
use ir::{BinOp, Extend, Op, Operand, Reg, Width};

/// What is computed to be selected, and what instructions make of the program counter.
const VALUE: Reg = SCRATCH[0];
/// The second operand.
const SHIFTED: Reg = SCRATCH[2];
/// What carries are computed of.
const CARRY: Reg = SCRATCH[3];
/// An amount.
const AMOUNT: Reg = SCRATCH[4];
/// Whether an amount is less than 64: all bits or none.
const FEW: Reg = SCRATCH[5];
const NO: Reg = Reg::ZERO;

/// Flags: N, Z, C and V in bits 3 to 0.
const C: u8 = 2;
const V: u8 = 1;

/// The shifter's carry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carry {
    /// The flag stays.
    Same,
    /// It is known.
    Known(bool),
    /// It has been set already.
    Set,
}

const fn binary(op: BinOp, w: Width, d: Reg, a: Reg, b: Operand) -> Op {
    Op::Bin {
        op,
        w,
        d,
        a,
        b,
        set: false,
    }
}

/// An operation that sets flags; those of `kept` stay.
fn set_apart(kept: u8, op: Op, out: &mut Sink<'_>) {
    if kept == 0 {
        return out.push(op);
    }
    out.push(Op::KeepFlags { kept });
    out.push(op);
    out.push(Op::MergeFlags { kept });
}

/// C = the highest bit of a slot.
fn carry_of(w: Width, a: Reg, out: &mut Sink<'_>) {
    let sum = Op::Bin {
        op: BinOp::Add,
        w,
        d: NO,
        a,
        b: Operand::Reg(a),
        set: true,
    };
    set_apart(0b1111 & !C, sum, out);
}

/// d = C
const fn carry_to(d: Reg) -> Op {
    Op::Carry {
        sub: false,
        w: W,
        d,
        a: NO,
        b: NO,
        set: false,
    }
}

impl Of {
    /// Data-processing whose destination is not the program counter.
    pub(super) fn data(&self, out: &mut Sink<'_>) {
        let Operation::Data { op, flags, d, .. } = self.operation else {
            return;
        };
        let sets = op.compares() || self.sets(flags);
        if self.always() {
            return self.data_to(Reg(d), out);
        }
        if !sets && self.select_operand(out) {
            return;
        }
        if sets || !self.is_selected() {
            return self.under_condition(out, |of, out| of.data_to(Reg(d), out));
        }
        let a = match self.moved() {
            Some(m) => m,
            None => {
                self.data_to(VALUE, out);
                VALUE
            }
        };
        out.push(Op::Select {
            op: SelectOp::Same,
            w: W,
            d: Reg(d),
            a,
            b: Reg(d),
            cond: self.cond,
        });
    }

    /// The register that it moves.
    fn moved(&self) -> Option<Reg> {
        match self.operation {
            Operation::Data {
                op: DataOp::Mov,
                operand:
                    operation::Operand::Register {
                        m,
                        shift: Shift::Lsl,
                        amount: 0,
                    },
                ..
            } if m != 15 => Some(Reg(m)),
            _ => None,
        }
    }

    /// Whether its result is computed without a change to the host's flags, so that it may be
    /// selected afterwards.
    fn is_selected(&self) -> bool {
        let Operation::Data { op, operand, .. } = self.operation else {
            return false;
        };
        match operand {
            operation::Operand::Immediate { .. } => {
                matches!(op, DataOp::Mov | DataOp::Mvn | DataOp::Add | DataOp::Sub)
            }
            operation::Operand::Register { shift, amount, .. } => match op {
                DataOp::Mov => matches!(shift, Shift::Lsl | Shift::Lsr | Shift::Asr),
                DataOp::Add => shift == Shift::Lsl && amount < 4,
                _ => false,
            },
            operation::Operand::Shifted { .. } => false,
        }
    }

    /// A logical operation on its own destination under a condition: its second operand is selected, or a constant
    /// that leaves the first as it is. The host would guess a branch around it wrong where data decide, as in
    /// checksums.
    fn select_operand(&self, out: &mut Sink<'_>) -> bool {
        let Operation::Data {
            op, d, n, operand, ..
        } = self.operation
        else {
            return false;
        };
        let other = match op {
            DataOp::Orr | DataOp::Eor | DataOp::Bic => NO,
            DataOp::And => CARRY,
            _ => return false,
        };
        if d != n || matches!(operand, operation::Operand::Shifted { .. }) {
            return false;
        }
        let b = self.operand(operand, SHIFTED, out);
        move_to(VALUE, b, out);
        if op == DataOp::And {
            let value = 0xffff_ffff;
            out.push(Op::Imm { d: other, value });
        }
        out.push(Op::Select {
            op: SelectOp::Same,
            w: W,
            d: VALUE,
            a: VALUE,
            b: other,
            cond: self.cond,
        });
        out.push(binary(host_op(op), W, Reg(d), Reg(n), Operand::Reg(VALUE)));
        true
    }

    /// Data-processing whose result goes into any slot.
    pub(super) fn data_to(&self, d: Reg, out: &mut Sink<'_>) {
        let Operation::Data {
            op,
            flags,
            n,
            operand,
            ..
        } = self.operation
        else {
            return;
        };
        let sets = op.compares() || self.sets(flags);
        let constant = matches!(operand, operation::Operand::Immediate { .. });
        if let (15, Some(value)) = (n, self.address(op, operand))
            && !sets
        {
            return out.push(Op::Address { d, value });
        }
        let a = if matches!(op, DataOp::Mov | DataOp::Mvn) {
            NO
        } else if n == 15 && constant {
            out.push(Op::Address {
                d: SCRATCH[1],
                value: self.ahead() & !3,
            });
            SCRATCH[1]
        } else {
            self.reg(n, SCRATCH[1], out)
        };
        if sets && is_logical(op) {
            self.logical_with_flags(op, d, a, operand, out);
        } else {
            let b = self.operand(operand, SHIFTED, out);
            arithmetic(op, d, a, b, sets, out);
        }
    }

    /// What ADR and its like compute.
    fn address(&self, op: DataOp, operand: operation::Operand) -> Option<u64> {
        let operation::Operand::Immediate { value, .. } = operand else {
            return None;
        };
        let base = self.ahead() & !3;
        let address = match op {
            DataOp::Add => base.wrapping_add(value.into()),
            DataOp::Sub => base.wrapping_sub(value.into()),
            _ => return None,
        };
        Some(address & 0xffff_ffff)
    }

    /// The second operand; what has to be computed is put into `scratch`. Flags stay.
    pub(super) fn operand(
        &self,
        operand: operation::Operand,
        scratch: Reg,
        out: &mut Sink<'_>,
    ) -> Operand {
        let (m, shift, amount) = match operand {
            operation::Operand::Immediate { value, .. } => return Operand::Imm(value.into()),
            operation::Operand::Register { m, shift, amount } => (m, shift, amount),
            operation::Operand::Shifted { m, shift, s } => {
                shift_by(shift, scratch, Reg(m), Reg(s), out);
                return Operand::Reg(scratch);
            }
        };
        let reg = self.reg(m, scratch, out);
        let extend = match shift {
            Shift::Rrx => {
                out.push(carry_to(CARRY));
                out.push(Op::ExtractPair {
                    w: W,
                    d: scratch,
                    a: CARRY,
                    b: reg,
                    lsb: 1,
                });
                return Operand::Reg(scratch);
            }
            _ if amount == 0 => return Operand::Reg(reg),
            Shift::Lsr if amount > 31 => return Operand::Imm(0),
            Shift::Lsl => Extend::Lsl,
            Shift::Lsr => Extend::Lsr,
            Shift::Asr => Extend::Asr,
            Shift::Ror => Extend::Ror,
        };
        Operand::Ext {
            reg,
            extend,
            amount: amount.min(31),
        }
    }

    /// A logical operation that sets N, Z and, by the shifter, C.
    fn logical_with_flags(
        &self,
        op: DataOp,
        d: Reg,
        a: Reg,
        operand: operation::Operand,
        out: &mut Sink<'_>,
    ) {
        if op == DataOp::Mov
            && let operation::Operand::Register { m, shift, amount } = operand
            && m != 15
            && let Some(shift) = host_shift(shift, amount)
        {
            let shifted = Op::ShiftFlags {
                op: shift,
                d,
                a: Reg(m),
                amount,
            };
            return set_apart(V, shifted, out);
        }
        let (b, carry) = self.shifted(operand, out);
        let kept = match carry {
            Carry::Same | Carry::Set => C | V,
            Carry::Known(false) => V,
            Carry::Known(true) => {
                // 0 - 0 borrows nothing.
                let borrow = Op::Bin {
                    op: BinOp::Sub,
                    w: W,
                    d: NO,
                    a: NO,
                    b: Operand::Imm(0),
                    set: true,
                };
                set_apart(0b1111 & !C, borrow, out);
                C | V
            }
        };
        let (host, a, b) = match (op, b) {
            (DataOp::Mov, Operand::Reg(m)) => {
                // N and Z of a register.
                if m != d {
                    out.push(Op::Mov { w: W, d, a: m });
                }
                (BinOp::And, d, Operand::Reg(d))
            }
            (DataOp::Mov, b) => (BinOp::Or, NO, b),
            (DataOp::Mvn, b) => (BinOp::OrNot, NO, b),
            (op, b) => (host_op(op), a, b),
        };
        let unchanged = op == DataOp::Mov && matches!(b, Operand::Reg(b) if b == d);
        let op = Op::Bin {
            op: host,
            w: W,
            d: if op.compares() || unchanged { NO } else { d },
            a,
            b,
            set: true,
        };
        set_apart(kept, op, out);
    }

    /// The second operand and the shifter's carry.
    fn shifted(&self, operand: operation::Operand, out: &mut Sink<'_>) -> (Operand, Carry) {
        let (m, shift, amount) = match operand {
            operation::Operand::Immediate { value, carry } => {
                let carry = carry.map_or(Carry::Same, Carry::Known);
                return (Operand::Imm(value.into()), carry);
            }
            operation::Operand::Register { m, shift, amount } => (m, shift, amount),
            operation::Operand::Shifted { m, shift, s } => {
                shift_with_carry(shift, SHIFTED, Reg(m), Reg(s), out);
                return (Operand::Reg(SHIFTED), Carry::Set);
            }
        };
        if amount == 0 {
            return (self.operand(operand, SHIFTED, out), Carry::Same);
        }
        let m = self.reg(m, SCRATCH[0], out);
        if let Some(op) = host_shift(shift, amount) {
            let shifted = Op::ShiftFlags {
                op,
                d: SHIFTED,
                a: m,
                amount,
            };
            set_apart(V, shifted, out);
            return (Operand::Reg(SHIFTED), Carry::Set);
        }
        let b = self.operand(operand, SHIFTED, out);
        // The bit that goes out last becomes the highest one.
        let from = match shift {
            Shift::Rrx => 0,
            _ => amount.min(32) - 1,
        };
        let highest = if from == 31 {
            m
        } else {
            out.push(Op::Deposit {
                signed: false,
                w: W,
                d: CARRY,
                a: m,
                lsb: 31 - from,
                width: from + 1,
            });
            CARRY
        };
        carry_of(W, highest, out);
        (b, Carry::Set)
    }
}

/// The host's shift that sets flags alike.
const fn host_shift(shift: Shift, amount: u8) -> Option<ShiftOp> {
    if amount == 0 || amount > 31 {
        return None;
    }
    match shift {
        Shift::Lsl => Some(ShiftOp::Lsl),
        Shift::Lsr => Some(ShiftOp::Lsr),
        Shift::Asr => Some(ShiftOp::Asr),
        Shift::Ror | Shift::Rrx => None,
    }
}

const fn host_op(op: DataOp) -> BinOp {
    match op {
        DataOp::And | DataOp::Tst => BinOp::And,
        DataOp::Eor | DataOp::Teq => BinOp::Xor,
        DataOp::Orr | DataOp::Mov => BinOp::Or,
        DataOp::Orn | DataOp::Mvn => BinOp::OrNot,
        DataOp::Bic => BinOp::AndNot,
        DataOp::Sub | DataOp::Cmp | DataOp::Rsb | DataOp::Sbc | DataOp::Rsc => BinOp::Sub,
        DataOp::Add | DataOp::Cmn | DataOp::Adc => BinOp::Add,
    }
}

/// An operation that sets all flags or none.
fn arithmetic(op: DataOp, d: Reg, a: Reg, b: Operand, set: bool, out: &mut Sink<'_>) {
    let to = if op.compares() { NO } else { d };
    let bin = |a, b| Op::Bin {
        op: host_op(op),
        w: W,
        d: to,
        a,
        b,
        set,
    };
    let carry = |sub, a, b| Op::Carry {
        sub,
        w: W,
        d,
        a,
        b,
        set,
    };
    match (op, b) {
        (DataOp::Mov, Operand::Imm(value)) => out.push(Op::Imm { d, value }),
        (DataOp::Mvn, Operand::Imm(value)) => out.push(Op::Imm {
            d,
            value: !value & 0xffff_ffff,
        }),
        (DataOp::Mov, b) => move_to(d, b, out),
        (DataOp::Rsb, Operand::Imm(0)) => out.push(bin(NO, Operand::Reg(a))),
        (DataOp::Rsb, b) => {
            let b = in_slot(b, out);
            out.push(bin(b, Operand::Reg(a)));
        }
        (DataOp::Adc | DataOp::Sbc, b) => {
            let b = in_slot(b, out);
            out.push(carry(op == DataOp::Sbc, a, b));
        }
        (DataOp::Rsc, b) => {
            let b = in_slot(b, out);
            out.push(carry(true, b, a));
        }
        (_, b) => out.push(bin(a, b)),
    }
}

/// A second operand in a slot.
fn in_slot(operand: Operand, out: &mut Sink<'_>) -> Reg {
    match operand {
        Operand::Reg(reg) => return reg,
        Operand::Imm(0) => return NO,
        _ => move_to(SHIFTED, operand, out),
    }
    SHIFTED
}

/// d = a second operand
pub(super) fn move_to(d: Reg, operand: Operand, out: &mut Sink<'_>) {
    let (a, extend, amount) = match operand {
        Operand::Imm(value) => return out.push(Op::Imm { d, value }),
        Operand::Reg(a) => return out.push(Op::Mov { w: W, d, a }),
        Operand::Ext {
            reg,
            extend,
            amount,
        } => (reg, extend, amount),
    };
    out.push(match extend {
        Extend::Lsl => Op::Deposit {
            signed: false,
            w: W,
            d,
            a,
            lsb: amount,
            width: 32 - amount,
        },
        Extend::Lsr | Extend::Asr => Op::Extract {
            signed: extend == Extend::Asr,
            w: W,
            d,
            a,
            lsb: amount,
            width: 32 - amount,
        },
        Extend::Ror => Op::ExtractPair {
            w: W,
            d,
            a,
            b: a,
            lsb: amount,
        },
        _ => binary(BinOp::Or, W, d, NO, operand),
    });
}

/// `AMOUNT` = the low byte of a register, and `FEW` whether it is less than 64.
fn amount_of(s: Reg, out: &mut Sink<'_>) {
    out.push(Op::Extract {
        signed: false,
        w: W,
        d: AMOUNT,
        a: s,
        lsb: 0,
        width: 8,
    });
    out.push(binary(
        BinOp::Sub,
        Width::W64,
        FEW,
        AMOUNT,
        Operand::Imm(64),
    ));
}

/// All bits of a doubleword if the amount is less than 64, else none.
const fn few() -> Operand {
    Operand::Ext {
        reg: FEW,
        extend: Extend::Asr,
        amount: 63,
    }
}

/// A shift by the low byte of a register; the upper half of d is zero.
fn shift_by(shift: Shift, d: Reg, m: Reg, s: Reg, out: &mut Sink<'_>) {
    let by = |op, w, a, b| Op::Shift { op, w, d, a, b };
    let w = Width::W64;
    match shift {
        Shift::Ror | Shift::Rrx => out.push(by(ShiftOp::Ror, W, m, s)),
        Shift::Lsl | Shift::Lsr => {
            amount_of(s, out);
            let op = if shift == Shift::Lsl {
                ShiftOp::Lsl
            } else {
                ShiftOp::Lsr
            };
            out.push(by(op, w, m, AMOUNT));
            out.push(binary(BinOp::And, w, d, d, few()));
            if op == ShiftOp::Lsl {
                out.push(Op::Mov { w: W, d, a: d });
            }
        }
        Shift::Asr => {
            amount_of(s, out);
            // 63 and more are all signs.
            out.push(binary(BinOp::OrNot, w, AMOUNT, AMOUNT, few()));
            out.push(Op::Extract {
                signed: true,
                w,
                d,
                a: m,
                lsb: 0,
                width: 32,
            });
            out.push(by(ShiftOp::Asr, w, d, AMOUNT));
            out.push(Op::Mov { w: W, d, a: d });
        }
    }
}

/// A shift that sets C, which stays where the amount is 0: it is put beside the register, where the bit that goes
/// out last will be.
fn shift_with_carry(shift: Shift, d: Reg, m: Reg, s: Reg, out: &mut Sink<'_>) {
    let w = Width::W64;
    let left = shift == Shift::Lsl;
    amount_of(s, out);
    out.push(carry_to(CARRY));
    match shift {
        Shift::Lsl | Shift::Lsr => {}
        Shift::Asr => return signed_with_carry(d, m, out),
        Shift::Ror | Shift::Rrx => return rotation_with_carry(d, m, s, out),
    }
    // C above the register, or below.
    let (low, high, by) = if left { (m, CARRY, 32) } else { (CARRY, m, 1) };
    let beside = Operand::Ext {
        reg: high,
        extend: Extend::Lsl,
        amount: by,
    };
    out.push(binary(BinOp::Or, w, CARRY, low, beside));
    let op = if left { ShiftOp::Lsl } else { ShiftOp::Lsr };
    out.push(Op::Shift {
        op,
        w,
        d: CARRY,
        a: CARRY,
        b: AMOUNT,
    });
    out.push(binary(BinOp::And, w, CARRY, CARRY, few()));
    if left {
        out.push(Op::Mov { w: W, d, a: CARRY });
    } else {
        out.push(Op::Extract {
            signed: false,
            w,
            d,
            a: CARRY,
            lsb: 1,
            width: 32,
        });
    }
    let (lsb, width) = if left { (31, 33) } else { (63, 1) };
    out.push(Op::Deposit {
        signed: false,
        w,
        d: CARRY,
        a: CARRY,
        lsb,
        width,
    });
    carry_of(w, CARRY, out);
}

/// A shift to the right with signs, and its carry; C is in [`CARRY`].
fn signed_with_carry(d: Reg, m: Reg, out: &mut Sink<'_>) {
    let w = Width::W64;
    let extract = |signed, d, a, lsb| Op::Extract {
        signed,
        w,
        d,
        a,
        lsb,
        width: 32,
    };
    out.push(extract(true, d, m, 0));
    let above = Operand::Ext {
        reg: d,
        extend: Extend::Lsl,
        amount: 1,
    };
    out.push(binary(BinOp::Or, w, CARRY, CARRY, above));
    // 63 and more are all signs.
    out.push(binary(BinOp::OrNot, w, AMOUNT, AMOUNT, few()));
    out.push(Op::Shift {
        op: ShiftOp::Asr,
        w,
        d: CARRY,
        a: CARRY,
        b: AMOUNT,
    });
    out.push(extract(false, d, CARRY, 1));
    out.push(Op::Deposit {
        signed: false,
        w,
        d: CARRY,
        a: CARRY,
        lsb: 63,
        width: 1,
    });
    carry_of(w, CARRY, out);
}

/// A rotation and its carry: C is the result's highest bit, unless the amount is 0.
fn rotation_with_carry(d: Reg, m: Reg, s: Reg, out: &mut Sink<'_>) {
    let w = Width::W64;
    let deposit = |a, lsb, width| Op::Deposit {
        signed: false,
        w,
        d: a,
        a,
        lsb,
        width,
    };
    // All bits where the amount is 0.
    out.push(binary(BinOp::Sub, w, FEW, AMOUNT, Operand::Imm(1)));
    out.push(Op::Shift {
        op: ShiftOp::Ror,
        w: W,
        d,
        a: m,
        b: s,
    });
    out.push(deposit(CARRY, 63, 1));
    out.push(binary(BinOp::And, w, CARRY, CARRY, few()));
    out.push(Op::Deposit {
        signed: false,
        w,
        d: AMOUNT,
        a: d,
        lsb: 32,
        width: 32,
    });
    out.push(binary(BinOp::AndNot, w, AMOUNT, AMOUNT, few()));
    out.push(binary(BinOp::Or, w, CARRY, CARRY, Operand::Reg(AMOUNT)));
    carry_of(w, CARRY, out);
}

/// Whether C is the shifter's.
const fn is_logical(op: DataOp) -> bool {
    use DataOp as D;
    matches!(
        op,
        D::And | D::Eor | D::Tst | D::Teq | D::Orr | D::Mov | D::Bic | D::Mvn | D::Orn
    )
}
