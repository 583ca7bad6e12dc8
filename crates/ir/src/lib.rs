//! Regions of guest code, between the guest's instructions and the host's.
//!
//! An instruction here ([`Op`]) works on *slots*: numbered registers of a
//! guest, held somewhere by the host ([`operand`], [`inst`], [`vector`]). It knows
//! neither what the guest calls them nor where the host keeps them. A region is a
//! set of basic blocks that are translated together, in one mode ([`region`],
//! [`mode`]), found by following direct branches ([`form`]). Before it is lowered,
//! [`passes`] find out what lowering wants to know of it, from what operations read
//! and do ([`uses`]).
#![no_std]

extern crate alloc;

pub mod fields;
pub mod form;
pub mod inst;
pub mod mode;
pub mod operand;
pub mod passes;
pub mod region;
pub mod text;
pub mod uses;
pub mod vector;
pub mod verify;

pub use inst::{BinOp, Op};
pub use mode::{Key, Mode};
pub use operand::{Addr, Cond, Extend, Offset, Operand, Reg, Size, VReg, Width};
pub use passes::{live, upper};
pub use region::{Block, Region, Term};
