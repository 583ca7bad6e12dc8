//! Integer instructions as bytes, a method each.
//!
//! A method takes what the processor takes, and encodes it: it chooses no other instruction, but a
//! shorter form of the same one. Invariants: a method says so (`touch`) where it writes a
//! register that its ModRM byte does not name; a low byte of `rsp` to `rdi` has a REX prefix, since
//! without one it would be `ah` to `bh`.

use super::mem::Opcode;
use super::{Alu, Asm, Cond, Gpr, Mem, RegMem, Shift, Size, Xmm};

/// Whether a register's low byte takes a REX prefix to be named.
const fn low_byte(size: Size, reg: Gpr) -> bool {
    matches!(size, Size::B8) && reg.0 >= 4
}

fn rm_low_byte(size: Size, rm: RegMem) -> bool {
    matches!(rm, RegMem::Reg(r) if low_byte(size, r))
}

/// Whether the operation is on bytes: the low bit of many opcodes is clear.
const fn wide(size: Size) -> u8 {
    !matches!(size, Size::B8) as u8
}

impl Asm {
    /// An instruction of the common form: reg, r/m.
    fn rm(&mut self, size: Size, opcode: Opcode, reg: Gpr, rm: RegMem) {
        let byte = low_byte(size, reg) || rm_low_byte(size, rm);
        self.modrm_op(size, opcode, reg.0, rm, byte);
    }

    /// An instruction whose register field is part of the opcode.
    fn digit(&mut self, size: Size, opcode: Opcode, digit: u8, rm: RegMem) {
        let touched = self.touched;
        self.modrm_op(size, opcode, digit, rm, rm_low_byte(size, rm));
        // The digit is no register.
        self.touched = touched;
        if let RegMem::Reg(reg) = rm {
            self.touch(reg.0);
        }
    }

    /// An immediate of the operation's size.
    fn imm(&mut self, size: Size, imm: i32) {
        let bytes = imm.to_le_bytes();
        match size {
            Size::B8 => self.bytes(&bytes[..1]),
            Size::B16 => self.bytes(&bytes[..2]),
            _ => self.bytes(&bytes),
        }
    }

    /// op dst, src
    pub fn alu_rr(&mut self, size: Size, op: Alu, dst: Gpr, src: Gpr) {
        self.rm(
            size,
            Opcode::one((op as u8) << 3 | wide(size)),
            src,
            dst.into(),
        );
    }

    /// op dst, \[mem]
    pub fn alu_rm(&mut self, size: Size, op: Alu, dst: Gpr, mem: Mem) {
        self.rm(
            size,
            Opcode::one((op as u8) << 3 | 2 | wide(size)),
            dst,
            mem.into(),
        );
    }

    /// op \[mem], src
    pub fn alu_mr(&mut self, size: Size, op: Alu, mem: Mem, src: Gpr) {
        self.rm(
            size,
            Opcode::one((op as u8) << 3 | wide(size)),
            src,
            mem.into(),
        );
    }

    fn alu_i(&mut self, size: Size, op: Alu, rm: RegMem, imm: i32) {
        if size == Size::B8 {
            self.digit(size, Opcode::one(0x80), op as u8, rm);
            return self.imm(Size::B8, imm);
        }
        if i8::try_from(imm).is_ok() {
            self.digit(size, Opcode::one(0x83), op as u8, rm);
            return self.imm(Size::B8, imm);
        }
        self.digit(size, Opcode::one(0x81), op as u8, rm);
        self.imm(size, imm);
    }

    /// op dst, imm
    pub fn alu_ri(&mut self, size: Size, op: Alu, dst: Gpr, imm: i32) {
        self.alu_i(size, op, dst.into(), imm);
    }

    /// op \[mem], imm
    pub fn alu_mi(&mut self, size: Size, op: Alu, mem: Mem, imm: i32) {
        self.alu_i(size, op, mem.into(), imm);
    }

    /// lock op \[mem], src
    pub fn lock_alu_mr(&mut self, size: Size, op: Alu, mem: Mem, src: Gpr) {
        self.byte(0xf0);
        self.alu_mr(size, op, mem, src);
    }

    /// test a, b
    pub fn test_rr(&mut self, size: Size, a: Gpr, b: Gpr) {
        self.rm(size, Opcode::one(0x84 | wide(size)), b, a.into());
    }

