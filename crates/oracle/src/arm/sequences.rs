//! Sequences of several instructions, with IT blocks of up to four, comparisons of floating point with
//! conditions behind, SETEND, and exclusive accesses. The interpreter is asked while a sequence grows, so that most run to their ends; what both
//! executors make of it is compared like all else.

use a32::Aarch32;
use a32::cpu::Cpu;
use a32::decode::fp::Class;
use a32::decode::{Insn, State as Set, decode};
use a32::interp::step;
use a32::operation::{Operation, operation};
use guest::Environment;
use guest::memory::{Barrier, Buffer, Fault, FaultKind, Memory, Size};

use super::generate::{self, ROOM, Row, load_for, may_be_conditional, word_of};
use super::values::{FPSCR, float, integers, lanes};
use super::{Batch, CODE, DATA, DATA_SIZE, Program, State, mode_of, set_of};
use crate::case::CODE_SIZE;
use crate::interpreter;
use crate::random::Rng;
use crate::tested::Tested;
use crate::values;

/// Programs and states: at most so many, `each` a program.
#[must_use]
pub fn batch(rng: &mut Rng, states: usize, each: usize) -> Batch {
    let mut batch = Batch {
        pattern: generate::pattern(rng),
        ..Batch::default()
    };
    while batch.states.len() < states && batch.has_room(ROOM) {
        let before = state(rng);
        let program = program(rng, &before, &batch.pattern, batch.next_address());
        let number = batch.add(program);
        for n in 0..each.min(states - batch.states.len()) {
            let mut state = before;
            if n > 0 {
                vary(rng, &mut state);
            }
            batch.states.push((number, state));
        }
    }
    interpreter::leave_out_strays(&mut batch);
    batch
}

/// Many registers are addresses in the data area, so that accesses find it.
fn state(rng: &mut Rng) -> State {
    let mut state = State {
        cpsr: rng.word() & 0xf80f_0000,
        tpidrurw: rng.word(),
        ..State::default()
    };
    for r in &mut state.r {
        *r = if rng.percent(60) {
            let address = DATA + DATA_SIZE / 4 + rng.below_32(DATA_SIZE / 2);
            address & if rng.percent(80) { !15 } else { !3 }
        } else if rng.percent(50) {
            rng.below_32(64)
        } else {
            values::int_32(rng)
        };
    }
    vectors(rng, &mut state);
    state
}

/// Other flags and vectors, and what is no address.
fn vary(rng: &mut Rng, state: &mut State) {
    state.cpsr = rng.word() & 0xf80f_0000;
    for r in &mut state.r {
        if !(DATA..DATA + DATA_SIZE).contains(r) && *r >= 64 {
            *r = values::int_32(rng);
        }
    }
    vectors(rng, state);
}

fn vectors(rng: &mut Rng, state: &mut State) {
    for d in &mut state.d {
        *d = match rng.below_32(7) {
            0 => lanes(rng, 16, |rng| float(rng, 1)),
            1 => lanes(rng, 32, |rng| float(rng, 2)),
            2 => float(rng, 3),
            3 => rng.bits(),
            size => integers(rng, 4 << (size - 3)),
        };
    }
    state.fpscr = match rng.below_32(3) {
        0 => rng.word() & 0xf000_0000,
        1 => rng.word() & 0xf0c0_0000,
        _ => rng.word() & FPSCR,
    };
}

/// A program in the making, that is executed as it grows. Its code reads as zero, and is not
/// written.
#[derive(Clone)]
struct Machine {
    cpu: Cpu,
    data: Data,
}

#[derive(Clone)]
struct Data(Buffer);

impl Machine {
    /// At the program's first instruction.
    fn new(state: &State, program: &Program, pattern: &[u8]) -> Self {
        let mut data = Buffer::new(DATA.into(), 0);
        data.bytes = pattern.to_vec();
        Self {
            cpu: Aarch32::cpu(state, program),
            data: Data(data),
        }
    }

    /// Whether a word is executed without exception.
    fn executes(&mut self, word: u32) -> bool {
        decode(self.cpu.state(), word)
            .is_some_and(|insn| step(&mut self.cpu, &mut self.data, insn).is_ok())
    }
}

impl Memory for Data {
    fn load(&mut self, address: u64, size: Size) -> Result<u128, Fault> {
        if (CODE.into()..u64::from(CODE) + CODE_SIZE).contains(&address) {
            return Ok(0);
        }
        self.0.load(address, size)
    }

    fn store(&mut self, address: u64, size: Size, value: u128) -> Result<(), Fault> {
        self.0.store(address, size, value)
    }

    fn compare_exchange(
        &mut self,
        address: u64,
        size: Size,
        expected: u128,
        new: u128,
    ) -> Result<u128, Fault> {
        self.0.compare_exchange(address, size, expected, new)
    }

    fn fetch(&mut self, address: u64, _: Size) -> Result<u32, Fault> {
        Err(Fault {
            address,
            kind: FaultKind::Translation,
            write: false,
        })
    }

    fn barrier(&mut self, _: Barrier) {}

    fn invalidate_code(&mut self, _: u64, _: u64) {}
}

impl Environment for Data {
    fn counter(&mut self) -> u64 {
        0
    }

    fn frequency(&mut self) -> u64 {
        1
    }
}

