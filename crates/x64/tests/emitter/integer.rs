//! Every integer instruction of the emitter.

use super::check::{
    Expected, LARGE, Operand, SIZES, WIDE, bytes, check, decode_one, features, gpr, gprs, imm,
    mems, mnemonic, pairs, plain,
};
use armistice_x64::asm::{Alu, Asm, Cond, Gpr, Mem, RegMem, Shift, Size};
use iced_x86::{CpuidFeature, Instruction, Register};

/// What x86-64-v3 has beyond x86-64; LAHF is there in long mode.
const V3: [CpuidFeature; 5] = [
    CpuidFeature::BMI1,
    CpuidFeature::BMI2,
    CpuidFeature::LZCNT,
    CpuidFeature::POPCNT,
    CpuidFeature::SSE4_2,
];

/// Compares one instruction, and that x86-64-v3 has it.
#[track_caller]
fn same(emit: impl FnOnce(&mut Asm), expected: &Expected<'_>) -> Instruction {
    let insn = check(emit, expected);
    for feature in features(insn.code()) {
        let known = V3.contains(&feature) || feature == CpuidFeature::CMPXCHG16B;
        assert!(known, "{insn} takes {feature:?}");
    }
    insn
}

const ALU: [(Alu, &str); 8] = [
    (Alu::Add, "add"),
    (Alu::Or, "or"),
    (Alu::Adc, "adc"),
    (Alu::Sbb, "sbb"),
    (Alu::And, "and"),
    (Alu::Sub, "sub"),
    (Alu::Xor, "xor"),
    (Alu::Cmp, "cmp"),
];

/// Immediates around the edges of one, two and four bytes.
const IMMS: [i32; 14] = [
    0,
    1,
    -1,
    127,
    128,
    -128,
    -129,
    255,
    256,
    32767,
    -32768,
    65535,
    i32::MAX,
    i32::MIN,
];

/// The immediates that an operation of `size` can mean.
fn imms(size: Size) -> impl Iterator<Item = i32> {
    IMMS.into_iter().filter(move |&i| match size {
        Size::B8 => (-128..256).contains(&i),
        Size::B16 => (-32768..65536).contains(&i),
        _ => true,
    })
}

const CONDS: [(Cond, &str); 16] = [
    (Cond::O, "o"),
    (Cond::NO, "no"),
    (Cond::B, "b"),
    (Cond::AE, "ae"),
    (Cond::E, "e"),
    (Cond::NE, "ne"),
    (Cond::BE, "be"),
    (Cond::A, "a"),
    (Cond::S, "s"),
    (Cond::NS, "ns"),
    (Cond::P, "p"),
    (Cond::NP, "np"),
    (Cond::L, "l"),
    (Cond::GE, "ge"),
    (Cond::LE, "le"),
    (Cond::G, "g"),
];

#[test]
fn arithmetic_of_registers() {
    for (op, name) in ALU {
        for size in SIZES {
            for (a, b) in pairs() {
                let expected = plain(name, &[gpr(size, a), gpr(size, b)]);
                same(|asm| asm.alu_rr(size, op, a, b), &expected);
            }
        }
    }
}

#[test]
fn arithmetic_with_memory() {
    for (op, name) in ALU {
        for size in SIZES {
            for (i, mem) in mems().into_iter().enumerate() {
                let reg = nth(i);
                let m = Operand::Mem(mem, bytes(size));
                let load = plain(name, &[gpr(size, reg), m]);
                same(|asm| asm.alu_rm(size, op, reg, mem), &load);
                let store = plain(name, &[m, gpr(size, reg)]);
                same(|asm| asm.alu_mr(size, op, mem, reg), &store);
                if op != Alu::Cmp {
                    let lock = Expected {
                        lock: true,
                        ..store
                    };
                    same(|asm| asm.lock_alu_mr(size, op, mem, reg), &lock);
                }
            }
        }
    }
}

/// A register that changes with the case.
const fn nth(i: usize) -> Gpr {
    Gpr((i % 16) as u8)
}

#[test]
fn arithmetic_with_immediates() {
    for (op, name) in ALU {
        for size in SIZES {
            for value in imms(size) {
                for reg in gprs() {
                    let expected = plain(name, &[gpr(size, reg), imm(size, value)]);
                    let insn = same(|asm| asm.alu_ri(size, op, reg, value), &expected);
                    let immediate = match size {
                        _ if i8::try_from(value).is_ok() => 1,
                        Size::B64 => 4,
                        _ => bytes(size),
                    };
                    let first = if size == Size::B8 { 4 } else { 8 };
                    let rex = size == Size::B64 || reg.0 >= first;
                    let prefixes = usize::from(size == Size::B16) + usize::from(rex);
                    assert_eq!(insn.len(), prefixes + 2 + immediate, "{insn}");
                }
                for mem in mems() {
                    let m = Operand::Mem(mem, bytes(size));
                    let expected = plain(name, &[m, imm(size, value)]);
                    same(|asm| asm.alu_mi(size, op, mem, value), &expected);
                }
            }
        }
    }
}

