//! An emulator that lies: it answers `--version` as QEMU does and passes every check of its file
//! (static, executable), and then emulates nothing. Only a proof finds it out.

use std::fs;
use std::process::Command;

use crate::{need, run, temporary};

const SOURCE: &str = r#"
#include <stdio.h>
int main(void) { puts("qemu-aarch64 version 99.0"); return 0; }
"#;

/// A folder with that emulator, for arm64, in it.
///
/// # Panics
/// When it can't be made.
#[must_use]
pub fn folder() -> tempfile::TempDir {
    let folder = temporary();
    let source = folder.path().join("liar.c");
    fs::write(&source, SOURCE).expect("the test's own files");
    let mut cc = Command::new(need::program("cc", "gcc"));
    cc.arg("-static")
        .arg("-o")
        .arg(folder.path().join("qemu-aarch64"));
    let _ = run(cc.arg(&source)).ok();
    folder
}