    /// test \[mem], b
    pub fn test_mr(&mut self, size: Size, mem: Mem, b: Gpr) {
        self.rm(size, Opcode::one(0x84 | wide(size)), b, mem.into());
    }

    fn test_i(&mut self, size: Size, rm: RegMem, imm: i32) {
        self.digit(size, Opcode::one(0xf6 | wide(size)), 0, rm);
        self.imm(size, imm);
    }

    /// test a, imm
    pub fn test_ri(&mut self, size: Size, a: Gpr, imm: i32) {
        self.test_i(size, a.into(), imm);
    }

    /// test \[mem], imm
    pub fn test_mi(&mut self, size: Size, mem: Mem, imm: i32) {
        self.test_i(size, mem.into(), imm);
    }

    /// mov dst, src; nothing for 64 bits of the same register
    pub fn mov_rr(&mut self, size: Size, dst: Gpr, src: Gpr) {
        if dst != src || size != Size::B64 {
            self.rm(size, Opcode::one(0x88 | wide(size)), src, dst.into());
        }
    }

    /// mov dst, \[mem]
    pub fn mov_rm(&mut self, size: Size, dst: Gpr, mem: Mem) {
        self.rm(size, Opcode::one(0x8a | wide(size)), dst, mem.into());
    }

    /// mov \[mem], src
    pub fn mov_mr(&mut self, size: Size, mem: Mem, src: Gpr) {
        self.rm(size, Opcode::one(0x88 | wide(size)), src, mem.into());
    }

    /// mov \[mem], imm, sign-extended
    pub fn mov_mi(&mut self, size: Size, mem: Mem, imm: i32) {
        self.digit(size, Opcode::one(0xc6 | wide(size)), 0, mem.into());
        self.imm(size, imm);
    }

    /// mov dst, value, in the shortest form; leaves the flags alone
    pub fn mov_ri(&mut self, dst: Gpr, value: u64) {
        if let Ok(low) = u32::try_from(value) {
            self.mov_imm32(dst);
            self.bytes(&low.to_le_bytes());
        } else if let Ok(low) = i32::try_from(value.cast_signed()) {
            self.digit(Size::B64, Opcode::one(0xc7), 0, dst.into());
            self.imm32(low);
        } else {
            self.mov_imm64_at(dst, value);
        }
    }

    /// mov dst, value in eight bytes whatever it is; gives their position
    pub fn mov_imm64_at(&mut self, dst: Gpr, value: u64) -> usize {
        self.touch(dst.0);
        self.bytes(&[0x48 | dst.0 >> 3, 0xb8 | dst.0 & 7]);
        self.bytes(&value.to_le_bytes());
        self.pos() - 8
    }

    /// mov dst, \[rip + displacement]; gives the position of its last four bytes, the
    /// displacement, to be filled in
    pub fn mov_rip_at(&mut self, dst: Gpr) -> usize {
        self.touch(dst.0);
        self.bytes(&[0x48 | dst.0 >> 3 << 2, 0x8b, 5 | (dst.0 & 7) << 3]);
        self.imm32(0);
        self.pos() - 4
    }

    /// jmp \[rip + displacement]; likewise
    pub fn jmp_rip_at(&mut self) -> usize {
        self.bytes(&[0xff, 0x25]);
        self.imm32(0);
        self.pos() - 4
    }

    fn mov_imm32(&mut self, dst: Gpr) {
        self.touch(dst.0);
        if dst.0 >= 8 {
            self.byte(0x41);
        }
        self.byte(0xb8 | dst.0 & 7);
    }

    /// mov dst, imm32 with the constant to be filled in; gives its position
    pub fn mov_imm32_at(&mut self, dst: Gpr) -> usize {
        self.mov_imm32(dst);
        self.imm32(0);
        self.pos() - 4
    }

    /// movzx dst, src
    pub fn movzx(&mut self, size: Size, from: Size, dst: Gpr, src: impl Into<RegMem>) {
        let src = src.into();
        let byte = rm_low_byte(from, src);
        let opcode = Opcode::of(0xb6 | wide(from));
        self.modrm_op(size, opcode, dst.0, src, byte);
    }

