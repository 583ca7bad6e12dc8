//! Programs and states: random words of each row without those whose meaning the manual leaves
//! open, and registers that let their accesses land in the data area and their branches at an end.

use ::a32::decode::{Insn, State as Set, a32, decode, fp, length, simd, t16, t32};
use ::a32::operation::{
    Address, BitField, DataOp, Index, Multiple, Offset, Operand, Operation, SetFlags, Shift,
    operation,
};

use super::values::{FPSCR, float, target};
use super::vectors;
use super::{Batch, DATA, DATA_SIZE, Program, State, end_in, end_value, mode_of, other, set_of};
use crate::interpreter;
use crate::random::Rng;
use crate::values;

/// Programs and states about a row: of at most so many states, `each` a program.
#[must_use]
pub fn batch(rng: &mut Rng, row: Row, states: usize, each: usize) -> Batch {
    let mut batch = Batch {
        pattern: pattern(rng),
        ..Batch::default()
    };
    let mut accesses_data = false;
    while batch.states.len() < states && batch.has_room(ROOM) {
        let (program, insn) = program(rng, row, batch.next_address() as u32);
        accesses_data |= may_access_data(insn);
        let number = batch.programs.len();
        for _ in 0..each.min(states - batch.states.len()) {
            batch.states.push((number, state(rng, &program, insn)));
        }
        batch.add(program);
    }
    if accesses_data {
        interpreter::leave_out_strays(&mut batch);
    } else {
        batch.pattern.clear();
    }
    batch
}

/// More words than a program has.
pub(super) const ROOM: usize = 128;

/// A row of one of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// A32's.
    A32(a32::Op),
    /// T32's of 4 bytes.
    T32(t32::Op),
    /// And of 2.
    T16(t16::Op),
    /// Floating point, in a state.
    Fp(fp::Op, Set),
    /// Advanced SIMD, in a state.
    Simd(simd::Op, Set),
}

impl Row {
    /// All rows that are run: not what asks the kernel for something, or waits.
    pub fn all() -> impl Iterator<Item = Self> {
        let a32 = a32::Op::ALL.iter().copied().map(Self::A32);
        let t32 = t32::Op::ALL.iter().copied().map(Self::T32);
        let fp = fp::Op::ALL.iter().copied();
        let fp = fp.flat_map(|op| [Set::Arm, Set::Thumb].map(|set| Self::Fp(op, set)));
        let simd = simd::Op::ALL.iter().copied();
        let simd = simd.flat_map(|op| [Set::Arm, Set::Thumb].map(|set| Self::Simd(op, set)));
        a32.chain(t32)
            .chain(t16::Op::ALL.iter().copied().map(Self::T16))
            .chain(fp)
            .chain(simd)
            .filter(|row| !["SVC", "WFE", "WFI"].contains(&row.op_name()))
    }

    pub(super) fn set(self) -> Set {
        match self {
            Self::A32(_) => Set::Arm,
            Self::Fp(_, set) | Self::Simd(_, set) => set,
            _ => Set::Thumb,
        }
    }

