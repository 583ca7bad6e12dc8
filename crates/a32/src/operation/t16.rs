//! The fields of T32's instructions of 2 bytes, read.

use guest::memory::Size;

use super::{
    Address, DataOp, Index, Multiple, Multiply, Offset, Operand, Operation, Part, Reg, SetFlags,
    Shift, Unary, reg, signed,
};
use crate::decode::t16::{Class, Insn, Op};

const SP: Reg = 13;
const LR: Reg = 14;
const PC: Reg = 15;

const fn constant(value: u32) -> Operand {
    Operand::Immediate { value, carry: None }
}

const fn plain(m: Reg) -> Operand {
    Operand::Register {
        m,
        shift: Shift::Lsl,
        amount: 0,
    }
}

const fn data(op: DataOp, flags: SetFlags, d: Reg, n: Reg, operand: Operand) -> Operation {
    Operation::Data {
        op,
        flags,
        d,
        n,
        operand,
    }
}

/// What an instruction does.
pub(super) fn operation(i: Insn) -> Operation {
    use Class as C;
    let (d, n, m) = (reg(i.rd()), reg(i.rn()), reg(i.rm()));
    let sets = SetFlags::OutsideIt;
    let add_or_subtract = if matches!(i.op, Op::ADD_register | Op::ADD_immediate_T1) {
        DataOp::Add
    } else {
        DataOp::Sub
    };
    match i.op.class() {
        C::shift_immediate => {
            let (shift, amount) = Shift::of_immediate(i.word >> 11 & 3, i.imm5());
            data(
                DataOp::Mov,
                sets,
                d,
                0,
                Operand::Register { m, shift, amount },
            )
        }
        C::add_subtract_register => data(add_or_subtract, sets, d, n, plain(reg(i.ro()))),
        C::add_subtract_imm3 => data(add_or_subtract, sets, d, n, constant(i.imm3())),
        C::immediate8 => immediate8(i),
        C::data_processing => data_processing(i),
        C::special_data => {
            let (dn, m) = (reg(i.dn() << 3 | i.rd()), reg(i.rm4()));
            let (op, flags) = match i.op {
                Op::ADD_register_T2 => (DataOp::Add, SetFlags::No),
                Op::CMP_register_T2 => (DataOp::Cmp, SetFlags::Yes),
                _ => (DataOp::Mov, SetFlags::No),
            };
            data(op, flags, dn, dn, plain(m))
        }
        C::branch_exchange => Operation::BranchExchange {
            m: reg(i.rm4()),
            link: i.op == Op::BLX_register,
        },
        C::address => {
            let n = if i.op == Op::ADR { PC } else { SP };
            let operand = constant(i.imm8() << 2);
            data(DataOp::Add, SetFlags::No, reg(i.rdn()), n, operand)
        }
        C::adjust_sp => {
            let op = if i.op == Op::ADD_SP_immediate_T2 {
                DataOp::Add
            } else {
                DataOp::Sub
            };
            data(op, SetFlags::No, SP, SP, constant(i.imm7() << 2))
        }
        C::extend => Operation::Extend {
            signed: matches!(i.op, Op::SXTH | Op::SXTB),
            part: if matches!(i.op, Op::SXTH | Op::UXTH) {
                Part::Half
            } else {
                Part::Byte
            },
            d,
            n: None,
            m,
            rotation: 0,
        },
        C::reverse => Operation::Unary {
            op: match i.op {
                Op::REV => Unary::Rev,
                Op::REV16 => Unary::Rev16,
                _ => Unary::Revsh,
            },
            d,
            m,
        },
        C::load_literal | C::load_store_register | C::load_store_immediate | C::load_store_sp => {
            memory(i)
        }
        C::push_pop | C::load_store_multiple => multiple(i),
        C::compare_branch => Operation::CompareBranch {
            n: reg(i.rt()),
            nonzero: i.op == Op::CBNZ,
            offset: i.i() << 6 | i.cb_imm5() << 1,
        },
        C::branch_conditional => branch(signed(i.imm8() << 1, 9), Some(i.cond())),
        C::branch => branch(signed(i.imm11() << 1, 12), None),
        C::if_then => Operation::IfThen(i.firstcond() << 4 | i.mask()),
        C::set_endianness => Operation::SetEndianness { big: i.e() == 1 },
        C::supervisor => Operation::Supervisor(i.imm8()),
        C::breakpoint => Operation::Breakpoint(i.imm8()),
        C::undefined => Operation::Undefined,
        C::hint | C::no_operation => Operation::Nothing,
    }
}

const fn branch(offset: u32, cond: Option<u32>) -> Operation {
    Operation::Branch {
        offset,
        link: false,
        exchange: false,
        cond,
    }
}

