//! The guest's registers as GDB has them: which there are, in which order, and
//! the description that tells it so.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use a32::cpu::Cpu;

use super::registers::{cpsr, set_cpsr};

/// A register by its number: R0 to R15, CPSR, D0 to D31, FPSCR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Register {
    General(usize),
    Pc,
    Cpsr,
    Double(usize),
    Fpscr,
}

/// How many there are.
pub(super) const COUNT: usize = 16 + 1 + 32 + 1;
/// Numbers of those that a stop is told with: R11, SP and PC.
pub(super) const EXPEDITED: &[usize] = &[11, 13, 15];

fn register(number: usize) -> Option<Register> {
    Some(match number {
        0..=14 => Register::General(number),
        15 => Register::Pc,
        16 => Register::Cpsr,
        17..=48 => Register::Double(number - 17),
        49 => Register::Fpscr,
        _ => return None,
    })
}

/// A register's bytes.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "registers have 32 bits")]
pub(super) fn read(cpu: &Cpu, number: usize) -> Option<Vec<u8>> {
    Some(match register(number)? {
        Register::General(n) => (cpu.r[n] as u32).to_le_bytes().to_vec(),
        Register::Pc => (cpu.pc as u32).to_le_bytes().to_vec(),
        Register::Cpsr => cpsr(cpu).to_le_bytes().to_vec(),
        Register::Double(n) => {
            let double = (cpu.v[n / 2] >> (64 * (n % 2))) as u64;
            double.to_le_bytes().to_vec()
        }
        Register::Fpscr => cpu.fpscr().to_le_bytes().to_vec(),
    })
}

/// Sets a register from the first of the bytes; returns how many it has.
pub(super) fn write(cpu: &mut Cpu, number: usize, bytes: &[u8]) -> Option<usize> {
    let word = || bytes.first_chunk().map(|&bytes| u32::from_le_bytes(bytes));
    match register(number)? {
        Register::General(n) => cpu.r[n] = word()?.into(),
        Register::Pc => cpu.pc = u64::from(word()?),
        Register::Cpsr => set_cpsr(cpu, word()?),
        Register::Double(n) => {
            let value = u64::from_le_bytes(*bytes.first_chunk()?);
            let shift = 64 * (n % 2);
            let quad = &mut cpu.v[n / 2];
            *quad = *quad & !(u128::from(u64::MAX) << shift) | u128::from(value) << shift;
            return Some(8);
        }
        Register::Fpscr => cpu.set_fpscr(word()?),
    }
    Some(4)
}

/// What GDB is told of the registers: its own names of features and registers.
#[must_use]
pub(super) fn description() -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\"?>\
         <!DOCTYPE target SYSTEM \"gdb-target.dtd\">\
         <target version=\"1.0\"><architecture>arm</architecture>\
         <osabi>GNU/Linux</osabi><feature name=\"org.gnu.gdb.arm.core\">",
    );
    let mut register = |name: &str, bits: u32, kind: &str| {
        let _ = write!(
            text,
            "<reg name=\"{name}\" bitsize=\"{bits}\" type=\"{kind}\"/>"
        );
    };
    for n in 0..=12 {
        register(&format!("r{n}"), 32, "uint32");
    }
    register("sp", 32, "data_ptr");
    register("lr", 32, "int");
    register("pc", 32, "code_ptr");
    register("cpsr", 32, "int");
    text.push_str("</feature><feature name=\"org.gnu.gdb.arm.vfp\">");
    for n in 0..32 {
        let _ = write!(
            text,
            "<reg name=\"d{n}\" bitsize=\"64\" type=\"ieee_double\"/>"
        );
    }
    text.push_str(
        "<reg name=\"fpscr\" bitsize=\"32\" type=\"int\" group=\"float\"/></feature></target>",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_register_there_and_back() {
        let mut cpu = Cpu::default();
        for number in 0..COUNT {
            let length = read(&cpu, number).unwrap().len();
            let bytes = [0x11_u8; 8];
            assert_eq!(write(&mut cpu, number, &bytes), Some(length), "{number}");
            if number != 16 && number != 49 {
                assert_eq!(read(&cpu, number).unwrap(), bytes[..length], "{number}");
            }
        }
        assert_eq!(read(&cpu, COUNT), None);
        assert_eq!(write(&mut cpu, 16, &[0x30, 0, 0, 0x60]), Some(4));
        assert_eq!(cpu.thumb, 1);
        assert_eq!(read(&cpu, 16).unwrap(), [0x30, 0, 0, 0x60]);
    }

    #[test]
    fn the_description_has_every_register() {
        assert_eq!(description().matches("<reg ").count(), COUNT);
    }
}
