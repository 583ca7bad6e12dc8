//! LLVM's disassembler, told of the features that are advertised.

use std::fmt::Write as _;

use armistice_a32::decode::{State, length};

/// What `-mattr` is called for each feature.
const ATTRIBUTES: &str =
    "+fp-armv8,+neon,+fullfp16,+fp16fml,+aes,+sha2,+crc,+dotprod,+sb,+v8.3a,+bf16,+i8mm";

/// Words in one run: their text and the answer fit memory easily.
const BATCH: usize = 1 << 19;

/// `NOP` of 2 bytes, four times.
const NOPS: &str = "[0x00,0xbf]\n[0x00,0xbf]\n[0x00,0xbf]\n[0x00,0xbf]\n";

/// The text of every word, as mnemonic, tab, operands; none where LLVM knows no
/// instruction.
pub(crate) fn disassemble(state: State, words: &[u32]) -> Vec<Option<String>> {
    words
        .chunks(BATCH)
        .flat_map(|words| batch(state, words))
        .collect()
}

/// Whether LLVM takes the word for one that has conditions for those behind it, which
/// it keeps for the next lines.
fn is_it(state: State, word: u32) -> bool {
    state == State::Thumb && word >> 8 == 0xbf && word & 15 != 0
}

/// A word as the bytes in memory.
fn bytes(state: State, word: u32) -> Vec<u8> {
    match (state, length(state, word)) {
        (State::Arm, _) => word.to_le_bytes().to_vec(),
        (State::Thumb, 4) => word.rotate_left(16).to_le_bytes().to_vec(),
        (State::Thumb, _) => word.to_le_bytes()[..2].to_vec(),
    }
}

fn batch(state: State, words: &[u32]) -> Vec<Option<String>> {
    let triple = match state {
        State::Arm => "--triple=armv8a-linux-gnueabihf",
        State::Thumb => "--triple=thumbv8a-linux-gnueabihf",
    };
    // In brackets: where LLVM knows no instruction, it goes on behind the word.
    let (mut text, mut lines) = (String::new(), Vec::new());
    for (n, &word) in words.iter().enumerate() {
        let bytes: Vec<String> = bytes(state, word)
            .iter()
            .map(|b| format!("{b:#x}"))
            .collect();
        let _ = writeln!(text, "[{}]", bytes.join(","));
        lines.push(Some(n));
        if is_it(state, word) {
            text.push_str(NOPS);
            lines.extend([None; 4]);
        }
    }
    let attributes = format!("-mattr={ATTRIBUTES}");
    let mut answers = vec![None; words.len()];
    for (line, answer) in lines
        .into_iter()
        .zip(isa::llvm::disassemble(&[triple, &attributes], text))
    {
        if let Some(n) = line {
            answers[n] = answer;
        }
    }
    answers
}
