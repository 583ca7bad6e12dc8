//! Promise: the interpreter takes any instruction on any state, and after an exception the
//! registers are those before the instruction.
//!
//! `ARMISTICE_LONG=1` does a hundred times more.
#![allow(
    clippy::cast_possible_truncation,
    reason = "parts of random numbers are what is wanted"
)]

use armistice_a32::cpu::{Cpu, Flags};
use armistice_a32::decode::{Insn, State, a32, decode, fp, simd, t16, t32};
use armistice_a32::interp::step;
use guest::Exception;
use guest::memory::Buffer;
use isa::random::Random;

/// Where the memory begins, and its length.
const BASE: u64 = 0x1_0000;
const LENGTH: usize = 0x400;

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

fn cpu(random: &mut Random, set: State) -> Cpu {
    let mut cpu = Cpu {
        pc: value(random) & !3,
        flags: Flags::from_nzcv((random.bits() & 15) as u8),
        big_endian: (random.bits() >> 9 & 1) as u32,
        ..Cpu::default()
    };
    for r in &mut cpu.r[..15] {
        *r = value(random);
    }
    if set == State::Thumb {
        cpu.thumb = 1;
        let it = random.word();
        cpu.set_it(if it >> 31 == 1 { it & 0xff } else { 0 });
    }
    for v in &mut cpu.v[..16] {
        *v = u128::from(random.bits()) << 64 | u128::from(random.bits());
    }
    cpu.fpcr = random.word() & 0x07c8_0000;
    if random.bits() >> 63 == 1 {
        cpu.monitor.address = cpu.r[(random.bits() % 15) as usize];
        cpu.monitor.size = 1 << (random.bits() % 4);
    }
    cpu
}

fn has_several_accesses(insn: Insn) -> bool {
    let mnemonic = insn.name();
    ["STM", "STRD", "PUSH", "VST"]
        .iter()
        .any(|m| mnemonic.starts_with(m))
}

/// Executes one word of a set on a random state.
fn execute(set: State, word: u32, random: &mut Random) {
    let Some(insn) = decode(set, word) else {
        return;
    };
    let mut cpu = cpu(random, set);
    let mut memory = Buffer::new(BASE, LENGTH);
    for byte in &mut memory.bytes {
        *byte = random.bits().to_le_bytes()[7];
    }
    let (mut before, bytes) = (cpu.clone(), memory.bytes.clone());
    let result = step(&mut cpu, &mut memory, insn);
    let what = format!("{} {word:#x}: {result:?}", insn.name());
    assert!(
        cpu.r.iter().all(|&r| r >> 32 == 0),
        "{what}: a register's upper half"
    );
    assert!(cpu.pc >> 32 == 0 && cpu.pc & 1 == 0, "{what}: PC");
    assert!(cpu.it() == 0 || cpu.thumb == 1, "{what}: IT in A32 state");
    assert!(
        cpu.q() < 2 && cpu.big_endian < 2 && cpu.it() < 256,
        "{what}"
    );
    if let Err(exception) = result {
        if matches!(exception, Exception::Supervisor(_)) {
            before.pc = cpu.pc;
            before.set_it(cpu.it());
        }
        assert!(cpu == before, "{what}: the state changed");
        assert!(
            has_several_accesses(insn) || memory.bytes == bytes,
            "{what}: memory changed"
        );
    }
}

#[test]
fn any_instruction_on_any_state() {
    let mut random = Random::new(0x57a7e);
    let rounds = if cfg!(armistice_long) { 30_000 } else { 300 };
    for _ in 0..rounds {
        for op in a32::Op::ALL {
            let info = op.info();
            let word = info.value | random.word() & !info.mask;
            execute(State::Arm, word, &mut random);
        }
        for op in t32::Op::ALL {
            let info = op.info();
            let word = info.value | random.word() & !info.mask;
            execute(State::Thumb, word, &mut random);
        }
        for op in fp::Op::ALL {
            let info = op.info();
            let word = info.value | random.word() & !info.mask;
            execute(State::Thumb, word, &mut random);
            execute(State::Arm, word, &mut random);
        }
        for op in simd::Op::ALL {
            let info = op.info();
            let word = info.value | random.word() & !info.mask;
            execute(State::Arm, word, &mut random);
            let first = match word >> 24 {
                0xf2 => 0xef,
                0xf3 => 0xff,
                0xf4 => 0xf9,
                first => first,
            };
            let word = word & 0x00ff_ffff | first << 24;
            execute(State::Thumb, word, &mut random);
        }
        for op in t16::Op::ALL {
            let info = op.info();
            let word = info.value | random.word() & !info.mask & 0xffff;
            execute(State::Thumb, word, &mut random);
        }
    }
}