    fn op_name(self) -> &'static str {
        match self {
            Self::A32(op) => op.name(),
            Self::T32(op) => op.name(),
            Self::T16(op) => op.name(),
            Self::Fp(op, _) => op.name(),
            Self::Simd(op, _) => op.name(),
        }
    }

    /// The set and the row's name.
    #[must_use]
    pub fn name(self) -> String {
        let set = match (self, self.set()) {
            (Self::T16(_), _) => "T16",
            (_, Set::Arm) => "A32",
            (_, Set::Thumb) => "T32",
        };
        format!("{set}.{}", self.op_name())
    }

    /// Fixed bits, their values with what should be, and all bits that are not free.
    fn pattern(self) -> (u32, u32) {
        macro_rules! pattern {
            ($op:ident) => {{
                let info = $op.info();
                let fields = info.fields.iter().fold(0u32, |all, f| {
                    all | (((1u64 << f.width) - 1) << f.lsb) as u32
                });
                (fields & !info.mask, info.value | info.should)
            }};
        }
        match self {
            Self::A32(op) => pattern!(op),
            Self::T32(op) => pattern!(op),
            Self::T16(op) => pattern!(op),
            Self::Fp(op, _) => pattern!(op),
            Self::Simd(op, _) => pattern!(op),
        }
    }

    fn is(self, insn: Insn) -> bool {
        match (self, insn) {
            (Self::A32(op), Insn::A32(insn)) => insn.op == op,
            (Self::T32(op), Insn::T32(insn)) => insn.op == op,
            (Self::T16(op), Insn::T16(insn)) => insn.op == op,
            (Self::Fp(op, _), Insn::Fp(insn, _)) => insn.op == op,
            (Self::Simd(op, _), Insn::Simd(insn)) => insn.op == op,
            _ => false,
        }
    }

    /// A random word of the row that the manual says the meaning of.
    ///
    /// # Panics
    /// When there seems to be none.
    pub(super) fn word(self, rng: &mut Rng) -> Insn {
        let (free, value) = self.pattern();
        for _ in 0..100_000 {
            let mut word = value | rng.word() & free;
            if self.set() == Set::Arm && free >> 28 == 15 && rng.percent(60) {
                word = word & 0x0fff_ffff | 14 << 28;
            }
            if matches!(self, Self::Fp(_, Set::Arm)) && word >> 28 == 14 && rng.percent(40) {
                word = word & 0x0fff_ffff | rng.below_32(15) << 28;
            }
            if matches!(self, Self::Simd(_, Set::Thumb)) {
                word = vectors::in_thumb(word);
            }
            if let Some(insn) = decode(self.set(), word)
                && self.is(insn)
                && predictable(insn)
            {
                return insn;
            }
        }
        panic!("no word of {} is found", self.name())
    }
}

pub(super) fn word_of(set: Set, insn: Insn) -> u32 {
    match insn {
        Insn::A32(insn) => insn.word,
        Insn::T32(insn) => insn.word,
        Insn::T16(insn) => insn.word,
        Insn::Fp(insn, Some(cond)) => insn.word & 0x0fff_ffff | u32::from(cond) << 28,
        Insn::Fp(insn, None) => insn.word,
        Insn::Simd(insn) if set == Set::Thumb => vectors::in_thumb(insn.word),
        Insn::Simd(insn) => insn.word,
    }
}

fn has_program_counter(registers: &[u8]) -> bool {
    registers.contains(&15)
}

fn operand_registers(operand: Operand) -> Vec<u8> {
    match operand {
        Operand::Immediate { .. } => vec![],
        Operand::Register { m, .. } => vec![m],
        Operand::Shifted { m, s, .. } => vec![m, s],
    }
}

fn address_is_predictable(insn: Insn, address: Address, t: &[u8]) -> bool {
    let arm = matches!(insn, Insn::A32(_));
    let writes = address.index != Index::Offset;
    let n = address.n;
    let m = match address.offset {
        Offset::Immediate(_) => None,
        Offset::Register { m, .. } => Some(m),
    };
    m != Some(15)
        && (!writes || n != 15 && !t.contains(&n) && m != Some(n))
        && (arm || n != 15 || m.is_none())
}

