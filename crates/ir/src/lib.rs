//! Regions of guest code, between the guest's instructions and the host's.
//!
//! An instruction here ([`Op`]) works on *slots*: numbered registers of a
//! guest, held somewhere by the host. It knows neither what the guest calls
//! them nor where the host keeps them. A region is a set of basic blocks that
//! are translated together, in one mode ([`region`], [`mode`]), found by
//! following direct branches ([`form`]); before it is lowered, backward liveness
//! says which condition flags are still to be seen ([`live`]; what operations
//! read: [`uses`]), and forward analysis which vector slots have zeros in their
//! upper bits ([`upper`]).
#![no_std]

extern crate alloc;

pub mod form;
pub mod inst;
pub mod live;
pub mod mode;
pub mod region;
pub mod upper;
pub mod uses;
pub mod vector;

pub use inst::{Addr, BinOp, Cond, Extend, Offset, Op, Operand, Reg, Size, VReg, Width};
pub use mode::{Key, Mode};
pub use region::{Block, Region, Term};