    /// movsx or movsxd dst, src
    pub fn movsx(&mut self, size: Size, from: Size, dst: Gpr, src: impl Into<RegMem>) {
        let src = src.into();
        let byte = rm_low_byte(from, src);
        let opcode = match from {
            Size::B32 => Opcode::one(0x63),
            _ => Opcode::of(0xbe | wide(from)),
        };
        self.modrm_op(size, opcode, dst.0, src, byte);
    }

    /// lea dst, \[mem]
    pub fn lea(&mut self, size: Size, dst: Gpr, mem: Mem) {
        self.rm(size, Opcode::one(0x8d), dst, mem.into());
    }

    /// xchg \[mem], reg: locked
    pub fn xchg_mr(&mut self, size: Size, mem: Mem, reg: Gpr) {
        self.rm(size, Opcode::one(0x86 | wide(size)), reg, mem.into());
    }

    /// bswap
    pub fn bswap(&mut self, size: Size, reg: Gpr) {
        self.touch(reg.0);
        let rex = 0x40 | u8::from(size == Size::B64) << 3 | reg.0 >> 3;
        if rex != 0x40 {
            self.byte(rex);
        }
        self.bytes(&[0x0f, 0xc8 | reg.0 & 7]);
    }

    /// op rm, imm
    pub fn shift_ri(&mut self, size: Size, op: Shift, rm: impl Into<RegMem>, by: u8) {
        self.digit(size, Opcode::one(0xc0 | wide(size)), op as u8, rm.into());
        self.byte(by);
    }

    /// op rm, cl
    pub fn shift_cl(&mut self, size: Size, op: Shift, rm: impl Into<RegMem>) {
        self.digit(size, Opcode::one(0xd2 | wide(size)), op as u8, rm.into());
    }

    /// shrd dst, src, imm
    pub fn shrd_rri(&mut self, size: Size, dst: Gpr, src: Gpr, by: u8) {
        self.rm(size, Opcode::of(0xac), src, dst.into());
        self.byte(by);
    }

    /// not
    pub fn not(&mut self, size: Size, rm: impl Into<RegMem>) {
        self.digit(size, Opcode::one(0xf6 | wide(size)), 2, rm.into());
    }

    /// neg
    pub fn neg(&mut self, size: Size, rm: impl Into<RegMem>) {
        self.digit(size, Opcode::one(0xf6 | wide(size)), 3, rm.into());
    }

    /// mul: rdx:rax = rax * rm
    pub fn mul(&mut self, size: Size, rm: impl Into<RegMem>) {
        self.touch(0);
        self.digit(size, Opcode::one(0xf6 | wide(size)), 4, rm.into());
    }

    /// imul: rdx:rax = rax * rm
    pub fn imul1(&mut self, size: Size, rm: impl Into<RegMem>) {
        self.touch(0);
        self.digit(size, Opcode::one(0xf6 | wide(size)), 5, rm.into());
    }

    /// div: rax, rdx = rdx:rax / rm
    pub fn div(&mut self, size: Size, rm: impl Into<RegMem>) {
        self.touch(0);
        self.digit(size, Opcode::one(0xf6 | wide(size)), 6, rm.into());
    }

    /// idiv
    pub fn idiv(&mut self, size: Size, rm: impl Into<RegMem>) {
        self.touch(0);
        self.digit(size, Opcode::one(0xf6 | wide(size)), 7, rm.into());
    }

    /// imul dst, rm
    pub fn imul_rr(&mut self, size: Size, dst: Gpr, rm: impl Into<RegMem>) {
        self.rm(size, Opcode::of(0xaf), dst, rm.into());
    }

    /// cqo
    pub fn cqo(&mut self) {
        self.bytes(&[0x48, 0x99]);
    }

    /// cdq
    pub fn cdq(&mut self) {
        self.byte(0x99);
    }

    /// lzcnt
    pub fn lzcnt(&mut self, size: Size, dst: Gpr, rm: impl Into<RegMem>) {
        self.rm(size, Opcode::with(0xf3, 1, 0xbd), dst, rm.into());
    }

    /// tzcnt
    pub fn tzcnt(&mut self, size: Size, dst: Gpr, rm: impl Into<RegMem>) {
        self.rm(size, Opcode::with(0xf3, 1, 0xbc), dst, rm.into());
    }

