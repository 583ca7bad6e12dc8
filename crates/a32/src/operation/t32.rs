//! The fields of T32's instructions of 4 bytes, read.

use guest::memory::{Barrier, Size};

use super::{
    Address, BitField, DataOp, Index, Lanes, Multiple, Multiply, MultiplyLong, Offset, Operand,
    Operation, Part, SetFlags, Shift, System, Unary, lane_rule, reg, signed,
};
use crate::decode::t32::{Class, Insn, Op};

/// What an instruction does.
pub(super) fn operation(i: Insn) -> Operation {
    use Class as C;
    match i.op.class() {
        C::data_register => {
            let (shift, amount) = Shift::of_immediate(i.stype(), i.imm3() << 2 | i.imm2());
            let m = reg(i.rm());
            data(i, Operand::Register { m, shift, amount })
        }
        C::data_immediate => data(i, expanded(i)),
        C::plain_immediate | C::move_wide => plain_immediate(i),
        C::shift_register => Operation::Data {
            op: DataOp::Mov,
            flags: SetFlags::from_bit(i.s()),
            d: reg(i.rd()),
            n: 0,
            operand: Operand::Shifted {
                m: reg(i.rn()),
                shift: Shift::of_register(i.word >> 21),
                s: reg(i.rm()),
            },
        },
        C::multiply | C::multiply_halves | C::multiply_dual => multiply(i),
        C::multiply_long => multiply_long(i),
        C::divide => Operation::Divide {
            signed: i.op == Op::SDIV,
            d: reg(i.rd()),
            n: reg(i.rn()),
            m: reg(i.rm()),
        },
        C::status => match i.op {
            Op::MRS => Operation::ReadStatus { d: reg(i.rd()) },
            _ => Operation::WriteStatus {
                mask: i.mask(),
                value: Operand::Register {
                    m: reg(i.rn()),
                    shift: Shift::Lsl,
                    amount: 0,
                },
            },
        },
        C::store_exclusive
        | C::load_exclusive
        | C::store_exclusive_sized
        | C::load_exclusive_sized
        | C::release
        | C::acquire => exclusive(i),
        C::load_store_dual
        | C::load_store_imm12
        | C::load_store_imm8
        | C::load_store_register
        | C::load_literal
        | C::load_store_multiple => memory(i),
        C::branch | C::branch_conditional => branch(i),
        C::branch_exchange => Operation::BranchExchange {
            m: reg(i.rn()),
            link: false,
        },
        C::table_branch => Operation::TableBranch {
            n: reg(i.rn()),
            m: reg(i.rm()),
            halves: i.op == Op::TBH,
        },
        C::system_register => system_register(i),
        C::barrier => Operation::Barrier(Barrier::Full),
        C::clear_exclusive => Operation::ClearExclusive,
        C::undefined => Operation::Undefined,
        C::hint | C::no_operation => Operation::Nothing,
        _ => media(i),
    }
}

/// The operation of data-processing.
const fn data_op(op: Op) -> DataOp {
    use DataOp as D;
    match op {
        Op::AND_register | Op::AND_immediate => D::And,
        Op::TST_register | Op::TST_immediate => D::Tst,
        Op::BIC_register | Op::BIC_immediate => D::Bic,
        Op::ORR_register | Op::ORR_immediate => D::Orr,
        Op::MOV_register | Op::MOV_immediate => D::Mov,
        Op::ORN_register | Op::ORN_immediate => D::Orn,
        Op::MVN_register | Op::MVN_immediate => D::Mvn,
        Op::EOR_register | Op::EOR_immediate => D::Eor,
        Op::TEQ_register | Op::TEQ_immediate => D::Teq,
        Op::ADD_register | Op::ADD_immediate => D::Add,
        Op::CMN_register | Op::CMN_immediate => D::Cmn,
        Op::ADC_register | Op::ADC_immediate => D::Adc,
        Op::SBC_register | Op::SBC_immediate => D::Sbc,
        Op::SUB_register | Op::SUB_immediate => D::Sub,
        Op::CMP_register | Op::CMP_immediate => D::Cmp,
        _ => D::Rsb,
    }
}

