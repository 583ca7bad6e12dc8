//! Random words of an instruction, without those whose meaning the manual
//! leaves open (CONSTRAINED UNPREDICTABLE), and with should-be bits as they
//! should be.

use a64::decode::{Class, Op, allocated, decode};
use a64::insn::Insn;

use crate::random::Rng;

/// The bits of a word that are neither fixed nor a field's.
fn should_be(op: Op) -> u32 {
    let info = op.info();
    let fields = info.fields.iter().fold(0u32, |bits, field| {
        bits | (((1u64 << field.width) - 1) << field.lsb) as u32
    });
    !(info.mask | fields)
}

/// Whether the should-be bits are ones.
const fn should_be_one(class: Class) -> bool {
    matches!(
        class,
        Class::ldst_exclusive | Class::ldst_ordered | Class::ldst_rcpc | Class::dp_3src
    )
}

/// A random word of the instruction.
///
/// # Panics
/// When there seems to be none.
pub fn word(rng: &mut Rng, op: Op) -> Insn {
    let info = op.info();
    let should = should_be(op);
    let ones = if should_be_one(info.class) { should } else { 0 };
    for _ in 0..100_000 {
        let word = info.value | rng.word() & !info.mask & !should | ones;
        if !allocated(op, word) || decode(word).is_none_or(|insn| insn.op != op) {
            continue;
        }
        let insn = Insn { op, word };
        if predictable(insn) {
            return insn;
        }
    }
    panic!("no word of {} is found", op.name())
}

/// Whether the manual says what the word does.
#[must_use]
pub fn predictable(insn: Insn) -> bool {
    let (rn, rt, rt2, rs) = (insn.rn(), insn.rt(), insn.rt2(), insn.rs());
    let info = insn.op.info();
    let loads = info.name.starts_with("LD");
    let vector = info.name.contains("SIMD_FP");
    match info.class {
        Class::ldst_exclusive => {
            let pair = info.mnemonic.ends_with('P');
            if loads {
                !(pair && rt == rt2)
            } else {
                rs != rt && (rs != rn || rn == 31) && !(pair && rs == rt2)
            }
        }
        Class::ldst_imm_post | Class::ldst_imm_pre => vector || rn != rt || rn == 31,
        Class::ldst_pair_post | Class::ldst_pair_pre => {
            !(loads && rt == rt2) && (vector || rn == 31 || rn != rt && rn != rt2)
        }
        Class::ldst_pair_offset | Class::ldst_pair_nontemporal => !(loads && rt == rt2),
        Class::memory_copy_set => {
            let (rd, set) = (insn.rd(), info.name.starts_with("SET"));
            rd != rs && rd != rn && rs != rn && rd != 31 && rn != 31 && (set || rs != 31)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_has_words() {
        let mut rng = Rng::new(2);
        for &op in Op::ALL {
            for _ in 0..20 {
                assert_eq!(decode(word(&mut rng, op).word).map(|i| i.op), Some(op));
            }
        }
    }
}
