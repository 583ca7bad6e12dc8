//! The guest's registers as GDB has them: which there are, in which order, and
//! the description that tells it so.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use a64::cpu::{Cpu, Flags};

/// A register by its number: X0 to X30, SP, PC, CPSR, V0 to V31, FPSR, FPCR,
/// TPIDR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Register {
    General(usize),
    Pc,
    Cpsr,
    Vector(usize),
    Fpsr,
    Fpcr,
    Tpidr,
}

/// How many there are.
pub(super) const COUNT: usize = 33 + 1 + 32 + 2 + 1;
/// Numbers of those that a stop is told with: X29, SP and PC.
pub(super) const EXPEDITED: &[usize] = &[29, 31, 32];
/// DIT in PSTATE.
const DIT: u64 = 1 << 24;

fn register(number: usize) -> Option<Register> {
    Some(match number {
        0..=31 => Register::General(number),
        32 => Register::Pc,
        33 => Register::Cpsr,
        34..=65 => Register::Vector(number - 34),
        66 => Register::Fpsr,
        67 => Register::Fpcr,
        68 => Register::Tpidr,
        _ => return None,
    })
}

/// A register's bytes.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "flags are in the low half")]
pub(super) fn read(cpu: &Cpu, number: usize) -> Option<Vec<u8>> {
    Some(match register(number)? {
        Register::General(n) => cpu.x[n].to_le_bytes().to_vec(),
        Register::Pc => cpu.pc.to_le_bytes().to_vec(),
        Register::Cpsr => {
            let cpsr = u32::from(cpu.flags.nzcv()) << 28 | (cpu.dit & DIT) as u32;
            cpsr.to_le_bytes().to_vec()
        }
        Register::Vector(n) => cpu.v[n].to_le_bytes().to_vec(),
        Register::Fpsr => cpu.fpsr.to_le_bytes().to_vec(),
        Register::Fpcr => cpu.fpcr.to_le_bytes().to_vec(),
        Register::Tpidr => cpu.tpidr.to_le_bytes().to_vec(),
    })
}

/// Sets a register from the first of the bytes; returns how many it has.
pub(super) fn write(cpu: &mut Cpu, number: usize, bytes: &[u8]) -> Option<usize> {
    let register = register(number)?;
    let word = || bytes.first_chunk().map(|&bytes| u32::from_le_bytes(bytes));
    let long = || bytes.first_chunk().map(|&bytes| u64::from_le_bytes(bytes));
    match register {
        Register::General(n) => cpu.x[n] = long()?,
        Register::Pc => cpu.pc = long()?,
        Register::Cpsr => {
            let cpsr = word()?;
            cpu.flags = Flags::from_nzcv((cpsr >> 28) as u8);
            cpu.dit = u64::from(cpsr) & DIT;
        }
        Register::Vector(n) => cpu.v[n] = u128::from_le_bytes(*bytes.first_chunk()?),
        Register::Fpsr => cpu.fpsr = word()? & 0x0800_009f,
        Register::Fpcr => cpu.fpcr = word()? & 0x07c8_0000,
        Register::Tpidr => cpu.tpidr = long()?,
    }
    Some(match register {
        Register::Vector(_) => 16,
        Register::Cpsr | Register::Fpsr | Register::Fpcr => 4,
        _ => 8,
    })
}

/// What GDB is told of them: its own names of features and registers.
#[must_use]
pub(super) fn description() -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target>\n\
         <architecture>aarch64</architecture>\n<osabi>GNU/Linux</osabi>\n\
         <feature name=\"org.gnu.gdb.aarch64.core\">\n",
    );
    let mut line = |name: &str, bits: u32, kind: &str| {
        let _ = writeln!(
            text,
            "<reg name=\"{name}\" bitsize=\"{bits}\" type=\"{kind}\"/>"
        );
    };
    for n in 0..31 {
        line(&format!("x{n}"), 64, "int");
    }
    line("sp", 64, "data_ptr");
    line("pc", 64, "code_ptr");
    line("cpsr", 32, "int");
    text.push_str("</feature>\n<feature name=\"org.gnu.gdb.aarch64.fpu\">\n");
    text.push_str(&vector_types());
    for n in 0..32 {
        let _ = writeln!(
            text,
            "<reg name=\"v{n}\" bitsize=\"128\" type=\"aarch64v\"/>"
        );
    }
    for name in ["fpsr", "fpcr"] {
        let _ = writeln!(text, "<reg name=\"{name}\" bitsize=\"32\" type=\"int\"/>");
    }
    text.push_str(
        "</feature>\n<feature name=\"org.gnu.gdb.aarch64.tls\">\n\
         <reg name=\"tpidr\" bitsize=\"64\" type=\"data_ptr\"/>\n</feature>\n</target>\n",
    );
    text
}

/// A vector register as each kind of lanes.
fn vector_types() -> String {
    /// The lane's letter, its length in bits, its types and their names.
    type Lane = (&'static str, u32, &'static [(&'static str, &'static str)]);
    const LANES: [Lane; 5] = [
        (
            "d",
            64,
            &[("f", "ieee_double"), ("u", "uint64"), ("s", "int64")],
        ),
        (
            "s",
            32,
            &[("f", "ieee_single"), ("u", "uint32"), ("s", "int32")],
        ),
        (
            "h",
            16,
            &[("f", "ieee_half"), ("u", "uint16"), ("s", "int16")],
        ),
        ("b", 8, &[("u", "uint8"), ("s", "int8")]),
        ("q", 128, &[("u", "uint128"), ("s", "int128")]),
    ];
    let mut text = String::new();
    for (letter, bits, types) in LANES {
        for (kind, name) in types {
            let count = 128 / bits;
            let _ = writeln!(
                text,
                "<vector id=\"v{letter}{kind}\" type=\"{name}\" count=\"{count}\"/>"
            );
        }
        let _ = writeln!(text, "<union id=\"vn{letter}\">");
        for (kind, _) in types {
            let _ = writeln!(text, "<field name=\"{kind}\" type=\"v{letter}{kind}\"/>");
        }
        text.push_str("</union>\n");
    }
    text.push_str("<union id=\"aarch64v\">\n");
    for (letter, ..) in LANES {
        let _ = writeln!(text, "<field name=\"{letter}\" type=\"vn{letter}\"/>");
    }
    text.push_str("</union>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut cpu = Cpu::default();
        let mut expected = Vec::new();
        for number in 0..COUNT {
            let length = read(&cpu, number).unwrap().len();
            #[allow(clippy::cast_possible_truncation, reason = "below 69")]
            let mut bytes = alloc::vec![number as u8 + 1; length];
            if matches!(number, 33 | 66 | 67) {
                // Bits that these registers have.
                bytes = alloc::vec![0, 0, 0, if number == 33 { 0xb0 } else { 0 }];
            }
            assert_eq!(write(&mut cpu, number, &bytes), Some(length));
            expected.push(bytes);
        }
        for (number, bytes) in expected.iter().enumerate() {
            assert_eq!(read(&cpu, number).as_ref(), Some(bytes), "{number}");
        }
        assert_eq!(read(&cpu, COUNT), None);
        assert_eq!(write(&mut cpu, 0, &[1, 2, 3]), None);
        // One description a register.
        assert_eq!(description().matches("<reg ").count(), COUNT);
    }
}
