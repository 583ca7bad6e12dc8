//! Makes two decoders, of `short.isa` and `long.isa`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    isa::build(&isa::Format {
        name: "short",
        bits: 16,
        first: 12..16,
        second: 8..12,
    });
    isa::build(&isa::Format {
        name: "long",
        bits: 32,
        first: 28..32,
        second: 24..28,
    });
}
