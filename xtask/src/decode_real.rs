//! `cargo xtask decode-real`: Debian's arm64 programs through the engine's
//! decoder, beside LLVM's (crates/a64/tests/decoder/debian.rs).

use std::fs;

use anyhow::Result;
use e2e::product;

use crate::setup;
use crate::step::{cargo, run};

/// Fetches, decodes, and writes crates/a64/results/real-code.md.
pub(crate) fn decode_real() -> Result<()> {
    setup::install(&[setup::QUICK, setup::USERLANDS])?;
    let parts = product::target_dir().join("decode-real");
    fs::create_dir_all(&parts)?;
    let page = parts.join("real-code.md");
    let _ = fs::remove_file(&page);
    let mut test = cargo(&["test", "--release", "--package", "armistice-a64"]);
    test.args(["--test=decoder", "--", "debian", "--nocapture"]);
    test.env("ARMISTICE_LONG", "1");
    run(test.env("ARMISTICE_RESULTS", &parts))?;
    let place = product::workspace().join("crates/a64/results/real-code.md");
    fs::create_dir_all(place.with_file_name(""))?;
    fs::copy(&page, &place)?;
    println!("\nWritten to crates/a64/results/real-code.md");
    Ok(())
}
