//! `cargo xtask decode-real`: Debian's arm64 programs, and its armhf and armel object files, through
//! the guests' decoders, beside LLVM's (crates/a64/tests/decoder/debian.rs,
//! crates/a32/tests/decoder/programs.rs).

use std::fs;

use anyhow::Result;
use e2e::product;

use crate::setup;
use crate::step::{cargo, run};

/// Fetches, decodes, and writes crates/a64/results/real-code.md and crates/a32/results/real-code.md.
pub(crate) fn decode_real() -> Result<()> {
    setup::install(&[setup::QUICK, setup::USERLANDS])?;
    guest("a64")?;
    guest("a32")
}

fn guest(name: &str) -> Result<()> {
    let parts = product::target_dir().join("decode-real").join(name);
    fs::create_dir_all(&parts)?;
    let page = parts.join("real-code.md");
    let _ = fs::remove_file(&page);
    let package = format!("armistice-{name}");
    let mut test = cargo(&["test", "--release", "--package", &package]);
    test.args(["--test=decoder", "--", "debian", "--nocapture"]);
    test.env("ARMISTICE_LONG", "1");
    run(test.env("ARMISTICE_RESULTS", &parts))?;
    let results = format!("crates/{name}/results");
    let folder = product::workspace().join(&results);
    fs::create_dir_all(&folder)?;
    fs::copy(&page, folder.join("real-code.md"))?;
    println!("\nWritten to {results}/real-code.md");
    Ok(())
}
