//! LLVM's disassembler, told of exactly the features that are advertised.

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
    let lines = words
        .iter()
        .map(|w| {
            let [a, b, c, d] = w.to_le_bytes();
            format!("{a:#x},{b:#x},{c:#x},{d:#x}\n")
        })
        .collect();
    let attributes = format!("-mattr={attributes}");
    isa::llvm::disassemble(
        &["--triple=aarch64", "-M", "no-aliases", &attributes],
        lines,
    )
}
