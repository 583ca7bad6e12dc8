//! Guest code as text: a line an instruction, with the table's name of it and
//! its fields.

use core::fmt;

use a64::decode::decode;

/// A word at an address; shown as the address, the word, the row's name and
/// the fields, highest first. Registers are in decimal, what is wider in
/// hexadecimal.
#[derive(Clone, Copy, Debug)]
pub struct GuestLine {
    /// Where it is.
    pub pc: u64,
    /// The word.
    pub word: u32,
}

impl fmt::Display for GuestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:16x}  {:08x}  ", self.pc, self.word)?;
        fmt::Display::fmt(&GuestInsn(self.word), f)
    }
}

/// A word; shown as the row's name and the fields.
#[derive(Clone, Copy, Debug)]
pub struct GuestInsn(pub u32);

impl fmt::Display for GuestInsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(insn) = decode(self.0) else {
            return f.write_str("(undefined)");
        };
        let info = insn.op.info();
        f.write_str(info.name)?;
        for field in info.fields {
            let value = u64::from(self.0 >> field.lsb) & ((1 << field.width) - 1);
            if field.width > 5 {
                write!(f, " {}={value:#x}", field.name)?;
            } else {
                write!(f, " {}={value}", field.name)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn a_line_names_all_fields() {
        let line = |word| {
            GuestLine {
                pc: 0x40_1000,
                word,
            }
            .to_string()
        };
        assert_eq!(
            line(0x8b02_0020),
            "          401000  8b020020  \
             ADD_shifted_register sf=1 shift=0 Rm=2 imm6=0x0 Rn=1 Rd=0"
        );
        assert_eq!(line(0xd503_201f), "          401000  d503201f  NOP");
        assert_eq!(line(7), "          401000  00000007  UDF udf_imm16=0x7");
        assert_eq!(line(0x0f00_0000), "          401000  0f000000  (undefined)");
    }
}
