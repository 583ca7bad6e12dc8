//! From A32's encodings to the one form: what an instruction of the integer tables does
//! ([`Operation`]).
//!
//! The decoder has found which row of the table an instruction is. Here its fields are read, and
//! immediates are expanded as the manual's pseudocode does. Invariant: nothing is refused but as
//! [`Operation::Undefined`]; what the manual calls UNPREDICTABLE keeps its fields, for the
//! interpreter and lifting to settle.

use guest::memory::{Barrier, Size};

use super::{
    Address, BitField, DataOp, Index, Lanes, Multiple, Multiply, MultiplyLong, Offset, Operand,
    Operation, Part, Reg, SetFlags, Shift, System, Unary, lane_rule, reg, signed,
};
use crate::call;
use crate::decode::a32::{Class, Insn, Op};

/// The operation of data-processing, bits 24 to 21.
const DATA: [DataOp; 16] = [
    DataOp::And,
    DataOp::Eor,
    DataOp::Sub,
    DataOp::Rsb,
    DataOp::Add,
    DataOp::Adc,
    DataOp::Sbc,
    DataOp::Rsc,
    DataOp::Tst,
    DataOp::Teq,
    DataOp::Cmp,
    DataOp::Cmn,
    DataOp::Orr,
    DataOp::Mov,
    DataOp::Bic,
    DataOp::Mvn,
];

/// What an instruction does.
pub(super) fn operation(i: Insn) -> Operation {
    use Class as C;
    match i.op.class() {
        C::data_immediate => data(i, expanded(i)),
        C::data_register => {
            let (shift, amount) = Shift::of_immediate(i.stype(), i.imm5());
            let m = reg(i.rm());
            data(i, Operand::Register { m, shift, amount })
        }
        C::data_rsr => {
            let (m, shift, s) = (reg(i.rm()), Shift::of_register(i.stype()), reg(i.rs()));
            data(i, Operand::Shifted { m, shift, s })
        }
        C::move_wide => move_wide(i),
        C::status => status(i),
        C::multiply | C::multiply_halves | C::multiply_dual => multiply(i),
        C::multiply_long => multiply_long(i),
        C::divide => Operation::Divide {
            signed: i.op == Op::SDIV,
            d: reg(i.mrd()),
            n: reg(i.mrn()),
            m: reg(i.mrm()),
        },
        C::swap
        | C::release
        | C::acquire
        | C::store_exclusive
        | C::load_exclusive
        | C::load_store_imm
        | C::load_store_reg
        | C::load_store_extra_imm
        | C::load_store_extra_reg
        | C::load_store_dual_imm
        | C::load_store_dual_reg
        | C::load_store_multiple => memory(i),
        C::branch => branch(i),
        C::branch_exchange => Operation::BranchExchange {
            m: reg(i.rm()),
            link: i.op == Op::BLX_register,
        },
        C::system_register => system_register(i),
        C::barrier => Operation::Barrier(Barrier::Full),
        C::clear_exclusive => Operation::ClearExclusive,
        C::set_endianness => Operation::SetEndianness { big: i.e() == 1 },
        C::supervisor => Operation::Supervisor(i.imm24()),
        C::breakpoint => Operation::Breakpoint(i.imm12h() << 4 | i.imm4l()),
        C::undefined => Operation::Undefined,
        C::hint => call::function(i.word).map_or(Operation::Nothing, Operation::Call),
        C::no_operation => Operation::Nothing,
        _ => media(i),
    }
}

fn data(i: Insn, operand: Operand) -> Operation {
    Operation::Data {
        op: DATA[(i.word >> 21 & 15) as usize],
        flags: SetFlags::from_bit(i.s()),
        d: reg(i.rd()),
        n: reg(i.rn()),
        operand,
    }
}

/// `A32ExpandImm_C`.
fn expanded(i: Insn) -> Operand {
    let (rotation, imm8) = (i.imm12() >> 8, i.imm12() & 0xff);
    let value = imm8.rotate_right(2 * rotation);
    let carry = (rotation != 0).then_some(value >> 31 == 1);
    Operand::Immediate { value, carry }
}

fn move_wide(i: Insn) -> Operation {
    let (d, value) = (reg(i.rd()), i.imm4() << 12 | i.imm12());
    if i.op == Op::MOVT {
        return Operation::MoveTop { d, value };
    }
    Operation::Data {
        op: DataOp::Mov,
        flags: SetFlags::No,
        d,
        n: 0,
        operand: Operand::Immediate { value, carry: None },
    }
}

fn status(i: Insn) -> Operation {
    let mask = i.mask();
    match i.op {
        Op::MRS => Operation::ReadStatus { d: reg(i.rd()) },
        Op::MSR_immediate => Operation::WriteStatus {
            mask,
            value: expanded(i),
        },
        _ => Operation::WriteStatus {
            mask,
            value: Operand::Register {
                m: reg(i.rm()),
                shift: Shift::Lsl,
                amount: 0,
            },
        },
    }
}

