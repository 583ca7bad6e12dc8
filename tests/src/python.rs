//! A Python virtual environment under `target/` with the checkers that are
//! listed, with their versions, in `tests/tools/requirements.txt`: the
//! Kubernetes API's schemas, and Helm's own engine as a library.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use crate::command::run;
use crate::{need, product};

/// A program of the virtual environment, which is made where it isn't yet.
///
/// # Panics
/// When Python is missing or the packages can't be fetched.
#[must_use]
pub fn tool(name: &str) -> Command {
    let folder = product::target_dir().join("venv");
    fs::create_dir_all(product::target_dir()).expect("the target folder can be made");
    let lock = File::create(product::target_dir().join(".venv.lock"))
        .expect("the target folder is writable");
    lock.lock().expect("a file of our own can be locked");
    let list = tools().join("requirements.txt");
    let wanted = fs::read_to_string(&list).expect("tests/tools/requirements.txt can be read");
    let stamp = folder.join("installed.txt");
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&wanted) {
        let python = need::program("python3", "python3-venv");
        run(Command::new(python)
            .args(["-m", "venv", "--clear"])
            .arg(&folder))
        .ok();
        run(Command::new(folder.join("bin/pip"))
            .args(["install", "--quiet", "--requirement"])
            .arg(&list))
        .ok();
        fs::write(&stamp, &wanted).expect("the virtual environment is writable");
    }
    Command::new(folder.join("bin").join(name))
}

/// The folder of the small scripts that the tests run.
#[must_use]
pub fn tools() -> PathBuf {
    product::workspace().join("tests/tools")
}
