//! From a guest's table of instructions to its decoder, field accessors and coverage
//! data: for build scripts.
//!
//! A table has a line for each instruction: its name, its bits in quotes (`0`, `1`, and
//! `name:width` for fields, `x` being a field without a name, and in parentheses bits that
//! should be so, which decide nothing), a feature, an encoding
//! group, and what must hold beside the fixed bits (`where`). All instructions of one
//! table have the same length, 2 or 4 bytes; a guest that has both lengths, or several
//! states, has several tables.
//!
//! Refused when the guest is built: malformed rows, a field name with two places, and
//! two rows that claim one word when neither is a part of the other.
//!
//! The tests of what is made of a table compare it with LLVM's disassembler ([`llvm`]), also on
//! the code of Debian's packages ([`debian`]); [`random`] is where their random words come from.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a build script or a test that panics has said what is wrong with the table"
)]
#![allow(
    clippy::cast_possible_truncation,
    reason = "the table is far smaller than any of these types"
)]

mod ambiguity;
pub mod debian;
mod emit;
mod expression;
mod field;
mod format;
pub mod llvm;
mod lookup;
pub mod random;
mod table;

use std::path::Path;

pub use format::Format;

/// What is made of a table.
#[derive(Clone, Debug)]
pub struct Made {
    /// The rows and the decoder's look-up: a module that has a `Feature` in scope.
    pub rows: String,
    /// The accessors of fields: `impl Insn`, whose `word` has the bits.
    pub fields: String,
}

/// The module's part that is the same for all tables.
const TEMPLATE: &str = include_str!("../template/rows.rs");

/// Makes them.
#[must_use]
pub fn generate(text: &str, format: &Format) -> Made {
    let (rows, places) = table::read(text, format.bits);
    ambiguity::refuse(&rows);
    let mut out = TEMPLATE.to_owned();
    emit::rows(&mut out, &rows, &places, format.name);
    lookup::emit(&mut out, &rows, format);
    Made {
        rows: out,
        fields: emit::fields(&places),
    }
}

/// Reads `NAME.isa` of the crate that is built, and writes `NAME.rs` and
/// `NAME_fields.rs` to where build scripts put what they make.
#[allow(clippy::print_stdout, reason = "Cargo is told so")]
pub fn build(format: &Format) {
    let name = format.name;
    println!("cargo::rerun-if-changed={name}.isa");
    let made = generate(
        &std::fs::read_to_string(format!("{name}.isa")).unwrap(),
        format,
    );
    let folder = std::env::var("OUT_DIR").unwrap();
    let folder = Path::new(&folder);
    std::fs::write(folder.join(format!("{name}.rs")), made.rows).unwrap();
    std::fs::write(folder.join(format!("{name}_fields.rs")), made.fields).unwrap();
}
