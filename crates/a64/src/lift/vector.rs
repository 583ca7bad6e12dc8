//! Advanced SIMD and floating point.

use super::A64;
use crate::decode::Class;
use crate::insn::Insn;
use ir::form::Sink;

pub(super) fn lift(guest: A64, insn: Insn, class: Class, out: &mut Sink<'_>) -> bool {
    let _ = (guest, insn, class, out);
    false
}
