//! The emitter: x86-64 instructions to bytes.
//!
//! Integer instructions are methods (`int`); vector instructions are rows of
//! a table ([`vector_table`]), written in VEX form where that can name the
//! registers and in EVEX form otherwise. Labels are bound in any order and
//! resolved at the end. The output starts at a multiple of 16.

mod int;
mod mem;
mod reg;
mod shape;
pub mod vector;
pub mod vector_table;

pub use reg::{Alu, Cond, Gpr, K, Mem, RegMem, Shift, Size, Xmm, XmmMem};
pub use shape::{Last, Shape};
pub use vector_table::V;

use alloc::vec::Vec;

/// A place in the code, bound once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Label(u32);

/// A displacement to be filled in.
#[derive(Clone, Copy, Debug)]
struct Fixup {
    at: u32,
    label: Label,
    short: bool,
}

const UNBOUND: u32 = u32::MAX;

/// Code being written.
#[derive(Debug, Default)]
pub struct Asm {
    code: Vec<u8>,
    labels: Vec<u32>,
    fixups: Vec<Fixup>,
    /// Bit n: register n, 0 or 1, may have been written since [`Asm::watch`].
    touched: u8,
}

impl Asm {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            code: Vec::new(),
            labels: Vec::new(),
            fixups: Vec::new(),
            touched: 3,
        }
    }

    /// Starts again, keeping its memory.
    pub fn clear(&mut self) {
        self.code.clear();
        self.labels.clear();
        self.fixups.clear();
        self.touch_all();
    }

    /// From here on it is known whether `reg`, 0 or 1, may have been written.
    pub fn watch(&mut self, reg: Gpr) {
        self.touched &= !(1 << reg.0);
    }

    /// Whether an instruction or a jump to here may have written `reg`, 0 or
    /// 1, since it was last watched.
    #[must_use]
    pub const fn touched(&self, reg: Gpr) -> bool {
        self.touched >> reg.0 & 1 == 1
    }

    /// Register `reg` may be written now: each instruction that writes 0 or 1
    /// names it in its ModRM byte, or says so here.
    #[inline]
    fn touch(&mut self, reg: u8) {
        if reg < 2 {
            self.touched |= 1 << reg;
        }
    }

    fn touch_all(&mut self) {
        self.touched = 3;
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &[u8] {
        &self.code
    }

    /// The code, to be changed in place.
    pub fn code_mut(&mut self) -> &mut [u8] {
        &mut self.code
    }

    /// How many bytes there are.
    #[must_use]
    #[inline]
    pub fn pos(&self) -> usize {
        self.code.len()
    }

    #[inline]
    fn byte(&mut self, byte: u8) {
        self.code.push(byte);
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        self.code.extend_from_slice(bytes);
    }

    #[inline]
    fn imm32(&mut self, value: i32) {
        self.bytes(&value.to_le_bytes());
    }

    #[allow(clippy::cast_possible_truncation, reason = "code is some kilobytes")]
    fn pos32(&self) -> u32 {
        self.code.len() as u32
    }

    /// A label that is nowhere yet.
    pub fn new_label(&mut self) -> Label {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "labels are fewer than bytes"
        )]
        let label = Label(self.labels.len() as u32);
        self.labels.push(UNBOUND);
        label
    }

    /// The label is here.
    pub fn bind(&mut self, label: Label) {
        debug_assert_eq!(self.labels[label.0 as usize], UNBOUND, "bound twice");
        self.labels[label.0 as usize] = self.pos32();
        self.touch_all();
    }

    fn fixup(&mut self, label: Label, short: bool) {
        let at = self.pos32();
        self.fixups.push(Fixup { at, label, short });
        if short {
            self.byte(0);
        } else {
            self.imm32(0);
        }
    }

    /// The displacement from the end of a jump of `length` bytes to a label
    /// behind, if it fits in a byte.
    fn behind(&self, label: Label, length: u32) -> Option<u8> {
        let target = self.labels[label.0 as usize];
        if target == UNBOUND {
            return None;
        }
        let distance = i64::from(target) - i64::from(self.pos32() + length);
        i8::try_from(distance).ok().map(i8::cast_unsigned)
    }

    /// `jmp`
    pub fn jmp(&mut self, label: Label) {
        if let Some(disp) = self.behind(label, 2) {
            return self.bytes(&[0xeb, disp]);
        }
        self.byte(0xe9);
        self.fixup(label, false);
    }

    /// `jcc`
    pub fn jcc(&mut self, cond: Cond, label: Label) {
        if let Some(disp) = self.behind(label, 2) {
            return self.bytes(&[0x70 | cond as u8, disp]);
        }
        self.bytes(&[0x0f, 0x80 | cond as u8]);
        self.fixup(label, false);
    }

    /// `jmp` of two bytes: the label must come to lie near.
    pub fn jmp_short(&mut self, label: Label) {
        self.byte(0xeb);
        self.fixup(label, true);
    }

    /// `jcc` of two bytes: the label must come to lie near.
    pub fn jcc_short(&mut self, cond: Cond, label: Label) {
        self.byte(0x70 | cond as u8);
        self.fixup(label, true);
    }

    /// `jrcxz`: jumps if `rcx` is zero, leaving the flags alone. The label must
    /// come to lie near.
    pub fn jrcxz(&mut self, label: Label) {
        self.byte(0xe3);
        self.fixup(label, true);
    }

    /// `call`
    pub fn call_label(&mut self, label: Label) {
        self.touch_all();
        self.byte(0xe8);
        self.fixup(label, false);
    }

    /// `jmp` whose 4-byte displacement is aligned and to be patched by the
    /// caller; gives the displacement's position.
    pub fn jmp_rel32_aligned(&mut self) -> usize {
        self.align_for(1);
        self.byte(0xe9);
        self.imm32(0);
        self.pos() - 4
    }

    /// `jcc` whose 4-byte displacement is aligned and to be patched by the
    /// caller; gives the displacement's position.
    pub fn jcc_rel32_aligned(&mut self, cond: Cond) -> usize {
        self.align_for(2);
        self.bytes(&[0x0f, 0x80 | cond as u8]);
        self.imm32(0);
        self.pos() - 4
    }

    /// Pads so that after `opcode` bytes the position is a multiple of 4.
    fn align_for(&mut self, opcode: usize) {
        let over = (self.pos() + opcode) % 4;
        if over != 0 {
            self.nop(4 - over);
        }
    }

    /// Writes four bytes over those at `at`.
    pub fn patch_i32(&mut self, at: usize, value: i32) {
        self.code[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// Fills in what labels are for.
    pub fn resolve(&mut self) {
        for i in 0..self.fixups.len() {
            let Fixup { at, label, short } = self.fixups[i];
            let target = self.labels[label.0 as usize];
            debug_assert_ne!(target, UNBOUND, "a label was never bound");
            let length = if short { 1 } else { 4 };
            let distance = target.wrapping_sub(at + length).cast_signed();
            if short {
                let near = i8::try_from(distance);
                debug_assert!(near.is_ok(), "a short jump is too long");
                self.code[at as usize] = near.unwrap_or_default().cast_unsigned();
            } else {
                self.patch_i32(at as usize, distance);
            }
        }
        self.fixups.clear();
    }
}
