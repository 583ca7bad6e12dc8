//! AArch32: A32 and T32, of whose tables two are in both.

use ::a32::Aarch32;
use ::a32::cpu::{Cpu, Flags};
use ::a32::decode::{Insn, State as Set, a32, decode, fp, is_long, simd, t16, t32};
use ::a32::lift::{AMID, BIG_ENDIAN, DIRECTED, FLUSHES, THUMB, state};
use ir::Mode;
use isa::random::Random;

use crate::words::{BASE, LENGTH, Words};

/// How many kinds of T32 are IT once more, beside its row: enough that many words are in a block.
const ITS: usize = 60;

/// A kind of words.
#[derive(Clone, Copy)]
enum Row {
    A32(a32::Op),
    T32(t32::Op),
    T16(t16::Op),
    Fp(fp::Op),
    Simd(simd::Op),
}

impl Row {
    fn new(set: Set, kind: usize) -> Self {
        let Some(kind) = kind.checked_sub(fp::Op::COUNT) else {
            return Self::Fp(fp::Op::ALL[kind]);
        };
        let Some(kind) = kind.checked_sub(simd::Op::COUNT) else {
            return Self::Simd(simd::Op::ALL[kind]);
        };
        if set == Set::Arm {
            return Self::A32(a32::Op::ALL[kind]);
        }
        match kind.checked_sub(t32::Op::COUNT) {
            None => Self::T32(t32::Op::ALL[kind]),
            Some(kind) => Self::T16(t16::Op::ALL.get(kind).copied().unwrap_or(t16::Op::IT)),
        }
    }

    fn word(self, set: Set, bits: u32) -> u32 {
        macro_rules! of {
            ($op:ident) => {{
                let info = $op.info();
                info.value | bits & !info.mask
            }};
        }
        match self {
            Self::A32(op) => of!(op),
            Self::T32(op) => of!(op),
            Self::T16(op) => of!(op) & 0xffff,
            // Its rows have bits 31 to 28 as T32 has them, where A32 has a condition.
            Self::Fp(op) if set == Set::Arm && op.info().value >> 28 == 14 => {
                of!(op) & 0x0fff_ffff | bits & 0xf000_0000
            }
            Self::Fp(op) => of!(op),
            Self::Simd(op) if set == Set::Thumb => in_thumb(of!(op)),
            Self::Simd(op) => of!(op),
        }
    }
}

/// The word of Advanced SIMD as T32 has it.
fn in_thumb(word: u32) -> u32 {
    let first = match word >> 24 {
        0xf2 => 0xef,
        0xf3 => 0xff,
        0xf4 => 0xf9,
        first => first,
    };
    word & 0x00ff_ffff | first << 24
}

/// An address inside or about the ends, a small number, or anything.
fn value(random: &mut Random) -> u64 {
    let any = random.bits();
    match any >> 60 {
        0..=6 => BASE + (any & 0x3f8),
        7 => BASE + LENGTH as u64 - 16 + (any & 31),
        8..=9 => any & 0x3f,
        10 => (any & 0x3f).wrapping_neg() & 0xffff_ffff,
        _ => any & 0xffff_ffff,
    }
}

impl Words for Aarch32 {
    const SETS: &'static [Mode] = &[Mode::PLAIN, THUMB];

    fn modes() -> Vec<Mode> {
        let modes = (0..32).map(|bits| {
            Mode::PLAIN
                .with(THUMB, bits & 1 != 0)
                .with(AMID, bits & 2 != 0)
                .with(BIG_ENDIAN, bits & 4 != 0)
                .with(FLUSHES, bits & 8 != 0)
                .with(DIRECTED, bits & 16 != 0)
        });
        // IT is 0 in A32 state.
        modes
            .filter(|mode| mode.has(THUMB) || !mode.has(AMID))
            .collect()
    }

    fn kinds(mode: Mode) -> usize {
        let own = match state(mode) {
            Set::Arm => a32::Op::COUNT,
            Set::Thumb => t32::Op::COUNT + t16::Op::COUNT + ITS,
        };
        fp::Op::COUNT + simd::Op::COUNT + own
    }

    fn word(mode: Mode, kind: usize, bits: u32) -> u32 {
        let set = state(mode);
        let word = Row::new(set, kind).word(set, bits);
        // No condition is more usual than each other one.
        if set == Set::Arm && word >> 28 < 15 && bits.count_ones().is_multiple_of(2) {
            word & 0x0fff_ffff | 0xe000_0000
        } else {
            word
        }
    }

