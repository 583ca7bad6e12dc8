//! Every row of the table of vector instructions, in both forms, by the
//! function for its shape; with registers, memory and opmasks of all kinds.

use super::check::{
    Expected, LARGE, Operand, bytes, check, features, gpr, gprs, mask, mems, mnemonic, plain, xmm,
};
use armistice_x64::asm::vector::Sha;
use armistice_x64::asm::{Asm, Gpr, K, Last, Mem, Shape, Size, V, Xmm, XmmMem};
use armistice_x64::features::HostFeatures;
use iced_x86::{CpuidFeature, EncodingKind, Instruction};

/// Vector registers by the bits of their numbers that lie apart in the
/// encoding, the edges first.
const XMMS: [u8; 12] = [0, 1, 7, 8, 15, 16, 17, 23, 24, 28, 30, 31];
const IMMS: [u8; 4] = [0, 1, 0x7f, 0xff];

/// The registers that a row can name.
fn xmms(op: V) -> impl Iterator<Item = Xmm> + Clone {
    let evex = op.has_evex();
    XMMS.into_iter().filter(move |&n| evex || n < 16).map(Xmm)
}

/// Whether it comes out in VEX form, given what registers there are.
fn in_vex(op: V, registers: &[Xmm]) -> bool {
    op.has_vex() && registers.iter().all(|r| r.0 < 16)
}

/// The mnemonic of a form: some are longer in EVEX.
fn name(op: V, vex: bool) -> String {
    let name = op.row().mnemonic;
    if vex {
        return name.to_owned();
    }
    match name {
        "vmovdqu" | "vmovdqa" => format!("{name}64"),
        // The masks decide on lanes of that size.
        "vpand" | "vpandn" | "vpor" | "vpxor" => format!("{name}q"),
        _ => name.to_owned(),
    }
}

/// How many bytes of memory the row accesses.
fn size(op: V) -> usize {
    match (op.row().evex, op) {
        (Some(evex), _) => evex.unit.into(),
        (None, V::Roundss | V::Cmpss) => 4,
        (None, V::Roundsd | V::Cmpsd) => 8,
        (None, _) => 16,
    }
}

/// Compares one instruction, its form, and what the host must have for it.
#[track_caller]
fn same(op: V, vex: bool, emit: impl FnOnce(&mut Asm), expected: &Expected<'_>) {
    let insn = check(emit, expected);
    let form = if vex {
        EncodingKind::VEX
    } else {
        EncodingKind::EVEX
    };
    assert_eq!(insn.code().encoding(), form, "{op:?}: {insn}");
    needs(op, vex, &insn);
}

type Field = fn(&mut HostFeatures) -> &mut bool;

/// The field of [`HostFeatures`] that stands for a feature.
fn field(feature: CpuidFeature) -> Field {
    use CpuidFeature as F;
    match feature {
        F::AVX | F::AVX2 => |h| &mut h.avx2,
        F::FMA => |h| &mut h.fma,
        F::F16C => |h| &mut h.f16c,
        F::AES => |h| &mut h.aes,
        F::PCLMULQDQ => |h| &mut h.pclmul,
        F::AVX512F | F::AVX512VL | F::AVX512BW | F::AVX512DQ | F::AVX512CD => |h| &mut h.avx512,
        F::AVX512_VBMI => |h| &mut h.vbmi,
        F::AVX512_VBMI2 => |h| &mut h.vbmi2,
        F::AVX512_VNNI => |h| &mut h.vnni,
        F::AVX512_BITALG => |h| &mut h.bitalg,
        F::AVX512_VPOPCNTDQ => |h| &mut h.vpopcntdq,
        F::GFNI => |h| &mut h.gfni,
        F::VAES => |h| &mut h.vaes,
        F::VPCLMULQDQ => |h| &mut h.vpclmul,
        other => panic!("{other:?} has no field"),
    }
}

/// All fields that [`field`] can give.
const FIELDS: [Field; 14] = [
    |h| &mut h.avx2,
    |h| &mut h.fma,
    |h| &mut h.f16c,
    |h| &mut h.aes,
    |h| &mut h.pclmul,
    |h| &mut h.avx512,
    |h| &mut h.vbmi,
    |h| &mut h.vbmi2,
    |h| &mut h.vnni,
    |h| &mut h.bitalg,
    |h| &mut h.vpopcntdq,
    |h| &mut h.gfni,
    |h| &mut h.vaes,
    |h| &mut h.vpclmul,
];