/// A sequence of which the interpreter makes something on a state.
fn program(rng: &mut Rng, state: &State, pattern: &[u8], address: u64) -> Program {
    let mut program = Program {
        mode: mode_of(rng.pick(&[Set::Arm, Set::Thumb])),
        address,
        words: Vec::new(),
    };
    let mut machine = Machine::new(state, &program, pattern);
    let steps = 2 + rng.below_32(10);
    for _ in 0..steps {
        let (words, after) = part(rng, set_of(&program), &machine);
        program.words.extend(words);
        let Some(after) = after else { break };
        machine = after;
    }
    program
}

/// The next words, and the machine behind them, unless they end in an exception.
fn part(rng: &mut Rng, set: Set, machine: &Machine) -> (Vec<u32>, Option<Machine>) {
    for _ in 0..40 {
        let words = match rng.below_32(10) {
            0 => exclusive(rng, set),
            1 => judged(rng, set),
            2..5 if set == Set::Thumb => block(rng),
            _ => vec![word_of(set, instruction(rng, set, |insn| !stores(insn)))],
        };
        let mut after = machine.clone();
        if words.iter().all(|&word| after.executes(word)) {
            return (words, Some(after));
        }
        if rng.percent(3) {
            return (words, None);
        }
    }
    (Vec::new(), None)
}

/// An instruction that goes on to the next.
fn instruction(rng: &mut Rng, set: Set, wanted: impl Fn(Insn) -> bool) -> Insn {
    let rows: Vec<Row> = Row::all().filter(|row| row.set() == set).collect();
    loop {
        let row = rng.pick(&rows);
        if is_left_out(&row.name()) {
            continue;
        }
        let insn = row.word(rng);
        if !leads_away(insn) && wanted(insn) {
            return insn;
        }
    }
}

/// What differs anywhere, or asks for values of its own.
fn is_left_out(name: &str) -> bool {
    ["CNTFRQ", "CNTVCT", "SETPAN", "VMSR", "BKPT", "UDF"]
        .iter()
        .any(|part| name.contains(part))
}

fn leads_away(insn: Insn) -> bool {
    use Operation as O;
    match operation(insn) {
        O::Branch { .. }
        | O::BranchExchange { .. }
        | O::CompareBranch { .. }
        | O::TableBranch { .. }
        | O::IfThen(_) => true,
        O::Data { d, .. } => d == 15,
        O::Load { t, .. } => t == 15,
        O::LoadMultiple(multiple) => multiple.registers >> 15 == 1,
        _ => false,
    }
}

/// A load-exclusive and its store, with something between now and then. What the store does after
/// a load of another size is the implementation's choice. QEMU's fails after SETEND or MSR has turned the order
/// of bytes, too: it compares what was loaded as the store would have it.
fn exclusive(rng: &mut Rng, set: Set) -> Vec<u32> {
    let store = instruction(rng, set, stores);
    let mut words: Vec<u32> = load_for(rng, set, operation(store)).into_iter().collect();
    if rng.percent(30) {
        let turns = |insn| {
            matches!(
                operation(insn),
                Operation::SetEndianness { .. } | Operation::WriteStatus { .. }
            )
        };
        let between = |insn| !stores(insn) && !loads(insn) && !turns(insn);
        words.push(word_of(set, instruction(rng, set, between)));
    }
    words.push(word_of(set, store));
    words
}

fn stores(insn: Insn) -> bool {
    matches!(operation(insn), Operation::StoreExclusive { .. })
}

fn loads(insn: Insn) -> bool {
    matches!(operation(insn), Operation::LoadExclusive { .. })
}

/// An instruction of floating point, or in T32 of Advanced SIMD, under a condition of a comparison of
/// floating point, whose flags nothing behind it sees.
fn judged(rng: &mut Rng, set: Set) -> Vec<u32> {
    const VCMP_SINGLE: u32 = 0xeeb4_0a40;
    /// D, Vd, M and Vm.
    const REGISTERS: u32 = 0x0040_f02f;
    const VMRS_FLAGS: u32 = 0xeef1_fa10;
    let thumb = set == Set::Thumb;
    let cond = rng.below_32(14);
    // Half precision, and what has no condition in A32, are UNPREDICTABLE under one.
    let wanted = |insn| match insn {
        Insn::Fp(insn, has) => {
            let class = insn.op.class();
            let computes = matches!(class, Class::three | Class::two | Class::to_integer);
            let conditional = insn.vsize() != 1 && insn.word >> 28 != 15;
            computes && conditional && (thumb || has.is_some())
        }
        Insn::Simd(_) => thumb,
        _ => false,
    };
    let word = word_of(set, instruction(rng, set, wanted));
    let mut words = vec![VCMP_SINGLE | rng.word() & REGISTERS, VMRS_FLAGS];
    // CMP R3, R3 at the end.
    if thumb {
        words.extend([0xbf08 | cond << 4, word, 0x429b]);
    } else {
        words.extend([word & 0x0fff_ffff | cond << 28, 0xe153_0003]);
    }
    words
}

/// An IT block of one to four instructions.
fn block(rng: &mut Rng) -> Vec<u32> {
    let count = 1 + rng.below_32(4);
    let cond = rng.below_32(14);
    // Each bit but the last one set is the low bit of a condition.
    let mask = (rng.below_32(16) << 1 | 1) << (4 - count) & 15;
    let mut words = vec![0xbf00 | cond << 4 | mask];
    for _ in 0..count {
        words.push(word_of(
            Set::Thumb,
            instruction(rng, Set::Thumb, |insn| {
                may_be_conditional(insn) && !stores(insn)
            }),
        ));
    }
    words
}
