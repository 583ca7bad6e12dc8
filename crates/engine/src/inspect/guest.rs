//! Guest code as text: a line an instruction, with the table's name of it and
//! its fields.

use core::fmt;
use core::marker::PhantomData;

use guest::Guest;
use ir::Mode;

/// A word at an address; shown as the address, the word, the row's name and
/// the fields, highest first. Registers are in decimal, what is wider in
/// hexadecimal.
#[derive(Clone, Copy, Debug)]
pub struct GuestLine<G> {
    /// Where it is.
    pub pc: u64,
    /// The instruction.
    pub insn: GuestInsn<G>,
}

impl<G: Guest> fmt::Display for GuestLine<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:16x}  {:08x}  ", self.pc, self.insn.word)?;
        fmt::Display::fmt(&self.insn, f)
    }
}

/// A word; shown as the row's name and the fields.
#[derive(Clone, Copy, Debug)]
pub struct GuestInsn<G> {
    mode: Mode,
    word: u32,
    guest: PhantomData<G>,
}

impl<G> GuestInsn<G> {
    /// What the word is in a mode.
    #[must_use]
    pub const fn new(mode: Mode, word: u32) -> Self {
        let guest = PhantomData;
        Self { mode, word, guest }
    }
}

impl<G: Guest> fmt::Display for GuestInsn<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        G::write(self.mode, self.word, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use a64::Aarch64;
    use alloc::string::ToString as _;

    #[test]
    fn a_line_names_all_fields() {
        let line = |word| {
            GuestLine {
                pc: 0x40_1000,
                insn: GuestInsn::<Aarch64>::new(Mode::PLAIN, word),
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
