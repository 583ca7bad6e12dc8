//! What the interpreter promises of any instruction and any state. Shared by
//! the test and the fuzzing target.

use armistice_a64::cpu::{Cpu, Flags, Monitor};
use armistice_a64::decode::{Class, Op, decode};
use armistice_a64::interp::{Exception, step};
use guest::memory::Buffer;
use isa::random::Random;

/// Where the memory begins, and its length.
const BASE: u64 = 0x10000;
const LENGTH: usize = 0x400;

/// A value with something at stake: an address inside or about the ends, a
/// small number, a NaN, or anything.
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

fn state(random: &mut Random) -> Cpu {
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

/// A word of the row that `choice` stands for, its other bits from `bits`.
pub(crate) fn word(choice: u16, bits: u32) -> u32 {
    let info = Op::ALL[usize::from(choice) % Op::COUNT].info();
    info.value | bits & !info.mask
}

/// Executes one word on a state that comes from `seed`. No panic; and after
/// an exception, all is as it was before, but for what the manual leaves open.
pub(crate) fn execute(word: u32, seed: u64) {
    let Some(insn) = decode(word) else { return };
    let mut random = Random::new(seed);
    let mut cpu = state(&mut random);
    let mut memory = Buffer::new(BASE, LENGTH);
    for byte in &mut memory.bytes {
        *byte = random.bits().to_le_bytes()[7];
    }
    let mut before = cpu.clone();
    let bytes = memory.bytes.clone();
    let result = step(&mut cpu, &mut memory, insn);
    let what = format!("{insn:?} of seed {seed:#x}: {result:?}");
    assert_eq!(cpu.flags.0 & !Flags::MASK & 0xfe, 0, "{what}: flags");
    match result {
        // How far they get is theirs to choose.
        _ if insn.op.class() == Class::memory_copy_set => {}
        Ok(()) => {
            let branch = insn.op.class().name().contains("branch");
            assert!(branch || cpu.pc == before.pc.wrapping_add(4), "{what}: PC");
        }
        Err(exception) => {
            if matches!(exception, Exception::Supervisor(_)) {
                before.pc = before.pc.wrapping_add(4);
            }
            assert!(cpu == before, "{what}: the state changed");
            // What a store of several registers did before it faulted is UNKNOWN.
            let name = insn.op.class().name();
            let several = ["multiple", "single", "pair"]
                .iter()
                .any(|part| name.contains(part));
            assert!(several || memory.bytes == bytes, "{what}: memory changed");
        }
    }
}