/// Whether the manual says what the word does, and running it is of use.
fn predictable(insn: Insn) -> bool {
    use Operation as O;
    let arm = matches!(insn, Insn::A32(_) | Insn::Fp(_, Some(_)));
    match operation(insn) {
        O::Data {
            op,
            flags,
            d,
            n,
            operand,
        } => data_is_predictable(insn, op, flags, [d, n], operand),
        O::MoveTop { d, .. } | O::ReadStatus { d } => d != 15,
        O::Multiply { d, n, m, a, .. } => !has_program_counter(&[d, n, m, a.unwrap_or(0)]),
        O::MultiplyLong { lo, hi, n, m, .. } => !has_program_counter(&[lo, hi, n, m]) && lo != hi,
        O::Unary { d, m, .. } => {
            // T32 has the register in two places.
            let both = match insn {
                Insn::T32(insn) => insn.rn() == insn.rm(),
                _ => true,
            };
            !has_program_counter(&[d, m]) && both
        }
        O::Extend { d, m, .. } => !has_program_counter(&[d, m]),
        O::Divide { d, n, m, .. }
        | O::Parallel { d, n, m, .. }
        | O::Saturating { d, n, m, .. }
        | O::Pack { d, n, m, .. }
        | O::Select { d, n, m }
        | O::Crc32 { d, n, m, .. } => !has_program_counter(&[d, n, m]),
        O::Saturate { d, n, .. } | O::Saturate16 { d, n, .. } => !has_program_counter(&[d, n]),
        O::BitField { op, d, n, lsb, msb } => {
            d != 15 && (n != 15 || op == BitField::Bfc) && lsb <= msb && msb < 32
        }
        O::WriteStatus { value, .. } => !has_program_counter(&operand_registers(value)),
        O::ReadSystem { t, .. } => t != 15 || arm,
        O::WriteSystem { t } => t != 15,
        O::ReadCounter { t, t2 } => !has_program_counter(&[t, t2]) && t != t2,
        O::Load {
            size, t, address, ..
        } => {
            let word = size.bytes() == 4;
            // An unprivileged load to PC is UNPREDICTABLE, and so is T32's literal's.
            let plain = insn.name().contains("_imm") || insn.name().contains("_reg");
            (t != 15 || word && plain && !insn.name().contains('T'))
                && address_is_predictable(insn, address, &[t])
        }
        O::Store { size, t, address } => {
            (t != 15 || arm && size.bytes() == 4 && !insn.name().contains('T'))
                && address_is_predictable(insn, address, &[t])
                && address.n != 15
        }
        O::LoadDual { t, t2, address } => {
            let m = match address.offset {
                Offset::Immediate(_) => 16,
                Offset::Register { m, .. } => m,
            };
            (!arm || t & 1 == 0)
                && t != t2
                && m != t
                && m != t2
                && !has_program_counter(&[t, t2])
                && address_is_predictable(insn, address, &[t, t2])
        }
        O::StoreDual { t, t2, address } => {
            (!arm || t & 1 == 0)
                && !has_program_counter(&[t, t2])
                && address.n != 15
                && address_is_predictable(insn, address, &[t, t2])
        }
        O::LoadMultiple(multiple) => multiple_is_predictable(insn, multiple, true),
        O::StoreMultiple(multiple) => multiple_is_predictable(insn, multiple, false),
        O::LoadExclusive { size, t, t2, n, .. } => {
            let double = size.bytes() == 8;
            !has_program_counter(&[t, n]) && (!double || t2 != 15 && t != t2)
        }
        O::StoreExclusive {
            size, d, t, t2, n, ..
        } => {
            let double = size.bytes() == 8;
            !has_program_counter(&[d, t, n]) && d != n && d != t && (!double || t2 != 15 && d != t2)
        }
        O::LoadAcquire { t, n, .. } | O::StoreRelease { t, n, .. } => !has_program_counter(&[t, n]),
        O::Swap { t, m, n, .. } => !has_program_counter(&[t, m, n]) && n != t && n != m,
        O::BranchExchange { m, .. } => m != 15,
        O::TableBranch { n, m, .. } => !has_program_counter(&[n, m]),
        O::IfThen(it) => {
            let always = it >> 4 == 14 && (it & 15).count_ones() > 1;
            it >> 4 != 15 && !always
        }
        O::Float(insn) => float_is_predictable(insn, arm),
        O::Simd(insn) => vectors::is_predictable(insn),
        _ => true,
    }
}

fn data_is_predictable(
    insn: Insn,
    op: DataOp,
    flags: SetFlags,
    [d, n]: [u8; 2],
    operand: Operand,
) -> bool {
    let registers = operand_registers(operand);
    let compares = matches!(op, DataOp::Tst | DataOp::Teq | DataOp::Cmp | DataOp::Cmn);
    let moves = matches!(op, DataOp::Mov | DataOp::Mvn);
    let d = if compares { 0 } else { d };
    let n = if moves { 0 } else { n };
    if d == 15 {
        // To a place that a register tells.
        let plain = matches!(
            operand,
            Operand::Register { m, shift: Shift::Lsl, amount: 0 } if m != 15
        );
        return flags == SetFlags::No
            && op == DataOp::Mov
            && plain
            && !matches!(insn, Insn::T32(_));
    }
    match insn {
        Insn::A32(_) => {
            !matches!(operand, Operand::Shifted { .. })
                || !has_program_counter(&[n, registers[0], registers[1]])
        }
        Insn::T32(insn) => {
            let address = matches!(insn.op.name(), "ADD_immediate_T4" | "SUB_immediate_T4");
            (n != 15 || address) && !has_program_counter(&registers)
        }
        Insn::Fp(..) | Insn::Simd(_) => true,
        Insn::T16(_) => !compares || !has_program_counter(&[n]) && registers != [15],
    }
}

