//! LD1 to LD4 and ST1 to ST4. What is expected is built from the manual's
//! pictures, not its loops: register `r` of a structure's load has every
//! n-th element.

use super::{BASE, END, Space, fault, run, state};
use crate::decode::Op;
use alloc::vec;
use alloc::vec::Vec;
use guest::memory::Size;

/// The bytes of a register whose element `e` comes from the `of(e)`-th
/// element of memory (which counts up from 1), of `bytes` bytes in all.
fn gathered(size: Size, bytes: usize, of: impl Fn(usize) -> usize) -> u128 {
    let size = size as usize;
    let mut register = [0; 16];
    for (i, byte) in register.iter_mut().enumerate().take(bytes) {
        *byte = (of(i / size) * size + i % size) as u8 + 1;
    }
    u128::from_le_bytes(register)
}

const SIZES: [Size; 4] = [Size::Byte, Size::Half, Size::Word, Size::Double];

/// The rows: load, store, opcode where it is a field, registers, elements of
/// a structure.
fn rows() -> Vec<(Op, Op, Option<i64>, usize, usize)> {
    vec![
        (
            Op::LD1_multiple_structures_post,
            Op::ST1_multiple_structures_post,
            Some(7),
            1,
            1,
        ),
        (
            Op::LD1_multiple_structures_post,
            Op::ST1_multiple_structures_post,
            Some(10),
            2,
            1,
        ),
        (
            Op::LD1_multiple_structures_post,
            Op::ST1_multiple_structures_post,
            Some(6),
            3,
            1,
        ),
        (
            Op::LD1_multiple_structures_post,
            Op::ST1_multiple_structures_post,
            Some(2),
            4,
            1,
        ),
        (
            Op::LD2_multiple_structures_post,
            Op::ST2_multiple_structures_post,
            None,
            2,
            2,
        ),
        (
            Op::LD3_multiple_structures_post,
            Op::ST3_multiple_structures_post,
            None,
            3,
            3,
        ),
        (
            Op::LD4_multiple_structures_post,
            Op::ST4_multiple_structures_post,
            None,
            4,
            4,
        ),
    ]
}

#[test]
fn multiple_structures() {
    for (load, store, opcode, registers, selem) in rows() {
        for (log2, size) in SIZES.into_iter().enumerate() {
            for q in 0..2 {
                if size == Size::Double && q == 0 && selem > 1 {
                    continue;
                }
                let bytes = 8usize << q;
                let mut fields = vec![("struct_size", log2 as i64), ("Q", q)];
                fields.extend([("Rn", 1), ("Rt", 30), ("Rm", 31)]);
                fields.extend(opcode.map(|opcode| ("opcode", opcode)));
                let (mut cpu, mut mem) = (state(), Space::new());
                cpu.x[1] = BASE;
                run(&mut cpu, &mut mem, load, &fields);
                let length = (registers * bytes) as u64;
                assert_eq!(cpu.x[1], BASE + length);
                for r in 0..4 {
                    let value = cpu.v[(30 + r) % 32];
                    let of = |e| {
                        if selem == 1 {
                            r * bytes / size as usize + e
                        } else {
                            e * selem + r
                        }
                    };
                    let expected = if r < registers {
                        gathered(size, bytes, of)
                    } else {
                        state().v[(30 + r) % 32]
                    };
                    assert_eq!(value, expected, "{} {size:?} {q} {r}", load.name());
                }
                // Stored elsewhere, it is the same memory.
                cpu.x[1] = BASE + 0x100;
                run(&mut cpu, &mut mem, store, &fields);
                let memory = &mem.buffer.bytes;
                let length = length as usize;
                assert_eq!(memory[..length], memory[0x100..0x100 + length]);
                assert_eq!(memory[0x100 + length], length as u8 + 1);
            }
        }
    }
}

