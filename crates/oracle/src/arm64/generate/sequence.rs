//! Random sequences of instructions with branches, loops, calls and memory.
//!
//! A sequence always ends: branches go forward, and a loop counts a register
//! down that nothing else writes, testing it in a way that leaves the loop
//! from any value that it could have when the loop is entered in its middle.
//! Accesses go through registers that hold addresses in the data area and that
//! only their own writeback changes. In some sequences SP is moved too, and is
//! seldom a base, as that may be the end.

use std::sync::LazyLock;

use a64::decode::{Class, Op, decode};
use a64::insn::Insn;

use super::program::{literal, with_offset, with_target};
use super::{Made, Need, memory, stack, words};
use crate::arm64::Program;
use crate::arm64::{DATA, DATA_SIZE};
use crate::random::Rng;

/// The registers of addresses. SP is one, without writeback where it is not
/// moved.
const BASES: [u32; 4] = [19, 20, 21, 22];
/// The registers of small numbers.
const INDICES: [u32; 2] = [23, 24];
/// Where ADR puts the target of an indirect branch.
const TARGET: u32 = 25;
/// What loops count down, the inner and the outer.
const COUNTERS: [u32; 2] = [26, 27];
/// The base of an access that is to fault.
pub const FAULTING: u32 = 28;
/// The link register.
const LINK: u32 = 30;

/// Instructions by what they are picked for.
struct Groups {
    integer: Vec<Op>,
    flags: Vec<Op>,
    vector: Vec<Op>,
    memory: Vec<Op>,
    system: Vec<Op>,
}

static GROUPS: LazyLock<Groups> = LazyLock::new(|| {
    let of =
        |wanted: &dyn Fn(Op) -> bool| Op::ALL.iter().copied().filter(|&op| wanted(op)).collect();
    let is_integer = |class| {
        matches!(
            class,
            Class::addsub_imm
                | Class::addsub_shift
                | Class::addsub_ext
                | Class::addsub_carry
                | Class::logical_imm
                | Class::logical_shift
                | Class::move_wide
                | Class::bitfield
                | Class::extract
                | Class::dp_1src
                | Class::dp_2src
                | Class::dp_3src
                | Class::cond_select
                | Class::cond_compare
                | Class::flags
                | Class::pc_rel
        )
    };
    let touches_flags = |op: Op| {
        let info = op.info();
        matches!(
            info.class,
            Class::addsub_carry
                | Class::cond_select
                | Class::cond_compare
                | Class::flags
                | Class::fp_compare
        ) || is_integer(info.class) && info.mnemonic.ends_with('S') && info.mnemonic != "CLS"
            || matches!(
                op,
                Op::CFINV | Op::AXFLAG | Op::XAFLAG | Op::MRS_NZCV | Op::MSR_NZCV
            )
    };
    let is_system = |class| {
        matches!(
            class,
            Class::barrier | Class::hint | Class::pstate | Class::system_register
        )
    };
    let is_branch = |class| {
        matches!(
            class,
            Class::branch_cond
                | Class::branch_imm
                | Class::branch_reg
                | Class::compare_branch
                | Class::test_branch
                | Class::exception
        )
    };
    Groups {
        integer: of(&|op| is_integer(op.class())),
        flags: of(&touches_flags),
        vector: of(&|op| {
            let class = op.class();
            !is_integer(class) && !memory::accesses(class) && !is_system(class) && !is_branch(class)
        }),
        memory: of(&|op| {
            let class = op.class();
            memory::accesses(class) && class != Class::memory_copy_set
        }),
        system: of(&|op| {
            // What differs between processors, and what other bits than those
            // known would reach.
            let name = op.name();
            is_system(op.class())
                && !name.starts_with("MRS_C")
                && !matches!(
                    op,
                    Op::MRS_ID | Op::MRS_DCZID_EL0 | Op::MSR_FPCR | Op::MSR_FPSR
                )
        }),
    }
});

/// An instruction, or a branch to be given its distance.
#[derive(Clone, Copy)]
enum Slot {
    Word(u32),
    /// To the slot of that number.
    Branch(Insn, usize),
    /// `ADR Xd` of the slot of that number.
    Adr(u32, usize),
    /// A literal load, which depends on its address.
    Literal(Insn),
}

/// A sequence under construction.
struct Builder<'a> {
    rng: &'a mut Rng,
    slots: Vec<Slot>,
    /// Slots that nothing may branch to but what they belong to.
    closed: Vec<usize>,
    /// Branches whose targets are still to be chosen, with the limit.
    open: Vec<usize>,
    needs: Vec<Need>,
    /// SP is moved.
    moves_stack: bool,
    /// A register beside those of `protected` that is not written.
    link_kept: bool,
    /// The size of the exclusive accesses: a store-exclusive whose size isn't
    /// its load's is CONSTRAINED UNPREDICTABLE.
    exclusive: Option<u32>,
}

