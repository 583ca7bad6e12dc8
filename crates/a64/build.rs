//! Makes the decoder, the field accessors and the coverage data from `a64.isa`, whose
//! head describes the format.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Tests that take long are ignored by name, not passed in silence.
    println!("cargo::rustc-check-cfg=cfg(armistice_long)");
    println!("cargo::rerun-if-env-changed=ARMISTICE_LONG");
    if std::env::var_os("ARMISTICE_LONG").is_some_and(|v| v != "0") {
        println!("cargo::rustc-cfg=armistice_long");
    }
    isa::build(&isa::Format {
        name: "a64",
        bits: 32,
        first: 21..32,
        second: 10..16,
    });
}
