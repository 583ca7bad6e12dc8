//! Every floating-point operation against `qemu-aarch64`, a black box that
//! executes single instructions.
//!
//! The table of operations gives each an instruction and the function that
//! should equal it; a guest program made of the instructions
//! (`oracle/guest.c`) is built with the cross compiler, run under QEMU
//! and asked. Result and FPSR must be the same. Where QEMU is known to be
//! wrong, `oracle/qemu_faults.txt` says how.
//!
//! Short by default; `ARMISTICE_LONG=1` asks 200,000 times an instruction.
//! `ARMISTICE_QEMU_AARCH64` names another QEMU.

#![allow(
    clippy::cast_possible_truncation,
    reason = "fields are cut from registers"
)]

#[path = "oracle/operands.rs"]
mod operands;
#[path = "oracle/table.rs"]
mod table;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use armistice_softfp::Fp;
use operands::Rng;
use table::{Input, Op, Output};

/// The control bits that are tried: AHP, DN, FZ, RMode and FZ16.
const FPCR_BITS: u64 = 0x07C8_0000;
/// QC isn't floating point's.
const FPSR_BITS: u32 = 0x9F;

/// Builds the guest program of the table's instructions.
fn build_guest(ops: &[Op]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/guest.c");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fp_oracle");
    std::fs::create_dir_all(&folder).expect("a folder for the guest program");
    let lines: String = ops
        .iter()
        .enumerate()
        .map(|(number, op)| format!("OP({number}, \"{}\")\n", op.instruction))
        .collect();
    std::fs::write(folder.join("ops.inc"), lines).expect("ops.inc written");
    let program = folder.join("guest");
    let status = Command::new("aarch64-linux-gnu-gcc")
        .args(["-O1", "-static", "-march=armv8.6-a+fp16+fp16fml+bf16", "-I"])
        .arg(&folder)
        .arg("-o")
        .arg(&program)
        .arg(&source)
        .status()
        .expect("aarch64-linux-gnu-gcc is installed");
    assert!(status.success(), "the guest program compiles");
    program
}

/// A line of `qemu_faults.txt`: what an instruction's answer may differ in.
struct Fault {
    instruction: String,
    result_bits: u128,
    when_fpsr: u32,
}

/// The known faults of QEMU.
fn faults() -> Vec<Fault> {
    let lines = include_str!("oracle/qemu_faults.txt").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<_> = line.split('|').map(str::trim).collect();
            let [instruction, result_bits, when_fpsr, rule] = fields[..] else {
                panic!("four fields in {line}");
            };
            assert!(!rule.is_empty(), "{instruction}: the manual's rule");
            Fault {
                instruction: instruction.into(),
                result_bits: u128::from_str_radix(result_bits, 16).expect("hex"),
                when_fpsr: u32::from_str_radix(when_fpsr, 16).expect("hex"),
            }
        })
        .collect()
}

impl Fault {
    fn concerns(&self, op: &Op) -> bool {
        match self.instruction.strip_suffix('*') {
            Some(start) => op.instruction.starts_with(start),
            None => op.instruction == self.instruction,
        }
    }
}

/// What the guest answers: v0, x0, FPSR and NZCV.
struct Answer {
    v: u128,
    x: u64,
    fpsr: u32,
    nzcv: u8,
}

