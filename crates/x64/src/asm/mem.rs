//! Prefixes, opcodes, ModRM and SIB.

use super::{Asm, Gpr, Mem, RegMem, Size};

/// An opcode: its map (0: one byte, 1: 0F, 2: 0F38, 3: 0F3A) and a mandatory
/// prefix, or 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opcode {
    pub(super) prefix: u8,
    pub(super) map: u8,
    pub(super) byte: u8,
}

impl Opcode {
    pub(super) const fn one(byte: u8) -> Self {
        Self {
            prefix: 0,
            map: 0,
            byte,
        }
    }

    pub(super) const fn of(byte: u8) -> Self {
        Self {
            prefix: 0,
            map: 1,
            byte,
        }
    }

    pub(super) const fn with(prefix: u8, map: u8, byte: u8) -> Self {
        Self { prefix, map, byte }
    }
}

impl Asm {
    /// An instruction with a ModRM byte. `byte_regs`: registers 4 to 7 are
    /// named as bytes, which takes a REX prefix.
    pub(super) fn modrm_op(
        &mut self,
        size: Size,
        opcode: Opcode,
        reg: u8,
        rm: RegMem,
        byte_regs: bool,
    ) {
        if size == Size::B16 {
            self.byte(0x66);
        }
        if opcode.prefix != 0 {
            self.byte(opcode.prefix);
        }
        let w = u8::from(size == Size::B64) << 3;
        let (x, b) = match rm {
            RegMem::Reg(r) => (0, r.0 >> 3),
            RegMem::Mem(m) => (
                m.index.map_or(0, |(i, _)| i.0 >> 3),
                m.base.map_or(0, |b| b.0 >> 3),
            ),
        };
        let rex = w | (reg >> 3) << 2 | x << 1 | b;
        if rex != 0 || byte_regs {
            self.byte(0x40 | rex);
        }
        match opcode.map {
            0 => {}
            1 => self.byte(0x0f),
            2 => self.bytes(&[0x0f, 0x38]),
            _ => self.bytes(&[0x0f, 0x3a]),
        }
        self.byte(opcode.byte);
        self.modrm(reg, rm, 1);
    }

    /// ModRM, SIB and displacement; the displacement of one byte counts in
    /// units of `unit`.
    pub(super) fn modrm(&mut self, reg: u8, rm: RegMem, unit: i32) {
        self.touch(reg);
        let reg = (reg & 7) << 3;
        match rm {
            RegMem::Reg(r) => {
                self.touch(r.0);
                self.byte(0xc0 | reg | r.0 & 7);
            }
            RegMem::Mem(m) => self.modrm_mem(reg, m, unit),
        }
    }

    fn modrm_mem(&mut self, reg: u8, mem: Mem, unit: i32) {
        let Some(base) = mem.base else {
            // SIB without a base: 32 bits of displacement.
            let index = mem.index.map_or(4 << 3, |(i, scale)| sib(i, scale));
            self.bytes(&[reg | 4, index | 5]);
            return self.imm32(mem.disp);
        };
        let short = (mem.disp % unit == 0)
            .then(|| i8::try_from(mem.disp / unit).ok())
            .flatten();
        let mode = match short {
            // rbp and r13 as bases always have a displacement.
            Some(0) if base.0 & 7 != 5 => 0,
            Some(_) => 1,
            None => 2,
        };
        let modrm = mode << 6 | reg;
        match mem.index {
            Some((index, scale)) => self.bytes(&[modrm | 4, sib(index, scale) | base.0 & 7]),
            // rsp and r12 as bases take a SIB.
            None if base.0 & 7 == 4 => self.bytes(&[modrm | 4, 4 << 3 | base.0 & 7]),
            None => self.byte(modrm | base.0 & 7),
        }
        match (mode, short) {
            (1, Some(disp)) => self.byte(disp.cast_unsigned()),
            (2, _) => self.imm32(mem.disp),
            _ => {}
        }
    }
}

const fn sib(index: Gpr, scale: u8) -> u8 {
    debug_assert!(index.0 != 4, "rsp is no index");
    #[allow(clippy::cast_possible_truncation, reason = "0 to 3")]
    let log2 = scale.trailing_zeros() as u8;
    log2 << 6 | (index.0 & 7) << 3
}
