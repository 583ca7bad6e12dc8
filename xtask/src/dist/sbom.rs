//! What each binary is made of: CycloneDX, by cargo-cyclonedx, which writes its
//! files into the source's folders.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::step::run;

/// The file that is written, and the release's name for it.
const FILES: [(&str, &str); 3] = [
    ("crates/armistice/armistice_bin.cdx.json", "armistice"),
    (
        "crates/engine/armistice-aarch64_bin.cdx.json",
        "armistice-aarch64",
    ),
    ("crates/engine/armistice-arm_bin.cdx.json", "armistice-arm"),
];

/// Names and texts; the same in whatever folder the source lies.
pub(crate) fn of_all(source: &Path, cyclonedx: &Path, epoch: u64) -> Result<Vec<(String, String)>> {
    run(Command::new(cyclonedx)
        .args(["cyclonedx", "--quiet", "--format=json"])
        .args(["--describe=binaries", "--spec-version=1.5"])
        .arg("--target=x86_64-unknown-linux-gnu")
        .current_dir(source)
        // Without a random number and the time of day.
        .env("SOURCE_DATE_EPOCH", epoch.to_string()))?;
    let here = source.display().to_string();
    FILES
        .iter()
        .map(|(file, name)| {
            let text = fs::read_to_string(source.join(file))
                .with_context(|| format!("cargo-cyclonedx has not written {file}"))?;
            let name = format!("{name}-{}.cdx.json", env!("CARGO_PKG_VERSION"));
            Ok((name, text.replace(&here, "/armistice")))
        })
        .collect()
}
