//! Kills a command in place of one of its system calls, by strace, in a private
//! table; and looks whether the machine runs its own programs afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::{Done, PrivateTable, copy_program, need, product, run, temporary};

/// Where the table is.
pub const BINFMT: &str = "/proc/sys/fs/binfmt_misc";

/// Ways to write that the command must not take: what kills at `write` would miss
/// them.
const OTHER_WRITES: &str = "write,writev,pwrite64,pwritev,pwritev2,sendfile,splice,copy_file_range";

/// More calls of one kind than any command here makes. What is killed at each of them
/// fails after so many, in place of going on for ever.
pub const MOST: usize = 500;

/// The command, killed in place of the call of this kind that is the `nth` of
/// its thread; of those about these files only, where there are some.
#[must_use]
pub fn killed_at(
    table: &PrivateTable,
    call: &str,
    files: &BTreeSet<String>,
    nth: usize,
    args: &[&str],
) -> Command {
    // In the table's own namespaces, where the files have these paths.
    let mut strace = table.command(need::program("strace", "strace"));
    strace.args(["-f", "-qq", "-o", "/dev/null"]);
    strace.arg(format!("--trace={call}"));
    for file in files {
        strace.arg("-P").arg(file);
    }
    strace
        .arg(format!("--inject={call}:error=EIO:signal=KILL:when={nth}"))
        .arg(product::binary())
        .args(args);
    strace
}

/// The files of the table that a command writes to, in order. `log` is what
/// strace writes while `drive` runs the command.
///
/// # Panics
/// Where it writes by another call than `write`.
pub fn writes(table: &PrivateTable, args: &[&str], drive: impl FnOnce(Command)) -> Vec<String> {
    let folder = temporary();
    let log = folder.path().join("log");
    let mut strace = table.command(need::program("strace", "strace"));
    strace
        .args(["-f", "-qq", "-y", "-s", "9"])
        .arg(format!("--trace={OTHER_WRITES}"))
        .arg("-o")
        .arg(&log)
        .arg(product::binary())
        .args(args);
    drive(strace);
    let log = fs::read_to_string(&log).expect("strace's log");
    let files = log
        .lines()
        .filter(|line| line.contains(BINFMT))
        .map(|line| {
            let at = line.find(BINFMT).expect("just seen");
            let end = line[at..].find('>').expect("strace closes it") + at;
            assert!(
                line[..at].contains(" write("),
                "another way to write: {line}"
            );
            line[at..end].to_owned()
        });
    files.collect()
}

/// Requires that programs of 64 and of 32 bits run.
#[track_caller]
pub fn runs_its_own_programs(table: &PrivateTable, place: &str) {
    for (arch, word) in [("x86_64", "native"), ("i386", "32 bits")] {
        let program = product::workspace()
            .join("crates/proof/programs/bin")
            .join(arch);
        let done = run(table.command(executable(&program)).arg(word));
        assert!(done.stdout.contains("program"), "{place}: {done}");
    }
}

/// The command under test, in the table.
#[must_use]
pub fn armistice(table: &PrivateTable, args: &[&str]) -> Done {
    run(table.command(product::binary()).args(args))
}

/// The program as a file that may be executed, under a name that it prints.
fn executable(program: &Path) -> PathBuf {
    static MAKING: Mutex<()> = Mutex::new(());
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(temporary).path();
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let file = folder.join(format!("program-{name}"));
    let _one = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if !file.is_file() {
        copy_program(program, &file);
    }
    file
}
