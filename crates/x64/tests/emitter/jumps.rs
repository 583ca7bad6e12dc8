//! Labels and jumps: where they go, and in how many bytes.

use super::check::{IP, Operand, check, plain};
use armistice_x64::asm::{Asm, Cond, Label};
use iced_x86::{Decoder, DecoderOptions, Instruction};

const CONDS: [(Cond, &str); 4] = [
    (Cond::O, "jo"),
    (Cond::B, "jb"),
    (Cond::E, "je"),
    (Cond::G, "jg"),
];

fn decode(asm: &Asm) -> Vec<Instruction> {
    let insns: Vec<_> = Decoder::with_ip(64, asm.code(), IP, DecoderOptions::NONE)
        .into_iter()
        .collect();
    assert!(insns.iter().all(|i| !i.is_invalid()));
    insns
}

/// `distance` bytes of nothing, all of one length.
fn distance(asm: &mut Asm, bytes: usize) {
    for _ in 0..bytes {
        asm.nop(1);
    }
}

#[test]
fn a_jump_ahead_takes_four_bytes() {
    for bytes in [0, 1, 127, 128, 70_000] {
        for (cond, name) in CONDS {
            let mut asm = Asm::new();
            let label = asm.new_label();
            asm.jcc(cond, label);
            distance(&mut asm, bytes);
            asm.bind(label);
            asm.ret();
            asm.resolve();
            let first = decode(&asm)[0];
            assert_eq!(format!("{:?}", first.mnemonic()).to_lowercase(), name);
            assert_eq!(first.len(), 6);
            assert_eq!(first.near_branch64(), IP + 6 + bytes as u64);
        }
        for call in [false, true] {
            let mut asm = Asm::new();
            let label = asm.new_label();
            if call {
                asm.call_label(label);
            } else {
                asm.jmp(label);
            }
            distance(&mut asm, bytes);
            asm.bind(label);
            asm.resolve();
            let first = decode(&asm)[0];
            assert_eq!((first.is_call_near(), first.is_jmp_near()), (call, !call));
            assert_eq!(first.near_branch64(), IP + 5 + bytes as u64);
        }
    }
}

/// 126 bytes of body and 2 of jump are the most that one byte reaches.
#[test]
fn a_jump_back_takes_one_byte_where_that_reaches() {
    for (bytes, short) in [
        (0, true),
        (1, true),
        (126, true),
        (127, false),
        (128, false),
        (70_000, false),
    ] {
        for (cond, name) in CONDS {
            let mut asm = Asm::new();
            let label = asm.new_label();
            asm.bind(label);
            distance(&mut asm, bytes);
            asm.jcc(cond, label);
            asm.resolve();
            let last = *decode(&asm).last().expect("a jump");
            assert_eq!(format!("{:?}", last.mnemonic()).to_lowercase(), name);
            assert_eq!(last.len(), if short { 2 } else { 6 }, "{bytes}");
            assert_eq!(last.near_branch64(), IP);
        }
        for call in [false, true] {
            let mut asm = Asm::new();
            let label = asm.new_label();
            asm.bind(label);
            distance(&mut asm, bytes);
            if call {
                asm.call_label(label);
            } else {
                asm.jmp(label);
            }
            asm.resolve();
            let last = *decode(&asm).last().expect("a jump");
            assert_eq!(last.len(), if short && !call { 2 } else { 5 });
            assert_eq!(last.is_call_near(), call);
            assert_eq!(last.near_branch64(), IP);
        }
    }
}

#[test]
fn short_jumps_to_both_sides() {
    for bytes in [0, 1, 100, 126, 127] {
        for ahead in [false, true] {
            if !ahead && bytes > 126 {
                continue;
            }
            type Jump = fn(&mut Asm, Label);
            let jumps: [(&str, Jump); 3] = [
                ("jmp", Asm::jmp_short),
                ("jle", |asm, label| asm.jcc_short(Cond::LE, label)),
                ("jrcxz", Asm::jrcxz),
            ];
            for (name, emit) in jumps {
                let mut asm = Asm::new();
                let label = asm.new_label();
                let jump = |asm: &mut Asm| emit(asm, label);
                if ahead {
                    jump(&mut asm);
                    distance(&mut asm, bytes);
                    asm.bind(label);
                } else {
                    asm.bind(label);
                    distance(&mut asm, bytes);
                    jump(&mut asm);
                }
                asm.ret();
                asm.resolve();
                let insns = decode(&asm);
                let jump = insns[if ahead { 0 } else { bytes }];
                let target = if ahead { IP + 2 + bytes as u64 } else { IP };
                assert_eq!((jump.len(), jump.near_branch64()), (2, target));
                assert_eq!(format!("{:?}", jump.mnemonic()).to_lowercase(), name);
            }
        }
    }
}

#[test]
#[should_panic(expected = "a short jump is too long")]
fn a_short_jump_that_does_not_reach() {
    let mut asm = Asm::new();
    let label = asm.new_label();
    asm.jmp_short(label);
    distance(&mut asm, 128);
    asm.bind(label);
    asm.resolve();
}

#[test]
#[should_panic(expected = "never bound")]
fn a_label_that_is_nowhere() {
    let mut asm = Asm::new();
    let label = asm.new_label();
    asm.jmp(label);
    asm.resolve();
}

#[test]
#[should_panic(expected = "bound twice")]
fn a_label_in_two_places() {
    let mut asm = Asm::new();
    let label = asm.new_label();
    asm.bind(label);
    asm.nop(1);
    asm.bind(label);
}

/// Wherever it starts, the displacement to be patched is aligned, and what
/// pads is nothing.
#[test]
fn patched_jumps_are_aligned() {
    for before in 0..20 {
        for cond in [None, Some(Cond::NS)] {
            let mut asm = Asm::new();
            distance(&mut asm, before);
            let at = match cond {
                Some(cond) => asm.jcc_rel32_aligned(cond),
                None => asm.jmp_rel32_aligned(),
            };
            assert_eq!((at % 4, asm.pos()), (0, at + 4));
            asm.patch_i32(at, -0x1234);
            let insns = decode(&asm);
            let (jump, pads) = insns.split_last().expect("a jump");
            assert!(pads.iter().all(|i| i.mnemonic() == iced_x86::Mnemonic::Nop));
            assert!(pads.len() <= before + 1, "one instruction pads");
            assert_eq!(jump.is_jcc_near(), cond.is_some());
            let end = IP + asm.pos() as u64;
            assert_eq!(jump.near_branch64(), end - 0x1234);
        }
    }
}

#[test]
fn what_was_written_is_forgotten() {
    let mut asm = Asm::new();
    let old = asm.new_label();
    asm.jmp(old);
    asm.clear();
    assert_eq!(asm.pos(), 0);
    let label = asm.new_label();
    asm.jmp(label);
    asm.nop(3);
    asm.bind(label);
    asm.resolve();
    let target = Operand::Target(IP + 8);
    let jump = asm.code()[..5].to_vec();
    // Decoded by itself, from the bytes.
    let insn = super::check::decode_one(&jump, "jmp");
    assert_eq!(Operand::Target(insn.near_branch64()), target);
    // A jump to itself, by the common way.
    let itself = |asm: &mut Asm| {
        let label = asm.new_label();
        asm.bind(label);
        asm.jmp(label);
    };
    check(itself, &plain("jmp", &[Operand::Target(IP)]));
}
