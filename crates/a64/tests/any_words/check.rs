//! What the interpreter promises of any instruction and any state. Shared by
//! the test and the fuzzing target.

use armistice_a64::cpu::{Cpu, Flags, Monitor};
use armistice_a64::decode::{Class, Op, decode};
use armistice_a64::interp::{Environment, Exception, step};
use guest::memory::{Barrier, Buffer, Fault, Memory, Size};

/// Where the memory begins, and its length.
const BASE: u64 = 0x10000;
const LENGTH: usize = 0x400;

/// xorshift64*: repeatable.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// Memory, and a clock that stands.
struct Space(Buffer);

impl Memory for Space {
    fn load(&mut self, address: u64, size: Size) -> Result<u128, Fault> {
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

    fn fetch(&mut self, address: u64, size: Size) -> Result<u32, Fault> {
        self.0.fetch(address, size)
    }

    fn barrier(&mut self, kind: Barrier) {
        self.0.barrier(kind);
    }

    fn invalidate_code(&mut self, address: u64, length: u64) {
        self.0.invalidate_code(address, length);
    }
}

impl Environment for Space {
    fn counter(&mut self) -> u64 {
        1
    }

    fn frequency(&mut self) -> u64 {
        1
    }
}

/// A value with something at stake: an address inside or about the ends, a
/// small number, a NaN, or anything.
fn value(random: &mut Random) -> u64 {
    let any = random.next();
    match any >> 60 {
        0..=5 => BASE + (any & 0x3f8),
        6 => BASE - 16 + (any & 31),
        7 => BASE + LENGTH as u64 - 16 + (any & 31),
        8..=9 => any & 0x3f,
        10 => (any & 0x3f).wrapping_neg(),
        11 => 0x7ff0_0000_0000_0001 | any << 12,
        _ => random.next(),
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
    cpu.pc = random.next() & !3;
    let bits = random.next();
    cpu.flags = Flags::from_nzcv((bits & 15) as u8);
    // AHP, DN, FZ, RMode and FZ16.
    cpu.fpcr = (bits >> 4) as u32 & 0x07c8_0000;
    if bits >> 63 == 1 {
        let size = 1 << (bits >> 40 & 3);
        let (address, low, high) = (value(random), random.next(), random.next());
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
    let mut random = Random(seed | 1);
    let mut cpu = state(&mut random);
    let mut space = Space(Buffer::new(BASE, LENGTH));
    for byte in &mut space.0.bytes {
        *byte = random.next().to_le_bytes()[7];
    }
    let mut before = cpu.clone();
    let bytes = space.0.bytes.clone();
    let result = step(&mut cpu, &mut space, insn);
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
            assert!(several || space.0.bytes == bytes, "{what}: memory changed");
        }
    }
}