/// The table must refuse a host exactly if it lacks what iced says is needed.
#[track_caller]
fn needs(op: V, vex: bool, insn: &Instruction) {
    let mut needed: Vec<Field> = features(insn.code()).into_iter().map(field).collect();
    if vex {
        // FMA and F16C stand alone in CPUID, but come with AVX's registers.
        needed.push(|h| &mut h.avx2);
    }
    for absent in FIELDS {
        let mut host = HostFeatures::ALL;
        *absent(&mut host) = false;
        let can = needed.iter().all(|field| *field(&mut host));
        let said = if vex {
            op.vex_on(&host)
        } else {
            op.evex_on(&host)
        };
        assert_eq!(said, can, "{insn} on {host:?}");
    }
}

/// Register and memory operands for ModRM's r/m, as the row takes them. Those
/// in memory are all there are for the first of `others` only.
fn lasts(op: V, all_memory: bool) -> Vec<XmmMem> {
    let mut lasts = Vec::new();
    if op.last() != Last::Memory {
        lasts.extend(xmms(op).map(XmmMem::Reg));
    }
    if op.last() != Last::Register {
        let mems = mems();
        let step = if all_memory { 1 } else { 97 };
        lasts.extend(mems.into_iter().step_by(step).map(XmmMem::Mem));
    }
    lasts
}

fn last_operand(op: V, last: XmmMem) -> (Operand, Vec<Xmm>) {
    match last {
        XmmMem::Reg(r) => (xmm(r), vec![r]),
        XmmMem::Mem(m) => (Operand::Mem(m, size(op)), vec![]),
    }
}

fn rows(shape: Shape) -> impl Iterator<Item = V> {
    let rows: Vec<V> = V::ALL
        .iter()
        .copied()
        .filter(|op| op.shape() == shape)
        .collect();
    assert!(!rows.is_empty(), "{shape:?}");
    rows.into_iter()
}

/// All rows of a shape of two operands, and an immediate or none.
fn two(
    shape: Shape,
    imms: &[Option<u8>],
    reversed: bool,
    emit: impl Fn(&mut Asm, V, Xmm, XmmMem, u8),
) {
    for op in rows(shape) {
        for (i, reg) in xmms(op).enumerate() {
            for last in lasts(op, i == 0 || reg.0 == 31) {
                for &imm in imms {
                    let (operand, mut registers) = last_operand(op, last);
                    registers.push(reg);
                    let vex = in_vex(op, &registers);
                    let mut operands = vec![xmm(reg), operand];
                    if reversed {
                        operands.reverse();
                    }
                    operands.extend(imm.map(|imm| Operand::Imm(imm.into())));
                    let name = name(op, vex);
                    let emit = |asm: &mut Asm| emit(asm, op, reg, last, imm.unwrap_or(0));
                    same(op, vex, emit, &plain(&name, &operands));
                }
            }
        }
    }
}

#[test]
fn rows_of_two() {
    two(Shape::Two, &[None], false, |asm, op, dst, src, _| {
        asm.v2(op, dst, src);
    });
    two(Shape::TwoImm, &IMMS.map(Some), false, Asm::v2i);
}

#[test]
fn rows_that_store() {
    two(Shape::Store, &[None], true, |asm, op, src, dst, _| {
        asm.vto(op, dst, src);
        // The function for memory alone says the same.
        if let XmmMem::Mem(mem) = dst {
            let mut store = Asm::new();
            store.vstore(op, mem, src);
            assert_eq!(store.code(), asm.code());
        }
    });
    two(
        Shape::StoreImm,
        &IMMS.map(Some),
        true,
        |asm, op, src, dst, imm| {
            asm.vto_i(op, dst, src, imm);
            if let XmmMem::Mem(mem) = dst {
                let mut store = Asm::new();
                store.vstore_i(op, mem, src, imm);
                assert_eq!(store.code(), asm.code());
            }
        },
    );
}