fn multiply(i: Insn) -> Operation {
    let (n_top, m_top) = (i.n() == 1, i.m6() == 1);
    // Bit 5 is M here.
    let (exchange, round) = (i.m() == 1, i.m() == 1);
    let dual = |subtract| Multiply::Dual { subtract, exchange };
    let (op, adds) = match i.op {
        Op::MUL => (Multiply::Low { subtract: false }, false),
        Op::MLA => (Multiply::Low { subtract: false }, true),
        Op::MLS => (Multiply::Low { subtract: true }, true),
        Op::SMLABB => (Multiply::Halves { n_top, m_top }, true),
        Op::SMULBB => (Multiply::Halves { n_top, m_top }, false),
        Op::SMLAWB => (Multiply::Wide { m_top }, true),
        Op::SMULWB => (Multiply::Wide { m_top }, false),
        Op::SMLAD => (dual(false), true),
        Op::SMUAD => (dual(false), false),
        Op::SMLSD => (dual(true), true),
        Op::SMUSD => (dual(true), false),
        Op::SMMLS => (
            Multiply::Most {
                subtract: true,
                round,
            },
            true,
        ),
        Op::SMMLA | Op::SMMUL => (
            Multiply::Most {
                subtract: false,
                round,
            },
            i.op == Op::SMMLA,
        ),
        _ => (Multiply::Differences, i.op == Op::USADA8),
    };
    let sets = matches!(i.op, Op::MUL | Op::MLA);
    Operation::Multiply {
        op,
        flags: SetFlags::from_bit(i.s() & u32::from(sets)),
        d: reg(i.mrd()),
        n: reg(i.mrn()),
        m: reg(i.mrm()),
        a: adds.then(|| reg(i.ra())),
    }
}

fn multiply_long(i: Insn) -> Operation {
    let exchange = i.m() == 1;
    let op = match i.op {
        Op::UMULL => MultiplyLong::Product { signed: false },
        Op::SMULL => MultiplyLong::Product { signed: true },
        Op::UMLAL => MultiplyLong::Accumulate { signed: false },
        Op::SMLAL => MultiplyLong::Accumulate { signed: true },
        Op::UMAAL => MultiplyLong::AccumulateTwo,
        Op::SMLALBB => MultiplyLong::Halves {
            n_top: i.n() == 1,
            m_top: i.m6() == 1,
        },
        _ => MultiplyLong::Dual {
            subtract: i.op == Op::SMLSLD,
            exchange,
        },
    };
    let sets = matches!(i.op, Op::UMULL | Op::SMULL | Op::UMLAL | Op::SMLAL);
    Operation::MultiplyLong {
        op,
        flags: SetFlags::from_bit(i.s() & u32::from(sets)),
        lo: reg(i.rdlo()),
        hi: reg(i.rdhi()),
        n: reg(i.mrn()),
        m: reg(i.mrm()),
    }
}