    /// popcnt
    pub fn popcnt(&mut self, size: Size, dst: Gpr, rm: impl Into<RegMem>) {
        self.rm(size, Opcode::with(0xf3, 1, 0xb8), dst, rm.into());
    }

    /// crc32 dst, rm of `size`: dst has 32 bits
    pub fn crc32(&mut self, size: Size, dst: Gpr, rm: impl Into<RegMem>) {
        let rm = rm.into();
        if size == Size::B16 {
            self.byte(0x66);
        }
        let wide64 = if size == Size::B64 {
            Size::B64
        } else {
            Size::B32
        };
        let opcode = Opcode::with(0xf2, 2, 0xf0 | wide(size));
        self.modrm_op(wide64, opcode, dst.0, rm, rm_low_byte(size, rm));
    }

    /// bt rm, imm
    pub fn bt_ri(&mut self, size: Size, rm: impl Into<RegMem>, bit: u8) {
        self.digit(size, Opcode::of(0xba), 4, rm.into());
        self.byte(bit);
    }

    /// setcc: the low byte only
    pub fn setcc(&mut self, cond: Cond, rm: impl Into<RegMem>) {
        self.digit(Size::B8, Opcode::of(0x90 | cond as u8), 0, rm.into());
    }

    /// setcc ah
    pub fn setcc_ah(&mut self, cond: Cond) {
        self.touch(0);
        self.bytes(&[0x0f, 0x90 | cond as u8, 0xc4]);
    }

    /// or ah, cl
    pub fn or_ah_cl(&mut self) {
        self.touch(0);
        self.bytes(&[0x08, 0xcc]);
    }

    /// cmovcc
    pub fn cmov(&mut self, size: Size, cond: Cond, dst: Gpr, rm: impl Into<RegMem>) {
        self.rm(size, Opcode::of(0x40 | cond as u8), dst, rm.into());
    }

    /// lahf
    pub fn lahf(&mut self) {
        self.touch(0);
        self.byte(0x9f);
    }

    /// sahf
    pub fn sahf(&mut self) {
        self.byte(0x9e);
    }

    /// cmc
    pub fn cmc(&mut self) {
        self.byte(0xf5);
    }

    /// lock xadd \[mem], reg
    pub fn lock_xadd(&mut self, size: Size, mem: Mem, reg: Gpr) {
        self.byte(0xf0);
        self.rm(size, Opcode::of(0xc0 | wide(size)), reg, mem.into());
    }

    /// lock cmpxchg \[mem], reg
    pub fn lock_cmpxchg(&mut self, size: Size, mem: Mem, reg: Gpr) {
        self.touch(0);
        self.byte(0xf0);
        self.rm(size, Opcode::of(0xb0 | wide(size)), reg, mem.into());
    }

    /// lock cmpxchg16b \[mem]
    pub fn lock_cmpxchg16b(&mut self, mem: Mem) {
        self.touch(0);
        self.byte(0xf0);
        self.digit(Size::B64, Opcode::of(0xc7), 1, mem.into());
    }

    /// mfence
    pub fn mfence(&mut self) {
        self.bytes(&[0x0f, 0xae, 0xf0]);
    }

    /// push
    pub fn push(&mut self, reg: Gpr) {
        if reg.0 >= 8 {
            self.byte(0x41);
        }
        self.byte(0x50 | reg.0 & 7);
    }

    /// pop
    pub fn pop(&mut self, reg: Gpr) {
        self.touch(reg.0);
        if reg.0 >= 8 {
            self.byte(0x41);
        }
        self.byte(0x58 | reg.0 & 7);
    }

    /// call \[mem]
    pub fn call_m(&mut self, mem: Mem) {
        self.touch_all();
        self.digit(Size::B32, Opcode::one(0xff), 2, mem.into());
    }

    /// jmp reg
    pub fn jmp_r(&mut self, reg: Gpr) {
        self.digit(Size::B32, Opcode::one(0xff), 4, reg.into());
    }

    /// jmp \[mem]
    pub fn jmp_m(&mut self, mem: Mem) {
        self.digit(Size::B32, Opcode::one(0xff), 4, mem.into());
    }

    /// ret
    pub fn ret(&mut self) {
        self.byte(0xc3);
    }

