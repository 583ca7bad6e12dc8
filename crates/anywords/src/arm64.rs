//! AArch64: one table, one set of instructions.

use a64::Aarch64;
use a64::cpu::{Cpu, Flags, Monitor};
use a64::decode::{Class, Op, allocated};
use a64::insn::Insn;
use a64::lift::{ANY_STACK, FLUSHES, SOFT_FLOAT};
use ir::Mode;
use isa::random::Random;

use crate::words::{BASE, LENGTH, Words};

/// A value with something at stake: an address inside or about the ends, a small number, a NaN,
/// or anything.
fn value(random: &mut Random) -> u64 {
    let any = random.bits();
    match any >> 60 {
        0..=5 => BASE + (any & 0x3f8),
        6 => BASE - 16 + (any & 31),
        7 => BASE + LENGTH as u64 - 16 + (any & 31),
        8..=9 => any & 0x3f,
        10 => (any & 0x3f).wrapping_neg(),
        11 => 0x7ff0_0000_0000_0001 | any << 12,
        _ => random.bits(),
    }
}

impl Words for Aarch64 {
    const SETS: &'static [Mode] = &[Mode::PLAIN];

    fn modes() -> Vec<Mode> {
        let modes = (0..8).map(|bits| {
            Mode::PLAIN
                .with(SOFT_FLOAT, bits & 1 != 0)
                .with(FLUSHES, bits & 2 != 0)
                .with(ANY_STACK, bits & 4 != 0)
        });
        modes.collect()
    }

    fn kinds(_: Mode) -> usize {
        Op::COUNT
    }

    fn word(_: Mode, kind: usize, bits: u32) -> u32 {
        let info = Op::ALL[kind].info();
        info.value | bits & !info.mask
    }

    fn near(_: Mode, word: u32, bits: u32) -> u32 {
        let near = |lsb: u32, width: u32| {
            let mask = ((1_u32 << width) - 1) << lsb;
            let distance = (bits >> 3 & 15).wrapping_sub(8);
            word & !mask | distance << lsb & mask
        };
        match a64::decode::decode(word).map(|insn| insn.op.class()) {
            Some(Class::branch_imm) => near(0, 26),
            Some(Class::branch_cond | Class::compare_branch) => near(5, 19),
            Some(Class::test_branch) => near(5, 14),
            _ => word,
        }
    }

    fn check_decoded(_: Mode, word: u32, insn: Insn) {
        assert_eq!(insn.word, word);
        assert!(allocated(insn.op, word));
        let info = insn.op.info();
        assert_eq!(word & info.mask, info.value);
    }

    #[allow(clippy::cast_possible_truncation, reason = "parts of random numbers")]
    fn state(_: Mode, random: &mut Random) -> Cpu {
        let mut cpu = Cpu::default();
        for x in &mut cpu.x {
            *x = value(random);
        }
        for v in &mut cpu.v {
            *v = u128::from(value(random)) << 64 | u128::from(value(random));
        }
        cpu.pc = random.bits() & !3;
        let bits = random.bits();
        cpu.flags = Flags::from_nzcv((bits & 15) as u8);
        // AHP, DN, FZ, RMode and FZ16.
        cpu.fpcr = (bits >> 4) as u32 & 0x07c8_0000;
        if bits >> 63 == 1 {
            let size = 1 << (bits >> 40 & 3);
            let (address, low, high) = (value(random), random.bits(), random.bits());
            cpu.monitor = Monitor {
                address,
                value: [low, high],
                size,
            };
        }
        cpu
    }

    fn check_state(cpu: &Cpu, what: &str) {
        assert_eq!(cpu.flags.0 & !Flags::MASK & 0xfe, 0, "{what}: flags");
    }

    /// How far copies and sets of memory get is theirs to choose.
    fn stops_amid(insn: Insn) -> bool {
        insn.op.class() == Class::memory_copy_set
    }

    fn stores_several(insn: Insn) -> bool {
        let name = insn.op.class().name();
        let several = ["multiple", "single", "pair"];
        several.iter().any(|part| name.contains(part))
    }
}