/// Has the guest execute `ops[n]` on each input.
fn ask(program: &Path, inputs: &[(u32, Input)]) -> Vec<Answer> {
    let qemu = std::env::var("ARMISTICE_QEMU_AARCH64");
    let qemu = qemu.unwrap_or_else(|_| "qemu-aarch64-static".into());
    let mut child = Command::new(qemu)
        .args(["-cpu", "max"])
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("qemu-aarch64-static is installed");
    let mut stdin = child.stdin.take().expect("piped");
    let mut bytes = Vec::with_capacity(inputs.len() * 64);
    for (op, input) in inputs {
        bytes.extend(op.to_le_bytes());
        bytes.extend(input.fpcr.to_le_bytes());
        bytes.extend(input.x.to_le_bytes());
        for v in input.v {
            bytes.extend(v.to_le_bytes());
        }
    }
    let writer = std::thread::spawn(move || stdin.write_all(&bytes));
    let mut answers = Vec::new();
    child
        .stdout
        .take()
        .expect("piped")
        .read_to_end(&mut answers)
        .expect("answers");
    writer
        .join()
        .expect("no panic")
        .expect("the guest takes all records");
    assert!(
        child.wait().expect("waited").success(),
        "the guest ends well"
    );
    assert_eq!(
        answers.len(),
        inputs.len() * 32,
        "an answer to every record"
    );
    let field = |answer: &[u8], at: usize, size: usize| {
        let mut bytes = [0; 16];
        bytes[..size].copy_from_slice(&answer[at..at + size]);
        u128::from_le_bytes(bytes)
    };
    answers
        .chunks_exact(32)
        .map(|answer| Answer {
            v: field(answer, 0, 16),
            x: field(answer, 16, 8) as u64,
            fpsr: field(answer, 24, 4) as u32,
            nzcv: field(answer, 28, 4) as u8,
        })
        .collect()
}

/// Inputs for one instruction.
fn draw(number: usize, op: &Op, count: usize) -> Vec<(u32, Input)> {
    let mut rng = Rng(number as u64);
    (0..count)
        .map(|index| {
            let fpcr = (rng.next() & rng.next() & FPCR_BITS | rng.next() & 0x00C0_0000) as u32;
            let mut input = op.operands.draw(&mut rng, fpcr);
            // A long run meets all values of half precision.
            if op.operands.is_half() && index % 2 == 0 {
                input.v[1] = input.v[1] >> 16 << 16 | (index / 2) as u128 & 0xFFFF;
            }
            (number as u32, input)
        })
        .collect()
}

/// Compares one instruction's answers: how many differ, and the first few.
fn compare(op: &Op, inputs: &[(u32, Input)], answers: &[Answer]) -> (usize, Vec<String>) {
    let faults: Vec<_> = faults()
        .into_iter()
        .filter(|fault| fault.concerns(op))
        .collect();
    let mut total = 0;
    let mut told = Vec::new();
    for ((_, input), answer) in inputs.iter().zip(answers) {
        let mut fp = Fp::new(input.fpcr);
        let ours = (op.run)(&mut fp, input);
        let theirs = match ours {
            Output::V(_) => Output::V(answer.v),
            Output::X(_) => Output::X(answer.x),
            Output::Nzcv(_) => Output::Nzcv(answer.nzcv),
        };
        let ignored = faults
            .iter()
            .filter(|fault| fp.fpsr & fault.when_fpsr == fault.when_fpsr);
        let ignored = ignored.fold(0, |bits, fault| bits | fault.result_bits);
        if (ours.bits() ^ theirs.bits()) & !ignored != 0 || fp.fpsr != answer.fpsr & FPSR_BITS {
            total += 1;
            if told.len() < 4 {
                told.push(format!(
                    "{}: {input:x?}\n  ours {ours:x?} fpsr {:x}, theirs {theirs:x?} fpsr {:x}",
                    op.instruction, fp.fpsr, answer.fpsr
                ));
            }
        }
    }
    (total, told)
}

#[test]
fn every_operation_equals_qemu() {
    let ops = table::all();
    let program = build_guest(&ops);
    let long = std::env::var("ARMISTICE_LONG").is_ok_and(|value| value == "1");
    let count = if long { 200_000 } else { 1_500 };
    // QEMU takes longer to start than to answer a short run.
    let together = if long { 1 } else { ops.len() };
    let mut failures = 0;
    for (chunk, some) in ops.chunks(together).enumerate() {
        let numbered = some.iter().enumerate();
        let inputs: Vec<_> = numbered
            .flat_map(|(index, op)| draw(chunk * together + index, op, count))
            .collect();
        let answers = ask(&program, &inputs);
        let asked = inputs.chunks(count).zip(answers.chunks(count));
        for (op, (inputs, answers)) in some.iter().zip(asked) {
            let (total, told) = compare(op, inputs, answers);
            if total != 0 {
                failures += 1;
                println!("{}: {total} of {count} differ", op.instruction);
                told.iter().for_each(|line| println!("{line}"));
            }
        }
    }
    println!("{} instructions, {count} inputs each", ops.len());
    assert_eq!(failures, 0, "instructions differ");
}