fn float_is_predictable(i: fp::Insn, arm: bool) -> bool {
    use fp::Class as C;
    match i.op.class() {
        C::move_single | C::move_scalar | C::duplicate => i.rt() != 15,
        C::status => i.rt() != 15 || i.op == fp::Op::VMRS,
        C::move_pair => {
            let last = i.op == fp::Op::VMOV_two_singles && (i.vm() << 1 | i.m()) == 31;
            i.rt() != 15 && i.rt2() != 15 && i.rt() != i.rt2() && !last
        }
        C::fixed => i.sx() == 1 || (i.imm4l() << 1 | i.i()) <= 16,
        C::load_store => i.rn() != 15 || i.op == fp::Op::VLDR,
        C::load_store_multiple => {
            let double = i.vsize() == 3;
            let (first, count, most) = if double {
                (i.d() << 4 | i.vd(), i.imm8() / 2, 16)
            } else {
                (i.vd() << 1 | i.d(), i.imm8(), 32)
            };
            let loads = matches!(i.op, fp::Op::VLDM | fp::Op::VLDMDB);
            let plain = i.word >> 21 & 1 == 0 && arm && loads;
            count > 0 && count <= most && first + count <= 32 && (i.rn() != 15 || plain)
        }
        _ => true,
    }
}

fn multiple_is_predictable(insn: Insn, multiple: Multiple, load: bool) -> bool {
    let Multiple {
        n,
        registers,
        writeback,
        ..
    } = multiple;
    let listed = registers >> n & 1 == 1;
    let lowest = registers.trailing_zeros() == u32::from(n);
    let wide = matches!(insn, Insn::T32(_));
    let narrow_load = matches!(insn, Insn::T16(_)) && load;
    n != 15
        && (!listed || !writeback || !load && lowest && !wide)
        && (!narrow_load || n != 13 || writeback)
        && (!wide || registers.count_ones() > 1 && registers >> 13 & 1 == 0)
        && (!wide || registers >> 14 != 3)
}

/// A program about one row: its instruction, in T32 state now and then in an IT block and at an
/// address that is no multiple of 4, and NOPs to branch over.
pub(super) fn program(rng: &mut Rng, row: Row, address: u32) -> (Program, Insn) {
    let set = row.set();
    let mut words = Vec::new();
    if set == Set::Thumb && rng.percent(30) {
        // NOP.
        words.push(0xbf00);
    }
    let mut insn = row.word(rng);
    let target = operation(insn);
    if accesses_data(target) && rng.percent(10) {
        // SETEND BE.
        words.push(match set {
            Set::Arm => 0xf101_0200,
            Set::Thumb => 0xb658,
        });
    }
    if rng.percent(80) {
        words.extend(load_for(rng, set, target));
    }
    if set == Set::Thumb && may_be_conditional(insn) && rng.percent(40) {
        words.push(0xbf08 | rng.below_32(14) << 4);
    }
    let at = address + words.iter().map(|&word| length(set, word)).sum::<u32>();
    words.push(word_of(set, insn));
    let branches = matches!(
        target,
        Operation::Branch { .. } | Operation::CompareBranch { .. }
    );
    let place = words.len() - 1;
    let nops = match target {
        Operation::IfThen(it) => 4 - (it & 15).trailing_zeros(),
        _ if branches => 3,
        _ => 0,
    };
    for _ in 0..nops {
        // ADDS R0, #1, so that it is seen what was done.
        words.push(match set {
            Set::Arm => 0xe290_0001,
            Set::Thumb => 0x3001,
        });
    }
    let mut program = Program {
        mode: mode_of(set),
        address: address.into(),
        words,
    };
    if branches {
        let aim = aim(rng, &program, at, target);
        program.words[place] = towards(word_of(set, insn), insn, at, aim);
        insn = decode(set, program.words[place]).expect("it was a branch");
    }
    (program, insn)
}

