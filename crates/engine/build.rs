//! Links the binary without libc: its own start code, nothing to load.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static-pie",
        // A bit for each word, where a row of the usual table has 24 bytes. A linker that does
        // not know of this leaves the table, which `start/` applies, too.
        "-Wl,-z,pack-relative-relocs",
        // `start/` applies relative relocations and no others, so a symbol
        // that nobody defines must be an error here and not a zero there.
        "-Wl,--no-undefined",
        "-Wl,-z,text",
        "-Wl,--build-id=sha1",
    ] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