    fn near(mode: Mode, word: u32, bits: u32) -> u32 {
        let distance = (bits >> 3 & 31).wrapping_sub(16);
        let sign = distance >> 31;
        let put = |word: u32, lsb: u32, width: u32, value: u32| {
            let mask = ((1_u32 << width) - 1) << lsb;
            word & !mask | value << lsb & mask
        };
        match decode(state(mode), word) {
            Some(Insn::A32(insn)) if insn.op.class() == a32::Class::branch => {
                put(word, 0, 24, distance)
            }
            Some(Insn::T16(insn)) => match insn.op {
                t16::Op::B_T1 => put(word, 0, 8, distance),
                t16::Op::B_T2 => put(word, 0, 11, distance),
                t16::Op::CBZ | t16::Op::CBNZ => put(word & !(1 << 9), 3, 5, distance & 15),
                _ => word,
            },
            Some(Insn::T32(insn)) => {
                let low = |word| put(put(word, 26, 1, sign), 0, 11, distance);
                // J1 and J2 are the sign in B_T3; elsewhere they are 1 where the bits are the sign's.
                match insn.op.class() {
                    t32::Class::branch_conditional => {
                        let word = put(put(word, 13, 1, sign), 11, 1, sign);
                        low(put(word, 16, 6, distance >> 11))
                    }
                    t32::Class::branch => {
                        // BLX's last bit is 0.
                        let last = u32::from(insn.op == t32::Op::BLX_immediate);
                        low(put(word | 1 << 13 | 1 << 11, 16, 10, distance >> 11)) & !last
                    }
                    _ => word,
                }
            }
            _ => word,
        }
    }

    fn any(mode: Mode, bits: u32) -> u32 {
        match state(mode) {
            Set::Thumb if !is_long(bits >> 16) => bits >> 16,
            _ => bits,
        }
    }

    fn put(mode: Mode, word: u32, bytes: &mut Vec<u8>) {
        if state(mode) == Set::Arm {
            return bytes.extend(word.to_le_bytes());
        }
        if is_long(word >> 16) {
            bytes.extend(word.to_le_bytes().split_at(2).1);
        }
        bytes.extend(word.to_le_bytes().split_at(2).0);
    }

    fn check_decoded(mode: Mode, word: u32, insn: Insn) {
        macro_rules! check {
            ($table:ident, $insn:ident) => {{
                let info = $insn.op.info();
                assert!($table::allocated($insn.op, $insn.word));
                assert_eq!($insn.word & info.mask, info.value);
                $insn.word
            }};
        }
        let own = match insn {
            Insn::A32(insn) => check!(a32, insn),
            Insn::T32(insn) => check!(t32, insn),
            Insn::T16(insn) => check!(t16, insn),
            Insn::Fp(insn, None) => check!(fp, insn),
            Insn::Fp(insn, Some(cond)) => check!(fp, insn) & 0x0fff_ffff | u32::from(cond) << 28,
            Insn::Simd(insn) if state(mode) == Set::Thumb => in_thumb(check!(simd, insn)),
            Insn::Simd(insn) => check!(simd, insn),
        };
        assert_eq!(own, word);
    }

    #[allow(clippy::cast_possible_truncation, reason = "parts of random numbers")]
    fn state(set: Mode, random: &mut Random) -> Cpu {
        let mut cpu = Cpu {
            pc: value(random) & !3,
            flags: Flags::from_nzcv((random.bits() & 15) as u8),
            big_endian: (random.bits() >> 9 & 1) as u32,
            ..Cpu::default()
        };
        for r in &mut cpu.r[..15] {
            *r = value(random);
        }
        if state(set) == Set::Thumb {
            cpu.thumb = 1;
            cpu.pc |= u64::from(random.word() >> 31) << 1;
            let it = random.word();
            cpu.set_it(if it >> 31 == 1 { it & 0xff } else { 0 });
        }
        for v in &mut cpu.v[..16] {
            *v = u128::from(random.bits()) << 64 | u128::from(random.bits());
        }
        cpu.set_fpscr(random.word() & 0x07c8_0000);
        if random.bits() >> 63 == 1 {
            cpu.monitor.address = cpu.r[(random.bits() % 15) as usize];
            cpu.monitor.size = 1 << (random.bits() % 4);
        }
        cpu
    }

    fn check_state(cpu: &Cpu, what: &str) {
        assert!(
            cpu.r.iter().all(|&r| r >> 32 == 0),
            "{what}: a register's upper half"
        );
        assert!(cpu.pc >> 32 == 0 && cpu.pc & 1 == 0, "{what}: PC");
        assert!(cpu.it() == 0 || cpu.thumb == 1, "{what}: IT in A32 state");
        assert!(
            cpu.q() < 2 && cpu.big_endian < 2 && cpu.it() < 256,
            "{what}: a part of PSTATE"
        );
    }

    /// `ITAdvance`.
    fn pass(cpu: &mut Cpu) {
        let it = cpu.it();
        cpu.set_it(if it & 7 == 0 {
            0
        } else {
            it & 0xe0 | it << 1 & 0x1f
        });
    }

    fn behind(pc: u64, length: u64) -> u64 {
        (pc + length) & 0xffff_ffff
    }

    fn stores_several(insn: Insn) -> bool {
        let several = ["STM", "STRD", "PUSH", "VST"];
        several.iter().any(|name| insn.name().starts_with(name))
    }
}
