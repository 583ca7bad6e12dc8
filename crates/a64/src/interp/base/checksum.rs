//! CRC32 and CRC32C, bit by bit.

use super::super::registers::read;
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;

/// 0x04C11DB7 with its bits reversed.
const CRC32: u32 = 0xedb8_8320;
/// 0x1EDC6F41 with its bits reversed.
const CRC32C: u32 = 0x82f6_3b78;

/// The CRC32 rows.
pub(super) fn execute(cpu: &Cpu, insn: Insn) -> Option<u64> {
    let (polynomial, bits) = match insn.op {
        Op::CRC32B => (CRC32, 8),
        Op::CRC32H => (CRC32, 16),
        Op::CRC32W => (CRC32, 32),
        Op::CRC32X => (CRC32, 64),
        Op::CRC32CB => (CRC32C, 8),
        Op::CRC32CH => (CRC32C, 16),
        Op::CRC32CW => (CRC32C, 32),
        Op::CRC32CX => (CRC32C, 64),
        _ => return None,
    };
    let data = read(cpu, insn.rm());
    let mut crc = read(cpu, insn.rn()) as u32;
    for bit in 0..bits {
        let carry = crc & 1 != (data >> bit & 1) as u32;
        crc = crc >> 1 ^ if carry { polynomial } else { 0 };
    }
    Some(crc.into())
}