fn immediate8(i: Insn) -> Operation {
    let (op, flags) = match i.op {
        Op::MOV_immediate => (DataOp::Mov, SetFlags::OutsideIt),
        Op::CMP_immediate => (DataOp::Cmp, SetFlags::Yes),
        Op::ADD_immediate_T2 => (DataOp::Add, SetFlags::OutsideIt),
        _ => (DataOp::Sub, SetFlags::OutsideIt),
    };
    let dn = reg(i.rdn());
    data(op, flags, dn, dn, constant(i.imm8()))
}

/// Two low registers.
fn data_processing(i: Insn) -> Operation {
    let (d, m) = (reg(i.rd()), reg(i.rm()));
    let sets = SetFlags::OutsideIt;
    let shifted = |shift| {
        let operand = Operand::Shifted { m: d, shift, s: m };
        data(DataOp::Mov, sets, d, 0, operand)
    };
    let (op, flags) = match i.op {
        Op::LSL_register => return shifted(Shift::Lsl),
        Op::LSR_register => return shifted(Shift::Lsr),
        Op::ASR_register => return shifted(Shift::Asr),
        Op::ROR_register => return shifted(Shift::Ror),
        Op::RSB_immediate => return data(DataOp::Rsb, sets, d, m, constant(0)),
        Op::MUL => {
            return Operation::Multiply {
                op: Multiply::Low { subtract: false },
                flags: sets,
                d,
                n: m,
                m: d,
                a: None,
            };
        }
        Op::AND_register => (DataOp::And, sets),
        Op::EOR_register => (DataOp::Eor, sets),
        Op::ADC_register => (DataOp::Adc, sets),
        Op::SBC_register => (DataOp::Sbc, sets),
        Op::TST_register => (DataOp::Tst, SetFlags::Yes),
        Op::CMP_register_T1 => (DataOp::Cmp, SetFlags::Yes),
        Op::CMN_register => (DataOp::Cmn, SetFlags::Yes),
        Op::ORR_register => (DataOp::Orr, sets),
        Op::BIC_register => (DataOp::Bic, sets),
        _ => (DataOp::Mvn, sets),
    };
    data(op, flags, d, d, plain(m))
}

const fn at(n: Reg, offset: Offset) -> Address {
    Address {
        n,
        offset,
        add: true,
        index: Index::Offset,
    }
}

const fn load(size: Size, signed: bool, t: Reg, address: Address) -> Operation {
    Operation::Load {
        size,
        signed,
        t,
        address,
    }
}

const fn store(size: Size, t: Reg, address: Address) -> Operation {
    Operation::Store { size, t, address }
}

fn memory(i: Insn) -> Operation {
    let (t, tn) = (reg(i.rt()), reg(i.rdn()));
    let indexed = at(
        reg(i.rn()),
        Offset::Register {
            m: reg(i.ro()),
            shift: Shift::Lsl,
            amount: 0,
        },
    );
    let immediate = |scale: u32| at(reg(i.rn()), Offset::Immediate(i.imm5() << scale));
    let far = |n| at(n, Offset::Immediate(i.imm8() << 2));
    match i.op {
        Op::LDR_literal => load(Size::Word, false, tn, far(PC)),
        Op::STR_immediate_T2 => store(Size::Word, tn, far(SP)),
        Op::LDR_immediate_T2 => load(Size::Word, false, tn, far(SP)),
        Op::STR_immediate => store(Size::Word, t, immediate(2)),
        Op::LDR_immediate => load(Size::Word, false, t, immediate(2)),
        Op::STRH_immediate => store(Size::Half, t, immediate(1)),
        Op::LDRH_immediate => load(Size::Half, false, t, immediate(1)),
        Op::STRB_immediate => store(Size::Byte, t, immediate(0)),
        Op::LDRB_immediate => load(Size::Byte, false, t, immediate(0)),
        Op::STR_register => store(Size::Word, t, indexed),
        Op::STRH_register => store(Size::Half, t, indexed),
        Op::STRB_register => store(Size::Byte, t, indexed),
        Op::LDRSB_register => load(Size::Byte, true, t, indexed),
        Op::LDR_register => load(Size::Word, false, t, indexed),
        Op::LDRH_register => load(Size::Half, false, t, indexed),
        Op::LDRB_register => load(Size::Byte, false, t, indexed),
        _ => load(Size::Half, true, t, indexed),
    }
}

fn multiple(i: Insn) -> Operation {
    let (n, registers) = (reg(i.rdn()), i.registers());
    let multiple = |n, registers, up, writeback| Multiple {
        n,
        registers,
        up,
        before: !up,
        writeback,
    };
    match i.op {
        Op::PUSH => {
            let registers = i.m() << LR | registers;
            Operation::StoreMultiple(multiple(SP, registers, false, true))
        }
        Op::POP => {
            let registers = i.p() << PC | registers;
            Operation::LoadMultiple(multiple(SP, registers, true, true))
        }
        Op::STM => Operation::StoreMultiple(multiple(n, registers, true, true)),
        // The base that is loaded is not written beside.
        _ => Operation::LoadMultiple(multiple(n, registers, true, registers >> n & 1 == 0)),
    }
}
