//! LLVM's disassembler, told of exactly the features that are advertised.

use std::io::Write;
use std::process::{Command, Stdio};

/// What `-mattr` is called for each feature.
const ATTRIBUTES: &str = "+fp-armv8,+neon,+fullfp16,+aes,+sha2,+sha3,+sm4,+crc,+lse,+lor,\
    +rdm,+rcpc,+rcpc-immo,+jsconv,+complxnum,+dotprod,+fp16fml,+dit,+flagm,+altnzcv,+fptoint,\
    +i8mm,+bf16,+sb,+mops";

/// Words in one run: their text and the answer fit memory easily.
const BATCH: usize = 1 << 20;

/// The text of every word, as mnemonic, tab, operands, without aliases; none
/// where LLVM knows no instruction.
pub(crate) fn disassemble(words: &[u32]) -> Vec<Option<String>> {
    let attributes = ATTRIBUTES.replace(char::is_whitespace, "");
    words
        .chunks(BATCH)
        .flat_map(|words| batch(words, &attributes))
        .collect()
}

/// The same, told of every feature.
pub(crate) fn disassemble_all(words: &[u32]) -> Vec<Option<String>> {
    words
        .chunks(BATCH)
        .flat_map(|words| batch(words, "+all"))
        .collect()
}

fn batch(words: &[u32], attributes: &str) -> Vec<Option<String>> {
    let mut child = Command::new(super::program("llvm-mc-19", "llvm-19"))
        .args(["--disassemble", "--triple=aarch64", "-M", "no-aliases"])
        .arg(format!("-mattr={attributes}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text: String = words
        .iter()
        .map(|w| {
            let [a, b, c, d] = w.to_le_bytes();
            format!("{a:#x},{b:#x},{c:#x},{d:#x}\n")
        })
        .collect();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let (out, err) = (utf8(output.stdout), utf8(output.stderr));
    let mut unknown = vec![false; words.len()];
    for line in err.lines() {
        // "<stdin>:3:1: warning: invalid instruction encoding"
        let Some(rest) = line.strip_prefix("<stdin>:") else {
            continue;
        };
        if rest.contains("invalid instruction encoding") {
            let number: usize = rest.split(':').next().unwrap().parse().unwrap();
            unknown[number - 1] = true;
        } else {
            assert!(rest.contains("potentially undefined"), "{line}");
        }
    }
    let mut texts = out
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && *l != ".text");
    let answers = unknown
        .into_iter()
        .map(|unknown| (!unknown).then(|| texts.next().expect("too few lines").to_owned()))
        .collect();
    assert_eq!(
        texts.next(),
        None,
        "llvm-mc-19 printed more than it was asked"
    );
    answers
}

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}
