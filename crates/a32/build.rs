//! Makes the decoders, the field accessors and the coverage data from the tables `*.isa`;
//! the head of `a32.isa` describes their format.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Tests that take long are ignored by name, not passed in silence.
    println!("cargo::rustc-check-cfg=cfg(armistice_long)");
    println!("cargo::rerun-if-env-changed=ARMISTICE_LONG");
    if std::env::var_os("ARMISTICE_LONG").is_some_and(|v| !v.is_empty() && v != "0") {
        println!("cargo::rustc-cfg=armistice_long");
    }
    let format = |name, bits, first, second| isa::Format {
        name,
        bits,
        first,
        second,
    };
    isa::build(&format("a32", 32, 20..32, 4..8));
    isa::build(&format("t32", 32, 20..32, 4..12));
    isa::build(&format("fp", 32, 20..32, 6..12));
    isa::build(&format("simd", 32, 20..32, 4..12));
    isa::build(&format("t16", 16, 8..16, 4..8));
}