fn data(i: Insn, operand: Operand) -> Operation {
    Operation::Data {
        op: data_op(i.op),
        flags: SetFlags::from_bit(i.s()),
        d: reg(i.rd()),
        n: reg(i.rn()),
        operand,
    }
}

/// `i:imm3:imm8`.
const fn imm12(i: Insn) -> u32 {
    i.i() << 11 | i.imm3() << 8 | i.imm8()
}

/// `T32ExpandImm_C`.
const fn expanded(i: Insn) -> Operand {
    let (imm12, imm8) = (imm12(i), i.imm8());
    if imm12 >> 10 == 0 {
        let value = match imm12 >> 8 {
            0 => imm8,
            1 => imm8 << 16 | imm8,
            2 => imm8 << 24 | imm8 << 8,
            _ => imm8 * 0x0101_0101,
        };
        return Operand::Immediate { value, carry: None };
    }
    let value = (0x80 | imm12 & 0x7f).rotate_right(imm12 >> 7);
    Operand::Immediate {
        value,
        carry: Some(value >> 31 == 1),
    }
}

fn plain_immediate(i: Insn) -> Operation {
    let (d, n) = (reg(i.rd()), reg(i.rn()));
    let (op, n, value) = match i.op {
        Op::ADD_immediate_T4 => (DataOp::Add, n, imm12(i)),
        Op::SUB_immediate_T4 => (DataOp::Sub, n, imm12(i)),
        Op::MOVT => {
            let value = i.imm4() << 12 | imm12(i);
            return Operation::MoveTop { d, value };
        }
        _ => (DataOp::Mov, 0, i.imm4() << 12 | imm12(i)),
    };
    Operation::Data {
        op,
        flags: SetFlags::No,
        d,
        n,
        operand: Operand::Immediate { value, carry: None },
    }
}

fn multiply(i: Insn) -> Operation {
    let (n_top, m_top) = (i.n() == 1, i.m4() == 1);
    let (exchange, round) = (m_top, m_top);
    let dual = |subtract| Multiply::Dual { subtract, exchange };
    let most = |subtract| Multiply::Most { subtract, round };
    let low = |subtract| Multiply::Low { subtract };
    let (op, adds) = match i.op {
        Op::MUL => (low(false), false),
        Op::MLA => (low(false), true),
        Op::MLS => (low(true), true),
        Op::SMLABB => (Multiply::Halves { n_top, m_top }, true),
        Op::SMULBB => (Multiply::Halves { n_top, m_top }, false),
        Op::SMLAWB => (Multiply::Wide { m_top }, true),
        Op::SMULWB => (Multiply::Wide { m_top }, false),
        Op::SMLAD => (dual(false), true),
        Op::SMUAD => (dual(false), false),
        Op::SMLSD => (dual(true), true),
        Op::SMUSD => (dual(true), false),
        Op::SMMLS => (most(true), true),
        Op::SMMLA => (most(false), true),
        Op::SMMUL => (most(false), false),
        _ => (Multiply::Differences, i.op == Op::USADA8),
    };
    Operation::Multiply {
        op,
        flags: SetFlags::No,
        d: reg(i.rd()),
        n: reg(i.rn()),
        m: reg(i.rm()),
        a: adds.then(|| reg(i.ra())),
    }
}

fn multiply_long(i: Insn) -> Operation {
    let (n_top, m_top) = (i.n() == 1, i.m4() == 1);
    let op = match i.op {
        Op::UMULL => MultiplyLong::Product { signed: false },
        Op::SMULL => MultiplyLong::Product { signed: true },
        Op::UMLAL => MultiplyLong::Accumulate { signed: false },
        Op::SMLAL => MultiplyLong::Accumulate { signed: true },
        Op::UMAAL => MultiplyLong::AccumulateTwo,
        Op::SMLALBB => MultiplyLong::Halves { n_top, m_top },
        _ => MultiplyLong::Dual {
            subtract: i.op == Op::SMLSLD,
            exchange: m_top,
        },
    };
    Operation::MultiplyLong {
        op,
        flags: SetFlags::No,
        lo: reg(i.rdlo()),
        hi: reg(i.rdhi()),
        n: reg(i.rn()),
        m: reg(i.rm()),
    }
}