/// All rows of a shape of three operands, and an immediate or none.
fn three(shape: Shape, imms: &[Option<u8>], emit: impl Fn(&mut Asm, V, [Xmm; 2], XmmMem, u8)) {
    for op in rows(shape) {
        for (dst, a) in xmms(op).flat_map(|dst| xmms(op).map(move |a| (dst, a))) {
            let edge = dst.0 == a.0 && (dst.0 == 0 || dst.0 == 31);
            for (i, last) in lasts(op, edge).into_iter().enumerate() {
                let imm = imms[i % imms.len()];
                let (operand, mut registers) = last_operand(op, last);
                registers.extend([dst, a]);
                let vex = in_vex(op, &registers);
                let mut operands = vec![xmm(dst), xmm(a), operand];
                operands.extend(imm.map(|imm| Operand::Imm(imm.into())));
                let name = name(op, vex);
                let emit = |asm: &mut Asm| emit(asm, op, [dst, a], last, imm.unwrap_or(0));
                same(op, vex, emit, &plain(&name, &operands));
            }
        }
    }
}

#[test]
fn rows_of_three() {
    three(Shape::Three, &[None], |asm, op, [dst, a], b, _| {
        asm.v3(op, dst, a, b);
    });
}

#[test]
fn rows_of_three_and_a_constant() {
    three(
        Shape::ThreeImm,
        &IMMS.map(Some),
        |asm, op, [dst, a], b, imm| asm.v3i(op, dst, a, b, imm),
    );
}

#[test]
fn shifts() {
    for op in rows(Shape::Shift) {
        for (dst, src) in xmms(op).flat_map(|dst| xmms(op).map(move |src| (dst, src))) {
            for imm in [0, 1, 7, 8, 63, 255] {
                let vex = in_vex(op, &[dst, src]);
                let operands = [xmm(dst), xmm(src), Operand::Imm(imm.into())];
                let emit = |asm: &mut Asm| asm.vshift_i(op, dst, src, imm);
                same(op, vex, emit, &plain(&name(op, vex), &operands));
            }
        }
    }
}

#[test]
fn blends() {
    for op in rows(Shape::Blend) {
        for (dst, a) in (0..16).flat_map(|dst| (0..16).map(move |a| (Xmm(dst), Xmm(a)))) {
            for (i, last) in lasts(op, dst == a).into_iter().enumerate() {
                let mask = Xmm((i % 16) as u8);
                let operands = [xmm(dst), xmm(a), last_operand(op, last).0, xmm(mask)];
                let emit = |asm: &mut Asm| asm.v4(op, dst, a, last, mask);
                same(op, true, emit, &plain(op.row().mnemonic, &operands));
            }
        }
    }
}

/// iced gives comparisons by predicate their own names where it has them; in
/// the decoder they keep the predicate as an operand.
#[test]
fn comparisons_to_opmasks() {
    for k in (0..8).map(K) {
        for op in rows(Shape::MaskThree) {
            for a in xmms(op) {
                for b in lasts(op, a.0 == 31) {
                    let operands = [mask(k), xmm(a), last_operand(op, b).0];
                    let emit = |asm: &mut Asm| asm.vk3(op, k, a, b);
                    same(op, false, emit, &plain(op.row().mnemonic, &operands));
                }
            }
        }
        for op in rows(Shape::MaskThreeImm) {
            for a in xmms(op) {
                for (i, b) in lasts(op, a.0 == 31).into_iter().enumerate() {
                    let imm = (i % 8) as u8;
                    let last = last_operand(op, b).0;
                    let operands = [mask(k), xmm(a), last, Operand::Imm(imm.into())];
                    let emit = |asm: &mut Asm| asm.vk3i(op, k, a, b, imm);
                    same(op, false, emit, &plain(op.row().mnemonic, &operands));
                }
            }
        }
        for op in rows(Shape::MaskTwoImm) {
            for src in lasts(op, true) {
                for imm in IMMS {
                    let last = last_operand(op, src).0;
                    let operands = [mask(k), last, Operand::Imm(imm.into())];
                    let emit = |asm: &mut Asm| asm.vk2i(op, k, src, imm);
                    same(op, false, emit, &plain(op.row().mnemonic, &operands));
                }
            }
        }
    }
}

#[test]
fn opmasks_and_vectors() {
    for (k, n) in (0..8).flat_map(|k| (0..32).map(move |n| (K(k), Xmm(n)))) {
        for op in rows(Shape::MaskTwo) {
            let expected = plain(op.row().mnemonic, &[mask(k), xmm(n)]);
            same(op, false, |asm| asm.vk2(op, k, n), &expected);
        }
        for op in rows(Shape::FromMask) {
            let expected = plain(op.row().mnemonic, &[xmm(n), mask(k)]);
            same(op, false, |asm| asm.vfrom_k(op, n, k), &expected);
        }
    }
}