const fn protected(register: u32) -> bool {
    matches!(register, 19..=28)
}

impl Builder<'_> {
    /// A word of one of the instructions that leaves the protected registers
    /// alone.
    fn plain(&mut self, from: &[Op]) -> Slot {
        loop {
            let op = self.rng.pick(from);
            let insn = words::word(self.rng, op);
            if self.keeps(insn) {
                return Slot::Word(insn.word);
            }
        }
    }

    /// Whether it is of the size of the exclusive accesses before it, if it is
    /// one; the first says which.
    fn fits_exclusives(&mut self, insn: Insn) -> bool {
        if insn.op.class() != Class::ldst_exclusive {
            return true;
        }
        let pair = insn.word >> 21 & 1;
        let size = insn.ldst_size() + pair;
        *self.exclusive.get_or_insert(size) == size
    }

    /// Whether the instruction writes none of the registers that have a task.
    fn keeps(&self, insn: Insn) -> bool {
        let info = insn.op.info();
        let class = info.class.name();
        // Those of SIMD and floating point that write a general register.
        let vector = class.starts_with("simd")
            || class.starts_with("scalar")
            || class.starts_with("fp")
            || class.starts_with("crypto")
            || info.name.contains("SIMD_FP")
            || class.contains("multiple")
            || class.contains("single");
        if vector
            && !matches!(
                info.class,
                Class::fp_int | Class::fp_fixed | Class::simd_copy
            )
        {
            return true;
        }
        let written = info
            .fields
            .iter()
            .filter(|f| matches!(f.name, "Rd" | "Rt" | "Rt2" | "Rs"))
            .map(|f| insn.word >> f.lsb & 31);
        for register in written {
            // CASP writes the register after it too.
            let next = if insn.op == Op::CASP {
                register + 1
            } else {
                register
            };
            let stack = register == 31
                && matches!(
                    info.class,
                    Class::addsub_imm | Class::addsub_ext | Class::logical_imm
                );
            if protected(register)
                || protected(next)
                || stack
                || self.link_kept && (register == LINK || next == LINK)
            {
                return false;
            }
        }
        true
    }

    /// An access through one of the registers for it.
    fn access(&mut self, op: Op, base: Option<u32>) -> Slot {
        loop {
            let mut insn = words::word(self.rng, op);
            let class = op.class();
            if class == Class::ldst_literal {
                if self.keeps(insn) || op == Op::PRFM_literal {
                    return Slot::Literal(insn);
                }
                continue;
            }
            let writes_back = matches!(
                class,
                Class::ldst_imm_post
                    | Class::ldst_imm_pre
                    | Class::ldst_pair_post
                    | Class::ldst_pair_pre
                    | Class::ldst_multiple_post
                    | Class::ldst_single_post
            );
            let register = base.unwrap_or_else(|| {
                let (may, often) = if self.moves_stack {
                    (class != Class::system, 8)
                } else {
                    (!writes_back && class != Class::system, 20)
                };
                if may && self.rng.percent(often) {
                    31
                } else {
                    self.rng.pick(&BASES)
                }
            });
            let field = if class == Class::system { 0 } else { 5 };
            insn.word = insn.word & !(31 << field) | register << field;
            if class == Class::ldst_register
                || matches!(class, Class::ldst_multiple_post | Class::ldst_single_post)
                    && insn.rm() != 31
            {
                insn.word = insn.word & !(31 << 16) | self.rng.pick(&INDICES) << 16;
            }
            if class == Class::ldst_unsigned && base.is_none() {
                // Not too far from the base.
                insn.word &= !(0xf80 << 10);
            }
            let rewritten = decode(insn.word).is_some_and(|i| i.op == op);
            if rewritten && words::predictable(insn) && (class == Class::system || self.keeps(insn))
            {
                return Slot::Word(insn.word);
            }
        }
    }

    /// A branch forward, whose target is chosen when the limit is known.
    fn branch(&mut self) {
        let op = self.rng.pick(&[
            Op::B_cond,
            Op::B_cond,
            Op::B_cond,
            Op::CBZ,
            Op::CBNZ,
            Op::TBZ,
            Op::TBNZ,
            Op::B,
        ]);
        let insn = words::word(self.rng, op);
        self.open.push(self.slots.len());
        self.slots.push(Slot::Branch(insn, usize::MAX));
    }

    /// An indirect branch forward.
    fn indirect(&mut self) {
        self.open.push(self.slots.len());
        self.slots.push(Slot::Adr(TARGET, usize::MAX));
        self.closed.push(self.slots.len());
        // BR or RET.
        let base = self.rng.pick(&[0xd61f_0000, 0xd65f_0000]);
        self.slots.push(Slot::Word(base | TARGET << 5));
    }

    /// One instruction of any kind.
    fn any(&mut self) {
        let groups = &*GROUPS;
        if self.moves_stack && self.rng.percent(15) {
            let word = stack::moved(self.rng, &BASES, &INDICES);
            return self.slots.push(Slot::Word(word));
        }
        let slot = match self.rng.below(100) {
            0..26 => self.plain(&groups.integer),
            26..42 => self.plain(&groups.flags),
            42..68 => self.plain(&groups.vector),
            68..88 => {
                let op = self.rng.pick(&groups.memory);
                match self.access(op, None) {
                    Slot::Word(word) if !self.fits_exclusives(Insn { op, word }) => return,
                    access => access,
                }
            }
            88..90 => self.plain(&groups.system),
            90..98 => return self.branch(),
            _ => return self.indirect(),
        };
        self.slots.push(slot);
    }

    /// Some instructions, or a loop of some.
    fn items(&mut self, count: usize, depth: usize) {
        let end = self.slots.len() + count;
        while self.slots.len() < end {
            let left = end - self.slots.len();
            if left > 6 && self.rng.percent(6) {
                self.products(left.min(30));
            } else if depth < COUNTERS.len() && left > 6 && self.rng.percent(12) {
                let most = if self.rng.percent(30) { 40 } else { 14 };
                self.looped(left.min(most), depth);
            } else {
                self.any();
            }
        }
    }

    /// `count` instructions of the kind that multiplies big numbers: halves of
    /// products of few factors, chains of additions with carry, and little
    /// between them.
    fn products(&mut self, count: usize) {
        const FACTORS: [u32; 5] = [0, 4, 6, 7, 22];
        const RESULTS: [u32; 6] = [4, 5, 7, 14, 15, 31];
        let one = self.rng.pick(&FACTORS);
        for _ in 0..count {
            let registers = |rng: &mut Rng| {
                let (d, n, m) = (rng.pick(&RESULTS), rng.pick(&RESULTS), rng.pick(&RESULTS));
                m << 16 | n << 5 | d
            };
            let factors = |rng: &mut Rng| {
                let (d, by) = (rng.pick(&RESULTS), rng.pick(&FACTORS));
                let (n, m) = if rng.percent(50) {
                    (one, by)
                } else {
                    (by, one)
                };
                m << 16 | n << 5 | d
            };
            let word = match self.rng.below(100) {
                // MUL and UMULH
                0..26 => 0x9b00_7c00 | factors(self.rng),
                26..50 => 0x9bc0_7c00 | factors(self.rng),
                // ADDS, ADCS, ADC, SBCS, SBC
                50..60 => 0xab00_0000 | registers(self.rng),
                60..78 => 0xba00_0000 | registers(self.rng),
                78..83 => 0x9a00_0000 | registers(self.rng),
                83..87 => 0xfa00_0000 | registers(self.rng),
                87..89 => 0xda00_0000 | registers(self.rng),
                // LSR #7, MVN, EXTR #9
                89 => 0xd347_fc00 | registers(self.rng) & 0x3ff,
                90 => 0xaa20_03e0 | registers(self.rng) & 0x1f_001f,
                91 => 0x93c0_2400 | registers(self.rng),
                92..97 => {
                    let op = self.rng.pick(&[
                        Op::LDR_immediate_unsigned,
                        Op::STR_immediate_post,
                        Op::LDP_offset,
                        Op::STP_offset,
                    ]);
                    let access = self.access(op, None);
                    self.slots.push(access);
                    continue;
                }
                _ => {
                    let op = self.rng.pick(&[Op::CBZ, Op::CBNZ, Op::TBZ, Op::TBNZ]);
                    let insn = words::word(self.rng, op);
                    self.open.push(self.slots.len());
                    self.slots.push(Slot::Branch(insn, usize::MAX));
                    continue;
                }
            };
            self.slots.push(Slot::Word(word));
        }
    }

    /// A loop of about `count` slots.
    fn looped(&mut self, count: usize, depth: usize) {
        let counter = COUNTERS[depth];
        // MOVZ Xc, #n
        let times = self.rng.below(5) as u32;
        self.slots
            .push(Slot::Word(0xd280_0000 | times << 5 | counter));
        let head = self.slots.len();
        self.items(count - 4, depth + 1);
        if self.rng.percent(60) {
            // SUBS Xc, Xc, #1, and B.GT, with or without one between.
            self.slots
                .push(Slot::Word(0xf100_0400 | counter << 5 | counter));
            if self.rng.percent(40) {
                let between = self.plain(&[
                    Op::ADD_immediate,
                    Op::EOR_shifted_register,
                    Op::MADD,
                    Op::CSEL,
                    Op::LSLV,
                    Op::UBFM,
                    Op::EXTR,
                ]);
                self.closed.push(self.slots.len());
                self.slots.push(between);
            }
            self.closed.push(self.slots.len());
            let insn = Insn {
                op: Op::B_cond,
                word: 0x5400_000c,
            };
            self.slots.push(Slot::Branch(insn, head));
        } else {
            // SUB Xc, Xc, #1, and TBZ of its sign.
            self.slots
                .push(Slot::Word(0xd100_0400 | counter << 5 | counter));
            self.closed.push(self.slots.len());
            let insn = Insn {
                op: Op::TBZ,
                word: 0xb6f8_0000 | counter,
            };
            self.slots.push(Slot::Branch(insn, head));
        }
    }

    /// Gives the open branches targets, up to `limit`.
    fn close(&mut self, limit: usize) {
        for at in std::mem::take(&mut self.open) {
            let target = loop {
                let target = (at + 1 + self.rng.below(8) as usize).min(limit);
                if !self.closed.contains(&target) {
                    break target;
                }
                // Past a run of closed slots, there is the limit at the least.
                if self.rng.percent(20) {
                    break limit;
                }
            };
            match &mut self.slots[at] {
                Slot::Branch(_, to) | Slot::Adr(_, to) => *to = target,
                _ => {}
            }
        }
    }

    /// A subroutine behind a branch to the end, and calls of it.
    fn subroutine(&mut self) {
        let over = self.slots.len();
        let insn = Insn {
            op: Op::B,
            word: 0x1400_0000,
        };
        self.slots.push(Slot::Branch(insn, usize::MAX));
        self.close(over);
        let start = self.slots.len();
        self.link_kept = true;
        let count = 1 + self.rng.below(6) as usize;
        while self.slots.len() < start + count {
            self.any();
        }
        self.link_kept = false;
        let ret = self.slots.len();
        self.slots.push(Slot::Word(0xd65f_03c0));
        self.close(ret);
        let end = self.slots.len();
        self.slots[over] = Slot::Branch(insn, end);
        // Calls in the place of some plain instructions.
        for at in 0..over {
            let plain = matches!(self.slots[at], Slot::Word(_)) && !self.closed.contains(&at);
            if plain && !self.counts(at) && self.rng.percent(12) {
                let insn = Insn {
                    op: Op::BL,
                    word: 0x9400_0000,
                };
                self.slots[at] = Slot::Branch(insn, start);
            }
        }
    }

    /// Whether the slot sets a counter.
    fn counts(&self, at: usize) -> bool {
        matches!(self.slots[at], Slot::Word(word) if COUNTERS.contains(&(word & 31)))
    }

    /// The slots of accesses that can be made to fault, with their bases. A
    /// store-exclusive is none: at another address it accesses nothing.
    fn accesses(&self) -> Vec<(usize, u32)> {
        let access = |(at, slot): (usize, &Slot)| {
            let Slot::Word(word) = *slot else { return None };
            let insn = decode(word)?;
            let class = insn.op.info().class;
            let base = match class {
                Class::system => insn.rt(),
                Class::ldst_exclusive if insn.op.name().starts_with("ST") => return None,
                Class::ldst_literal => return None,
                _ => insn.rn(),
            };
            memory::accesses(class).then_some((at, base))
        };
        self.slots.iter().enumerate().filter_map(access).collect()
    }

    /// Before the access at `at`: its base becomes one where nothing is, and
    /// nothing else changes. Branches to the access go there first.
    fn inject(&mut self, at: usize, base: u32) {
        for slot in &mut self.slots {
            if let Slot::Branch(_, to) | Slot::Adr(_, to) = slot {
                *to += usize::from(*to > at);
            }
        }
        // SUB Xb, Xb, #0xfff, LSL #12
        let spoil = 0xd17f_fc00 | base << 5 | base;
        self.slots.insert(at, Slot::Word(spoil));
    }

    fn finish(mut self, address: u64) -> Made {
        let end = self.slots.len();
        self.close(end);
        self.place(address)
    }

    /// Once all branches have targets.
    fn place(self, address: u64) -> Made {
        let words = self
            .slots
            .iter()
            .enumerate()
            .map(|(at, slot)| {
                let here = address + 4 * at as u64;
                let distance = |to: usize| (4 * to as u64).wrapping_sub(4 * at as u64);
                match *slot {
                    Slot::Word(word) => word,
                    Slot::Branch(insn, to) => with_target(insn, distance(to)).word,
                    Slot::Adr(register, to) => {
                        with_offset(0x1000_0000 | register, 5, 19, distance(to))
                    }
                    Slot::Literal(insn) => literal(self.rng, insn, here).word,
                }
            })
            .collect();
        let mut needs = self.needs;
        for register in BASES.into_iter().chain([31]) {
            needs.push(Need::Near { register });
        }
        if self.moves_stack {
            needs.push(Need::AnyStack);
        }
        for register in INDICES {
            needs.push(Need::Count {
                register,
                below: 256,
            });
        }
        for register in COUNTERS {
            needs.push(Need::Count { register, below: 4 });
        }
        Made {
            program: Program::new(address, words),
            needs,
            memory: true,
        }
    }
}