/// Parallel additions, packing, extension, saturation, bits.
fn media(i: Insn) -> Operation {
    use Class as C;
    let (d, n, m) = (reg(i.rd()), reg(i.rn()), reg(i.rm()));
    let imm5 = i.imm3() << 2 | i.imm2();
    match i.op.class() {
        C::parallel => Operation::Parallel {
            lanes: match i.word >> 20 & 7 {
                0 => Lanes::Add8,
                1 => Lanes::Add16,
                2 => Lanes::Asx,
                4 => Lanes::Sub8,
                5 => Lanes::Sub16,
                _ => Lanes::Sax,
            },
            rule: lane_rule(i.word >> 4),
            signed: i.word >> 6 & 1 == 0,
            d,
            n,
            m,
        },
        C::pack => {
            let (shift, amount) = Shift::of_immediate(i.tb() << 1, imm5);
            Operation::Pack {
                top: i.tb() == 1,
                d,
                n,
                m,
                shift,
                amount,
            }
        }
        C::extend => Operation::Extend {
            signed: i.word >> 20 & 1 == 0,
            part: match i.word >> 21 & 3 {
                0 => Part::Half,
                1 => Part::Bytes,
                _ => Part::Byte,
            },
            d,
            n: (n != 15).then_some(n),
            m,
            rotation: 8 * i.rotate(),
        },
        C::select => Operation::Select { d, n, m },
        C::saturating => Operation::Saturating {
            double: matches!(i.op, Op::QDADD | Op::QDSUB),
            subtract: matches!(i.op, Op::QSUB | Op::QDSUB),
            d,
            n,
            m,
        },
        C::saturate => {
            let (shift, amount) = Shift::of_immediate(i.sh() << 1, imm5);
            let signed = i.op == Op::SSAT;
            Operation::Saturate {
                signed,
                bits: i.sat_imm() + u32::from(signed),
                d,
                n,
                shift,
                amount,
            }
        }
        C::saturate16 => {
            let signed = i.op == Op::SSAT16;
            Operation::Saturate16 {
                signed,
                bits: i.sat_imm4() + u32::from(signed),
                d,
                n,
            }
        }
        C::bit_field => {
            let (op, msb) = match i.op {
                Op::SBFX => (BitField::Sbfx, imm5 + i.widthm1()),
                Op::UBFX => (BitField::Ubfx, imm5 + i.widthm1()),
                Op::BFI => (BitField::Bfi, i.msb()),
                _ => (BitField::Bfc, i.msb()),
            };
            let lsb = imm5;
            Operation::BitField { op, d, n, lsb, msb }
        }
        C::crc32 => Operation::Crc32 {
            castagnoli: i.word >> 20 & 1 == 1,
            size: Size::from_log2(i.word >> 4 & 3),
            d,
            n,
            m,
        },
        _ => Operation::Unary {
            op: match i.op {
                Op::CLZ => Unary::Clz,
                Op::RBIT => Unary::Rbit,
                Op::REV => Unary::Rev,
                Op::REV16 => Unary::Rev16,
                _ => Unary::Revsh,
            },
            d,
            m,
        },
    }
}