/// Rows of two or three vectors whose EVEX form takes no opmask.
const UNMASKED: [V; 23] = [
    V::Movq,
    V::Movhlps,
    V::Movlhps,
    V::Movhps,
    V::MovlpsLoad,
    V::Psadbw,
    V::Aesenc,
    V::Aesenclast,
    V::Aesdec,
    V::Aesdeclast,
    V::Ucomiss,
    V::Ucomisd,
    V::Comiss,
    V::Comisd,
    V::Pcmpeqb,
    V::Pcmpeqw,
    V::Pcmpeqd,
    V::Pcmpgtb,
    V::Pcmpgtw,
    V::Pcmpgtd,
    V::Pcmpeqq,
    V::Pcmpgtq,
    V::Ptest,
];

#[test]
fn opmasks() {
    let masks = || (1..8).flat_map(|k| [(k, false), (k, true)]);
    let masked = |op: V| op.has_evex() && !UNMASKED.contains(&op);
    for op in rows(Shape::Three).filter(|&op| masked(op)) {
        let name = name(op, false);
        for (k, zero) in masks() {
            for (i, b) in lasts(op, k == 1).into_iter().enumerate() {
                let (dst, a) = (Xmm((i % 32) as u8), Xmm((i * 7 % 32) as u8));
                let operands = [xmm(dst), xmm(a), last_operand(op, b).0];
                let expected = Expected {
                    mask: (k, zero),
                    ..plain(&name, &operands)
                };
                let emit = |asm: &mut Asm| asm.v3k(op, dst, K(k), zero, a, b);
                same(op, false, emit, &expected);
            }
        }
    }
    for op in rows(Shape::Two).filter(|&op| masked(op)) {
        let name = name(op, false);
        for (k, zero) in masks() {
            for (i, src) in lasts(op, k == 1).into_iter().enumerate() {
                let dst = Xmm((i % 32) as u8);
                let expected = Expected {
                    mask: (k, zero),
                    ..plain(&name, &[xmm(dst), last_operand(op, src).0])
                };
                let emit = |asm: &mut Asm| asm.v2k(op, dst, K(k), zero, src);
                same(op, false, emit, &expected);
            }
        }
    }
}

/// Moves between the two kinds of registers, by size, in both forms.
#[test]
fn moves_of_general_registers() {
    let all = || gprs().flat_map(|r| xmms(V::Pinsrb).map(move |x| (r, x)));
    for (r, x) in all() {
        for size in LARGE {
            let name = if size == Size::B64 { "vmovq" } else { "vmovd" };
            let vex = x.0 < 16;
            let from = plain(name, &[xmm(x), gpr(size, r)]);
            let emit = |asm: &mut Asm| asm.vmov_from_gpr(size, x, r);
            same(V::MovdFromGpr, vex, emit, &from);
            let to = plain(name, &[gpr(size, r), xmm(x)]);
            let emit = |asm: &mut Asm| asm.vmov_to_gpr(size, r, x);
            same(V::MovdToGpr, vex, emit, &to);
        }
    }
}

const BROADCASTS: [(Size, V, &str); 4] = [
    (Size::B8, V::PbroadcastbGpr, "vpbroadcastb"),
    (Size::B16, V::PbroadcastwGpr, "vpbroadcastw"),
    (Size::B32, V::PbroadcastdGpr, "vpbroadcastd"),
    (Size::B64, V::PbroadcastdGpr, "vpbroadcastq"),
];

#[test]
fn broadcasts_of_general_registers() {
    for (size, op, name) in BROADCASTS {
        let reg = if size == Size::B64 { size } else { Size::B32 };
        for (x, r) in xmms(op).flat_map(|x| gprs().map(move |r| (x, r))) {
            let emit = |asm: &mut Asm| asm.vbroadcast_gpr(size, x, r);
            same(op, false, emit, &plain(name, &[xmm(x), gpr(reg, r)]));
        }
    }
}

