//! The engine with translations behind it, of what the items run: each item runs once on
//! an engine that notes what runs, which is translated then; in the end all of it is baked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::items::Item;
use super::place::Userlands;
use crate::step::run;

/// In the folder that both userlands see.
const FOLDER: &str = "learned";

/// Learns and bakes: the engine's path. An item that fails here has learned what it has;
/// its measurement says what is wrong.
///
/// # Errors
/// Where nothing was learned, or can't be baked.
pub(super) fn baked(userlands: &Userlands, engine: &Path, items: &[&Item]) -> Result<PathBuf> {
    let (shared, inside) = userlands.shared(FOLDER)?;
    let _ = fs::remove_dir_all(&shared);
    fs::create_dir(&shared)?;
    fs::copy(engine, shared.join("engine"))?;
    let [by, notes, to] =
        ["engine", "notes", "translations"].map(|name| format!("{inside}/{name}"));
    for item in items {
        eprintln!("{}, learned", item.name);
        let options = [&by, "--kept", &to, "--learn", &notes].map(|word| word as &str);
        let done = userlands.run_by_hand(engine, &options, item);
        if !done.status.success() {
            eprintln!("  {}: {}", done.status, done.stderr.trim_end());
        }
        if shared.join("notes").exists() {
            userlands
                .run_inside(engine, &[&by, "--translate", &notes, &to])
                .ok();
            fs::remove_file(shared.join("notes"))?;
        }
    }
    let mut baked = engine.as_os_str().to_owned();
    baked.push("-warm");
    let baked = PathBuf::from(baked);
    let translations = shared.join("translations");
    run(Command::new(engine)
        .arg("--bake")
        .args([&translations, &baked]))
    .context("nothing was learned that can be baked")?;
    fs::remove_dir_all(&shared)?;
    Ok(baked)
}