/// Whether it may be in an IT block.
pub(super) fn may_be_conditional(insn: Insn) -> bool {
    !matches!(
        operation(insn),
        Operation::Branch { cond: Some(_), .. }
            | Operation::CompareBranch { .. }
            | Operation::IfThen(_)
            | Operation::SetEndianness { .. }
            | Operation::Crc32 { .. }
            | Operation::Breakpoint(_)
            | Operation::Undefined
    ) && !insn.name().starts_with("CPS")
        && !insn.name().starts_with("SETPAN")
}

/// The load-exclusive that lets a store-exclusive succeed, unless memory or registers don't.
pub(super) fn load_for(rng: &mut Rng, set: Set, store: Operation) -> Option<u32> {
    let Operation::StoreExclusive {
        size, n, offset, ..
    } = store
    else {
        return None;
    };
    let n = u32::from(n);
    let t = (0..6).map(|t| 2 * t).filter(|t| n != *t && n != t + 1);
    let t = rng.pick(&t.collect::<Vec<_>>());
    let bytes = size.bytes();
    Some(
        n << 16
            | t << 12
            | match set {
                Set::Arm => {
                    0xe190_0f9f
                        | (match bytes {
                            4 => 0,
                            8 => 1,
                            1 => 2,
                            _ => 3,
                        }) << 21
                }
                Set::Thumb => match bytes {
                    4 => 0xe850_0f00 | offset >> 2,
                    8 => 0xe8d0_007f | (t + 1) << 8,
                    1 => 0xe8d0_0f4f,
                    _ => 0xe8d0_0f5f,
                },
            },
    )
}

/// Whether it loads or stores, so that the order of bytes matters.
pub(super) fn accesses_data(operation: Operation) -> bool {
    use Operation as O;
    matches!(
        operation,
        O::Load { .. }
            | O::Store { .. }
            | O::LoadDual { .. }
            | O::StoreDual { .. }
            | O::LoadMultiple(_)
            | O::StoreMultiple(_)
            | O::LoadExclusive { .. }
            | O::StoreExclusive { .. }
            | O::LoadAcquire { .. }
            | O::StoreRelease { .. }
            | O::Swap { .. }
    ) || matches!(operation, O::Float(i)
        if matches!(i.op.class(), fp::Class::load_store | fp::Class::load_store_multiple))
        || matches!(operation, O::Simd(i) if vectors::accesses_data(i))
}

/// Whether it may load or store anything.
pub(super) fn may_access_data(insn: Insn) -> bool {
    use Operation as O;
    match operation(insn) {
        O::Data { .. }
        | O::MoveTop { .. }
        | O::Multiply { .. }
        | O::MultiplyLong { .. }
        | O::Divide { .. }
        | O::Unary { .. }
        | O::Extend { .. }
        | O::Parallel { .. }
        | O::Saturating { .. }
        | O::Saturate { .. }
        | O::Saturate16 { .. }
        | O::Pack { .. }
        | O::Select { .. }
        | O::BitField { .. }
        | O::Crc32 { .. } => false,
        O::Float(_) | O::Simd(_) => accesses_data(operation(insn)),
        _ => true,
    }
}

/// Where a branch goes: an instruction behind it that it can reach, or an end.
fn aim(rng: &mut Rng, program: &Program, at: u32, target: Operation) -> u32 {
    let set = set_of(program);
    let step = if set == Set::Arm { 4 } else { 2 };
    match target {
        Operation::Branch { exchange: true, .. } => end_in(program, other(set)),
        // The least that CBZ reaches, in any set what lies behind the next.
        _ => at + 2 * step + step * rng.below_32((end_in(program, set) - at) / step - 1),
    }
}