const ELEMENTS: [(Size, V, V, &str, &str, u8); 4] = [
    (Size::B8, V::Pinsrb, V::Pextrb, "vpinsrb", "vpextrb", 15),
    (Size::B16, V::Pinsrw, V::Pextrw, "vpinsrw", "vpextrw", 7),
    (Size::B32, V::Pinsrd, V::Pextrd, "vpinsrd", "vpextrd", 3),
    (Size::B64, V::Pinsrd, V::Pextrd, "vpinsrq", "vpextrq", 1),
];

#[test]
fn elements() {
    for (size, insert, extract, insert_name, extract_name, lane) in ELEMENTS {
        let reg = if size == Size::B64 { size } else { Size::B32 };
        let imm = Operand::Imm(lane.into());
        for (dst, a) in xmms(insert).flat_map(|d| xmms(insert).map(move |a| (d, a))) {
            let vex = dst.0 < 16 && a.0 < 16;
            for r in gprs() {
                let expected = plain(insert_name, &[xmm(dst), xmm(a), gpr(reg, r), imm]);
                let emit = |asm: &mut Asm| asm.vpinsr(size, dst, a, r, lane);
                same(insert, vex, emit, &expected);
            }
            for m in mems().into_iter().step_by(11) {
                let m_operand = Operand::Mem(m, bytes(size));
                let expected = plain(insert_name, &[xmm(dst), xmm(a), m_operand, imm]);
                let emit = |asm: &mut Asm| asm.vpinsr(size, dst, a, m, lane);
                same(insert, vex, emit, &expected);
            }
        }
        for src in xmms(extract) {
            let vex = src.0 < 16;
            for r in gprs() {
                let expected = plain(extract_name, &[gpr(reg, r), xmm(src), imm]);
                let emit = |asm: &mut Asm| asm.vpextr(size, r, src, lane);
                same(extract, vex, emit, &expected);
            }
            for m in mems() {
                let m_operand = Operand::Mem(m, bytes(size));
                let expected = plain(extract_name, &[m_operand, xmm(src), imm]);
                let emit = |asm: &mut Asm| asm.vpextr(size, m, src, lane);
                same(extract, vex, emit, &expected);
            }
        }
    }
}

#[test]
fn conversions_of_general_registers() {
    for size in LARGE {
        for op in rows(Shape::FromGpr) {
            let name = op.row().mnemonic;
            for (dst, a) in xmms(op).flat_map(|d| xmms(op).map(move |a| (d, a))) {
                let vex = in_vex(op, &[dst, a]);
                for r in gprs() {
                    let expected = plain(name, &[xmm(dst), xmm(a), gpr(size, r)]);
                    let emit = |asm: &mut Asm| asm.vcvt_from_gpr(op, size, dst, a, r);
                    same(op, vex, emit, &expected);
                }
                for m in mems().into_iter().step_by(11) {
                    let operands = [xmm(dst), xmm(a), Operand::Mem(m, bytes(size))];
                    let emit = |asm: &mut Asm| asm.vcvt_from_gpr(op, size, dst, a, m);
                    same(op, vex, emit, &plain(name, &operands));
                }
            }
        }
        for op in rows(Shape::ToGpr) {
            let name = op.row().mnemonic;
            for (i, src) in lasts(op, true).into_iter().enumerate() {
                for dst in gprs().skip(i % 3).step_by(3) {
                    let (operand, registers) = last_operand(op, src);
                    let vex = in_vex(op, &registers);
                    // Sign bits: iced shows the register of 64 bits by W.
                    let expected = plain(name, &[gpr(size, dst), operand]);
                    let emit = |asm: &mut Asm| asm.vcvt_to_gpr(op, size, dst, src);
                    same(op, vex, emit, &expected);
                }
            }
        }
    }
}

#[test]
fn moves_and_tests_of_opmasks() {
    for (k, r) in (0..8).flat_map(|k| gprs().map(move |r| (K(k), r))) {
        let to = plain("kmovw", &[gpr(Size::B32, r), mask(k)]);
        check(|asm| asm.kmovw_to_gpr(r, k), &to);
        let from = plain("kmovw", &[mask(k), gpr(Size::B32, r)]);
        check(|asm| asm.kmovw_from_gpr(k, r), &from);
    }
    for (a, b) in (0..8).flat_map(|a| (0..8).map(move |b| (K(a), K(b)))) {
        let operands = [mask(a), mask(b)];
        check(|asm| asm.kortestw(a, b), &plain("kortestw", &operands));
        check(|asm| asm.kortestb(a, b), &plain("kortestb", &operands));
    }
}

