//! What the loads and stores do, by subject.
//!
//! Instructions are built from the table by the names of their fields
//! ([`insn`]), and executed by `step` in a [`Space`] that also records
//! barriers.

mod address;
mod atomic;
mod copy_set;
mod exclusive;
mod registers;
mod rows;
mod structure;

use crate::cpu::Cpu;
use crate::decode::{Op, decode};
use crate::insn::Insn;
use crate::interp::{Environment, Exception, step};
use alloc::vec::Vec;
use guest::memory::{Barrier, Buffer, Fault, FaultKind, Memory, Size};

/// Where the tests' memory begins, and its length.
const BASE: u64 = 0x10000;
const LENGTH: usize = 0x200;
const END: u64 = BASE + LENGTH as u64;

/// Memory whose byte `i` is first `i + 1`, some of which may be read only.
struct Space {
    buffer: Buffer,
    /// Addresses that may not be written.
    read_only: core::ops::Range<u64>,
    barriers: Vec<Barrier>,
    /// The address and size of each load and store.
    accesses: Vec<(u64, Size)>,
}

impl Space {
    fn new() -> Self {
        let mut buffer = Buffer::new(BASE, LENGTH);
        for (i, byte) in buffer.bytes.iter_mut().enumerate() {
            *byte = (i as u8).wrapping_add(1);
        }
        Self {
            buffer,
            read_only: 0..0,
            barriers: Vec::new(),
            accesses: Vec::new(),
        }
    }

    /// The bytes at an offset from the base.
    fn get(&mut self, offset: u64, size: Size) -> u128 {
        self.buffer.load(BASE + offset, size).expect("inside")
    }

    fn set(&mut self, offset: u64, size: Size, value: u128) {
        self.buffer
            .store(BASE + offset, size, value)
            .expect("inside");
    }
}

impl Memory for Space {
    fn load(&mut self, address: u64, size: Size) -> Result<u128, Fault> {
        self.accesses.push((address, size));
        self.buffer.load(address, size)
    }

    fn store(&mut self, address: u64, size: Size, value: u128) -> Result<(), Fault> {
        self.accesses.push((address, size));
        for at in address..address.saturating_add(size.bytes()) {
            if self.read_only.contains(&at) {
                return Err(Fault {
                    address: at,
                    kind: FaultKind::Permission,
                    write: true,
                });
            }
        }
        self.buffer.store(address, size, value)
    }

    fn compare_exchange(
        &mut self,
        address: u64,
        size: Size,
        expected: u128,
        new: u128,
    ) -> Result<u128, Fault> {
        self.accesses.push((address, size));
        self.buffer.compare_exchange(address, size, expected, new)
    }

    fn fetch(&mut self, address: u64, size: Size) -> Result<u32, Fault> {
        self.buffer.fetch(address, size)
    }

    fn barrier(&mut self, barrier: Barrier) {
        self.barriers.push(barrier);
    }

    fn invalidate_code(&mut self, _: u64, _: u64) {}
}

impl Environment for Space {
    fn counter(&mut self) -> u64 {
        0
    }

    fn frequency(&mut self) -> u64 {
        0
    }
}

/// The instruction with these values of its fields; those not named are zero.
fn insn(op: Op, fields: &[(&str, i64)]) -> Insn {
    let mut word = op.info().value;
    for &(name, value) in fields {
        let field = op.info().fields.iter().find(|f| f.name == name);
        let field = field.unwrap_or_else(|| panic!("{} has no field {name}", op.name()));
        let mask = (1u32 << field.width) - 1;
        word |= (value as u32 & mask) << field.lsb;
    }
    let insn = decode(word).expect("allocated");
    assert_eq!(insn.op, op, "{word:#010x}");
    insn
}

/// A state in which registers differ from one another and from memory: Xi is
/// `0x8000_0000_dead_00ii`, and each vector has its number in every byte.
fn state() -> Cpu {
    let mut cpu = Cpu {
        pc: BASE,
        ..Cpu::default()
    };
    for (i, x) in cpu.x.iter_mut().enumerate() {
        *x = 0x8000_0000_dead_0000 | i as u64;
    }
    for (i, v) in cpu.v.iter_mut().enumerate() {
        *v = u128::from_le_bytes([0x80 | i as u8; 16]);
    }
    cpu
}

/// Executes what must not raise an exception.
fn run(cpu: &mut Cpu, mem: &mut Space, op: Op, fields: &[(&str, i64)]) {
    let insn = insn(op, fields);
    step(cpu, mem, insn).unwrap_or_else(|e| panic!("{insn:?}: {e:?}"));
}

/// Executes what must fault, and checks that the state is that before it.
fn fault(cpu: &Cpu, mem: &mut Space, op: Op, fields: &[(&str, i64)]) -> Fault {
    let insn = insn(op, fields);
    let mut after = cpu.clone();
    match step(&mut after, mem, insn) {
        Err(Exception::Fault(fault)) => {
            assert_eq!(&after, cpu, "{insn:?}");
            fault
        }
        other => panic!("{insn:?}: {other:?}"),
    }
}

/// The value of the bytes that count up from `first`, as memory has them.
fn counting(first: u8, size: Size) -> u128 {
    let mut bytes = [0; 16];
    for (i, byte) in bytes.iter_mut().enumerate().take(size as usize) {
        *byte = first.wrapping_add(i as u8);
    }
    u128::from_le_bytes(bytes)
}