/// Parallel additions, packing, extension, saturation, bits.
fn media(i: Insn) -> Operation {
    use Class as C;
    let (d, n, m) = (reg(i.rd()), reg(i.rn()), reg(i.rm()));
    match i.op.class() {
        C::parallel => Operation::Parallel {
            lanes: match i.word >> 5 & 7 {
                0 => Lanes::Add16,
                1 => Lanes::Asx,
                2 => Lanes::Sax,
                3 => Lanes::Sub16,
                4 => Lanes::Add8,
                _ => Lanes::Sub8,
            },
            rule: lane_rule((i.word >> 20 & 3) - 1),
            signed: i.word >> 22 & 1 == 0,
            d,
            n,
            m,
        },
        C::pack => {
            let (shift, amount) = Shift::of_immediate(i.tb() << 1, i.imm5());
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
            signed: i.word >> 22 & 1 == 0,
            part: match i.word >> 20 & 3 {
                0 => Part::Bytes,
                2 => Part::Byte,
                _ => Part::Half,
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
            let (shift, amount) = Shift::of_immediate(i.sh() << 1, i.imm5());
            let signed = i.op == Op::SSAT;
            Operation::Saturate {
                signed,
                bits: i.sat_imm() + u32::from(signed),
                d,
                n: m,
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
                n: m,
            }
        }
        C::bit_field => bit_field(i),
        C::crc32 => Operation::Crc32 {
            castagnoli: i.word >> 9 & 1 == 1,
            size: Size::from_log2(i.word >> 21 & 3),
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

fn bit_field(i: Insn) -> Operation {
    let (op, msb) = match i.op {
        Op::SBFX => (BitField::Sbfx, i.lsb() + i.widthm1()),
        Op::UBFX => (BitField::Ubfx, i.lsb() + i.widthm1()),
        Op::BFI => (BitField::Bfi, i.msb()),
        _ => (BitField::Bfc, i.msb()),
    };
    Operation::BitField {
        op,
        d: reg(i.rd()),
        n: reg(i.mrn()),
        lsb: i.lsb(),
        msb,
    }
}

/// P and W, bits 24 and 21; without P the base is always written.
const fn index(i: Insn) -> Index {
    match (i.word >> 24 & 1, i.word >> 21 & 1) {
        (0, _) => Index::Post,
        (_, 0) => Index::Offset,
        _ => Index::Pre,
    }
}

fn address(i: Insn, offset: Offset) -> Address {
    Address {
        n: reg(i.rn()),
        offset,
        add: i.word >> 23 & 1 == 1,
        index: index(i),
    }
}

fn memory(i: Insn) -> Operation {
    use Class as C;
    let plain = |m: Reg| Offset::Register {
        m,
        shift: Shift::Lsl,
        amount: 0,
    };
    let halves = || Offset::Immediate(i.imm4h() << 4 | i.imm4l());
    match i.op.class() {
        C::load_store_imm => single(i, address(i, Offset::Immediate(i.imm12()))),
        C::load_store_reg => {
            let (shift, amount) = Shift::of_immediate(i.stype(), i.imm5());
            let m = reg(i.rm());
            single(i, address(i, Offset::Register { m, shift, amount }))
        }
        C::load_store_extra_imm => extra(i, address(i, halves())),
        C::load_store_extra_reg => extra(i, address(i, plain(reg(i.rm())))),
        C::load_store_dual_imm => dual(i, address(i, halves())),
        C::load_store_dual_reg => dual(i, address(i, plain(reg(i.rm())))),
        C::load_store_multiple => multiple(i),
        _ => exclusive(i),
    }
}

/// Words and unsigned bytes: B and L, bits 22 and 20.
fn single(i: Insn, address: Address) -> Operation {
    let size = if i.word >> 22 & 1 == 1 {
        Size::Byte
    } else {
        Size::Word
    };
    let t = reg(i.rt());
    if i.word >> 20 & 1 == 1 {
        Operation::Load {
            size,
            signed: false,
            t,
            address,
        }
    } else {
        Operation::Store { size, t, address }
    }
}

/// Halfwords and signed bytes: L, and S and H, bits 6 and 5.
fn extra(i: Insn, address: Address) -> Operation {
    let t = reg(i.rt());
    let (signed, size) = match i.word >> 5 & 3 {
        1 => (false, Size::Half),
        2 => (true, Size::Byte),
        _ => (true, Size::Half),
    };
    if i.word >> 20 & 1 == 1 {
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

fn dual(i: Insn, address: Address) -> Operation {
    let (t, t2) = (reg(i.rt()), reg(i.rt() + 1));
    if i.word >> 5 & 1 == 0 {
        Operation::LoadDual { t, t2, address }
    } else {
        Operation::StoreDual { t, t2, address }
    }
}

fn multiple(i: Insn) -> Operation {
    let multiple = Multiple {
        n: reg(i.rn()),
        registers: i.registers(),
        up: i.word >> 23 & 1 == 1,
        before: i.word >> 24 & 1 == 1,
        writeback: i.w() == 1,
    };
    if i.word >> 20 & 1 == 1 {
        Operation::LoadMultiple(multiple)
    } else {
        Operation::StoreMultiple(multiple)
    }
}

/// The size of exclusives, acquiring and releasing accesses, bits 22 and 21.
const fn exclusive_size(i: Insn) -> Size {
    match i.word >> 21 & 3 {
        0 => Size::Word,
        1 => Size::Double,
        2 => Size::Byte,
        _ => Size::Half,
    }
}

fn exclusive(i: Insn) -> Operation {
    let (size, n) = (exclusive_size(i), reg(i.rn()));
    match i.op.class() {
        Class::release => Operation::StoreRelease {
            size,
            t: reg(i.srt()),
            n,
        },
        Class::acquire => Operation::LoadAcquire {
            size,
            t: reg(i.rt()),
            n,
        },
        Class::store_exclusive => Operation::StoreExclusive {
            size,
            d: reg(i.rd()),
            t: reg(i.srt()),
            t2: reg(i.srt() + 1) & 15,
            n,
            offset: 0,
        },
        Class::load_exclusive => Operation::LoadExclusive {
            size,
            t: reg(i.rt()),
            t2: reg(i.rt() + 1) & 15,
            n,
            offset: 0,
            acquire: i.word >> 8 & 1 == 0,
        },
        _ => Operation::Swap {
            size: if i.op == Op::SWPB {
                Size::Byte
            } else {
                Size::Word
            },
            t: reg(i.rt()),
            m: reg(i.rm()),
            n,
        },
    }
}

fn branch(i: Insn) -> Operation {
    let exchange = i.op == Op::BLX_immediate;
    let half = if exchange { i.h() << 1 } else { 0 };
    Operation::Branch {
        offset: signed(i.imm24() << 2, 26) | half,
        link: i.op != Op::B,
        exchange,
        cond: None,
    }
}

fn system_register(i: Insn) -> Operation {
    let t = reg(i.rt());
    let read = |register| Operation::ReadSystem { t, register };
    match i.op {
        Op::MCR_TPIDRURW => Operation::WriteSystem { t },
        Op::MRC_TPIDRURW => read(System::Tpidrurw),
        Op::MRC_TPIDRURO => read(System::Tpidruro),
        Op::MRC_CNTFRQ => read(System::Cntfrq),
        _ => Operation::ReadCounter {
            t,
            t2: reg(i.rt2()),
        },
    }
}