/// The word with its offset such that it goes there.
fn towards(word: u32, insn: Insn, at: u32, aim: u32) -> u32 {
    let distance = |ahead: u32| aim.wrapping_sub(at.wrapping_add(ahead));
    let put = |word: u32, lsb: u32, width: u32, value: u32| {
        let mask = ((1u64 << width) - 1) as u32;
        word & !(mask << lsb) | (value & mask) << lsb
    };
    match insn {
        Insn::A32(insn) => {
            let offset = distance(8);
            let word = put(word, 0, 24, offset >> 2);
            if insn.op == a32::Op::BLX_immediate {
                put(word, 24, 1, offset >> 1)
            } else {
                word
            }
        }
        Insn::T16(insn) => {
            let offset = distance(4);
            match insn.op {
                t16::Op::B_T1 => put(word, 0, 8, offset >> 1),
                t16::Op::B_T2 => put(word, 0, 11, offset >> 1),
                _ => put(put(word, 3, 5, offset >> 1), 9, 1, offset >> 6),
            }
        }
        Insn::Fp(..) | Insn::Simd(_) => word,
        Insn::T32(insn) => {
            let from = if insn.op == t32::Op::BLX_immediate {
                (at + 4) & !3
            } else {
                at + 4
            };
            let offset = aim.wrapping_sub(from);
            let word = put(put(word, 0, 11, offset >> 1), 26, 1, offset >> 31);
            if insn.op == t32::Op::B_T3 {
                let word = put(word, 16, 6, offset >> 12);
                return put(put(word, 13, 1, offset >> 18), 11, 1, offset >> 19);
            }
            let (i1, i2) = (offset >> 23, offset >> 22);
            let sign = offset >> 31;
            let word = put(word, 16, 10, offset >> 12);
            put(put(word, 13, 1, !(i1 ^ sign)), 11, 1, !(i2 ^ sign))
        }
    }
}

/// A state for the program about an instruction.
pub(super) fn state(rng: &mut Rng, program: &Program, insn: Insn) -> State {
    let mut state = State {
        cpsr: rng.word() & 0xf80f_0000,
        tpidrurw: rng.word(),
        ..State::default()
    };
    for r in &mut state.r {
        *r = values::int_32(rng);
    }
    for d in &mut state.d {
        *d = rng.bits();
    }
    if rng.percent(20) {
        let (a, b) = (rng.below_32(15) as usize, rng.below_32(15) as usize);
        state.r[a] = state.r[b];
    }
    if let Operation::Float(insn) = operation(insn) {
        meet_float(rng, &mut state, insn);
    }
    if let Operation::Simd(insn) = operation(insn) {
        vectors::meet(rng, &mut state, insn);
    }
    let set = set_of(program);
    let end = |rng: &mut Rng| {
        let set = rng.pick(&[set, set, other(set)]);
        end_value(program, set)
    };
    match operation(insn) {
        Operation::Data {
            d: 15,
            operand: Operand::Register { m, .. },
            ..
        } => {
            // In T32 state it is no interworking branch.
            let thumb = set == Set::Thumb;
            state.r[usize::from(m)] = if thumb {
                end_value(program, Set::Thumb)
            } else {
                end(rng)
            };
        }
        Operation::BranchExchange { m, .. } => state.r[usize::from(m)] = end(rng),
        Operation::CompareBranch { n, .. } if rng.percent(50) => state.r[usize::from(n)] = 0,
        Operation::Load { size, address, .. } | Operation::Store { size, address, .. } => {
            meet(rng, &mut state, address, size.bytes() as u32);
        }
        Operation::LoadDual { address, .. } | Operation::StoreDual { address, .. } => {
            meet(rng, &mut state, address, 8);
        }
        Operation::LoadMultiple(multiple) | Operation::StoreMultiple(multiple) => {
            let bytes = 4 * multiple.registers.count_ones();
            let first = target(rng, bytes);
            let past = if multiple.before == multiple.up { 4 } else { 0 };
            state.r[usize::from(multiple.n)] = if multiple.up {
                first.wrapping_sub(past)
            } else {
                first.wrapping_add(bytes).wrapping_sub(past)
            };
        }
        Operation::LoadExclusive {
            size, n, offset, ..
        }
        | Operation::StoreExclusive {
            size, n, offset, ..
        } => {
            state.r[usize::from(n)] = target(rng, size.bytes() as u32).wrapping_sub(offset);
        }
        Operation::LoadAcquire { size, n, .. }
        | Operation::StoreRelease { size, n, .. }
        | Operation::Swap { size, n, .. } => {
            state.r[usize::from(n)] = target(rng, size.bytes() as u32);
        }
        Operation::TableBranch { n, m, halves } => {
            // Where the pattern is zero.
            let index = rng.below_32(16);
            state.r[usize::from(m)] = index;
            let address = DATA + 2 * rng.below_32(16);
            if n != m {
                state.r[usize::from(n)] = address - (index << u32::from(halves));
            }
        }
        _ => {}
    }
    state
}