fn builder(rng: &mut Rng) -> Builder<'_> {
    Builder {
        rng,
        slots: Vec::new(),
        closed: Vec::new(),
        open: Vec::new(),
        needs: Vec::new(),
        moves_stack: false,
        link_kept: false,
        exclusive: None,
    }
}

/// A sequence of about `length` instructions.
pub fn sequence(rng: &mut Rng, address: u64, length: usize) -> Made {
    built(rng, length).finish(address)
}

fn built(rng: &mut Rng, length: usize) -> Builder<'_> {
    let mut builder = builder(rng);
    builder.moves_stack = builder.rng.percent(25);
    builder.items(length, 0);
    if length > 8 && builder.rng.percent(30) {
        builder.subroutine();
    }
    builder
}

/// A sequence of about `length` instructions whose access number `number` has
/// a fault injected; nothing when it has not as many. The same random numbers
/// give the same sequence, whichever number it is.
pub fn injected(rng: &mut Rng, address: u64, length: usize, number: usize) -> Option<Made> {
    let mut builder = built(rng, length);
    let end = builder.slots.len();
    builder.close(end);
    let (at, base) = *builder.accesses().get(number)?;
    builder.inject(at, base);
    Some(builder.place(address))
}

/// A sequence in whose middle `op` makes an access that mostly faults, at the
/// start of an iteration or after one that didn't.
pub fn faulting(rng: &mut Rng, op: Op, address: u64) -> Made {
    let mut builder = builder(rng);
    // What is met after the rest.
    let mut last = Vec::new();
    let before = builder.rng.below(8) as usize;
    let groups = &*GROUPS;
    while builder.slots.len() < before {
        let slot = match builder.rng.below(3) {
            0 => builder.plain(&groups.integer),
            1 => builder.plain(&groups.flags),
            _ => builder.plain(&groups.vector),
        };
        builder.slots.push(slot);
    }
    if op.class() == Class::ldst_literal {
        let mut slot = builder.access(op, None);
        if let Slot::Literal(insn) = slot
            && builder.rng.percent(75)
        {
            // About the data area's start or end.
            let edge = DATA + builder.rng.below(2) * DATA_SIZE - 16;
            let target = edge + 4 * builder.rng.below(8);
            let here = address + 4 * builder.slots.len() as u64;
            slot = Slot::Word(with_offset(insn.word, 5, 19, target.wrapping_sub(here)));
        }
        builder.slots.push(slot);
    } else {
        let slot = builder.access(op, Some(FAULTING));
        builder.slots.push(slot);
        if let Slot::Word(word) = slot
            && let Some(need) = memory::need(Insn { op, word })
        {
            let (offset, size) = match need {
                Need::Address { offset, size, .. } => (offset, size),
                Need::Indexed {
                    index, shift, size, ..
                } => {
                    // The same under each extension.
                    let value = builder.rng.below(256);
                    last.push(Need::Value {
                        register: index,
                        value,
                    });
                    ((value << shift) as i64, size)
                }
                _ => (0, 1),
            };
            builder.needs.push(Need::Faulting { offset, size });
        }
    }
    for _ in 0..builder.rng.below(4) {
        let slot = match builder.rng.below(2) {
            0 => builder.plain(&groups.integer),
            _ => builder.plain(&groups.flags),
        };
        builder.slots.push(slot);
    }
    let mut made = builder.finish(address);
    made.needs.extend(last);
    made
}
