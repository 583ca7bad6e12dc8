//! Guest addresses in host code: one form of instruction, and a list of its places.
//!
//! Every guest address that code holds is eight bytes of a `mov`, whatever its value, and
//! is listed. So the same instructions at another address give the same code but for these
//! bytes. Nothing else in code says where guest or host lie: code reaches what the engine
//! has through the state, and displacements stay inside the region.
//!
//! Code that many processes use in place ([`super::Options::base`]) can't differ in any
//! byte. In such code a guest address is a distance from a *base word*. The word lies
//! outside the code, in memory of the process's own. Lowering lists where the word's
//! displacement is to be filled in ([`super::Lowered::base_words`]).

use super::Lowering;
use crate::asm::{Gpr, Mem, Size};
use crate::convention::RAX;
use alloc::vec::Vec;
use ir::Reg;

/// What bytes of code depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Eight bytes, little-endian: the address that is `addend` behind
    /// [`Relocations::origin`].
    Guest,
    /// The same of a guest whose addresses have 32 bits: without what the sum has above these.
    Narrow,
}

impl Kind {
    /// The bytes of a relocation of this kind.
    pub(super) const fn bytes(self, origin: u64, addend: i64) -> [u8; 8] {
        match self {
            Self::Guest => origin.wrapping_add_signed(addend).to_le_bytes(),
            Self::Narrow => {
                let [a, b, c, d, ..] = origin.wrapping_add_signed(addend).to_le_bytes();
                [a, b, c, d, 0, 0, 0, 0]
            }
        }
    }
}

/// Bytes of code that depend on where something lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Relocation {
    /// Where they are, from the region's start.
    pub offset: u32,
    /// What they are.
    pub kind: Kind,
    /// What is added to that.
    pub addend: i64,
}

/// All of a region's, ascending.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Relocations {
    /// The guest address that addends count from: that of the first block.
    pub origin: u64,
    /// Where the code depends on it.
    pub list: Vec<Relocation>,
}

impl Relocations {
    /// Makes `code` that of a region whose first block is at `origin`.
    ///
    /// # Panics
    /// When `code` is not the region's.
    pub fn apply(&self, code: &mut [u8], origin: u64) {
        for relocation in &self.list {
            let bytes = relocation.kind.bytes(origin, relocation.addend);
            code[relocation.offset as usize..][..bytes.len()].copy_from_slice(&bytes);
        }
    }
}

impl Lowering<'_> {
    /// `to` = a guest address; the flags are left alone.
    pub(crate) fn guest_address(&mut self, to: Gpr, address: u64) {
        if let Some(base) = self.base {
            return self.base_and(to, self.address_distance(base, address));
        }
        let origin = self.out.relocations.origin;
        let addend = self.address_distance(origin, address);
        let kind = if self.c.layout.narrow {
            Kind::Narrow
        } else {
            Kind::Guest
        };
        let value = u64::from_le_bytes(kind.bytes(origin, addend));
        let at = self.a.mov_imm64_at(to, value);
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a region's code is some kilobytes"
        )]
        let offset = at as u32;
        self.out.relocations.list.push(Relocation {
            offset,
            kind,
            addend,
        });
    }

    /// How far an address is behind another; the same from place to place, also where what is
    /// between them leads around the end of 32 bits.
    const fn address_distance(&self, from: u64, to: u64) -> i64 {
        let distance = to.wrapping_sub(from).cast_signed();
        if self.c.layout.narrow {
            distance << 32 >> 32
        } else {
            distance
        }
    }

    /// `to` = what the base word has, and so much more.
    fn base_and(&mut self, to: Gpr, mut distance: i64) {
        let at = self.a.mov_rip_at(to);
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a region's code is some kilobytes"
        )]
        self.out.base_words.push(at as u32);
        // The sum has as many bits as addresses.
        let size = if self.c.layout.narrow {
            Size::B32
        } else {
            Size::B64
        };
        // A guest may reach four gigabytes, a displacement two.
        while distance != 0 {
            #[allow(clippy::cast_possible_truncation, reason = "clamped")]
            let step = distance.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
            self.a.lea(size, to, Mem::disp(to, step));
            distance -= i64::from(step);
        }
    }

    /// d = a guest address.
    pub(crate) fn address_to(&mut self, d: Reg, address: u64) {
        let t = self.target(d, RAX);
        self.guest_address(t, address);
        self.write(d, t);
    }

    /// The guest's program counter = a constant. Uses `rax`.
    pub(crate) fn set_pc(&mut self, pc: u64) {
        let home = self.c.state(self.c.layout.pc);
        self.guest_address(RAX, pc);
        self.a.mov_mr(Size::B64, home, RAX);
    }
}