#[test]
fn stores_of_32_bytes() {
    for (x, mem) in (0..16).flat_map(|x| mems().into_iter().map(move |m| (Xmm(x), m))) {
        let ymm = Operand::Reg(iced_x86::Register::YMM0 + u32::from(x.0));
        let operands = [Operand::Mem(mem, 32), ymm];
        check(|asm| asm.vstore_256(mem, x), &plain("vmovdqu", &operands));
    }
}

#[test]
fn sha() {
    const ALL: [(Sha, &str); 6] = [
        (Sha::Sha1Nexte, "sha1nexte"),
        (Sha::Sha1Msg1, "sha1msg1"),
        (Sha::Sha1Msg2, "sha1msg2"),
        (Sha::Sha256Rnds2, "sha256rnds2"),
        (Sha::Sha256Msg1, "sha256msg1"),
        (Sha::Sha256Msg2, "sha256msg2"),
    ];
    for (op, name) in ALL {
        for (dst, src) in (0..16).flat_map(|a| (0..16).map(move |b| (Xmm(a), Xmm(b)))) {
            // That xmm0 is implied by sha256rnds2 iced doesn't show.
            let operands = [xmm(dst), xmm(src)];
            let insn = check(|asm| asm.sha(op, dst, src), &plain(name, &operands));
            assert_eq!(features(insn.code()), [CpuidFeature::SHA]);
        }
    }
    for (dst, src) in (0..16).flat_map(|a| (0..16).map(move |b| (Xmm(a), Xmm(b)))) {
        for imm in 0..4 {
            let operands = [xmm(dst), xmm(src), Operand::Imm(imm.into())];
            let insn = check(
                |asm| asm.sha1rnds4(dst, src, imm),
                &plain("sha1rnds4", &operands),
            );
            assert_eq!(features(insn.code()), [CpuidFeature::SHA]);
        }
    }
}

/// The tests go by shape: every row has come by in one of them.
#[test]
fn every_row_has_a_test() {
    let moves = ELEMENTS.iter().flat_map(|e| [e.1, e.2]);
    let moves = moves.chain([V::MovdFromGpr, V::MovdToGpr]);
    let moves: Vec<V> = moves.chain(BROADCASTS.map(|b| b.1)).collect();
    for op in rows(Shape::Move) {
        assert!(moves.contains(&op), "{op:?}");
    }
    for op in V::ALL {
        assert!(op.has_vex() || op.has_evex(), "{op:?} has no form");
    }
}

/// The wrong function for a row is found in debug builds.
#[test]
#[should_panic(expected = "Pshufd")]
fn a_row_of_another_shape() {
    Asm::new().v2(V::Pshufd, Xmm(0), Xmm(1));
}

#[test]
#[should_panic(expected = "MovssLoad")]
fn a_load_of_a_register() {
    Asm::new().v2(V::MovssLoad, Xmm(0), Xmm(1));
}

/// A displacement counts in the row's unit in EVEX form only.
#[test]
fn compressed_displacements() {
    let length = |dst: u8, op: V, disp: i32| {
        let mut asm = Asm::new();
        asm.v2(op, Xmm(dst), Mem::disp(Gpr(3), disp));
        mnemonic(&super::check::decode_one(asm.code(), "load"));
        asm.pos()
    };
    // VEX: 4 bytes and the displacement.
    assert_eq!(length(1, V::Movdqu, 0), 4);
    assert_eq!(length(1, V::Movdqu, 127), 5);
    assert_eq!(length(1, V::Movdqu, 128), 8);
    // EVEX: 6 bytes and the displacement.
    assert_eq!(length(16, V::Movdqu, 0), 6);
    assert_eq!(length(16, V::Movdqu, 127 * 16), 7);
    assert_eq!(length(16, V::Movdqu, -128 * 16), 7);
    assert_eq!(length(16, V::Movdqu, 128 * 16), 10);
    assert_eq!(length(16, V::Movdqu, 8), 10);
    assert_eq!(length(16, V::Pbroadcastb, 127), 7);
    assert_eq!(length(16, V::Pbroadcastw, 254), 7);
    assert_eq!(length(16, V::Pbroadcastw, 127), 10);
}