#[test]
fn tests() {
    for size in SIZES {
        for (a, b) in pairs() {
            let expected = plain("test", &[gpr(size, a), gpr(size, b)]);
            same(|asm| asm.test_rr(size, a, b), &expected);
        }
        for (i, mem) in mems().into_iter().enumerate() {
            let m = Operand::Mem(mem, bytes(size));
            let expected = plain("test", &[m, gpr(size, nth(i))]);
            same(|asm| asm.test_mr(size, mem, nth(i)), &expected);
            for value in imms(size) {
                let expected = plain("test", &[m, imm(size, value)]);
                same(|asm| asm.test_mi(size, mem, value), &expected);
            }
        }
        for (value, reg) in imms(size).flat_map(|i| gprs().map(move |r| (i, r))) {
            let expected = plain("test", &[gpr(size, reg), imm(size, value)]);
            same(|asm| asm.test_ri(size, reg, value), &expected);
        }
    }
}

#[test]
fn moves() {
    for size in SIZES {
        for (a, b) in pairs() {
            if a == b && size == Size::B64 {
                let mut asm = Asm::new();
                asm.mov_rr(size, a, b);
                assert_eq!(asm.pos(), 0, "a move to itself is nothing");
                continue;
            }
            let expected = plain("mov", &[gpr(size, a), gpr(size, b)]);
            same(|asm| asm.mov_rr(size, a, b), &expected);
        }
        for (i, mem) in mems().into_iter().enumerate() {
            let (m, r) = (Operand::Mem(mem, bytes(size)), gpr(size, nth(i)));
            same(|asm| asm.mov_rm(size, nth(i), mem), &plain("mov", &[r, m]));
            same(|asm| asm.mov_mr(size, mem, nth(i)), &plain("mov", &[m, r]));
            // iced puts memory first wherever it is in the encoding.
            same(
                |asm| asm.xchg_mr(size, mem, nth(i)),
                &plain("xchg", &[m, r]),
            );
            for value in imms(size) {
                let expected = plain("mov", &[m, imm(size, value)]);
                same(|asm| asm.mov_mi(size, mem, value), &expected);
            }
        }
    }
}

#[test]
fn constants() {
    const LENGTHS: [(u64, usize); 12] = [
        (0, 5),
        (1, 5),
        (0x7fff_ffff, 5),
        (0x8000_0000, 5),
        (0xffff_ffff, 5),
        (0x1_0000_0000, 10),
        (u64::MAX, 7),
        (0xffff_ffff_8000_0000, 7),
        (0xffff_ffff_7fff_ffff, 10),
        (0x8000_0000_0000_0000, 10),
        (0x7fff_ffff_ffff_ffff, 10),
        (0x0123_4567_89ab_cdef, 10),
    ];
    for reg in gprs() {
        for (value, length) in LENGTHS {
            let size = if length == 5 { Size::B32 } else { Size::B64 };
            let expected = plain("mov", &[gpr(size, reg), Operand::Imm(value)]);
            let insn = same(|asm| asm.mov_ri(reg, value), &expected);
            let rex = usize::from(length == 5 && reg.0 >= 8);
            assert_eq!(insn.len(), length + rex, "{insn}");
        }
        let expected = plain("mov", &[gpr(Size::B32, reg), Operand::Imm(0x8765_4321)]);
        let patch = |asm: &mut Asm| {
            let at = asm.mov_imm32_at(reg);
            asm.patch_i32(at, 0x8765_4321_u32.cast_signed());
        };
        same(patch, &expected);
    }
}

/// Checks an instruction whose last operand is a register or memory, with
/// all of both: `operands` gives the operands from the last.
#[track_caller]
fn every_rm(
    size: Size,
    name: &str,
    mut emit: impl FnMut(&mut Asm, Gpr, RegMem),
    operands: impl Fn(Gpr, Operand) -> Vec<Operand>,
) {
    for (reg, rm) in pairs() {
        let expected = plain(name, &operands(reg, gpr(size, rm)));
        same(|asm| emit(asm, reg, rm.into()), &expected);
    }
    for (i, mem) in mems().into_iter().enumerate() {
        let expected = plain(name, &operands(nth(i), Operand::Mem(mem, bytes(size))));
        same(|asm| emit(asm, nth(i), mem.into()), &expected);
    }
}