/// The fields of element `index` of a size: Q, S, size and the scale.
fn element(size: Size, index: i64) -> [(&'static str, i64); 4] {
    // The index in units of bytes of the register is Q:S:size, and a
    // doubleword's has the lowest bit of size set.
    let place = (index * size as i64) | i64::from(size == Size::Double);
    let scale = match size {
        Size::Byte => 0,
        Size::Half => 1,
        _ => 2,
    };
    [
        ("Q", place >> 3),
        ("S", place >> 2 & 1),
        ("struct_size", place & 3),
        ("elem_scale", scale),
    ]
}

#[test]
fn single_structures() {
    let rows = [
        (Op::LD1_single_structure_post, Op::ST1_single_structure_post),
        (Op::LD2_single_structure_post, Op::ST2_single_structure_post),
        (Op::LD3_single_structure_post, Op::ST3_single_structure_post),
        (Op::LD4_single_structure_post, Op::ST4_single_structure_post),
    ];
    for (count, (load, store)) in (1..).zip(rows) {
        for size in SIZES {
            for index in 0..16 / size as i64 {
                let mut fields = vec![("Rn", 1), ("Rt", 31), ("Rm", 31)];
                fields.extend(element(size, index));
                let (mut cpu, mut mem) = (state(), Space::new());
                cpu.x[1] = BASE;
                run(&mut cpu, &mut mem, load, &fields);
                let length = count * size as usize;
                assert_eq!(cpu.x[1], BASE + length as u64);
                for r in 0..4 {
                    let mut expected = state().v[(31 + r) % 32].to_le_bytes();
                    if r < count {
                        for i in 0..size as usize {
                            let at = index as usize * size as usize + i;
                            expected[at] = (r * size as usize + i) as u8 + 1;
                        }
                    }
                    let expected = u128::from_le_bytes(expected);
                    assert_eq!(cpu.v[(31 + r) % 32], expected, "{} {size:?}", load.name());
                }
                cpu.x[1] = BASE + 0x100;
                run(&mut cpu, &mut mem, store, &fields);
                let memory = &mem.buffer.bytes;
                assert_eq!(memory[..length], memory[0x100..0x100 + length]);
                assert_eq!(memory[0x100 + length], length as u8 + 1);
            }
        }
    }
}

#[test]
fn replication() {
    let rows = [Op::LD1R_post, Op::LD2R_post, Op::LD3R_post, Op::LD4R_post];
    for (count, op) in (1..).zip(rows) {
        for (log2, size) in SIZES.into_iter().enumerate() {
            for q in 0..2 {
                let (mut cpu, mut mem) = (state(), Space::new());
                cpu.x[1] = BASE;
                let fields = [
                    ("struct_size", log2 as i64),
                    ("Q", q),
                    ("Rn", 1),
                    ("Rt", 8),
                    ("Rm", 31),
                ];
                run(&mut cpu, &mut mem, op, &fields);
                for r in 0..4 {
                    let expected = if r < count {
                        gathered(size, 8 << q, |_| r)
                    } else {
                        state().v[8 + r]
                    };
                    assert_eq!(cpu.v[8 + r], expected, "{} {size:?} {q}", op.name());
                }
                assert_eq!(cpu.x[1], BASE + count as u64 * size.bytes());
                assert_eq!(mem.accesses.len(), count);
            }
        }
    }
}

#[test]
fn bases() {
    let (mut cpu, mut mem) = (state(), Space::new());
    cpu.x[1] = BASE;
    run(&mut cpu, &mut mem, Op::LD1R, &[("Rn", 1)]);
    run(
        &mut cpu,
        &mut mem,
        Op::ST4_multiple_structures,
        &[("Rn", 1)],
    );
    assert_eq!(cpu.x[1], BASE);
    // By a register, and by the base itself.
    cpu.x[2] = (-3i64) as u64;
    run(&mut cpu, &mut mem, Op::LD1R_post, &[("Rn", 1), ("Rm", 2)]);
    assert_eq!(cpu.x[1], BASE - 3);
    cpu.x[1] = BASE;
    run(
        &mut cpu,
        &mut mem,
        Op::ST1_single_structure_post,
        &[("Rn", 1), ("Rm", 1)],
    );
    assert_eq!(cpu.x[1], 2 * BASE);
}

#[test]
fn a_fault_in_the_last_element_leaves_the_registers() {
    let mut cpu = state();
    cpu.x[1] = END - 15;
    let fields = [("Q", 1), ("opcode", 7), ("Rn", 1), ("Rt", 2), ("Rm", 31)];
    let mut mem = Space::new();
    assert_eq!(
        fault(&cpu, &mut mem, Op::LD1_multiple_structures_post, &fields).address,
        END
    );
    assert_eq!(
        fault(&cpu, &mut mem, Op::ST1_multiple_structures_post, &fields).address,
        END
    );
    // The elements before it were stored.
    assert!(mem.buffer.bytes[LAST..].iter().all(|&b| b == 0x82));

    cpu.x[1] = END - 3;
    let fields = [("Rn", 1), ("Rt", 2), ("Rm", 31)];
    assert_eq!(fault(&cpu, &mut mem, Op::LD4R_post, &fields).address, END);
    assert_eq!(
        fault(&cpu, &mut mem, Op::LD4_single_structure_post, &fields).address,
        END
    );
}

/// The offset of the last 15 bytes.
const LAST: usize = super::LENGTH - 15;