    /// ud2
    pub fn ud2(&mut self) {
        self.bytes(&[0x0f, 0x0b]);
    }

    /// `count` bytes of nothing, at most 9 an instruction
    pub fn nop(&mut self, count: usize) {
        const NOPS: [&[u8]; 9] = [
            &[0x90],
            &[0x66, 0x90],
            &[0x0f, 0x1f, 0x00],
            &[0x0f, 0x1f, 0x40, 0],
            &[0x0f, 0x1f, 0x44, 0, 0],
            &[0x66, 0x0f, 0x1f, 0x44, 0, 0],
            &[0x0f, 0x1f, 0x80, 0, 0, 0, 0],
            &[0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
            &[0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
        ];
        let mut left = count;
        while left > 0 {
            let n = left.min(NOPS.len());
            self.bytes(NOPS[n - 1]);
            left -= n;
        }
    }

    /// ldmxcsr \[mem]
    pub fn ldmxcsr(&mut self, mem: Mem) {
        self.digit(Size::B32, Opcode::of(0xae), 2, mem.into());
    }

    /// stmxcsr \[mem]
    pub fn stmxcsr(&mut self, mem: Mem) {
        self.digit(Size::B32, Opcode::of(0xae), 3, mem.into());
    }

    /// shlx, shrx, sarx by prefix
    fn shift_x(&mut self, size: Size, prefix: u8, dst: Gpr, rm: RegMem, count: Gpr) {
        self.vex_gpr(size, prefix, 2, 0xf7, dst, count.0, rm);
    }

    /// shlx dst, rm, count
    pub fn shlx(&mut self, size: Size, dst: Gpr, rm: impl Into<RegMem>, count: Gpr) {
        self.shift_x(size, 1, dst, rm.into(), count);
    }

    /// sarx dst, rm, count
    pub fn sarx(&mut self, size: Size, dst: Gpr, rm: impl Into<RegMem>, count: Gpr) {
        self.shift_x(size, 2, dst, rm.into(), count);
    }

    /// shrx dst, rm, count
    pub fn shrx(&mut self, size: Size, dst: Gpr, rm: impl Into<RegMem>, count: Gpr) {
        self.shift_x(size, 3, dst, rm.into(), count);
    }

    /// mulx hi, lo, rm: hi:lo = rdx * rm; the flags are left alone
    pub fn mulx(&mut self, size: Size, hi: Gpr, lo: Gpr, rm: impl Into<RegMem>) {
        self.touch(lo.0);
        self.vex_gpr(size, 3, 2, 0xf6, hi, lo.0, rm.into());
    }

    /// rorx dst, rm, imm
    pub fn rorx(&mut self, size: Size, dst: Gpr, rm: impl Into<RegMem>, by: u8) {
        self.vex_gpr(size, 3, 3, 0xf0, dst, 0, rm.into());
        self.byte(by);
    }

    /// andn dst, a, rm: !a & rm
    pub fn andn(&mut self, size: Size, dst: Gpr, a: Gpr, rm: impl Into<RegMem>) {
        self.vex_gpr(size, 0, 2, 0xf2, dst, a.0, rm.into());
    }

    /// pdep dst, a, mask
    pub fn pdep(&mut self, size: Size, dst: Gpr, a: Gpr, mask: impl Into<RegMem>) {
        self.vex_gpr(size, 3, 2, 0xf5, dst, a.0, mask.into());
    }

    /// pext dst, a, mask
    pub fn pext(&mut self, size: Size, dst: Gpr, a: Gpr, mask: impl Into<RegMem>) {
        self.vex_gpr(size, 2, 2, 0xf5, dst, a.0, mask.into());
    }

    /// A general instruction in VEX form.
    #[allow(clippy::too_many_arguments, reason = "the encoding has as many parts")]
    fn vex_gpr(&mut self, size: Size, pp: u8, map: u8, op: u8, dst: Gpr, v: u8, rm: RegMem) {
        self.vex(pp, map, size == Size::B64, op, dst.0, v, rm);
    }

    /// The register number of a vector register as a general one's, for ModRM.
    pub(super) const fn as_rm(reg: Xmm) -> RegMem {
        RegMem::Reg(Gpr(reg.0))
    }
}