#[test]
fn extensions() {
    for (size, from) in [
        (Size::B16, Size::B8),
        (Size::B32, Size::B8),
        (Size::B64, Size::B8),
        (Size::B32, Size::B16),
        (Size::B64, Size::B16),
    ] {
        let operands = |reg, rm| vec![gpr(size, reg), rm];
        let zero = |asm: &mut Asm, reg, rm| asm.movzx(size, from, reg, rm);
        every_rm(from, "movzx", zero, operands);
        let sign = |asm: &mut Asm, reg, rm| asm.movsx(size, from, reg, rm);
        every_rm(from, "movsx", sign, operands);
    }
    let sign = |asm: &mut Asm, reg, rm| asm.movsx(Size::B64, Size::B32, reg, rm);
    let operands = |reg, rm| vec![gpr(Size::B64, reg), rm];
    every_rm(Size::B32, "movsxd", sign, operands);
}

#[test]
fn addresses() {
    for size in WIDE {
        for (i, mem) in mems().into_iter().enumerate() {
            // There is no access, and no size of it.
            let expected = plain("lea", &[gpr(size, nth(i)), Operand::Mem(mem, 0)]);
            same(|asm| asm.lea(size, nth(i), mem), &expected);
        }
    }
}

#[test]
fn shifts() {
    const SHIFTS: [(Shift, &str); 7] = [
        (Shift::Rol, "rol"),
        (Shift::Ror, "ror"),
        (Shift::Rcl, "rcl"),
        (Shift::Rcr, "rcr"),
        (Shift::Shl, "shl"),
        (Shift::Shr, "shr"),
        (Shift::Sar, "sar"),
    ];
    for (op, name) in SHIFTS {
        for size in SIZES {
            for by in [0, 1, 7, 31, 63, 255] {
                let emit = |asm: &mut Asm, _, rm| asm.shift_ri(size, op, rm, by);
                every_rm(size, name, emit, |_, rm| {
                    vec![rm, Operand::Imm(u64::from(by))]
                });
            }
            let emit = |asm: &mut Asm, _, rm| asm.shift_cl(size, op, rm);
            every_rm(size, name, emit, |_, rm| {
                vec![rm, Operand::Reg(Register::CL)]
            });
        }
    }
    for size in WIDE {
        for (a, b) in pairs() {
            for by in [0, 1, 31, 63] {
                let count = Operand::Imm(u64::from(by));
                let expected = plain("shrd", &[gpr(size, a), gpr(size, b), count]);
                same(|asm| asm.shrd_rri(size, a, b, by), &expected);
            }
        }
    }
}

#[test]
fn one_operand() {
    type One = fn(&mut Asm, Size, RegMem);
    let all: [(One, &str); 6] = [
        (Asm::not, "not"),
        (Asm::neg, "neg"),
        (Asm::mul, "mul"),
        (Asm::imul1, "imul"),
        (Asm::div, "div"),
        (Asm::idiv, "idiv"),
    ];
    for (op, name) in all {
        for size in SIZES {
            every_rm(size, name, |asm, _, rm| op(asm, size, rm), |_, rm| vec![rm]);
        }
    }
}

#[test]
fn two_operands() {
    type Two = fn(&mut Asm, Size, Gpr, RegMem);
    let all: [(Two, &str); 4] = [
        (Asm::imul_rr, "imul"),
        (Asm::lzcnt, "lzcnt"),
        (Asm::tzcnt, "tzcnt"),
        (Asm::popcnt, "popcnt"),
    ];
    for (op, name) in all {
        for size in WIDE {
            let emit = |asm: &mut Asm, reg, rm| op(asm, size, reg, rm);
            every_rm(size, name, emit, |reg, rm| vec![gpr(size, reg), rm]);
        }
    }
    for size in SIZES {
        // A register for 64 bits is named as such; it has 32 all the same.
        let reg_size = if size == Size::B64 { size } else { Size::B32 };
        let emit = |asm: &mut Asm, reg, rm| asm.crc32(size, reg, rm);
        every_rm(size, "crc32", emit, |reg, rm| vec![gpr(reg_size, reg), rm]);
    }
    for size in WIDE {
        for bit in [0, 1, 31, 63] {
            let emit = |asm: &mut Asm, _, rm| asm.bt_ri(size, rm, bit);
            every_rm(size, "bt", emit, |_, rm| {
                vec![rm, Operand::Imm(u64::from(bit))]
            });
        }
    }
}

#[test]
fn conditions() {
    for (i, (cond, suffix)) in CONDS.into_iter().enumerate() {
        let set = |asm: &mut Asm, _, rm| asm.setcc(cond, rm);
        every_rm(Size::B8, &format!("set{suffix}"), set, |_, rm| vec![rm]);
        for size in WIDE {
            let emit = |asm: &mut Asm, reg, rm| asm.cmov(size, cond, reg, rm);
            every_rm(size, &format!("cmov{suffix}"), emit, |reg, rm| {
                vec![gpr(size, reg), rm]
            });
        }
        assert_eq!(cond.invert(), CONDS[i ^ 1].0);
    }
}

