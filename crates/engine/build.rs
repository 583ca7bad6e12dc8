//! Links the binary without libc: its own start code, nothing to load.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static-pie",
        // `start/` applies relative relocations and no others, so a symbol
        // that nobody defines must be an error here and not a zero there.
        "-Wl,--no-undefined",
        "-Wl,-z,text",
        "-Wl,--build-id=sha1",
    ] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
