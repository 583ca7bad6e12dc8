//! Every row of the table that accesses memory is executed.

use super::{BASE, Space, state};
use crate::decode::{Class, Op, decode};
use crate::interp::memory::handles;
use crate::interp::{Exception, step};

/// The classes that move data between registers and memory, by the names the
/// table gives them.
fn is_memory(class: Class) -> bool {
    class.name().starts_with("ldst_")
        || matches!(
            class,
            Class::atomic | Class::compare_and_swap | Class::memory_copy_set
        )
}

#[test]
fn all_classes_are_handled() {
    for &class in Class::ALL {
        let here = handles(class) || class == Class::memory_copy_set;
        assert_eq!(here, is_memory(class), "{}", class.name());
    }
}

#[test]
fn all_rows_execute() {
    for &op in Op::ALL.iter().filter(|op| is_memory(op.class())) {
        let info = op.info();
        // Rd or Rt 2, Rn 4, and Rs or Rm 6; then all the values of the bits
        // that a `where` may read.
        let fields = match info.class {
            Class::ldst_literal => 2,
            Class::ldst_unsigned => 4 << 5 | 2,
            _ => 6 << 16 | 4 << 5 | 2,
        };
        let free = [10, 11, 12, 13, 14, 15, 22, 23, 30, 31];
        let (mut words, mut done) = (0, 0);
        for choice in 0..1u32 << free.len() {
            let mut word = info.value | fields & !info.mask;
            for (i, bit) in free.iter().enumerate() {
                word |= (choice >> i & 1) << bit & !info.mask;
            }
            let Some(insn) = decode(word).filter(|insn| insn.op == op) else {
                continue;
            };
            let mut cpu = state();
            cpu.x[4] = match info.class {
                Class::memory_copy_set => 0,
                _ => BASE + 0x100,
            };
            cpu.x[6] = 0;
            words += 1;
            match step(&mut cpu, &mut Space::new(), insn) {
                Ok(()) => {
                    assert_eq!(cpu.pc, BASE + 4, "{insn:?}");
                    done += 1;
                }
                // imm12 and imm19 reach far, and imm9 may be odd.
                Err(Exception::Fault(_)) => {}
                Err(other) => panic!("{insn:?}: {other:?}"),
            }
        }
        assert!(done > 0, "{}: none of {words}", op.name());
    }
}