#[test]
fn bmi() {
    type Count = fn(&mut Asm, Size, Gpr, RegMem, Gpr);
    let counted: [(Count, &str); 3] = [
        (Asm::shlx, "shlx"),
        (Asm::sarx, "sarx"),
        (Asm::shrx, "shrx"),
    ];
    type Masked = fn(&mut Asm, Size, Gpr, Gpr, RegMem);
    let masked: [(Masked, &str); 3] = [
        (Asm::andn, "andn"),
        (Asm::pdep, "pdep"),
        (Asm::pext, "pext"),
    ];
    for size in LARGE {
        for third in gprs() {
            for (op, name) in counted {
                let emit = |asm: &mut Asm, reg, rm| op(asm, size, reg, rm, third);
                every_rm(size, name, emit, |reg, rm| {
                    vec![gpr(size, reg), rm, gpr(size, third)]
                });
            }
            for (op, name) in masked {
                let emit = |asm: &mut Asm, reg, rm| op(asm, size, reg, third, rm);
                every_rm(size, name, emit, |reg, rm| {
                    vec![gpr(size, reg), gpr(size, third), rm]
                });
            }
            let emit = |asm: &mut Asm, reg, rm| asm.mulx(size, reg, third, rm);
            every_rm(size, "mulx", emit, |reg, rm| {
                vec![gpr(size, reg), gpr(size, third), rm]
            });
        }
        for by in [0, 1, 31, 63] {
            let emit = |asm: &mut Asm, reg, rm| asm.rorx(size, reg, rm, by);
            every_rm(size, "rorx", emit, |reg, rm| {
                vec![gpr(size, reg), rm, Operand::Imm(u64::from(by))]
            });
        }
    }
}

#[test]
fn locked() {
    type Locked = fn(&mut Asm, Size, Mem, Gpr);
    let all: [(Locked, &str); 2] = [(Asm::lock_xadd, "xadd"), (Asm::lock_cmpxchg, "cmpxchg")];
    let lock = |name, operands: &[Operand]| Expected {
        lock: true,
        ..plain(name, operands)
    };
    for (i, mem) in mems().into_iter().enumerate() {
        for (op, name) in all {
            for size in SIZES {
                let m = Operand::Mem(mem, bytes(size));
                let expected = lock(name, &[m, gpr(size, nth(i))]);
                same(|asm| op(asm, size, mem, nth(i)), &expected);
            }
        }
        let expected = lock("cmpxchg16b", &[Operand::Mem(mem, 16)]);
        same(|asm| asm.lock_cmpxchg16b(mem), &expected);
    }
}

#[test]
fn registers_alone() {
    for reg in gprs() {
        for size in LARGE {
            same(
                |asm| asm.bswap(size, reg),
                &plain("bswap", &[gpr(size, reg)]),
            );
        }
        let r = [gpr(Size::B64, reg)];
        same(|asm| asm.push(reg), &plain("push", &r));
        same(|asm| asm.pop(reg), &plain("pop", &r));
        same(|asm| asm.jmp_r(reg), &plain("jmp", &r));
    }
    for mem in mems() {
        let eight = [Operand::Mem(mem, 8)];
        same(|asm| asm.call_m(mem), &plain("call", &eight));
        same(|asm| asm.jmp_m(mem), &plain("jmp", &eight));
        let four = [Operand::Mem(mem, 4)];
        same(|asm| asm.ldmxcsr(mem), &plain("ldmxcsr", &four));
        same(|asm| asm.stmxcsr(mem), &plain("stmxcsr", &four));
    }
}

#[test]
fn no_operands() {
    type Emit = fn(&mut Asm);
    let all: [(Emit, &str); 8] = [
        (Asm::cqo, "cqo"),
        (Asm::cdq, "cdq"),
        (Asm::lahf, "lahf"),
        (Asm::sahf, "sahf"),
        (Asm::cmc, "cmc"),
        (Asm::mfence, "mfence"),
        (Asm::ret, "ret"),
        (Asm::ud2, "ud2"),
    ];
    for (emit, name) in all {
        same(emit, &plain(name, &[]));
    }
}

/// A run of them is as long as asked, of instructions of at most 9 bytes.
#[test]
fn padding() {
    for count in 1..=9 {
        let mut asm = Asm::new();
        asm.nop(count);
        assert_eq!(asm.pos(), count);
        assert_eq!(mnemonic(&decode_one(asm.code(), "nop")), "nop");
    }
    let mut asm = Asm::new();
    asm.nop(0);
    assert_eq!(asm.pos(), 0);
    asm.nop(31);
    assert_eq!(asm.pos(), 31);
    for part in asm.code().chunks(9) {
        assert_eq!(mnemonic(&decode_one(part, "nop")), "nop");
    }
}