fn memory(i: Insn) -> Operation {
    use Class as C;
    let n = reg(i.rn());
    let offset = |offset, add| Address {
        n,
        offset,
        add,
        index: Index::Offset,
    };
    match i.op.class() {
        C::load_store_imm12 => single(i, offset(Offset::Immediate(i.imm12()), true)),
        C::load_literal => single(i, offset(Offset::Immediate(i.imm12()), i.u() == 1)),
        C::load_store_register => {
            let (shift, amount) = Shift::of_immediate(0, i.shift());
            let m = reg(i.rm());
            single(i, offset(Offset::Register { m, shift, amount }, true))
        }
        C::load_store_imm8 => {
            // P, U and W, bits 10 to 8; the unprivileged forms have 110.
            let index = match (i.word >> 10 & 1, i.word >> 8 & 1) {
                (0, _) => Index::Post,
                (_, 0) => Index::Offset,
                _ => Index::Pre,
            };
            let address = Address {
                n,
                offset: Offset::Immediate(i.imm8()),
                add: i.word >> 9 & 1 == 1,
                index,
            };
            single(i, address)
        }
        C::load_store_dual => {
            let index = match (i.p(), i.w()) {
                (0, _) => Index::Post,
                (_, 0) => Index::Offset,
                _ => Index::Pre,
            };
            let address = Address {
                n,
                offset: Offset::Immediate(i.imm8() << 2),
                add: i.u() == 1,
                index,
            };
            let (t, t2) = (reg(i.rt()), reg(i.rt2()));
            if i.op == Op::LDRD_immediate {
                Operation::LoadDual { t, t2, address }
            } else {
                Operation::StoreDual { t, t2, address }
            }
        }
        _ => {
            let up = matches!(i.op, Op::LDM | Op::STM);
            let multiple = Multiple {
                n,
                registers: i.registers(),
                up,
                before: !up,
                writeback: i.w() == 1,
            };
            if matches!(i.op, Op::LDM | Op::LDMDB) {
                Operation::LoadMultiple(multiple)
            } else {
                Operation::StoreMultiple(multiple)
            }
        }
    }
}

/// Bits 22 and 21 are the size, bit 20 tells loads, bit 24 signed ones.
const fn single(i: Insn, address: Address) -> Operation {
    let (size, t) = (Size::from_log2(i.word >> 21 & 3), reg(i.rt()));
    if i.word >> 20 & 1 == 1 {
        let signed = i.word >> 24 & 1 == 1;
        Operation::Load {
            size,
            signed,
            t,
            address,
        }
    } else {
        Operation::Store { size, t, address }
    }
}

fn exclusive(i: Insn) -> Operation {
    let (t, n) = (reg(i.rt()), reg(i.rn()));
    let (word, size) = match i.op.class() {
        Class::store_exclusive | Class::load_exclusive => (true, Size::Word),
        // Bits 5 and 4.
        _ => (false, Size::from_log2(i.word >> 4 & 3)),
    };
    let offset = if word { i.imm8() << 2 } else { 0 };
    let t2 = reg(i.rt2());
    match i.op.class() {
        Class::release => Operation::StoreRelease { size, t, n },
        Class::acquire => Operation::LoadAcquire { size, t, n },
        Class::load_exclusive | Class::load_exclusive_sized => Operation::LoadExclusive {
            size,
            t,
            t2,
            n,
            offset,
            acquire: !word && i.word >> 7 & 1 == 1,
        },
        _ => Operation::StoreExclusive {
            size,
            d: reg(if word { i.rd() } else { i.erd() }),
            t,
            t2,
            n,
            offset,
        },
    }
}

fn branch(i: Insn) -> Operation {
    if i.op == Op::B_T3 {
        let high = i.s26() << 19 | i.j2() << 18 | i.j1() << 17 | i.imm6() << 11;
        return Operation::Branch {
            offset: signed((high | i.imm11()) << 1, 21),
            link: false,
            exchange: false,
            cond: Some(i.cond()),
        };
    }
    let sign = i.s26();
    let (i1, i2) = (i.j1() ^ sign ^ 1, i.j2() ^ sign ^ 1);
    let high = sign << 23 | i1 << 22 | i2 << 21 | i.imm10() << 11;
    Operation::Branch {
        offset: signed((high | i.imm11()) << 1, 25),
        link: i.op != Op::B_T4,
        exchange: i.op == Op::BLX_immediate,
        cond: None,
    }
}

const fn system_register(i: Insn) -> Operation {
    let t = reg(i.rt());
    let register = match i.op {
        Op::MCR_TPIDRURW => return Operation::WriteSystem { t },
        Op::MRC_TPIDRURW => System::Tpidrurw,
        Op::MRC_TPIDRURO => System::Tpidruro,
        Op::MRC_CNTFRQ => System::Cntfrq,
        _ => {
            let t2 = reg(i.srt2());
            return Operation::ReadCounter { t, t2 };
        }
    };
    Operation::ReadSystem { t, register }
}