/// Numbers that find mistakes, modes, and an address of an access.
fn meet_float(rng: &mut Rng, state: &mut State, i: fp::Insn) {
    let precision = if i.word >> 8 & 1 == 1 { 3 } else { 2 };
    for d in &mut state.d {
        *d = match rng.below_32(3) {
            0 => float(rng, 1) << 48 | float(rng, 1) << 32 | float(rng, 1) << 16 | float(rng, 1),
            1 => float(rng, 2) << 32 | float(rng, 2),
            _ => float(rng, 3),
        };
        if rng.percent(40) {
            *d = match precision {
                2 => float(rng, 2) << 32 | float(rng, 2),
                _ => float(rng, 3),
            };
        }
    }
    state.fpscr = match rng.below_32(4) {
        0 | 1 => rng.word() & 0xf000_0000,
        2 => rng.word() & 0xf0c0_0000,
        _ => rng.word() & FPSCR,
    };
    let bytes = match i.op.class() {
        fp::Class::load_store => 8,
        fp::Class::load_store_multiple => i.imm8() << 2,
        _ => {
            if i.op == fp::Op::VMSR {
                state.r[i.rt() as usize] &= FPSCR;
            }
            return;
        }
    };
    let aim = if rng.percent(90) {
        target(rng, bytes.max(1)) & !3
    } else {
        target(rng, bytes.max(1))
    };
    let offset = match i.op.class() {
        fp::Class::load_store if i.u23() == 1 => i.imm8() << if i.vsize() == 1 { 1 } else { 2 },
        fp::Class::load_store => (i.imm8() << if i.vsize() == 1 { 1 } else { 2 }).wrapping_neg(),
        _ if i.word >> 24 & 1 == 1 => bytes.wrapping_neg(),
        _ => 0,
    };
    if i.rn() != 15 {
        state.r[i.rn() as usize] = aim.wrapping_sub(offset);
    }
}

/// Sets the base so that the access lands in the data area.
fn meet(rng: &mut Rng, state: &mut State, address: Address, size: u32) {
    let aim = target(rng, size);
    let offset = match address.offset {
        Offset::Immediate(offset) => offset,
        Offset::Register { m, shift, amount } => {
            let m = &mut state.r[usize::from(m)];
            if rng.percent(50) {
                *m = rng.below_32(4096);
            }
            let amount = u32::from(amount);
            match shift {
                Shift::Lsl => *m << amount,
                Shift::Lsr => m.checked_shr(amount).unwrap_or(0),
                Shift::Asr => (m.cast_signed() >> amount.min(31)).cast_unsigned(),
                Shift::Ror => m.rotate_right(amount),
                Shift::Rrx => *m >> 1 | (state.cpsr >> 29 & 1) << 31,
            }
        }
    };
    if address.n == 15 {
        return;
    }
    state.r[usize::from(address.n)] = match (address.index, address.add) {
        (Index::Post, _) => aim,
        (_, true) => aim.wrapping_sub(offset),
        (_, false) => aim.wrapping_add(offset),
    };
}

/// What the data area holds: random, but for zeros at the start, where tables of branches are.
pub(super) fn pattern(rng: &mut Rng) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..DATA_SIZE / 8)
        .flat_map(|_| rng.bits().to_le_bytes())
        .collect();
    bytes[..64].fill(0);
    bytes
}
